"""Event files in the forms shops give them. The same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

__all__ = ["FORMATS", "FileWriter"]

FORMATS = ("jsonl", "json", "csv", "parquet")
_BATCH_ROWS = 50_000
# Rows carry times and prices as texts, so that broken ones can be told; each form says what they are in it.
_SELECT = {
    "jsonl": "* REPLACE (price::JSON AS price)",
    "json": "* REPLACE (price::JSON AS price)",
    "csv": "* REPLACE (trim(price, '\"') AS price)",
    "parquet": "* REPLACE (event_time::TIMESTAMPTZ AS event_time, price::DECIMAL(18, 2) AS price)",
}
_OPTIONS = {
    "jsonl": "FORMAT json",
    "json": "FORMAT json, ARRAY true",
    "csv": "FORMAT csv, HEADER true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


class FileWriter:
    """Writes tables of texts as files of one form; DuckDB does it, on one thread, so that the order is kept."""

    def __init__(self, folder: Path, form: str, *, compress: bool) -> None:
        """Open no file yet.

        Args:
            folder: Where the files go; made when missing.
            form: One of FORMATS.
            compress: Whether files of text are gzipped.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._form = form
        self._gzip = compress and form != "parquet"
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def write_events(self, name: str, tables: Iterable[pa.Table], schema: pa.Schema) -> Path:
        """Write one file of events.

        Args:
            name: Its name without ending.
            tables: Its rows, in order; taken one by one, so that memory holds one of them.
            schema: Their columns.
        """
        path = self._folder / f"{name}.{self._form}{'.gz' if self._gzip else ''}"
        options = _OPTIONS[self._form] + (", COMPRESSION gzip" if self._gzip else "")
        self._copy(path, tables, schema, _SELECT[self._form], options)
        return path

    def write_table(self, name: str, table: pa.Table) -> Path:
        """Write a whole table as Parquet."""
        path = self._folder / f"{name}.parquet"
        self._copy(path, [table], table.schema, "*", _OPTIONS["parquet"])
        return path

    def _copy(self, path: Path, tables: Iterable[pa.Table], schema: pa.Schema, select: str, options: str) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            for table in _ahead(tables):
                yield from table.to_batches(max_chunksize=_BATCH_ROWS)

        target = str(path).replace("'", "''")
        self._connection.register("rows", pa.RecordBatchReader.from_batches(schema, batches()))
        self._connection.execute(f"COPY (SELECT {select} FROM rows) TO '{target}' ({options})")
        self._connection.unregister("rows")


def _ahead(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The tables, each made while the one before it is written: both leave Python's lock alone most of the time."""
    remaining = iter(tables)
    with ThreadPoolExecutor(max_workers=1) as maker:
        upcoming = maker.submit(next, remaining, None)
        while (table := upcoming.result()) is not None:
            upcoming = maker.submit(next, remaining, None)
            yield table
