"""One product: found by name or barcode, its price over time by store and region, and the same one elsewhere."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from gondola.errors import UnknownNameError
from gondola.serving.dashboard.parts.charts import lines, show_chart
from gondola.serving.dashboard.parts.figures import Figure, show_figures
from gondola.serving.dashboard.parts.filters import choose, choose_one, write
from gondola.serving.dashboard.parts.header import about_market
from gondola.serving.dashboard.parts.market import choose_store, with_shelf
from gondola.serving.dashboard.parts.states import empty
from gondola.serving.dashboard.parts.tables import show_table
from gondola.serving.dashboard.view import View
from gondola.serving.reads import Page, Snapshot, prices, products, stores

__all__ = ["show"]

_FOUND = 50
_AVAILABILITY_DAYS = 30
_RESULTS = [
    "supermarket", "product_name", "brand", "lowest_price", "highest_price", "unit_price", "price_unit",
    "regions_available", "regions_listed", "gtin", "category", "link",
]  # fmt: skip
_OFFERS = [
    "supermarket_name", "region_name", "product_name", "status", "price", "unit_price", "price_unit", "list_price",
    "promotion_kind", "since", "seen_date", "link",
]  # fmt: skip


def show(view: View) -> None:
    """Draw the page."""
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = write("q", label=text("product.search"), placeholder=text("product.example"))
        store = choose_store(view)
    found = view.read(products.search, words, supermarket=store, page=Page(limit=_FOUND))
    about_market(view, found.coverage)
    chosen = _choose(view, found.rows)
    if chosen is None and not found.rows.num_rows:
        empty(text)
    elif chosen is None:
        st.subheader(text("product.found"), anchor=False)
        if found.next_cursor:
            st.caption(text("product.more", count=text.number(_FOUND)))
        show_table(
            view, found.rows, "products", title=text("product.found"), columns=_RESULTS,
            links={"link": text("word.open")},
        )  # fmt: skip
    else:
        _show_product(view, *chosen)


def _choose(view: View, rows: pa.Table) -> tuple[str, str] | None:
    """One of the products that were found, or the one that the address names."""
    names = {
        f"{row['supermarket']}:{row['sku_id']}": " · ".join(
            part for part in (row["product_name"] or row["sku_id"], row["supermarket"], _span(view, row)) if part
        )
        for row in rows.to_pylist()
    }
    asked = st.query_params.get("product")
    if asked and asked not in names:
        names |= _named(view, asked)
    chosen = choose(
        view.text, "product", list(names), label=view.text("product.choose"), show=lambda name: names.get(name, name)
    )
    if chosen is None:
        return None
    store, _, sku = chosen.partition(":")
    return store, sku


def _named(view: View, asked: str) -> dict[str, str]:
    """A product of a link that the words did not find; none when there is no such product."""
    store, _, sku = asked.partition(":")
    try:
        row = view.read(products.product, store, sku).rows.to_pylist()[0]
    except UnknownNameError:
        return {}
    return {asked: f"{row['product_name'] or sku} · {store}"}


def _span(view: View, row: dict[str, Any]) -> str:
    lowest = row["lowest_price"]
    return view.text.money(lowest) if lowest is not None else ""


def _show_product(view: View, store: str, sku: str) -> None:
    text = view.text
    row = view.read(products.product, store, sku).rows.to_pylist()[0]
    offers = view.read(products.offers, store, sku)
    st.subheader(row["product_name"] or sku, anchor=False)
    parts = [row["brand"], row.get("category_path") or row["department"], row["gtin"]]
    st.caption(" · ".join(part for part in parts if part))
    _figures(view, row, offers.rows)
    _history(view, store, sku)
    st.subheader(text("product.offers"), anchor=False)
    show_table(
        view, offers.rows, "offers", title=text("product.offers"), columns=_OFFERS, links={"link": text("word.open")}
    )
    _availability(view, store, sku)


def _figures(view: View, row: dict[str, Any], offers: pa.Table) -> None:
    text = view.text
    priced = [offer for offer in offers.to_pylist() if offer["price"] is not None]
    cheapest = priced[0] if priced else None
    unit = next((offer for offer in priced if offer["unit_price"] is not None), None)
    listed = sum(offer["status"] != "gone" for offer in offers.to_pylist())
    show_figures(
        [
            Figure(
                text("product.cheapest"),
                text.money(cheapest["price"] if cheapest else None),
                cheapest and f"{cheapest['supermarket']}/{cheapest['region']}",
            ),
            Figure(text("product.dearest"), text.money(priced[-1]["price"] if priced else None)),
            Figure(
                text("product.unit_price"),
                text.money(unit["unit_price"] if unit else None),
                unit and text("product.per_unit", unit=unit["price_unit"]),
                help=text("product.unit_price_help"),
            ),
            Figure(
                text("product.sold_in"),
                text("product.of", some=text.number(len(priced)), all=text.number(listed)),
                help=text("product.sold_in_help"),
            ),
        ]
    )
    if row["gtin"] is None:
        st.caption(text("product.no_barcode"))


def _history(view: View, store: str, sku: str) -> None:
    text = view.text
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = choose_one(
            text, "where", ("chain", "everywhere"), label=text("product.where"), default="everywhere",
            show=lambda name: text(f"product.{name}"), buttons=True,
        )  # fmt: skip
        measure = choose_one(
            text, "measure", ("price", "unit_price"), label=text("filter.measure"), default="price",
            show=lambda name: text(f"column.{name}"), buttons=True,
        )  # fmt: skip
    last = view.read(stores.latest_day) or date.min
    spans = view.read(prices.history, store, sku, everywhere=where == "everywhere")
    table = _points(spans.rows, measure, last)
    known = [value for value in table[measure].to_pylist() if value is not None]
    said = text("product.no_history")
    if known:
        said = text(
            "product.history_summary",
            first=text.day(min(table["day"].to_pylist())),
            last=text.day(last),
            lowest=text.money(min(known)),
            highest=text.money(max(known)),
            shelves=text.number(len(set(table["shelf"].to_pylist()))),
        )
    chart = lines(view, table, x="day", y=measure, series="shelf", form="money")
    show_chart(view, chart, table, "history", title=text("product.history"), summary=said)


def _points(spans: pa.Table, measure: str, last: date) -> pa.Table:
    """A point where each span of days begins and where it ends, so that lines between them are level."""
    rows = []
    for span in with_shelf(spans).to_pylist():
        end = min((span["valid_to"] - timedelta(days=1)) if span["valid_to"] else last, last)
        rows += [
            {"day": day, "shelf": span["shelf"], measure: span[measure], "status": span["status"]}
            for day in sorted({span["valid_from"], max(end, span["valid_from"])})
        ]
    schema = pa.schema({"day": pa.date32(), "shelf": pa.string(), measure: pa.decimal128(18, 4), "status": pa.string()})
    return pa.Table.from_pylist(rows, schema=schema)


def _availability(view: View, store: str, sku: str) -> None:
    text = view.text
    answer = view.read(_availability_of, store, sku)
    st.subheader(text("product.availability"), anchor=False)
    st.caption(text("product.availability_help", days=text.number(_AVAILABILITY_DAYS)))
    show_table(view, answer, "availability", title=text("product.availability"))


def _availability_of(snapshot: Snapshot, store: str, sku: str) -> pa.Table:
    """The rows of one SKU: what is remembered is small."""
    rows = prices.availability(snapshot, days=_AVAILABILITY_DAYS, supermarket=store).rows
    columns = ["region", "days_available", "days_listed", "days_observed", "availability", "last_available_date"]
    return rows.filter(pc.equal(rows["sku_id"], sku)).select(columns)
