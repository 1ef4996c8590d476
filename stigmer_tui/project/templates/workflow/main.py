"""A workflow that settles the orders of a small tea shop.

Change something while stigmer-tui is open, an order or a price, and save: the workflow runs again.
"""

from stigmer_tui.sdk import Workflow, env, jq, length

with Workflow("settle-orders", namespace="tea-shop", description="Settles the orders of the day") as flow:
    # A variable of the run, which Stigmer.yaml, .env or --runtime-env can set.
    currency = env("CURRENCY", default="EUR", description="Currency of the prices")

    shop = flow.set(
        "open-shop",
        orders=[
            {"customer": "Ada", "tea": "Assam", "grams": 250, "price": 12.5},
            {"customer": "Grace", "tea": "Gunpowder", "grams": 100, "price": 7},
            {"customer": "Linus", "tea": "Lapsang Souchong", "grams": 50, "price": 4.5},
        ],
    )

    # `shop.orders` is known only when the workflow runs. So a switch takes the place of `if` …
    with flow.switch("any-orders") as any_orders, any_orders.case(length(shop.orders) == 0):
        flow.set("quiet-day", summary="No orders today.")
        flow.end()

    # … and a loop of the workflow that of `for`. Afterwards, `invoices` is the list of what its turns gave.
    invoices = flow.for_each("write-invoices", shop.orders)
    with invoices as order:
        flow.wait("weigh", seconds=1)
        flow.set("invoice", text=f"{order.customer}: {order.grams} g of {order.tea}, {order.price} {currency}")

    # What Python has no word for, jq has: https://jqlang.org/manual/
    flow.set("result", invoices=jq("map(.text)", invoices), total=jq("map(.price) | add", shop.orders))
