"""What a web shop's events say: engagement, revenue, funnel, products, campaigns, cohorts, customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gondola.serving.reads.answers import Answer, Page, paged
from gondola.serving.reads.copies import Snapshot

__all__ = [
    "EventsSpan",
    "attribution",
    "cohorts",
    "daily",
    "departments",
    "funnel",
    "kpis",
    "loads",
    "performance",
    "products",
    "segments",
    "span",
]

_KPIS = """
with revenue as (
    select
        revenue_date, sum(revenue) as revenue, sum(units) as units, sum(unknown_price_units) as unknown_price_units
    from events.fct_revenue where revenue_date between $first and $last group by 1
)
select
    engagement_date, daily_active_users, weekly_active_users, monthly_active_users, sessions, bot_sessions, events,
    bounces, converted_sessions, bounce_rate, conversion_rate, average_session_seconds, events_per_session,
    case when revenue.revenue_date is null then 0 else revenue.revenue end::decimal(18, 2) as revenue,
    coalesce(revenue.units, 0)::bigint as units,
    coalesce(revenue.unknown_price_units, 0)::bigint as unknown_price_units
from events.fct_daily_engagement as days left join revenue on days.engagement_date = revenue.revenue_date
where engagement_date between $first and $last
order by engagement_date
"""
_FUNNEL = """
with steps as (
    select
        step_number, step, sum(sessions_reached)::bigint as sessions_reached,
        sum(sessions_stopped)::bigint as sessions_stopped, sum(sessions_any_order)::bigint as sessions_any_order
    from events.fct_funnel where funnel_date between $first and $last group by 1, 2
)
select
    *,
    cast(sessions_reached / nullif(lag(sessions_reached) over (order by step_number), 0) as decimal(9, 4))
        as share_of_step_before,
    cast(sessions_reached / nullif(first_value(sessions_reached) over (order by step_number), 0) as decimal(9, 4))
        as share_of_first_step
from steps order by step_number
"""
_PRODUCTS = """
select
    sold.product_id, names.product_name, names.brand, names.category_code, sold.buyers, sold.orders, sold.units,
    sold.revenue, sold.unknown_price_units, names.views, names.carts
from (
    select
        product_id, sum(buyers)::bigint as buyers, sum(orders)::bigint as orders, sum(units)::bigint as units,
        sum(revenue)::decimal(18, 2) as revenue, sum(unknown_price_units)::bigint as unknown_price_units
    from events.fct_revenue where revenue_date between $first and $last group by 1
) as sold
left join events.dim_products as names on sold.product_id = names.product_id
order by sold.revenue desc nulls last, sold.product_id
"""
_ATTRIBUTION = """
select
    touch, utm_source, utm_medium, utm_campaign, sum(purchases)::bigint as purchases, sum(orders)::bigint as orders,
    sum(units)::bigint as units, sum(revenue)::decimal(18, 2) as revenue
from events.fct_attribution
where purchase_date between $first and $last and ($touch::varchar is null or touch = $touch)
group by all order by touch, revenue desc nulls last, utm_source, utm_medium, utm_campaign
"""
_COHORTS = "select * from events.fct_retention_cohorts order by cohort_week, week_number"
_SEGMENTS = """
select
    segment, count(*) as users, sum(monetary)::decimal(18, 2) as revenue,
    cast(avg(recency_days) as decimal(18, 1)) as average_recency_days,
    cast(avg(frequency) as decimal(18, 2)) as average_frequency, max(as_of_date) as as_of_date
from events.fct_rfm group by segment order by revenue desc, segment
"""
# A day without any event is a day that was not loaded: it has a row, without figures.
_DAILY = """
with sold as (
    select revenue_date, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(revenue) as revenue,
        sum(unknown_price_units)::bigint as unknown_price_units
    from events.fct_revenue
    where revenue_date between $first and $last
    group by revenue_date
),
calendar as (
    select unnest(generate_series($first::date, $last::date, interval 1 day))::date as day
)
select
    calendar.day, days.daily_active_users, days.weekly_active_users, days.monthly_active_users, days.sessions,
    days.bot_sessions, days.events, days.bounce_rate, days.conversion_rate, days.average_session_seconds,
    case when days.engagement_date is not null then coalesce(sold.orders, 0) end as orders,
    case when days.engagement_date is not null then coalesce(sold.units, 0) end as units,
    -- Sales of unknown price have no revenue; no sales at all are a revenue of 0.
    case
        when sold.revenue_date is not null then sold.revenue
        when days.engagement_date is not null then cast(0 as decimal(18, 2))
    end as revenue,
    case when sold.orders > 0 then (sold.revenue / sold.orders)::decimal(18, 2) end as revenue_per_order,
    case when days.engagement_date is not null then coalesce(sold.unknown_price_units, 0) end as unknown_price_units
from calendar
left join events.fct_daily_engagement as days on calendar.day = days.engagement_date
left join sold on calendar.day = sold.revenue_date
order by calendar.day
"""
_PERFORMANCE = """
select
    performance.product_id, any_value(products.product_name) as product_name, any_value(products.brand) as brand,
    any_value(products.department) as department, sum(performance.views)::bigint as views,
    sum(performance.carts)::bigint as carts, sum(performance.purchases)::bigint as purchases,
    sum(performance.units)::bigint as units, sum(performance.revenue)::decimal(18, 2) as revenue,
    (sum(performance.purchases) / nullif(sum(performance.views), 0))::decimal(9, 4) as purchases_per_view
