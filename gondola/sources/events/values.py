"""Rules by which a value of a file becomes one of the contract: text, numbers, moments, whatever type it came in."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import LiteralString, NoReturn

from pydantic_core import PydanticCustomError

__all__ = ["BLANKS", "as_count", "as_day", "as_flag", "as_moment", "as_money", "as_text", "as_word", "refuse"]

BLANKS = " \t\n\v\f\r"  # what Arrow's ascii_trim_whitespace takes off
_LARGEST_EXACT = 2**53  # above it a float no longer tells whole numbers apart
_LONGEST_NUMBER = 40
_LONGEST_MOMENT = 40
_REFUSED: LiteralString = "refused"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
# A second is ten digits since 2001, a millisecond thirteen, a microsecond sixteen.
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?|\d{13}|\d{16}")
_WITH_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", re.ASCII)


def refuse(reason: LiteralString, **values: str) -> NoReturn:
    """Refuse a value.

    Args:
        reason: Words that follow the field's name, with places for the values in braces.
        **values: What stands in these places.
    """
    raise PydanticCustomError(_REFUSED, reason, values) from None


def as_text(value: object) -> str | None:
    """A text; whole numbers and booleans become one, blanks at its ends and empty texts go."""
    if value is None:
        return None
    if isinstance(value, dict | list | tuple | bytes):
        refuse("holds an object or a list, where one value is expected")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            refuse("is not a finite number")
        if not value.is_integer():
            return repr(value)
        if abs(value) >= _LARGEST_EXACT:
            refuse("is a number too large to be exact; send it as text")
        return str(int(value))
    text = str(value).strip(BLANKS)
    if "\0" in text:
        refuse("holds a NUL character")
    if not text.isascii():
        _check_unicode(text)
    return text or None


def as_word(value: object) -> str | None:
    """A text in lower case."""
    text = as_text(value)
    return text.lower() if text else None


def as_money(value: object) -> Decimal | None:
    """An exact amount; the noise of a binary float behind the sixth decimal goes."""
    text = as_text(repr(value) if isinstance(value, float) else value)
    if text is None:
        return None
    number = _number(text)
    rounded = round(number, 6) if abs(number) < _LARGEST_EXACT else number
    cents = round(rounded, 2) if abs(number) < _LARGEST_EXACT else number
    return cents if cents == rounded else rounded


def as_count(value: object) -> int | None:
    """A whole number."""
    text = as_text(repr(value) if isinstance(value, float) else value)
    if text is None:
        return None
    number = _number(text)
    if number != number.to_integral_value():
        refuse("is no whole number")
    if abs(number) >= _LARGEST_EXACT:
        refuse("is far too large")
    return int(number)


def as_flag(value: object) -> bool | None:
    """True or false."""
    word = as_word(value)
    if word is None:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    refuse("is neither true nor false")


def as_moment(value: object) -> datetime | None:
    """A moment in UTC: ISO 8601 with or without an offset, a text that ends in ` UTC`, or an epoch."""
    text = as_text(value)
    if text is None:
        return None
    try:
        if _EPOCH.fullmatch(text):
            scale = {13: 1_000, 16: 1_000_000}.get(len(text), 1)
            return datetime.fromtimestamp(float(Decimal(text) / scale), UTC)
        if len(text) <= _LONGEST_MOMENT and _WITH_TIME.fullmatch(text):
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    refuse("is no moment such as 2026-02-05T14:32:00Z")


def as_day(value: object) -> date | None:
    """A calendar day; the day of a moment as it is written."""
    text = as_text(value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        refuse("is no day such as 2026-02-05")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= _LONGEST_NUMBER and text.isascii() and "_" not in text else None
    except InvalidOperation:
        number = None
    if number is None:
        refuse("is no number such as 12.50")
    if not number.is_finite():
        refuse("is not a finite number")
    return number


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        broken = ord(text[error.start])
        if 0xDC80 <= broken <= 0xDCFF:  # a byte that the reader could not decode and carried along
            refuse("is not UTF-8 (byte {byte}); save the file as UTF-8", byte=f"0x{broken - 0xDC00:02X}")
        refuse("holds half of a Unicode pair")
