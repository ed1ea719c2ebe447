"""Read-only, bounded SQL on the published copy of the warehouse, or on the lake's files."""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gondola.errors import ConfigurationError, GondolaError, Terminal
from gondola.settings import Settings
from storage.lake import Lake
from storage.open_lake import open_lake
from storage.publish import open_published, published_version

__all__ = ["QueryError", "QuerySession", "encode", "run_query"]


class QueryError(GondolaError, Terminal):
    """The SQL is wrong, asks for what is not allowed, or took longer than allowed."""


def run_query(
    settings: Settings,
    sql: str,
    *,
    parameters: dict[str, Any] | None = None,
    max_rows: int = 1_000_000,
    time_limit: timedelta = timedelta(minutes=5),
    version: str | None = None,
    lake: bool = False,
    spill: bool = True,
) -> pa.Table:
    """Answer one SQL statement from the published copy.

    Args:
        settings: Name the warehouse whose published copy is read.
        sql: One statement that reads; `$name` stands for a parameter.
        parameters: Values of the statement's parameters.
        max_rows: Rows returned at most.
        time_limit: How long the statement may take.
        version: The published version; the current one by default.
        lake: Read the lake's files instead.
        spill: Whether what exceeds the memory may go to the disk.

    Returns:
        The rows, as Arrow columns.

    Raises:
        LakeKeyError: Nothing was published yet.
        QueryError: DuckDB refused the statement, or it took too long.
    """
    with QuerySession(settings, version=version, lake=lake, spill=spill) as session:
        return session.run(sql, parameters=parameters, max_rows=max_rows, time_limit=time_limit)


class QuerySession:
    """A session for statements from outside: no files, no network, no way to change that, no more memory than agreed.

    Args:
        settings: Name the warehouse whose published copy is read, or the lake.
        version: The published version; the current one by default.
        lake: Read the lake's files instead: those, and no others.
        spill: Whether what exceeds the memory may go to the disk.

    Raises:
        LakeKeyError: Nothing was published yet.
    """

    def __init__(
        self, settings: Settings, *, version: str | None = None, lake: bool = False, spill: bool = True
    ) -> None:
        self.version = version or published_version(settings.warehouse)
        self._connection = (
            open_lake(Lake.open(settings.lake)) if lake else open_published(settings.warehouse, version=version)
        )
        try:
            if not spill:
                self._connection.execute("SET temp_directory = ''")
            self._connection.execute(f"SET memory_limit = '{settings.transform_memory}'")
            # A table's name never means a variable of ours.
            self._connection.execute("SET python_enable_replacements = false")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(
        self,
        sql: str,
        *,
        parameters: dict[str, Any] | None = None,
        max_rows: int = 1_000_000,
        time_limit: timedelta = timedelta(minutes=5),
    ) -> pa.Table:
        """Answer one statement.

        Args:
            sql: One statement that reads; `$name` stands for a parameter.
            parameters: Values of the statement's parameters.
            max_rows: Rows returned at most.
            time_limit: How long the statement may take.

        Raises:
            QueryError: DuckDB refused the statement, or it took too long.
        """
        timer = threading.Timer(time_limit.total_seconds(), self._connection.interrupt)
        timer.start()
        try:
            statements = duckdb.extract_statements(sql)
            # A pivot becomes two, of which none has a text of its own.
            if not statements or (len(statements) > 1 and any(statement.query for statement in statements)):
                message = f"expected one SQL statement, got {len(statements)}"
                raise QueryError(message)
            for generated in statements[:-1]:
                self._connection.execute(generated)
            reader = self._connection.execute(statements[-1], parameters).to_arrow_reader(10_000)
            batches: list[pa.RecordBatch] = []
            rows = 0
            for batch in reader:
                batches.append(batch.slice(0, max_rows - rows))
                rows += batches[-1].num_rows
                if rows >= max_rows:
                    break
            return pa.Table.from_batches(batches, schema=reader.schema)
        except duckdb.InterruptException as error:
            message = f"the query took longer than {time_limit}; ask for less, or filter by price_date"
            raise QueryError(message) from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        finally:
            timer.cancel()

    def catalog(self) -> dict[str, list[tuple[str, str]]]:
        """Columns and their types by `schema.table`, of every table and view."""
        rows = self._connection.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal AND database_name = current_database() ORDER BY 1, column_index"
        ).fetchall()
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in rows:
            found.setdefault(table, []).append((column, kind))
        return found


def encode(table: pa.Table, form: str) -> bytes:
    """Write rows in a form other programs read.

    Args:
        table: The rows.
        form: `csv`, `json` (a list of objects) or `parquet`.

    Raises:
        ConfigurationError: Another form was asked for.
    """
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        return bytes(sink.getvalue())
    if form == "json":
        # Dates and decimals are written as text: money stays exact.
        return json.dumps(table.to_pylist(), default=str, ensure_ascii=False, indent=1).encode()
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.column_names)
        for row in table.to_pylist():
            writer.writerow(["" if value is None else value for value in row.values()])
        return text.getvalue().encode()
    message = f"unknown format {form!r}; use table, csv, json or parquet"
    raise ConfigurationError(message)
