"""What the sandbox planted in its events, held against what the models say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["assert_events_are_true"]


def assert_events_are_true(ask: Callable[[str], Iterable[tuple[Any, ...]]], truth: dict[str, Any]) -> None:
    """Every figure of the truth file is in the marts, and no other.

    Args:
        ask: Answers a query on the warehouse with its rows.
        truth: What the sandbox wrote down while it made the events.
    """

    def told(sql: str) -> set[tuple[str, ...]]:
        return {tuple(map(str, row)) for row in ask(sql)}

    def planted(*rows: tuple[Any, ...]) -> set[tuple[str, ...]]:
        return {tuple(map(str, row)) for row in rows}

    assert told("select event_date, event_type, count(*) from events.stg_events group by all") == planted(
        *((day, kind, count) for day, kinds in truth["events"].items() for kind, count in kinds.items())
    )
    assert told(
        "select engagement_date, sessions, bot_sessions, bounces, daily_active_users from events.fct_daily_engagement"
    ) == planted(
        *((day, s["sessions"], s["bot_sessions"], s["bounces"], s["users"]) for day, s in truth["sessions"].items())
    )
    assert told("select funnel_date, step, sessions_reached, sessions_any_order from events.fct_funnel") == planted(
        *((day, name, s["in_order"], s["any_order"]) for day, f in truth["funnel"].items() for name, s in f.items())
    )
    assert told(
        "select revenue_date, sum(revenue), sum(units), sum(purchases), sum(unknown_price_units) > 0 "
        "from events.fct_revenue group by 1"
    ) == planted(
        *((d, m["revenue"], m["units"], m["purchases"], m["unknown_price"] > 0) for d, m in truth["revenue"].items())
    )
    names = ("date", "touch", "utm_source", "utm_medium", "utm_campaign", "purchases", "revenue")
    assert told(
        "select purchase_date, touch, utm_source, utm_medium, utm_campaign, purchases, coalesce(revenue, 0.00) "
        "from events.fct_attribution"
    ) == planted(*(tuple(credit[name] for name in names) for credit in truth["attribution"]))
    names = ("cohort_week", "week_number", "cohort_users", "active_users")
    assert told(f"select {', '.join(names)} from events.fct_retention_cohorts where active_users > 0") == planted(
        *(tuple(cell[name] for name in names) for cell in truth["retention"])
    )
    names = ("user_id", "last_purchase_date", "orders", "revenue")
    assert told(
        "select user_id, last_purchase_date, frequency, coalesce(monetary, 0.00) from events.fct_rfm"
    ) == planted(*(tuple(customer[name] for name in names) for customer in truth["rfm"]["first_customers"]))