from events.int_product_performance as performance
left join events.dim_products as products on performance.product_id = products.product_id
where
    performance.event_date between $first and $last
    and ($department::varchar is null or products.department = $department)
group by performance.product_id
order by revenue desc nulls last, views desc, performance.product_id
"""
_DEPARTMENTS = """
select distinct department from events.dim_products where department is not null order by department
"""
_LOADS = """
select business_date, finished_at, status, files, received_rows, written_rows, rejected_rows, validity_rate, error
from events.fct_loads
order by finished_at desc, run_id
"""


@dataclass(frozen=True, slots=True)
class EventsSpan:
    """The days that events tell of; None before there are any."""

    first: date | None
    last: date | None
    last_load_status: str | None
    validity_rate: float | None  # of the last load: rows that kept the contract, of all rows


def span(snapshot: Snapshot) -> EventsSpan:
    """Which days there are, and how good the last load was.

    Args:
        snapshot: The version.

    Raises:
        NotBuiltError: No events were ever built.
    """
    days = snapshot.rows(
        "select min(engagement_date) as first, max(engagement_date) as last from events.fct_daily_engagement"
    )[0]
    loads = snapshot.rows("select status, validity_rate from events.fct_loads order by started_at desc, run_id limit 1")
    load = loads[0] if loads else {"status": None, "validity_rate": None}
    return EventsSpan(days["first"], days["last"], load["status"], load["validity_rate"])


def kpis(snapshot: Snapshot, *, first: date | None = None, last: date | None = None) -> Answer:
    """Users, sessions, conversion and revenue, day by day.

    Args:
        snapshot: The version.
        first: First day; 29 days before the last by default.
        last: Last day, included; the newest by default.

    Returns:
        A row for each day with a session. Revenue is in the shop's currency; units without a known price are counted
        beside it.

    Raises:
        NotBuiltError: No events were ever built.
    """
    return Answer(snapshot.table(_KPIS, **_days(snapshot, first, last)), snapshot.version)


def funnel(snapshot: Snapshot, *, first: date | None = None, last: date | None = None) -> Answer:
    """How many sessions reached each step towards a purchase, over all days asked for.

    Args:
        snapshot: The version.
        first: First day; 29 days before the last by default.
        last: Last day, included; the newest by default.
    """
    return Answer(snapshot.table(_FUNNEL, **_days(snapshot, first, last)), snapshot.version)


def products(
    snapshot: Snapshot, *, first: date | None = None, last: date | None = None, page: Page | None = None
) -> Answer:
    """Products by revenue; `buyers` counts a buyer once a day, views and carts are of all time.

    Args:
        snapshot: The version.
        first: First day; 29 days before the last by default.
        last: Last day, included; the newest by default.
        page: The part that is wanted; all by default.
    """
    return paged(snapshot, _PRODUCTS, page, _days(snapshot, first, last))


def attribution(
    snapshot: Snapshot, *, first: date | None = None, last: date | None = None, touch: str | None = None
) -> Answer:
    """Revenue by the campaign that earned it.

    Args:
        snapshot: The version.
        first: First day of purchase; 29 days before the last by default.
        last: Last day, included; the newest by default.
        touch: One way of giving credit only, as `first` or `last`.
    """
    return Answer(snapshot.table(_ATTRIBUTION, **_days(snapshot, first, last), touch=touch), snapshot.version)


def cohorts(snapshot: Snapshot) -> Answer:
    """Which share of the users of a first week came back in each week after it."""
    return Answer(snapshot.table(_COHORTS), snapshot.version)


def segments(snapshot: Snapshot) -> Answer:
    """Customers by recency, frequency and money, added up by segment."""
    return Answer(snapshot.table(_SEGMENTS), snapshot.version)


def _days(snapshot: Snapshot, first: date | None, last: date | None) -> dict[str, date]:
    until = last or span(snapshot).last or date.min
    return {"first": first or (until - timedelta(days=29) if until > date(1, 2, 1) else until), "last": until}


def daily(snapshot: Snapshot, first: date, last: date) -> Answer:
    """Users, sessions, orders and revenue of each day; a day that was not loaded has a row without figures.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
    """
    return Answer(snapshot.table(_DAILY, first=first, last=last), snapshot.version)


def performance(snapshot: Snapshot, first: date, last: date, *, department: str | None = None) -> Answer:
    """What was looked at and bought, the best sold first.

    Args:
        snapshot: The version.
        first: First day.
        last: Last day, included.
        department: One department of the catalogue only.
    """
    rows = snapshot.table(_PERFORMANCE, first=first, last=last, department=department)
    return Answer(rows, snapshot.version)


def departments(snapshot: Snapshot) -> list[str]:
    """The departments of the catalogue.

    Args:
        snapshot: The version.
    """
    return [row["department"] for row in snapshot.rows(_DEPARTMENTS)]


def loads(snapshot: Snapshot) -> Answer:
    """Every load of event files, the newest first.

    Args:
        snapshot: The version.
    """
    return Answer(snapshot.table(_LOADS), snapshot.version)
