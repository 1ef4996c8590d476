"""The full-screen app: draws the state of the workbench, and passes the user's actions to it."""
