"""The days of the market system: what the lake has of each, and what readers see of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any

import duckdb

from gondola.errors import LakeKeyError
from gondola.settings import Settings
from storage.lake import Lake
from storage.manifests import read_manifests
from storage.publish import open_published
from storage.records import read_records

__all__ = ["Day", "lost_runs", "market_days"]

_RECORDS = "metadata/runs/system=market"
_USABLE = ("complete", "partial")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a system."""

    day: date
    crawls: int  # runs that brought rows
    missing: str | None  # what readers do not see of it; None when they see all


def market_days(settings: Settings, first: date, last: date) -> list[Day]:
    """Each day of a range: whether it was crawled, and whether readers see what was.

    Args:
        settings: Name the lake and the warehouse.
        first: First day.
        last: Last day, included.
    """
    ledger = _published(
        settings,
        "SELECT run_id, price_date, status, is_day_winner, written_skus, coalesce(facts.seen, 0) AS seen "
        "FROM market.fct_runs LEFT JOIN (SELECT run_id, count(*) AS seen FROM market.fct_prices_daily "
        "WHERE price_date BETWEEN $first AND $last GROUP BY run_id) AS facts USING (run_id)",
        {"first": first, "last": last},
    )
    crawls: Counter[date] = Counter()
    missing: dict[date, str] = {}
    for run in ledger:
        day = run["price_date"]
        if run["status"] in _USABLE and day is not None:
            crawls[day] += 1
            if run["is_day_winner"] and run["seen"] != run["written_skus"]:
                missing[day] = f"{run['run_id']}: {run['seen']:,} of {run['written_skus']:,} rows"
    lake = Lake.open(settings.lake)
    known = {run["run_id"] for run in ledger}
    unknown = [entry.key for entry in lake.find(_RECORDS, ".parquet") if PurePosixPath(entry.key).stem not in known]
    for record in read_records(lake, unknown):
        if record.status in _USABLE:
            crawls[record.business_date] += 1
            missing[record.business_date] = f"{record.run_id}: landed, not in the warehouse"
    days = [first + timedelta(days) for days in range((last - first).days + 1)]
    return [Day(day, crawls[day], missing.get(day)) for day in days]


def lost_runs(settings: Settings) -> list[str]:
    """Runs that were built, and whose rows the lake no longer has, sorted: neither in their file nor compacted.

    Args:
        settings: Name the lake and the warehouse.
    """
    recorded = _published(
        settings,
        "SELECT run_id, data_key FROM market.stg_vtex__runs WHERE data_key IS NOT NULL AND status <> 'failed'",
        {},
    )
    lake = Lake.open(settings.lake)
    there = {entry.key for entry in lake.find("bronze/market", ".parquet")}
    gone = {run["run_id"] for run in recorded if run["data_key"] not in there}
    return sorted(gone - {run.run_id for run in read_manifests(lake)} if gone else gone)


def _published(settings: Settings, sql: str, parameters: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """The rows of a query on the published copy; none when it has no such tables yet."""
    try:
        with open_published(settings.warehouse) as connection:
            rows: list[dict[str, Any]] = connection.execute(sql, parameters).to_arrow_table().to_pylist()
            return rows
    except (LakeKeyError, duckdb.CatalogException):
        return []
