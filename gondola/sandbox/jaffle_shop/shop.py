"""The shop's books on a day: what was ordered and paid until then, the same for the same seed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gondola.sandbox.chance import chosen, draw, unit

__all__ = ["JaffleShop"]

_FIRST_NAMES = (
    *("Ana", "Antônio", "Beatriz", "Bruno", "Camila", "Carlos", "Clara", "Daniel", "Débora", "Eduardo", "Elisa"),
    *("Fábio", "Fernanda", "Gabriel", "Helena", "Igor", "Isabela", "João", "Júlia", "Lucas", "Luísa", "Marcos"),
    *("Maria", "Mateus", "Natália", "Otávio", "Paula", "Pedro", "Rafael", "Renata", "Sofia", "Tiago", "Vitória"),
)
_PAYMENT_METHODS = (("credit_card", 0.55), ("bank_transfer", 0.25), ("gift_card", 0.12), ("coupon", 0.08))
_SEVERAL_PAYMENTS = 0.12
_NEVER_ORDERS = 0.3
_RETURNS = 0.07
_DAYS_TO_SHIP, _DAYS_TO_ARRIVE, _DAYS_TO_RETURN = 2, 6, 12

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JaffleShop:
    """A shop whose books can be read on any day: later books hold all of the earlier ones, with statuses moved on."""

    customers: int = 100
    day: int = 100
    """Days since the shop opened."""
    seed: int = 2026
    opened: date = date(2026, 1, 1)

    def tables(self) -> dict[str, list[Row]]:
        """Rows of each file, in the order of their ids."""
        orders = list(self._orders())
        return {
            "raw_customers": [self._customer(number) for number in range(1, self.customers + 1)],
            "raw_orders": orders,
            "raw_payments": list(self._payments(orders)),
        }

    def truth(self) -> dict[str, Any]:
        """What must come out: money in cents, by customer and by order."""
        tables = self.tables()
        orders: dict[int, dict[str, int]] = {order["id"]: {} for order in tables["raw_orders"]}
        for payment in tables["raw_payments"]:
            methods = orders[payment["order_id"]]
            methods[payment["payment_method"]] = methods.get(payment["payment_method"], 0) + payment["amount"]
        customers: dict[int, Row] = {
            row["id"]: {"orders": 0, "first": None, "last": None, "cents": 0} for row in tables["raw_customers"]
        }
        for order in tables["raw_orders"]:
            known = customers[order["user_id"]]
            known["orders"] += 1
            known["first"] = min(known["first"] or order["order_date"], order["order_date"])
            known["last"] = max(known["last"] or order["order_date"], order["order_date"])
            known["cents"] += sum(orders[order["id"]].values())
        return {"customers": customers, "orders": orders}

    def write(self, folder: Path) -> None:
        """Write the three CSV files.

        Args:
            folder: Made when it is missing; files of the same names are replaced.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.tables().items():
            (folder / f"{name}.csv").write_bytes(_csv(rows))

    def write_truth(self, path: Path) -> None:
        """Write what must come out, as JSON.

        Args:
            path: The file; its folder exists.
        """
        path.write_text(json.dumps(self.truth(), indent=1, default=str) + "\n", encoding="utf-8")

    def _customer(self, number: int) -> Row:
        luck = draw(self.seed, "customer", number)
        initial = chr(ord("A") + luck // len(_FIRST_NAMES) % 26)
        return {"id": number, "first_name": chosen(_FIRST_NAMES, luck), "last_name": f"{initial}."}

    def _orders(self) -> Iterator[Row]:
        number = 0
        # About one order a day for each hundred customers, from those who ever order.
        for day in range(self.day):
            for place in range(1 + self.customers // 100):
                luck = draw(self.seed, "order", day, place)
                customer = 1 + luck % self.customers
                if unit(draw(self.seed, "orders at all", customer)) < _NEVER_ORDERS:
                    continue
                number += 1
                yield {
                    "id": number,
                    "user_id": customer,
                    "order_date": self.opened + timedelta(days=day),
                    "status": self._status(number, self.day - day),
                }

    def _status(self, order: int, age: int) -> str:
        if age <= _DAYS_TO_SHIP:
            return "placed"
        if age <= _DAYS_TO_ARRIVE:
            return "shipped"
        if unit(draw(self.seed, "return", order)) >= _RETURNS:
            return "completed"
        return "return_pending" if age <= _DAYS_TO_RETURN else "returned"

    def _payments(self, orders: Sequence[Row]) -> Iterator[Row]:
        number = 0
        for order in orders:
            parts = 2 if unit(draw(self.seed, "parts", order["id"])) < _SEVERAL_PAYMENTS else 1
            for part in range(parts):
                number += 1
                luck = draw(self.seed, "payment", order["id"], part)
                yield {
                    "id": number,
                    "order_id": order["id"],
                    "payment_method": _method(unit(draw(self.seed, "method", order["id"], part))),
                    "amount": luck % 31 * 100 + luck // 31 % 2 * 50,  # 0.00 to 30.50
                }


def _method(luck: float) -> str:
    for name, share in _PAYMENT_METHODS:
        luck -= share
        if luck < 0:
            return name
    return _PAYMENT_METHODS[0][0]


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
