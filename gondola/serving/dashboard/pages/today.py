"""What changed since yesterday: prices that moved, what came and went, what is on offer."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from gondola.serving.dashboard.parts.charts import heat_map, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose
from gondola.serving.dashboard.parts.header import about_market
from gondola.serving.dashboard.parts.market import choose_day, choose_store, with_shelf
from gondola.serving.dashboard.parts.notes import show_notes
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import changes, promotions

__all__ = ["show"]

_MOVES = [
    "kind", "supermarket", "region", "product_name", "brand", "previous_price", "price", "change_amount",
    "change_percent", "department",
]  # fmt: skip
_OFFERS = [
    "supermarket", "region", "product_name", "brand", "promotion", "price", "reference_price", "claimed_percent",
    "lowest_price_30_days", "percent_below_lowest", "verdict", "offer_since", "department",
]  # fmt: skip


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        store = choose_store(view)
        day = choose_day(view)
        kind = choose(
            text, "kind", changes.KINDS, label=text("filter.kind"), show=lambda kind: text.name_of("kind", kind)
        )
    summary = view.read(changes.summary, day=day, supermarket=store)
    about_market(view, summary.coverage)
    show_notes(text, summary.notes)
    offers = view.read(promotions.promotions, day=day, supermarket=store)
    _figures(view, summary.rows, offers.rows)
    _by_shelf(view, summary.rows)

    st.subheader(text("today.moves"), anchor=False)
    moves = view.read(changes.between, day=day, supermarket=store, kind=kind)
    show_table(view, moves.rows, "changes", title=text("today.moves"), columns=_MOVES)

    st.subheader(text("today.promotions"), anchor=False)
    show_notes(text, offers.notes)
    money = ("reference_price", "lowest_price_30_days")
    show_table(view, offers.rows, "promotions", title=text("today.promotions"), columns=_OFFERS, money=money)


def _figures(view: View, summary: pa.Table, offers: pa.Table) -> None:
    text = view.text
    totals = {kind: pc.sum(summary[kind]).as_py() for kind in changes.KINDS}
    figures = [Figure(text.name_of("kind", kind), text.number(total)) for kind, total in totals.items()]
    below = pc.sum(pc.equal(offers["verdict"], "below")).as_py() or 0
    figures.append(
        Figure(
            text("today.on_offer"),
            text.number(offers.num_rows),
            text("today.below_lowest", count=text.number(below)),
            help=text("today.on_offer_help"),
        )
    )
    show_figures(figures)


def _by_shelf(view: View, summary: pa.Table) -> None:
    """Which store moved how: a heat map of changes by kind."""
    text = view.text
    rows = [
        {"shelf": row["shelf"], "kind": text.name_of("kind", kind), "changes": row[kind]}
        for row in with_shelf(summary).to_pylist()
        for kind in changes.KINDS
    ]
    schema = pa.schema({"shelf": pa.string(), "kind": pa.string(), "changes": pa.int64()})
    table = pa.Table.from_pylist(rows, schema=schema)
    busiest = max(rows, key=lambda row: row["changes"], default=None)
    said = text("state.empty")
    if busiest:
        said = text(
            "today.by_shelf_summary",
            total=text.number(sum(row["changes"] for row in rows)),
            shelf=busiest["shelf"],
            kind=busiest["kind"].lower(),
            count=text.number(busiest["changes"]),
        )
    chart = heat_map(view, table, x="kind", y="shelf", value="changes", form="number")
    show_chart(view, chart, table, "changes_by_shelf", title=text("today.by_shelf"), summary=said)
