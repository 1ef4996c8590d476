"""The screens: the workbench, and dialogs over it."""
