"""Rows of many days, streamed in any order, that become one Parquet file for each day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc

from storage.lake import Lake
from storage.parquet import FileStats, ParquetSink, create_spool_file

__all__ = ["DaySpool"]

_ROW_GROUP_ROWS = 65_536
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class _Segment:
    day: date | None
    offset: int
    size: int


class DaySpool:
    """Keeps rows in one local file until their days are put on the lake.

    ```python
    with DaySpool(schema, "event_date", spool) as rows:
        rows.write(table)
        stats = rows.commit(lake, lambda day: Silver("events", "events", started_at, day).key, metadata)
    ```
    However many days the rows have, one file is open and memory holds one batch, or one row group. Leaving the block
    leaves nothing behind.
    """

    def __init__(self, schema: pa.Schema, column: str | None, spool: Path) -> None:
        """Open the spool file.

        Args:
            schema: The rows' columns.
            column: The one that has a row's day, a date that is never null; None for rows without a day, all of
                which go to one file, that of the day None.
            spool: A local folder.
        """
        self._schema = schema
        self._column = column
        self._spool = spool
        self._path, self._file = create_spool_file(spool)
        self._segments: list[_Segment] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._file.close()

    def mark(self) -> int:
        """A point to go back to."""
        return len(self._segments)

    def go_back(self, mark: int) -> None:
        """Forget all rows that were written after a mark."""
        del self._segments[mark:]

    def write(self, table: pa.Table) -> None:
        """Take rows; those of one day keep their order."""
        if self._column is None:
            self._append(None, table)
            return
        days = table[self._column]
        for day in pc.unique(days).to_pylist():
            self._append(day, table.filter(pc.equal(days, pa.scalar(day, pa.date32()))).combine_chunks())

    def _append(self, day: date | None, rows: pa.Table) -> None:
        if rows.num_rows:
            offset = self._file.tell()
            with pa.ipc.new_stream(pa.PythonFile(self._file, mode="w"), self._schema, options=_OPTIONS) as stream:
                stream.write_table(rows)
            self._segments.append(_Segment(day, offset, self._file.tell() - offset))

    def commit(
        self, lake: Lake, key_of: Callable[[date | None], str], metadata: Mapping[str, str]
    ) -> dict[date | None, FileStats]:
        """Put a file on the lake for each day.

        Args:
            lake: Where the files appear.
            key_of: The key of a day's file; there must be no such object.
            metadata: Key-value metadata of the files.

        Returns:
            The files, by day.
        """
        self._file.flush()
        if not self._segments:
            return {}
        by_day: dict[date | None, list[_Segment]] = {}
        for segment in self._segments:
            by_day.setdefault(segment.day, []).append(segment)
        files: dict[date | None, FileStats] = {}
        with self._path.open("rb") as file:  # read, not mapped: what is mapped counts as memory of this process
            for day, segments in sorted(by_day.items(), key=lambda item: item[0] or date.min):
                with ParquetSink(lake, key_of(day), self._schema, metadata, self._spool, new=True) as sink:
                    for table in self._row_groups(file, segments):
                        sink.write(table)
                    files[day] = sink.commit()
        return files

    def _row_groups(self, file: BinaryIO, segments: list[_Segment]) -> Iterator[pa.Table]:
        batches: list[pa.RecordBatch] = []
        rows = 0
        for segment in segments:
            file.seek(segment.offset)
            with pa.ipc.open_stream(file.read(segment.size)) as stream:
                for batch in stream:
                    batches.append(batch)
                    rows += batch.num_rows
            if rows >= _ROW_GROUP_ROWS:
                yield pa.Table.from_batches(batches, schema=self._schema)
                batches, rows = [], 0
        if batches:
            yield pa.Table.from_batches(batches, schema=self._schema)
