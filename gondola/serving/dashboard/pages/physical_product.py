"""What a maker's products earn: sales, returns, quality, waste, margins."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.charts import bars, lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, period
from gondola.serving.dashboard.parts.header import about
from gondola.serving.dashboard.parts.states import not_loaded
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import NotBuiltError, operations, physical_product

__all__ = ["show"]

_MONEY = ("net_amount", "refund_amount", "margin_amount", "waste_cost", "margin_after_waste", "unit_cost", "lost_cost")


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    span = view.read(physical_product.days)
    if span is None:
        not_loaded(text, "physical_product")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = period(text, default="all", options=("30", "90", "365", "all"))
        categories = view.read(physical_product.categories)
        category = choose(text, "category", categories, label=text("column.category"))
    last = span[1]
    first = max(last - timedelta(days=days - 1), span[0]) if days else span[0]
    sales = view.read(physical_product.sales, first, last, category=category).rows
    _about(view, first, last, sales)
    waste = view.read(physical_product.waste, first, last, category=category).rows
    quality = view.read(physical_product.quality, first, last, category=category).rows
    _figures(view, sales, waste, quality)
    _monthly(view, view.read(physical_product.monthly, first, last, category=category).rows)
    st.subheader(text("physical_product.categories"), anchor=False)
    show_table(view, sales, "categories", title=text("physical_product.categories"), money=_MONEY)
    _returns(view, view.read(physical_product.returns, first, last, category=category).rows)
    _quality(view, quality)
    st.subheader(text("physical_product.waste"), anchor=False)
    show_table(view, waste, "waste", title=text("physical_product.waste"), money=_MONEY)
    st.subheader(text("physical_product.products"), anchor=False)
    st.caption(text("physical_product.products_help"))
    products = view.read(physical_product.products, category=category).rows
    show_table(view, products, "products", title=text("physical_product.products"), money=_MONEY)


def _about(view: View, first: date, last: date, sales: pa.Table) -> None:
    text = view.text
    runs: list[dict[str, Any]] = []
    with suppress(NotBuiltError):
        runs = view.read(operations.last_runs, system="physical_product").rows.to_pylist()
    missing = [
        text("about.run", scope=run["scope"], status=text.name_of("status", run["status"]))
        for run in runs
        if run["status"] != "complete"
    ]
    without = sum(row["lines_without_cost"] for row in sales.to_pylist())
    if without:
        missing.append(text("physical_product.without_cost", lines=text.number(without)))
    rejected = sum(run["rejected_rows"] or 0 for run in runs)
    if rejected:
        missing.append(text("events.rejected", rows=text.number(rejected)))
    received = sum(run["received_rows"] or 0 for run in runs)
    coverage = text.percent((received - rejected) / received if received else None)
    as_of = text("events.as_of", first=text.day(first), last=text.day(last))
    about(view, as_of=as_of, coverage=coverage, missing=missing)


def _figures(view: View, sales: pa.Table, waste: pa.Table, quality: pa.Table) -> None:
    text = view.text
    net, margin = _sum(sales, "net_amount"), _sum(sales, "margin_amount")
    units, returned = _sum(sales, "units"), _sum(sales, "returned_units")
    sample, defects = _sum(quality, "sample_size"), _sum(quality, "defects")
    show_figures(
        [
            Figure(text("column.net_amount"), text.money(net)),
            Figure(
                text("column.margin_amount"),
                text.money(margin),
                text.percent(_share(margin, net)),
                help=text("physical_product.margin_help"),
            ),
            Figure(text("column.return_share"), text.percent(_share(returned, units))),
            Figure(text("column.waste_cost"), text.money(_sum(waste, "waste_cost"))),
            Figure(text("column.defect_rate"), text.percent(_share(defects, sample), 2)),
        ]
    )


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


def _sum(table: pa.Table, column: str) -> Decimal | None:
    """Of all rows; unknown as soon as one of them is."""
    values = table[column].to_pylist()
    return None if not values or None in values else sum((Decimal(value) for value in values), Decimal(0))


def _monthly(view: View, rows: pa.Table) -> None:
    text = view.text
    long = [
        {"month": row["month"], "measure": text(f"column.{name}"), "amount": row[name]}
        for row in rows.to_pylist()
        for name in ("net_amount", "margin_amount", "refund_amount")
    ]
    schema = pa.schema({"month": pa.date32(), "measure": pa.string(), "amount": pa.decimal128(18, 2)})
    table = pa.Table.from_pylist(long, schema=schema)
    best = max(rows.to_pylist(), key=lambda row: row["net_amount"], default=None)
    said = text("state.empty")
    if best:
        said = text(
            "physical_product.monthly_summary",
            month=text.day(best["month"]),
            net=text.money(best["net_amount"]),
            margin=text.money(best["margin_amount"]),
        )
    chart = lines(view, table, x="month", y="amount", series="measure", form="money", zero=True)
    show_chart(view, chart, table, "monthly", title=text("physical_product.monthly"), summary=said)


def _returns(view: View, rows: pa.Table) -> None:
    text = view.text
    said = text("state.empty")
    if rows.num_rows:
        first = rows.slice(0, 1).to_pylist()[0]
        said = text("physical_product.returns_summary", reason=first["reason"], returns=text.number(first["returns"]))
    chart = bars(view, rows, value="returns", name="reason")
    show_chart(view, chart, rows, "returns", title=text("physical_product.returns"), summary=said)


def _quality(view: View, rows: pa.Table) -> None:
    text = view.text
    known = [row for row in rows.to_pylist() if row["defect_rate"] is not None]
    said = text("state.empty")
    if known:
        worst = max(known, key=lambda row: row["defect_rate"])
        said = text(
            "physical_product.quality_summary",
            month=text.day(worst["month"]),
            rate=text.percent(worst["defect_rate"], 2),
            inspections=text.number(sum(row["inspections"] for row in known)),
        )
    chart = lines(view, rows, x="month", y="defect_rate", form="percent", zero=True)
    show_chart(view, chart, rows, "quality", title=text("physical_product.quality"), summary=said)
