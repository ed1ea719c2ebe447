"""`gondola sandbox events`: a web shop's event files, offline."""

from __future__ import annotations

import json
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gondola.cli import display

__all__ = ["sandbox_events"]


class EventFormat(StrEnum):
    """Forms of event files."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def sandbox_events(
    out: Annotated[Path, typer.Option(help="Folder for the files; made when missing.")],
    events: Annotated[int, typer.Option(min=1, max=1_000_000_000, help="Rows in all files together.")] = 100_000,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days, one file each.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2026,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, America/Sao_Paulo.")] = datetime(  # noqa: DTZ001
        2026, 1, 1
    ),
    form: Annotated[EventFormat, typer.Option("--format", help="Form of the event files.")] = EventFormat.JSONL,
    compress: Annotated[bool, typer.Option("--gzip", help="Compress files of text.")] = False,
    bad_share: Annotated[float, typer.Option(min=0, max=0.5, help="Share of rows that are broken.")] = 0.0,
    late_share: Annotated[float, typer.Option(min=0, max=0.5, help="Share that arrives days later.")] = 0.01,
    duplicate_share: Annotated[float, typer.Option(min=0, max=0.5, help="Share that is sent twice.")] = 0.005,
    truth_file: Annotated[Path | None, typer.Option(help="Where the planted truths are written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a web shop's events, catalogue and user profiles, with truths planted in them."""
    from gondola.sandbox.events import EventWorld, Rates, write_truth

    begun = time.monotonic()
    rates = Rates(late=late_share, duplicate=duplicate_share, bad=bad_share)
    world = EventWorld(seed=seed, events=events, days=days, start=start.date(), rates=rates)
    made = world.write(out, form.value, compress=compress)
    if truth_file:
        write_truth(made.truth, truth_file)
    if as_json:
        summary = {"out": str(out), "files": len(made.files), "rows": made.rows, "bytes": made.bytes}
        display.print_document(json.dumps(summary | {"truth_file": str(truth_file) if truth_file else None}, indent=2))
        return
    display.console.print(
        f"{made.rows:,} rows in {len(made.files)} files ({made.bytes / 1e6:,.1f} MB) in "
        f"{time.monotonic() - begun:.1f} s: {out}",
        highlight=False,
    )
