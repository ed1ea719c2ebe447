"""The quality gate: what is not believable is not published, says why, and lets the next good day through."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gondola.errors import QualityGateError
from gondola.settings import get_settings
from storage.lake import Lake
from storage.publish import published_version
from storage.records import RunRecord, read_runs
from tests.dbt.market_lake import Crawl, write_crawl
from tests.platform import Platform

FIRST = date(2026, 2, 1)
SKUS = 40


def land(platform: Platform, day: int, *, times: str = "1", skus: int = SKUS) -> None:
    """Crawl a day of one store, recorded a moment ago; its prices may be a multiple of what they are."""
    rows: list[dict[str, Any]] = [
        {
            "sku_id": str(number),
            "product_id": str(number),
            "product_name": f"<b>Produto</b> {number}",
            "price": (Decimal(number) / 2 + day % 3) * Decimal(times),
            "is_available": True,
        }
        for number in range(1, skus + 1)
    ]
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20) + timedelta(minutes=day)
    write_crawl(Path(platform.environment["GONDOLA_LAKE"]), Crawl(FIRST + timedelta(day), rows, started))


def last_transform() -> tuple[RunRecord, dict[str, Any]]:
    record = read_runs(Lake.open(get_settings().lake), system="transform")[0]
    return record, json.loads(record.attributes)


def published_days(platform: Platform) -> set[int]:
    rows = platform.query("select distinct price_date as day from market.fct_prices_daily")
    return {(row["day"] - FIRST).days for row in rows}


def test_a_day_of_wrong_prices_is_withheld_until_somebody_says_it_is_true(platform: Platform) -> None:
    for day in range(6):
        land(platform, day)
    platform.transform()
    version = published_version(get_settings().warehouse)
    record, told = last_transform()
    assert (record.status, record.scope, told["stage"], told["failures"]) == (
        "complete",
        "systems=market",
        "publish",
        [],
    )
    assert told["dbt"]["failed"] == 0

    land(platform, 6, times="100")
    with pytest.raises(
        QualityGateError, match=r"price_outliers supermarket=alfa/region=centro on 2026-02-07: 40 of 40"
    ):
        platform.transform()
    assert published_version(get_settings().warehouse) == version
    assert published_days(platform) == set(range(6))
    record, told = last_transform()
    assert (record.status, told["stage"]) == ("failed", "gate")
    assert record.error is not None
    assert told["failures"] == [record.error]
    assert "price_outliers" in record.error

    land(platform, 7)  # the next good day
    platform.transform()
    assert published_days(platform) == set(range(8))

    land(platform, 8, times="100")
    for _ in range(2):  # again is no way round
        with pytest.raises(QualityGateError):
            platform.transform()
    done = platform.command("transform", "--accept-quality", "the store sells by the case now")
    assert done.code == 0, done.err
    assert published_days(platform) == set(range(9))
    record, told = last_transform()
    assert (record.status, told["stage"], told["failures"]) == ("complete", "publish", [])
    assert told["accepted"]["reason"] == "the store sells by the case now"

    land(platform, 9, times="100")  # what was accepted is what is compared with from then on
    platform.transform()
    assert published_days(platform) == set(range(10))
