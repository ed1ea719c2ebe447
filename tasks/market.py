"""The market system's steps: ask a store for its regions, crawl one store-region onto the lake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from time import monotonic
from uuid import UUID

from loguru import logger
from prefect import task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.runtime import flow_run

from gondola.clock import next_start, today
from gondola.errors import ConfigurationError, GondolaError, SourceUnavailableError
from gondola.progress import RegionProgress, report
from gondola.settings import Settings
from gondola.sources.stores import Region, Store, load_stores, select_stores
from gondola.sources.vtex import CrawlOptions, CrawlResult, CrawlTarget, Fetcher, Progress, StorePlan, crawl
from gondola.sources.vtex import plan_store as plan
from storage.lake import Lake
from storage.layout import make_run_id
from storage.parquet import clean_spool
from storage.records import QualityRecord, RecordWriter, RequestRecord
from tasks.landing import SYSTEM, Landing, RunReport, put_failed_run, scope_of
from tasks.retries import STEP

__all__ = [
    "CrawlSession",
    "choose_stores",
    "crawl_region",
    "open_session",
    "plan_store",
]

# One region saturates a store's request limit; a second one fills the pauses of the first. More would only
# hold memory.
REGIONS_AT_ONCE_PER_STORE = 2
_PROGRESS_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CrawlSession:
    """What all store-regions of one flow run share."""

    settings: Settings
    lake: Lake
    fetcher: Fetcher
    business_date: date
    _turns: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def record_failure(self, store: Store, region: Region, error: BaseException) -> None:
        """Leave a run record for a store-region that could not even be started."""
        await asyncio.to_thread(
            put_failed_run, self.lake, store, region, self.business_date, error, flow_run_id=flow_run.get_id()
        )

    async def in_turn(
        self, target: CrawlTarget, step: Callable[[CrawlSession, CrawlTarget], Awaitable[RunReport]]
    ) -> RunReport:
        """Take a step for one store-region when few others of the same store are under way.

        Args:
            target: The store-region.
            step: What to do with it, a task that crawls it.
        """
        turn = self._turns.setdefault(target.store.id, asyncio.Semaphore(REGIONS_AT_ONCE_PER_STORE))
        async with turn:
            return await step(self, target)


def choose_stores(
    settings: Settings, stores: Sequence[str], regions: Sequence[str], business_date: date | None
) -> tuple[tuple[Store, ...], date]:
    """Which stores to crawl, and which day it is there.

    Args:
        settings: Names the stores file.
        stores: Store ids; none means all that are enabled.
        regions: Region ids; none means all.
        business_date: The day the prices are for; the sandbox's stores can be asked for any day, real ones
            for today only.

    Raises:
        ConfigurationError: An unknown name, or another day than today for a real store.
    """
    chosen = select_stores(load_stores(settings.stores_file), stores, regions)
    day = business_date or today()
    if day != today() and not all(store.is_local for store in chosen):
        message = (
            f"a shelf can be crawled for today ({today()}) only, not for {day}; "
            f"to rebuild the models of an old day, run: gondola transform market"
        )
        raise ConfigurationError(message)
    return chosen, day


@asynccontextmanager
async def open_session(settings: Settings, business_date: date) -> AsyncIterator[CrawlSession]:
    """Open the lake and the one HTTP client of a flow run."""
    lake = await asyncio.to_thread(Lake.open, settings.lake)
    await asyncio.to_thread(clean_spool, settings.spool)  # what killed runs left
    async with Fetcher(
        user_agent=settings.user_agent,
        timeout=timedelta(seconds=settings.request_timeout_seconds),
        max_connections=settings.max_connections,
        obey_robots=settings.obey_robots,
    ) as fetcher:
        yield CrawlSession(settings, lake, fetcher, business_date)


@task(
    task_run_name="plan {store.id}",
    tags=["market"],
    **STEP,
)
async def plan_store(session: CrawlSession, store: Store) -> StorePlan:
    """Ask a store for its sales channel and region ids, and keep what it answered."""
    run_id = make_run_id(store.id, "plan", started_at=next_start(store.id, "plan"))
    with RecordWriter(session.lake, SYSTEM, run_id, session.settings.spool) as records:
        try:
            made = await plan(session.fetcher, store, on_request=lambda o: records.add(RequestRecord(**asdict(o))))
            for region in store.effective_regions:
                records.add(_served(store, region, served=region not in made.not_served))
            for region, error in made.unresolved:
                await session.record_failure(store, region, error)
        except GondolaError as error:
            for region in store.effective_regions:
                await session.record_failure(store, region, error)
            raise
        finally:
            await asyncio.to_thread(records.commit)
    for region in made.not_served:
        logger.warning("{}: no seller for postal code {} of region {}", store.id, region.postal_code, region.id)
    for target in made.targets:
        if target.aliases:
            same = ", ".join(target.aliases)
            logger.info(
                "{}: {} share the prices of region {} and are not crawled again", store.id, same, target.region.id
            )
    return made


@task(
    task_run_name="crawl {target.store.id}/{target.region.id}",
    tags=["market"],
    **STEP,
)
async def crawl_region(session: CrawlSession, target: CrawlTarget) -> RunReport:
    """Crawl one store-region completely and land it.

    Returns:
        The run's report, complete or partial.

    Raises:
        SourceUnavailableError: Nothing usable was received, for a reason that may pass.
        GondolaError: Nothing usable was received, for a reason that will not.
    """
    watch = await _Watch.start(target)
    with Landing(session.lake, session.settings, target, session.business_date) as landing:
        failure: GondolaError | None = None
        try:
            result = await crawl(
                session.fetcher,
                target,
                run_id=landing.run_id,
                sink=landing,
                options=CrawlOptions(
                    attempts=session.settings.request_attempts,
                    late_pass_delay=timedelta(seconds=session.settings.late_pass_delay_seconds),
                    time_limit=timedelta(seconds=session.settings.region_timeout_seconds),
                ),
                on_progress=watch.on_progress,
            )
        except GondolaError as error:
            failure, result = error, CrawlResult(error=str(error))
        try:
            run = await landing.commit(result, flow_run_id=flow_run.get_id())
        except GondolaError as error:
            # The disk of the spool may be full while the lake still takes a record.
            await session.record_failure(target.store, target.region, failure or error)
            raise
    await watch.finish(run)
    if failure is not None:
        raise failure
    if run.status == "failed":
        raise SourceUnavailableError(f"{target.store.id}/{target.region.id}: {run.error}")
    return run


def _served(store: Store, region: Region, *, served: bool) -> QualityRecord:
    return QualityRecord(
        check_name="region_served",
        subject=scope_of(store, region),
        passed=served,
        expected="a seller for the postal code",
        actual="a seller" if served else "no seller",
        severity="warn",
    )


class _Watch:
    """Carries a crawl's progress to the listeners of this process and to an artifact in the Prefect UI."""

    def __init__(self, target: CrawlTarget, artifact: UUID) -> None:
        self._target = target
        self._artifact = artifact
        self._next_artifact = 0.0
        self._pending: asyncio.Task[UUID] | None = None

    @classmethod
    async def start(cls, target: CrawlTarget) -> _Watch:
        name = f"{target.store.id}-{target.region.id}".replace("_", "-")
        artifact = await acreate_progress_artifact(
            progress=0.0,
            key=f"crawl-{name}",
            description=f"Products received of {target.store.name}, {target.region.id}",
        )
        return cls(target, artifact)

    def on_progress(self, progress: Progress) -> None:
        self._tell("crawling", progress)
        now = monotonic()
        if now < self._next_artifact or not progress.declared or (self._pending and not self._pending.done()):
            return
        self._next_artifact = now + _PROGRESS_EVERY_SECONDS
        share = min(100.0, 100.0 * progress.products / progress.declared)
        self._pending = asyncio.ensure_future(aupdate_progress_artifact(self._artifact, progress=share))

    async def finish(self, run: RunReport) -> None:
        if self._pending:
            await asyncio.gather(self._pending, return_exceptions=True)
        share = (
            100.0
            if run.status == "complete"
            else min(100.0, 100.0 * run.received / (run.declared or run.received or 1))
        )
        await aupdate_progress_artifact(self._artifact, progress=share)
        report(
            RegionProgress(
                supermarket=run.supermarket,
                region=run.region,
                state=run.status,
                products=run.received,
                declared=run.declared,
                requests=run.requests,
                errors=run.retries,
            )
        )
        line = "{}/{}: {}, {} of {} products in {:.1f} s, {} requests, {} retries"
        logger.log(
            "INFO" if run.status == "complete" else "WARNING",
            line,
            run.supermarket,
            run.region,
            run.status,
            run.received,
            run.declared if run.declared is not None else "?",
            run.seconds,
            run.requests,
            run.retries,
        )
        for reason in run.incomplete:
            logger.warning("{}/{}: incomplete {}", run.supermarket, run.region, reason)

    def _tell(self, state: str, progress: Progress) -> None:
        report(
            RegionProgress(
                supermarket=self._target.store.id,
                region=self._target.region.id,
                state=state,
                products=progress.products,
                declared=progress.declared,
                pages=progress.pages,
                requests=progress.requests,
                errors=progress.errors,
            )
        )
