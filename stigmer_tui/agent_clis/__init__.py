"""External coding agents: any of their command lines on any task, with the same records of each run."""
