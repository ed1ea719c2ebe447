"""Read-only, bounded SQL on the published copy of the warehouse."""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gondola.errors import ConfigurationError, GondolaError, Terminal
from gondola.settings import Settings
from storage.publish import open_published

__all__ = ["QueryError", "encode", "run_query"]


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
        spill: Whether what exceeds the memory may go to the disk.

    Returns:
        The rows, as Arrow columns.

    Raises:
        ConfigurationError: Nothing was published yet.
        QueryError: DuckDB refused the statement, or it took too long.
    """
    connection = open_published(settings.warehouse, version=version)
    try:
        if not spill:
            connection.execute("SET temp_directory = ''")
        # The statement comes from outside: no files, no network, no way to change that, no more memory than agreed.
        connection.execute(f"SET memory_limit = '{settings.transform_memory}'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET python_enable_replacements = false")  # a table's name never means a variable of ours
        connection.execute("SET lock_configuration = true")
        return _bounded(connection, sql, parameters, max_rows, time_limit)
    finally:
        connection.close()


def _bounded(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: dict[str, Any] | None,
    max_rows: int,
    time_limit: timedelta,
) -> pa.Table:
    timer = threading.Timer(time_limit.total_seconds(), connection.interrupt)
    timer.start()
    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1:
            message = f"expected one SQL statement, got {len(statements)}"
            raise QueryError(message)
        reader = connection.execute(statements[0], parameters).to_arrow_reader(10_000)
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
