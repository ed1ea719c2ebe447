"""What the events models must say, computed the slow and obvious way from all loads there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any

from tests.dbt.events_lake import Load

Row = dict[str, Any]
STEPS = ["session", "view", "cart", "checkout", "purchase"]
HALF_AN_HOUR = timedelta(minutes=30)
THIRTY_DAYS = timedelta(days=30)


def staged(loads: Iterable[Load]) -> list[Row]:
    """Every event once, as the first load that brought it told it."""
    found: dict[str, Row] = {}
    for load in sorted(loads, key=lambda load: load.started):
        if load.status != "failed":
            for row in load.rows:
                found.setdefault((row["event_date"], row["event_id"]), {**row, "run_id": load.run_id})
    return sorted(found.values(), key=lambda row: (row["event_time"], row["event_id"]))


def sessions(events: list[Row]) -> list[list[Row]]:
    """The events of each session, in order."""
    found: dict[tuple[str, str], list[Row]] = {}
    result = []
    current: dict[str, list[Row]] = {}
    for row in events:
        user, session = row["user_id"], row.get("session_id")
        if session is not None:
            found.setdefault((user, session), []).append(row)
        elif user in current and row["event_time"] - current[user][-1]["event_time"] <= HALF_AN_HOUR:
            current[user].append(row)
        else:
            current[user] = [row]
            result.append(current[user])
    return [*found.values(), *result]


def money(rows: Iterable[Row]) -> Decimal | None:
    known = [row["price"] * row["quantity"] for row in rows if row.get("price") is not None]
    return sum(known, Decimal(0)) if known else None


def purchases(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["event_type"] == "purchase"]


def order_of(row: Row) -> str:
    return row.get("order_id") or f"{row['user_id']}/{row.get('session_id') or row['event_id']}"


def is_bot(session: list[Row]) -> bool:
    if any(row.get("is_bot") for row in session):
        return True
    minutes = (session[-1]["event_time"] - session[0]["event_time"]) / timedelta(minutes=1)
    return len(session) >= 30 and len(session) > 30 * max(minutes, 1)


def step_of(session: list[Row]) -> int:
    """How far it got, in order."""

    def first(kind: str, after: datetime | None) -> datetime | None:
        times = [row["event_time"] for row in session if row["event_type"] == kind]
        return min((at for at in times if after is not None and at >= after), default=None)

    viewed = first("view", session[0]["event_time"])
    carted = first("cart", viewed)
    if first("purchase", carted):
        return 4
    if first("checkout", carted):
        return 3
    return 2 if carted else 1 if viewed else 0


def touch_of(session: list[Row]) -> tuple[datetime, tuple[str, str, str]] | None:
    for row in session:
        if row.get("utm_source"):
            return row["event_time"], (
                row["utm_source"],
                row.get("utm_medium") or "none",
                row.get("utm_campaign") or "none",
            )
    return None


def session_rows(made: list[list[Row]]) -> set[tuple[Any, ...]]:
    return {
        (
            rows[0]["user_id"],
            rows[0].get("session_id"),
            rows[0]["event_date"],
            rows[-1]["event_date"],
            rows[0]["event_time"],
            rows[-1]["event_time"],
            len(rows),
            STEPS[step_of(rows)],
            is_bot(rows),
            len({order_of(row) for row in purchases(rows)}),
            money(purchases(rows)),
        )
        for rows in made
    }


def engagement(made: list[list[Row]]) -> set[tuple[Any, ...]]:
    """day, active users of 1, 7, 30 days, sessions, bots' sessions, bounces, sessions with a purchase, mean seconds."""
    result = set()
    days = {rows[0]["event_date"] for rows in made}
    human = [rows for rows in made if not is_bot(rows)]

    def users(last: date, count: int) -> int:
        return len({r[0]["user_id"] for r in human if last - timedelta(days=count) < r[0]["event_date"] <= last})

    for day in days:
        here = [rows for rows in human if rows[0]["event_date"] == day]
        seconds = sum((rows[-1]["event_time"] - rows[0]["event_time"]).total_seconds() for rows in here)
        result.add((
            day, users(day, 1), users(day, 7), users(day, 30), len(here),
            sum(rows[0]["event_date"] == day for rows in made) - len(here),
            sum(len(rows) == 1 for rows in here), sum(bool(purchases(rows)) for rows in here),
            tenths(seconds / len(here)) if here else None,
        ))  # fmt: skip
    return result


