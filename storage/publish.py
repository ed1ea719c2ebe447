"""What readers see: after a green build the warehouse is copied, shown as Parquet, and swapped in whole.

Readers attach a version of their own (`published/gondola_<version>.duckdb`), which nothing writes to any more, so a
running build neither blocks nor breaks them. `published/current` names the version to open.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gondola import clock
from gondola.errors import LakeKeyError, LakeUnavailableError
from storage import _local
from storage.duck import connect, quote_literal
from storage.gold import PublishedTable, publish_gold
from storage.lake import Lake
from storage.layout import check_segment

__all__ = [
    "CATALOG",
    "Published",
    "open_built",
    "open_published",
    "publish",
    "published_path",
    "published_version",
]

CATALOG = "gondola"  # views in the warehouse name their database, so it is attached by one name everywhere
_POINTER = "current"
_ATTEMPTS = 5


@dataclass(frozen=True)
class Published:
    """What a publish left for readers."""

    version: str
    path: Path  # the DuckDB file of this version
    tables: tuple[PublishedTable, ...]


def publish(
    lake: Lake,
    warehouse: Path,
    *,
    schemas: Sequence[str],
    keep: int,
    version: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
) -> Published:
    """Show a finished build to readers: gold Parquet on the lake, and a copy of the warehouse beside it.

    Killed at any point and run again it ends right; readers see the version before until the last step.

    Args:
        lake: Where the Parquet goes, below `gold/`.
        warehouse: The DuckDB file of the build, which nobody has open.
        schemas: The schemas whose tables become Parquet; all are in the copy.
        keep: How many copies stay, two at least, as readers may be about to open the one before.
        version: The name of this version; the present moment by default.
        threads: Threads of DuckDB.
        memory: Memory limit of DuckDB.

    Raises:
        LakeKeyError: There is no warehouse.
        LakeUnavailableError: The warehouse is in use, another publish is running, or the lake does not answer.
    """
    if not warehouse.exists():
        message = f"{warehouse}: there is no warehouse to publish; build it first with `gondola transform`"
        raise LakeKeyError(message)
    version = version or f"{clock.now():%Y%m%dT%H%M%S%fZ}"
    check_segment("version", version)
    folder = _folder(warehouse)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder), connect(str(folder), threads=threads, memory=memory) as connection:
        work = folder / ".work"
        shutil.rmtree(work, ignore_errors=True)  # what a killed publish left
        work.mkdir()
        connection.execute(f"SET temp_directory = {quote_literal(work)}")
        path = _copy(connection, warehouse, folder, work, version)
        # Gold is read from the copy: it is the same version whole, and the warehouse is free again.
        connection.execute(f"ATTACH {quote_literal(path)} AS {CATALOG} (READ_ONLY)")
        tables = [table for schema in schemas for table in publish_gold(lake, connection, CATALOG, schema, work)]
        connection.execute(f"DETACH {CATALOG}")
        _local.write(folder / _POINTER, version.encode(), new=False)
        _remove_old(folder, max(keep, 2))
        shutil.rmtree(work, ignore_errors=True)
    return Published(version, path, tuple(tables))


def published_version(warehouse: Path) -> str | None:
    """The version readers open now; None before the first publish.

    Args:
        warehouse: The DuckDB file of the build.
    """
    try:
        return (_folder(warehouse) / _POINTER).read_text().strip()
    except FileNotFoundError:
        return None


def published_path(warehouse: Path) -> tuple[str, Path]:
    """The version readers open now, and its file, which a later publish may remove.

    Args:
        warehouse: The DuckDB file of the build.

    Raises:
        LakeKeyError: Nothing has been published.
    """
    version = published_version(warehouse)
    if version is None:
        message = f"{_folder(warehouse)}: nothing is published; run `gondola run market` or `gondola transform` first"
        raise LakeKeyError(message)
    return version, _path(_folder(warehouse), version)


def open_published(
    warehouse: Path, *, lake_uri: str | None = None, version: str | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a published version for reading, as the database `gondola` that names are looked up in.

    Args:
        warehouse: The DuckDB file of the build.
        lake_uri: A lake that queries may read beside it.
        version: The version to open; the current one by default.

    Raises:
        LakeKeyError: Nothing has been published, or this version is no longer kept.
    """
    if version is not None:
        check_segment("version", version)
        return _open_version(warehouse, version, lake_uri)
    for _ in range(_ATTEMPTS):
        current = published_version(warehouse)
        if current is None:
            break
        try:
            return _open_version(warehouse, current, lake_uri)
        except LakeKeyError:
            continue  # removed since the pointer was read, so there is a newer one
    message = f"{_folder(warehouse)}: nothing is published; run `gondola run market` or `gondola transform` first"
    raise LakeKeyError(message)


