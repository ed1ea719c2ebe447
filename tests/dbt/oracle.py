"""What the models must say, computed the slow and obvious way: day by day, from all runs there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt.market_lake import Crawl

State = tuple[Any, ...]
Region = tuple[str, str]


@dataclass(frozen=True)
class Offer:
    """A bronze row as the models mean it."""

    is_available: bool
    price: Decimal | None
    list_price: Decimal | None
    price_without_discount: Decimal | None
    promotion_kind: str | None
    promotion_minimum_quantity: int | None

    @property
    def state(self) -> State:
        return (
            self.is_available,
            self.price,
            self.list_price,
            self.price_without_discount,
            self.promotion_kind,
            self.promotion_minimum_quantity,
        )


def offer_of(row: dict[str, Any]) -> Offer:
    price, said_list, before = row.get("price"), row.get("list_price"), row.get("price_without_discount")
    available = bool(row.get("is_available") and price is not None and price > 0)
    if not available:
        price = said_list = before = None
    if said_list is not None and not price <= said_list <= 5 * price:
        said_list = None
    if before is not None and before <= 0:
        before = None
    teasers = json.loads(row["teasers"]) if row.get("teasers") else []
    kinds = [teaser["kind"] for teaser in teasers]
    kind = next((known for known in ("multi_buy", "club") if known in kinds), "other" if kinds else None)
    minimum = teasers[kinds.index("multi_buy")]["minimum_quantity"] if kind == "multi_buy" else None
    return Offer(available, price, said_list, before, kind, minimum)


def winners(crawls: Iterable[Crawl]) -> dict[Region, dict[date, Crawl]]:
    """The run that speaks for each day of each store-region, days in order."""
    found: dict[Region, dict[date, list[Crawl]]] = {}
    for crawl in crawls:
        if crawl.status != "failed":
            found.setdefault((crawl.supermarket, crawl.region), {}).setdefault(crawl.day, []).append(crawl)
    return {region: {day: _winner(days[day]) for day in sorted(days)} for region, days in found.items()}


def _winner(candidates: list[Crawl]) -> Crawl:
    complete = [crawl for crawl in candidates if crawl.status == "complete"]
    if complete:
        return max(complete, key=lambda crawl: crawl.started)
    return max(candidates, key=lambda crawl: (crawl.received, crawl.started))


def prices_daily(crawls: Iterable[Crawl]) -> set[tuple[Any, ...]]:
    return {
        (day, *region, row["sku_id"], row.get("product_name"), *offer_of(row).state, run.run_id, run.status)
        for region, days in winners(crawls).items()
        for day, run in days.items()
        for row in run.rows
    }


def price_history(crawls: Iterable[Crawl]) -> set[tuple[Any, ...]]:
    """Rows of `tru_price`."""
    rows: set[tuple[Any, ...]] = set()
    for region, days in winners(crawls).items():
        skus = {row["sku_id"] for run in days.values() for row in run.rows}
        for sku in skus:
            rows |= {(*region, sku, *entry) for entry in _history_of(sku, days)}
    return rows


def _history_of(sku: str, days: dict[date, Crawl]) -> list[tuple[Any, ...]]:
    entries: list[list[Any]] = []
    state: State | None = None
    known: Decimal | None = None
    for day, run in days.items():
        row = next((row for row in run.rows if row["sku_id"] == sku), None)
        if row is not None:
            now = offer_of(row).state
            status = "listed" if now[0] else "unavailable"
        elif run.status == "complete" and state is not None:
            now, status = (False, None, None, None, None, None), "gone"
        else:
            continue
        if (status, *now) != state:
            if entries:
                entries[-1][1] = day
            entries.append([day, None, status, *now, known, run.run_id])
            state = (status, *now)
        if now[1] is not None:
            known = now[1]
    return [tuple(entry) for entry in entries]


def products(crawls: Iterable[Crawl]) -> set[tuple[Any, ...]]:
    seen: dict[tuple[str, str], list[tuple[date, Any, str, dict[str, Any]]]] = {}
    for crawl in crawls:
        if crawl.status != "failed":
            for row in crawl.rows:
                entry = (crawl.day, crawl.started, crawl.run_id, row)
                seen.setdefault((crawl.supermarket, row["sku_id"]), []).append(entry)
    result = set()
    for (supermarket, sku), entries in seen.items():
        last_day, _, run_id, row = max(entries, key=lambda entry: entry[:3])
        result.add((supermarket, sku, row.get("product_name"), min(e[0] for e in entries), last_day, run_id))
    return result
