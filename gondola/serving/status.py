"""How fresh, complete, trustworthy and dear the data is: from run records, the ledger, and what the last runs left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gondola import clock
from gondola.alerts.state import read_state
from gondola.errors import DataContractError, LakeKeyError
from gondola.serving.query import QueryError, run_query
from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import published_version
from storage.records import RunRecord, read_runs

__all__ = ["FRESH_FOR", "OpenAlert", "ScopeStatus", "Status", "StoreCost", "TransformStatus", "read_status"]

FRESH_FOR = timedelta(hours=24)

# Runs that look after the data; all others bring some.
_HOUSEKEEPING = frozenset({"transform", "quality", "lifecycle", "maintenance", "backfill", "report"})
_STORAGE_KNOWN_FOR = timedelta(days=2)
# What a store was asked for and what that cost; the last days that there are, so that a pause does not empty it.
_LEDGER = """
select
    supermarket, region, count(*) as days, sum(requests)::bigint as requests, sum(throttled)::bigint as throttled,
    sum(retries)::bigint as retries, sum(seconds_waited) as seconds_waited,
    sum(bytes_received)::bigint as bytes_received, sum(bytes_stored)::bigint as bytes_stored, sum(cost) as cost
from ops.fct_store_days
where business_date > (select max(business_date) from ops.fct_store_days) - $days::integer
group by all order by all
"""


@dataclass(frozen=True, slots=True)
class ScopeStatus:
    """One store-region (or other part of a system), as its last runs left it."""

    system: str
    scope: str
    last_status: str
    last_run_at: datetime
    last_complete_at: datetime | None
    business_date: date
    products: int
    declared: int | None
    requests: int
    throttled: int
    error: str | None

    def is_fresh(self, now: datetime) -> bool:
        """Whether a complete run finished within the last day."""
        return self.last_complete_at is not None and now - self.last_complete_at <= FRESH_FOR


@dataclass(frozen=True, slots=True)
class TransformStatus:
    """The last transform: how far it came, and why no further."""

    run_id: str
    status: str
    stage: str | None  # build, gate or publish: where it stopped
    finished_at: datetime
    failures: tuple[str, ...]
    tests_passed: int | None  # models and tests of dbt; None when the build did not end
    accepted: str | None  # why a person published it in spite of its quality gate


@dataclass(frozen=True, slots=True)
class StoreCost:
    """What some days of a store-region asked of the store, and what they cost."""

    supermarket: str
    region: str
    days: int
    requests: int
    throttled: int
    retries: int
    seconds_waited: Decimal
    bytes_received: int
    bytes_stored: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Something that is wrong now, as the alerts say."""

    rule: str
    subject: str
    since: str
    severity: str
    what: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state of everything that left run records in the days looked at."""

    lake: str
    published: str | None
    days: int
    runs: int
    success_rate: float | None  # of the runs that bring data
    scopes: tuple[ScopeStatus, ...]
    transform: TransformStatus | None
    ledger: tuple[StoreCost, ...]
    alerts: tuple[OpenAlert, ...]
    storage_bytes: dict[str, int]
    storage_at: datetime  # when it was measured


def read_status(settings: Settings, *, days: int = 7, now: datetime | None = None) -> Status:
    """Read the run records of the last days, the ledger of the published copy, and what alerts are open.

    Args:
        settings: Name the lake and the warehouse.
        days: How many days back runs are looked at.
        now: The present; the clock's by default.

    Returns:
        The status; a lake without any run gives one without scopes, and no success rate.
    """
    now = now or clock.now()
    lake = Lake.open(settings.lake)
    every = read_runs(lake, days=days, now=now)
    runs = [run for run in every if run.system not in _HOUSEKEEPING]
    scopes: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        scopes.setdefault((run.system, run.scope), []).append(run)
    storage, storage_at = _storage(lake, every, now)
    return Status(
        lake=lake.uri,
        published=published_version(settings.warehouse),
        days=days,
        runs=len(runs),
        success_rate=sum(run.status == "complete" for run in runs) / len(runs) if runs else None,
        scopes=tuple(_scope(of_scope) for _, of_scope in sorted(scopes.items())),
        transform=next((_transform(run) for run in every if run.system == "transform"), None),
        ledger=_ledger(settings, days),
        alerts=_alerts(lake),
        storage_bytes=storage,
        storage_at=storage_at,
    )


def _scope(runs: list[RunRecord]) -> ScopeStatus:
    last = max(runs, key=lambda run: run.finished_at)
    complete = [run.finished_at for run in runs if run.status == "complete"]
    return ScopeStatus(
        system=last.system,
        scope=last.scope,
        last_status=last.status,
        last_run_at=last.finished_at,
        last_complete_at=max(complete, default=None),
        business_date=last.business_date,
        products=last.received_rows,
        declared=last.expected_rows,
        requests=last.requests,
        throttled=last.throttled,
        error=last.error,
    )


def _transform(run: RunRecord) -> TransformStatus:
    told = _object(run.attributes)
    failures = told.get("failures")
    return TransformStatus(
        run_id=run.run_id,
        status=run.status,
        stage=told.get("stage"),
        finished_at=run.finished_at,
        failures=tuple(map(str, failures)) if isinstance(failures, list) else (),
        tests_passed=_object(told.get("dbt")).get("passed"),
        accepted=_object(told.get("accepted")).get("reason"),
    )


def _ledger(settings: Settings, days: int) -> tuple[StoreCost, ...]:
    try:
        rows = run_query(settings, _LEDGER, parameters={"days": days}).to_pylist()
    except (LakeKeyError, QueryError):  # nothing is published yet, or it was by a version without a ledger
        return ()
    return tuple(StoreCost(**row) for row in rows)


def _alerts(lake: Lake) -> tuple[OpenAlert, ...]:
    """What is open; a state that can't be read stops no status, and is said."""
    try:
        found = read_state(lake).alerts
    except DataContractError as error:
        return (OpenAlert("state", "alerts", "", "warning", str(error)),)
    return tuple(
        OpenAlert(alert.rule, alert.subject, f"{alert.since:%Y-%m-%d %H:%M} UTC", alert.severity.value, alert.what)
        for alert in found
        if alert.is_open
    )


def _storage(lake: Lake, runs: list[RunRecord], now: datetime) -> tuple[dict[str, int], datetime]:
    """Bytes by area: as maintenance measured them lately, or else counted now, which takes a while on a large lake."""
    for run in runs:
        if run.system == "maintenance" and run.scope == "storage" and now - run.finished_at < _STORAGE_KNOWN_FOR:
            areas = _object(_object(run.attributes).get("storage")).get("areas")
            if isinstance(areas, dict) and all(isinstance(size, int) for size in areas.values()):
                return dict(sorted(areas.items())), run.finished_at
    sizes: dict[str, int] = {}
    for entry in lake.find(""):
        area = entry.key.split("/", 1)[0]
        sizes[area] = sizes.get(area, 0) + entry.size
    return dict(sorted(sizes.items())), now


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, given as such or as text; an empty one when it is none."""
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
