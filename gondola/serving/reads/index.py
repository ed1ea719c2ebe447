"""How the general level of prices moved, by a method of official statistics."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from gondola.analysis.price_index import geks_jevons
from gondola.errors import ConfigurationError
from gondola.serving.reads.answers import Answer
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import SHELVES, coverage, resolve_day, shelves

__all__ = ["PERIODS", "price_index"]

PERIODS = ("day", "week", "month")

# An item is a product of one store-region, so that stores that come and go move nothing; a barcode outlives its SKU.
_MEANS = f"""
with means as (
    select
        supermarket, region, coalesce(gtin, sku_id) as item, measurement_unit,
        date_trunc($period, price_date)::date as period, avg(ln(price::double)) as log_price
    from market.fct_prices_daily
    where
        price_date between $first and $last and price > 0 and {SHELVES}
        and ($department::varchar is null or department = $department)
    group by all
)
select
    dense_rank() over (order by supermarket, region, item, measurement_unit) - 1 as item, period, log_price
from means
"""
_DAYS = f"""
select
    date_trunc($period, price_date)::date as period, count(distinct price_date) as days,
    count(*) as runs, count(*) filter (where status = 'complete') as complete_runs
from market.fct_runs where is_day_winner and price_date between $first and $last and {SHELVES}
group by all order by all
"""
_SCHEMA = pa.schema(
    {
        "period": pa.date32(),
        "index": pa.float64(),
        "items": pa.int64(),
        "items_matched": pa.int64(),
        "share_matched": pa.float64(),
        "items_new": pa.int64(),
        "items_lost": pa.int64(),
        "prices_excluded": pa.int64(),
        "days": pa.int64(),
        "runs": pa.int64(),
        "complete_runs": pa.int64(),
        "is_provisional": pa.bool_(),
        "not_computable": pa.string(),
    }
)


def price_index(
    snapshot: Snapshot,
    *,
    period: str = "month",
    first: date | None = None,
    last: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
    department: str | None = None,
    minimum: int = 10,
) -> Answer:
    """A GEKS-Jevons index of the prices of a store, a region, a department, or everything.

    Args:
        snapshot: The version.
        period: `day`, `week` or `month`: what prices are averaged over (geometric) before they are compared.
        first: First day; the beginning by default.
        last: Last day, included; the newest by default.
        supermarket: One chain only.
        region: One region only.
        department: One department only, as the chain names it.
        minimum: Items that two periods must share at least.

    Returns:
        A row for each period with a run: `index` is 100 in the first, and null with a reason in `not_computable` where
        too little is shared. Items matched are those of the first period; `is_provisional` says that the last day
        lies in the period, whose figure is therefore still moving.

    Raises:
        UnknownNameError: There is no such store or region.
        ConfigurationError: There is no such period.
    """
    if period not in PERIODS:
        message = f"unknown period {period!r}; use {', '.join(PERIODS)}"
        raise ConfigurationError(message)
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, last)
    span = {"period": period, "first": first or date.min, "last": on}
    days = snapshot.rows(_DAYS, **span, **wanted)
    means = snapshot.table(_MEANS, **span, **wanted, department=department)
    periods = [row["period"] for row in days]
    prices = np.full((int(max(means["item"].to_numpy(), default=-1)) + 1, len(periods)), np.nan)
    place = {when: number for number, when in enumerate(periods)}
    columns = np.array([place[when] for when in means["period"].to_pylist()], dtype=np.int64)
    prices[means["item"].to_numpy(), columns] = np.exp(means["log_price"].to_numpy())
    rows = [
        {
            "period": row["period"],
            "index": point.index,
            "items": point.items,
            "items_matched": point.matched,
            "share_matched": point.matched / point.items if point.items else None,
            "items_new": point.new,
            "items_lost": point.lost,
            "prices_excluded": point.excluded,
            "days": row["days"],
            "runs": row["runs"],
            "complete_runs": row["complete_runs"],
            "is_provisional": row is days[-1],
            "not_computable": point.reason,
        }
        for row, point in zip(days, geks_jevons(prices, minimum=minimum) if days else (), strict=True)
    ]
    notes = ("method: GEKS-Jevons, window of 25 periods, mean splice on published figures; no quantities",)
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    return Answer(table, snapshot.version, coverage(snapshot, on, **wanted), notes=notes)
