"""One file for each agent."""
