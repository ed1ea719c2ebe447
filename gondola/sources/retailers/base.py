"""How any retailer is asked for a day, page by page, and how what it said is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from gondola import clock
from gondola.errors import GondolaError, is_transient
from gondola.sources.http import Ask, Fetcher, OnRequest, RetryPolicy, Site
from gondola.sources.retailers.config import RetailerConfig
from gondola.sources.retailers.record import BadSaleError, RejectedSale, SalesRecord

__all__ = ["DayFetch", "Page", "PageContent", "Retailer", "fetch_day", "read_pages"]

_MOST_PAGES = 100_000
_KEPT_HEADERS = ("Content-Type", "Link", "X-Row-Count")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, as it came."""

    path: str
    received_at: datetime
    headers: Mapping[str, str]  # those that say how to read it
    body: bytes


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page says."""

    rows: Sequence[Any]  # in the retailer's own words
    next_path: str | None
    declared: int | None = None  # rows of the whole day, where it says so


@dataclass(slots=True)
class DayFetch:
    """A day of a retailer, as far as it came."""

    retailer: str
    day: date
    started_at: datetime
    status: str = "failed"  # complete, partial or failed
    error: str | None = None
    may_pass: bool = False  # whether asking again later is sensible
    finished_at: datetime | None = None
    pages: list[Page] = field(default_factory=list)


class Retailer(ABC):
    """One retailer's API: its authentication, its pages, its words."""

    secret_names: ClassVar[tuple[str, ...]]
    """What the retailers file must name variables for."""

    def __init__(self, config: RetailerConfig, secrets: Mapping[str, str]) -> None:
        """Nothing is asked yet.

        Args:
            config: The retailer, as the retailers file has it.
            secrets: Its secrets by what they are for; see `secret_names`.
        """
        self.config = config
        self.zone = ZoneInfo(config.time_zone)
        self._secrets = dict(secrets)

    @abstractmethod
    def first_path(self, day: date) -> str:
        """Path and query of a day's first page."""

    @abstractmethod
    def content(self, page: Page) -> PageContent:
        """What a page says.

        Raises:
            ValueError: It is damaged: no document, or fewer rows than it says.
        """

    @abstractmethod
    def records(self, row: Any) -> Iterator[Callable[[], SalesRecord]]:
        """The lines of a row, each as something that makes the record or raises `BadSaleError`."""

    @abstractmethod
    async def headers(self, fetcher: Fetcher, site: Site, path: str, on_request: OnRequest | None) -> Any:
        """What a request for a path needs to be let in, as `Ask.headers` takes it."""

    async def renewed(self) -> bool:
        """Whether something that had expired was thrown away, so that asking again may help."""
        return False

    def redact(self, text: object) -> str:
        """The text without any secret of this retailer."""
        result = str(text)
        for secret in sorted(filter(None, self._secrets.values()), key=len, reverse=True):
            result = result.replace(secret, "***")
        return result

    def span(self, day: date) -> tuple[datetime, datetime]:
        """A business day's first moment and that of the next, in UTC."""
        first = datetime.combine(day, time(), self.zone)
        return first.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def business_date(self, sold_at: datetime) -> date:
        """The day on which something was sold, where the retailer is."""
        return sold_at.astimezone(self.zone).date()

    def record(self, *, sold_at: datetime, **values: Any) -> SalesRecord:
        """A record of this retailer; its currency and its own business date are filled in.

        Raises:
            BadSaleError: The moment lies outside the calendar, or the numbers don't agree.
        """
        try:
            moment, day = sold_at.astimezone(UTC), self.business_date(sold_at)
        except OverflowError:
            raise BadSaleError(field="sold_at", reason="is no moment of our calendar") from None
        return SalesRecord.checked(
            retailer=self.config.id, currency=self.config.currency, sold_at=moment, business_date=day, **values
        )

    async def page(
        self, fetcher: Fetcher, site: Site, path: str, *, attempts: int, on_request: OnRequest | None
    ) -> tuple[Page, PageContent]:
        """Ask for one page until it is whole.

        Raises:
            GondolaError: It does not come.
        """

        def read(body: bytes, headers: Mapping[str, str]) -> tuple[Page, PageContent]:
            kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
            page = Page(path, clock.now(), kept, body)
            return page, self.content(page)

        ask = Ask(
            path,
            read,
            headers=await self.headers(fetcher, site, path, on_request),
            label=self.config.id,
            policy=RetryPolicy(attempts=attempts),
        )
        return await fetcher.get(site, ask, on_request=on_request)


