"""A maker's products: what was sold, sent back, found faulty and thrown away, and what was earned."""

from __future__ import annotations

from datetime import date

from gondola.serving.reads.answers import Answer
from gondola.serving.reads.copies import Snapshot

__all__ = ["categories", "days", "monthly", "products", "quality", "returns", "sales", "waste"]

_DAYS = "select min(order_date) as first, max(order_date) as last from physical_product.fact_sales"
_CATEGORIES = """
select distinct category from physical_product.metrics_sales_performance where category is not null order by category
"""
# A margin that misses the cost of a line is not known.
_SALES = """
select
    {column}, sum(order_lines)::bigint as order_lines, sum(quantity)::bigint as units,
    sum(net_amount)::decimal(18, 2) as net_amount, sum(returned_quantity)::bigint as returned_units,
    sum(refund_amount)::decimal(18, 2) as refund_amount,
    case when sum(lines_without_cost) = 0 then sum(margin_amount)::decimal(18, 2) end as margin_amount,
    case
        when sum(lines_without_cost) = 0
            then (sum(margin_amount) / nullif(sum(net_amount), 0))::decimal(9, 4)
    end as margin_share,
    (sum(returned_quantity) / nullif(sum(quantity), 0))::decimal(9, 4) as return_share,
    sum(lines_without_cost)::bigint as lines_without_cost
from physical_product.metrics_sales_performance
where order_date between $first and $last and ($category::varchar is null or category = $category)
group by {group}
order by {order}
"""
_BY_CATEGORY = _SALES.format(column="category", group="category", order="net_amount desc, category")
_BY_MONTH = _SALES.format(column="date_trunc('month', order_date)::date as month", group="1", order="1")
_PRODUCTS = """
select
    product_id, product_name, category, product_kind, quantity as units, net_amount,
    returned_quantity as returned_units, return_share, refund_amount, unit_cost, margin_amount, margin_share,
    waste_cost, margin_after_waste, inspections, defect_rate
from physical_product.metrics_product_performance
where $category::varchar is null or category = $category
order by net_amount desc, product_id
"""
_RETURNS = """
select
    coalesce(returns.reason, '(none)') as reason, count(*) as returns, sum(returns.quantity)::bigint as units,
    sum(returns.refund_amount)::decimal(18, 2) as refund_amount, sum(returns.lost_cost)::decimal(18, 2) as lost_cost
from physical_product.fact_returns as returns
left join physical_product.dim_products as products on returns.product_id = products.product_id
where
    returns.return_date between $first and $last and ($category::varchar is null or products.category = $category)
group by 1
order by returns desc, reason
"""
_WASTE = """
select
    waste.reason, count(*) as records, sum(waste.quantity)::decimal(18, 3) as wasted_quantity,
    case when bool_and(waste.waste_cost is not null) then sum(waste.waste_cost)::decimal(18, 2) end as waste_cost
from physical_product.fact_waste as waste
left join physical_product.dim_products as products on waste.product_id = products.product_id
where waste.wasted_on between $first and $last and ($category::varchar is null or products.category = $category)
group by waste.reason
order by waste_cost desc nulls last, waste.reason
"""
_QUALITY = """
select
    date_trunc('month', quality.inspection_date)::date as month, count(*) as inspections,
    sum(quality.sample_size)::bigint as sample_size, sum(quality.defects)::bigint as defects,
    (sum(quality.defects) / nullif(sum(quality.sample_size), 0))::decimal(9, 4) as defect_rate,
    (count(*) filter (where quality.is_passed) / count(*))::decimal(9, 4) as pass_rate
from physical_product.fact_quality as quality
left join physical_product.dim_products as products on quality.product_id = products.product_id
where
    quality.inspection_date between $first and $last and ($category::varchar is null or products.category = $category)
group by 1
order by 1
"""


def days(snapshot: Snapshot) -> tuple[date, date] | None:
    """The first and the last day with an order; None when there is none.

    Args:
        snapshot: The version.
    """
    row = snapshot.rows(_DAYS)[0]
    return (row["first"], row["last"]) if row["last"] else None


def categories(snapshot: Snapshot) -> list[str]:
    """The categories that were sold.

    Args:
        snapshot: The version.
    """
    return [row["category"] for row in snapshot.rows(_CATEGORIES)]


def sales(snapshot: Snapshot, first: date, last: date, *, category: str | None = None) -> Answer:
    """Sales, returns and margin by category; a margin of which a cost is unknown is null.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        category: One category only.
    """
    return Answer(snapshot.table(_BY_CATEGORY, first=first, last=last, category=category), snapshot.version)


def monthly(snapshot: Snapshot, first: date, last: date, *, category: str | None = None) -> Answer:
    """The same month by month.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        category: One category only.
    """
    return Answer(snapshot.table(_BY_MONTH, first=first, last=last, category=category), snapshot.version)


def products(snapshot: Snapshot, *, category: str | None = None) -> Answer:
    """Each product over all days: sales, returns, margin, waste, defects; what sells most first.

    Args:
        snapshot: The version.
        category: One category only.
    """
    return Answer(snapshot.table(_PRODUCTS, category=category), snapshot.version)


def returns(snapshot: Snapshot, first: date, last: date, *, category: str | None = None) -> Answer:
    """Returns by reason.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        category: One category only.
    """
    return Answer(snapshot.table(_RETURNS, first=first, last=last, category=category), snapshot.version)


def waste(snapshot: Snapshot, first: date, last: date, *, category: str | None = None) -> Answer:
    """Waste by reason; a cost of which a part is unknown is null.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        category: One category only.
    """
    return Answer(snapshot.table(_WASTE, first=first, last=last, category=category), snapshot.version)


def quality(snapshot: Snapshot, first: date, last: date, *, category: str | None = None) -> Answer:
    """Inspections month by month.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        category: One category only.
    """
    return Answer(snapshot.table(_QUALITY, first=first, last=last, category=category), snapshot.version)
