"""How far a crawl is, told to whoever listens: the terminal's live display, the Prefect UI, a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["RegionProgress", "listen", "report"]


@dataclass(frozen=True, slots=True)
class RegionProgress:
    """Where one store-region stands."""

    supermarket: str
    region: str
    state: str  # waiting, crawling, then the run's status
    products: int = 0
    declared: int | None = None
    pages: int = 0
    requests: int = 0
    errors: int = 0


_listeners: list[Callable[[RegionProgress], None]] = []


def report(progress: RegionProgress) -> None:
    """Tell every listener."""
    for listener in _listeners:
        listener(progress)


@contextmanager
def listen(listener: Callable[[RegionProgress], None]) -> Iterator[None]:
    """Call `listener` on each report while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