def _open_version(warehouse: Path, version: str, lake_uri: str | None) -> duckdb.DuckDBPyConnection:
    path = _path(_folder(warehouse), version)
    connection = connect(lake_uri or str(path.parent))
    try:
        connection.execute(f"ATTACH {quote_literal(path)} AS {CATALOG} (READ_ONLY)")
        connection.execute(f"USE {CATALOG}")
    except duckdb.Error as error:
        connection.close()
        if path.exists():
            raise
        message = f"{path}: this version is no longer kept; read the current one"
        raise LakeKeyError(message) from error
    return connection


def open_built(
    warehouse: Path, *, lake_uri: str | None = None, threads: int | None = None, memory: str | None = None
) -> duckdb.DuckDBPyConnection:
    """Open what a build has just made, before readers see it; for reading, under the same name as a published copy.

    Args:
        warehouse: The DuckDB file of the build, which nobody has open for writing.
        lake_uri: A lake that queries may read beside it.
        threads: Threads of DuckDB.
        memory: Memory limit of DuckDB.

    Raises:
        LakeKeyError: There is no warehouse.
    """
    if not warehouse.exists():
        message = f"{warehouse}: there is no warehouse; build it first with `gondola transform`"
        raise LakeKeyError(message)
    connection = connect(lake_uri or str(warehouse.parent), threads=threads, memory=memory)
    try:
        connection.execute(f"ATTACH {quote_literal(warehouse)} AS {CATALOG} (READ_ONLY)")
        connection.execute(f"USE {CATALOG}")
    except BaseException:
        connection.close()
        raise
    return connection


def _copy(connection: duckdb.DuckDBPyConnection, warehouse: Path, folder: Path, work: Path, version: str) -> Path:
    path = _path(folder, version)
    partial = work / path.name
    try:
        connection.execute(f"ATTACH {quote_literal(warehouse)} AS {CATALOG}")
        try:
            # Attached for writing, so that no build can start between the checkpoint and the copy's end.
            connection.execute(f"CHECKPOINT {CATALOG}")
            shutil.copyfile(warehouse, partial)
        finally:
            connection.execute(f"DETACH {CATALOG}")
    except (duckdb.IOException, duckdb.BinderException, duckdb.TransactionException) as error:
        message = (
            f"{warehouse}: the warehouse can't be opened to copy it ({error}); end what uses it, then publish again"
        )
        raise LakeUnavailableError(message) from error
    _sync(partial)
    partial.replace(path)
    return path


def _remove_old(folder: Path, keep: int) -> None:
    versions = sorted(folder.glob(f"{CATALOG}_*.duckdb"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    current = (folder / _POINTER).read_text()
    for path in versions[:-keep]:
        if path != _path(folder, current):
            path.unlink(missing_ok=True)


def _folder(warehouse: Path) -> Path:
    return warehouse.resolve().parent / "published"


def _path(folder: Path, version: str) -> Path:
    return folder / f"{CATALOG}_{version}.duckdb"


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system frees it when the process dies
        except BlockingIOError as error:
            message = f"{folder}: another publish is running; wait for its end"
            raise LakeUnavailableError(message) from error
        yield
