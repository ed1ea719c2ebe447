"""Sorting more rows than memory holds: dealt out to buckets on the local disk, each of which is sorted by itself.

Rows of one value of the first column come out side by side, which is what compression wants; the values themselves come
out in no order. DuckDB's own sort was tried: with rows of several kilobytes it needs more memory than it may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["group_rows"]


def group_rows(
    tables: Iterable[pa.Table], schema: pa.Schema, by: Sequence[str], *, buckets: int, work: Path
) -> Iterator[pa.Table]:
    """Give all rows again, sorted within tables, each value of the first column in one table only.

    Args:
        tables: The rows; each table fits into memory.
        schema: Their columns.
        by: The columns to sort by.
        buckets: How many tables to make of them; each has to fit into memory.
        work: A local folder with room for all rows, compressed.
    """
    paths = [work / f"{number}.bucket" for number in range(buckets)]
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_stream(str(path), schema, options=options)) for path in paths]
        for table in tables:
            numbers = pa.array([crc32(str(value).encode()) % buckets for value in table[by[0]].to_pylist()], pa.int64())
            for number in pc.unique(numbers).to_pylist():
                writers[number].write_table(table.filter(pc.equal(numbers, number)))
    for path in paths:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            table = reader.read_all()
        path.unlink()
        if table.num_rows:
            yield table.sort_by([(name, "ascending") for name in by])
