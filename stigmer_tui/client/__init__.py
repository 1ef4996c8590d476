"""Calls to a server: resolve, apply, create, cancel, follow, catalogue."""
