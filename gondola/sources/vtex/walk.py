"""Walking one slice: page by page to the declared total, and again when the products don't add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil, inf

from gondola.errors import CircuitOpenError, GondolaError
from gondola.sources.vtex.breaker import BREAKER_IS_OPEN, Breaker
from gondola.sources.vtex.collector import PageFacts
from gondola.sources.vtex.contract import CrawlOptions, SliceOutcome, Status
from gondola.sources.vtex.families import PAGE_SIZE, Family, Slice
from gondola.sources.vtex.idset import IdSet
from gondola.sources.vtex.pages import PageAnswer, PagePool

__all__ = ["SliceRecord", "Walker"]

_FAILED_PAGES = 3  # after so many a slice is left alone until the late pass


@dataclass(slots=True, eq=False)
class SliceRecord:
    """What is known of one slice."""

    part: Slice
    key: str
    declared: int | None = None
    """The latest total the store gave."""
    most_declared: int = 0
    ids: IdSet = field(default_factory=IdSet)
    brands: set[tuple[str, str]] = field(default_factory=set)
    pages: int = 0
    walks: int = 0
    status: Status | None = None
    reason: str | None = None
    error: GondolaError | None = None
    """What ended it early; asking again later may help, other than when products merely don't add up."""

    @property
    def missing(self) -> int:
        """Declared products that were not received; 0 when nothing was declared."""
        return max(0, (self.declared or 0) - len(self.ids))

    def take(self, facts: PageFacts) -> None:
        """Add a page."""
        self.pages += 1
        self.declared = facts.total
        self.most_declared = max(self.most_declared, facts.total)
        self.ids.update(facts.ids)
        self.brands |= facts.brands

    def end(self, status: Status, reason: str | None = None) -> None:
        """Note how it went."""
        self.status = status
        self.reason = reason

    def fail(self, error: GondolaError) -> None:
        """Note an error: failed when nothing was received, else partial."""
        self.error = error
        self.end("partial" if len(self.ids) else "failed", str(error))

    def retry(self) -> None:
        """Forget how it went; what was received stays."""
        self.status = self.reason = self.error = None

    def judge(self) -> None:
        """Complete when all declared products were received, in whatever way."""
        if self.declared is not None and not self.missing:
            self.end("complete")
        else:
            self.end("partial", self.reason or f"{self.missing} of {self.declared} declared products were not given")

    def outcome(self) -> SliceOutcome:
        """The record as reported."""
        return SliceOutcome(
            slice=self.key,
            label=self.part.label,
            declared=self.declared,
            received=len(self.ids),
            pages=self.pages,
            walks=self.walks,
            status=self.status or "failed",
            reason=self.reason,
        )


