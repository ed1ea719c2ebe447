"""The one Parquet writer: rows stream to a local file, which appears on the lake whole or not at all."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from gondola.errors import DataContractError, LakeUnavailableError
from storage.lake import Lake

__all__ = ["FileStats", "ParquetSink", "clean_spool", "create_spool_file", "read_metadata", "spool_file"]

_SUFFIX = ".spool"
# Level 3 writes 3-5 % fewer bytes of raw JSON, for 5 % more CPU of a whole crawl; level 9 a fifth fewer, for several
# times the CPU of the writing.
_ZSTD_LEVEL = 1


@dataclass(frozen=True)
class FileStats:
    """What a commit put on the lake."""

    key: str
    rows: int
    bytes: int


class ParquetSink:
    """A Parquet file that is being written.

    ```python
    with ParquetSink(lake, key, schema, {"run_id": run_id}, spool) as sink:
        sink.write(table)
        stats = sink.commit(status="complete")
    ```
    Leaving the block without a commit leaves nothing anywhere. Memory holds one row group at most. Calls may come from
    any thread, one at a time (`asyncio.to_thread`).
    """

    def __init__(
        self,
        lake: Lake,
        key: str,
        schema: pa.Schema,
        metadata: Mapping[str, str],
        spool: Path,
        *,
        plain: Collection[str] = (),
        new: bool = False,
        level: int = _ZSTD_LEVEL,
    ) -> None:
        """Open the spool file.

        Args:
            lake: Where the file will appear.
            key: Its key there.
            schema: Its columns.
            metadata: Key-value metadata of the file.
            spool: A local folder for the file while it is written.
            plain: Columns whose values hardly repeat within a row group: a dictionary and statistics would be waste.
            new: Refuse to replace an object at the commit.
            level: How hard zstd tries; more than the default pays for files that are kept for long.
        """
        self.rows = 0
        self._lake = lake
        self._key = key
        self._schema = schema
        self._metadata = dict(metadata)
        self._new = new
        self._path, self._locked = create_spool_file(spool)
        columns = [name for name in schema.names if name not in plain]
        self._writer = pq.ParquetWriter(
            str(self._path),
            schema,
            compression="zstd",
            compression_level=level,
            use_dictionary=columns,
            write_statistics=columns,
            store_decimal_as_integer=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def write(self, table: pa.Table) -> None:
        """Append a table as one row group; an empty one is skipped.

        Raises:
            DataContractError: Its columns are not those of the file.
            LakeUnavailableError: The spool's disk takes no more.
        """
        if not table.schema.equals(self._schema):
            message = f"{self._key}: rows of other columns than the file's: {_difference(table.schema, self._schema)}"
            raise DataContractError(message)
        if table.num_rows:
            with self._full_disk_said():
                self._writer.write_table(table, row_group_size=table.num_rows)
            self.rows += table.num_rows

    def commit(self, **metadata: str | int) -> FileStats:
        """Finish the file and put it on the lake; once.

        Args:
            **metadata: What is only known at the end, such as the status; `rows` is added.

        Raises:
            LakeConflictError: The sink was opened with `new`, and the object exists.
            LakeUnavailableError: The spool's disk takes no more, or the lake does not answer.
        """
        ending = {name: str(value) for name, value in metadata.items()}
        with self._full_disk_said():
            self._writer.add_key_value_metadata(self._metadata | {"rows": str(self.rows)} | ending)
            self._writer.close()
        size = self._path.stat().st_size
        self._lake.put_file(self._key, self._path, new=self._new)
        self._discard()
        return FileStats(self._key, self.rows, size)

    @contextmanager
    def _full_disk_said(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"{self._path.parent}: the spool can't be written ({error}); free its disk, or move GONDOLA_SPOOL"
            raise LakeUnavailableError(message) from error

    def _discard(self) -> None:
        # The name goes before the lock, so that a file without a lock is always one of a dead process.
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk, of which the writer's caller knows already
            self._writer.close()
        self._locked.close()


@contextmanager
def spool_file(folder: Path) -> Iterator[Path]:
    """A local file for the length of a block; of a process that dies, `clean_spool` removes it.

    Args:
        folder: Where it is made.
    """
    path, locked = create_spool_file(folder)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        locked.close()


def clean_spool(folder: Path) -> int:
    """Remove the spool files of processes that have died; those being written are kept.

    Returns:
        How many were removed.
    """
    removed = 0
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError), path.open("rb") as file:
            if _lock(file):
                path.unlink()
                removed += 1
    return removed


def read_metadata(lake: Lake, key: str) -> dict[str, str]:
    """The key-value metadata of a Parquet file, without what Arrow keeps there for itself.

    Raises:
        LakeKeyError: There is no such object.
    """
    with lake.open_file(key) as file:
        metadata = pq.read_metadata(file).metadata or {}
    return {name.decode(): value.decode() for name, value in metadata.items() if name != b"ARROW:schema"}


def create_spool_file(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file in the spool, open for writing; `clean_spool` removes it once this process has died.

    Whoever made it unlinks it, then closes it.
    """
    # A lock, not the process id, says that the writer lives: ids come again, and containers share them.
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / f"{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
        file = path.open("xb")
        if _lock(file) and os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # a cleaner came between the two steps; it removes the file


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _difference(got: pa.Schema, wanted: pa.Schema) -> str:
    for field in wanted:
        index = got.get_field_index(field.name)
        if index < 0:
            return f"{field.name} is missing"
        if got.field(index) != field:
            return f"{field.name} is {got.field(index).type}, not {field.type}"
    extra = [name for name in got.names if name not in wanted.names]
    return f"{', '.join(extra)} is not known" if extra else "their order differs"