def tenths(number: float) -> float:
    return float(Decimal(number).quantize(Decimal("0.1"), ROUND_HALF_UP))


def funnel(made: list[list[Row]]) -> set[tuple[Any, ...]]:
    """day, step, sessions that reached it, stopped there, have such an event."""
    result = set()
    human = [rows for rows in made if not is_bot(rows)]
    for day, group in groupby(
        sorted(human, key=lambda rows: rows[0]["event_date"]), key=lambda rows: rows[0]["event_date"]
    ):
        here = list(group)
        for number, step in enumerate(STEPS):
            result.add((
                day, step, sum(step_of(rows) >= number for rows in here), sum(step_of(rows) == number for rows in here),
                sum(not number or any(row["event_type"] == step for row in rows) for rows in here),
            ))  # fmt: skip
    return result


def revenue(events: list[Row]) -> set[tuple[Any, ...]]:
    """day, product, purchases, orders, units, revenue, units of unknown price."""
    return {(*key, *measures(rows)) for key, rows in grouped(
        purchases(events), lambda row: (row["event_date"], row.get("product_id") or "(unknown)")
    )}  # fmt: skip


def attribution(events: list[Row], made: list[list[Row]]) -> set[tuple[Any, ...]]:
    """day, touch, campaign, and the measures of the purchases it earned."""
    touches = [(rows[0]["user_id"], *touch) for rows in made if (touch := touch_of(rows))]
    credited = []
    for row in purchases(events):
        at = row["event_time"]
        near = sorted((t, utm) for user, t, utm in touches if user == row["user_id"] and at - THIRTY_DAYS <= t <= at)
        direct = ("direct", "none", "none")
        latest = [utm for t, utm in near if t == near[-1][0]]  # of two at one moment the first by name
        credited.append({**row, "touch": "first", "utm": near[0][1] if near else direct})
        credited.append({**row, "touch": "last", "utm": latest[0] if near else direct})
    return {(*key, *measures(rows)) for key, rows in grouped(
        credited, lambda row: (row["event_date"], row["touch"], *row["utm"])
    )}  # fmt: skip


def products(events: list[Row], made: list[list[Row]]) -> set[tuple[Any, ...]]:
    """day, product, views and carts of people, purchases."""
    bots = {id(row) for rows in made if is_bot(rows) for row in rows}
    about = [row for row in events if row.get("product_id") or row["event_type"] == "purchase"]
    about = [row for row in about if row["event_type"] == "purchase" or id(row) not in bots]
    return {
        (*key, *(sum(row["event_type"] == kind for row in rows) for kind in ("view", "cart", "purchase")))
        for key, rows in grouped(about, lambda row: (row["event_date"], row.get("product_id") or "(unknown)"))
    }


def retention(made: list[list[Row]]) -> set[tuple[Any, ...]]:
    """cohort, week, users of the cohort, of them active."""
    weeks: dict[str, set[date]] = {}
    for rows in made:
        if not is_bot(rows):
            day = rows[0]["event_date"]
            weeks.setdefault(rows[0]["user_id"], set()).add(day - timedelta(days=day.weekday()))
    if not weeks:
        return set()
    newest = max(max(active) for active in weeks.values())
    result = set()
    for cohort in {min(active) for active in weeks.values()}:
        users = [active for active in weeks.values() if min(active) == cohort]
        for number in range((newest - cohort).days // 7 + 1):
            week = cohort + timedelta(weeks=number)
            result.add((cohort, number, len(users), sum(week in active for active in users)))
    return result


def customers(events: list[Row]) -> set[tuple[Any, ...]]:
    """user, last purchase, revenue."""
    return {
        (*key, max(row["event_date"] for row in rows), money(rows))
        for key, rows in grouped(purchases(events), lambda row: (row["user_id"],))
    }


def measures(rows: list[Row]) -> tuple[Any, ...]:
    unknown = sum(row["quantity"] for row in rows if row.get("price") is None)
    return (
        len(rows), len({order_of(row) for row in rows}), sum(row["quantity"] for row in rows), money(rows), unknown,
    )  # fmt: skip


def grouped(rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())
