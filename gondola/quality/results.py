"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

__all__ = ["MOST_EXAMPLES", "CheckResult", "Severity", "refusals"]

MOST_EXAMPLES = 10

Severity = Literal["error", "warn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of one subject."""

    name: str
    subject: str  # such as supermarket=bistek/region=default
    passed: bool
    severity: Severity  # a failed error stops a publish, a failed warning is only said
    expected: str
    actual: str
    day: date | None = None  # the business date that was judged
    examples: tuple[dict[str, Any], ...] = ()  # rows that show it, MOST_EXAMPLES at most

    @property
    def refuses(self) -> bool:
        """Whether it stops a publish."""
        return not self.passed and self.severity == "error"

    def __str__(self) -> str:
        on = f" on {self.day}" if self.day else ""
        return f"{self.name} {self.subject}{on}: {self.actual}, expected {self.expected}"


def refusals(results: Iterable[CheckResult]) -> list[CheckResult]:
    """The results that stop a publish."""
    return [result for result in results if result.refuses]
