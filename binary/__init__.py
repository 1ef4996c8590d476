"""Builds the agent runner as one executable file, and installs it."""
