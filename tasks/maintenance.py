"""Housekeeping: leftovers of killed writers, and what the lake takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from loguru import logger
from prefect import task
from prefect.artifacts import create_table_artifact

from gondola import clock
from gondola.clock import next_start
from gondola.settings import Settings
from storage.backup import BackupInfo
from storage.lake import Lake
from storage.layout import make_run_id
from storage.parquet import clean_spool
from storage.records import RunRecord, put_run, read_runs
from storage.usage import Usage, measure
from tasks.market_days import lost_runs
from tasks.retries import STEP

__all__ = [
    "MaintenanceReport",
    "StorageReport",
    "clean_leftovers",
    "read_storage",
    "record_maintenance",
    "report_storage",
]

SYSTEM = "maintenance"
_SCOPE = "storage"
_WEEK = timedelta(days=7)
_ZONE = ZoneInfo("America/Sao_Paulo")
_NAMED = 5


@dataclass(frozen=True, slots=True)
class StorageReport:
    """What the lake takes, and how that grew."""

    lake: str
    usage: Usage
    measured_at: datetime
    week_ago: datetime | None  # when it was measured about a week before; None when it was not
    week_ago_areas: Mapping[str, int]
    lost_runs: tuple[str, ...]  # runs whose bronze file is gone from the lake

    @property
    def growth(self) -> int | None:
        """Bytes more than a week ago."""
        return None if self.week_ago is None else self.usage.bytes - sum(self.week_ago_areas.values())

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {
            "lake": self.lake,
            "measured_at": self.measured_at.isoformat(),
            "bytes": self.usage.bytes,
            "files": self.usage.files,
            "areas": self.usage.areas,
            "disk_used_share": self.usage.disk_used_share,
            "growth": self.growth,
            "growth_since": self.week_ago.isoformat() if self.week_ago else None,
            "lost_runs": list(self.lost_runs),
            "lines": [asdict(line) for line in self.usage.lines],
        }


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """What a round of maintenance came to."""

    storage: StorageReport | None
    backup: BackupInfo | None
    removed_backups: tuple[str, ...]
    leftovers: int
    forgotten_runs: int  # of the Prefect server
    failures: Mapping[str, str]  # step -> reason

    @classmethod
    def of(cls, results: Mapping[str, Any]) -> Self:
        """A round, from what each step returned or raised."""
        failures = {name: str(result) for name, result in results.items() if isinstance(result, BaseException)}
        done = {name: result for name, result in results.items() if name not in failures}
        return cls(
            storage=done.get("storage"),
            backup=done.get("backup"),
            removed_backups=tuple(done.get("retention", ())),
            leftovers=done.get("leftovers", 0),
            forgotten_runs=done.get("runs", 0),
            failures=failures,
        )

    @property
    def status(self) -> str:
        """`failed` when a step failed, `partial` when the lake has lost files, else `complete`."""
        if self.failures:
            return "failed"
        return "partial" if self.storage is not None and self.storage.lost_runs else "complete"

    @property
    def error(self) -> str | None:
        """The first reason why it is not complete."""
        if self.failures:
            return "; ".join(f"{step}: {reason}" for step, reason in self.failures.items())
        return _say_lost(self.storage.lost_runs) if self.status == "partial" and self.storage else None


@task(task_run_name="leftovers", tags=["maintenance"], **STEP)
def clean_leftovers(settings: Settings) -> int:
    """Remove unfinished files of writers that died: from the spool at once, elsewhere after a day.

    Args:
        settings: Name the spool, the lake and the warehouse.

    Returns:
        How many were removed.
    """
    folders = (Lake.open(settings.lake), Lake.open(str(settings.warehouse.parent)))
    return clean_spool(settings.spool) + sum(folder.remove_leftovers() for folder in folders)


@task(task_run_name="storage report", tags=["maintenance"], **STEP)
def report_storage(settings: Settings) -> StorageReport:
    """Measure the lake, compare it with a week ago, and look for files it has lost.

    Args:
        settings: Name the lake and the warehouse.
    """
    report = read_storage(settings, now=clock.now())
    create_table_artifact(
        key="storage",
        table=[{**asdict(line), "bytes": f"{line.bytes:,}"} for line in report.usage.lines],
        description=f"{report.usage.bytes:,} bytes in {report.usage.files:,} files on {report.lake}",
    )
    if report.lost_runs:
        logger.warning("{}", _say_lost(report.lost_runs))
    return report


def read_storage(settings: Settings, *, now: datetime) -> StorageReport:
    """What the lake takes now, and took about a week ago.

    Args:
        settings: Name the lake and the warehouse.
        now: The present.
    """
    lake = Lake.open(settings.lake)
    usage = measure(lake)
    known = [
        (run.started_at, json.loads(run.attributes)["storage"]["areas"])
        for run in read_runs(lake, days=10, system=SYSTEM, now=now)
        if "storage" in json.loads(run.attributes) and now - run.started_at > _WEEK - timedelta(days=1)
    ]
    before, areas = min(known, key=lambda found: abs(now - found[0] - _WEEK), default=(None, {}))
    return StorageReport(lake.uri, usage, now, before, areas, tuple(lost_runs(settings)))


def record_maintenance(settings: Settings, report: MaintenanceReport, flow_run_id: str | None) -> None:
    """Put the run record of a round of maintenance, which alerts and the next report read.

    Args:
        settings: Name the lake.
        report: The round.
        flow_run_id: The Prefect flow run.
    """
    started_at = next_start(SYSTEM, _SCOPE)
    attributes: dict[str, Any] = {
        "backup": report.backup.version if report.backup else None,
        "removed_backups": list(report.removed_backups),
        "leftovers": report.leftovers,
    }
    if report.storage is not None:
        usage = report.storage.usage
        attributes["storage"] = {
            "bytes": usage.bytes,
            "files": usage.files,
            "disk_used_share": usage.disk_used_share,
            "areas": usage.areas,
        }
        attributes["lost_runs"] = list(report.storage.lost_runs)
    record = RunRecord(
        run_id=make_run_id(SYSTEM, _SCOPE, started_at=started_at),
        system=SYSTEM,
        scope=_SCOPE,
        business_date=started_at.astimezone(_ZONE).date(),
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status=report.status,
        error=report.error,
        flow_run_id=flow_run_id,
        attributes=json.dumps(attributes),
    )
    put_run(Lake.open(settings.lake), record)


def _say_lost(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return (
        f"{len(runs)} runs have lost their bronze file: {', '.join(runs[:_NAMED])}{more}; what was built from them is "
        "kept, but could not be built again: put the files back"
    )
