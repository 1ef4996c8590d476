"""`doctor`: prints what a checkup finds, and mends what is safe to mend."""

from __future__ import annotations

import json
import os

import click

from stigmer_tui.cli.checkup import Finding, Setup, Verdict, run_checkup
from stigmer_tui.core.configuration import Configuration, load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, working_folder
from stigmer_tui.core.units import plural

SIGNS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.PROBLEM: "✗"}


def examine(mends: bool, as_json: bool) -> int:
    """Returns 1 when something does not work."""
    findings = _findings()
    if mends and any(finding.fix for finding in findings):
        for finding in findings:
            if finding.fix:
                finding.fix()
                if not as_json:
                    click.echo(f"✓ Mended: {finding.message}")
        findings = _findings()
    for finding in findings:
        click.echo(_json(finding) if as_json else _text(finding))
    problems = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    if not as_json:
        click.echo(f"\n{_summary(problems, sum(finding.verdict is Verdict.WARNING for finding in findings))}")
        if any(finding.fix for finding in findings):
            click.echo("What can be mended safely is mended by: stigmer-tui doctor --fix")
    return 1 if problems else 0


def _summary(problems: int, warnings: int) -> str:
    if problems:
        return f"{plural(problems, 'problem')} found"
    return f"Everything works; {plural(warnings, 'thing')} could be better" if warnings else "All is well"


def _findings() -> list[Finding]:
    broken = []
    home = Home.from_environment(os.environ)
    try:
        configuration = load_configuration(os.environ)
    except StigmerError as error:
        # Everything else can be looked at without it.
        broken = [Finding("configuration", Verdict.PROBLEM, error.message, error.advice)]
        configuration = Configuration(home)
    return [*broken, *run_checkup(Setup(configuration, working_folder(), os.environ))]


def _text(finding: Finding) -> str:
    line = f"{SIGNS[finding.verdict]} {finding.subject:<14}{finding.message}"
    return "\n".join([line, *(f"{'':16}{mend}" for mend in finding.mend.splitlines())])


def _json(finding: Finding) -> str:
    return json.dumps(
        {
            "subject": finding.subject,
            "verdict": finding.verdict,
            "message": finding.message,
            "mend": finding.mend,
            "can_fix": finding.fix is not None,
        },
        ensure_ascii=False,
    )
