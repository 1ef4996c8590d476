"""Commands: read flags and call one function, without logic of their own."""
