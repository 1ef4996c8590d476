// Manifests as objects: what `deploy` is given becomes a file in the folder that STIGMER_OUT_DIR names, in which stigmer-tui reads it.

const { writeFileSync } = require("node:fs");
const { join } = require("node:path");

exports.agent = (name, { script, ...spec }) => ({
  kind: "Agent",
  metadata: { name, annotations: script ? { "stigmer-tui/script-file": script } : {} },
  spec,
});

exports.workflow = (name, { namespace, description, tasks }) => ({
  kind: "Workflow",
  metadata: { name },
  spec: { description, document: { dsl: "1.0.0", namespace, name, version: "0.1.0" }, tasks },
});

// A task that sets variables; numbers, lists and objects are expressions, so that they stay what they are.
exports.set = (name, values) => task(name, "SET", { variables: Object.fromEntries(Object.entries(values).map(variable)) });

// A task that asks an agent, and waits for its answer.
exports.call = (name, agent, message) => task(name, "AGENT_CALL", { agent: agent.metadata.name, message });

// The output of a task, or a field of it, as it will be when the workflow runs.
exports.output = (task, field) => `\${ $context["${task}"]${field ? `.${field}` : ""} }`;

exports.deploy = (...resources) => {
  // JSON is YAML, too. Without the folder the program was started by hand, and shows what it would write.
  const text = resources.map((resource) => JSON.stringify(resource, null, 2)).join("\n---\n");
  const folder = process.env.STIGMER_OUT_DIR;
  if (folder) writeFileSync(join(folder, "shop.yaml"), text);
  else console.log(text);
};

const task = (name, kind, config) => ({
  name,
  kind: `WORKFLOW_TASK_KIND_${kind}`,
  taskConfig: config,
  export: { as: "${.}" },
});

const variable = ([name, value]) => [name, typeof value === "string" ? value : `\${ ${JSON.stringify(value)} }`];
