"""`gondola publish`: the published tables for tools that can't read them where they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from gondola.cli import display
from gondola.settings import get_settings

__all__ = ["publish_app"]

publish_app = typer.Typer(no_args_is_help=True, help="The published tables, for other databases.")


@publish_app.callback()
def _group() -> None:
    # Keeps `postgres` a word of its own while it is the only one.
    pass


@publish_app.command(epilog="Example: gondola publish postgres")
def postgres(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Copy every published table into the PostgreSQL of GONDOLA_POSTGRES_URL, all at once."""
    from storage.postgres import Postgres
    from storage.publish_postgres import publish_postgres

    settings = get_settings()
    made = publish_postgres(settings.warehouse, Postgres.of(settings))
    if as_json:
        display.print_document(json.dumps(asdict(made), indent=2))
        return
    rows = [(name, count) for name, count in made.tables.items()]
    display.output.print(display.rows_table(("table", "rows"), rows, title=f"version {made.version}, {made.database}"))
    if made.removed:
        display.console.print(f"removed: {', '.join(made.removed)}", markup=False)
