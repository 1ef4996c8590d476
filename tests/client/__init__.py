"""Clients against real servers: ours, one that comes back, and one that only speaks the existing API."""
