// A small tea shop: a workflow that settles the orders of the day, and an agent that writes to the customers.
//
// Change something while stigmer-tui is open, and save: the workflow runs again.
package main

import (
	"fmt"
	"log"
	"strings"
)

type order struct {
	customer, tea string
	price         float64
}

func main() {
	host := Agent{
		Name:         "host",
		Description:  "Writes to the customers of the shop",
		Instructions: "You write to the customers of a small tea shop, in one warm sentence.",
		// What it says where no model is configured, so that all this works offline.
		Script: "scripts/host.yaml",
	}

	orders := []order{{"Ada", "Assam", 12.5}, {"Grace", "Gunpowder", 7}}
	var customers []string
	total := 0.0
	for _, order := range orders {
		customers = append(customers, order.customer)
		total += order.price
	}

	settle := Workflow{
		Name:        "settle-orders",
		Namespace:   "tea-shop",
		Description: "Settles the orders of the day",
		Tasks: []Task{
			Call("write-letter", host, fmt.Sprintf("Thank %s for their orders", strings.Join(customers, " and "))),
			Set("result", map[string]any{"total": total, "letter": Output("write-letter", "response")}),
		},
	}

	if err := Deploy(host, settle); err != nil {
		log.Fatal(err)
	}
}
