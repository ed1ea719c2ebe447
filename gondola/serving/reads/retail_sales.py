"""Retailers' sales: by day, store, product and category, as the star schema's views tell them."""

from __future__ import annotations

from datetime import date

from gondola.serving.reads.answers import Answer
from gondola.serving.reads.copies import Snapshot

__all__ = ["categories", "daily", "days", "loads", "products", "retailers", "stores"]

_DAYS = "select min(business_date) as first, max(business_date) as last from retail_sales.daily_sales_by_retailer"
_RETAILERS = """
select distinct retailer_id, retailer_name from retail_sales.daily_sales_by_retailer order by retailer_id
"""
_DAILY = """
select
    business_date as day, retailer_id, retailer_name, load_status, transactions, customers, products, units,
    sales_amount, average_ticket
from retail_sales.daily_sales_by_retailer
where business_date between $first and $last and ($retailer::varchar is null or retailer_id = $retailer)
order by business_date, retailer_id
"""
_STORES = """
select
    retailer_id, store_id, store_name, city, state, transactions, customers, days_open, units, sales_amount,
    average_ticket, sales_per_day, last_sold_date
from retail_sales.store_performance
where $retailer::varchar is null or retailer_id = $retailer
order by sales_amount desc nulls last, retailer_id, store_id
"""
_PRODUCTS = """
select
    retailer_id, product_name, brand, category, gtin, transactions, days_sold, units, sales_amount, average_unit_price,
    share_of_retailer, sales_rank, last_sold_date, product_id
from retail_sales.product_performance
where $retailer::varchar is null or retailer_id = $retailer
order by sales_amount desc nulls last, retailer_id, product_id
"""
_CATEGORIES = """
select
    category, sum(transactions)::bigint as transactions, sum(units)::decimal(18, 3) as units,
    sum(sales_amount)::decimal(18, 2) as sales_amount,
    (sum(sales_amount) / nullif(sum(sum(sales_amount)) over (), 0))::decimal(9, 4) as share
from retail_sales.category_mix
where
    month_start between date_trunc('month', $first::date) and $last
    and ($retailer::varchar is null or retailer_id = $retailer)
group by category
order by sales_amount desc nulls last, category
"""
_LOADS = """
select business_date, retailer_id, status, fact_rows
from retail_sales.day_loads
where business_date between $first and $last and ($retailer::varchar is null or retailer_id = $retailer)
order by business_date, retailer_id
"""


def days(snapshot: Snapshot) -> tuple[date, date] | None:
    """The first and the last day with a sale; None when there is none.

    Args:
        snapshot: The version.
    """
    row = snapshot.rows(_DAYS)[0]
    return (row["first"], row["last"]) if row["last"] else None


def retailers(snapshot: Snapshot) -> dict[str, str]:
    """What each retailer is called, by id.

    Args:
        snapshot: The version.
    """
    return {row["retailer_id"]: row["retailer_name"] for row in snapshot.rows(_RETAILERS)}


def daily(snapshot: Snapshot, first: date, last: date, *, retailer: str | None = None) -> Answer:
    """Receipts, units and sales of each day and retailer, in the retailer's currency.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        retailer: One retailer only.
    """
    return Answer(snapshot.table(_DAILY, first=first, last=last, retailer=retailer), snapshot.version)


def stores(snapshot: Snapshot, *, retailer: str | None = None) -> Answer:
    """Each store over all days, what sells most first.

    Args:
        snapshot: The version.
        retailer: One retailer only.
    """
    return Answer(snapshot.table(_STORES, retailer=retailer), snapshot.version)


def products(snapshot: Snapshot, *, retailer: str | None = None) -> Answer:
    """Each product over all days, what sells most first.

    Args:
        snapshot: The version.
        retailer: One retailer only.
    """
    return Answer(snapshot.table(_PRODUCTS, retailer=retailer), snapshot.version)


def categories(snapshot: Snapshot, first: date, last: date, *, retailer: str | None = None) -> Answer:
    """Sales by category, over the whole months that the days lie in.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        retailer: One retailer only.
    """
    return Answer(snapshot.table(_CATEGORIES, first=first, last=last, retailer=retailer), snapshot.version)


def loads(snapshot: Snapshot, first: date, last: date, *, retailer: str | None = None) -> Answer:
    """How the load of each retailer's day ended.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        retailer: One retailer only.
    """
    return Answer(snapshot.table(_LOADS, first=first, last=last, retailer=retailer), snapshot.version)
