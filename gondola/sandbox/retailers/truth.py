"""What must come out: reckoned from the receipts, not from the answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gondola.sandbox.retailers.formats import BAD_ROWS
from gondola.sandbox.retailers.sales import CHAINS, RetailWorld, Sale

__all__ = ["facts", "truth"]

Fact = tuple[str, str, str]  # retailer, receipt, product


def known(world: RetailWorld, chain: str, days: Iterable[date]) -> dict[str, Sale]:
    """The receipts in the answers for these days, by id."""
    return {sale.id: sale for day in days for sale in world.answered(chain, day)}


def facts(world: RetailWorld, days: Iterable[date]) -> dict[Fact, tuple[date, Decimal, Decimal]]:
    """One row for each product of each receipt in the answers: its day in the chain's zone, quantity, total."""
    wanted = list(days)
    rows: dict[Fact, tuple[date, Decimal, Decimal]] = {}
    for chain in CHAINS:
        for sale in known(world, chain.id, wanted).values():
            for line in sale.lines:
                key = (chain.id, sale.id, line.good.id)
                _, quantity, total = rows.get(key, (None, Decimal(0), Decimal(0)))
                rows[key] = (sale.sold_at.date(), quantity + line.quantity, total + line.total)
    return rows


def truth(world: RetailWorld, first: date, last: date) -> dict[str, Any]:
    """Totals by retailer and day, when the answers for all days of a span were taken.

    Args:
        world: What is sold.
        first: First day asked for; some sales of the day before are in its answer.
        last: Last day asked for.
    """
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    totals: dict[tuple[str, date], dict[str, Any]] = {}
    receipts: dict[tuple[str, date], set[str]] = {}
    for (retailer, receipt, _), (day, quantity, total) in facts(world, days).items():
        key = retailer, day
        line = totals.setdefault(key, {"rows": 0, "quantity": Decimal(0), "total": Decimal(0)})
        line["rows"] += 1
        line["quantity"] += quantity
        line["total"] += total
        receipts.setdefault(key, set()).add(receipt)
    return {
        "first": first,
        "last": last,
        "bad_rows_each_answer": list(BAD_ROWS),
        "days": [
            {"retailer": retailer, "day": day, "transactions": len(receipts[retailer, day]), **line}
            for (retailer, day), line in sorted(totals.items())
        ],
    }
