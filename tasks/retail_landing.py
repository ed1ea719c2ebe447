"""From a retailer's answers to the lake: what it said, the lines in it, what was refused; the run record last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

import pyarrow as pa
from loguru import logger

from gondola import clock
from gondola.errors import DataContractError, LakeKeyError
from gondola.settings import Settings
from gondola.sources.http import RequestOutcome
from gondola.sources.retailers import (
    SALES_SCHEMA,
    DayFetch,
    RejectedSale,
    Retailer,
    SalesRecord,
    from_document,
    read_pages,
    to_document,
)
from storage.days import DaySpool
from storage.lake import Lake
from storage.layout import SalesBronze, SalesSilver, make_run_id
from storage.records import QualityRecord, QuarantineRecord, RecordWriter, RequestRecord, RunRecord, put_run
from tasks.retail_report import RetailerDay

__all__ = ["SYSTEM", "land", "put_raw"]

SYSTEM = "retail_sales"
_SCHEMA_VERSION = "1"


def land(
    lake: Lake,
    settings: Settings,
    retailer: Retailer,
    fetch: DayFetch,
    requests: Sequence[RequestOutcome],
    *,
    started_at: datetime,
    flow_run_id: str | None,
) -> RetailerDay:
    """Put a fetch on the lake. It counts once its run record is there.

    Args:
        lake: Where it goes.
        settings: Name the spool, and the share of bad rows that is borne.
        retailer: Whose answers they are.
        fetch: The answers.
        requests: The outcome of every request.
        started_at: The start of the run.
        flow_run_id: The Prefect flow run it belongs to.

    Raises:
        LakeUnavailableError: The lake did not take it; nothing of this run counts then.
    """
    run_id = make_run_id(SYSTEM, retailer.config.id, started_at=started_at)
    records, rejected = read_pages(retailer, fetch.pages, clock.now())
    received = len(records) + len(rejected)
    if rejected and len(rejected) / received > settings.bad_row_share and fetch.status == "complete":
        fetch.status = "partial"
        fetch.error = f"{len(rejected):,} of {received:,} rows were refused, the first: {rejected[0].reason}"
    key = put_raw(lake, fetch, run_id) if fetch.pages else None
    days = _put_lines(lake, settings, retailer, records, run_id=run_id, started_at=started_at)
    with RecordWriter(lake, SYSTEM, run_id, settings.spool) as notes:
        for outcome in requests:
            told = asdict(outcome) | {"error": retailer.redact(outcome.error) if outcome.error else None}
            notes.add(RequestRecord(**told))
        for row in rejected:
            notes.add(QuarantineRecord(**(asdict(row) | {"source": f"{retailer.config.id} {row.source}"})))
        notes.add(_check(retailer, received, rejected, settings.bad_row_share))
        notes.commit()
    run = RetailerDay(
        run_id=run_id,
        retailer=retailer.config.id,
        day=fetch.day,
        status=fetch.status,
        pages=len(fetch.pages),
        lines=len(records),
        rejected=len(rejected),
        requests=len(requests),
        retries=sum(outcome.attempt > 1 for outcome in requests),
        bronze_key=key,
        error=fetch.error,
    )
    attributes = {
        "retailer": {
            "id": retailer.config.id,
            "name": retailer.config.name,
            "time_zone": retailer.config.time_zone,
            "currency": retailer.config.currency,
        },
        "pages": run.pages,
        "days": {day.isoformat(): silver for day, silver in days.items()},
    }
    put_run(
        lake,
        RunRecord(
            run_id=run_id,
            system=SYSTEM,
            scope=f"retailer={retailer.config.id}",
            business_date=fetch.day,
            started_at=started_at,
            finished_at=max(clock.now(), started_at),
            status=fetch.status,
            received_rows=received,
            written_rows=len(records),
            rejected_rows=len(rejected),
            data_key=key,
            data_bytes=sum(len(page.body) for page in fetch.pages),
            requests=run.requests,
            retries=run.retries,
            throttled=sum(outcome.outcome == "throttled" for outcome in requests),
            bytes_received=sum(outcome.bytes for outcome in requests),
            seconds_waited=sum(outcome.waited_seconds for outcome in requests),
            error=fetch.error,
            flow_run_id=flow_run_id,
            attributes=json.dumps(attributes, ensure_ascii=False),
        ),
    )
    level = "INFO" if run.status == "complete" else "WARNING"
    logger.log(level, "{} {}: {}, {} lines{}", run.retailer, run.day, run.status, run.lines, _because(run.error))
    return run


def put_raw(lake: Lake, fetch: DayFetch, run_id: str) -> str:
    """Put the answers as `sales_data.json`; what was there stays beside it, or what is new does if it is worse.

    A complete fetch is better than a partial one, and of two the newer. One with the same answers is just replaced.

    Returns:
        The key it got.
    """
    plain = SalesBronze(fetch.retailer, fetch.day)
    document = to_document(fetch, run_id=run_id)
    try:
        before = lake.get(plain.key)
    except LakeKeyError:
        lake.put(plain.key, document)
        return plain.key
    try:
        known = from_document(before)
    except DataContractError as error:
        logger.warning("{}: {}; kept beside the new one", plain.key, error)
        known = DayFetch(fetch.retailer, fetch.day, fetch.started_at)
    if known.status == "complete" and fetch.status != "complete":
        aside = SalesBronze(fetch.retailer, fetch.day, fetch.started_at)
        lake.put(aside.key, document)
        return aside.key
    if [page.body for page in known.pages] != [page.body for page in fetch.pages]:
        lake.put(SalesBronze(fetch.retailer, fetch.day, known.started_at).key, before)
    lake.put(plain.key, document)
    return plain.key


def _put_lines(
    lake: Lake,
    settings: Settings,
    retailer: Retailer,
    records: Sequence[SalesRecord],
    *,
    run_id: str,
    started_at: datetime,
) -> dict[date, str]:
    """Lines as silver, a file for each business day among them.

    Returns:
        The keys, by day.
    """

    def key_of(day: date | None) -> str:
        return SalesSilver(retailer.config.id, day or date.min, started_at).key

    rows = [record.as_row(fetched_at=started_at, run_id=run_id) for record in records]
    with DaySpool(SALES_SCHEMA, "business_date", settings.spool) as spool:
        if rows:
            spool.write(pa.Table.from_pylist(rows, schema=SALES_SCHEMA))
        files = spool.commit(lake, key_of, {"schema_version": _SCHEMA_VERSION, "run_id": run_id})
    return {day: stats.key for day, stats in files.items() if day is not None}


def _check(retailer: Retailer, received: int, rejected: Sequence[RejectedSale], most: float) -> QualityRecord:
    share = len(rejected) / received if received else 0.0
    return QualityRecord(
        check_name="bad_rows",
        subject=f"retailer={retailer.config.id}",
        passed=share <= most,
        expected=f"at most {most:.1%} of rows are refused",
        actual=f"{len(rejected):,} of {received:,}",
        severity="warn",
    )


def _because(error: str | None) -> str:
    return f": {error}" if error else ""
