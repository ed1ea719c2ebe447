"""Facts for alert tests, made short."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from gondola.sources.stores import Region, Store
from storage.layout import make_run_id
from storage.records import RunRecord

NOW = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


def store(name: str, *regions: str, enabled: bool = True) -> Store:
    return Store(
        id=name,
        name=name.title(),
        base_url="http://127.0.0.1:9",
        enabled=enabled,
        regions=tuple(Region(id=region) for region in regions),
    )


def market_run(place: str, ended_at: datetime, status: str = "complete", products: int = 100, **more: Any) -> RunRecord:
    """A market run of `store/region`."""
    name, region = place.split("/")
    started_at = ended_at - 10 * MINUTE
    attributes = more.pop("attributes", {})
    return RunRecord(
        run_id=make_run_id(name, region, started_at=started_at),
        system="market",
        scope=f"supermarket={name}/region={region}",
        business_date=started_at.date(),
        started_at=started_at,
        finished_at=ended_at,
        status=status,
        received_rows=products,
        attributes=json.dumps(attributes),
        **more,
    )


def other_run(system: str, scope: str, ended_at: datetime, status: str = "complete", **attributes: Any) -> RunRecord:
    """A run of another system."""
    return RunRecord(
        run_id=make_run_id(system, started_at=ended_at - MINUTE),
        system=system,
        scope=scope,
        business_date=ended_at.date(),
        started_at=ended_at - MINUTE,
        finished_at=ended_at,
        status=status,
        error=None if status == "complete" else "first reason",
        attributes=json.dumps(attributes),
    )


def transform(ended_at: datetime, status: str = "complete", stage: str = "publish", *failures: str) -> RunRecord:
    return other_run("transform", "systems=market", ended_at, status, stage=stage, failures=list(failures))
