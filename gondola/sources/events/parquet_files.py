"""Parquet files, some thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gondola.errors import DataContractError
from gondola.sources.events.chunks import ROWS, Chunk, columns_as_text
from gondola.sources.events.columns import Columns
from gondola.sources.events.pii import has_email
from gondola.sources.events.streams import Stream

__all__ = ["read_parquet"]

_BUFFER_BYTES = 1 << 20


def read_parquet(file: IO[bytes], stream: Stream, columns: Columns) -> Iterator[Chunk]:
    """The records of a Parquet file.

    Args:
        file: The unpacked file, which can be sought in.
        stream: Is told where unknown columns hold e-mail addresses.
        columns: Meets the names of the file's columns.

    Raises:
        DataContractError: It can't be read, lacks a column that rows need, or has one of a type that is no value.
    """
    try:
        # Buffered and not pre-read: a row group of a gigabyte is not held.
        parquet = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        schema = parquet.schema_arrow
        columns.require(schema.names, where="Parquet file")
        for field in schema:
            if pa.types.is_nested(field.type) and (target := columns.target(field.name)):
                message = f"column {field.name} is {field.type}, where {target} is one value"
                raise DataContractError(message)
        row = 1
        for batch in parquet.iter_batches(batch_size=ROWS, use_threads=False):
            table = _decoded(pa.Table.from_batches([batch]))
            stream.has_emails = stream.has_emails or _has_emails(table)
            texts = columns_as_text(table, columns)
            if texts is not None:
                yield Chunk(row, len(batch), texts)
            else:
                picked = tuple((n, columns.pick(record)) for n, record in enumerate(table.to_pylist(), row))
                yield Chunk(row, len(batch), None, picked)
            row += len(batch)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        message = f"the Parquet file can't be read ({str(error).splitlines()[0][:200]}); write it again"
        raise DataContractError(message) from error


def _decoded(table: pa.Table) -> pa.Table:
    """The table with text columns as text: large, binary and dictionary ones are the same to the contract."""
    for index, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            kind = pa.string()
        if kind != field.type:
            table = table.set_column(index, field.name, table.column(index).cast(kind))
    return table


def _has_emails(table: pa.Table) -> bool:
    for column in table.columns:
        if pa.types.is_string(column.type):
            suspects = column.filter(pc.match_substring_regex(column, "@|%40"))
            if any(map(has_email, suspects.drop_null().to_pylist())):
                return True
        elif pa.types.is_nested(column.type) and any(has_email(str(value)) for value in column.to_pylist()):
            return True
    return False
