"""What is told of each request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["OnRequest", "RequestOutcome"]


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """One attempt at one request."""

    requested_at: datetime
    method: str
    url: str
    """Path and query; never a cookie."""
    slice: str
    attempt: int
    status: int | None
    """None when no answer came."""
    bytes: int
    """Body bytes on the wire, compressed as they came."""
    seconds: float
    waited_seconds: float
    """Time spent waiting for the host's permission before sending."""
    outcome: Literal["ok", "retried", "failed", "throttled"]
    error: str | None


OnRequest = Callable[[RequestOutcome], None]
