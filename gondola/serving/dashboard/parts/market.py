"""Filters that the pages about stores share."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from gondola.serving.dashboard.parts.filters import choose, choose_one
from gondola.serving.dashboard.view import View
from gondola.serving.reads import stores

__all__ = ["choose_day", "choose_store", "store_names", "with_shelf"]

_DAYS_BACK = 120


def store_names(view: View) -> dict[str, str]:
    """What each chain is called, by id.

    Args:
        view: The page.
    """
    rows = view.read(stores.stores).rows
    return dict(zip(rows["supermarket"].to_pylist(), rows["supermarket_name"].to_pylist(), strict=True))


def choose_store(view: View) -> str | None:
    """One chain, or None for all.

    Args:
        view: The page.
    """
    names = store_names(view)
    return choose(
        view.text, "store", list(names), label=view.text("filter.store"), show=lambda store: names.get(store) or store
    )


def choose_day(view: View) -> date | None:
    """A day that was crawled, the newest by default; None when none was.

    Args:
        view: The page.
    """
    newest = view.read(stores.latest_day)
    if newest is None:
        return None
    seen = view.read(stores.days, newest - timedelta(days=_DAYS_BACK), newest).rows["price_date"]
    days = sorted({str(day) for day in pc.unique(seen).to_pylist()}, reverse=True)
    chosen = choose_one(
        view.text,
        "day",
        days,
        label=view.text("filter.day"),
        default=days[0],
        show=lambda day: view.text.day(date.fromisoformat(day)),
    )
    return date.fromisoformat(chosen)


def with_shelf(table: pa.Table) -> pa.Table:
    """Add a column `shelf`, such as serra/default.

    Args:
        table: Rows with `supermarket` and `region`.
    """
    shelf = pc.binary_join_element_wise(table["supermarket"], table["region"], "/")
    return table.append_column("shelf", shelf)
