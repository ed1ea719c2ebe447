"""Deployments at the terminal."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gondola.cli import display
from gondola.logs import configure_logs
from gondola.settings import get_settings

__all__ = ["deploy"]

_COLOURS = {"created": "green", "changed": "yellow", "removed": "red", "skipped": "yellow", "unchanged": "dim"}


def deploy(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    pool_type: Annotated[
        str | None,
        typer.Option(
            help="Type of the work pool: process, docker, kubernetes or ecs. By default the one there is, or process."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a Prefect server hold our work pool, deployments, schedules and automations. Safe to repeat."""
    configure_logs(get_settings(), stderr=False)
    from deployments.declared import PoolType
    from deployments.deploy import deploy as deploy_project
    from gondola.errors import UnknownNameError

    try:
        chosen = PoolType(pool_type) if pool_type else None
    except ValueError:
        message = f"no work pool type {pool_type!r}; there are: {', '.join(PoolType)}"
        raise UnknownNameError(message) from None
    plan = deploy_project(pool_type=chosen, dry_run=dry_run)
    if as_json:
        display.print_document(json.dumps(plan.as_document(), ensure_ascii=False, indent=2))
        return
    for change in plan.changes:
        colour = _COLOURS[change.action]
        detail = f"  [dim]{change.detail}[/]" if change.detail else ""
        display.console.print(
            f"[{colour}]{change.action:<9}[/] {change.kind:<10} {change.name}{detail}", highlight=False, soft_wrap=True
        )
    made = len(plan.made)
    said = f"{made} changes {'to make' if dry_run else 'made'}" if made else "nothing to change"
    display.console.print(f"{said}. The server's pages: {plan.ui}", highlight=False, soft_wrap=True)
    if not dry_run:
        display.console.print(
            "Runs need a worker: prefect worker start --pool gondola", highlight=False, soft_wrap=True
        )
