"""What is true of the events, counted while they are made, by other means than the models."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from gondola.sandbox.events.dice import Ints
from gondola.sandbox.events.goods import NO_PRICE
from gondola.sandbox.events.people import People
from gondola.sandbox.events.rows import CAMPAIGNS
from gondola.sandbox.events.visits import (
    CART,
    CHECKOUT,
    INACTIVITY_MS,
    PURCHASE,
    TYPES,
    VIEW,
    Calendar,
    Moves,
    Visits,
)

__all__ = ["STEPS", "Truth"]

STEPS = ("session", "view", "cart", "checkout", "purchase")
LOOKBACK_MS = 30 * 86_400_000
_NEVER = np.iinfo(np.int64).max
_MOST_CUSTOMERS = 2000  # told one by one


class Truth:
    """Counts of one world, chunk by chunk."""

    def __init__(self, people: People, calendar: Calendar) -> None:
        days, users = len(calendar.dates), people.count
        self._people = people
        self._calendar = calendar
        self._weeks = [day.isocalendar()[:2] for day in calendar.dates]
        self._week_of = np.cumsum([0] + [a != b for a, b in zip(self._weeks, self._weeks[1:], strict=False)])
        self._types = np.zeros((days, len(TYPES)), np.int64)
        self._sessions = np.zeros((days, 2), np.int64)  # people's, machines' that the rule finds
        self._bounces = np.zeros(days, np.int64)
        self._in_order = np.zeros((days, len(STEPS)), np.int64)  # sessions by the last step they reached
        self._any_order = np.zeros((days, len(STEPS)), np.int64)
        self._revenue = np.zeros((days, 5), np.int64)  # cents, units, purchases, of unknown price, of price zero
        self._active = np.zeros((days, users), bool)
        self._last_purchase = np.full(users, -1, np.int64)
        self._spent = np.zeros(users, np.int64)
        self._orders = np.zeros(users, np.int64)
        self._touches = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        self._waiting: list[np.ndarray] = []  # purchases whose touches are not all known yet
        self._credit: dict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0, 0])

    def see(self, visits: Visits, moves: Moves, *, cents: Ints, campaign: Ints, day: Ints) -> None:
        """Count the events of a chunk of whole visits."""
        nameless = self._people.is_nameless[visits.user][moves.visit]
        opens = (moves.place == 0) | (nameless & (moves.gap > INACTIVITY_MS))
        np.add.at(self._types, (day, moves.kind), 1)
        self._see_sessions(visits, moves, np.flatnonzero(opens), day)
        self._see_purchases(visits, moves, cents, day)
        touched = np.flatnonzero((moves.place == 0) & (campaign[moves.visit] >= 0))
        self._touches.append(
            (self._key(visits.user[moves.visit[touched]], moves.moment[touched]), campaign[moves.visit[touched]])
        )

    def _see_sessions(self, visits: Visits, moves: Moves, first: Ints, day: Ints) -> None:
        start_day = day[first]
        user = visits.user[moves.visit[first]]
        machine = visits.is_machine[moves.visit[first]]
        events = np.diff(np.append(first, len(day)))
        np.add.at(self._sessions, (start_day, machine.astype(np.int64)), 1)
        human = ~machine
        np.add.at(self._bounces, start_day[human & (events == 1)], 1)
        self._active[start_day[human], user[human]] = True

        def earliest(kind: int, after: Ints | None = None) -> Ints:
            fits = moves.kind == kind
            if after is not None:
                fits &= moves.moment >= np.repeat(after, events)
            return np.minimum.reduceat(np.where(fits, moves.moment, _NEVER), first)

        view = earliest(VIEW)
        cart = earliest(CART, view)
        checkout, purchase = earliest(CHECKOUT, cart), earliest(PURCHASE, cart)
        step = np.select([purchase < _NEVER, checkout < _NEVER, cart < _NEVER, view < _NEVER], [4, 3, 2, 1], 0)
        np.add.at(self._in_order, (start_day[human], step[human]), 1)
        for index, kind in enumerate((VIEW, CART, CHECKOUT, PURCHASE), start=1):
            reached = human & (earliest(kind) < _NEVER)
            np.add.at(self._any_order[:, index], start_day[reached], 1)

    def _see_purchases(self, visits: Visits, moves: Moves, cents: Ints, day: Ints) -> None:
        rows = np.flatnonzero(moves.kind == PURCHASE)
        if not len(rows):
            return
        units = np.maximum(moves.quantity[rows], 1)
        price, on = cents[rows], day[rows]
        value = np.where(price == NO_PRICE, 0, price * units)
        user = visits.user[moves.visit[rows]]
        for column, amount in enumerate((value, units, 1, price == NO_PRICE, price == 0)):
            np.add.at(self._revenue[:, column], on, amount)
        np.add.at(self._spent, user, value)
        np.maximum.at(self._last_purchase, user, on)
        is_order = np.append(True, moves.visit[rows][1:] != moves.visit[rows][:-1])
        np.add.at(self._orders, user[is_order], 1)
        self._waiting.append(np.stack([user, moves.moment[rows], on, value]))

    def close_day(self, day: int) -> None:
        """All visits that begin on a day have been seen: credit the purchases made until its end."""
        end = self._calendar.starts[day + 1]
        keys = np.concatenate([key for key, _ in self._touches])
        campaigns = np.concatenate([number for _, number in self._touches])
        order = np.argsort(keys, kind="stable")
        keys, campaigns = keys[order], campaigns[order]
        recent = (keys & _MOMENT_MASK) >= end - LOOKBACK_MS - 86_400_000
        self._touches = [(keys[recent], campaigns[recent])]
        if not self._waiting:
            return
        bought = np.concatenate(self._waiting, axis=1)
        due = bought[1] < end
        self._waiting = [bought[:, ~due]]
        user, moment, on, value = bought[:, due]
        low = np.searchsorted(keys, self._key(user, moment - LOOKBACK_MS), side="left")
        high = np.searchsorted(keys, self._key(user, moment), side="right")
        found = high > low
        for model, place in enumerate((low, high - 1)):
            credited = np.where(found, campaigns[np.where(found, place, 0)] if len(campaigns) else -1, -1)
            groups, index = np.unique(np.stack([on, credited]), axis=1, return_inverse=True)
            purchases, cents = np.bincount(index.ravel()), np.zeros(groups.shape[1], np.int64)
            np.add.at(cents, index.ravel(), value)
            for (date_, number), count, amount in zip(
                groups.T.tolist(), purchases.tolist(), cents.tolist(), strict=True
            ):
                entry = self._credit[model, date_, number]
                entry[0] += count
                entry[1] += amount

    @staticmethod
    def _key(user: Ints, moment: Ints) -> Ints:
        return (user << _MOMENT_BITS) | moment

    def document(self) -> dict[str, Any]:
        """All of it, ready for JSON; money is text."""
        dates = [day.isoformat() for day in self._calendar.dates]
        return {
            "events": {
                date: {name: int(n) for name, n in zip(TYPES, row, strict=True) if n}
                for date, row in zip(dates, self._types, strict=True)
            },
            "sessions": {
                date: {
                    "sessions": int(row[0]),
                    "bot_sessions": int(row[1]),
                    "bounces": int(bounced),
                    "users": int(np.count_nonzero(active)),
                }
                for date, row, bounced, active in zip(dates, self._sessions, self._bounces, self._active, strict=True)
            },
            "funnel": {
                date: {
                    name: {"in_order": int(row[index:].sum()), "any_order": int(loose[index] if index else row.sum())}
                    for index, name in enumerate(STEPS)
                }
                for date, row, loose in zip(dates, self._in_order, self._any_order, strict=True)
            },
            "revenue": {
                date: {
                    "revenue": _money(row[0]),
                    "units": int(row[1]),
                    "purchases": int(row[2]),
                    "unknown_price": int(row[3]),
                    "zero_price": int(row[4]),
                }
                for date, row in zip(dates, self._revenue, strict=True)
            },
            "attribution": self._attribution(dates),
            "retention": self._retention(),
            "rfm": self._customers(dates),
        }

    def _attribution(self, dates: list[str]) -> list[dict[str, Any]]:
        direct = ("direct", "none", "none", None)
        return [
            {
                "date": dates[day],
                "touch": ("first", "last")[model],
                **dict(
                    zip(
                        ("utm_source", "utm_medium", "utm_campaign"),
                        (CAMPAIGNS[n] if n >= 0 else direct)[:3],
                        strict=True,
                    )
                ),
                "purchases": count,
                "revenue": _money(cents),
            }
            for (model, day, n), (count, cents) in sorted(self._credit.items())
        ]

    def _retention(self) -> list[dict[str, Any]]:
        weeks = int(self._week_of[-1]) + 1
        active = np.stack([self._active[self._week_of == week].any(axis=0) for week in range(weeks)])
        came = active.any(axis=0)
        cohort = np.where(came, active.argmax(axis=0), -1)
        monday = {week: self._calendar.dates[int(np.argmax(self._week_of == week))] for week in range(weeks)}
        return [
            {
                "cohort_week": _monday(monday[first]),
                "week_number": week - first,
                "cohort_users": int(np.count_nonzero(cohort == first)),
                "active_users": int(np.count_nonzero(active[week] & (cohort == first))),
            }
            for first in range(weeks)
            for week in range(first, weeks)
            if np.count_nonzero(active[week] & (cohort == first))
        ]

    def _customers(self, dates: list[str]) -> dict[str, Any]:
        bought = np.flatnonzero(self._orders)
        ids = self._people.ids
        return {
            "customers": len(bought),
            "orders": int(self._orders.sum()),
            "revenue": _money(self._spent.sum()),
            "first_customers": [
                {
                    "user_id": ids[user].as_py(),
                    "last_purchase_date": dates[self._last_purchase[user]],
                    "orders": int(self._orders[user]),
                    "revenue": _money(self._spent[user]),
                }
                for user in bought[:_MOST_CUSTOMERS].tolist()
            ],
        }


_MOMENT_BITS = 42  # milliseconds until the year 2109
_MOMENT_MASK = (1 << _MOMENT_BITS) - 1


def _monday(day: Any) -> str:
    return str(np.datetime64(day) - np.timedelta64(day.weekday(), "D"))


def _money(cents: int) -> str:
    return f"{int(cents) // 100}.{int(cents) % 100:02}"
