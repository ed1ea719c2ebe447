"""What is checked of each file of events, for the quality records."""

from __future__ import annotations

from collections.abc import Iterator

from gondola.sources.events import EventFile, format_of_name
from storage.records import QualityRecord
from tasks.event_report import FileReport

__all__ = ["file_checks", "ignored_file", "unread_file"]

_ADD = "to keep it as a column, add a field to gondola/sources/events/contract.py and to the models' source"


def file_checks(
    reader: EventFile, report: FileReport, before: frozenset[str], bad_share: float
) -> Iterator[QualityRecord]:
    """What there is to say about a file that was read.

    Args:
        reader: The file, all of whose batches were taken.
        report: What became of it.
        before: The columns of the newest file of its kind that an earlier run loaded.
        bad_share: Largest share of refused rows.
    """
    name = report.name
    share = report.rejected / report.rows if report.rows else 0.0
    yield QualityRecord(
        check_name="validity",
        subject=name,
        passed=share <= bad_share,
        expected=f"at most {bad_share:.1%} of rows refused",
        actual=f"{share:.2%}: {report.rejected} of {report.rows}",
        severity="error",
    )
    if report.error:
        yield _warning("file_whole", name, "a file read to its end", report.error)
    promised = format_of_name(name)
    if reader.format != promised:
        yield _warning("file_format", name, f"{promised}, as its name says", f"{reader.format}; it was read as that")
    for column in sorted(reader.columns.new):
        kept = "in the raw file" if report.raw_key else "nowhere, as the file holds personal data"
        actual = f"unknown column; its values are kept {kept}; {_ADD}"
        yield _warning("new_column", f"{name}: {column}", "a column of the contract", actual)
    for column in sorted(before - reader.columns.seen):
        yield _warning("missing_column", f"{name}: {column}", "a column that was there before", "no such column")
    for column, (category, action) in sorted(reader.personal_columns().items()):
        yield _warning("personal_data", f"{name}: {column}", "no personal data", f"{category}: {action}")
    if reader.has_emails:
        yield _warning("personal_data", name, "no personal data", "e-mail addresses in values: masked or hashed")


def unread_file(name: str, reason: str) -> QualityRecord:
    """A file of which nothing could be used."""
    return QualityRecord(
        check_name="file_read",
        subject=name,
        passed=False,
        expected="a file that can be read",
        actual=reason,
        severity="error",
    )


def ignored_file(name: str) -> QualityRecord:
    """A file whose name ends in no known format."""
    return _warning("file_name", name, ".jsonl, .ndjson, .json, .csv or .parquet, perhaps with .gz", "ignored")


def _warning(check: str, subject: str, expected: str, actual: str) -> QualityRecord:
    return QualityRecord(
        check_name=check, subject=subject, passed=False, expected=expected, actual=actual, severity="warn"
    )
