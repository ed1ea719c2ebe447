"""What an answer says besides its rows: the version, the day, how much of that day was seen, and where it goes on."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from gondola.errors import ConfigurationError
from gondola.serving.reads.copies import DataVersion, Snapshot

__all__ = ["Answer", "Coverage", "CursorError", "Page", "paged"]


class CursorError(ConfigurationError):
    """A cursor is not one of ours, or belongs to another question."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one day was seen, over the store-regions a question is about."""

    day: date | None  # None when nothing was ever crawled
    shelves: int  # store-regions that were known by then
    complete: tuple[str, ...]  # their names, as in serra/default
    partial: tuple[str, ...]
    missing: tuple[str, ...]  # no run that could be used
    received_products: int
    declared_products: int | None  # of the shelves that were seen; None when one of them declares nothing

    @property
    def share(self) -> Decimal | None:
        """Received of declared products, over the shelves that were seen; None when that is not known."""
        if not self.declared_products:
            return None
        return (Decimal(self.received_products) / self.declared_products).quantize(Decimal("0.0001"))

    @property
    def status(self) -> str:
        """`complete`, `partial`, or `missing` when nothing was seen."""
        if not self.complete and not self.partial:
            return "missing"
        return "partial" if self.partial or self.missing else "complete"


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a long answer is wanted."""

    limit: int = 50
    cursor: str | None = None

    def start(self, snapshot: Snapshot, question: dict[str, Any]) -> int:
        """The first row of the page.

        Raises:
            CursorError: The cursor is broken, or belongs to another question or version.
        """
        if self.cursor is None:
            return 0
        version, offset, digest = _read(self.cursor)
        if digest != _digest(question):
            message = "the cursor belongs to another question; begin again without it"
            raise CursorError(message)
        if version != snapshot.version.name:
            message = f"the cursor belongs to version {version}, the answer to {snapshot.version.name}"
            raise CursorError(message)
        return offset

    @property
    def version(self) -> str | None:
        """The version the pages before came from, which the snapshot has to be of; None on the first page.

        Raises:
            CursorError: The cursor is broken.
        """
        return None if self.cursor is None else _read(self.cursor)[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what one must know to read them."""

    rows: pa.Table
    version: DataVersion
    coverage: Coverage | None = None
    next_cursor: str | None = None
    notes: tuple[str, ...] = ()  # what a reader should know, in English; each begins with a word for programs

    @property
    def as_of(self) -> date | None:
        """The day the rows speak of."""
        return self.coverage.day if self.coverage else None


def paged(
    snapshot: Snapshot,
    sql: str,
    page: Page | None,
    question: dict[str, Any],
    *,
    coverage: Coverage | None = None,
    notes: tuple[str, ...] = (),
) -> Answer:
    """Answer a statement, a page at a time or whole.

    A version never changes, so a count of rows is a place in it: every row is on one page, whatever is published
    between two of them.

    Args:
        snapshot: The version.
        sql: A statement whose order has no ties.
        page: The part that is wanted; all by default.
        question: The statement's parameters, by which a cursor knows its question.
        coverage: What is known of the day.
        notes: What else a reader should know.
    """
    if page is None:
        return Answer(snapshot.table(sql, **question), snapshot.version, coverage, notes=notes)
    start = page.start(snapshot, {"sql": sql} | question)
    bounds = {"page_rows": page.limit + 1, "page_start": start}
    found = snapshot.table(f"{sql}\nlimit $page_rows::bigint offset $page_start::bigint", **question, **bounds)
    cursor = None
    if found.num_rows > page.limit:
        place = [snapshot.version.name, start + page.limit, _digest({"sql": sql} | question)]
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    return Answer(found.slice(0, page.limit), snapshot.version, coverage, cursor, notes)


def _read(cursor: str) -> tuple[str, int, str]:
    try:
        version, offset, digest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        message = "the cursor is broken; begin again without it"
        raise CursorError(message) from error
    if not (isinstance(version, str) and isinstance(digest, str) and type(offset) is int and 0 <= offset < 2**62):
        message = "the cursor is broken; begin again without it"
        raise CursorError(message)
    return version, offset, digest


def _digest(question: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()[:16]
