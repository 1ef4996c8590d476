"""What a workflow definition means: typed tasks and their paths, expressions, checks."""
