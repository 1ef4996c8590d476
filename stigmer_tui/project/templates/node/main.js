// A small tea shop: a workflow that settles the orders of the day, and an agent that writes to the customers.
// Change something while stigmer-tui is open, and save: the workflow runs again.

const { agent, call, deploy, output, set, workflow } = require("./manifests");

const host = agent("host", {
  description: "Writes to the customers of the shop",
  instructions: "You write to the customers of a small tea shop, in one warm sentence.",
  // What it says where no model is configured, so that all this works offline.
  script: "scripts/host.yaml",
});

const orders = [
  { customer: "Ada", tea: "Assam", price: 12.5 },
  { customer: "Grace", tea: "Gunpowder", price: 7 },
];
const customers = orders.map((order) => order.customer).join(" and ");

const settle = workflow("settle-orders", {
  namespace: "tea-shop",
  description: "Settles the orders of the day",
  tasks: [
    call("write-letter", host, `Thank ${customers} for their orders`),
    set("result", {
      total: orders.reduce((sum, order) => sum + order.price, 0),
      letter: output("write-letter", "response"),
    }),
  ],
});

deploy(host, settle);