class Walker:
    """Walks slices through the page pool, and feeds the breaker."""

    def __init__(self, *, family: Family, pool: PagePool, breaker: Breaker, options: CrawlOptions, batch: int) -> None:
        self.window = family.window
        self.sorts = family.sorts
        self.breaker = breaker
        self._family = family
        self._pool = pool
        self._options = options
        self._batch = batch

    def record(self, part: Slice) -> SliceRecord:
        """A fresh record for a slice."""
        return SliceRecord(part, self._family.key(part))

    async def open(self, record: SliceRecord) -> PageFacts | None:
        """Ask for the first page, whose total decides how to go on and whose products are kept.

        Returns:
            The page, or None after noting the failure.
        """
        if self.breaker.is_open:
            record.fail(CircuitOpenError(BREAKER_IS_OPEN))
            return None
        answer = await self._pool.ask(record.part, 0, key=record.key, size=inf)
        if isinstance(answer, GondolaError):
            self.breaker.failed()
            record.fail(answer)
            return None
        self.breaker.succeeded()
        record.take(answer)
        return answer

    async def walk(self, record: SliceRecord, first: PageFacts) -> None:
        """Get all of a slice that fits the window.

        Pages in flight together are trusted only if their products add up to the total. If they don't (a
        page was short, or the catalogue moved under us), the slice is walked again, one page after the
        other: first in the same order, then by name.
        """
        verified = await self._pass(record, record.part, first)
        for turn in range(self._options.rewalks):
            if verified or record.reason is not None:
                break
            part = record.part if turn == 0 or record.part.sort else record.part.sorted_by(self.sorts[0])
            verified = await self._sequential_pass(record, part)
        if verified:
            record.end("complete")
        elif record.reason is None:
            record.judge()
            if record.status == "complete":
                record.end("partial", "the total kept changing while it was walked")

    async def reach(self, record: SliceRecord, first: PageFacts, is_enough: Callable[[], bool]) -> None:
        """Get what the window shows of a slice that may be larger, until it is enough."""
        record.walks += 1
        last = min(ceil(first.total / PAGE_SIZE), self.window // PAGE_SIZE)
        for start in range(1, last, self._batch):
            if is_enough():
                break
            await self._ask(record, record.part, range(start, min(start + self._batch, last)))
            if record.reason is not None:
                return
        record.end("complete")

    async def _pass(self, record: SliceRecord, part: Slice, first: PageFacts) -> bool:
        """All pages together; tell whether the products add up."""
        record.walks += 1
        pages = range(1, self._pages(first.total))
        answers = {0: first} | await self._ask(record, part, pages)
        seen = IdSet()
        totals = {facts.total for facts in answers.values()}
        for _ in range(self._options.short_page_retries):
            short = [page for page, facts in answers.items() if len(facts.ids) < _expected(page, facts.total)]
            if not short or record.reason is not None:
                break
            for page, facts in (await self._ask(record, part, short)).items():
                seen.update(answers[page].ids)
                totals.add(facts.total)
                answers[page] = facts
        for facts in answers.values():
            seen.update(facts.ids)
        return record.reason is None and self._adds_up(record, seen, totals)

    async def _sequential_pass(self, record: SliceRecord, part: Slice) -> bool:
        """One page after the other, as far as the latest total says."""
        record.walks += 1
        seen = IdSet()
        totals: set[int] = set()
        page = 0
        while page == 0 or page < self._pages(record.declared or 0):
            for _ in range(1 + self._options.short_page_retries):
                facts = (await self._ask(record, part, [page])).get(page)
                if facts is None:
                    return False
                seen.update(facts.ids)
                totals.add(facts.total)
                if len(facts.ids) >= _expected(page, facts.total):
                    break
            page += 1
        return self._adds_up(record, seen, totals)

    @staticmethod
    def _adds_up(record: SliceRecord, seen: IdSet, totals: set[int]) -> bool:
        """One walk under one total gave them all, or all walks together reach the highest total."""
        steady = len(totals) == 1 and len(seen) >= max(totals)
        return steady or len(record.ids) >= record.most_declared

    def _pages(self, total: int) -> int:
        return ceil(min(total, self.window) / PAGE_SIZE)

    async def _ask(self, record: SliceRecord, part: Slice, pages: Iterable[int]) -> dict[int, PageFacts]:
        """Several pages at once; an error is noted in the record, and many end the slice."""
        size = float(record.declared or 0)
        asked = {page: self._pool.ask(part, page, key=record.key, size=size) for page in pages}
        answers: dict[int, PageFacts] = {}
        errors: list[GondolaError] = []
        for page, future in asked.items():
            if len(errors) >= _FAILED_PAGES:
                future.cancel()
                continue
            answer: PageAnswer = await future
            if isinstance(answer, GondolaError):
                errors.append(answer)
            else:
                record.take(answer)
                answers[page] = answer
        if errors:
            self.breaker.failed()
            record.fail(errors[0])
        return answers


def _expected(page: int, total: int) -> int:
    return max(0, min(PAGE_SIZE, total - page * PAGE_SIZE))
