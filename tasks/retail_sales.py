"""The retail_sales system's steps: fetch a retailer's days, and load days into the star schema."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loguru import logger
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run, task_run
from prefect.states import Completed, Failed

from gondola import clock
from gondola.clock import next_start
from gondola.errors import GondolaError, SourceUnavailableError
from gondola.settings import Settings, get_settings
from gondola.sources.http import Fetcher, RequestOutcome
from gondola.sources.retailers import DayFetch, Retailer, RetailerConfig, fetch_day, make_retailer
from storage.credentials import redact
from storage.engines import DuckEngine, PostgresEngine
from storage.lake import Lake
from storage.layout import make_run_id
from storage.parquet import clean_spool
from storage.postgres import Postgres
from storage.records import RunRecord, put_run, read_runs
from storage.sales_star import DayInput, LoadedDay, RetailerInfo, load_day, loaded_fingerprints
from storage.sales_tables import create_tables
from tasks.retail_landing import SYSTEM, land
from tasks.retail_report import RetailerDay, RetailSalesReport
from tasks.retries import STEP
from tasks.targets import DUCKDB

__all__ = ["fetch_retailer", "fetched_days", "final_state", "load_star", "missing_days", "outcome"]

_ALWAYS = 100_000  # days: all runs there ever were
MOST_DAYS = 31  # that a daily run catches up on by itself; `gondola backfill` does more
_RETRIES = list(get_settings().retailer_retry_delays_seconds)


def fetched_days(lake: Lake) -> dict[str, dict[date, bool]]:
    """The days that were asked for, by retailer, and whether everything came of them."""
    days: dict[str, dict[date, bool]] = defaultdict(dict)
    for run in read_runs(lake, days=_ALWAYS, system=SYSTEM):
        known = days[run.scope.removeprefix("retailer=")]
        known[run.business_date] = known.get(run.business_date, False) or run.status == "complete"
    return days


def missing_days(config: RetailerConfig, fetched: Mapping[str, Mapping[date, bool]], now: datetime) -> list[date]:
    """What a daily run fetches of a retailer: each day that is over and did not come whole, since the first asked for.

    Args:
        config: The retailer.
        fetched: What `fetched_days` knows.
        now: The present.

    Returns:
        The days, the oldest first: yesterday alone when none was asked for, at most the last month.
    """
    yesterday = now.astimezone(ZoneInfo(config.time_zone)).date() - timedelta(days=1)
    known = fetched.get(config.id, {})
    first = max(min(known, default=yesterday), yesterday - timedelta(days=MOST_DAYS - 1))
    days = [first + timedelta(days=step) for step in range((yesterday - first).days + 1)]
    return [day for day in days if not known.get(day)]


@task(
    task_run_name="fetch {config.id}",
    tags=["retail_sales"],
    **(STEP | {"retries": len(_RETRIES), "retry_delay_seconds": _RETRIES, "retry_jitter_factor": None}),
)
def fetch_retailer(settings: Settings, config: RetailerConfig, days: Sequence[date]) -> list[RetailerDay]:
    """Fetch days of one retailer and land them, a run for each.

    A day that does not come whole, for a reason that may pass, makes the task be tried again, for such days only. What
    came stays in any case: the last try returns what it has.

    Args:
        settings: Name the lake.
        config: The retailer.
        days: The days, in its own zone.

    Returns:
        The runs; failed and partial ones say why.

    Raises:
        SourceUnavailableError: Not the last try, and a day is missing.
        LakeUnavailableError: The lake did not take it.
    """
    lake = Lake.open(settings.lake)
    clean_spool(settings.spool)
    attempt = task_run.get_run_count() or 1
    wanted = list(days)
    if attempt > 1:
        known = fetched_days(lake).get(config.id, {})
        wanted = [day for day in wanted if not known.get(day)]
    try:
        retailer = make_retailer(config)
    except GondolaError as error:  # a secret that is not set: said in the run's record, as any failure
        return [_failed(lake, config, day, error) for day in wanted]
    runs, pending = asyncio.run(_fetch(settings, lake, retailer, wanted))
    if pending and attempt <= len(_RETRIES):
        message = f"{config.id}: {', '.join(map(str, pending))} did not come whole; they are asked for again"
        raise SourceUnavailableError(message)
    tries = [*runs, *_earlier(lake, config, days)]
    return [max((one for one in tries if one.day == day), key=_worth) for day in dict.fromkeys(days)]


def _worth(run: RetailerDay) -> tuple[int, int]:
    """Of several tries of a day the best one tells how it went."""
    return ("failed", "partial", "complete").index(run.status), run.lines


async def _fetch(
    settings: Settings, lake: Lake, retailer: Retailer, days: Sequence[date]
) -> tuple[list[RetailerDay], list[date]]:
    runs, pending = [], []
    async with Fetcher(
        user_agent=settings.user_agent,
        timeout=timedelta(seconds=settings.request_timeout_seconds),
        max_connections=settings.max_connections,
        obey_robots=False,  # an API whose keys we were given has no robots.txt to say what they are for
    ) as fetcher:
        for day in days:
            started_at = next_start(SYSTEM, retailer.config.id)
            requests: list[RequestOutcome] = []
            fetch: DayFetch = await fetch_day(
                fetcher, retailer, day, attempts=settings.request_attempts, on_request=requests.append
            )
            if fetch.status != "complete" and fetch.may_pass:
                pending.append(day)
            run = await asyncio.to_thread(
                land,
                lake,
                settings,
                retailer,
                fetch,
                requests,
                started_at=started_at,
                flow_run_id=flow_run.get_id(),
            )
            runs.append(run)
    return runs, pending


def _earlier(lake: Lake, config: RetailerConfig, days: Sequence[date]) -> list[RetailerDay]:
    """What this flow run has on record of the days, from all its tries."""
    return [
        RetailerDay(
            run_id=run.run_id,
            retailer=config.id,
            day=run.business_date,
            status=run.status,
            pages=json.loads(run.attributes)["pages"],
            lines=run.written_rows,
            rejected=run.rejected_rows,
            requests=run.requests,
            retries=run.retries,
            bronze_key=run.data_key,
            error=run.error,
        )
        for run in read_runs(lake, days=2, system=SYSTEM)
        if run.scope == f"retailer={config.id}" and run.business_date in days and run.flow_run_id == flow_run.get_id()
    ]


def outcome(
    settings: Settings, config: RetailerConfig, days: Sequence[date], result: list[RetailerDay] | BaseException
) -> list[RetailerDay]:
    """What became of a retailer's fetch, also when it broke off: no failure of one stops the others.

    Args:
        settings: Name the lake.
        config: The retailer.
        days: What was to be fetched.
        result: What `fetch_retailer` gave or raised.
    """
    if not isinstance(result, BaseException):
        return result
    lake = Lake.open(settings.lake)
    return [_failed(lake, config, day, result) for day in days]


def _failed(lake: Lake, config: RetailerConfig, day: date, error: BaseException) -> RetailerDay:
    started_at = next_start(SYSTEM, config.id)
    run_id = make_run_id(SYSTEM, config.id, started_at=started_at)
    record = RunRecord(
        run_id=run_id,
        system=SYSTEM,
        scope=f"retailer={config.id}",
        business_date=day,
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status="failed",
        error=redact(error) or type(error).__name__,
        flow_run_id=flow_run.get_id(),
        attributes=json.dumps({"pages": 0, "days": {}}),
    )
    put_run(lake, record)
    logger.error("{} {}: failed: {}", config.id, day, error)
    return RetailerDay(run_id, config.id, day, "failed", error=redact(error))


def load_star(settings: Settings) -> list[LoadedDay]:
    """Load every day that the lake has otherwise than the star schema of the settings' target; the oldest first.

    Each day is a transaction: ended at any moment and called again it goes on after the last day that was kept. On an
    empty or lost warehouse that is all days. The caller holds the warehouse's turn.

    Args:
        settings: Name the lake and the target.

    Raises:
        DataContractError: A day does not add up; it, and the days after it, are not loaded.
        WarehouseUnavailableError: PostgreSQL does not answer.
        LakeUnavailableError: The lake does not answer, or the warehouse is in use.
    """
    lake = Lake.open(settings.lake)
    inputs, retailers = _lake_days(lake)
    loaded = []
    with _engine(settings, lake) as engine:
        create_tables(engine)
        known = loaded_fingerprints(engine)
        for given in inputs:
            if known.get(given.day) != given.fingerprint:
                done = load_day(engine, given, retailers, now=clock.now())
                logger.info("{}: {} rows, {} new, {} replaced", done.day, done.rows, done.added, done.removed)
                loaded.append(done)
    return loaded


def _engine(settings: Settings, lake: Lake) -> AbstractContextManager[DuckEngine | PostgresEngine]:
    options: dict[str, Any] = {"threads": settings.transform_threads, "memory": settings.transform_memory}
    if settings.target == DUCKDB:
        return DuckEngine(settings.warehouse, lake.uri, **options)
    return PostgresEngine(Postgres.of(settings), lake.uri, **options)


def _lake_days(lake: Lake) -> tuple[list[DayInput], dict[str, RetailerInfo]]:
    """What the lake has of each business day, the oldest first, and the retailers by id."""
    keys: dict[date, set[str]] = defaultdict(set)
    statuses: dict[date, dict[str, str]] = defaultdict(dict)
    retailers: dict[str, RetailerInfo] = {}
    for run in read_runs(lake, days=_ALWAYS, system=SYSTEM):  # the newest first
        if run.status == "failed":
            continue
        told = json.loads(run.attributes)
        info = RetailerInfo(**told["retailer"])
        retailers.setdefault(info.id, info)
        for text, key in told["days"].items():
            keys[date.fromisoformat(text)].add(key)
            statuses[date.fromisoformat(text)].setdefault(info.id, "partial")
        if run.status == "complete" or info.id not in statuses[run.business_date]:
            statuses[run.business_date][info.id] = run.status
    days = []
    for day in sorted(statuses):
        what = json.dumps([sorted(keys[day]), sorted(statuses[day].items())])
        fingerprint = hashlib.sha256(what.encode()).hexdigest()[:32]
        urls = tuple(lake.url(key) for key in sorted(keys[day]))
        days.append(DayInput(day, urls, dict(sorted(statuses[day].items())), fingerprint))
    return days, retailers


def final_state(report: RetailSalesReport) -> State[RetailSalesReport]:
    """Write the artifact people read, and say in the flow's state how it went."""
    lines = [
        f"# Retail sales: {report.status}",
        "",
        report.headline,
        "",
        "| retailer | day | status | pages | lines | refused | why |",
        "|---|---|---|--:|--:|--:|---|",
        *(
            f"| {run.retailer} | {run.day} | {run.status} | {run.pages} | {run.lines:,} | {run.rejected:,} | "
            f"{(run.error or '').replace('|', chr(92) + '|')} |"
            for run in report.runs
        ),
    ]
    if report.build_error:
        lines += ["", f"Models: {report.build_error}"]
    create_markdown_artifact(key="retail-sales-run", markdown="\n".join(lines), description=report.headline)
    if report.status == "failed":
        return Failed(name="Failed", message=report.build_error or report.headline, data=report)
    return Completed(name=report.status.capitalize(), message=report.headline, data=report)
