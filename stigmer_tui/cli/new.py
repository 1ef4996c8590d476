"""`new`: a project that runs."""

from __future__ import annotations

import click

from stigmer_tui.core.paths import working_folder
from stigmer_tui.project.scaffold import create_project


def make_project(name: str) -> int:
    folder = create_project(working_folder(), name)
    click.echo(f"✓ Made the project {folder}")
    click.echo(f"\nOpen it: stigmer-tui {name}")
    return 0
