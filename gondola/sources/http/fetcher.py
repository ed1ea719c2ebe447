"""The one HTTP client: limits, retries, robots.txt and the books of every request."""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Generic, Literal, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from isal import isal_zlib
from yarl import URL

from gondola.errors import RobotsDisallowedError, SourceResponseError, SourceUnavailableError
from gondola.sources.http.governor import Governor
from gondola.sources.http.outcome import OnRequest, RequestOutcome
from gondola.sources.http.robots import ROBOTS_PATH, RobotsRules

__all__ = ["Ask", "Fetcher", "Host", "HttpStatusError", "RetryPolicy", "Site"]

T = TypeVar("T")
_Outcome = Literal["ok", "retried", "failed", "throttled"]

_GOOD = frozenset({200, 206})  # VTEX answers 206 to a page that is not the last
_THROTTLED = frozenset({429, 503})
_SERVER_ERROR = 500
_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 30.0


class Host(Protocol):
    """Whom we ask, and how hard it may be pressed: a store, a retailer's API."""

    @property
    def base_url(self) -> str:
        """Root address, without a slash at its end."""

    @property
    def concurrency(self) -> int:
        """Requests that may be in flight."""

    @property
    def requests_per_second(self) -> float:
        """Requests a second."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How much one request is worth."""

    attempts: int = 5
    longest_wait: timedelta = timedelta(minutes=2)
    """Longest rest the host may ask for."""
    slows_host: bool = True
    """Whether being throttled slows all requests to the host. Endpoints with a tight budget of their own
    (the category tree) are given up at once instead: the search keeps answering while they refuse."""


class HttpStatusError(SourceResponseError):
    """An answer whose status repeats: 3xx or 4xx."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the status beside the message."""
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Site:
    """A host as we may use it."""

    base_url: str
    governor: Governor
    rules: RobotsRules | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def check(self, path: str) -> None:
        """Refuse what robots.txt refuses.

        Raises:
            RobotsDisallowedError: The path is disallowed.
        """
        if self.rules is not None and not self.rules.allows(path):
            message = f"robots.txt of {self.base_url} disallows {path.partition('?')[0]} to our user agent"
            raise RobotsDisallowedError(message)


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One thing to ask a host for."""

    path: str
    """Path and query, encoded."""
    read: Callable[[bytes, Mapping[str, str]], T]
    """Makes the value of body and headers; a ValueError or a decoding error counts as a damaged body."""
    headers: Mapping[str, str] | Callable[[], Mapping[str, str]] = field(default_factory=dict)
    """A function is asked for each attempt, as a signature with a time of its own must be."""
    label: str = ""
    """The slice it is for, as noted in the outcomes."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    follow: bool = False
    """Follow redirects; a page of a catalogue never redirects rightly."""
    form: Mapping[str, str] | None = None
    """Fields to send by POST, in place of a GET."""

    @property
    def method(self) -> str:
        """The method of the request."""
        return "GET" if self.form is None else "POST"


@dataclass(slots=True)
class _Answer:
    """What came of one attempt."""

    requested_at: datetime
    sent_at: float
    waited: float
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wire_bytes: int = 0
    seconds: float = 0.0
    error: str | None = None


class _TryAgainError(Exception):
    """This attempt may be repeated."""

    def __init__(self, reason: str, *, throttled: bool = False, rested: bool = False) -> None:
        super().__init__(reason)
        self.throttled = throttled
        self.rested = rested


