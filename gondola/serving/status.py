"""How the platform is: what ran, how fresh and how complete it is, what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import published_version
from storage.records import RunRecord, read_runs

__all__ = ["FRESH_FOR", "ScopeStatus", "Status", "read_status"]

FRESH_FOR = timedelta(hours=24)


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
class Status:
    """The state of everything that left run records in the days looked at."""

    lake: str
    published: str | None
    days: int
    runs: int
    success_rate: float | None
    scopes: tuple[ScopeStatus, ...]
    storage_bytes: dict[str, int]


def read_status(settings: Settings, *, days: int = 7) -> Status:
    """Read the run records of the last days.

    Args:
        settings: Name the lake and the warehouse.
        days: How many days back runs are looked at.

    Returns:
        The status; a lake without any run gives one without scopes, and no success rate.
    """
    lake = Lake.open(settings.lake)
    runs = read_runs(lake, days=days)
    scopes: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        scopes.setdefault((run.system, run.scope), []).append(run)
    storage: dict[str, int] = {}
    for entry in lake.find(""):
        top = entry.key.split("/", 1)[0]
        storage[top] = storage.get(top, 0) + entry.size
    return Status(
        lake=lake.uri,
        published=published_version(settings.warehouse),
        days=days,
        runs=len(runs),
        success_rate=sum(run.status == "complete" for run in runs) / len(runs) if runs else None,
        scopes=tuple(_scope(of_scope) for _, of_scope in sorted(scopes.items())),
        storage_bytes=dict(sorted(storage.items())),
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
