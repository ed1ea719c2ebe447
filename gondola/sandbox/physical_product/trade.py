"""What happens on one day: goods are ordered, shipped, sent back, thrown away and inspected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gondola.sandbox.events.dice import Bools, Dice, Floats, Ints
from gondola.sandbox.physical_product.goods import Goods
from gondola.sandbox.physical_product.people import CARRIERS, SITES, People, numbered

__all__ = ["Day", "Strange", "Trade", "moments", "money"]

DAY_SECONDS = 86_400
_ZONE_SECONDS = 3 * 3600  # São Paulo is three hours behind UTC, without summer time since 2019
_WEEKDAYS = np.array([1.0, 0.95, 1.0, 1.1, 1.3, 1.5, 0.8])  # Monday first
_JITTER = 0.04
_CANCELLED, _DISCOUNTED, _LATE, _RETURNED, _RESELLABLE = 0.03, 0.2, 0.15, 0.06, 0.6
_LINES_WEIGHTS = (50, 30, 15, 5)  # orders of one line, of two, …
_CHANNELS = ("online", "store", "partner")
_RETURN_REASONS = ("damaged", "wrong item", "not as described", "changed mind")
_WASTE_REASONS = ("expired", "damaged", "production", "overstock")
_SAMPLE = 200
_PROMISED_DAYS = 5
_LEAST_DAYS = 28  # with fewer, nothing strange is planted: there is no season to tell it from


class Strange(NamedTuple):
    """A day on which a series does what it never does."""

    metric: str
    category: int
    day: int
    times: float


class Day(NamedTuple):
    """The lines of one day's orders, with what became of them; times are seconds since 1970."""

    order: Ints
    line: Ints
    customer: Ints
    product: Ints
    ordered: Ints
    quantity: Ints
    price: Ints
    discount: Ints
    cancelled: Bools
    shipped: Ints
    delivered: Ints
    promised_day: Ints  # days since 1970
    returned: Ints  # units, 0 for none
    returned_at: Ints
    resellable: Bools

    @property
    def net(self) -> Ints:
        """Cents of each line after its discount."""
        return self.quantity * self.price - self.discount

    @property
    def refund(self) -> Ints:
        """Cents given back."""
        return self.net * self.returned // self.quantity


