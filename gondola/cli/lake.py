"""`gondola lake`: move a lake to another place."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn

from gondola.cli.display import console, print_document, status_text
from gondola.settings import get_settings

if TYPE_CHECKING:
    from storage.copy import CopyReport

__all__ = ["lake_app"]

lake_app = typer.Typer(no_args_is_help=True, help="The place where all data lies.")
_MOST_NAMED = 20


@lake_app.callback()
def _group() -> None:
    """Keeps `copy` a command of its own while it is the only one."""


@lake_app.command(epilog="Example: gondola lake copy data s3://my-bucket/gondola")
def copy(
    source: Annotated[str, typer.Argument(help="The lake to copy: a folder, s3://… or az://…")],
    destination: Annotated[
        str, typer.Argument(help="The lake to fill; other content there is never replaced unasked.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to copy.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace objects of other content.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Copy every object of a lake to another place, checked by SHA-256; run again it goes on where it was ended."""
    from storage.copy import copy_lake, plan_copy
    from storage.lake import Lake

    lakes = Lake.open(source), Lake.open(destination)
    plan = plan_copy(*lakes)
    if dry_run:
        if as_json:
            print_document(json.dumps(asdict(plan), indent=2))
        else:
            console.print(
                f"{plan.objects:,} objects, {plan.bytes / 1e6:,.1f} MB, from {plan.source} to {plan.destination}; "
                f"{plan.present:,} seem to be there already",
                highlight=False,
            )
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console, disable=not console.is_terminal) as progress:
        objects = progress.add_task("objects", total=plan.objects, visible=False)
        moved = progress.add_task("copying", total=plan.bytes)

        def advance(size: int) -> None:
            progress.advance(objects)
            progress.advance(moved, size)

        report = copy_lake(*lakes, get_settings().spool, overwrite=overwrite, on_object=lambda e: advance(e.size))
    if as_json:
        print_document(json.dumps({"status": report.status} | asdict(report), indent=2))
    else:
        _print(report)
    sys.exit(0 if report.status == "complete" else 1)


def _print(report: CopyReport) -> None:
    console.print(
        f"{report.copied:,} objects copied ({report.bytes_copied / 1e6:,.1f} MB), {report.skipped:,} there already",
        highlight=False,
    )
    for name, keys, advice in (
        ("conflict", report.conflicts, "has other content at the destination; replace it with --overwrite"),
        ("vanished", report.vanished, "was deleted at the source meanwhile; run again"),
    ):
        for key in keys[:_MOST_NAMED]:
            console.print(f"[red]{name}[/] {key} {advice}", highlight=False)
        if len(keys) > _MOST_NAMED:
            console.print(f"[red]{name}[/] and {len(keys) - _MOST_NAMED:,} more", highlight=False)
    if report.uncommitted:
        console.print(f"{report.uncommitted:,} records were held back: what they speak of is not all there")
    console.print("Result:", status_text(report.status))
