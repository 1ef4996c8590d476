"""`new`: a project that runs."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import click

from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.terminal import can_ask
from stigmer_tui.project.project_file import load_project
from stigmer_tui.project.project_keys import Runtime
from stigmer_tui.project.scaffold import TEMPLATES, Template, check_name, create_project, template_named


def make_project(name: str, template: str) -> int:
    """Raises click.Abort where the person does not want to choose a template."""
    # Before anything is asked.
    check_name(working_folder(), name)
    folder = create_project(working_folder(), name, template_named(template) if template else _chosen())
    click.echo(f"✓ Made the project {folder}")
    if missing := _missing_program(folder):
        click.echo(f"⚠️  It needs {missing}, which is not on your PATH")
    click.echo(f"\nOpen it: stigmer-tui {name}")
    return 0


def _chosen() -> Template:
    """The first one where there is nobody to ask."""
    if not can_ask():
        return TEMPLATES[0]
    from stigmer_tui.cli.choice import Option, choose

    options = [Option(template.name, f"{template.name} - {template.description}") for template in TEMPLATES]
    chosen = asyncio.run(choose("Select template", options))
    if chosen is None:
        raise click.Abort
    return TEMPLATES[chosen]


def _missing_program(folder: Path) -> str:
    """What runs the project and is not there; empty where it is."""
    project = load_project(folder)
    program = {Runtime.GO: "go", Runtime.COMMAND: next(iter(project.command), "")}.get(project.runtime, "")
    return "" if not program or shutil.which(program) else program
