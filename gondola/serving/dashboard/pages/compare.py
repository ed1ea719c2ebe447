"""Which store is dearer: the same basket in each, and price levels by department."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import streamlit as st

from gondola.serving.dashboard.parts.charts import bars, heat_map, show_chart
from gondola.serving.dashboard.parts.filters import choose, write
from gondola.serving.dashboard.parts.header import about_market
from gondola.serving.dashboard.parts.market import choose_day
from gondola.serving.dashboard.parts.notes import show_notes
from gondola.serving.dashboard.parts.states import empty
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import comparisons

__all__ = ["show"]

_MOST_DEPARTMENTS = 20
_SPREAD = [
    "product_name", "brand", "lowest_price", "lowest_at", "highest_price", "highest_at", "spread_percent", "gtin",
]  # fmt: skip


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = choose_day(view)
        codes = write("basket", label=text("compare.basket_codes"), placeholder="7891000100103 7891000053508")
    gtins = [code for code in codes.replace(",", " ").replace(";", " ").split() if code]
    wrong = [code for code in gtins if not (code.isascii() and code.isdigit() and 7 <= len(code) <= 14)]
    if wrong:
        st.warning(text("compare.no_barcode", codes=", ".join(wrong)), icon=":material/barcode:")
    basket = view.read(comparisons.basket, gtins=sorted(set(gtins) - set(wrong)) or None, day=day)
    about_market(view, basket.totals.coverage)
    _basket(view, basket)
    _position(view, day)
    st.subheader(text("compare.elsewhere"), anchor=False)
    st.caption(text("compare.elsewhere_help"))
    levels = view.read(comparisons.position, day=day).rows
    departments = sorted({name for name in levels["department"].to_pylist() if name})
    department = choose(text, "department", departments, label=text("column.department"))
    spread = view.read(comparisons.elsewhere, day=day, department=department).rows
    show_table(view, spread, "spread", title=text("compare.elsewhere"), columns=_SPREAD)


def _basket(view: View, basket: comparisons.Basket) -> None:
    text = view.text
    totals = basket.totals.rows
    compared = [row for row in totals.to_pylist() if row["total"] is not None]
    said = text("compare.nothing_shared")
    if compared:
        said = text(
            "compare.basket_summary",
            products=text.number(compared[0]["items_compared"]),
            shelves=text.number(len(compared)),
            cheapest=compared[0]["shelf"],
            total=text.money(compared[0]["total"]),
            dearest=compared[-1]["shelf"],
            more=text.percent(compared[-1]["percent_above_cheapest"] / 100),
        )
    chart = bars(view, totals, value="total", name="shelf", form="money")
    show_chart(view, chart, totals, "basket", title=text("compare.basket"), summary=said)
    show_notes(text, basket.totals.notes)
    with st.expander(text("compare.items"), icon=":material/list:"):
        show_table(view, basket.items.rows, "basket_items", title=text("compare.items"))


def _position(view: View, day: date | None) -> None:
    text = view.text
    rows = view.read(comparisons.position, day=day).rows
    largest = _largest_departments(rows)
    kept = [
        {**row, "department": text("word.all") if row["is_total"] else row["department"]}
        for row in rows.to_pylist()
        if row["is_total"] or row["department"] in largest
    ]
    table = pa.Table.from_pylist(kept, schema=rows.schema).drop_columns(["is_total"])
    if not kept:
        st.subheader(text("compare.position"), anchor=False)
        empty(text)
        return
    overall = [row for row in kept if row["is_total"]]
    low, high = min(overall, key=lambda row: row["position"]), max(overall, key=lambda row: row["position"])
    said = text(
        "compare.position_summary",
        cheapest=low["supermarket"],
        low=text.number(low["position"], 1),
        dearest=high["supermarket"],
        high=text.number(high["position"], 1),
    )
    chart = heat_map(view, table, x="supermarket", y="department", value="position", form="decimal", middle=100)
    show_chart(view, chart, table, "position", title=text("compare.position"), summary=said)


def _largest_departments(rows: pa.Table) -> set[str]:
    sizes: dict[str, int] = {}
    for row in rows.to_pylist():
        if not row["is_total"] and row["department"]:
            sizes[row["department"]] = sizes.get(row["department"], 0) + row["products"]
    return set(sorted(sizes, key=lambda name: -sizes[name])[:_MOST_DEPARTMENTS])
