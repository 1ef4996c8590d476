"""Malformed input of every kind, more than 300 of it: a clear error each time, and never a traceback."""
