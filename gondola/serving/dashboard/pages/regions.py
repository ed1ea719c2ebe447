"""Where within a chain the same product costs more."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from gondola.serving.dashboard.parts.charts import bars, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.header import about_market
from gondola.serving.dashboard.parts.market import choose_day, choose_store, with_shelf
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import comparisons, stores

__all__ = ["show"]

_STORES = [
    "supermarket_name", "region_name", "postal_code", "price_region", "products", "products_available",
    "last_complete_date", "is_up_to_date",
]  # fmt: skip


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        store = choose_store(view)
        day = choose_day(view)
    levels = view.read(comparisons.region_levels, day=day, supermarket=store)
    about_market(view, levels.coverage)
    differences = view.read(comparisons.region_differences, day=day, supermarket=store)
    shelves = view.read(stores.stores, supermarket=store)
    _figures(view, levels.rows, differences.rows, shelves.rows)
    _levels(view, levels.rows)
    st.subheader(text("regions.differences"), anchor=False)
    st.caption(text("regions.differences_help"))
    show_table(view, differences.rows, "region_differences", title=text("regions.differences"))
    st.subheader(text("regions.all"), anchor=False)
    show_table(view, shelves.rows, "stores", title=text("regions.all"), columns=_STORES)


def _figures(view: View, levels: pa.Table, differences: pa.Table, shelves: pa.Table) -> None:
    text = view.text
    rows = shelves.to_pylist()
    show_figures(
        [
            Figure(text("regions.chains"), text.number(len({row["supermarket"] for row in rows}))),
            Figure(text("regions.shelves"), text.number(len(rows))),
            Figure(
                text("regions.own_prices"),
                text.number(sum(not row["is_alias"] for row in rows)),
                help=text("regions.own_prices_help"),
            ),
            Figure(text("regions.compared"), text.number(levels.num_rows)),
            Figure(text("regions.differing"), text.number(differences.num_rows)),
        ]
    )


def _levels(view: View, levels: pa.Table) -> None:
    text = view.text
    table = with_shelf(levels)
    table = table.append_column("percent_from_mean", pc.subtract(table["level"].cast(pa.float64()), 100.0))
    rows = table.to_pylist()
    said = text("regions.none")
    if rows:
        dearest = max(rows, key=lambda row: row["level"])
        cheapest = min(rows, key=lambda row: row["level"])
        said = text(
            "regions.summary",
            dearest=dearest["shelf"],
            high=text.number(dearest["level"], 2),
            cheapest=cheapest["shelf"],
            low=text.number(cheapest["level"], 2),
        )
    chart = bars(view, table, value="percent_from_mean", name="shelf", form="decimal")
    show_chart(view, chart, table, "region_levels", title=text("regions.levels"), summary=said)
