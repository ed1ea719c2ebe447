"""Eight CSV files of a maker of physical goods, of any volume, day by day, with what is true of them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from gondola.sandbox.events.dice import Dice
from gondola.sandbox.physical_product.faults import Faults
from gondola.sandbox.physical_product.goods import Goods
from gondola.sandbox.physical_product.people import People
from gondola.sandbox.physical_product.trade import Trade, moments
from gondola.sandbox.physical_product.truth import Truth

__all__ = ["DOMAINS", "Made", "ProductWorld", "write_truth"]

DOMAINS = ("products", "recipes", "customers", "orders", "shipments", "returns", "waste", "quality")
_SAMPLE = 200
_OPTIONS = pc.WriteOptions(quoting_style="needed")


@dataclass(frozen=True)
class Made:
    """What was written."""

    files: tuple[Path, ...]
    rows: dict[str, int]  # records of each file, the bad ones included
    bytes: int
    truth: dict[str, Any]


@dataclass(frozen=True)
class ProductWorld:
    """A maker of goods over some days; the same fields give the same files, to the byte.

    Args:
        seed: Tells worlds apart.
        lines: Order lines, about; all other domains follow from them.
        days: How many days, from `start` on.
        start: The first day, in America/Sao_Paulo.
        faults: How often each kind of bad row is planted; 0 for none.
        orphans: How often each kind of reference leads nowhere; 0 for none.
    """

    seed: int = 2026
    lines: int = 20_000
    days: int = 60
    start: date = date(2026, 1, 1)
    faults: int = 1
    orphans: int = 2

    def write(self, folder: Path) -> Made:
        """Write the eight files.

        Args:
            folder: Where; made when missing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with _Making(self, folder) as making:
            for day in range(self.days):
                making.day(day)
            making.finish()
        files = tuple(folder / f"{name}.csv" for name in DOMAINS)
        return Made(files, making.rows, sum(path.stat().st_size for path in files), making.document())


