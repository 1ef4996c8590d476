package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Agent is a model with instructions.
type Agent struct {
	Name, Description, Instructions string
	// Script is a file of what it says where no model is configured, relative to the project.
	Script string
}

// Workflow is a number of tasks, which run one after the other.
type Workflow struct {
	Name, Namespace, Description string
	Tasks                        []Task
}

// Task is a task of a workflow, as it stands in a manifest.
type Task map[string]any

// Set is a task that sets variables. Numbers, lists and maps become expressions, so that they stay what they are.
func Set(name string, values map[string]any) Task {
	variables := map[string]string{}
	for key, value := range values {
		text, isText := value.(string)
		if !isText {
			data, _ := json.Marshal(value)
			text = fmt.Sprintf("${ %s }", data)
		}
		variables[key] = text
	}
	return task(name, "SET", map[string]any{"variables": variables})
}

// Call is a task that asks an agent, and waits for its answer.
func Call(name string, agent Agent, message string) Task {
	return task(name, "AGENT_CALL", map[string]any{"agent": agent.Name, "message": message})
}

// Output is a field of the output of a task, as it will be when the workflow runs.
func Output(task, field string) string {
	return fmt.Sprintf(`${ $context["%s"].%s }`, task, field)
}

// Deploy writes manifests into the folder that STIGMER_OUT_DIR names, in which stigmer-tui reads them. Without it the
// program was started by hand, and prints them.
func Deploy(resources ...interface{ manifest() map[string]any }) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, resource := range resources {
		// JSON is YAML, too.
		text.WriteString("---\n")
		if err := encoder.Encode(resource.manifest()); err != nil {
			return err
		}
	}
	folder := os.Getenv("STIGMER_OUT_DIR")
	if folder == "" {
		_, err := os.Stdout.Write(text.Bytes())
		return err
	}
	return os.WriteFile(filepath.Join(folder, "shop.yaml"), text.Bytes(), 0o644)
}

func (agent Agent) manifest() map[string]any {
	annotations := map[string]string{}
	if agent.Script != "" {
		annotations["stigmer-tui/script-file"] = agent.Script
	}
	return map[string]any{
		"kind":     "Agent",
		"metadata": map[string]any{"name": agent.Name, "annotations": annotations},
		"spec":     map[string]any{"description": agent.Description, "instructions": agent.Instructions},
	}
}

func (workflow Workflow) manifest() map[string]any {
	document := map[string]any{
		"dsl": "1.0.0", "namespace": workflow.Namespace, "name": workflow.Name, "version": "0.1.0",
	}
	return map[string]any{
		"kind":     "Workflow",
		"metadata": map[string]any{"name": workflow.Name},
		"spec":     map[string]any{"description": workflow.Description, "document": document, "tasks": workflow.Tasks},
	}
}

func task(name, kind string, config map[string]any) Task {
	return Task{
		"name": name, "kind": "WORKFLOW_TASK_KIND_" + kind, "task_config": config, "export": map[string]any{"as": "${.}"},
	}
}
