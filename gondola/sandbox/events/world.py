"""A web shop's events: made by the day, written as files, with what is true of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gondola.sandbox.events.dice import Dice
from gondola.sandbox.events.files import FileWriter
from gondola.sandbox.events.goods import Goods
from gondola.sandbox.events.people import People
from gondola.sandbox.events.rows import Mail, Rates, Sent, send
from gondola.sandbox.events.truth import Truth
from gondola.sandbox.events.visits import Calendar, act, campaign_of, plan_day

__all__ = ["EventWorld", "Made", "write_truth"]


@dataclass(frozen=True)
class Made:
    """What was written."""

    files: tuple[Path, ...]
    rows: int
    bytes: int
    truth: dict[str, Any]


@dataclass(frozen=True)
class EventWorld:
    """A web shop over some days; the same fields give the same events, to the byte.

    Args:
        seed: Tells worlds apart.
        events: Rows in all files together: events, rows sent twice, broken rows.
        days: How many days, from `start` on.
        start: The first day, in America/Sao_Paulo.
        rates: How much goes wrong.
    """

    seed: int = 2026
    events: int = 100_000
    days: int = 30
    start: date = date(2026, 1, 1)
    rates: Rates = field(default_factory=Rates)

    @cached_property
    def goods(self) -> Goods:
        """What is sold."""
        return Goods(self.seed, min(5000, max(60, self.events // 200)))

    @cached_property
    def people(self) -> People:
        """Who comes."""
        people = min(2_000_000, max(40, self.events // 36))
        return People(self.seed, people, machines=max(2, people // 200), days=self.days)

    def write(self, folder: Path, form: str = "jsonl", *, compress: bool = False) -> Made:
        """Write one file of events for each day they arrive on, `products.parquet` and `users.parquet`.

        Args:
            folder: Where; made when missing.
            form: One of `files.FORMATS`.
            compress: Whether files of text are gzipped.
        """
        making = _Making(self, as_text=form != "parquet")
        with FileWriter(folder, form, compress=compress) as writer:
            files = [
                writer.write_events(f"events-{day.isoformat()}", making.arrive_on(number), making.schema)
                for number, day in enumerate(making.calendar.dates)
            ]
            files.append(writer.write_table("products", self.goods.catalogue()))
            files.append(writer.write_table("users", self.people.profiles(self.start)))
        return Made(tuple(files), making.rows, sum(path.stat().st_size for path in files), making.document())


def write_truth(truth: dict[str, Any], path: Path) -> None:
    """Write what is true as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


class _Making:
    """The state of one pass over the days."""

    def __init__(self, world: EventWorld, *, as_text: bool) -> None:
        self.calendar = Calendar(world.start, world.days)
        self.rows = 0
        self._world = world
        self._dice = Dice(world.seed)
        self._sent = Sent(self._dice, world.goods, world.people, world.rates, world.days - 1, as_text)
        self._mail = Mail()
        self._truth = Truth(world.people, self.calendar)
        self._visits = 0
        self._events = 0
        weights = np.cumsum(self.calendar.weights(self._dice))
        ends = np.rint(weights / weights[-1] * world.events).astype(int)
        self._quota = np.diff(ends, prepend=0).tolist()

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the events."""
        small = EventWorld(self._world.seed, events=200, days=1, start=self._world.start)
        return next(_Making(small, as_text=True).arrive_on(0)).schema

    def arrive_on(self, day: int) -> Iterator[pa.Table]:
        """The rows that arrive on a day, piece by piece; days are asked for in order, once each."""
        yield from self._taken(day)
        quota, rates = self._quota[day], self._world.rates
        extra = np.array([round(quota * rates.duplicate), round(quota * rates.bad)])
        events = quota - int(extra.sum())
        visits = plan_day(
            self._dice, self._world.people, self.calendar, day=day, events=events, first_number=self._visits
        )
        done = 0
        for part in visits.chunks():
            moves = act(self._dice, self._world.goods, self.calendar, part)
            count = len(moves.place)
            on = self.calendar.day_of(moves.moment)
            cents = self._world.goods.price(np.maximum(moves.product, 0), on)
            cents = np.where(moves.product < 0, -1, cents)
            campaign = campaign_of(self._dice, part, day)
            self._truth.see(part, moves, cents=cents, campaign=campaign, day=on)
            share = extra * (done + count) // events - extra * done // events
            send(
                self._sent, self._mail, part, moves, cents=cents, campaign=campaign, day=on,
                first_event=self._events + done, extra=(int(share[0]), int(share[1])),
            )  # fmt: skip
            done += count
            yield from self._taken(day)
        self._visits += len(visits.number)
        self._events += done
        self._truth.close_day(day)

    def _taken(self, day: int) -> list[pa.Table]:
        tables = self._mail.take(day)
        self.rows += sum(table.num_rows for table in tables)
        return tables

    def document(self) -> dict[str, Any]:
        """What is true, and how it was made."""
        world, people = self._world, self._world.people
        return {
            "seed": world.seed,
            "start": world.start.isoformat(),
            "days": world.days,
            "rows": self.rows,
            "distinct_events": self._events,
            "late_events": self._mail.late,
            "duplicate_rows": self._mail.duplicates,
            "broken_rows": dict(sorted(self._mail.broken.items())),
            "bots": {
                "flagged_users": people.ids.filter(pa.array(people.is_flagged)).to_pylist(),
                "fast_users": people.ids.filter(
                    pa.array(~people.is_flagged & (np.arange(people.count) >= people.people))
                ).to_pylist(),
                "stealthy_users": people.ids.filter(pa.array(people.is_stealthy)).to_pylist()[:1000],
            },
            "products": world.goods.catalogue().num_rows,
            "users": people.profiles(world.start).num_rows,
            **self._truth.document(),
        }