def money(cents: Ints) -> pa.Array:
    """Cents as texts with two decimals."""
    words = np.empty((len(cents), 2), np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    kind = pa.decimal128(18, 2)
    return pa.Array.from_buffers(kind, len(cents), [None, pa.py_buffer(words.tobytes())]).cast(pa.string())


def moments(seconds: Ints, known: Bools | None = None) -> pa.Array:
    """Seconds since 1970 as texts in UTC; null where not known."""
    mask = None if known is None else ~known
    return pc.strftime(pa.array(seconds, pa.timestamp("s"), mask=mask), format="%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Trade:
    """The trade of one world."""

    goods: Goods
    people: People
    start: date
    days: int
    lines: int

    @property
    def end(self) -> int:
        """The end of the last day, in seconds since 1970."""
        return self._midnight(self.days)

    @cached_property
    def strange(self) -> tuple[Strange, ...]:
        """The planted anomalies."""
        if self.days < _LEAST_DAYS:
            return ()
        count, inner = len(self.goods.categories), self.days - 20
        day = (Dice(self.goods.seed).below(inner, "strange day", np.arange(4)) + 10).tolist()
        return (
            Strange("sales_quantity", 1 % count, day[0], 4.0),
            Strange("sales_quantity", 2 % count, day[1], 0.05),
            Strange("waste_quantity", 3 % count, day[2], 6.0),
            Strange("defect_rate", 4 % count, day[3], 10.0),
        )

    def times(self, metric: str, day: int) -> Floats:
        """By how much each category's series is off on a day."""
        factor = np.ones(len(self.goods.categories))
        for one in self.strange:
            if (one.metric, one.day) == (metric, day):
                factor[one.category] = one.times
        return factor

    def orders(self, day: int, first_order: int) -> Day:
        """The order lines of a day.

        Args:
            day: Which day of the world.
            first_order: How many orders there were before it.
        """
        dice = Dice(self.goods.seed)
        product = self._products(self._counts(day), day, "line")
        n = len(product)
        product = product[np.argsort(dice.words("shuffle", day, np.arange(n)))]
        sizes = dice.pick(_LINES_WEIGHTS, "order size", day, np.arange(n)) + 1
        ends = np.cumsum(sizes)
        index = np.searchsorted(ends, np.arange(n), side="right")
        order = index + first_order
        line = np.arange(n) - np.where(index > 0, ends[index - 1], 0) + 1
        spread = dice.below(DAY_SECONDS, "time of day", order)
        ordered = self._midnight(day) + spread
        quantity = dice.below(5, "quantity of line", day, np.arange(n)) + 1
        price = self.goods.cents[product]
        discounted = dice.unit("discounted", day, np.arange(n)) < _DISCOUNTED
        cancelled = dice.unit("cancelled", order) < _CANCELLED
        shipped = ordered + 7200 + dice.below(160_000, "packing", order)
        late = dice.unit("late", order) < _LATE
        transit = 43_200 + dice.below(4 * 60_000, "transit", order) + np.where(late, 6 * DAY_SECONDS, 0)
        delivered = shipped + transit
        back = dice.unit("sent back", day, np.arange(n)) < _RETURNED
        returned_at = delivered + DAY_SECONDS + dice.below(14 * DAY_SECONDS, "sent back at", day, np.arange(n))
        back &= ~cancelled & (returned_at < self.end)
        return Day(
            order=order,
            line=line,
            customer=dice.below(self.people.count, "buyer", order),
            product=product,
            ordered=ordered,
            quantity=quantity,
            price=price,
            discount=np.where(discounted, quantity * price // 10, 0),
            cancelled=cancelled,
            shipped=shipped,
            delivered=delivered,
            promised_day=(ordered - _ZONE_SECONDS) // DAY_SECONDS + _PROMISED_DAYS,
            returned=np.where(back, dice.below(quantity, "units sent back", day, np.arange(n)) + 1, 0),
            returned_at=returned_at,
            resellable=dice.unit("resellable", day, np.arange(n)) < _RESELLABLE,
        )

    def order_table(self, lines: Day) -> pa.Table:
        """The day's part of the file of orders, all columns as texts."""
        state = np.select([lines.cancelled, lines.delivered < self.end, lines.shipped < self.end], [3, 2, 1], 0)
        channel = Dice(self.goods.seed).below(len(_CHANNELS), "channel", lines.order)
        return pa.table(
            {
                "order_id": numbered("O", lines.order),
                "line_number": pa.array(lines.line).cast(pa.string()),
                "customer_id": self.people.ids.take(pa.array(lines.customer)),
                "product_id": self.goods.id_array.take(pa.array(lines.product)),
                "ordered_at": moments(lines.ordered),
                "quantity": pa.array(lines.quantity).cast(pa.string()),
                "unit_price": money(lines.price),
                "discount": money(lines.discount),
                "total_amount": money(lines.net),
                "status": pa.array(["placed", "shipped", "delivered", "cancelled"]).take(pa.array(state)),
                "channel": pa.array(_CHANNELS).take(pa.array(channel)),
            }
        )

    def shipment_rows(self, lines: Day) -> Ints:
        """Which lines stand for an order that was shipped: the first of each."""
        return np.flatnonzero((lines.line == 1) & ~lines.cancelled & (lines.shipped < self.end))

    def on_time(self, lines: Day) -> Bools:
        """Whether an order was there on the promised day."""
        return (lines.delivered - _ZONE_SECONDS) // DAY_SECONDS <= lines.promised_day

    def shipment_table(self, lines: Day) -> pa.Table:
        """The shipments of the day's orders, all columns as texts."""
        rows = self.shipment_rows(lines)
        dice, order = Dice(self.goods.seed), lines.order[rows]
        carrier = dice.below(len(CARRIERS), "carrier", order)
        return pa.table(
            {
                "shipment_id": numbered("S", order),
                "order_id": numbered("O", order),
                "carrier": pa.array(CARRIERS).take(pa.array(carrier)),
                "shipped_at": moments(lines.shipped[rows]),
                "promised_on": pa.array(lines.promised_day[rows].astype("datetime64[D]")).cast(pa.string()),
                "delivered_at": moments(lines.delivered[rows], lines.delivered[rows] < self.end),
                "freight_cost": money(dice.below(3000, "freight", order) + 500),
            }
        )

    def return_table(self, lines: Day, first: int) -> pa.Table:
        """What was sent back of the day's orders, all columns as texts."""
        rows = np.flatnonzero(lines.returned)
        number = first + np.arange(len(rows))
        reason = Dice(self.goods.seed).below(len(_RETURN_REASONS), "reason", number)
        return pa.table(
            {
                "return_id": numbered("R", number),
                "order_id": numbered("O", lines.order[rows]),
                "line_number": pa.array(lines.line[rows]).cast(pa.string()),
                "returned_at": moments(lines.returned_at[rows]),
                "quantity": pa.array(lines.returned[rows]).cast(pa.string()),
                "reason": pa.array(_RETURN_REASONS).take(pa.array(reason)),
                "is_resellable": pa.array(lines.resellable[rows]).cast(pa.string()),
                "refund_amount": money(lines.refund[rows]),
            }
        )

    def waste(self, day: int) -> tuple[Ints, Ints]:
        """The products thrown away on a day, and how much of each, in thousandths of a unit."""
        each = max(4, self.lines // (self.days * len(self.goods.categories) * 12))
        product = self._products(np.full(len(self.goods.categories), each), day, "waste")
        chance = Dice(self.goods.seed).unit("waste", day, np.arange(len(product)))
        times = self.times("waste_quantity", day)[self.goods.category[product]]
        return product, np.rint((500 + 1000 * chance) * self._season(day) * times).astype(np.int64)

    def waste_table(self, product: Ints, thousandths: Ints, day: int, first: int) -> pa.Table:
        """The day's part of the file of waste, all columns as texts."""
        dice, number = Dice(self.goods.seed), first + np.arange(len(product))
        whole = pa.array(thousandths // 1000).cast(pa.string())
        rest = pc.utf8_lpad(pa.array(thousandths % 1000).cast(pa.string()), 3, "0")
        site, reason = dice.below(len(SITES), "site", number), dice.below(4, "waste reason", number)
        return pa.table(
            {
                "waste_id": numbered("W", number),
                "product_id": self.goods.id_array.take(pa.array(product)),
                "wasted_on": pa.array(np.full(len(product), np.datetime64(self.start) + day)).cast(pa.string()),
                "quantity": pc.binary_join_element_wise(whole, rest, "."),
                "reason": pa.array(_WASTE_REASONS).take(pa.array(reason)),
                "site": pa.array(SITES).take(pa.array(site)),
            }
        )

    def inspections(self, day: int) -> tuple[Ints, Ints]:
        """The products inspected on a day, and the defects found in each sample."""
        each = max(3, self.lines // (self.days * len(self.goods.categories) * 30))
        product = self._products(np.full(len(self.goods.categories), each), day, "inspection")
        dice, rows = Dice(self.goods.seed), np.arange(len(product))
        chance = sum(dice.unit(f"defects {number}", day, rows) for number in range(3))
        times = self.times("defect_rate", day)[self.goods.category[product]]
        return product, np.rint((6 + (chance - 1.5) * 4) * times).astype(np.int64)

    def inspection_table(self, product: Ints, defects: Ints, day: int, first: int) -> pa.Table:
        """The day's part of the file of quality, all columns as texts."""
        dice, number = Dice(self.goods.seed), first + np.arange(len(product))
        batch = numbered("B", number // 4, 7)
        at = self._midnight(day) + dice.below(DAY_SECONDS, "inspected at", number)
        return pa.table(
            {
                "inspection_id": numbered("Q", number),
                "product_id": self.goods.id_array.take(pa.array(product)),
                "batch_id": batch,
                "inspected_at": moments(at),
                "sample_size": pa.array([str(_SAMPLE)]).take(pa.array(np.zeros(len(product), np.int64))),
                "defects": pa.array(defects).cast(pa.string()),
                "result": pa.array(["passed", "failed"]).take(pa.array((defects > _SAMPLE // 20).astype(np.int64))),
                "site": pa.array(SITES).take(pa.array(dice.below(len(SITES), "site", number))),
            }
        )

    def _counts(self, day: int) -> Ints:
        """Order lines of each category."""
        categories = len(self.goods.categories)
        whole = sum(self._season(number) for number in range(self.days))
        mean = self.lines * self._season(day) / whole / categories
        jitter = 1 + _JITTER * (2 * Dice(self.goods.seed).unit("jitter", day, np.arange(categories)) - 1)
        return np.maximum(1, np.rint(mean * jitter * self.times("sales_quantity", day))).astype(np.int64)

    def _products(self, counts: Ints, day: int, name: str) -> Ints:
        """So many products of each category, drawn."""
        category = np.repeat(np.arange(len(counts)), counts)
        order = np.argsort(self.goods.category, kind="stable")
        sizes = np.bincount(self.goods.category, minlength=len(counts))
        first = np.cumsum(sizes) - sizes
        place = Dice(self.goods.seed).below(sizes[category], f"product of {name}", day, np.arange(len(category)))
        picked: Ints = order[first[category] + place]
        return picked

    def _season(self, day: int) -> float:
        return float(_WEEKDAYS[(self.start.weekday() + day) % 7])

    def _midnight(self, day: int) -> int:
        return int((np.datetime64(self.start) + day).astype("datetime64[s]").astype(np.int64)) + _ZONE_SECONDS
