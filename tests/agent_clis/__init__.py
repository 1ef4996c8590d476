"""Coding agents of others."""
