"""Stores and regions side by side, on the same products only: a barcode and its unit, or a chain's own SKU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gondola.errors import ConfigurationError, UnknownNameError
from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot
from gondola.serving.reads.stores import SHELVES, coverage, resolve_day, shelves

__all__ = ["Basket", "basket", "elsewhere", "position", "region_differences", "region_levels"]

# What is compared: each shelf's price of each barcode, the lowest where it has it twice.
_SHELF_PRICES = """
chosen as (
    select stores.supermarket, stores.price_region, stores.supermarket || '/' || stores.region as shelf
    from market.dim_stores as stores
    semi join market.fct_runs as runs
        on stores.supermarket = runs.supermarket and stores.price_region = runs.region
        and runs.price_date = $day and runs.is_day_winner
    where
        ($shelves::varchar[] is null and not stores.is_alias)
        or list_contains($shelves::varchar[], stores.supermarket || '/' || stores.region)
),
prices as (
    select
        chosen.shelf, facts.gtin, facts.measurement_unit, min(facts.price) as price,
        any_value(facts.product_name order by facts.product_name) as product_name,
        any_value(facts.department order by facts.department) as department
    from market.fct_prices_daily as facts
    inner join chosen on facts.supermarket = chosen.supermarket and facts.region = chosen.price_region
    where
        facts.price_date = $day and facts.gtin is not null and facts.is_available
        and ($gtins::varchar[] is null or list_contains($gtins::varchar[], facts.gtin))
    group by all
),
matched as (
    select gtin, measurement_unit from prices
    group by all having count(*) = (select count(*) from chosen)
)
"""
_TOTALS = f"""
with {_SHELF_PRICES},
totals as (
    select
        chosen.shelf, count(prices.gtin) as items_available, count(matched.gtin) as items_compared,
        sum(prices.price) filter (where matched.gtin is not null)::decimal(18, 2) as total,
        avg(ln(prices.price::double)) filter (where matched.gtin is not null) as log_price
    from chosen
    left join prices on chosen.shelf = prices.shelf
    left join matched
        on prices.gtin = matched.gtin and prices.measurement_unit is not distinct from matched.measurement_unit
    group by chosen.shelf
)
select
    shelf, items_available, items_compared, total,
    cast(100 * (total / min(total) over () - 1) as decimal(9, 2)) as percent_above_cheapest,
    cast(100 * (exp(log_price - avg(log_price) over ()) - 1) as decimal(9, 2)) as percent_from_mean,
    $asked::bigint as items_asked
from totals order by total nulls last, shelf
"""
_ITEMS = f"""
with {_SHELF_PRICES}
select
    items.gtin, items.measurement_unit, items.product_name, chosen.shelf, prices.price,
    matched.gtin is not null as is_compared,
    prices.price is not null and prices.price = min(prices.price) over (
        partition by items.gtin, items.measurement_unit
    ) as is_cheapest
from (
    select gtin, measurement_unit, any_value(product_name order by shelf) as product_name from prices group by all
) as items
cross join chosen
left join prices
    on chosen.shelf = prices.shelf and items.gtin = prices.gtin
    and items.measurement_unit is not distinct from prices.measurement_unit
left join matched
    on items.gtin = matched.gtin and items.measurement_unit is not distinct from matched.measurement_unit
order by items.product_name, items.gtin, items.measurement_unit, chosen.shelf
"""
# A chain's price of a product is the geometric mean over its regions; a product counts where two chains sell it. Chains
# name departments differently, so a product stands where most of its chains put it.
_POSITION = f"""
with prices as (
    select
        supermarket, gtin, measurement_unit, mode(department order by department) as department,
        avg(ln(price::double)) as log_price
    from market.fct_prices_daily
    where price_date = $day and gtin is not null and is_available and {SHELVES}
    group by all
),
products as (
    select
        gtin, measurement_unit, avg(log_price) as mean_log_price, count(*) as chains,
        mode(department order by department) as department
    from prices group by all having count(*) > 1
),
relatives as (
    select prices.supermarket, products.department, prices.log_price - products.mean_log_price as relative
    from prices inner join products
        on prices.gtin = products.gtin and prices.measurement_unit is not distinct from products.measurement_unit
)
select
    supermarket, department, count(*) as products,
    cast(100 * exp(avg(relative)) as decimal(9, 2)) as position,
    grouping(department) = 1 as is_total
