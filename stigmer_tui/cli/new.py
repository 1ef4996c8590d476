"""`new`: a project that runs."""

from __future__ import annotations

from pathlib import Path

import click

from stigmer_tui.project.scaffold import create_project


def make_project(name: str) -> int:
    folder = create_project(Path.cwd(), name)
    click.echo(f"✓ Made the project {folder}")
    click.echo(f"\nOpen it: stigmer-tui {name}")
    return 0
