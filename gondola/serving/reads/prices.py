"""Prices over time and on a day: history, what is on the shelf, how often it could be bought, how prices spread."""

from __future__ import annotations

from datetime import date, timedelta

from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import LINKS, SHELVES, coverage, resolve_day, shelves
from gondola.serving.reads.unit_prices import with_unit_prices

__all__ = ["availability", "history", "price_distribution", "product_counts", "shelf"]

_HISTORY = """
with asked as (
    select supermarket, sku_id, gtin from market.dim_products
    where supermarket = $of_supermarket and sku_id = $sku_id
),
same as (
    select distinct products.* from asked
    inner join market.dim_products as products
        on (products.supermarket = asked.supermarket and products.sku_id = asked.sku_id)
        or ($everywhere::boolean and products.gtin = asked.gtin)
)
select
    prices.supermarket, prices.region, prices.sku_id, same.product_name, prices.valid_from, prices.valid_to,
    prices.status, prices.is_available, prices.price, prices.list_price, prices.price_without_discount,
    prices.promotion_kind, prices.promotion_minimum_quantity, same.measurement_unit, same.unit_multiplier,
    same.sku_name
from market.tru_price as prices
inner join same on prices.supermarket = same.supermarket and prices.sku_id = same.sku_id
where
    prices.valid_from <= $last and (prices.valid_to is null or prices.valid_to > $first)
    and (prices.supermarket, prices.region) in (
        select (supermarket, price_region) from market.dim_stores
        where $region::varchar is null or (supermarket = $of_supermarket and region = $region)
    )
order by prices.supermarket, prices.region, prices.sku_id, prices.valid_from
"""
_SHELF = f"""
with shelf as (
    select
        supermarket, region, sku_id, product_id, product_name, sku_name, brand, department, category, gtin,
        measurement_unit, unit_multiplier, is_available, price, list_price, price_without_discount, promotion_kind,
        promotion_minimum_quantity, run_status
    from market.fct_prices_daily
    where
        price_date = $day and {SHELVES}
        and ($department::varchar is null or department = $department)
)
select shelf.*, links.link
from shelf left join {LINKS} as links
    on shelf.supermarket = links.supermarket and shelf.sku_id = links.sku_id
order by shelf.supermarket, shelf.region, shelf.sku_id
"""
# Of the days a store-region was seen whole: on the others, what is not shown may still be there.
_AVAILABILITY = f"""
with days as (
    select supermarket, region, count(*) as days from market.fct_runs
    where is_day_winner and status = 'complete' and price_date between $first and $last and {SHELVES}
    group by all
),
seen as (
    select
        supermarket, region, sku_id, any_value(product_name order by price_date desc) as product_name,
        any_value(brand order by price_date desc) as brand,
        any_value(department order by price_date desc) as department,
        count(*) as days_listed, count(*) filter (where is_available) as days_available,
        max(price_date) filter (where is_available) as last_available_date, max(price_date) as last_listed_date
    from market.fct_prices_daily
    where run_status = 'complete' and price_date between $first and $last and {SHELVES}
    group by supermarket, region, sku_id
)
select
    seen.*, days.days as days_observed,
    cast(seen.days_available / days.days as decimal(9, 4)) as availability
from seen inner join days on seen.supermarket = days.supermarket and seen.region = days.region
order by availability, seen.supermarket, seen.region, seen.sku_id
"""
_COUNTS = f"""
select
    price_date, supermarket, region, run_status, count(*) as products,
    count(*) filter (where is_available) as products_available,
    count(*) filter (where promotion_kind is not null or price < list_price) as products_on_offer
from market.fct_prices_daily
where price_date between $first and $last and {SHELVES}
group by all order by price_date, supermarket, region
"""
# Decades would hide everything: each step is about a quarter dearer than the one before (ten to a factor of ten).
_DISTRIBUTION = f"""
select
    price_date, supermarket, floor(10 * log10(price))::integer as step,
    (10 ** (floor(10 * log10(price)) / 10))::decimal(18, 2) as price_from, count(*) as products
from market.fct_prices_daily
where price_date between $first and $last and price > 0 and {SHELVES}
group by all order by price_date, supermarket, step
"""


