"""Doors for other programs: editors, coding agents, and clients of model providers."""
