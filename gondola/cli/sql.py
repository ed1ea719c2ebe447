"""`gondola query` and `gondola export`: SQL, and whole tables, from the published copy or the lake's files."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gondola.cli import display
from gondola.errors import ConfigurationError
from gondola.serving.export import ExportFormat, export_table
from gondola.settings import get_settings

__all__ = ["export", "query"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
OnLake = Annotated[
    bool, typer.Option("--lake", help="Read the lake's files: gold by name, the rest by lake('bronze/…/*.parquet').")
]


class Format(StrEnum):
    """Forms of a query's answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def query(
    sql: Annotated[
        str | None, typer.Argument(help="One SQL statement that reads; without it a shell opens, or the input is read.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Form of the answer.")] = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="Most rows returned.")] = 1_000_000,
    lake: OnLake = False,
    as_json: AsJson = False,
) -> None:
    """Ask the published copy of the warehouse."""
    from gondola.serving.query import encode, run_query

    if sql is None and sys.stdin.isatty():
        from gondola.cli.shell import run_shell

        run_shell(get_settings(), lake=lake)
        return
    statement = sys.stdin.read() if sql is None else sql
    if not statement.strip():
        message = "there is no SQL to run: give a statement, pipe one in, or open the shell from a terminal"
        raise ConfigurationError(message)
    rows = run_query(get_settings(), statement, max_rows=limit, lake=lake)
    if as_json:
        form = Format.JSON
    if form is Format.TABLE:
        display.output.print(display.rows_table(rows.column_names, [tuple(row.values()) for row in rows.to_pylist()]))
        return
    sys.stdout.buffer.write(encode(rows, form.value))
    if form is Format.JSON:
        sys.stdout.write("\n")


def export(
    table: Annotated[str, typer.Argument(help="A table, as market.dim_products.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="Form of the file.")] = ExportFormat.CSV,
    out: Annotated[Path | None, typer.Option(help="The file; the table's name here by default.")] = None,
    lake: OnLake = False,
    as_json: AsJson = False,
) -> None:
    """Write a whole table to a file."""
    path = out or Path(f"{table}.{form.value}")
    made = export_table(get_settings(), table, path, form, lake=lake)
    if as_json:
        display.print_document(json.dumps(asdict(made), default=str, indent=2))
        return
    display.console.print(f"{made.path}: {made.rows:,} rows of {made.table}, {made.bytes:,} bytes", markup=False)
