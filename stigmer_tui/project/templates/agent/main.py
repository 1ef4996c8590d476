"""An agent that takes the orders of a small tea shop.

Change what it is told while stigmer-tui is open, and save: the next message goes to the new one.
"""

from stigmer_tui.sdk import Agent

# An agent is a model with instructions, and a folder of its own with tools to read, write and run things there.
# Where no model is configured its script is played, so all this works offline.
Agent(
    "clerk",
    description="Takes the orders of a small tea shop",
    instructions="You take the orders of a small tea shop. Write each into /orders.md, and confirm it in one sentence.",
    script="scripts/clerk.yaml",
)
