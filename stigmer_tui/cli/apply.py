"""`apply`: from flags to a session without a screen."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.apply import apply_project
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project
from stigmer_tui.workbench.session import Session


def apply_headless(dry_run: bool, organization: str) -> int:
    session = Session(load_configuration(os.environ), working_folder(), SystemClock(), organization=organization)
    if not session.is_project:
        raise no_project(MAKE_A_PROJECT)
    output = TextOutput(sys.stdout, sys.stderr, Redactor(()))
    return asyncio.run(apply_project(session, dry_run, output, click.echo))