async def fetch_day(
    fetcher: Fetcher, retailer: Retailer, day: date, *, attempts: int, on_request: OnRequest | None = None
) -> DayFetch:
    """All pages of a retailer's day; what came before an error is kept, and the error told, not raised.

    Args:
        fetcher: The HTTP client.
        retailer: Whom to ask.
        day: The business day, where the retailer is.
        attempts: Times a page is asked for.
        on_request: Is told the outcome of every attempt.
    """
    fetch = DayFetch(retailer.config.id, day, clock.now())
    try:
        site = await fetcher.site(retailer.config)
        path: str | None = retailer.first_path(day)
        seen: set[str] = set()
        while path is not None:
            if path in seen or len(seen) >= _MOST_PAGES:
                message = f"{site.base_url}{path}: its pages go round in a circle"
                raise ValueError(message)  # noqa: TRY301
            seen.add(path)
            try:
                page, content = await retailer.page(fetcher, site, path, attempts=attempts, on_request=on_request)
            except GondolaError:
                if not await retailer.renewed():
                    raise
                page, content = await retailer.page(fetcher, site, path, attempts=attempts, on_request=on_request)
            fetch.pages.append(page)
            path = content.next_path
    except (GondolaError, ValueError) as error:
        fetch.error = retailer.redact(error)
        fetch.may_pass = is_transient(error)
        fetch.status = "partial" if fetch.pages else "failed"
    else:
        fetch.status = "complete"
        if clock.now() < retailer.span(day)[1]:
            fetch.status, fetch.error = "partial", f"{day} is not over where {retailer.config.id} is"
    fetch.finished_at = clock.now()
    return fetch


def read_pages(
    retailer: Retailer, pages: Sequence[Page], now: datetime
) -> tuple[list[SalesRecord], list[RejectedSale]]:
    """The lines that pages hold, each once though pages repeat it; the last word on a line counts.

    Args:
        retailer: Whose pages they are.
        pages: In the order they came.
        now: The present; what was sold after it was not sold.

    Returns:
        Records in the order they came, and what was refused.
    """
    records: dict[tuple[str, int], SalesRecord] = {}
    rejected: dict[tuple[str, str, str], RejectedSale] = {}
    latest = now + timedelta(hours=1)  # clocks of tills are not ours
    for page in pages:
        for number, row in enumerate(retailer.content(page).rows, start=1):
            for make in retailer.records(row):
                made = _made(make, latest)
                if isinstance(made, SalesRecord):
                    records[made.transaction_id, made.line_number] = made
                else:
                    refused = RejectedSale(page.path, number, made.field, made.reason, str(row))
                    rejected[refused.field, refused.reason, refused.value] = refused
    return list(records.values()), list(rejected.values())


def _made(make: Callable[[], SalesRecord], latest: datetime) -> SalesRecord | BadSaleError:
    try:
        record = make()
    except BadSaleError as error:
        return error
    except (AttributeError, KeyError, TypeError) as error:  # a shape nobody has seen
        return BadSaleError(field="row", reason=f"has another shape ({type(error).__name__}: {error})")
    if record.sold_at > latest:
        return BadSaleError(field="sold_at", reason=f"{record.sold_at.isoformat()} is yet to come")
    return record
