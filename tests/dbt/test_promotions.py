"""Offers against the lowest price of the 30 days before them, on histories made for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gondola.serving.reads import PublishedCopies, changes, promotions
from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import publish
from tests.dbt.conftest import Warehouse
from tests.dbt.market_lake import Crawl, write_crawl

FIRST = date(2026, 1, 1)
LAST = 44  # the offer's day, counted from FIRST
STARTED = datetime(2026, 1, 1, 12, tzinfo=UTC)

# What each SKU costs on a day, and what it says it had cost: day -> (price, list price); None is not listed.
HISTORIES: dict[str, Any] = {
    # 10, then an honest fifth off on the last day
    "honest": lambda day: (8, 10) if day == LAST else (10, 10),
    # raised for a fortnight, then "reduced" to what it was
    "raised first": lambda day: (10, 14) if day == LAST else (14, 14) if day > LAST - 14 else (10, 10),
    # nothing but the list price moved
    "list price only": lambda day: (10, 20) if day == LAST else (10, 10),
    # cheaper for one day within the 30 days
    "cheaper before": lambda day: (8, 10) if day == LAST else (7, 10) if day == LAST - 30 else (10, 10),
    # cheaper, but 31 days before
    "long before": lambda day: (8, 10) if day == LAST else (7, 7) if day == LAST - 31 else (10, 10),
    # on offer for five days, deeper each day: measured against what was before the first
    "in steps": lambda day: (9 - (day - LAST + 4), 10) if day > LAST - 5 else (10, 10),
    # first seen twenty days ago
    "new": lambda day: (8, 10) if day == LAST else (10, 10) if day > LAST - 20 else None,
    # on offer ever since it is known
    "always": lambda _: (8, 10),
    # sold out for a week in between, which was seen
    "sold out": lambda day: (8, 10) if day == LAST else (0, 0) if LAST - 10 < day < LAST - 3 else (10, 10),
}


def crawls(region: str, without: set[int], partial: set[int]) -> list[Crawl]:
    found = []
    for day in range(LAST + 1):
        rows = []
        for name, history in HISTORIES.items():
            if (prices := history(day)) is not None:
                price, listed = (Decimal(value) for value in prices)
                rows.append(
                    {
                        "sku_id": name,
                        "product_id": name,
                        "product_name": name,
                        "price": price,
                        "list_price": listed,
                        "is_available": price > 0,
                        "measurement_unit": "un",
                    }
                )
        if day not in without:
            status = "partial" if day in partial else "complete"
            at = STARTED + timedelta(days=day)
            found.append(Crawl(FIRST + timedelta(days=day), rows, at, status=status, region=region))
    return found


@pytest.fixture
def settings(warehouse: Warehouse, tmp_path: Path) -> Settings:
    for region, without, partial in (("centro", set(), set()), ("gap", {LAST - 7}, set()), ("part", set(), {LAST - 7})):
        for crawl in crawls(region, without, partial):
            write_crawl(warehouse.lake, crawl)
    warehouse.build(command="run")
    publish(Lake.open(str(warehouse.lake)), warehouse.file, schemas=[], keep=2)
    return Settings(lake=str(warehouse.lake), warehouse=warehouse.file)


def test_offers_are_held_against_the_thirty_days_before_them(settings: Settings) -> None:
    with PublishedCopies(settings) as copies, copies.snapshot() as snapshot:
        rows = promotions.promotions(snapshot).rows.to_pylist()
        found = {(row["region"], row["sku_id"]): row for row in rows}
        verdicts = {
            name: (row["verdict"], row["lowest_price_30_days"], row["percent_below_lowest"])
            for (region, name), row in found.items()
            if region == "centro"
        }
        assert verdicts == {
            "honest": ("below", Decimal(10), Decimal(20)),
            "raised first": ("not_below", Decimal(10), Decimal(0)),
            "list price only": ("not_below", Decimal(10), Decimal(0)),
            "cheaper before": ("not_below", Decimal(7), Decimal("-14.29")),
            "long before": ("below", Decimal(10), Decimal(20)),
            "in steps": ("below", Decimal(10), Decimal(50)),
            "new": ("unknown", None, None),
            "always": ("unknown", None, None),
            "sold out": ("below", Decimal(10), Decimal(20)),
        }
        steps = found["centro", "in steps"]
        assert (steps["offer_since"], steps["days_observed"]) == (FIRST + timedelta(days=LAST - 4), 30)
        # A day that was not seen, or not whole, leaves every answer open.
        for region in ("gap", "part"):
            assert {row["verdict"] for (where, _), row in found.items() if where == region} == {"unknown"}
            reason = found[region, "honest"]["unknown_because"]
            assert reason == "1 of the 30 days before the offer were not observed"
        assert found["centro", "new"]["unknown_because"] == "listed for less than 30 days before the offer"
        only = promotions.promotions(snapshot, verdict="below", region="centro").rows["sku_id"].to_pylist()
        assert set(only) == {"honest", "long before", "in steps", "sold out"}


def test_a_store_that_was_not_seen_on_both_days_is_not_compared(settings: Settings) -> None:
    day = FIRST + timedelta(days=LAST)
    with PublishedCopies(settings) as copies, copies.snapshot() as snapshot:
        since = day - timedelta(days=7)
        answer = changes.between(snapshot, day=day, since=since)
        assert set(answer.rows["region"].to_pylist()) == {"centro", "part"}
        assert "not_compared: not seen on both days: alfa/gap" in answer.notes
        # The first day of the new SKU is between; the partial run before says nothing of what it lacks.
        answer = changes.between(snapshot, day=day, since=FIRST + timedelta(days=1), kind="new")
        assert set(answer.rows["sku_id"].to_pylist()) == {"new"}
