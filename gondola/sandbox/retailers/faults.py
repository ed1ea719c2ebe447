"""What goes wrong with the retailers' APIs: at a rate, or because a plan says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gondola.sandbox.chance import draw, unit

__all__ = ["RetailerFault", "RetailerFaults"]

RetailerFault = Literal["429", "500", "cut", "short"]
_KINDS: tuple[RetailerFault, ...] = ("429", "500", "cut", "short")


@dataclass(frozen=True, slots=True)
class RetailerFaults:
    """How unwell the APIs are. A fault at a rate depends on the request and how often it was made."""

    rate: float = 0.0
    """The share of requests that go wrong: refused for load, an error, a body cut, a page that lacks rows."""
    seed: int = 1
    retry_after: int = 1
    """Seconds that a refusal for load asks to wait."""
    outages: Sequence[str] = ()
    """Retailers that answer 503 to everything."""
    broken_after: Mapping[str, int] = field(default_factory=dict)
    """Retailer -> pages after which its answers are errors for good."""
    repeated_pages: Sequence[str] = ()
    """Retailers that give their second page twice."""
    token_uses: int | None = None
    """Requests after which a token has expired."""

    def pick(self, retailer: str, request: str, asked: Counter[str]) -> RetailerFault | None:
        """The fault that meets a request, if one does.

        Args:
            retailer: Who is asked.
            request: Path and query.
            asked: How often each request was made; counts this one.
        """
        if not self.rate:
            return None
        key = f"{retailer} {request}"
        asked[key] += 1
        luck = unit(draw(self.seed, key, asked[key]))
        return _KINDS[draw(self.seed, key, asked[key], "kind") % len(_KINDS)] if luck < self.rate else None
