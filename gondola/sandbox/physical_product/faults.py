"""Rows that must be refused: copies of good ones, each broken in one way, with the place where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from gondola.sandbox.events.dice import Dice

__all__ = ["KEYS", "WAYS", "Faults", "Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """How a copy of a good row is broken; without a field it is the same row once more."""

    field: str | None
    value: str | None = None


KEYS: Mapping[str, str] = MappingProxyType(
    {
        "products": "product_id",
        "recipes": "product_id",
        "customers": "customer_id",
        "orders": "order_id",
        "shipments": "shipment_id",
        "returns": "return_id",
        "waste": "waste_id",
        "quality": "inspection_id",
    }
)
WAYS: Mapping[str, tuple[Way, ...]] = MappingProxyType(
    {
        "products": (Way("product_name", ""), Way("gtin", "7890010000001"), Way("list_price", "-1.00")),
        "recipes": (Way("quantity", "0"), Way("scrap_share", "1.5")),
        "customers": (Way("segment", "alien"), Way("signed_up_on", "2025-02-30"), Way(None)),
        "orders": (
            Way("customer_id", None),
            Way("quantity", "-3"),
            Way("quantity", "2.5"),
            Way("unit_price", "abc"),
            Way("unit_price", "9.999"),
            Way("ordered_at", "2025-13-45T00:00:00Z"),
            Way("ordered_at", "2199-01-01T00:00:00Z"),
            Way("status", "lost"),
            Way("discount", "9999999.00"),
            Way(None),
        ),
        "shipments": (Way("delivered_at", "2001-01-01T00:00:00Z"), Way("carrier", " "), Way(None)),
        "returns": (Way("quantity", "0"), Way("is_resellable", "maybe"), Way("refund_amount", "")),
        "waste": (Way("quantity", "0"), Way("wasted_on", "yesterday"), Way("reason", "magic")),
        "quality": (Way("defects", "1000000"), Way("sample_size", "0")),
    }
)


@dataclass
class Faults:
    """Puts bad rows among good ones, and remembers where."""

    seed: int
    days: int
    copies: int  # of each way
    planted: list[dict[str, object]] = field(default_factory=list)
    _offsets: dict[str, int] = field(default_factory=dict)

    def among(self, name: str, rows: pa.Table, day: int | None) -> pa.Table:
        """The day's rows of a file with the bad ones that fall on it; days are asked for in order.

        Args:
            name: The file.
            rows: Good rows, all columns as texts.
            day: Which day of the world; None for a file of no days, in which all fall.
        """
        offset = self._offsets.get(name, 0)
        if rows.num_rows:
            dice = Dice(self.seed)
            for number, way in enumerate(WAYS[name]):
                on = dice.below(self.days, f"day of {name}", np.arange(self.copies), number)
                # What falls on a day comes behind what came before, so that places already told stay right.
                for copy in np.flatnonzero((on == day) if day is not None else on >= 0).tolist():
                    rows = self._append(name, rows, way, f"{number}-{copy}", offset)
        self._offsets[name] = offset + rows.num_rows
        return rows

    def refuse(self, name: str, rows: pa.Table, whole: pa.Table, column: str) -> pa.Table:
        """Append rows that are bad as they are.

        Args:
            name: The file.
            rows: What is appended.
            whole: What is before it.
            column: What is wrong with them.
        """
        first = self._offsets.get(name, 0)
        self._offsets[name] = first + rows.num_rows
        self.planted += [{"table": name, "row": first + number + 1, "field": column} for number in range(rows.num_rows)]
        return pa.concat_tables([whole, rows])

    def long_record(self, name: str) -> None:
        """Remember a record with a field too many, which the writer puts at the file's end."""
        row = self._offsets.get(name, 0) + 1
        self._offsets[name] = row
        self.planted.append({"table": name, "row": row, "field": "(record)"})

    def _append(self, name: str, rows: pa.Table, way: Way, mark: str, offset: int) -> pa.Table:
        base = int(Dice(self.seed).below(rows.num_rows, f"{name} {mark}", 0)[0])
        values = {column: rows[column][base].as_py() for column in rows.column_names}
        if way.field is not None:
            values |= {KEYS[name]: f"BAD-{mark}", way.field: way.value}
        bad = pa.table({column: pa.array([value], pa.string()) for column, value in values.items()})
        self.planted.append({"table": name, "row": offset + rows.num_rows + 1, "field": way.field or KEYS[name]})
        return pa.concat_tables([rows, bad])
