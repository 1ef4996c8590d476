"""The full-screen app. It draws the state of the workbench and hands it what the person wants."""
