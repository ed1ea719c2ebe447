"""Whether one can rely on all this: runs, freshness, checks, cost, storage, alerts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from gondola import clock
from gondola.errors import GondolaError
from gondola.serving.dashboard.parts import states
from gondola.serving.dashboard.parts.charts import bars, heat_map, lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, period
from gondola.serving.dashboard.parts.header import about
from gondola.serving.dashboard.parts.market import with_shelf
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.usage import views
from gondola.serving.dashboard.view import View
from gondola.serving.reads import NotBuiltError, Page, operations, prices
from gondola.serving.status import Status, read_status
from gondola.settings import Settings, get_settings

__all__ = ["show"]

_RUNS = 500
_ALERTS = pa.schema({name: pa.string() for name in ("severity", "rule", "subject", "since", "what")})
_LAST_RUNS = [
    "system", "supermarket", "region", "status", "finished_at", "coverage", "received_rows", "expected_rows",
    "rejected_rows", "requests", "throttled", "duration_seconds", "error",
]  # fmt: skip
# Where bands begin, in steps of ten to a factor of ten: at 1, about 2 and about 5.
_BAND_STARTS = ((0, 1), (3, 2), (7, 5))


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = period(text, default="7", options=("7", "30", "90")) or 90
        system = choose(
            text, "system", _systems(view), label=text("column.system"), show=lambda name: text.name_of("system", name)
        )
    last = view.read(operations.last_runs).rows
    shown = last.filter(pc.equal(last["system"], system)) if system else last
    status = _status(view, days)
    _about(view, last.to_pylist())
    if status is not None:
        _figures(view, status, last)
        _alerts(view, status)
    st.subheader(text("operations.last_runs"), anchor=False)
    show_table(view, shown, "last_runs", title=text("operations.last_runs"), columns=_LAST_RUNS)
    _checks(view, status)
    _shelves(view, days)
    st.subheader(text("operations.runs"), anchor=False)
    runs = view.read(operations.runs, system=system, page=Page(limit=_RUNS)).rows
    show_table(view, runs, "runs", title=text("operations.runs"), columns=[
        "system", "scope", "business_date", "started_at", "duration_seconds", "status", "received_rows",
        "expected_rows", "rejected_rows", "requests", "throttled", "error",
    ])  # fmt: skip
    _cost(view, days)
    if status is not None:
        _storage(view, status)
    _usage(view)


def _systems(view: View) -> list[str]:
    return sorted(set(view.read(operations.last_runs).rows["system"].to_pylist()))


def _status(view: View, days: int) -> Status | None:
    """What the lake says now; when it does not answer, the rest of the page still stands."""
    minute = clock.now().replace(second=0, microsecond=0)
    try:
        return _status_at(view.settings.lake, view.snapshot.version.name, days, minute, get_settings())
    except (GondolaError, OSError) as error:
        states.failed(view.text, error)
        return None


@st.cache_data(show_spinner=False, max_entries=4)
def _status_at(lake: str, version: str, days: int, minute: datetime, _settings: Settings) -> Status:  # noqa: ARG001
    """Remembered for a minute: runs and alerts change while the published copy does not."""
    return read_status(_settings, days=days)


def _about(view: View, last: list[dict[str, Any]]) -> None:
    text = view.text
    ended = max((run["finished_at"] for run in last), default=None)
    missing = [
        text("about.run", scope=run["scope"], status=text.name_of("status", run["status"]))
        for run in last
        if run["status"] != "complete"
    ]
    whole = sum(run["status"] == "complete" for run in last)
    coverage = text("operations.coverage", complete=text.number(whole), all=text.number(len(last)))
    about(view, as_of=text.moment(ended), coverage=coverage, missing=missing)


def _figures(view: View, status: Status, last: pa.Table) -> None:
    text = view.text
    now = clock.now()
    fresh = sum(scope.is_fresh(now) for scope in status.scopes)
    passed = status.transform.tests_passed if status.transform else None
    cost = sum((line.cost for line in status.ledger), start=0)
    show_figures(
        [
            Figure(
                text("operations.fresh"),
                text("product.of", some=text.number(fresh), all=text.number(len(status.scopes))),
                help=text("operations.fresh_help"),
            ),
            Figure(
                text("operations.success"),
                text.percent(status.success_rate),
                text("operations.of_runs", runs=text.number(status.runs)),
            ),
            Figure(text("operations.alerts"), text.number(len(status.alerts))),
            Figure(text("operations.tests"), text.number(passed), help=text("operations.tests_help")),
            Figure(text("operations.storage"), text.size(sum(status.storage_bytes.values()))),
            Figure(text("operations.cost"), text.number(cost, 2), help=text("operations.cost_help")),
            Figure(text("operations.rejected"), text.number(pc.sum(last["rejected_rows"]).as_py())),
        ]
    )


def _alerts(view: View, status: Status) -> None:
    text = view.text
    st.subheader(text("operations.alerts"), anchor=False)
    if not status.alerts:
        st.success(text("operations.no_alerts"), icon=":material/check_circle:")
        return
    rows = [{name: str(asdict(alert)[name]) for name in _ALERTS.names} for alert in status.alerts]
    table = pa.Table.from_pylist(rows, schema=_ALERTS)
    show_table(view, table, "alerts", title=text("operations.alerts"))


def _checks(view: View, status: Status | None) -> None:
    text = view.text
    st.subheader(text("operations.checks"), anchor=False)
    transform = status.transform if status else None
    if transform is not None:
        said = text(
            "operations.transform",
            status=text.name_of("status", transform.status),
            ended=text.moment(transform.finished_at),
            passed=text.number(transform.tests_passed),
        )
        (st.success if transform.status == "complete" else st.error)(said, icon=":material/rule:")
        for failure in transform.failures:
            st.code(failure, language=None)
    checks = view.read(operations.last_checks).rows
    if checks.num_rows:
        show_table(view, checks, "checks", title=text("operations.checks"))
    else:
        st.caption(text("operations.no_checks"))


def _shelves(view: View, days: int) -> None:
    """How many products each store-region listed, and where its prices lie; only where there is a market."""
    text = view.text
    try:
        counts = view.read(prices.product_counts, days=days).rows
        spread = view.read(prices.price_distribution, days=days).rows
    except NotBuiltError:
        return
    table = with_shelf(counts).select(["price_date", "shelf", "products", "products_available", "run_status"])
    newest = table.filter(pc.equal(table["price_date"], pc.max(table["price_date"])))
    said = text(
        "operations.products_summary",
        products=text.number(pc.sum(newest["products"]).as_py()),
        shelves=text.number(newest.num_rows),
        day=text.day(pc.max(table["price_date"]).as_py()),
    )
    chart = lines(view, table, x="price_date", y="products", series="shelf")
    show_chart(view, chart, table, "product_counts", title=text("operations.products"), summary=said)
    bands = _bands(view, spread)
    middle = max(bands.to_pylist(), key=lambda row: row["share"] or 0, default=None)
    said = text("state.empty")
    if middle:
        said = text(
            "operations.spread_summary",
            store=middle["supermarket"],
            share=text.percent(middle["share"]),
            band=middle["band"],
        )
    chart_of_bands = heat_map(view, bands, x="supermarket", y="band", value="share")
    show_chart(view, chart_of_bands, bands, "price_bands", title=text("operations.spread"), summary=said)


def _bands(view: View, spread: pa.Table) -> pa.Table:
    """Of each chain's prices on its newest day, which share lies in each band, by products."""
    rows = spread.to_pylist()
    newest: dict[str, Any] = {}
    for row in rows:
        newest[row["supermarket"]] = max(newest.get(row["supermarket"], row["price_date"]), row["price_date"])
    counts: dict[tuple[int, str], int] = {}
    for row in rows:
        if row["price_date"] == newest[row["supermarket"]]:
            place = (_band_of(row["step"]), row["supermarket"])
            counts[place] = counts.get(place, 0) + row["products"]
    totals: dict[str, int] = {}
    for (_, store), count in counts.items():
        totals[store] = totals.get(store, 0) + count
    found = [
        {
            "band": view.text(
                "operations.band",
                low=view.text.money(_start_of(band)),
                high=view.text.money(_start_of(band + 1)),
            ),
            "supermarket": store,
            "products": count,
            "share": count / totals[store],
        }
        for (band, store), count in sorted(counts.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]
    schema = pa.schema({"band": pa.string(), "supermarket": pa.string(), "products": pa.int64(), "share": pa.float64()})
    return pa.Table.from_pylist(found, schema=schema)


def _band_of(step: int) -> int:
    decade, rest = divmod(step, 10)
    return decade * len(_BAND_STARTS) + sum(rest >= start for start, _ in _BAND_STARTS) - 1


def _start_of(band: int) -> float:
    decade, place = divmod(band, len(_BAND_STARTS))
    return float(_BAND_STARTS[place][1]) * 10.0**decade


def _cost(view: View, days: int) -> None:
    text = view.text
    st.subheader(text("operations.ledger"), anchor=False)
    st.caption(text("operations.ledger_help"))
    show_table(view, view.read(operations.ledger, days=days).rows, "ledger", title=text("operations.ledger"))


def _storage(view: View, status: Status) -> None:
    text = view.text
    rows = [{"area": area, "megabytes": size / 1e6} for area, size in status.storage_bytes.items()]
    table = pa.Table.from_pylist(rows, schema=pa.schema({"area": pa.string(), "megabytes": pa.float64()}))
    said = text(
        "operations.storage_summary",
        total=text.size(sum(status.storage_bytes.values())),
        lake=status.lake,
        measured=text.moment(status.storage_at),
    )
    chart = bars(view, table, value="megabytes", name="area", form="decimal")
    show_chart(view, chart, table, "storage", title=text("operations.storage"), summary=said)


def _usage(view: View) -> None:
    text = view.text
    st.subheader(text("operations.usage"), anchor=False)
    st.caption(text("operations.usage_help"))
    show_table(view, views(view.settings), "usage", title=text("operations.usage"))
