"""The small shop's books: orders, payments, customers."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from gondola.serving.dashboard.parts.charts import bars, lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, period
from gondola.serving.dashboard.parts.header import about
from gondola.serving.dashboard.parts.states import not_loaded
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import NotBuiltError, jaffle_shop, operations

__all__ = ["show"]


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    span = view.read(jaffle_shop.days)
    if span is None:
        not_loaded(text, "jaffle_shop")
        return
    first, last = span
    statuses = view.read(jaffle_shop.statuses, first, last).rows["status"].to_pylist()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = period(text, default="all", options=("30", "90", "all"))
        status = choose(
            text, "status", statuses, label=text("column.status"), show=lambda name: text.name_of("status", name)
        )
    first = max(last - timedelta(days=days - 1), first) if days else first
    _about(view, text.day(last))
    orders = view.read(jaffle_shop.orders, first, last, status=status).rows
    _figures(view, orders)
    _weekly(view, view.read(jaffle_shop.weekly, first, last, status=status).rows)
    _payments(view, view.read(jaffle_shop.payment_methods, first, last, status=status).rows)
    st.subheader(text("jaffle_shop.orders"), anchor=False)
    show_table(view, orders, "orders", title=text("jaffle_shop.orders"))
    st.subheader(text("jaffle_shop.customers"), anchor=False)
    show_table(view, view.read(jaffle_shop.customers).rows, "customers", title=text("jaffle_shop.customers"))


def _about(view: View, as_of: str) -> None:
    """What the last load received and refused; without records of runs that is not known."""
    text = view.text
    runs = []
    with suppress(NotBuiltError):
        runs = view.read(operations.last_runs, system="jaffle_shop").rows.to_pylist()
    missing = [
        text("jaffle_shop.rejected", rows=text.number(run["rejected_rows"])) for run in runs if run["rejected_rows"]
    ]
    missing += [
        text("about.run", scope=run["scope"], status=text.name_of("status", run["status"]))
        for run in runs
        if run["status"] != "complete"
    ]
    coverage = text.percent(runs[0]["coverage"]) if runs else text.percent(None)
    about(view, as_of=as_of, coverage=coverage, missing=missing)


def _figures(view: View, orders: pa.Table) -> None:
    text = view.text
    amount = pc.sum(orders["amount"]).as_py()
    returned = sum(status == "returned" for status in orders["status"].to_pylist())
    show_figures(
        [
            Figure(text("column.orders"), text.number(orders.num_rows)),
            Figure(text("column.amount"), text.number(amount, 2)),
            Figure(
                text("jaffle_shop.per_order"), text.number(amount / orders.num_rows if orders.num_rows else None, 2)
            ),
            Figure(text("jaffle_shop.buyers"), text.number(len(set(orders["customer_id"].to_pylist())))),
            Figure(
                text("jaffle_shop.returned"),
                text.number(returned),
                text.percent(returned / orders.num_rows) if orders.num_rows else None,
            ),
        ]
    )


def _weekly(view: View, table: pa.Table) -> None:
    text = view.text
    best = max(table.to_pylist(), key=lambda row: row["amount"] or 0, default=None)
    said = text("state.empty")
    if best:
        said = text(
            "jaffle_shop.weekly_summary",
            week=text.day(best["week"]),
            amount=text.number(best["amount"], 2),
            orders=text.number(best["orders"]),
        )
    chart = lines(view, table, x="week", y="amount", form="decimal", zero=True)
    show_chart(view, chart, table, "weekly", title=text("jaffle_shop.weekly"), summary=said)


def _payments(view: View, rows: pa.Table) -> None:
    text = view.text
    named = [text.name_of("payment", method) for method in rows["payment_method"].to_pylist()]
    table = rows.set_column(0, "payment_method", pa.array(named, pa.string()))
    said = text("state.empty")
    if named:
        total = pc.sum(rows["amount"]).as_py()
        said = text(
            "jaffle_shop.payments_summary", method=named[0], share=text.percent(rows["amount"][0].as_py() / total)
        )
    chart = bars(view, table, value="amount", name="payment_method", form="decimal")
    show_chart(view, chart, table, "payments", title=text("jaffle_shop.payments"), summary=said)
