"""Retailers' sales at the terminal: run them, serve fake ones, and write tables for Athena."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from gondola.cli.display import console, print_document, rows_table, status_text
from gondola.logs import configure_logs
from gondola.settings import get_settings

if TYPE_CHECKING:
    from gondola.sandbox.retailers import RetailerSandbox
    from tasks.retail_report import RetailSalesReport

__all__ = ["athena_app", "print_retail_report", "run_retail_sales", "sandbox_retailers"]

_TRUTH_DAYS = 30

athena_app = typer.Typer(no_args_is_help=True, help="Amazon Athena on a lake that is on S3.")


def run_retail_sales(business_date: date | None, retailers: Sequence[str], *, build: bool = True) -> RetailSalesReport:
    """Run the retail_sales flow in this process.

    Args:
        business_date: The day; what is missing when None.
        retailers: Ids; all enabled ones when there are none.
        build: Whether the star schema is loaded, and its models built and published.

    Raises:
        ConfigurationError: The retailers file can't be used, or none is enabled.
    """
    configure_logs(get_settings())
    from flows.retail_sales import retail_sales

    state: Any = retail_sales(business_date, retailers, build=build, return_state=True)
    report: RetailSalesReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    return report


def print_retail_report(report: RetailSalesReport) -> None:
    """Say what a run came to, a line for each day of a retailer."""
    rows = [
        (
            run.retailer,
            run.day,
            status_text(run.status),
            run.pages,
            f"{run.lines:,}",
            f"{run.rejected:,}",
            run.retries,
            run.error or "",
        )
        for run in report.runs
    ]
    if rows:
        names = ("retailer", "day", "status", "pages", "lines", "refused", "retries", "why")
        console.print(rows_table(names, rows, title="Retail sales"))
    console.print(escape(report.headline), highlight=False)
    if report.build_error:
        console.print(f"[red]models[/] {escape(report.build_error)}", highlight=False)
    console.print("Result:", status_text(report.status))


def sandbox_retailers(
    port: Annotated[
        int, typer.Option(min=0, max=65000, help="First port; each retailer takes one; 0 for free ones.")
    ] = 8750,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sales.")] = 2026,
    sales: Annotated[int, typer.Option(min=2, help="Receipts of a retailer on an ordinary day, about.")] = 120,
    faults: Annotated[float, typer.Option(min=0, max=0.9, help="Share of answers that go wrong.")] = 0.0,
    page_size: Annotated[int, typer.Option(min=1, help="Most rows of a page.")] = 100,
    retailers_file: Annotated[Path, typer.Option(help="Where the matching retailers file is written.")] = Path(
        "sandbox-retailers.yaml"
    ),
    truth_file: Annotated[Path | None, typer.Option(help="Where what must come out is written.")] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the truth file; yesterday by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Serve three fake retailers, each with its own authentication, paging and format, until interrupted."""
    from gondola import clock
    from gondola.sandbox.retailers import RetailerSandbox, RetailWorld, run_retailers

    last = day.date() if day else clock.today() - timedelta(days=1)

    def announce(sandbox: RetailerSandbox) -> None:
        sandbox.write_retailers_file(retailers_file)
        if truth_file:
            sandbox.write_truth_file(truth_file, last - timedelta(days=_TRUTH_DAYS - 1), last)
        addresses = {one["id"]: one["base_url"] for one in sandbox.retailers_document()["retailers"]}
        if as_json:
            document = {"retailers": addresses, "environment": sandbox.environment, "retailers_file": retailers_file}
            print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))
            sys.stdout.flush()
            return
        for name, address in addresses.items():
            console.print(f"  {name:<8} {address}", highlight=False)
        secrets = " ".join(f"{name}={value}" for name, value in sandbox.environment.items())
        console.print(
            f"Fetch from them with: {secrets} GONDOLA_RETAILERS_FILE={retailers_file} "
            f"gondola run retail_sales --date {last}",
            highlight=False,
            soft_wrap=True,
        )

    world = RetailWorld(seed, sales=sales)
    run_retailers(RetailerSandbox(world, faults=faults, page_size=page_size, port=port), announce)


@athena_app.command("ddl", epilog="Example: gondola athena ddl --lake s3://my-bucket/gondola > tables.sql")
def athena_ddl(
    lake: Annotated[str | None, typer.Option(help="The lake on S3; GONDOLA_LAKE by default.")] = None,
    database: Annotated[str, typer.Option(help="The database the tables are made in.")] = "gondola",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write CREATE EXTERNAL TABLE for bronze, silver and gold of retail_sales, as they lie on the lake."""
    from gondola.sources.retailers import load_retailers
    from tasks.athena import athena_statements

    settings = get_settings()
    retailers = [one.id for one in load_retailers(settings.retailers_file)]
    statements = athena_statements(lake or settings.lake, retailers, database=database)
    if as_json:
        print_document(json.dumps(statements, ensure_ascii=False, indent=2))
        return
    print_document("\n\n".join(f"{statement};" for statement in statements.values()))
