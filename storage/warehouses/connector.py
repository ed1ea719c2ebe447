"""What every engine is asked: to hold the rows of each run of bronze once, however often it is given them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from storage.duck import quote_literal

__all__ = ["LEDGER", "RAW_SCHEMA", "BronzeRun", "Connector"]

RAW_SCHEMA = "physical_product_raw"
LEDGER = "loads"
_LEDGER_COLUMNS = {
    "run_id": "varchar",
    "table_name": "varchar",
    "data_key": "varchar",
    "loaded_at": "timestamp with time zone",
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


@dataclass(frozen=True, slots=True)
class BronzeRun:
    """The bronze files of one run, copied to this machine."""

    run_id: str
    loaded_at: datetime
    files: Mapping[str, Path]  # by table
    keys: Mapping[str, str]  # where each is on the lake


class Connector(ABC):
    """Puts rows into one engine. Used in a `with` block.

    A run counts once its rows in the ledger are written, which comes last. Before a run is loaded its rows go, so one
    that was killed half-way is loaded whole the next time; where the engine has transactions nobody sees the half.
    """

    types: ClassVar[Mapping[str, str]]  # DuckDB's type -> the engine's; decimals are written alike
    _columns: Mapping[str, Mapping[str, str]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Make the schema and the tables that are missing.

        Args:
            tables: Columns of each with DuckDB's types; `run_id` is the last.
        """
        self._columns = {**tables, LEDGER: _LEDGER_COLUMNS}
        self.execute(f"create schema if not exists {RAW_SCHEMA}")
        for table in self._columns:
            self.execute(self.create_statement(table))

    def loaded_runs(self) -> frozenset[str]:
        """The runs that it has whole."""
        return frozenset(str(row[0]) for row in self.fetch(f"select distinct run_id from {self.name(LEDGER)}"))

    def load(self, run: BronzeRun) -> None:
        """Take the rows of a run; again is harmless.

        Args:
            run: A run of the lake.
        """
        with self.transaction():
            for table, path in run.files.items():
                self.clear(table, run.run_id)
                self.append(table, path)
            self.execute(self._ledger_statement(run))

    def replace(self, table: str, path: Path) -> None:
        """Let a table hold what a file holds, and nothing else.

        Args:
            table: The table.
            path: A Parquet file.
        """
        with self.transaction():
            self.empty(table)
            self.append(table, path)

    def name(self, table: str) -> str:
        """A table's name in SQL."""
        return f"{RAW_SCHEMA}.{table}"

    def create_statement(self, table: str) -> str:
        """SQL that makes a table."""
        columns = ", ".join(f"{name} {self.type_of(kind)}" for name, kind in self._columns[table].items())
        return f"create table if not exists {self.name(table)} ({columns})"

    def type_of(self, kind: str) -> str:
        """The engine's name of a type."""
        return kind if _DECIMAL.fullmatch(kind) else self.types.get(kind, kind)

    def columns_of(self, table: str) -> Sequence[str]:
        """A table's columns, in order."""
        return tuple(self._columns[table])

    def clear(self, table: str, run_id: str) -> None:
        """Remove a run's rows."""
        self.execute(f"delete from {self.name(table)} where run_id = {quote_literal(run_id)}")

    def empty(self, table: str) -> None:
        """Remove all rows."""
        self.execute(f"delete from {self.name(table)} where true")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, where the engine can."""
        yield

    @abstractmethod
    def execute(self, sql: str) -> None:
        """Run a statement."""

    @abstractmethod
    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    @abstractmethod
    def append(self, table: str, path: Path) -> None:
        """Add the rows of a Parquet file to a table, by the names of its columns."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the engine."""

    def _ledger_statement(self, run: BronzeRun) -> str:
        moment = f"cast('{run.loaded_at:%Y-%m-%d %H:%M:%S+00:00}' as {self.types['timestamp with time zone']})"
        rows = ", ".join(
            f"({quote_literal(run.run_id)}, {quote_literal(table)}, {quote_literal(run.keys[table])}, {moment})"
            for table in run.files
        )
        return f"insert into {self.name(LEDGER)} values {rows}"
