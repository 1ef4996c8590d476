"""The workbench for pipes and CI: lines for people, or JSON objects."""
