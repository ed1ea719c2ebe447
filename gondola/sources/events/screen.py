"""Lets whole columns of events pass that are plainly good, at a tenth of what the models cost a row.

Sound, not complete: a row that passes here would pass `contract.judge` with the same values. Other rows are left to it.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from gondola.sources.events.contract import (
    ABOUT_A_PRODUCT,
    EVENT_TYPES,
    LONGEST_ID,
    LONGEST_TEXT,
    LONGEST_URL,
    ONE_BY_DEFAULT,
)
from gondola.sources.events.schema import MONEY, TEXTS

__all__ = ["screen"]

_LONGEST = {"search_query": LONGEST_TEXT, "page_url": LONGEST_URL, "referrer": LONGEST_URL}
_MOMENT = (
    r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
    r"(?P<zone> UTC|Z|[+-](0\d|1[0-4]):[0-5]\d)?$"
)
_UTC = pa.timestamp("us", tz="UTC")
_BLANKS = (b" ", b"\t", b"\n", b"\v", b"\f", b"\r")
_SUSPECT = (b"@", b"%40", b"\0")  # an e-mail address, or what no text may hold


def screen(table: pa.Table, earliest: datetime, latest: datetime) -> tuple[pa.Table, pa.BooleanArray]:
    """Type the columns of events that came as text, and say which rows are good for certain.

    Args:
        table: Text columns under the contract's names.
        earliest: No event lies before it.
        latest: Or behind it.

    Returns:
        The contract's columns in their types, of as many rows; and the rows that are good. Others mean nothing.
    """
    rows = table.num_rows
    sure = pa.repeat(pa.scalar(True), rows)
    found: dict[str, pa.Array] = {}
    for name in TEXTS:
        column = _column(table, name)
        if column is not None:
            sure = _and(sure, _fits(column, _LONGEST.get(name, LONGEST_ID)))
            found[name] = column
    kind = _or_nulls(found.get("event_type"), rows)
    sure = _and(sure, pc.is_in(kind, pa.array(EVENT_TYPES)))
    sure = _and(sure, pc.is_valid(_or_nulls(found.get("user_id"), rows)))
    about_product = pc.is_in(kind, pa.array(ABOUT_A_PRODUCT))
    sure = _and(sure, pc.or_(pc.invert(about_product), pc.is_valid(_or_nulls(found.get("product_id"), rows))))
    searched = pc.is_valid(_or_nulls(found.get("search_query"), rows))
    sure = _and(sure, pc.or_(pc.invert(pc.equal(kind, "search").fill_null(False)), searched))
    found["event_time"], known = _moments(_or_nulls(_column(table, "event_time"), rows))
    within = pc.and_(pc.greater_equal(found["event_time"], earliest), pc.less_equal(found["event_time"], latest))
    sure = _and(_and(sure, known), within.fill_null(False))
    found["price"], known = _matching(_column(table, "price"), r"^\d{1,9}(\.\d{1,2})?$", MONEY, rows)
    sure = _and(sure, known)
    quantity, known = _matching(_column(table, "quantity"), r"^[1-9]\d{0,5}$", pa.int32(), rows)
    sure = _and(sure, known)
    by_default = pc.and_(pc.is_null(quantity), pc.is_in(kind, pa.array(ONE_BY_DEFAULT)))
    found["quantity"] = pc.if_else(by_default, pa.scalar(1, pa.int32()), quantity)
    flags = _column(table, "is_bot")
    flags = None if flags is None else pc.ascii_lower(flags)
    found["is_bot"], known = _matching(flags, "^(true|false)$", pa.bool_(), rows)
    return pa.table(found), _and(sure, known)


def _column(table: pa.Table, name: str) -> pa.Array | None:
    """A column without blanks at its values' ends, and with null for empty ones."""
    if name not in table.column_names:
        return None
    column = table[name].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
    if isinstance(column, pa.ChunkedArray):
        return pa.array([], pa.string())
    text = _bytes(column)
    if any(blank in text for blank in _BLANKS):
        column = pc.ascii_trim_whitespace(column)
    shortest = pc.min(pc.binary_length(column)).as_py()
    if shortest == 0:
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    return column


def _fits(column: pa.Array, longest: int) -> pa.BooleanArray | None:
    """Where a text is short enough (in bytes, which are no fewer than characters) and nothing in it is suspect."""
    fits: pa.BooleanArray | None = None
    if (pc.max(pc.binary_length(column)).as_py() or 0) > longest:
        fits = pc.less_equal(pc.binary_length(column), longest).fill_null(True)
    text = _bytes(column)
    for mark in _SUSPECT:
        if mark in text:
            clean = pc.invert(pc.match_substring(column, mark.decode())).fill_null(True)
            fits = clean if fits is None else pc.and_(fits, clean)
    return fits


def _bytes(column: pa.Array) -> bytes:
    """What all values of a text column hold, and perhaps its neighbours' of a longer array."""
    buffer = column.buffers()[2]
    return b"" if buffer is None else buffer.to_pybytes()


def _moments(column: pa.Array) -> tuple[pa.Array, pa.BooleanArray]:
    """Moments of texts, and which of them are plain; the others are null."""
    plain = pc.match_substring_regex(column, _MOMENT).fill_null(False)
    texts = pc.if_else(plain, column, pa.scalar(None, pa.string()))
    if b" UTC" in _bytes(column):
        texts = pc.replace_substring(texts, " UTC", "Z")
    zoned = pc.match_substring_regex(texts, r"(Z|[+-]\d{2}:\d{2})$")
    if not (pc.all(zoned).as_py() or False):
        texts = pc.if_else(zoned, texts, pc.binary_join_element_wise(texts, "Z", ""))
    try:
        return texts.cast(_UTC), plain
    except pa.ArrowInvalid:  # a 30th of February among them
        moments = pa.array([_one(text) for text in texts.to_pylist()], _UTC)
        return moments, pc.and_(plain, pc.is_valid(moments))


def _one(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _matching(
    column: pa.Array | None, pattern: str, kind: pa.DataType, rows: int
) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Values of texts that match a pattern, and which rows are known: those, and those without a value."""
    if column is None:
        return pa.nulls(rows, kind), None
    matches = pc.match_substring_regex(column, pattern)
    values = pc.if_else(matches, column, pa.scalar(None, pa.string()))
    return values.cast(kind), matches.fill_null(True)


def _or_nulls(column: pa.Array | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string()) if column is None else column


def _and(sure: pa.BooleanArray, more: pa.BooleanArray | None) -> pa.BooleanArray:
    return sure if more is None else pc.and_(sure, more)
