"""The screens: the workbench itself, and what opens over it."""
