"""The physical product system at the terminal: `gondola run physical_product`, `gondola sandbox physical-product`."""

from __future__ import annotations

import json
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondola.cli import display
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from tasks.physical_product_report import PhysicalProductReport

__all__ = ["print_physical_product_report", "run_physical_product", "sandbox_physical_product"]


def run_physical_product(source: str | None, business_date: date | None) -> PhysicalProductReport:
    """Load what is new of a source, build the models and publish them.

    Args:
        source: Folder or URI of the files; the settings' when None.
        business_date: The day the run is recorded for; today when None.

    Raises:
        GondolaError: The source can't be read.
    """
    configure_logs(get_settings(), stderr=False)
    from flows.physical_product import physical_product

    state: Any = physical_product(source, business_date, return_state=True)
    report: PhysicalProductReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    return report


def print_physical_product_report(report: PhysicalProductReport) -> None:
    """Show what became of each file."""
    rows = [
        (file.name, display.status_text(file.status), f"{file.rows:,}", f"{file.rejected:,}", file.error or "")
        for file in report.files
    ]
    display.console.print(display.rows_table(("file", "status", "rows", "refused", "why"), rows))
    display.console.print(report.build_error or report.headline, highlight=False)


def sandbox_physical_product(
    out: Annotated[Path, typer.Option(help="Folder for the eight CSV files; made when missing.")],
    lines: Annotated[
        int, typer.Option(min=1, max=1_000_000_000, help="Order lines, about; the rest follows from them.")
    ] = 20_000,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days of trade.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2026,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, America/Sao_Paulo.")] = datetime(  # noqa: DTZ001
        2026, 1, 1
    ),
    faults: Annotated[int, typer.Option(min=0, help="How often each kind of bad row is planted.")] = 1,
    orphans: Annotated[int, typer.Option(min=0, help="How often each kind of reference leads nowhere.")] = 2,
    truth_file: Annotated[Path | None, typer.Option(help="Where the planted truths are written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make the files of a maker of physical goods: products, recipes, customers, orders, and what becomes of them."""
    from gondola.sandbox.physical_product import ProductWorld, write_truth

    begun = time.monotonic()
    world = ProductWorld(seed=seed, lines=lines, days=days, start=start.date(), faults=faults, orphans=orphans)
    made = world.write(out)
    if truth_file:
        write_truth(made.truth, truth_file)
    if as_json:
        display.print_document(json.dumps({"out": str(out), "rows": made.rows, "bytes": made.bytes}, indent=2))
        return
    for name, count in made.rows.items():
        display.console.print(f"  {out / name}.csv  {count:,} rows", highlight=False)
    display.console.print(
        f"{made.bytes / 1e6:,.1f} MB in {time.monotonic() - begun:.1f} s; load them with: "
        f"gondola run physical_product --source {out}",
        highlight=False,
        soft_wrap=True,
    )