def write_truth(truth: dict[str, Any], path: Path) -> None:
    """Write what is true as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@dataclass
class _Making(ExitStack):
    """The state of one pass over the days."""

    world: ProductWorld
    folder: Path
    rows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        world = self.world
        goods = Goods(world.seed, min(5000, max(60, world.lines // 200)))
        people = People(world.seed, min(1_000_000, max(50, world.lines // 20)))
        self._trade = Trade(goods, people, world.start, world.days, world.lines)
        self._faults = Faults(world.seed, world.days, world.faults)
        self._truth = Truth(self._trade)
        self._writers: dict[str, pc.CSVWriter] = {}
        self._orders = self._returns = self._waste = self._inspections = 0
        self._write("products", self._faults.among("products", goods.catalogue(), None))
        self._write_recipes(goods)
        self._write("customers", self._faults.among("customers", people.table(), None))

    def day(self, day: int) -> None:
        """Write what happens on a day."""
        trade, truth = self._trade, self._truth
        lines = trade.orders(day, self._orders)
        truth.see_orders(lines)
        orders = self._with_wrong_total(trade.order_table(lines), day)
        self._put("orders", pa.concat_tables([orders, *self._strangers("orders", orders, day)]), day)
        shipments = trade.shipment_table(lines)
        self._put("shipments", pa.concat_tables([shipments, *self._strangers("shipments", shipments, day)]), day)
        returns = trade.return_table(lines, self._returns)
        self._put("returns", pa.concat_tables([returns, *self._strangers("returns", returns, day)]), day)
        product, thousandths = trade.waste(day)
        truth.see_waste(product, thousandths)
        waste = trade.waste_table(product, thousandths, day, self._waste)
        self._put("waste", pa.concat_tables([waste, *self._strangers("waste", waste, day)]), day)
        product, defects = trade.inspections(day)
        truth.see_inspections(product, defects, _SAMPLE)
        quality = trade.inspection_table(product, defects, day, self._inspections)
        self._put("quality", pa.concat_tables([quality, *self._strangers("quality", quality, day)]), day)
        self._orders = int(lines.order[-1]) + 1
        self._returns += returns.num_rows
        self._waste += waste.num_rows
        self._inspections += quality.num_rows

    def finish(self) -> None:
        """Close the files; the last record of the orders has a field too many."""
        self.close()
        if self.world.faults:
            self._faults.long_record("orders")
            with (self.folder / "orders.csv").open("ab") as file:
                file.write(b"O-LONG,1,K1,P1,2026-01-01T00:00:00Z,1,1.00,0.00,1.00,placed,online,and more\n")
            self.rows["orders"] += 1

    def document(self) -> dict[str, Any]:
        """What is true, and how it was made."""
        world = self.world
        about = {"seed": world.seed, "start": world.start.isoformat(), "days": world.days, "rows": self.rows}
        planted = self._faults.planted
        orphans = dict.fromkeys(
            ("orders.product_id", "orders.customer_id", "shipments.order_id", "returns.order_id",
             "waste.product_id", "quality.product_id"),
            world.orphans,
        ) | {"recipes.component_id": 1}  # fmt: skip
        return about | {"refused": planted, "orphans": orphans} | self._truth.document()

    def _write_recipes(self, goods: Goods) -> None:
        rows = self._faults.among("recipes", goods.recipe_table(), None)
        if self.world.faults:
            rows = self._faults.refuse("recipes", goods.circle_table(), rows, "component_id")
        self._write("recipes", rows)

    def _put(self, name: str, rows: pa.Table, day: int) -> None:
        self._write(name, self._faults.among(name, rows, day))

    def _write(self, name: str, rows: pa.Table) -> None:
        if name not in self._writers:
            path = self.folder / f"{name}.csv"
            self._writers[name] = self.enter_context(pc.CSVWriter(path, rows.schema, write_options=_OPTIONS))
        self._writers[name].write_table(rows)
        self.rows[name] = self.rows.get(name, 0) + rows.num_rows

    def _with_wrong_total(self, orders: pa.Table, day: int) -> pa.Table:
        """One line of every tenth day says a total that it has not."""
        if not self.world.faults or day % 10:
            return orders
        row = int(Dice(self.world.seed).below(orders.num_rows, "wrong total", day)[0])
        totals = orders["total_amount"].to_pylist()
        totals[row] = f"{totals[row][:-1]}{(int(totals[row][-1]) + 1) % 10}"
        self._truth.count(wrong_totals=int(orders["status"][row].as_py() != "cancelled"))
        place = orders.column_names.index("total_amount")
        return orders.set_column(place, "total_amount", pa.array(totals, pa.string()))

    def _strangers(self, name: str, rows: pa.Table, day: int) -> list[pa.Table]:
        """Rows whose references lead nowhere, on the days that have some."""
        found = []
        for number in range(self.world.orphans):
            if day == (number + 1) * self.world.days // (self.world.orphans + 1):
                found += [self._stranger(name, rows.schema, values) for values in self._values(name, number, day)]
        return found

    def _stranger(self, name: str, schema: pa.Schema, values: dict[str, str]) -> pa.Table:
        self._truth.count(**{f"stray_{name}": 1})
        return pa.table({column: pa.array([values.get(column)], pa.string()) for column in schema.names})

    def _values(self, name: str, number: int, day: int) -> list[dict[str, str]]:
        on = str(np.datetime64(self.world.start) + day)
        at = moments(np.array([np.datetime64(f"{on}T15:00:00").astype("datetime64[s]").astype(np.int64)]))[0].as_py()
        line = {
            "line_number": "1", "customer_id": "K00000001", "product_id": "P000003", "ordered_at": at,
            "quantity": "2", "unit_price": "10.00", "discount": "0.00", "total_amount": "20.00",
            "status": "delivered", "channel": "online",
        }  # fmt: skip
        rows = {
            "orders": [
                line | {"order_id": f"OP-{number}", "product_id": f"P-GHOST-{number}"},
                line | {"order_id": f"OK-{number}", "customer_id": f"K-GHOST-{number}"},
            ],
            "shipments": [{
                "shipment_id": f"S-GHOST-{number}", "order_id": f"O-GHOST-{number}", "carrier": "Rapida",
                "shipped_at": at, "promised_on": on, "freight_cost": "5.00",
            }],
            "returns": [{
                "return_id": f"R-GHOST-{number}", "order_id": f"O-GHOST-{number}", "line_number": "1",
                "returned_at": at, "quantity": "1", "reason": "damaged", "is_resellable": "false",
                "refund_amount": "7.00",
            }],
            "waste": [{
                "waste_id": f"W-GHOST-{number}", "product_id": f"P-GHOST-{number}", "wasted_on": on,
                "quantity": "1.000", "reason": "damaged", "site": "Recife",
            }],
            "quality": [{
                "inspection_id": f"Q-GHOST-{number}", "product_id": f"P-GHOST-{number}", "batch_id": "B0",
                "inspected_at": at, "sample_size": "10", "defects": "0", "result": "passed", "site": "Recife",
            }],
        }  # fmt: skip
        return rows[name]
