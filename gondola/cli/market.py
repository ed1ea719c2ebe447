"""The market system at the terminal: run it, and say what came of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gondola.cli.display import console, live_crawl, rows_table, status_text
from gondola.logs import configure_logs
from gondola.settings import get_settings
from gondola.sources.stores import load_stores, select_stores
from gondola.sources.vtex import Fetcher, ProbeReport, probe

if TYPE_CHECKING:
    from tasks.report import MarketReport

__all__ = ["print_probe", "print_report", "probe_stores", "run_market"]


def run_market(
    business_date: date | None, stores: Sequence[str], regions: Sequence[str], *, live: bool, build: bool = True
) -> MarketReport:
    """Run the market flow in this process, with a live display where there is a terminal.

    Args:
        business_date: The day to crawl; today when None.
        stores: Store ids; none means every enabled store.
        regions: Region ids; none means every region.
        live: Whether a live display is wanted.
        build: Whether models are built and published after the crawl.

    Raises:
        ConfigurationError: A name or the date can't be used.
    """
    live = live and console.is_terminal
    configure_logs(get_settings(), stderr=not live)
    from flows.market import market
    from tasks.market import choose_stores

    chosen, day = choose_stores(get_settings(), stores, regions, business_date)
    with live_crawl(f"Crawling {len(chosen)} stores for {day}", enabled=live):
        state: Any = asyncio.run(
            market(business_date=day, stores=list(stores), regions=list(regions), build=build, return_state=True)  # type: ignore[arg-type]
        )
    report: MarketReport | BaseException = state.result(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    return report


def print_report(report: MarketReport) -> None:
    """Say what a market run came to, a line for each store-region."""
    rows = [
        (
            f"{run.supermarket}/{run.region}",
            status_text(run.status),
            f"{run.received:,}",
            f"{run.declared:,}" if run.declared is not None else "?",
            f"{run.requests:,}",
            f"{run.retries:,}",
            f"{run.seconds:.1f}",
        )
        for run in report.runs
    ]
    if rows:
        names = ("store/region", "status", "products", "declared", "requests", "retries", "seconds")
        console.print(rows_table(names, rows, title=f"Market run of {report.business_date}"))
    for scope, reason in report.failures.items():
        console.print(f"[red]failed[/] {scope}: {reason}", highlight=False)
    for scope in report.not_served:
        console.print(f"[dim]not served[/] {scope}: the store has no seller there", highlight=False)
    for scope, slices in report.incomplete.items():
        for item in slices:
            console.print(f"[yellow]incomplete[/] {scope}: {item}", highlight=False)
    if report.build_error:
        console.print(f"[red]models[/] {report.build_error}", highlight=False)
    console.print("Result:", status_text(report.status))


def probe_stores(names: Sequence[str]) -> list[ProbeReport]:
    """Ask stores what they answer to.

    Args:
        names: Store ids; none means every enabled store.
    """
    settings = get_settings()
    stores = select_stores(load_stores(settings.stores_file), names)

    async def ask() -> list[ProbeReport]:
        async with Fetcher(
            user_agent=settings.user_agent,
            timeout=timedelta(seconds=settings.request_timeout_seconds),
            max_connections=settings.max_connections,
            obey_robots=settings.obey_robots,
        ) as fetcher:
            return list(await asyncio.gather(*(probe(fetcher, store) for store in stores)))

    return asyncio.run(ask())


def _briefly(error: str) -> str:
    """The status of an HTTP error; the whole of any other."""
    status = re.search(r"HTTP \d{3}", error)
    return status.group() if status else error


def print_probe(report: ProbeReport) -> None:
    """Say what a store answers to, and which region method changes its prices."""
    channel = "" if report.sales_channel is None else f", sales channel {report.sales_channel}"
    console.print(f"[bold]{report.store}[/]{channel}", highlight=False)
    if report.error:
        console.print(f"  [red]{escape(report.error)}[/]", highlight=False)
    for family in report.families:
        answer = f"{family.total or 0:,} products" if family.error is None else f"no: {_briefly(family.error)}"
        console.print(f"  api {family.api:<8} {answer}", highlight=False)
    for region in report.regions:
        served = f"{len(region.sellers)} sellers, {region.region_id}" if region.sellers else "not served"
        found = region.error or served
        console.print(f"  region {region.region:<24} {escape(found)}", highlight=False)
    for method in report.methods:
        verdict = _briefly(method.error) if method.error else f"{method.changed} of {method.compared} products differ"
        between = " and ".join(method.regions)
        console.print(f"  {method.api:<8} {method.method:<16} {escape(verdict)} between {between}", highlight=False)
    console.print(
        f"  [bold]use[/] api: {report.recommended_api or '?'}, region_method: {report.recommended_method or 'none'}",
        highlight=False,
    )
