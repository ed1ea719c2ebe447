"""What retailers sold: by day, store, category and product."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.charts import bars, lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, period
from gondola.serving.dashboard.parts.header import about
from gondola.serving.dashboard.parts.states import not_loaded
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import retail_sales

__all__ = ["show"]


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    span = view.read(retail_sales.days)
    if span is None:
        not_loaded(text, "retail_sales")
        return
    names = view.read(retail_sales.retailers)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = period(text, options=("7", "30", "90", "365", "all"))
        retailer = choose(
            text, "retailer", list(names), label=text("column.retailer_id"), show=lambda name: names.get(name) or name
        )
    last = span[1]
    first = max(last - timedelta(days=days - 1), span[0]) if days else span[0]
    daily = view.read(retail_sales.daily, first, last, retailer=retailer).rows
    _about(view, first, last, retailer)
    _figures(view, daily)
    _trend(view, daily)
    _categories(view, view.read(retail_sales.categories, first, last, retailer=retailer).rows)
    st.subheader(text("retail_sales.stores"), anchor=False)
    show_table(
        view, view.read(retail_sales.stores, retailer=retailer).rows, "stores", title=text("retail_sales.stores")
    )
    st.subheader(text("retail_sales.products"), anchor=False)
    products = view.read(retail_sales.products, retailer=retailer).rows
    show_table(view, products, "products", title=text("retail_sales.products"))


def _about(view: View, first: date, last: date, retailer: str | None) -> None:
    """Which retailers' days came whole; one without a load, or a partial one, is named."""
    text = view.text
    loads = view.read(retail_sales.loads, first, last, retailer=retailer).rows.to_pylist()
    status = {(row["retailer_id"], row["business_date"]): row["status"] for row in loads}
    names = [retailer] if retailer else list(view.read(retail_sales.retailers))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    missing = [
        text("retail_sales.day", retailer=name, day=text.day(day), status=text.name_of("status", found))
        for name in names
        for day in days
        if (found := status.get((name, day), "missing")) != "complete"
    ]
    whole = len(names) * len(days) - len(missing)
    coverage = text("retail_sales.coverage", seen=text.number(whole), all=text.number(len(names) * len(days)))
    as_of = text("events.as_of", first=text.day(first), last=text.day(last))
    about(view, as_of=as_of, coverage=coverage, missing=missing)


def _figures(view: View, daily: pa.Table) -> None:
    text = view.text
    rows = daily.to_pylist()
    sales = sum((row["sales_amount"] for row in rows), Decimal(0))
    receipts = sum(row["transactions"] for row in rows)
    show_figures(
        [
            Figure(text("column.sales_amount"), text.number(sales, 2)),
            Figure(text("column.transactions"), text.number(receipts)),
            Figure(text("column.average_ticket"), text.number(sales / receipts if receipts else None, 2)),
            Figure(text("column.units"), text.number(sum((row["units"] for row in rows), Decimal(0)))),
        ]
    )


def _trend(view: View, daily: pa.Table) -> None:
    text = view.text
    table = daily.select(["day", "retailer_name", "sales_amount"])
    best = max(table.to_pylist(), key=lambda row: row["sales_amount"], default=None)
    said = text("state.empty")
    if best:
        said = text(
            "retail_sales.trend_summary",
            retailer=best["retailer_name"],
            day=text.day(best["day"]),
            amount=text.number(best["sales_amount"], 2),
        )
    chart = lines(view, table, x="day", y="sales_amount", series="retailer_name", form="decimal", zero=True)
    show_chart(view, chart, table, "daily_sales", title=text("retail_sales.trend"), summary=said)


def _categories(view: View, rows: pa.Table) -> None:
    text = view.text
    said = text("state.empty")
    if rows.num_rows:
        first = rows.slice(0, 1).to_pylist()[0]
        said = text("retail_sales.categories_summary", category=first["category"], share=text.percent(first["share"]))
    chart = bars(view, rows, value="sales_amount", name="category", form="decimal")
    show_chart(view, chart, rows, "categories", title=text("retail_sales.categories"), summary=said)
