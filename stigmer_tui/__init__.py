"""The workbench for people who develop AI agents and workflows."""

from __future__ import annotations

__version__ = "0.1.0"
