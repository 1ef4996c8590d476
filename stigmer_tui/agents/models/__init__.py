"""Which model an agent uses, the way to it, and what its failures mean in words."""
