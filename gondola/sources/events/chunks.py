"""What a reader hands on: a bounded number of records, as columns where all went well, else one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from gondola.sources.events.contract import Rejected

__all__ = ["ROWS", "Chunk", "FileColumns", "columns_as_text", "records_as_text"]

ROWS = 32_768
_NUMBERS = {"price", "quantity"}
UNSURE = "\0"  # in a text, it sends its row to the models
_MICROSECONDS_UTC = pa.timestamp("us", tz="UTC")


class FileColumns(Protocol):
    """What a reader of files has to know of a contract: which of a file's columns are its own, and by what name."""

    @property
    def subject(self) -> str:
        """What the files are called."""

    def knows(self, name: str) -> bool:
        """Whether a name is one of the contract's; nothing is remembered."""

    def target(self, name: str) -> str | None:
        """The contract's name of a column; None for one that is left out."""

    def targets(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The names under which a file has each of the contract's columns."""

    def pick(self, record: Mapping[str, object]) -> dict[str, object]:
        """A record under the contract's names."""

    def require(self, names: Iterable[str], *, where: str) -> None:
        """Refuse a file that lacks a column without which no row can be good."""

    def look_into(self, name: str, value: object) -> None:
        """Look at the parts of a nested column."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that follow one another in a file.

    `table` has them as text columns under the contract's names, the first being number `first_row`. Where records
    could not be read as columns, there is no table, and `records` has each with its number.
    """

    first_row: int
    count: int
    table: pa.Table | None = None
    records: tuple[tuple[int, Mapping[str, object]], ...] = ()
    rejected: tuple[Rejected, ...] = ()


def columns_as_text(table: pa.Table, columns: FileColumns) -> pa.Table | None:
    """The contract's columns of a table, as text; None where a value would not survive that."""
    for field in table.schema:
        if pa.types.is_nested(field.type):
            columns.look_into(field.name, field.type)
    found: dict[str, pa.ChunkedArray] = {}
    for target, names in columns.targets(table.column_names).items():
        texts = [_as_text(table[name], is_number=target in _NUMBERS) for name in names]
        if any(text is None for text in texts):
            return None
        found[target] = texts[0] if len(texts) == 1 else pc.coalesce(*(_empty_as_null(text) for text in texts))
    return pa.table(found) if found else None


def records_as_text(records: Sequence[Mapping[str, object]], names: Iterable[str]) -> pa.Table:
    """Records as text columns; what is no plain value becomes a text that no rule lets pass unseen."""
    columns = {}
    for name in names:
        values = [record.get(name) for record in records]
        try:
            columns[name] = pa.array(values, pa.string())
        except (pa.ArrowException, UnicodeEncodeError):
            columns[name] = pa.array([_plain(value, is_number=name in _NUMBERS) for value in values], pa.string())
    return pa.table(columns)


def _plain(value: object, *, is_number: bool) -> str | None:
    if isinstance(value, str):
        return (
            value
            if value.isascii()
            else value.encode(errors="replace").decode() + (UNSURE if _is_broken(value) else "")
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (is_number and isinstance(value, float)):
        return repr(value)
    return None if value is None else UNSURE


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _as_text(column: pa.ChunkedArray, *, is_number: bool) -> pa.ChunkedArray | None:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type), is_number=is_number)
    if pa.types.is_nested(kind):
        return None
    if pa.types.is_timestamp(kind):
        column = column.cast(_MICROSECONDS_UTC if kind.tz else pa.timestamp("us"), safe=False)
    try:
        if pa.types.is_floating(kind) and not is_number:
            # An id that came as a float is a whole number, made so by a tool that knows no missing integers.
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column).cast(pa.int64())
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _empty_as_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
