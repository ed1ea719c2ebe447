"""`gondola report`: the Excel workbook of the last days."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gondola.cli import display
from gondola.serving.reports.texts import Language
from gondola.settings import get_settings

__all__ = ["report"]


def report(
    days: Annotated[int, typer.Option(min=1, max=366, help="Days it looks at, up to the newest.")] = 7,
    out: Annotated[Path | None, typer.Option(help="The file; gondola-report-DAY.xlsx here by default.")] = None,
    language: Annotated[Language, typer.Option(help="Its language.")] = Language.PORTUGUESE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write an Excel workbook: changes, offers, stores compared, unit prices, availability, data quality."""
    from gondola.errors import ConfigurationError
    from gondola.serving.reads import PublishedCopies, stores
    from gondola.serving.reports import write_report

    if out is not None and out.suffix.lower() != ".xlsx":
        message = f"--out {out}: a workbook ends in .xlsx"
        raise ConfigurationError(message)
    with PublishedCopies(get_settings()) as copies, copies.snapshot() as snapshot:
        path = out or Path(f"gondola-report-{stores.latest_day(snapshot) or 'empty'}.xlsx")
        made = write_report(snapshot, path, days=days, language=language)
    if as_json:
        display.print_document(json.dumps(asdict(made), default=str, ensure_ascii=False, indent=2))
        return
    sheets = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in made.rows.items())
    display.console.print(f"{made.path}: {made.since} to {made.day}; {sheets}", markup=False, highlight=False)