from relatives group by grouping sets ((supermarket, department), (supermarket))
order by is_total desc, department nulls last, supermarket
"""
_LEVELS = f"""
with prices as (
    select supermarket, region, sku_id, ln(price::double) as log_price
    from market.fct_prices_daily where price_date = $day and is_available and {SHELVES}
),
regions as (
    select supermarket, count(distinct region) as regions from prices group by supermarket
),
everywhere as (
    select prices.supermarket, sku_id, avg(log_price) as mean_log_price, max(log_price) - min(log_price) as spread
    from prices inner join regions on prices.supermarket = regions.supermarket
    group by prices.supermarket, sku_id, regions having regions > 1 and count(*) = regions
)
select
    prices.supermarket, prices.region, count(*) as products,
    cast(100 * exp(avg(prices.log_price - everywhere.mean_log_price)) as decimal(9, 2)) as level,
    count(*) filter (where everywhere.spread > 0) as products_that_differ,
    cast(100 * (exp(avg(everywhere.spread)) - 1) as decimal(9, 2)) as mean_spread_percent
from prices inner join everywhere
    on prices.supermarket = everywhere.supermarket and prices.sku_id = everywhere.sku_id
group by all order by prices.supermarket, prices.region
"""
_DIFFERENCES = f"""
select
    supermarket, sku_id, any_value(product_name order by region) as product_name,
    any_value(brand order by region) as brand, any_value(department order by region) as department,
    count(*) as regions, min(price) as lowest_price, arg_min(region, (price, region)) as lowest_region,
    max(price) as highest_price, arg_max(region, (price, region)) as highest_region,
    cast(100 * (max(price) / min(price) - 1) as decimal(18, 2)) as spread_percent
from market.fct_prices_daily
where price_date = $day and is_available and price > 0 and {SHELVES}
group by supermarket, sku_id having max(price) > min(price)
order by spread_percent desc, supermarket, sku_id
"""
_ELSEWHERE = f"""
select
    gtin, measurement_unit, any_value(product_name order by supermarket, region) as product_name,
    any_value(brand order by supermarket, region) as brand, count(distinct supermarket) as chains,
    min(price) as lowest_price, arg_min(supermarket || '/' || region, (price, supermarket, region)) as lowest_at,
    max(price) as highest_price, arg_max(supermarket || '/' || region, (price, supermarket, region)) as highest_at,
    cast(100 * (max(price) / min(price) - 1) as decimal(18, 2)) as spread_percent
from market.fct_prices_daily
where
    price_date = $day and gtin is not null and is_available and price > 0 and {SHELVES}
    and ($department::varchar is null or department = $department)
group by gtin, measurement_unit having count(distinct supermarket) > 1
order by spread_percent desc, gtin, measurement_unit
"""


@dataclass(frozen=True, slots=True)
class Basket:
    """The same products in several store-regions."""

    totals: Answer
    """A row for each store-region, cheapest first."""
    items: Answer
    """A row for each product and store-region; the price is null where it can't be bought."""


