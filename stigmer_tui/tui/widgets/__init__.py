"""Widgets of our own; they are few, whatever there is to show."""
