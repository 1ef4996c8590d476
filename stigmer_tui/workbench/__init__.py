"""The session of a person at work: one state without widgets or printing. `tui` draws it, `headless` prints it."""
