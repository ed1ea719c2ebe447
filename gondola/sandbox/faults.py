"""What goes wrong: at a rate, reproducibly, or because a script says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gondola.sandbox.chance import draw, unit

__all__ = ["FaultKind", "Faults", "RateLimiter"]

FaultKind = Literal["429", "429_retry_after", "503", "short", "cut", "slow"]
_KINDS: tuple[tuple[FaultKind, float], ...] = (
    ("429", 0.15),
    ("429_retry_after", 0.15),
    ("503", 0.25),
    ("short", 0.20),
    ("cut", 0.15),
    ("slow", 0.10),
)


@dataclass(frozen=True, slots=True)
class Faults:
    """How unwell the stores are.

    A fault at a rate depends on the request and on how often it was made, not on the order in which requests of a
    concurrent crawl happen to arrive; so the same crawl meets the same faults, and a retry has its own luck.
    """

    rate: float = 0.0
    """The share of requests that go wrong."""
    seed: int = 1
    retry_after: int = 1
    """Seconds that a limited answer asks to wait, when it says."""
    slow_seconds: float = 0.2
    latency: float = 0.0
    """Seconds before every answer. Some is needed for concurrency to be seen at all."""
    requests_per_second: float | None = None
    """Requests a second that a store bears; it answers 429 to those above."""
    dead_categories: Mapping[str, str] = field(default_factory=dict)
    """Store -> a category (path of ids `/1/17/`, or of names `/Mercearia/Arroz/`) that answers 503 for good."""
    outages: Sequence[str] = ()
    """Stores that answer 503 to everything."""
    refused_trees: Sequence[str] = ()
    """Stores that answer 429, and no Retry-After, to the category tree, the brand list and the facets."""
    drifts: Sequence[str] = ()
    """Stores in which one product comes in between the first two pages of a slice, once."""
    changed_schemas: Sequence[str] = ()
    """Stores whose answers have fields nobody has seen, lack some that nobody needs, and write prices as text."""
    disallow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Store -> paths its robots.txt forbids to everyone."""

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            message = f"a fault rate is a share from 0 to 1; got {self.rate}"
            raise ValueError(message)

    def pick(self, store: str, request: str, asked: Counter[str]) -> FaultKind | None:
        """The fault that meets a request, if one does.

        Args:
            store: The store asked.
            request: The request: path, query and what else changes its answer.
            asked: How often each request was made of this store; counts this one.
        """
        if not self.rate:
            return None
        asked[request] += 1
        luck = unit(draw(self.seed, store, request, asked[request]))
        if luck >= self.rate:
            return None
        share = luck / self.rate
        for kind, weight in _KINDS:
            share -= weight
            if share < 0:
                return kind
        return "slow"


class RateLimiter:
    """A bucket that holds a second's worth of requests.

    Args:
        per_second: Requests it lets through.
    """

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._left = max(1.0, per_second)
        self._seen: float | None = None

    def allows(self, now: float) -> bool:
        """Whether a request made now is within the rate."""
        if self._seen is not None:
            self._left = min(max(1.0, self._rate), self._left + (now - self._seen) * self._rate)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
