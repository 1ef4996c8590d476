"""Where an agent works: a folder that it cannot leave, and commands that end with all that they started."""
