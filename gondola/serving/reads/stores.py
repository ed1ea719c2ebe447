"""Stores and their regions: which there are, how fresh, and how much of a day was seen."""

from __future__ import annotations

from datetime import date
from typing import Any

from gondola.errors import UnknownNameError
from gondola.serving.reads.answers import Answer, Coverage
from gondola.serving.reads.copies import Snapshot

__all__ = ["LINKS", "SHELVES", "coverage", "days", "first_day", "latest_day", "resolve_day", "shelves", "stores"]

# Rows of a store-region; a region that has the prices of another is looked up under that one's name.
SHELVES = """(supermarket, region) in (
    select (supermarket, price_region) from market.dim_stores
    where
        ($supermarket::varchar is null or supermarket = $supermarket)
        and ($region::varchar is null or region = $region)
)"""

# Pages of products; some stores give addresses without the shop's own.
LINKS = """(
    select
        products.supermarket, products.sku_id,
        case when starts_with(products.link, '/') then shops.base_url || products.link else products.link end as link
    from market.dim_products as products
    left join (
        select supermarket, any_value(rtrim(base_url, '/') order by region) as base_url
        from market.dim_stores group by supermarket
    ) as shops on products.supermarket = shops.supermarket
)"""

_STORES = """
select
    supermarket, region, supermarket_name, region_name, base_url, postal_code, price_region, is_alias,
    first_run_date, last_run_date, last_complete_date, last_received_at, runs, products, products_available,
    last_complete_date = (select max(price_date) from market.fct_runs where is_day_winner) as is_up_to_date
from market.dim_stores
where ($supermarket::varchar is null or supermarket = $supermarket)
order by supermarket, region
"""
# A shelf that ever answered is expected on every day since it was first asked.
_COVERAGE = f"""
with shelves as (
    select supermarket, region from market.dim_stores
    where not is_alias and last_received_at is not null and first_run_date <= $day and {SHELVES}
)
select
    shelves.supermarket || '/' || shelves.region as shelf, runs.status, runs.received_products, runs.expected_products
from shelves
left join market.fct_runs as runs
    on shelves.supermarket = runs.supermarket and shelves.region = runs.region
    and runs.price_date = $day and runs.is_day_winner
order by shelf
"""
_DAYS = f"""
select
    price_date, supermarket, region, status, coverage, received_products, expected_products, written_skus,
    rejected_skus, duration_seconds, finished_at, error
from market.fct_runs
where is_day_winner and price_date between $first and $last and {SHELVES}
order by price_date, supermarket, region
"""


def stores(snapshot: Snapshot, *, supermarket: str | None = None) -> Answer:
    """Every store-region with its name, place and freshness.

    Args:
        snapshot: The version.
        supermarket: One chain only.
    """
    day = latest_day(snapshot)
    rows = snapshot.table(_STORES, supermarket=supermarket)
    return Answer(rows, snapshot.version, coverage(snapshot, day, supermarket=supermarket))


def latest_day(snapshot: Snapshot) -> date | None:
    """The newest day that any store was crawled; None when nothing ever was."""
    found: date | None = snapshot.rows("select max(price_date) as day from market.fct_runs where is_day_winner")[0][
        "day"
    ]
    return found


def first_day(snapshot: Snapshot) -> date | None:
    """The oldest day that any store was crawled; None when nothing ever was."""
    found: date | None = snapshot.rows("select min(price_date) as day from market.fct_runs where is_day_winner")[0][
        "day"
    ]
    return found


def resolve_day(snapshot: Snapshot, day: date | None) -> date:
    """The day asked for, or the newest; the beginning of time when there is none at all."""
    return day or latest_day(snapshot) or date.min


def shelves(snapshot: Snapshot, supermarket: str | None, region: str | None) -> dict[str, Any]:
    """The parameters of `SHELVES`.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted = {"supermarket": supermarket, "region": region}
    if supermarket is None and region is None:
        return wanted
    found = snapshot.rows(f"select count(*) as n from market.dim_stores where {SHELVES}", **wanted)
    if not found[0]["n"]:
        known = snapshot.rows("select supermarket || '/' || region as shelf from market.dim_stores order by 1")
        asked = "/".join(name for name in (supermarket, region) if name)
        message = f"no store-region {asked!r}; known: {', '.join(row['shelf'] for row in known)}"
        raise UnknownNameError(message)
    return wanted


def coverage(
    snapshot: Snapshot, day: date | None, *, supermarket: str | None = None, region: str | None = None
) -> Coverage:
    """How much of a day was seen.

    Args:
        snapshot: The version.
        day: The day; None when there is none.
        supermarket: One chain only.
        region: One region only.
    """
    found = snapshot.rows(_COVERAGE, day=day, supermarket=supermarket, region=region) if day else []
    seen = [row for row in found if row["status"] is not None]
    declared = [row["expected_products"] for row in seen]
    return Coverage(
        day=None if day == date.min else day,
        shelves=len(found),
        complete=tuple(row["shelf"] for row in seen if row["status"] == "complete"),
        partial=tuple(row["shelf"] for row in seen if row["status"] == "partial"),
        missing=tuple(row["shelf"] for row in found if row["status"] is None),
        received_products=sum(row["received_products"] or 0 for row in seen),
        declared_products=sum(declared) if declared and None not in declared else None,
    )


def days(
    snapshot: Snapshot, first: date, last: date, *, supermarket: str | None = None, region: str | None = None
) -> Answer:
    """Each store-region's day, as its winning run left it; days without a row were not seen.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        supermarket: One chain only.
        region: One region only.
    """
    wanted = shelves(snapshot, supermarket, region)
    rows = snapshot.table(_DAYS, first=first, last=last, **wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, last, **wanted))