def history(
    snapshot: Snapshot,
    supermarket: str,
    sku_id: str,
    *,
    first: date | None = None,
    last: date | None = None,
    region: str | None = None,
    everywhere: bool = False,
    page: Page | None = None,
) -> Answer:
    """What a SKU cost, span by span, in each store-region.

    Args:
        snapshot: The version.
        supermarket: The chain.
        sku_id: The chain's SKU.
        first: First day; the beginning by default.
        last: Last day, included; the newest by default.
        region: One region of the chain only; the others' by default, too.
        everywhere: Also SKUs of the same barcode in other chains.
        page: The part that is wanted; all by default.

    Returns:
        A row for each span of days that touches the days asked for. `valid_to` is the first day a state no longer
        held. Days without a run belong to the span before: `stores.days` says which days were seen.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted = shelves(snapshot, supermarket, region)
    day = resolve_day(snapshot, last)
    question = {
        "of_supermarket": supermarket,
        "sku_id": sku_id,
        "region": region,
        "everywhere": everywhere,
        "first": first or date.min,
        "last": day,
    }
    seen = coverage(snapshot, day) if everywhere else coverage(snapshot, day, **wanted)
    return with_unit_prices(paged(snapshot, _HISTORY, page, question, coverage=seen), "price")


def shelf(
    snapshot: Snapshot,
    *,
    day: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
    department: str | None = None,
    page: Page | None = None,
) -> Answer:
    """Everything on the shelves on a day, with unit prices.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        supermarket: One chain only.
        region: One region only.
        department: One department only, as the chain names it.
        page: The part that is wanted; all by default.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, day)
    seen = coverage(snapshot, on, **wanted)
    question = wanted | {"day": on, "department": department}
    return with_unit_prices(paged(snapshot, _SHELF, page, question, coverage=seen), "price")


def availability(
    snapshot: Snapshot,
    *,
    days: int = 30,
    last: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
    page: Page | None = None,
) -> Answer:
    """On how many of the days a store-region was seen whole each SKU could be bought; the rarest first.

    Args:
        snapshot: The version.
        days: Days looked at.
        last: The last of them; the newest by default.
        supermarket: One chain only.
        region: One region only.
        page: The part that is wanted; all by default.

    Raises:
        UnknownNameError: There is no such store or region.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, last)
    question = wanted | {"first": _before(on, days), "last": on}
    return paged(snapshot, _AVAILABILITY, page, question, coverage=coverage(snapshot, on, **wanted))


def product_counts(
    snapshot: Snapshot,
    *,
    days: int = 30,
    last: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
) -> Answer:
    """How many SKUs each store-region listed, could sell and had on offer, day by day.

    Args:
        snapshot: The version.
        days: Days looked at.
        last: The last of them; the newest by default.
        supermarket: One chain only.
        region: One region only.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, last)
    rows = snapshot.table(_COUNTS, first=_before(on, days), last=on, **wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, on, **wanted))


def price_distribution(
    snapshot: Snapshot,
    *,
    days: int = 30,
    last: date | None = None,
    supermarket: str | None = None,
    region: str | None = None,
) -> Answer:
    """How many prices lie in each step of a logarithmic scale, ten steps to a factor of ten, by chain and day.

    Args:
        snapshot: The version.
        days: Days looked at.
        last: The last of them; the newest by default.
        supermarket: One chain only.
        region: One region only.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, last)
    rows = snapshot.table(_DISTRIBUTION, first=_before(on, days), last=on, **wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, on, **wanted))


def _before(last: date, days: int) -> date:
    return date.min if (last - date.min).days < days else last - timedelta(days=days - 1)
