"""What time it is: the one place that asks the clock, so that a test can put it forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["BUSINESS_ZONE", "next_start", "now", "put_forward", "today"]

BUSINESS_ZONE = ZoneInfo("America/Sao_Paulo")

_ahead = timedelta()
_last_start: dict[tuple[str, ...], datetime] = {}


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC) + _ahead


def today() -> date:
    """The business date: today where the stores are."""
    return now().astimezone(BUSINESS_ZONE).date()


def next_start(*scope: str) -> datetime:
    """A start no other run of this scope has in this process: run ids tell runs apart by the second.

    Args:
        *scope: What the run covers, such as supermarket and region.
    """
    start = now().replace(microsecond=0)
    if scope in _last_start:
        start = max(start, _last_start[scope] + timedelta(seconds=1))
    _last_start[scope] = start
    return start


@contextmanager
def put_forward(by: timedelta) -> Iterator[None]:
    """Let this process live in the future until the block ends; for rehearsals and tests.

    Args:
        by: How far, counted from the real present.
    """
    global _ahead  # noqa: PLW0603 - there is one clock
    before, _ahead = _ahead, by
    try:
        yield
    finally:
        _ahead = before
