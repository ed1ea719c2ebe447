"""From a crawl's rows to the lake: bronze, records, quarantine, and the run record that commits them."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from types import TracebackType
from typing import Self

import pyarrow as pa

from gondola import clock
from gondola.settings import Settings
from gondola.sources.stores import Region, Store
from gondola.sources.vtex import CrawlResult, CrawlTarget, RejectedRow, RequestOutcome
from gondola.sources.vtex.schema import BRONZE_SCHEMA, PLAIN_COLUMNS, SCHEMA_VERSION
from storage.lake import Lake
from storage.layout import MarketBronze, make_run_id
from storage.parquet import FileStats, ParquetSink
from storage.records import QuarantineRecord, RecordWriter, RequestRecord, RunRecord, SliceRecord, put_run

__all__ = ["SYSTEM", "Landing", "RunReport", "put_failed_run", "scope_of"]

SYSTEM = "market"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one store-region's run came to."""

    run_id: str
    supermarket: str
    region: str
    status: str
    declared: int | None
    received: int
    written: int
    rejected: int
    requests: int
    retries: int
    throttled: int
    bytes_received: int
    seconds: float
    seconds_waited: float
    data_key: str | None
    data_bytes: int
    incomplete: tuple[str, ...] = ()
    error: str | None = None


class Landing:
    """Where one store-region's crawl lands; the sink that `gondola.sources.vtex.crawl` writes to.

    Everything is invisible to readers until `commit` has put the run record: a process that dies before
    leaves files without a run record, which no model reads.
    """

    def __init__(self, lake: Lake, settings: Settings, target: CrawlTarget, business_date: date) -> None:
        self._lake = lake
        self._target = target
        self._business_date = business_date
        supermarket, region = target.store.id, target.region.id
        self.started_at = clock.next_start(supermarket, region)
        bronze = MarketBronze(supermarket, region, business_date, self.started_at)
        self.run_id = bronze.run_id
        metadata = {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "supermarket": supermarket,
            "region": region,
            "business_date": business_date.isoformat(),
        }
        self._open = ExitStack()
        self._rows = self._open.enter_context(
            ParquetSink(lake, bronze.key, BRONZE_SCHEMA, metadata, settings.spool, plain=PLAIN_COLUMNS, new=True)
        )
        self._records = self._open.enter_context(RecordWriter(lake, SYSTEM, self.run_id, settings.spool))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def write(self, table: pa.Table) -> None:
        """Append rows of bronze."""
        self._rows.write(table)

    def request(self, outcome: RequestOutcome) -> None:
        """Keep what became of one request."""
        self._records.add(RequestRecord(**asdict(outcome)))

    def reject(self, row: RejectedRow) -> None:
        """Keep a row that could not be used, with its reason."""
        self._records.add(QuarantineRecord(**asdict(row)))

    async def commit(self, result: CrawlResult, *, flow_run_id: str | None) -> RunReport:
        """Put everything on the lake, the run record last.

        Args:
            result: What the crawl came to.
            flow_run_id: The Prefect flow run it belongs to.

        Raises:
            LakeUnavailableError: The lake did not take it; nothing of this run is visible then.
        """
        return await asyncio.to_thread(self._commit, result, flow_run_id)

    def _commit(self, result: CrawlResult, flow_run_id: str | None) -> RunReport:
        """`commit`, in a thread that may block."""
        for outcome in result.slices:
            self._records.add(SliceRecord(**asdict(outcome)))
        self._records.commit()
        stats: FileStats | None = None
        if result.written:
            stats = self._rows.commit(status=result.status)
        finished_at = max(clock.now(), self.started_at)
        record = RunRecord(
            run_id=self.run_id,
            system=SYSTEM,
            scope=scope_of(self._target.store, self._target.region),
            business_date=self._business_date,
            started_at=self.started_at,
            finished_at=finished_at,
            status=result.status,
            expected_rows=result.declared,
            received_rows=result.received,
            written_rows=result.written,
            rejected_rows=result.rejected,
            data_key=stats.key if stats else None,
            data_bytes=stats.bytes if stats else 0,
            requests=result.requests,
            retries=result.retries,
            throttled=result.throttled,
            bytes_received=result.bytes_received,
            seconds_waited=result.seconds_waited,
            error=result.error,
            flow_run_id=flow_run_id,
            attributes=_attributes(self._target),
        )
        put_run(self._lake, record)
        return RunReport(
            run_id=self.run_id,
            supermarket=self._target.store.id,
            region=self._target.region.id,
            status=result.status,
            declared=result.declared,
            received=result.received,
            written=result.written,
            rejected=result.rejected,
            requests=result.requests,
            retries=result.retries,
            throttled=result.throttled,
            bytes_received=result.bytes_received,
            seconds=(finished_at - self.started_at).total_seconds(),
            seconds_waited=result.seconds_waited,
            data_key=record.data_key,
            data_bytes=record.data_bytes,
            incomplete=_incomplete(result),
            error=result.error,
        )


def scope_of(store: Store, region: Region) -> str:
    """How run and quality records name a store-region."""
    return f"supermarket={store.id}/region={region.id}"


def put_failed_run(
    lake: Lake, store: Store, region: Region, business_date: date, error: BaseException, *, flow_run_id: str | None
) -> None:
    """Record a store-region that could not even be started, so that it is missed by nobody.

    Args:
        lake: Where run records are.
        store: The store.
        region: The region.
        business_date: The day it was to be crawled for.
        error: Why it could not.
        flow_run_id: The Prefect flow run it belongs to.
    """
    started_at = clock.next_start(store.id, region.id)
    record = RunRecord(
        run_id=make_run_id(store.id, region.id, started_at=started_at),
        system=SYSTEM,
        scope=scope_of(store, region),
        business_date=business_date,
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status="failed",
        error=str(error),
        flow_run_id=flow_run_id,
        attributes=_attributes(CrawlTarget(store, region)),
    )
    put_run(lake, record)


def _attributes(target: CrawlTarget) -> str:
    """The store and region as they were at this run, for `dim_stores`."""
    store, region = target.store, target.region
    return json.dumps(
        {
            "supermarket": store.id,
            "supermarket_name": store.name,
            "region": region.id,
            "region_name": region.name or region.id,
            "base_url": store.base_url,
            "api": store.api,
            "region_method": store.region_method.value,
            "postal_code": region.postal_code,
            "region_id": target.region_id,
            "sellers": list(target.seller_ids),
            "sales_channel": target.sales_channel,
            "aliases": list(target.aliases),
        },
        ensure_ascii=False,
    )


def _incomplete(result: CrawlResult) -> tuple[str, ...]:
    """The slices that are not complete, without those that lie within another of them."""
    missing = [item for item in result.slices if item.status != "complete"]
    labels = {item.label for item in missing}
    return tuple(
        f"{item.slice} {item.label}: {item.received} of {'?' if item.declared is None else item.declared}"
        f" ({item.reason or item.status})"
        for item in missing
        if not any(item.label.startswith(f"{label} > ") for label in labels)
    )
