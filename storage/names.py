"""The words keys are made of: segments, days, and the stamps that name runs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from gondola.errors import LakeKeyError

__all__ = [
    "DAY",
    "check_run_id",
    "check_segment",
    "day_folder",
    "day_of",
    "format_stamp",
    "make_run_id",
    "parse_stamp",
    "run_start",
]

# What a segment may hold. Nothing in it has a meaning in a path, a URL, a glob pattern or SQL.
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,199}")
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
DAY = r"year=(?P<year>\d{4})/month=(?P<month>\d\d)/day=(?P<day>\d\d)"


def format_stamp(moment: datetime) -> str:
    """A moment as the layout writes it, in UTC and whole seconds: `20260205T143200Z`.

    Raises:
        LakeKeyError: The moment has no zone, or a year before 1000.
    """
    if moment.tzinfo is None:
        message = f"{moment!r} has no zone; the layout's stamps are moments"
        raise LakeKeyError(message)
    text = moment.astimezone(UTC).strftime(_STAMP_FORMAT)
    if _STAMP.fullmatch(text) is None:
        message = f"{moment!r} is too early for a stamp"
        raise LakeKeyError(message)
    return text


def parse_stamp(text: str) -> datetime:
    """The moment of a stamp.

    Raises:
        LakeKeyError: It is no stamp.
    """
    try:
        if _STAMP.fullmatch(text):
            return datetime.strptime(text, _STAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        pass
    message = f"{text!r} is no stamp such as 20260205T143200Z"
    raise LakeKeyError(message)


def make_run_id(*scope: str, started_at: datetime) -> str:
    """The name of a run, unique over all systems: `bistek-default-20260205T143200Z`.

    Args:
        *scope: What the run covers, such as supermarket and region, or a system; without `-`.
        started_at: Its start.
    """
    for part in scope:
        check_segment("part of a run's name", part)
        if "-" in part:
            message = f"{part!r} can't be part of a run's name, as '-' divides its parts"
            raise LakeKeyError(message)
    return "-".join([*scope, format_stamp(started_at)])


def check_segment(what: str, value: str) -> None:
    """Refuse a value that can't be one segment of a key.

    Args:
        what: What the value is, for the message.
        value: The value.

    Raises:
        LakeKeyError: It is empty, too long, or holds another character.
    """
    if _SEGMENT.fullmatch(value) is None:
        message = f"{value!r} can't be a {what}: use ASCII letters, digits, '_', '-', '.' and '~', up to 200 of them"
        raise LakeKeyError(message)


def check_run_id(run_id: str) -> None:
    """Refuse what can't be the name of a run.

    Raises:
        LakeKeyError: It is no segment, or has no stamp at its end.
    """
    check_segment("run's name", run_id)
    run_start(run_id)


def run_start(run_id: str) -> datetime:
    """The moment a run began, which its name says."""
    return parse_stamp(run_id.rpartition("-")[2])


def day_folder(day: date) -> str:
    """A day as folders: `year=2026/month=02/day=05`."""
    return f"year={day.year:04}/month={day.month:02}/day={day.day:02}"


def day_of(groups: dict[str, str]) -> date:
    """The day of a match of `DAY`.

    Raises:
        LakeKeyError: There is no such day.
    """
    try:
        return date(int(groups["year"]), int(groups["month"]), int(groups["day"]))
    except ValueError as error:
        message = f"{groups['year']}-{groups['month']}-{groups['day']} is no date"
        raise LakeKeyError(message) from error