class Fetcher:
    """HTTP for all stores and regions of a process; use as an async context manager, once per event loop.

    Args:
        user_agent: How we introduce ourselves.
        timeout: Longest wait for one whole answer.
        max_connections: Requests in flight over all hosts.
        obey_robots: Read robots.txt of each host and keep to it.
        clock: Monotonic seconds.
        sleep: Waits so many seconds.
        random: Uniform numbers in [0, 1).
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: timedelta,
        max_connections: int,
        obey_robots: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self.sleep = sleep
        self._user_agent = user_agent
        self._timeout = timeout
        self._max_connections = max_connections
        self._obey_robots = obey_robots
        self.clock = clock
        self._random = random
        self._sites: dict[str, Site] = {}
        self._session: aiohttp.ClientSession | None = None
        self._connections = asyncio.Semaphore(max_connections)

    async def __aenter__(self) -> Self:
        """Open the connections.

        Raises:
            RuntimeError: It is open already.
        """
        if self._session is not None:
            message = "this Fetcher is open already; make one per event loop"
            raise RuntimeError(message)
        aiohttp.set_zlib_backend(isal_zlib)  # a third of the CPU of the standard library's
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),  # the segment cookie is the region: it must never leak over
            timeout=aiohttp.ClientTimeout(total=self._timeout.total_seconds()),
            headers={"User-Agent": self._user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"},
            read_bufsize=2**18,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def site(self, store: Host, *, on_request: OnRequest | None = None) -> Site:
        """The store's host, with its robots.txt read once.

        Raises:
            SourceUnavailableError: robots.txt could not be read, so nothing may be asked.
        """
        host = urlsplit(store.base_url).netloc
        site = self._sites.get(host)
        if site is None:
            governor = Governor(
                host,
                concurrency=store.concurrency,
                rate=store.requests_per_second,
                clock=self.clock,
                sleep=self.sleep,
            )
            site = self._sites[host] = Site(store.base_url, governor)
        site.governor.restrict(concurrency=store.concurrency, rate=store.requests_per_second)
        if self._obey_robots:
            async with site.lock:
                if site.rules is None:
                    site.rules = await self._read_robots(site, on_request)
                    if site.rules.crawl_delay:
                        site.governor.restrict(rate=1 / site.rules.crawl_delay)
        return site

    async def get(self, site: Site, ask: Ask[T], *, on_request: OnRequest | None = None) -> T:
        """Ask until it is answered or not worth asking again.

        Args:
            site: The host.
            ask: What to ask for.
            on_request: Is told the outcome of every attempt.

        Raises:
            RobotsDisallowedError: robots.txt disallows the path.
            SourceUnavailableError: No good answer in all attempts, or the host wants too long a rest.
            SourceResponseError: An answer that would repeat.
        """
        site.check(ask.path)
        again: _TryAgainError | None = None
        for attempt in range(1, ask.policy.attempts + 1):
            began = self.clock()
            if again is not None and not again.rested:
                await self.sleep(self._backoff(attempt - 1))
            answer = await self._send(site, ask, began)
            try:
                value = self._judge(site, ask, answer, attempt)
            except _TryAgainError as error:
                again = error
                last = attempt == ask.policy.attempts
                outcome: _Outcome = "throttled" if error.throttled else "failed" if last else "retried"
                self._note(on_request, ask, answer, attempt, outcome=outcome, error=str(error))
            except SourceResponseError as error:
                self._note(on_request, ask, answer, attempt, outcome="failed", error=str(error))
                raise
            else:
                site.governor.succeeded()
                self._note(on_request, ask, answer, attempt, outcome="ok", error=None)
                return value
        message = f"{site.base_url}{ask.path}: {again} (attempt {ask.policy.attempts} of {ask.policy.attempts})"
        raise SourceUnavailableError(message)

    async def _send(self, site: Site, ask: Ask[T], began: float) -> _Answer:
        """One attempt. The host's permission comes first, so who waits for it holds no connection."""
        if self._session is None:
            message = "open the Fetcher with `async with` first"
            raise RuntimeError(message)
        await site.governor.enter(ask.policy.longest_wait.total_seconds())
        try:
            async with self._connections:
                sent_at = self.clock()
                answer = _Answer(datetime.now(UTC), sent_at, sent_at - began)
                url = URL(site.base_url + ask.path, encoded=True)
                try:
                    async with self._session.request(
                        ask.method,
                        url,
                        headers=ask.headers() if callable(ask.headers) else ask.headers,
                        data=ask.form,
                        allow_redirects=ask.follow,
                    ) as response:
                        answer.status, answer.headers = response.status, response.headers
                        try:
                            answer.body = await response.read()
                        finally:
                            answer.wire_bytes = response.content.total_raw_bytes
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    answer.error = f"{type(error).__name__}: {error}".rstrip(": ")
                answer.seconds = self.clock() - sent_at
                return answer
        finally:
            site.governor.leave()

    def _judge(self, site: Site, ask: Ask[T], answer: _Answer, attempt: int) -> T:
        """The value of an answer.

        Raises:
            _TryAgainError: It may be better next time.
            HttpStatusError: It would repeat.
        """
        if answer.error is not None:
            raise _TryAgainError(answer.error)
        status = answer.status or 0
        if status in _GOOD:
            try:
                return ask.read(answer.body, answer.headers)
            except (ValueError, msgspec.MsgspecError) as error:
                raise _TryAgainError(f"HTTP {status} with a damaged body: {error}") from error
        if status in _THROTTLED:
            raise _TryAgainError(f"HTTP {status}", throttled=True, rested=self._slow_down(site, ask, answer, attempt))
        if status >= _SERVER_ERROR:
            raise _TryAgainError(f"HTTP {status}")
        detail = answer.body[:200].decode(errors="replace").strip() or answer.headers.get("Location", "")
        raise HttpStatusError(f"{site.base_url}{ask.path}: HTTP {status} {detail}".rstrip(), status)

    def _slow_down(self, site: Site, ask: Ask[T], answer: _Answer, attempt: int) -> bool:
        """Press the host less; whether it now rests, so that who asks again need not wait on its own."""
        if not ask.policy.slows_host:
            return False
        asked_for = _retry_after(answer.headers)
        rest = 0.0
        if asked_for is not None:
            rest = asked_for * (1 + self._random() / 10)
        elif answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            rest = self._backoff(attempt)
        # A bare 503 may be the trouble of one slice alone: it slows the host's other requests but does not stop them.
        site.governor.throttled(sent_at=answer.sent_at, rest=rest)
        return rest > 0

    def _backoff(self, failures: int) -> float:
        """Seconds to wait after so many failures: doubling, with half of it left to chance."""
        longest: float = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0**failures)
        return longest * (0.5 + self._random() / 2)

    @staticmethod
    def _note(
        on_request: OnRequest | None,
        ask: Ask[T],
        answer: _Answer,
        attempt: int,
        *,
        outcome: _Outcome,
        error: str | None,
    ) -> None:
        if on_request is not None:
            on_request(
                RequestOutcome(
                    requested_at=answer.requested_at,
                    method=ask.method,
                    url=ask.path,
                    slice=ask.label,
                    attempt=attempt,
                    status=answer.status,
                    bytes=answer.wire_bytes,
                    seconds=answer.seconds,
                    waited_seconds=answer.waited,
                    outcome=outcome,
                    error=error,
                )
            )

    async def _read_robots(self, site: Site, on_request: OnRequest | None) -> RobotsRules:
        ask = Ask(ROBOTS_PATH, lambda body, _: body.decode(errors="replace"), follow=True, policy=_ROBOTS_POLICY)
        try:
            text = await self.get(site, ask, on_request=on_request)
        except HttpStatusError:
            text = ""  # RFC 9309: a file that does not exist, or is kept from us, forbids nothing
        except SourceUnavailableError as error:
            message = f"robots.txt of {site.base_url} could not be read, so nothing is asked: {error}"
            raise SourceUnavailableError(message) from error
        return RobotsRules(text, base_url=site.base_url, user_agent=self._user_agent)


_ROBOTS_POLICY = RetryPolicy(attempts=3)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, which holds a number or a date; None when absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
