"""`gondola demo`: the sandbox's stores crawled for two days, modelled, and shown."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.panel import Panel

from gondola import clock
from gondola.cli.display import console, print_document, rows_table
from gondola.cli.market import print_report, run_market
from gondola.errors import ConfigurationError
from gondola.logs import configure_logs
from gondola.sandbox import Sandbox, World
from gondola.sandbox.events import EventWorld
from gondola.sandbox.jaffle_shop import JaffleShop
from gondola.sandbox.physical_product import ProductWorld, write_truth
from gondola.sandbox.retailers import RetailerSandbox
from gondola.serving.summary import Summary, summarize_day
from gondola.settings import get_settings

if TYPE_CHECKING:
    from tasks.event_report import EventsReport
    from tasks.jaffle_shop import JaffleShopReport
    from tasks.physical_product_report import PhysicalProductReport
    from tasks.report import MarketReport
    from tasks.retail_report import RetailSalesReport

__all__ = ["run_demo"]

# Far enough into the world that each kind of planted truth has happened.
_DAYS_BEFORE = 16
_FAULTS = 0.02
_EVENTS = 20_000
_EVENT_DAYS = 14
_ORDER_LINES = 10_000
_ORDER_DAYS = 40
_MARKER = ".gondola-demo"


def run_demo(home: Path, *, as_json: bool) -> int:
    """Make the demo's world anew and show what Gondola makes of it.

    Args:
        home: The demo's own folder; what an earlier demo left there is removed.
        as_json: Whether to print one JSON document instead of tables.

    Returns:
        The exit code: 0 when both days were crawled completely and the models are green, 1 when something
        failed, 3 when something is missing.
    """
    _make_empty(home)
    today = clock.today()
    world = World(epoch=today - timedelta(days=_DAYS_BEFORE), outages=False)
    reports: list[MarketReport] = []
    shops = _load_own_shops(home, today, as_json=as_json)
    with Sandbox(world=world, faults=_FAULTS, day=_DAYS_BEFORE - 1) as sandbox:
        sandbox.write_stores_file(get_settings().stores_file)
        sandbox.write_truth_file(home / "truth.json", _DAYS_BEFORE - 1, _DAYS_BEFORE)
        console.print(
            f"[bold]Gondola demo[/]: {len(world.stores)} fake supermarkets on this machine, "
            f"{world.products:,} products each, {_FAULTS:.0%} of answers go wrong.",
            highlight=False,
        )
        for day in (_DAYS_BEFORE - 1, _DAYS_BEFORE):
            sandbox.set_day(day)
            last = day == _DAYS_BEFORE
            reports.append(run_market(sandbox.date, [], [], live=not as_json, build=False))
            if not as_json:
                _say_what_came(reports[-1], last=last)
    if reports[-1].status == "failed":
        print_report(reports[-1])
        return 1
    _build_all(as_json=as_json)
    summary = summarize_day(get_settings(), today)
    if as_json:
        runs = [report.as_document() for report in reports] + [report.as_document() for report in shops]
        document = {"runs": runs, "summary": asdict(summary)}
        print_document(json.dumps(document, default=str, ensure_ascii=False, indent=2))
    else:
        _print(summary, home)
    return 0 if all(report.status == "complete" for report in reports) else 3


def _load_own_shops(
    home: Path, today: date, *, as_json: bool
) -> tuple[EventsReport, JaffleShopReport, RetailSalesReport, PhysicalProductReport]:
    """What firms know of themselves: a web shop's events, a small shop's books, chains' sales and a maker's files."""
    configure_logs(get_settings(), stderr=False)
    from flows.events import events
    from flows.jaffle_shop import jaffle_shop

    start = today - timedelta(days=_EVENT_DAYS)
    EventWorld(events=_EVENTS, days=_EVENT_DAYS, start=start).write(home / "events")
    state: Any = events(str(home / "events"), build=False, return_state=True)
    clicks: EventsReport = state.result()
    JaffleShop().write(home / "shop")
    books = jaffle_shop(str(home / "shop"), build=False)
    sales = _fetch_retailers(today)
    goods = _load_maker(home, today)
    if not as_json:
        loaded = (
            f"{clicks.valid:,} events of a web shop, {sum(books.rows.values()):,} rows of a jaffle shop, "
            f"{sum(run.lines for run in sales.runs):,} lines of three retailers' receipts, "
            f"{goods.valid:,} rows of a maker of goods"
        )
        console.print(f"  {'own data':<9} {loaded}", highlight=False)
    return clicks, books, sales, goods


def _load_maker(home: Path, today: date) -> PhysicalProductReport:
    """Forty days of a maker of goods, up to yesterday."""
    from flows.physical_product import physical_product

    maker = ProductWorld(lines=_ORDER_LINES, days=_ORDER_DAYS, start=today - timedelta(days=_ORDER_DAYS))
    write_truth(maker.write(home / "maker").truth, home / "maker-truth.json")
    state: Any = physical_product(str(home / "maker"), build=False, return_state=True)
    report: PhysicalProductReport = state.result()
    return report


def _fetch_retailers(today: date) -> RetailSalesReport:
    """Yesterday and the day before, from three retailers that are as unwell as the supermarkets."""
    from flows.retail_sales import retail_sales

    days = [today - timedelta(days=2), today - timedelta(days=1)]
    with RetailerSandbox(faults=_FAULTS) as retailers:
        retailers.write_retailers_file(get_settings().retailers_file)
        os.environ |= retailers.environment
        state: Any = retail_sales(days=days, build=False, return_state=True)
        report: RetailSalesReport = state.result()
    return report


def _build_all(*, as_json: bool) -> None:
    from flows.transform import transform

    built = transform(["market", "events", "jaffle_shop", "retail_sales", "physical_product"])
    if not as_json:
        console.print(
            f"  {'models':<9} {built.passed} builds and tests green in {built.seconds:.0f} s", highlight=False
        )


def _make_empty(home: Path) -> None:
    if home.exists():
        if any(home.iterdir()) and not (home / _MARKER).exists():
            message = f"{home} is not empty and was not made by the demo; move it away"
            raise ConfigurationError(message)
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / _MARKER).touch()


def _say_what_came(report: MarketReport, *, last: bool) -> None:
    products = sum(run.received for run in report.runs)
    retries = sum(run.retries for run in report.runs)
    seconds = max((run.seconds for run in report.runs), default=0.0)
    name = "today" if last else "yesterday"
    console.print(
        f"  {name:<9} {report.status}: {products:,} products from {len(report.runs)} store-regions in "
        f"{seconds:.0f} s, {retries} requests tried again",
        highlight=False,
    )


def _print(summary: Summary, home: Path) -> None:
    def show(title: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            table = rows_table(list(rows[0]), [tuple(row.values()) for row in rows], title=title)
            console.print(Padding(table, (1, 0, 0, 0)))

    show(f"The shelves on {summary.business_date}", summary.stores)
    console.print(
        f"Since yesterday {summary.gone} products left the shelves and {summary.sold_out} sold out.", highlight=False
    )
    show("Biggest moves since yesterday", summary.moves)
    show("Same barcode, other price", summary.spread)
    show("Your web shop, day by day", summary.events)
    show("The jaffle shop's orders", summary.orders)
    here = home.parent.parent
    command = "gondola" if shutil.which("gondola") else _short(Path(sys.argv[0]).absolute(), here)
    lines = [
        f"[bold]The lake[/]       {_short(home / 'lake', here)}   Parquet, any engine reads it",
        f"[bold]The warehouse[/]  {_short(get_settings().warehouse, here)}   DuckDB; readers open the published copy",
        f"[bold]The truth[/]      {_short(home / 'truth.json', here)}   what was planted, to check the answers against",
        "",
        f"[bold]Next[/]           {command} --demo dashboard      the same in a browser",
        f"               {command} --demo status",
        f'               {command} --demo query "select * from market.fct_price_changes limit 20"',
        f'               {command} --demo query "select * from shared.fct_price_position limit 20"',
        f"               {command} stores list          the real stores; then: {command} run market --store bistek",
    ]
    console.print(Padding(Panel("\n".join(lines), expand=False, border_style="dim"), (1, 0, 0, 0)), highlight=False)


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
