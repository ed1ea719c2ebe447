"""What a rule says, and what rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from gondola.alerts.policy import Severity
from storage.credentials import redact

__all__ = ["Bench", "Finding", "Verdict", "exact", "grouped", "leading", "place_of", "short"]

_LONGEST_REASON = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    subject: str  # what it is about; rule and subject together name an alert
    severity: Severity
    since: datetime  # when it became wrong
    what: str
    todo: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says."""

    findings: tuple[Finding, ...] = ()
    well: frozenset[str] = frozenset()  # subjects it found nothing wrong with
    watched: frozenset[str] | None = None  # every subject there is; None when that can't be told
    skipped: str | None = None  # why it could not look at all


@dataclass(slots=True)
class Bench:
    """Collects what one rule says."""

    rule: str
    severity: Severity
    todo: str
    findings: list[Finding] = field(default_factory=list)
    well: set[str] = field(default_factory=set)

    def wrong(self, subject: str, since: datetime, what: str, *, link: str | None = None) -> None:
        """Keep a finding."""
        self.findings.append(
            Finding(
                rule=self.rule,
                subject=subject,
                severity=self.severity,
                since=since,
                what=what,
                todo=self.todo,
                link=link,
            )
        )

    def verdict(self, watched: Iterable[str] | None, *, skipped: str | None = None) -> Verdict:
        """All that was kept; a subject with a finding is not well."""
        found = {finding.subject for finding in self.findings}
        every = None if watched is None else frozenset(watched) | found
        return Verdict(tuple(self.findings), frozenset(self.well - found), every, skipped)


def place_of(scope: str) -> str:
    """A scope as people write it: `bistek/lages` of `supermarket=bistek/region=lages`."""
    return "/".join(part.rpartition("=")[2] for part in scope.split("/"))


def grouped(items: Iterable[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    """Items by a key, in their order."""
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def leading(items: list[Any], holds: Callable[[Any], bool]) -> list[Any]:
    """The first items, up to the one for which it no longer holds."""
    for index, item in enumerate(items):
        if not holds(item):
            return items[:index]
    return items


def exact(share: float) -> Fraction:
    """A share as it is written: 0.8 is four fifths, and exactly four fifths is not below it."""
    return Fraction(str(share))


def short(text: str | None) -> str:
    """A reason in one line, not too long, without the secrets that an error of somebody else may show."""
    line = " ".join(redact(text or "").split())
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"
