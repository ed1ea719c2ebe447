"""What goes into a crawl and what comes out of it.

The crawler knows neither Prefect nor the lake: rows, request outcomes and rejected rows go to a `Sink`
that the caller brings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

import pyarrow as pa

from gondola.errors import GondolaError
from gondola.sources.http.outcome import OnRequest, RequestOutcome
from gondola.sources.stores import Region, Store

__all__ = [
    "CrawlOptions",
    "CrawlResult",
    "CrawlTarget",
    "OnProgress",
    "OnRequest",
    "Progress",
    "RejectedRow",
    "RequestOutcome",
    "Sink",
    "SliceOutcome",
    "Status",
    "StorePlan",
]

Status = Literal["complete", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Something received that can't become a row."""

    source: str
    row_number: int | None
    """Position within the page, from 0."""
    field: str
    reason: str
    value: str
    """The raw JSON text, cut to 10,000 characters."""


@dataclass(frozen=True, slots=True)
class SliceOutcome:
    """What one slice of the catalogue declared and gave."""

    slice: str
    label: str
    declared: int | None
    received: int
    pages: int
    walks: int
    status: Status
    reason: str | None


class Sink(Protocol):
    """Where a crawl puts what it finds."""

    def write(self, table: pa.Table) -> None:
        """Keep rows of `BRONZE_SCHEMA`; called in the event loop, so only what is quick."""

    def request(self, outcome: RequestOutcome) -> None:
        """Note one attempt at one request; called in the event loop."""

    def reject(self, row: RejectedRow) -> None:
        """Note something that can't become a row; called in the event loop."""


@dataclass(frozen=True, slots=True)
class CrawlTarget:
    """One store as seen from one region, with everything resolved."""

    store: Store
    region: Region
    region_id: str | None = None
    seller_ids: tuple[str, ...] = ()
    sales_channel: int | None = None
    aliases: tuple[str, ...] = ()
    """Ids of regions that resolved to the same assortment and are not crawled again."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """The crawls a store needs."""

    targets: tuple[CrawlTarget, ...]
    not_served: tuple[Region, ...]
    """Regions whose postal code no seller of the store serves."""
    unresolved: tuple[tuple[Region, GondolaError], ...] = ()
    """Regions whose sellers could not be asked for, with the reason."""


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How persistent a crawl is."""

    attempts: int = 5
    """Times a request is sent before its slice counts as failed."""
    time_limit: timedelta | None = None
    """Time after which nothing more is asked for; what was received by then is kept, as partial."""
    longest_wait: timedelta = timedelta(minutes=2)
    """Longest pause a host may ask for; a longer one ends its requests."""
    short_page_retries: int = 2
    """Times a page with fewer products than declared is asked again."""
    rewalks: int = 2
    """Times a slice whose products don't add up is walked again, one page at a time."""
    breaker_failures: int = 3
    """Slices failing in a row after which the rest is left for the late pass."""
    late_pass_delay: timedelta = timedelta(seconds=30)
    """Rest before what failed is asked for once more."""
    flush_bytes: int = 4_000_000
    """Raw bytes after which rows leave memory."""
    flush_rows: int = 1_000
    """Rows after which they leave memory."""


@dataclass(slots=True)
class Progress:
    """Counters of a crawl under way."""

    pages: int = 0
    products: int = 0
    declared: int | None = None
    waiting: int = 0
    """Pages known of and not yet received."""
    requests: int = 0
    errors: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class CrawlResult:
    """How a crawl ended, and its books."""

    status: Status = "failed"
    declared: int | None = None
    """Products the store says it has."""
    received: int = 0
    """Unique products received."""
    written: int = 0
    """SKU rows handed to the sink."""
    rejected: int = 0
    slices: list[SliceOutcome] = field(default_factory=list)
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    bytes_received: int = 0
    seconds_waited: float = 0.0
    error: str | None = None

    def count(self, outcome: RequestOutcome) -> None:
        """Add one attempt to the books."""
        self.requests += 1
        self.retries += outcome.attempt > 1
        self.throttled += outcome.outcome == "throttled"
        self.bytes_received += outcome.bytes
        self.seconds_waited += outcome.waited_seconds
