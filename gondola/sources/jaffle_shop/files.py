"""CSV files to typed Arrow tables: good rows go on, each other row comes with its reason."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from gondola.errors import DataContractError

__all__ = ["TABLES", "RejectedRow", "TableFile", "read_file"]

_TEXT, _NUMBER, _DAY = pa.string(), pa.int64(), pa.date32()
# What each file must have. Columns beyond these land with the type their values show.
TABLES = MappingProxyType(
    {
        "raw_customers": {"id": _NUMBER, "first_name": _TEXT, "last_name": _TEXT},
        "raw_orders": {"id": _NUMBER, "user_id": _NUMBER, "order_date": _DAY, "status": _TEXT},
        "raw_payments": {"id": _NUMBER, "order_id": _NUMBER, "payment_method": _TEXT, "amount": _NUMBER},
    }
)
_KEY = "id"
_KINDS = {_NUMBER: "whole number", _DAY: "day as YYYY-MM-DD", _TEXT: "text"}
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that can't be loaded."""

    row_number: int
    """From 1, the header not counted."""
    field: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file, read."""

    name: str
    table: pa.Table
    rejected: tuple[RejectedRow, ...]

    @property
    def rows(self) -> int:
        """Rows of the file, good and bad."""
        return int(self.table.num_rows) + len(self.rejected)


def read_file(name: str, data: bytes, *, source: str) -> TableFile:
    """Read one CSV file.

    Args:
        name: One of `TABLES`.
        data: The file's bytes, UTF-8, possibly packed by gzip.
        source: Where the bytes come from, for messages.

    Returns:
        The typed rows, one for each `id` (the last one counts), and the rows that were refused.

    Raises:
        DataContractError: The file as a whole can't be read, or lacks a column.
    """
    rejected: list[RejectedRow] = []
    texts = _read_texts(name, _unpacked(data, source), source, rejected)
    # Refused lines are not in the table; the others are numbered as they stand in the file.
    gaps = {row.row_number for row in rejected}
    numbers = pa.array([n for n in range(1, texts.num_rows + len(gaps) + 1) if n not in gaps], pa.int64())
    keep = [True] * texts.num_rows
    columns: dict[str, pa.ChunkedArray] = {}
    for column in texts.column_names:
        wanted = TABLES[name].get(column)
        values = texts[column]
        if wanted is not None:
            values = _typed(column, values, wanted, numbers=numbers, keep=keep, rejected=rejected)
        columns[column] = values
    _refuse_doubles(columns[_KEY], numbers, keep, rejected)
    table = pa.table(columns).filter(pa.array(keep, pa.bool_())).combine_chunks()
    return TableFile(name, table, tuple(sorted(rejected, key=lambda row: row.row_number)))


def _unpacked(data: bytes, source: str) -> bytes:
    if data.startswith(_GZIP_MAGIC):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            message = f"{source}: the gzip file is cut or broken ({error}); fetch it again"
            raise DataContractError(message) from error
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{source}, line {line}: not UTF-8 (byte 0x{data[error.start]:02x}); save the file as UTF-8"
        raise DataContractError(message) from error
    return data.removeprefix(_BOM) + b"\n"  # the reader wants a line end even of a header alone


def _read_texts(name: str, data: bytes, source: str, rejected: list[RejectedRow]) -> pa.Table:
    """The file with the columns of the contract as text."""
    header = data.split(b"\n", 1)[0].decode().strip()
    names = [column.strip().strip('"') for column in header.split(",")]
    missing = [column for column in TABLES[name] if column not in names]
    if missing or not header:
        found = f"its first line is {header[:200]!r}" if header else "it is empty"
        lacks = f"{source}: column {', '.join(missing)} is missing ({found})"
        message = f"{lacks}; the file must be comma-separated with a header"
        raise DataContractError(message)
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        message = f"{source}: column {', '.join(twice)} is there twice; rename one"
        raise DataContractError(message)

    def refuse(row: pc_csv.InvalidRow) -> str:
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        # The reader counts the header as the first row.
        rejected.append(RejectedRow(row.number - 1, "*", reason, row.text))
        return "skip"

    try:
        return pc_csv.read_csv(
            io.BytesIO(data),
            # Row numbers are known to a reader of one thread only.
            read_options=pc_csv.ReadOptions(use_threads=False),
            parse_options=pc_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=pc_csv.ConvertOptions(
                column_types=dict.fromkeys(TABLES[name], _TEXT), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        message = f"{source}: not a CSV file that can be read ({error})"
        raise DataContractError(message) from error


def _typed(
    column: str,
    values: pa.ChunkedArray,
    wanted: pa.DataType,
    *,
    numbers: pa.Array,
    keep: list[bool],
    rejected: list[RejectedRow],
) -> pa.ChunkedArray:
    """A column in the type of the contract; rows whose value has no such type, or no value, are refused."""
    required = wanted != _TEXT or column == "status"
    trimmed = values if wanted == _TEXT else pc.utf8_trim_whitespace(values)
    try:
        typed = trimmed.cast(wanted)
    except pa.ArrowInvalid:
        typed = pa.chunked_array([[_cast(value.as_py(), wanted) for value in trimmed]], wanted)
    if required and typed.null_count:
        for i in pc.indices_nonzero(pc.is_null(typed)).to_pylist():
            if keep[i]:
                text = values[i].as_py()
                reason = (
                    "no value" if text is None else f"not a {'day as YYYY-MM-DD' if wanted == _DAY else 'whole number'}"
                )
                rejected.append(RejectedRow(numbers[i].as_py(), column, reason, text or ""))
                keep[i] = False
    return typed


def _cast(text: str | None, wanted: pa.DataType) -> object:
    try:
        return pa.scalar(text, _TEXT).cast(wanted).as_py()
    except pa.ArrowInvalid:
        return None


def _refuse_doubles(keys: pa.ChunkedArray, numbers: pa.Array, keep: list[bool], rejected: list[RejectedRow]) -> None:
    last: dict[int, int] = {}
    for i, key in enumerate(keys.to_pylist()):
        if not keep[i]:
            continue
        if key in last:
            before = last[key]
            keep[before] = False
            reason = f"id {key} comes again in row {numbers[i].as_py()}, which counts"
            rejected.append(RejectedRow(numbers[before].as_py(), _KEY, reason, str(key)))
        last[key] = i
