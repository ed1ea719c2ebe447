"""The pool that fetches pages: the largest slices first, the next request sent before the last is parsed."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

from gondola.errors import GondolaError
from gondola.sources.vtex.collector import Collector, PageFacts
from gondola.sources.vtex.families import Page, Slice

__all__ = ["PageAnswer", "PagePool"]

PageAnswer = PageFacts | GondolaError
"""What came of asking for a page: an error is a value here, for the slice to judge."""

_QUEUED = 4  # bodies that wait for the parser; behind a full queue workers wait with theirs in hand
_Job = tuple[float, int, Slice, int, str, "asyncio.Future[PageAnswer]"]


class PagePool:
    """Workers that only fetch, and one parser behind a short queue.

    A hundred answers a second arrive in bursts. If each were parsed on arrival, the requests that follow
    would wait for it; so workers hand bodies over and go on, and the parser gives way after every page.
    The queue's length bounds the bodies in memory.
    """

    def __init__(
        self,
        *,
        workers: int,
        fetch: Callable[[Slice, int], Awaitable[Page]],
        collector: Collector,
        on_page: Callable[[PageAnswer, int], None],
    ) -> None:
        self._workers = workers
        self._fetch = fetch
        self._collector = collector
        self._on_page = on_page
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._available = asyncio.Semaphore(0)
        self._bodies: asyncio.Queue[tuple[Page, str, asyncio.Future[PageAnswer]]] = asyncio.Queue(_QUEUED)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, group: asyncio.TaskGroup) -> None:
        """Start the workers within a task group, which ends when one of them breaks."""
        self._tasks = [group.create_task(self._work()) for _ in range(self._workers)]
        self._tasks.append(group.create_task(self._parse()))

    def stop(self) -> None:
        """End the workers; nothing may be waited for any more."""
        for task in self._tasks:
            task.cancel()

    def ask(self, part: Slice, page: int, *, key: str, size: float) -> asyncio.Future[PageAnswer]:
        """Queue a page.

        Args:
            part: The slice.
            page: Its page, from 0.
            key: The slice's name, noted in the rows.
            size: Products of the slice: larger ones go first, so that no long one is left for the end.
        """
        future: asyncio.Future[PageAnswer] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._jobs, (-size, next(self._numbers), part, page, key, future))
        self._available.release()
        return future

    async def _work(self) -> None:
        while True:
            await self._available.acquire()
            _, _, part, page, key, future = heapq.heappop(self._jobs)
            if future.done():  # no longer wanted
                continue
            try:
                answer = await self._fetch(part, page)
            except GondolaError as error:
                self._finish(future, error)
            else:
                await self._bodies.put((answer, key, future))
                del answer  # else the body outlives its turn

    async def _parse(self) -> None:
        while True:
            page, key, future = await self._bodies.get()
            await asyncio.sleep(0)  # let the requests that became possible go out first
            facts = self._collector.absorb(page, key)
            del page  # else the body outlives its turn
            self._finish(future, facts)
            if self._collector.is_full:
                self._collector.flush()

    def _finish(self, future: asyncio.Future[PageAnswer], answer: PageAnswer) -> None:
        if not future.done():
            future.set_result(answer)
        self._on_page(answer, len(self._jobs))
