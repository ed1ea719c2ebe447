"""What happens on a day: who comes when, what each visit is made of, and at which moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from gondola.sandbox.events.dice import Bools, Dice, Ints
from gondola.sandbox.events.goods import Goods
from gondola.sandbox.events.people import People

__all__ = ["CART", "CHECKOUT", "CLICK", "PURCHASE", "REMOVE", "SEARCH", "TYPES", "VIEW", "Calendar", "Moves", "Visits"]

TYPES = ("view", "click", "search", "cart", "remove_from_cart", "checkout", "purchase")
VIEW, CLICK, SEARCH, CART, REMOVE, CHECKOUT, PURCHASE = range(7)
INACTIVITY_MS = 30 * 60 * 1000
ZONE = ZoneInfo("America/Sao_Paulo")

# How far a visit is meant to go: browse only, cart, checkout, purchase, purchase at one click, cart from a link.
_INTENTS = (0.894, 0.055, 0.018, 0.026, 0.004, 0.003)
_BROWSE, _TO_CART, _TO_CHECKOUT, _TO_PURCHASE, _ONE_CLICK, _FROM_LINK = range(6)
_HOURS = (12, 7, 4, 3, 3, 5, 12, 25, 40, 52, 60, 64, 62, 58, 56, 58, 62, 68, 78, 92, 100, 92, 66, 34)
_WEEKDAYS = (1.0, 0.97, 0.98, 1.0, 1.08, 1.2, 1.1)  # Monday first
_CAMPAIGN_SHARE, _CAMPAIGNS = 0.42, 10
_MEAN_LENGTH = 5.2
_MACHINE_SHARE, _MACHINE_LENGTH = 0.03, (60, 180)
_CHUNK = 100_000


class Calendar:
    """The days of the world as spans of time in America/Sao_Paulo."""

    def __init__(self, start: date, days: int) -> None:
        self.dates = [start + timedelta(days=number) for number in range(days)]
        midnights = [datetime(d.year, d.month, d.day, tzinfo=ZONE) for d in [*self.dates, start + timedelta(days=days)]]
        self.starts = np.array([round(moment.timestamp() * 1000) for moment in midnights], np.int64)

    def day_of(self, moments: Ints) -> Ints:
        """The day, by number, of moments in milliseconds."""
        return np.searchsorted(self.starts, moments, side="right") - 1

    def weights(self, dice: Dice) -> list[float]:
        """How busy each day is, relative to the others."""
        noise = dice.unit("busy", np.arange(len(self.dates)))
        return [
            _WEEKDAYS[day.weekday()] * (0.92 + 0.16 * chance)
            for day, chance in zip(self.dates, noise.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class Visits:
    """Visits of one day, in the order they begin."""

    number: Ints  # unique over all days
    user: Ints
    length: Ints  # events
    intent: Ints
    browse: Ints  # events of browsing, before the tail that the intent adds
    items: Ints  # goods put into the cart
    start: Ints  # milliseconds since 1970
    is_machine: Bools

    def part(self, rows: slice | Bools | Ints) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def chunks(self) -> Iterator[Self]:
        """Parts of at most so many events that arrays stay small."""
        ends = np.cumsum(self.length)
        first = 0
        while first < len(ends):
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
            yield self.part(slice(first, last))
            first = last


@dataclass(frozen=True)
class Moves:
    """The events of some visits, visit by visit in the order of time."""

    visit: Ints  # index into the visits
    place: Ints  # 0 for a visit's first
    moment: Ints  # milliseconds since 1970
    gap: Ints  # milliseconds since the visit's event before
    kind: Ints  # index into TYPES
    product: Ints  # -1: none
    quantity: Ints  # -1: not told


def plan_day(dice: Dice, people: People, calendar: Calendar, *, day: int, events: int, first_number: int) -> Visits:
    """Who comes on a day, with so many events in all.

    Args:
        dice: The world's chance.
        people: Its users.
        calendar: Its days.
        day: Which day.
        events: Events in all; the last visit is cut short to meet it.
        first_number: Number of the first visit.
    """
    shortest, longest = _MACHINE_LENGTH
    machines = int(events * _MACHINE_SHARE / ((shortest + longest) / 2)) if people.machines else 0
    rows = np.arange(machines)
    machine_users = people.people + dice.below(max(people.machines, 1), "machine", rows, day)
    machine_lengths = shortest + dice.below(longest - shortest, "machine length", rows, day)
    wanted = events - int(machine_lengths.sum())
    crowd = _people_of_day(dice, people, day, wanted)
    user = np.concatenate([machine_users, crowd["user"]])
    number = first_number + np.arange(len(user), dtype=np.int64)
    nothing = np.zeros(machines, np.int64)
    visits = Visits(
        number=number,
        user=user,
        length=np.concatenate([machine_lengths, crowd["length"]]),
        intent=np.concatenate([nothing, crowd["intent"]]),
        browse=np.concatenate([machine_lengths, crowd["browse"]]),
        items=np.concatenate([nothing, crowd["items"]]),
        start=calendar.starts[day] + _second_of_day(dice, number, people.is_nameless[user]),
        is_machine=np.arange(len(user)) < machines,
    )
    return visits.part(np.argsort(visits.start, kind="stable"))


def _people_of_day(dice: Dice, people: People, day: int, wanted: int) -> dict[str, Ints]:
    here = np.flatnonzero((people.signup_day <= day) & (people.visits > 0))
    share = people.visits[here] / people.visits[here].sum()
    chance = np.maximum(dice.unit("comes", here, day), 1e-12)
    aim = 1.1 * max(wanted, 0) / _MEAN_LENGTH + 3
    while True:
        rate = share * aim
        times = np.floor(np.log(chance) / np.log(rate / (1 + rate))).astype(np.int64)
        times = np.where(people.is_nameless[here], np.minimum(times, 1), times)
        user = np.repeat(here, times)
        turn = np.arange(len(user)) - np.repeat(np.cumsum(times) - times, times)
        crowd = {"user": user} | _shape(dice, user, turn, day)
        ends = np.cumsum(crowd["length"])
        if wanted <= 0 or (len(ends) and ends[-1] >= wanted):
            break
        aim *= 1.4
    # Who stays out when the day is full is chance, not order.
    order = np.argsort(dice.words("order", user, turn, day), kind="stable")
    ends = np.cumsum(crowd["length"][order])
    kept = order[: int(np.searchsorted(ends, wanted)) + 1] if wanted > 0 else order[:0]
    crowd = {name: values[kept] for name, values in crowd.items()}
    if wanted > 0:
        crowd["length"][-1] -= ends[len(kept) - 1] - wanted
    return crowd


def _shape(dice: Dice, user: Ints, turn: Ints, day: int) -> dict[str, Ints]:
    """What each visit is made of: some browsing, then what its intent adds."""
    intent = dice.pick(_INTENTS, "intent", user, turn, day)
    chance = dice.unit("length", user, turn, day)
    browse = np.minimum(1 + np.where(chance < 0.35, 0, -np.log(1 - chance) * 3.2).astype(np.int64), 40)
    fills_cart = (intent >= _TO_CART) & (intent <= _TO_PURCHASE)
    items = np.where(fills_cart, 1 + (browse >= 3).astype(np.int64) + (browse >= 6), 0)
    removed = _removed(items)
    tail = np.select(
        [intent == _BROWSE, intent == _TO_CART, intent == _TO_CHECKOUT, intent == _TO_PURCHASE],
        [np.zeros_like(items), items + removed, items + removed + 1, 2 * items + 1],
        1,
    )
    return {"intent": intent, "browse": browse, "items": items, "length": browse + tail}


def _removed(items: Ints) -> Ints:
    """Goods taken out of the cart again: one of two or more."""
    return (items >= 2).astype(np.int64)


def _second_of_day(dice: Dice, number: Ints, nameless: Bools) -> Ints:
    """Milliseconds after midnight at which visits begin.

    Who sends no session id comes once a day, from 8:00 on: two of their visits never run into each other, so that
    the truth knows where each ends.
    """
    hour = dice.pick(tuple(float(weight) for weight in _HOURS), "hour", number)
    usual = hour * 3_600_000 + dice.below(3_600_000, "moment", number)
    return np.where(nameless, 8 * 3_600_000 + dice.below(57_000_000, "late moment", number), usual)


def act(dice: Dice, goods: Goods, calendar: Calendar, visits: Visits) -> Moves:
    """What happens in each visit, event by event."""
    total = int(visits.length.sum())
    visit = np.repeat(np.arange(len(visits.length)), visits.length)
    place = np.arange(total) - np.repeat(np.cumsum(visits.length) - visits.length, visits.length)
    number = visits.number[visit]
    gap = _gaps(dice, number, place, visits.is_machine[visit])
    elapsed = np.cumsum(gap)
    elapsed -= np.repeat(elapsed[place == 0], visits.length)
    moment = visits.start[visit] + elapsed
    # Nothing happens after the last day: a visit that would, begins earlier.
    over = np.maximum(moment[np.cumsum(visits.length) - 1] - (calendar.starts[-1] - 1), 0)
    moment -= np.repeat(over, visits.length)
    kind, product = _kinds(dice, goods, visits, visit, place)
    quantity = 1 + dice.pick((0.8, 0.15, 0.05), "quantity", number, product)
    told = ((kind == CART) | (kind == PURCHASE)) & (dice.unit("quantity told", number) < 0.8)
    return Moves(visit, place, moment, gap, kind, product, np.where(told, quantity, -1))


def _gaps(dice: Dice, number: Ints, place: Ints, machine: Bools) -> Ints:
    chance = dice.unit("gap", number, place)
    pace = 3000 + np.minimum(-np.log(1 - chance) * 45_000, 1_500_000).astype(np.int64)
    rare = dice.unit("rare gap", number, place)
    # To the second the longest gap inside a session, the shortest between two, and a walk to the kitchen.
    pace = np.select(
        [rare < 0.004, rare < 0.006, rare < 0.008],
        [INACTIVITY_MS, INACTIVITY_MS + 1000, INACTIVITY_MS + 60_000 + (chance * 1_000_000).astype(np.int64)],
        pace,
    )
    pace = np.where(machine, 200 + (chance * 800).astype(np.int64), pace)
    return np.where(place == 0, 0, pace)


def _kinds(dice: Dice, goods: Goods, visits: Visits, visit: Ints, place: Ints) -> tuple[Ints, Ints]:
    intent, number = visits.intent[visit], visits.number[visit]
    browse, items = visits.browse[visit], visits.items[visit]
    removed = _removed(items)
    step = place - browse  # 0 for the first event of the tail
    bought = items + removed + 1
    kind = np.select(
        [
            (intent == _FROM_LINK) & (place == 0),
            step < 0,
            intent == _ONE_CLICK,
            intent == _FROM_LINK,
            step < items,
            step < items + removed,
            step == items + removed,
        ],
        [CART, VIEW, PURCHASE, VIEW, CART, REMOVE, CHECKOUT],
        PURCHASE,
    )
    free = (step < -np.maximum(items, 1)) & ~((intent == _FROM_LINK) & (place <= 1))
    searches = free & (dice.unit("search", number, place) < 0.13)
    after = np.roll(searches, 1) & (place > 0) & free & ~searches & (dice.unit("click", number, place) < 0.7)
    kind = np.where(searches, SEARCH, np.where(after, CLICK, kind))
    item = np.select([kind == CART, kind == REMOVE, kind == PURCHASE], [step, items - 1, step - bought], 0)
    item = np.where(intent >= _ONE_CLICK, 0, item)
    seen = np.where(step < 0, place, browse - 1 - item)  # what is bought is what was looked at last
    # The first goods of the catalogue are wanted most.
    wish = dice.unit("wish", number, seen)
    product = np.minimum((wish**2.5 * goods.count).astype(np.int64), goods.count - 1)
    return kind, np.where((kind == SEARCH) | (kind == CHECKOUT), -1, product)


def campaign_of(dice: Dice, visits: Visits, day: int) -> Ints:
    """Number of the campaign that brought each visit; -1 when none did. A campaign rests every third week."""
    chosen = dice.pick(tuple(1.0 / (rank + 2) for rank in range(_CAMPAIGNS)), "campaign", visits.number)
    runs = ((day // 7 + chosen) % 3 != 0) & (dice.unit("comes by campaign", visits.number) < _CAMPAIGN_SHARE)
    return np.where(runs & ~visits.is_machine, chosen, -1)
