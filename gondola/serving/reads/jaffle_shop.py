"""The jaffle shop's books: what was ordered, how it was paid, and by whom."""

from __future__ import annotations

from datetime import date

from gondola.serving.reads.answers import Answer
from gondola.serving.reads.copies import Snapshot

__all__ = ["customers", "days", "orders", "payment_methods", "statuses", "weekly"]

_DAYS = "select min(order_date) as first, max(order_date) as last from jaffle_shop.orders"
_ORDERS = """
select
    orders.order_id, orders.order_date, orders.status, orders.customer_id,
    concat_ws(' ', customers.first_name, customers.last_name) as customer, orders.credit_card_amount,
    orders.coupon_amount, orders.bank_transfer_amount, orders.gift_card_amount, orders.other_amount, orders.amount
from jaffle_shop.orders as orders
left join jaffle_shop.customers as customers on orders.customer_id = customers.customer_id
where orders.order_date between $first and $last and ($status::varchar is null or orders.status = $status)
order by orders.order_date desc, orders.order_id desc
"""
_WEEKLY = """
select date_trunc('week', order_date)::date as week, count(*) as orders, sum(amount)::decimal(18, 2) as amount
from jaffle_shop.orders
where order_date between $first and $last and ($status::varchar is null or status = $status)
group by 1
order by 1
"""
_STATUSES = """
select
    status, count(*) as orders, sum(amount)::decimal(18, 2) as amount, min(order_date) as first_order,
    max(order_date) as last_order
from jaffle_shop.orders
where order_date between $first and $last
group by status
order by orders desc, status
"""
_METHODS = """
with paid as (
    unpivot (
        select credit_card_amount as credit_card, coupon_amount as coupon, bank_transfer_amount as bank_transfer,
            gift_card_amount as gift_card, other_amount as other
        from jaffle_shop.orders
        where order_date between $first and $last and ($status::varchar is null or status = $status)
    ) on * into name payment_method value amount
)
select payment_method, count(*) filter (where amount > 0) as orders, sum(amount)::decimal(18, 2) as amount
from paid
group by payment_method
having sum(amount) > 0
order by amount desc, payment_method
"""
_CUSTOMERS = """
select
    customer_id, first_name, last_name, first_order, most_recent_order, number_of_orders, customer_lifetime_value
from jaffle_shop.customers
order by customer_lifetime_value desc nulls last, customer_id
"""


def days(snapshot: Snapshot) -> tuple[date, date] | None:
    """The first and the last day with an order; None when there is none.

    Args:
        snapshot: The version.
    """
    row = snapshot.rows(_DAYS)[0]
    return (row["first"], row["last"]) if row["last"] else None


def orders(snapshot: Snapshot, first: date, last: date, *, status: str | None = None) -> Answer:
    """Orders with what was paid by each method, the newest first.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        status: One status only.
    """
    return Answer(snapshot.table(_ORDERS, first=first, last=last, status=status), snapshot.version)


def weekly(snapshot: Snapshot, first: date, last: date, *, status: str | None = None) -> Answer:
    """Orders and what they came to, week by week.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        status: One status only.
    """
    return Answer(snapshot.table(_WEEKLY, first=first, last=last, status=status), snapshot.version)


def statuses(snapshot: Snapshot, first: date, last: date) -> Answer:
    """Orders by status.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
    """
    return Answer(snapshot.table(_STATUSES, first=first, last=last), snapshot.version)


def payment_methods(snapshot: Snapshot, first: date, last: date, *, status: str | None = None) -> Answer:
    """What was paid by each method; an order paid by two counts for both.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        status: One status only.
    """
    return Answer(snapshot.table(_METHODS, first=first, last=last, status=status), snapshot.version)


def customers(snapshot: Snapshot) -> Answer:
    """Customers by lifetime value.

    Args:
        snapshot: The version.
    """
    return Answer(snapshot.table(_CUSTOMERS), snapshot.version)