def basket(
    snapshot: Snapshot,
    *,
    gtins: Sequence[str] | None = None,
    shelf_names: Sequence[str] | None = None,
    day: date | None = None,
    page: Page | None = None,
) -> Basket:
    """What the same products cost in each store-region: only what all of them sell that day is summed up.

    Args:
        snapshot: The version.
        gtins: Barcodes, one of each; everything that all of them sell by default.
        shelf_names: Store-regions, as `serra/default`; all by default.
        day: The day; the newest by default.
        page: The part of the items that is wanted; all by default.

    Returns:
        Totals in BRL over the products compared; null when there is none. Products priced by weight count as one
        kilogram. A store-region without a run that day is not compared; the coverage names it.

    Raises:
        UnknownNameError: There is no such store-region.
        ConfigurationError: A barcode is none.
    """
    for code in gtins or ():
        if not (code.isascii() and code.isdigit() and 7 <= len(code) <= 14):
            message = f"{code!r} is no barcode: give 7 to 14 digits"
            raise ConfigurationError(message)
    _check_shelves(snapshot, shelf_names or ())
    codes = sorted({code.zfill(14) for code in gtins}) if gtins else None
    on = resolve_day(snapshot, day)
    question: dict[str, Any] = {"day": on, "gtins": codes, "shelves": list(shelf_names) if shelf_names else None}
    seen = coverage(snapshot, on)
    totals = snapshot.table(_TOTALS, **question, asked=len(codes) if codes else None)
    notes = ("like_for_like: totals hold only products that every store-region compared sells",)
    return Basket(
        totals=Answer(totals, snapshot.version, seen, notes=notes),
        items=paged(snapshot, _ITEMS, page, question, coverage=seen, notes=notes),
    )


def position(
    snapshot: Snapshot, *, day: date | None = None, supermarket: str | None = None, region: str | None = None
) -> Answer:
    """How dear each chain is in each department, relative to the mean of the chains that sell the same products.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        supermarket: Leave out other chains; without others there is nothing to compare.
        region: One region name only.

    Returns:
        A row for each chain and department, and one for each chain in all (`is_total`): `position` is 100 at the mean
        of the chains (geometric, product by product), `products` how many it rests on. What is matched by no other
        chain has no row.
    """
    wanted = shelves(snapshot, supermarket, region)
    on = resolve_day(snapshot, day)
    rows = snapshot.table(_POSITION, day=on, **wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, on, **wanted))


def elsewhere(
    snapshot: Snapshot, *, day: date | None = None, department: str | None = None, page: Page | None = None
) -> Answer:
    """Where the same barcode costs least and most, over all chains; the widest spread first.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        department: One department only, as a chain names it.
        page: The part that is wanted; all by default.
    """
    on = resolve_day(snapshot, day)
    question = {"day": on, "department": department, "supermarket": None, "region": None}
    return paged(snapshot, _ELSEWHERE, page, question, coverage=coverage(snapshot, on))


def region_levels(snapshot: Snapshot, *, day: date | None = None, supermarket: str | None = None) -> Answer:
    """How dear each region of a chain is, on the SKUs that all its regions sell.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        supermarket: One chain only.

    Returns:
        A row for each region of a chain with several: `level` is 100 at the mean of its regions.
    """
    wanted = shelves(snapshot, supermarket, None)
    on = resolve_day(snapshot, day)
    rows = snapshot.table(_LEVELS, day=on, **wanted)
    return Answer(rows, snapshot.version, coverage(snapshot, on, **wanted))


def region_differences(
    snapshot: Snapshot, *, day: date | None = None, supermarket: str | None = None, page: Page | None = None
) -> Answer:
    """SKUs whose price depends on the region, the widest spread first.

    Args:
        snapshot: The version.
        day: The day; the newest by default.
        supermarket: One chain only.
        page: The part that is wanted; all by default.
    """
    wanted = shelves(snapshot, supermarket, None)
    on = resolve_day(snapshot, day)
    return paged(snapshot, _DIFFERENCES, page, wanted | {"day": on}, coverage=coverage(snapshot, on, **wanted))


def _check_shelves(snapshot: Snapshot, names: Sequence[str]) -> None:
    if not names:
        return
    known = [
        row["shelf"] for row in snapshot.rows("select supermarket || '/' || region as shelf from market.dim_stores")
    ]
    unknown = sorted(set(names) - set(known))
    if unknown:
        message = f"no store-region {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        raise UnknownNameError(message)
