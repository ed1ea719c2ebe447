"""One store, one region, the whole catalogue."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

from gondola.errors import CircuitOpenError, GondolaError
from gondola.sources.http.fetcher import Ask, Fetcher, RetryPolicy, Site
from gondola.sources.vtex.breaker import BREAKER_IS_OPEN, Breaker
from gondola.sources.vtex.collector import Collector, PageFacts
from gondola.sources.vtex.contract import (
    CrawlOptions,
    CrawlResult,
    CrawlTarget,
    OnProgress,
    Progress,
    RequestOutcome,
    Sink,
)
from gondola.sources.vtex.descent import Descent
from gondola.sources.vtex.families import FAMILIES, Page, Slice
from gondola.sources.vtex.pages import PageAnswer, PagePool
from gondola.sources.vtex.regions import context_of
from gondola.sources.vtex.tree import TREE_PATH, CategoryTree, Node, read_tree
from gondola.sources.vtex.walk import SliceRecord, Walker

__all__ = ["crawl"]

_OBJECTS_BETWEEN_COLLECTIONS = 10_000
_TREE_POLICY = RetryPolicy(attempts=2, slows_host=False)


async def crawl(
    fetcher: Fetcher,
    target: CrawlTarget,
    *,
    run_id: str,
    sink: Sink,
    options: CrawlOptions | None = None,
    on_progress: OnProgress | None = None,
) -> CrawlResult:
    """Crawl one target.

    Args:
        fetcher: The open client, shared by all crawls of the process.
        target: From `plan_store`.
        run_id: Written into every row.
        sink: Takes rows, request outcomes and rejected rows. Its own errors end the crawl and are raised.
        options: How persistent to be.
        on_progress: Called after every page.

    Returns:
        The books. What the store does wrong is in there, never raised.
    """
    _spare_the_collector()
    run = _Run(fetcher, target, run_id=run_id, sink=sink, options=options or CrawlOptions(), on_progress=on_progress)
    try:
        site = await fetcher.site(target.store, on_request=run.note)
        await run.descend(site)
    except GondolaError as error:
        run.result.error = str(error)
    except BaseExceptionGroup as group:
        raise _first(group) from group
    return run.result


def _spare_the_collector() -> None:
    """Let Python look for cycles less often, and not among what was there before the first crawl of the process.

    Rows are many and form no cycles, yet their number sets off the collector, which then walks everything that
    imports made: without this it is a twentieth of a crawl's CPU.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


class _Run:
    """The parts of one crawl, put together."""

    def __init__(
        self,
        fetcher: Fetcher,
        target: CrawlTarget,
        *,
        run_id: str,
        sink: Sink,
        options: CrawlOptions,
        on_progress: OnProgress | None,
    ) -> None:
        self.result = CrawlResult()
        self._fetcher = fetcher
        self._target = target
        self._sink = sink
        self._options = options
        self._on_progress = on_progress
        self._progress = Progress()
        self._family = FAMILIES[target.store.api]
        self._context = context_of(target)
        self._breaker = Breaker(options.breaker_failures)
        self._collector = Collector(
            run_id=run_id,
            regional=target.seller_ids,
            sink=sink,
            flush_bytes=options.flush_bytes,
            flush_rows=options.flush_rows,
        )
        limit = options.time_limit
        self._deadline = None if limit is None else fetcher.clock() + limit.total_seconds()
        self._policy = RetryPolicy(attempts=options.attempts, longest_wait=options.longest_wait)

    def note(self, outcome: RequestOutcome) -> None:
        """Book an attempt and pass it on."""
        self.result.count(outcome)
        self._sink.request(outcome)

    async def descend(self, site: Site) -> None:
        """Run the crawl proper and fill in the result.

        Raises:
            RobotsDisallowedError: robots.txt forbids the catalogue.
        """
        site.check(self._family.url(Slice(Node()), 0, self._context))
        workers = 2 * self._target.store.concurrency  # some wait out a back-off without holding a slot
        pool = PagePool(
            workers=workers, fetch=partial(self._fetch, site), collector=self._collector, on_page=self._show
        )
        walker = Walker(
            family=self._family,
            pool=pool,
            breaker=self._breaker,
            options=self._options,
            batch=self._target.store.concurrency,
        )
        descent = Descent(
            walker=walker,
            collector=self._collector,
            tree=partial(self._tree, site),
            rest=partial(self._fetcher.sleep, self._options.late_pass_delay.total_seconds()),
        )
        async with asyncio.TaskGroup() as group:
            pool.start(group)
            await descent.run()
            pool.stop()
        self._collector.flush()
        self._conclude(descent)

    async def _fetch(self, site: Site, part: Slice, page: int) -> Page:
        if self._breaker.is_open:
            raise CircuitOpenError(BREAKER_IS_OPEN)
        if self._deadline is not None and self._fetcher.clock() > self._deadline:
            raise CircuitOpenError(f"not asked, because the crawl's time limit of {self._options.time_limit} was over")
        ask = Ask(
            self._family.url(part, page, self._context),
            self._family.read,
            headers=self._context.headers,
            label=self._family.key(part),
            policy=self._policy,
        )
        return await self._fetcher.get(site, ask, on_request=self.note)

    async def _tree(self, site: Site) -> CategoryTree | None:
        """The store's tree, or None at the first sign that it is not to be had."""
        ask = Ask(TREE_PATH, read_tree, label="(category tree)", policy=_TREE_POLICY)
        try:
            categories = await self._fetcher.get(site, ask, on_request=self.note)
        except GondolaError:
            return None
        tree = CategoryTree()
        tree.add(categories)
        return tree if categories else None

    def _show(self, answer: PageAnswer, waiting: int) -> None:
        progress = self._progress
        if isinstance(answer, PageFacts):
            progress.pages += 1
            progress.declared = max(progress.declared or 0, answer.total)
        else:
            progress.errors += 1
        progress.products = len(self._collector.products)
        progress.waiting = waiting
        progress.requests = self.result.requests
        if self._on_progress is not None:
            self._on_progress(progress)

    def _conclude(self, descent: Descent) -> None:
        result, collector = self.result, self._collector
        records = [record for record in descent.records() if record.status is not None]
        result.slices = [record.outcome() for record in records]
        result.declared = descent.root.declared
        result.received = len(collector.products)
        result.written = collector.written
        result.rejected = collector.rejected
        unfinished = [record for record in descent.verdicts() if record.status != "complete"]
        if not collector.written:
            result.status = "failed"
            result.error = _reason(unfinished) or "the store declares no products for this region"
        elif unfinished or result.declared is None or result.received < result.declared:
            result.status = "partial"
            result.error = _reason(unfinished) or "fewer products than declared"
        else:
            result.status = "complete"


def _reason(unfinished: list[SliceRecord]) -> str | None:
    """What went wrong first: a slice that gave nothing says more than one that lacks something."""
    for record in sorted(unfinished, key=lambda record: record.status != "failed"):
        declared = "an unknown number" if record.declared is None else record.declared
        return f"slice {record.key} ({record.part.label}): {len(record.ids)} of {declared} products; {record.reason}"
    return None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
