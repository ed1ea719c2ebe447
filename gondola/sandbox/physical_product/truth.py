"""What is true of the files, counted while they are made, in whole cents and units."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np

from gondola.sandbox.events.dice import Ints
from gondola.sandbox.physical_product.trade import Day, Trade

__all__ = ["Truth"]

_MICRO = 1_000_000


class Truth:
    """Counts of one world, day by day."""

    def __init__(self, trade: Trade) -> None:
        self._trade = trade
        goods = trade.goods
        known = [goods.costs[name] for name in goods.ids]
        self._micro = np.array([-1 if cost is None else int(cost * _MICRO) for cost in known], np.int64)
        self._sums: Counter[str] = Counter()
        names = ("lines", "quantity", "net", "returned", "refund", "cost", "waste", "waste_cost", "sample", "defects")
        self._of: dict[str, Ints] = {name: np.zeros(goods.finished, np.int64) for name in names}

    def count(self, **more: int) -> None:
        """Add to totals."""
        self._sums.update(more)

    def see_orders(self, lines: Day) -> None:
        """Count a day's lines, their shipments and returns."""
        sold = ~lines.cancelled
        self.count(order_lines=len(sold), cancelled_lines=int(lines.cancelled.sum()))
        self._add("lines", lines.product[sold], np.ones(int(sold.sum()), np.int64))
        for name, values in (("quantity", lines.quantity), ("net", lines.net)):
            self._add(name, lines.product[sold], values[sold])
        self._add("returned", lines.product, lines.returned)
        refund = np.where(lines.returned > 0, lines.refund, 0)
        self._add("refund", lines.product, refund)
        kept = lines.quantity - np.where(lines.resellable, lines.returned, 0)
        self._add("cost", lines.product[sold], self._cost(lines.product[sold], kept[sold] * 1000))
        self.count(
            returns=int((lines.returned > 0).sum()),
            gross_cents=int((lines.quantity * lines.price)[sold].sum()),
            discount_cents=int(lines.discount[sold].sum()),
        )
        rows, trade = self._trade.shipment_rows(lines), self._trade
        arrived = lines.delivered[rows] < trade.end
        self.count(
            shipments=len(rows),
            delivered=int(arrived.sum()),
            on_time=int((trade.on_time(lines)[rows] & arrived).sum()),
            lead_seconds=int((lines.delivered - lines.ordered)[rows][arrived].sum()),
        )

    def see_waste(self, product: Ints, thousandths: Ints) -> None:
        """Count what was thrown away."""
        self.count(waste_rows=len(product))
        self._add("waste", product, thousandths)
        self._add("waste_cost", product, self._cost(product, thousandths))

    def see_inspections(self, product: Ints, defects: Ints, sample: int) -> None:
        """Count what was inspected."""
        self.count(inspections=len(product), failed_inspections=int((defects > sample // 20).sum()))
        self._add("sample", product, np.full(len(product), sample, np.int64))
        self._add("defects", product, defects)

    def document(self) -> dict[str, Any]:
        """What is true."""
        goods, of = self._trade.goods, {name: values.tolist() for name, values in self._of.items()}
        return {
            "totals": dict(sorted(self._sums.items())),
            "unit_costs": {name: None if cost is None else str(cost) for name, cost in goods.costs.items()},
            "products": {
                name: self._product(number, of) | {"category": goods.categories[goods.category[number]]}
                for number, name in enumerate(goods.ids)
            },
            "anomalies": [
                {
                    "metric": one.metric,
                    "series": goods.categories[one.category],
                    "day": str(np.datetime64(self._trade.start) + one.day),
                }
                for one in self._trade.strange
            ],
        }

    def _product(self, number: int, of: dict[str, list[int]]) -> dict[str, Any]:
        known = self._micro[number] >= 0
        margin = of["net"][number] - of["refund"][number] - of["cost"][number]
        return {
            "lines": of["lines"][number],
            "quantity": of["quantity"][number],
            "net_amount": _money(of["net"][number]),
            "returned_quantity": of["returned"][number],
            "refund_amount": _money(of["refund"][number]),
            "wasted_quantity": str(Decimal(of["waste"][number]).scaleb(-3)),
            "waste_cost": _money(of["waste_cost"][number]) if known else None,
            "margin_amount": _money(margin) if known else None,
            "margin_after_waste": _money(margin - of["waste_cost"][number]) if known else None,
            "sample_size": of["sample"][number],
            "defects": of["defects"][number],
        }

    def _cost(self, product: Ints, thousandths: Ints) -> Ints:
        """Cents of so many thousandths of a unit, rounded half up; 0 where the cost is not known."""
        micro = self._micro[product]
        return np.where(micro < 0, 0, (thousandths * micro + 5_000_000) // 10_000_000)

    def _add(self, name: str, product: Ints, values: Ints) -> None:
        np.add.at(self._of[name], product, values)


def _money(cents: int) -> str:
    return str(Decimal(int(cents)).scaleb(-2))
