"""JSON lines and JSON arrays, a block at a time.

A block is read as columns by Arrow, which is three times as fast as building Python objects; a block in which anything
is unusual is read again record by record, so that each bad record is found and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa
import pyarrow.json as pj

from gondola.sources.events.chunks import ROWS, Chunk, columns_as_text
from gondola.sources.events.columns import Columns
from gondola.sources.events.contract import Rejected
from gondola.sources.events.json_array import array_blocks
from gondola.sources.events.streams import MAX_RECORD_BYTES, Stream

__all__ = ["read_json"]

_TRIES = 12  # at types of columns, before a block is read record by record
_CHANGED = re.compile(r"Column\(/([^/)]+)\) changed from (\w+) to (\w+)")
_NOT_NUMBERS = re.compile(rb"\b(NaN|Infinity)\b")
_BLANKS = b" \t\r\n"
_any = msgspec.json.Decoder()
_TYPES = {"string": pa.string(), "number": pa.int64(), "boolean": pa.bool_()}


def read_json(stream: Stream, columns: Columns, *, is_array: bool) -> Iterator[Chunk]:
    """The records of a file of JSON lines, or of one JSON array.

    Args:
        stream: The file's bytes.
        columns: Meets the names of the records' fields.
        is_array: Whether the file is one array.
    """
    reader = _Blocks(columns)
    blocks = array_blocks(stream) if is_array else _line_blocks(stream.blocks())
    row = 1
    for records in blocks:
        for start in range(0, len(records), ROWS):
            part = records[start : start + ROWS]
            yield reader.read(part, row)
            row += len(part)


def _line_blocks(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Whole lines, without blank ones."""
    rest = b""
    for block in blocks:
        head, newline, tail = block.rpartition(b"\n")
        if newline:
            yield [line for line in (rest + head).split(b"\n") if line.strip(_BLANKS)]
            rest = tail
        elif len(rest) <= MAX_RECORD_BYTES:
            rest += tail
    if rest.strip(_BLANKS):
        yield [rest]


class _Blocks:
    """Reads blocks of one file, learning the types of its columns on the way."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._types: dict[str, pa.DataType] = {}

    def read(self, records: Sequence[bytes], first_row: int) -> Chunk:
        table = self._as_table(records)
        if table is not None:
            return Chunk(first_row, len(records), table)
        kept: list[tuple[int, dict[str, object]]] = []
        rejected: list[Rejected] = []
        for number, line in enumerate(records, first_row):
            found = _decode(line)
            if isinstance(found, str):
                rejected.append(Rejected(number, "(record)", found, line[:MAX_RECORD_BYTES].decode(errors="replace")))
            else:
                kept.append((number, self._columns.pick(found)))
        return Chunk(first_row, len(records), None, tuple(kept), tuple(rejected))

    def _as_table(self, records: Sequence[bytes]) -> pa.Table | None:
        block = b"\n".join(records)
        if not block.isascii() and not _is_utf8(block):  # of which Arrow's reader takes no notice
            return None
        read = pj.ReadOptions(use_threads=False, block_size=len(block) + 1)
        for _ in range(_TRIES):
            # Unknown columns are looked at too: that they are there is news.
            parse = pj.ParseOptions(
                explicit_schema=pa.schema(self._types), unexpected_field_behavior="infer", newlines_in_values=True
            )
            try:
                table = pj.read_json(pa.BufferReader(block), read, parse)
            except pa.ArrowInvalid as error:
                if not self._learn(str(error)):
                    return None
                continue
            # Arrow takes texts for moments, and the noise it loses then may be what is wrong with them.
            moments = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
            if any(self._columns.target(name) for name in moments):
                self._types |= dict.fromkeys(moments, pa.string())
            elif table.num_rows != len(records):  # two records in one line, or one in two
                return None
            else:
                return columns_as_text(table, self._columns)
        return None

    def _learn(self, message: str) -> bool:
        """Take a column's other type from Arrow's complaint; False where that does not help."""
        if (match := _CHANGED.search(message)) is None:
            return False
        name, before, after = match.groups()
        if name in self._types and before != "null":
            return False
        self._types[name] = _TYPES.get(after, pa.string())
        return True


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(line: bytes) -> dict[str, object] | str:
    """A record, or what is wrong with it."""
    if len(line) > MAX_RECORD_BYTES:
        return f"the record is longer than {MAX_RECORD_BYTES >> 20} MB"
    try:
        line.decode()
        found = _any.decode(line)
    except UnicodeDecodeError as error:
        return f"the record is not UTF-8 (byte 0x{line[error.start]:02X}); save the file as UTF-8"
    except msgspec.MsgspecError as error:
        if match := _NOT_NUMBERS.search(line):
            return f"the record is no JSON: {match[0].decode()} is no number of JSON; write null"
        if b"\0" in line:
            return "the record holds NUL bytes"
        reason = str(error).removeprefix("JSON is malformed: ")
        return f"the record is no JSON ({reason}); each must be one whole object"
    if not isinstance(found, dict):
        return f"the record is a {type(found).__name__}, not an object"
    return found
