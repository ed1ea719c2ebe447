"""PostgreSQL: DuckDB reads the file and copies it over the wire, in one transaction with what goes before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import duckdb

from gondola.errors import WarehouseUnavailableError
from gondola.settings import Settings
from storage.duck import connect, quote_literal
from storage.postgres import POSTGRES_CATALOG, Postgres
from storage.warehouses.connector import Connector

__all__ = ["PostgresConnector"]


class PostgresConnector(Connector):
    """The database of `GONDOLA_POSTGRES_URL`."""

    types: ClassVar[Mapping[str, str]] = MappingProxyType({"timestamp with time zone": "timestamp with time zone"})

    def __init__(self, settings: Settings) -> None:
        """Connect.

        Args:
            settings: Hold its address.

        Raises:
            ConfigurationError: No address is set.
            WarehouseUnavailableError: It does not answer.
        """
        self._postgres = Postgres.of(settings)
        self._duck = connect(str(settings.spool), threads=settings.transform_threads, memory=settings.transform_memory)
        try:
            self._postgres.attach(self._duck)
        except BaseException:
            self._duck.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction of DuckDB is one of PostgreSQL."""
        self._run("begin")
        try:
            yield
        except BaseException:
            self._duck.execute("rollback")
            raise
        self._run("commit")

    def execute(self, sql: str) -> None:
        """Run a statement there."""
        self._run(f"call postgres_execute({quote_literal(POSTGRES_CATALOG)}, {quote_literal(sql)})")

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query there."""
        self._run(f"from postgres_query({quote_literal(POSTGRES_CATALOG)}, {quote_literal(sql)})")
        return self._duck.fetchall()

    def append(self, table: str, path: Path) -> None:
        """Copy a file, in PostgreSQL's binary form."""
        columns = ", ".join(self.columns_of(table))
        self._run(
            f"insert into {POSTGRES_CATALOG}.{self.name(table)} ({columns}) "
            f"select {columns} from read_parquet({quote_literal(path)}, hive_partitioning = false)"
        )

    def prepare(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Make what is missing; DuckDB then looks at the tables anew."""
        super().prepare(tables)
        self._run("call pg_clear_cache()")

    def close(self) -> None:
        """Disconnect."""
        self._duck.close()

    def _run(self, sql: str) -> None:
        try:
            self._duck.execute(sql)
        except duckdb.Error as error:
            # Without its cause: the driver's own message may show the address.
            message = f"{self._postgres.name}: {self._postgres.redact(error)}"
            raise WarehouseUnavailableError(message) from None
