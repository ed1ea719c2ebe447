"""A day on the shelves in a few figures: what was seen, what changed, where the same thing costs less."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from gondola.serving.query import run_query
from gondola.settings import Settings

__all__ = ["Summary", "summarize_day"]

# A change counts on the day it was seen; coverage is what the day's winning runs received of what was declared.
_STORES = """
with day as (
    select * from market.fct_prices_daily where price_date = $day
),
runs as (
    select supermarket, sum(received_products) as received, sum(expected_products) as expected
    from market.fct_runs where price_date = $day and is_day_winner group by supermarket
),
changes as (
    select supermarket, count(*) filter (change_amount > 0) as up, count(*) filter (change_amount < 0) as down
    from market.fct_price_changes where price_date = $day group by supermarket
)
select
    supermarket as store,
    count(distinct region) as regions,
    count(distinct product_id) as products,
    count(price) as prices,
    round(100.0 * count(price) / count(*), 1) as "available %",
    coalesce(any_value(up), 0) as dearer,
    coalesce(any_value(down), 0) as cheaper,
    round(100.0 * any_value(received) / any_value(expected), 1) as "coverage %"
from day left join runs using (supermarket) left join changes using (supermarket)
group by supermarket order by supermarket
"""
_MOVES = """
select supermarket as store, region, product_name as product, previous_price::decimal(18, 2) as before,
    price::decimal(18, 2) as now, change_percent as "change %"
from market.fct_price_changes where price_date = $day and previous_price is not null and price is not null
order by abs(change_percent) desc, supermarket, region, product limit 8
"""
_ASSORTMENT = """
select status, count(distinct (supermarket, sku_id)) as products
from market.tru_price
where valid_from = $day and status in ('gone', 'unavailable') and $day > (select min(price_date) from market.fct_runs)
group by status
"""
_SPREAD = """
select any_value(product_name order by supermarket) as product,
    min(price)::decimal(18, 2) as lowest, arg_min(supermarket, price) as "lowest at",
    max(price)::decimal(18, 2) as highest, arg_max(supermarket, price) as "highest at",
    round(100 * (max(price) / min(price) - 1), 1) as "spread %"
from market.fct_prices_daily
where price_date = $day and gtin is not null and price is not null
group by gtin, measurement_unit having count(distinct supermarket) > 1
order by "spread %" desc, product limit 5
"""
_EVENTS = """
select engagement_date as day, daily_active_users as users, sessions, converted_sessions as orders,
    round(100 * conversion_rate, 1) as "conversion %", revenue
from events.fct_daily_engagement left join (
    select revenue_date as engagement_date, sum(revenue) as revenue from events.fct_revenue group by 1
) using (engagement_date)
order by day desc limit 5
"""
_ORDERS = """
select status, count(*) as orders, sum(amount) as amount from jaffle_shop.orders group by status order by status
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """One day's figures; each table is a list of rows by column name."""

    business_date: date
    stores: list[dict[str, Any]]
    moves: list[dict[str, Any]]
    spread: list[dict[str, Any]]
    gone: int
    sold_out: int
    events: list[dict[str, Any]]
    orders: list[dict[str, Any]]


def summarize_day(settings: Settings, business_date: date) -> Summary:
    """Read a day's figures from the published copy.

    Args:
        settings: Name the warehouse.
        business_date: The day.

    Raises:
        LakeKeyError: Nothing was published yet.
    """
    day = {"day": business_date}

    def rows(sql: str, parameters: dict[str, Any] = day) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = run_query(settings, sql, parameters=parameters or None).to_pylist()
        return found

    assortment = {row["status"]: row["products"] for row in rows(_ASSORTMENT)}
    return Summary(
        business_date=business_date,
        stores=rows(_STORES),
        moves=rows(_MOVES),
        spread=rows(_SPREAD),
        gone=assortment.get("gone", 0),
        sold_out=assortment.get("unavailable", 0),
        events=rows(_EVENTS, {}),
        orders=rows(_ORDERS, {}),
    )
