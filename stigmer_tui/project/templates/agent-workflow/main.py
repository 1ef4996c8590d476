"""A small tea shop: a workflow that settles the orders of the day, and two agents.

Change something while stigmer-tui is open, an order or a text, and save: the workflow runs again.
"""

from stigmer_tui.sdk import Agent, SubAgent, Workflow, jq, length

# An agent is a model with instructions. Where no model is configured its script is played, so all this works offline.
host = Agent(
    "host",
    description="Writes to the customers of the shop",
    instructions="You write to the customers of a small tea shop: warm, short, in Markdown.",
    script="scripts/host.yaml",
)

# This one is for you to talk to. Like every agent it has a folder of its own, with tools to read, write and run things.
Agent(
    "note-keeper",
    description="Keeps your notes",
    instructions="You keep the notes of a small tea shop, each in a file in /notes. Have it proofread first.",
    script="scripts/note-keeper.yaml",
    # Another agent, to which it can hand something: in a conversation of its own, of which it gets the last message.
    sub_agents=[
        SubAgent(
            "proofreader", description="Corrects texts", instructions="Correct the text, and answer with it alone."
        )
    ],
)

with Workflow("settle-orders", namespace="tea-shop", description="Settles the orders of the day") as flow:
    shop = flow.set(
        "open-shop",
        orders=[
            {"customer": "Ada", "tea": "Assam", "grams": 250},
            {"customer": "Grace", "tea": "Gunpowder", "grams": 100},
            {"customer": "Linus", "tea": "Lapsang Souchong", "grams": 50},
        ],
    )

    # `shop.orders` is known only when the workflow runs. So a switch takes the place of `if` …
    with flow.switch("any-orders") as any_orders, any_orders.case(length(shop.orders) == 0):
        flow.set("quiet-day", summary="No orders today.")
        flow.end()

    # … and a loop of the workflow that of `for`. Afterwards, `parcels` is the list of what its turns gave.
    parcels = flow.for_each("pack-orders", shop.orders)
    with parcels as order:
        flow.wait("weigh", seconds=1)
        flow.set("pack", label=f"{order.grams} g of {order.tea} for {order.customer}", grams=order.grams)

    # What Python has no word for, jq has: https://jqlang.org/manual/
    labels = jq(r'map("- " + .label) | join("\n")', parcels)
    letter = flow.call_agent("write-letter", host, message=f"Thank our customers for these orders:\n\n{labels}")

    flow.set("result", parcels=length(parcels), grams=jq("map(.grams) | add", parcels), letter=letter.response)
