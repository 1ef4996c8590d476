"""Runs workflows: the interpreter, one file for each kind of task, and the engine it runs on."""
