"""CSV files, a block at a time: by Arrow where a block is clean, by Python's own reader where a row of it is not."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as pc

from gondola.errors import DataContractError
from gondola.sources.events.chunks import Chunk, FileColumns, columns_as_text
from gondola.sources.events.contract import Rejected
from gondola.sources.events.streams import MAX_RECORD_BYTES, Stream

__all__ = ["read_csv"]

_DELIMITERS = ",;\t|"
_LONGEST_SHOWN = 10_000
csv.field_size_limit(MAX_RECORD_BYTES * 4)


def read_csv(stream: Stream, columns: FileColumns) -> Iterator[Chunk]:
    """The records of a CSV file with a header; the delimiter is found out.

    Args:
        stream: The file's bytes.
        columns: Meets the header's names.

    Raises:
        DataContractError: The header is missing, or lacks a column that rows need.
    """
    line = next(line for line in stream.head().splitlines() if line.strip())
    reader = _Rows(*_read_header(line.decode(errors="replace"), columns), columns)
    row, skipped = 1, False
    for block in _whole_records(stream.blocks()):
        text = block
        if not skipped:
            skipped = True
            text = block.lstrip(b"\r\n").partition(b"\n")[2]
        chunk = reader.read(text, row)
        if chunk.count:
            yield chunk
        row += chunk.count


def _read_header(line: str, columns: FileColumns) -> tuple[list[str], str]:
    """The names of a header, and its delimiter: the one that makes most known names of it.

    Raises:
        DataContractError: It is no header of the contract's.
    """
    cut = {mark: next(csv.reader([line], delimiter=mark)) for mark in _DELIMITERS}
    mark = max(cut, key=lambda mark: (sum(map(columns.knows, cut[mark])), len(cut[mark])))
    names = cut[mark]
    if not any(map(columns.knows, names)):
        message = (
            f"the first line names no column of {columns.subject} files; a CSV file begins with a header, its names "
            "divided by a comma, semicolon, tab or |"
        )
        raise DataContractError(message)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        message = f"the header has the column {twice[0]} twice; which one counts can't be known"
        raise DataContractError(message)
    columns.require(names, where="header")
    return names, mark


def _whole_records(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks that end with a line that is not within quotes."""
    rest = b""
    for block in blocks:
        text = rest + block
        end = _last_end(text)
        if end == 0 and len(text) > 2 * MAX_RECORD_BYTES:  # a quote is not closed: line ends decide
            end = text.rfind(b"\n") + 1 or len(text)
        if end:
            yield text[:end]
        rest = text[end:]
    if rest.strip():
        yield rest


def _last_end(text: bytes) -> int:
    """Behind the last line end before which quotes are even; 0 where there is none."""
    position = text.rfind(b"\n")
    quotes = text.count(b'"', 0, position + 1)
    while position >= 0 and quotes % 2:
        opening = text.rfind(b'"', 0, position)
        position = text.rfind(b"\n", 0, opening)
        quotes = text.count(b'"', 0, position + 1)
    return position + 1


class _Rows:
    """Reads blocks of one file, whose columns are known."""

    def __init__(self, names: list[str], delimiter: str, columns: FileColumns) -> None:
        self._names = names
        self._delimiter = delimiter
        self._columns = columns
        wanted = [name for name in names if columns.target(name) is not None]
        self._convert = pc.ConvertOptions(column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted)

    def read(self, block: bytes, first_row: int) -> Chunk:
        table = self._as_table(block)
        if table is not None:
            return Chunk(first_row, table.num_rows, table)
        return self._one_by_one(block, first_row)

    def _as_table(self, block: bytes) -> pa.Table | None:
        odd: list[object] = []

        def note(row: object) -> str:
            odd.append(row)
            return "error"

        try:
            table = pc.read_csv(
                pa.BufferReader(block),
                pc.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=self._names),
                pc.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=note),
                self._convert,
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        if odd or (b'"' in block and table.num_rows != block.rstrip().count(b"\n") + 1):
            return None  # a row of several lines may be one whose quote was never meant
        return columns_as_text(table, self._columns)

    def _one_by_one(self, block: bytes, first_row: int) -> Chunk:
        kept: list[tuple[int, dict[str, object]]] = []
        rejected: list[Rejected] = []
        number = first_row
        for text in self._records(block):
            fields = self._fields(text)
            if isinstance(fields, str):
                rejected.append(Rejected(number, "(record)", fields, text[:_LONGEST_SHOWN].decode(errors="replace")))
            else:
                kept.append((number, self._columns.pick(dict(zip(self._names, fields, strict=True)))))
            number += 1
        return Chunk(first_row, number - first_row, None, tuple(kept), tuple(rejected))

    def _records(self, block: bytes) -> Iterator[bytes]:
        """Each record's bytes; where one that spans lines has not the header's fields, each of its lines."""
        lines: list[bytes] = []
        is_open = False
        for line in block.split(b"\n"):
            if not lines and not line.strip(b"\r"):
                continue
            lines.append(line)
            is_open ^= bool(line.count(b'"') % 2)
            if not is_open:
                yield from self._mended(lines)
                lines = []
        yield from self._mended(lines, is_open=True)

    def _mended(self, lines: list[bytes], *, is_open: bool = False) -> Iterator[bytes]:
        text = b"\n".join(lines)
        if len(lines) > 1 and (is_open or self._has_rows_within(lines) or isinstance(self._fields(text), str)):
            yield from (line for line in lines if line.strip())
        elif lines:
            yield text

    def _has_rows_within(self, lines: list[bytes]) -> bool:
        """Whether the lines between the first and the last look like rows, which two stray quotes have swallowed."""
        mark, within = self._delimiter.encode(), lines[1:-1]
        return (
            len(self._names) > 2 and bool(within) and all(line.count(mark) == len(self._names) - 1 for line in within)
        )

    def _fields(self, text: bytes) -> list[str] | str:
        """A record's values, or what is wrong with it."""
        if text.count(b'"') % 2:
            return "a quote is opened and not closed"
        try:
            rows = list(
                csv.reader(
                    io.StringIO(text.decode(errors="surrogateescape").removesuffix("\r"), newline=""),
                    delimiter=self._delimiter,
                )
            )
        except csv.Error as error:
            return f"the row is no CSV ({error})"
        if len(rows) != 1 or len(rows[0]) != len(self._names):
            got = len(rows[0]) if len(rows) == 1 else f"{len(rows)} rows of"
            return f"the row has {got} fields, the header {len(self._names)}"
        return rows[0]
