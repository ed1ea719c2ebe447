"""The published copies that readers of one process share: a version each, opened once, closed when nobody needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from gondola.errors import GondolaError, LakeKeyError, Terminal, Transient
from gondola.settings import Settings
from storage.publish import CATALOG, open_published, published_version

__all__ = ["BusyError", "DataVersion", "NotBuiltError", "PublishedCopies", "Snapshot", "VersionGoneError"]

# Queries that run at once: DuckDB spreads each over the cores, so more of them only share its memory.
_AT_ONCE = 4
# Copies before the current one that stay open, for pages that began on them.
_KEPT = 2
_ATTEMPTS = 5


class BusyError(GondolaError, Transient):
    """The answer took more time or memory than allowed, or waited too long for its turn."""


class NotBuiltError(GondolaError, Terminal):
    """A table that the answer needs is not in the published copy."""


class VersionGoneError(GondolaError, Terminal):
    """The version a page belongs to is no longer kept."""


@dataclass(frozen=True, slots=True)
class DataVersion:
    """Which published copy an answer comes from."""

    name: str

    @property
    def published_at(self) -> datetime | None:
        """When it was published; None for a version with a name of its own."""
        try:
            return datetime.strptime(self.name, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
        except ValueError:
            return None


class Snapshot:
    """One version of the data, for as long as its block lasts; any thread may use it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        version: DataVersion,
        turns: threading.BoundedSemaphore,
        limit: timedelta,
    ) -> None:
        self._connection = connection
        self._turns = turns
        self._limit = limit.total_seconds()
        self.version = version

    def table(self, sql: str, /, **parameters: Any) -> pa.Table:
        """Answer one statement.

        Args:
            sql: A statement of ours, never of a user's; `$name` stands for a parameter.
            **parameters: Its values; they are bound, not pasted.

        Returns:
            The rows, as Arrow columns.

        Raises:
            NotBuiltError: A table is not in this copy.
            BusyError: It took too long, or waited too long.
        """
        if not self._turns.acquire(timeout=self._limit):
            message = f"no turn for a query within {self._limit:.0f} s; ask again later"
            raise BusyError(message)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"USE {CATALOG}")  # a cursor does not take it over
                timer = threading.Timer(self._limit, cursor.interrupt)
                timer.start()
                try:
                    return cursor.execute(sql, parameters or None).to_arrow_table()
                finally:
                    timer.cancel()
        except duckdb.InterruptException as error:
            message = f"the answer took longer than {self._limit:.0f} s; ask for fewer days or products"
            raise BusyError(message) from error
        except duckdb.OutOfMemoryException as error:
            message = "the answer needs more memory than allowed; ask for fewer days or products"
            raise BusyError(message) from error
        except duckdb.CatalogException as error:
            first = str(error).split("\n", maxsplit=1)[0]
            message = f"not in the published data yet ({first}); run the system that brings it, as `gondola run market`"
            raise NotBuiltError(message) from error
        finally:
            self._turns.release()

    def rows(self, sql: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """The same as mappings; for few rows."""
        found: list[dict[str, Any]] = self.table(sql, **parameters).to_pylist()
        return found

    def has_schema(self, schema: str) -> bool:
        """Whether this copy holds anything of a system."""
        found = self.table(
            "select 1 from duckdb_tables() where database_name = $catalog and schema_name = $schema limit 1",
            catalog=CATALOG,
            schema=schema,
        )
        return bool(found.num_rows)


@dataclass
class _Open:
    connection: duckdb.DuckDBPyConnection
    readers: int = 0


@dataclass
class PublishedCopies:
    """What a process that answers questions opens once; safe for threads.

    Args:
        settings: Name the warehouse, and the memory an open copy may use.
        time_limit: How long one query may take, its wait included twice at most.
    """

    settings: Settings
    time_limit: timedelta = timedelta(seconds=60)
    _open: dict[str, _Open] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_AT_ONCE), init=False, repr=False
    )

    @contextmanager
    def snapshot(self, version: str | None = None) -> Iterator[Snapshot]:
        """Hold on to one version until the block ends.

        Args:
            version: The version; the current one by default.

        Raises:
            LakeKeyError: Nothing has been published.
            VersionGoneError: This version is no longer kept.
        """
        name, taken = self._take(version)
        try:
            yield Snapshot(taken.connection, DataVersion(name), self._turns, self.time_limit)
        finally:
            with self._lock:
                taken.readers -= 1
                self._close_old()

    def version(self) -> DataVersion | None:
        """The current version; None before the first publish."""
        name = published_version(self.settings.warehouse)
        return DataVersion(name) if name else None

    def close(self) -> None:
        """Close every copy; readers that are under way fail."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, version: str | None) -> tuple[str, _Open]:
        with self._lock:
            for attempt in range(_ATTEMPTS):
                name = version or published_version(self.settings.warehouse) or ""
                if name not in self._open:
                    try:
                        self._open[name] = _Open(self._connect(name or None))
                    except LakeKeyError as error:
                        if version is not None:
                            message = f"the data of version {version} is no longer kept; begin again without a cursor"
                            raise VersionGoneError(message) from error
                        if not name or attempt == _ATTEMPTS - 1:
                            raise
                        continue  # removed since the pointer was read, so there is a newer one
                self._open[name].readers += 1
                self._close_old()
                return name, self._open[name]
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _connect(self, version: str | None) -> duckdb.DuckDBPyConnection:
        connection = open_published(self.settings.warehouse, version=version)
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")  # cursors take over what is global, and nothing else
            connection.execute(f"SET memory_limit = '{self.settings.transform_memory}'")
            connection.execute("SET temp_directory = ''")  # readers write nowhere
            connection.execute("SET enable_external_access = false")
            connection.execute("SET python_enable_replacements = false")
            connection.execute("SET lock_configuration = true")
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_old(self) -> None:
        # Names sort by the moment they were published; what was opened last is kept longest.
        idle = [name for name, copy in self._open.items() if not copy.readers]
        for name in idle[: max(len(self._open) - 1 - _KEPT, 0)]:
            self._open.pop(name).connection.close()
