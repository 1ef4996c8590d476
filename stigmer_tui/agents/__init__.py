"""Runs agents: models, tools, the sandbox, and the transcript that comes of them."""
