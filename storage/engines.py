"""Two engines behind one face: rows reckoned by DuckDB from the lake, written to DuckDB or PostgreSQL in a transaction.

Statements are SQL that both understand. What they read of the lake is staged first: a DuckDB query becomes a temporary
table where the statements run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, Self

import duckdb
import psycopg
import pyarrow.csv as pc_csv
from psycopg import sql as pg_sql

from gondola.errors import LakeUnavailableError, WarehouseUnavailableError
from storage.duck import connect, quote_literal
from storage.postgres import Postgres
from storage.publish import CATALOG

__all__ = ["DuckEngine", "Engine", "PostgresEngine"]

_STORAGE_VERSION = "v1.5.0"  # as dbt's profile has it
_BATCH_ROWS = 100_000


class Engine(Protocol):
    """Where tables are kept."""

    is_postgres: bool
    lake: duckdb.DuckDBPyConnection
    """A DuckDB session that reads the lake; its temporary tables last as long as the engine."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing: what the block did is kept when it ends well, undone when it raises or the process dies."""

    def execute(self, statement: str) -> None:
        """Run a statement."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""

    def stage(self, name: str, columns: Mapping[str, str], query: str) -> None:
        """Make a temporary table, for this transaction, of a query that `lake` answers.

        Args:
            name: The table.
            columns: Its columns and their SQL types.
            query: DuckDB's SQL; it gives these columns in this order.
        """


class DuckEngine:
    """The warehouse's DuckDB file, made when it is missing.

    Args:
        warehouse: The file, which nobody else has open.
        lake_uri: The lake.
        threads: Threads of the engine.
        memory: Its memory limit.

    Raises:
        LakeUnavailableError: The warehouse is in use.
    """

    is_postgres = False

    def __init__(
        self, warehouse: Path, lake_uri: str, *, threads: int | None = None, memory: str | None = None
    ) -> None:
        self.lake = connect(lake_uri, threads=threads, memory=memory)
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.lake.execute(
                f"ATTACH {quote_literal(warehouse)} AS {CATALOG} (STORAGE_VERSION {quote_literal(_STORAGE_VERSION)})"
            )
            self.lake.execute(f"USE {CATALOG}")
        except duckdb.Error as error:
            self.lake.close()
            message = f"{warehouse}: the warehouse can't be opened ({error}); end what uses it, then run again"
            raise LakeUnavailableError(message) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lake.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.lake.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self.lake.execute("ROLLBACK")
            raise
        self.lake.execute("COMMIT")

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self.lake.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        return self.lake.execute(query).fetchall()

    def stage(self, name: str, columns: Mapping[str, str], query: str) -> None:
        """Make a temporary table of a query."""
        typed = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in columns.items())
        self.lake.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {typed} FROM ({query})")


class PostgresEngine:
    """A PostgreSQL database, and a DuckDB session beside it that reads the lake.

    Args:
        postgres: The database.
        lake_uri: The lake.
        threads: Threads of DuckDB.
        memory: DuckDB's memory limit.

    Raises:
        WarehouseUnavailableError: It does not answer.
    """

    is_postgres = True

    def __init__(
        self, postgres: Postgres, lake_uri: str, *, threads: int | None = None, memory: str | None = None
    ) -> None:
        self._postgres = postgres
        self._connection = postgres.connect(autocommit=True)
        self.lake = connect(lake_uri, threads=threads, memory=memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lake.close()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the server undoes what a lost connection began."""
        with self._told(), self._connection.transaction():
            yield

    def execute(self, statement: str) -> None:
        """Run a statement."""
        with self._told():
            self._connection.execute(pg_sql.SQL(statement))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        with self._told():
            return self._connection.execute(pg_sql.SQL(query)).fetchall()

    def stage(self, name: str, columns: Mapping[str, str], query: str) -> None:
        """Make a temporary table of a query: streamed as CSV, which COPY reads fastest of all it reads."""
        self.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self.execute(f"CREATE TEMP TABLE {name} ({declared}) ON COMMIT DROP")
        self.copy(name, columns, query)
        self.execute(f"ANALYZE {name}")  # the planner knows nothing of a temporary table by itself

    def copy(self, table: str, columns: Mapping[str, str], query: str) -> None:
        """Append what a DuckDB query gives to a table.

        Args:
            table: The table.
            columns: Its columns and their types.
            query: DuckDB's SQL; it gives these columns.
        """
        # CSV has a number's text: what DuckDB gives is brought to the column's type first, so that both engines round
        # the same.
        typed = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in columns.items())
        reader = self.lake.execute(f"SELECT {typed} FROM ({query})").to_arrow_reader(_BATCH_ROWS)
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)"
        options = pc_csv.WriteOptions(include_header=False)
        with self._told(), self._connection.cursor().copy(pg_sql.SQL(statement)) as copy:
            for batch in reader:
                buffer = io.BytesIO()
                pc_csv.write_csv(batch, buffer, options)
                copy.write(buffer.getbuffer())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn a lost server into an error a caller can act on; what is wrong with a statement stays what it is."""
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            message = f"{self._postgres.name}: {self._postgres.redact(error)}; nothing of this transaction is kept"
            raise WarehouseUnavailableError(message) from None
