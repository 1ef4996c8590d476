"""Commands: they read flags, call one function, and hold no logic."""
