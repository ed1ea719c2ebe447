"""What alerts are judged by: run records, the watched store-regions, and what Prefect says of its runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from gondola.errors import LakeKeyError
from gondola.sources.stores import Store, select_stores
from storage.lake import Lake
from storage.layout import Metadata, parse
from storage.records import RunRecord, read_runs

__all__ = ["WINDOW_DAYS", "Facts", "FlowRun", "PrefectFacts", "StorageUse", "StoreRegion", "attributes", "read_facts"]

# Every record in it is read at every check: enough for a week's rate, and for seven daily runs before the last one
# with some days missing.
WINDOW_DAYS = 11
_PLAN = "-plan-"  # run ids under which a store said which regions it serves


@dataclass(frozen=True, slots=True)
class StoreRegion:
    """A store-region that is to be crawled."""

    store: str
    region: str

    @property
    def scope(self) -> str:
        """How run records name it."""
        return f"supermarket={self.store}/region={self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """A flow run of a deployment, as Prefect's server knows it."""

    run_id: str
    deployment: str  # flow/name, such as market/daily
    state: str  # Prefect's state type, such as COMPLETED, FAILED, CRASHED, SCHEDULED, PENDING
    due_at: datetime
    ended_at: datetime | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class PrefectFacts:
    """What Prefect's server says."""

    deployments: frozenset[str]
    finished: tuple[FlowRun, ...]  # the last ones of each deployment
    waiting: tuple[FlowRun, ...]  # due, and not started
    ui_url: str | None = None


@dataclass(frozen=True, slots=True)
class StorageUse:
    """What the lake takes, as the last maintenance measured it."""

    measured_at: datetime
    total_bytes: int | None
    disk_used_share: float | None
    flow_run_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the rules may look at."""

    now: datetime
    lake: str = ""
    runs: tuple[RunRecord, ...] = ()  # of the last WINDOW_DAYS, of every system
    regions: tuple[StoreRegion, ...] = ()
    known_since: Mapping[str, datetime] = field(default_factory=dict)  # scope of a store-region -> first check of it
    not_served: frozenset[str] = frozenset()  # scopes where the store says that it has no seller
    storage: StorageUse | None = None
    prefect: PrefectFacts | None = None
    without_prefect: str = "no Prefect server is configured"  # why, where there is nothing of Prefect

    def link(self, flow_run_id: str | None) -> str | None:
        """The page of a flow run in Prefect's UI."""
        if self.prefect is None or self.prefect.ui_url is None or flow_run_id is None:
            return None
        return f"{self.prefect.ui_url.rstrip('/')}/runs/flow-run/{flow_run_id}"


def read_facts(
    lake: Lake,
    stores: Sequence[Store],
    *,
    now: datetime,
    known_since: Mapping[str, datetime],
    prefect: PrefectFacts | str,
) -> Facts:
    """Read from the lake what the rules look at.

    Args:
        lake: Where run records are.
        stores: The stores file's stores; the enabled ones are watched.
        now: The present.
        known_since: When each store-region was first seen by a check.
        prefect: What Prefect's server says, or why it says nothing.
    """
    runs = tuple(read_runs(lake, days=WINDOW_DAYS, now=now))
    return Facts(
        now=now,
        lake=lake.uri,
        runs=runs,
        regions=tuple(
            StoreRegion(store.id, region.id)
            for store in select_stores(stores, ())
            for region in store.effective_regions
        ),
        known_since=known_since,
        not_served=_not_served(lake),
        storage=_storage(runs),
        prefect=None if isinstance(prefect, str) else prefect,
        without_prefect=prefect if isinstance(prefect, str) else "",
    )


def attributes(run: RunRecord) -> dict[str, Any]:
    """What only a run's own system says of it; empty when that is no JSON object."""
    try:
        document = json.loads(run.attributes)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _not_served(lake: Lake) -> frozenset[str]:
    """The scopes that their store's last plan says have no seller."""
    last: dict[str, Metadata] = {}
    for entry in lake.find("metadata/quality/system=market", ".parquet"):
        if _PLAN not in entry.key:
            continue
        try:
            record = parse(entry.key)
        except LakeKeyError:
            continue
        if isinstance(record, Metadata):
            store = record.run_id.partition(_PLAN)[0]
            if store not in last or record.started_at > last[store].started_at:
                last[store] = record
    found: set[str] = set()
    for record in last.values():
        with lake.open_file(record.key) as file:
            rows = pq.read_table(file, columns=["check_name", "subject", "passed"]).to_pylist()
        found |= {row["subject"] for row in rows if row["check_name"] == "region_served" and not row["passed"]}
    return frozenset(found)


def _storage(runs: Sequence[RunRecord]) -> StorageUse | None:
    measured = [run for run in runs if run.system == "maintenance" and run.scope == "storage"]
    for run in sorted(measured, key=lambda run: run.finished_at, reverse=True):
        use = attributes(run).get("storage")
        if isinstance(use, dict):
            return StorageUse(run.finished_at, use.get("bytes"), use.get("disk_used_share"), run.flow_run_id)
    return None
