"""`gondola docs`: the documentation of the data, as a site."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gondola.cli import display
from gondola.errors import ConfigurationError
from gondola.settings import get_settings

__all__ = ["docs"]

_MARKER = "dbt.html"


def docs(
    out: Annotated[Path | None, typer.Option(help="Folder of the site; beside the warehouse by default.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show it on this machine, until interrupted.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of --serve; 0 takes a free one.")] = 8610,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make the site: every table with owner, grain, example, columns and test results; lineage by dbt."""
    from gondola.serving.docs import build_docs, serve_docs

    settings = get_settings()
    folder = out or settings.warehouse.parent / "docs"
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        message = f"{folder} is not empty and was not made by this command; name another folder"
        raise ConfigurationError(message)
    made = build_docs(settings, folder)
    if as_json:
        display.print_document(json.dumps(asdict(made), default=str, indent=2))
    else:
        summary = f"{made.tables} tables, {made.tests} tests, {made.failed} failed"
        display.console.print(f"{made.path / 'index.html'}: {summary}", markup=False, highlight=False)
    if serve:
        serve_docs(folder, port, lambda address: display.console.print(f"Open {address}", markup=False))
