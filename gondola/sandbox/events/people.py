"""Who comes to the web shop: people with habits, and machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from gondola.sandbox.events.dice import Bools, Dice, Floats, Ints

__all__ = ["COUNTRIES", "DEVICES", "SEGMENTS", "People"]

SEGMENTS = ("new", "occasional", "regular", "loyal")
COUNTRIES = ("BR", "PT", "AR", "UY")
DEVICES = ("mobile", "desktop", "tablet", "app")
_VISITS = (0.6, 0.8, 1.6, 4.0)  # how often each segment comes, relative to each other
_SIGNED_UP_BEFORE, _LONGEST_AGO = 0.7, 400
_NAMELESS, _OLD_APP, _SEVERAL_DEVICES, _UNKNOWN, _STEALTHY, _FLAGGED = 0.1, 0.5, 0.25, 0.03, 0.004, 0.6


@dataclass(frozen=True)
class People:
    """The users of one world, by index: people first, machines after them."""

    seed: int
    people: int
    machines: int
    days: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.people + self.machines

    @cached_property
    def segment(self) -> Ints:
        """Index into SEGMENTS."""
        return self._dice.pick((0.25, 0.4, 0.25, 0.1), "segment", self._all)

    @cached_property
    def signup_day(self) -> Ints:
        """Day of the world on which they signed up; negative before its first. Nobody comes before it."""
        early = self._dice.unit("signed up before", self._all) < _SIGNED_UP_BEFORE
        ago = -1 - self._dice.below(_LONGEST_AGO, "signed up ago", self._all)
        return np.where(early, ago, self._dice.below(self.days, "signed up on", self._all))

    @cached_property
    def visits(self) -> Floats:
        """How often a person comes, relative to others; 0 for machines."""
        rate = np.array(_VISITS)[self.segment] * (0.25 + 1.5 * self._dice.unit("visits", self._all))
        return np.where(self._all < self.people, rate, 0.0)

    @cached_property
    def is_nameless(self) -> Bools:
        """Their client sends no session id: sessions are what the 30-minute rule makes of their events."""
        return (self._all < self.people) & (self._dice.unit("nameless", self._all) < _NAMELESS)

    @cached_property
    def has_old_app(self) -> Bools:
        """Their client sends no event id either."""
        return self.is_nameless & (self._dice.unit("old app", self._all) < _OLD_APP)

    @cached_property
    def is_flagged(self) -> Bools:
        """Machines that say what they are; the others are for the rule to catch."""
        return (self._all >= self.people) & (self._dice.unit("flagged", self._all) < _FLAGGED)

    @cached_property
    def is_stealthy(self) -> Bools:
        """Machines that behave like people: only the truth file knows."""
        return (self._all < self.people) & (self._dice.unit("stealthy", self._all) < _STEALTHY)

    @cached_property
    def country(self) -> Ints:
        """Index into COUNTRIES."""
        return self._dice.pick((0.9, 0.05, 0.03, 0.02), "country", self._all)

    def device(self, user: Ints, session: Ints) -> Ints:
        """Index into DEVICES of each session's device: one in four people has two."""
        first = self._dice.pick((0.6, 0.3, 0.04, 0.06), "device", user)
        second = (first + 1 + self._dice.below(3, "second device", user)) % len(DEVICES)
        uses_second = (self._dice.unit("several devices", user) < _SEVERAL_DEVICES) & (
            self._dice.unit("which device", session) < 0.4
        )
        return np.where(uses_second, second, first)

    @cached_property
    def ids(self) -> pa.Array:
        """User ids."""
        return pa.array([f"u{number:07}" for number in range(1, self.count + 1)])

    def profiles(self, start: date) -> pa.Table:
        """The profiles as the shop gives them; a few users have none. Nothing in them names a person."""
        days = np.datetime64(start + timedelta(0), "D") + self.signup_day.astype("timedelta64[D]")
        table = pa.table(
            {
                "user_id": self.ids,
                "signup_date": pa.array(days),
                "country": pa.array(COUNTRIES).take(pa.array(self.country)),
                "segment": pa.array(SEGMENTS).take(pa.array(self.segment)),
            }
        )
        known = (self._all < self.people) & (self._dice.unit("unknown", self._all) >= _UNKNOWN)
        return table.filter(pa.array(known))

    @cached_property
    def _all(self) -> Ints:
        return np.arange(self.count, dtype=np.int64)

    @cached_property
    def _dice(self) -> Dice:
        return Dice(self.seed)
