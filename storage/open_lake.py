"""The lake's own files as a database: gold's tables by name, everything else by `lake('bronze/…/*.parquet')`."""

from __future__ import annotations

import duckdb

from gondola.errors import LakeKeyError
from storage.duck import connect, quote_identifier, quote_literal
from storage.lake import Lake
from storage.layout import Gold, parse

__all__ = ["open_lake"]


def open_lake(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Open a lake for reading; the session reads no file that is not on it.

    Args:
        lake: The lake.

    Returns:
        A session with a view `schema.table` for each table of gold, and a table function `lake(pattern)` for the files
        of any area, whose columns are brought together by name.

    Raises:
        LakeUnavailableError: The storage does not answer.
    """
    tables = sorted(
        {(gold.schema, gold.table) for entry in lake.find("gold", ".parquet") if (gold := _gold(entry.key))}
    )
    connection = connect(lake.uri)
    try:
        for schema in sorted({schema for schema, _ in tables}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        for schema, table in tables:
            files = quote_literal(lake.url(f"gold/{schema}/{table}/**/*.parquet"))
            connection.execute(
                f"CREATE VIEW {quote_identifier(schema)}.{quote_identifier(table)} AS "
                f"SELECT * FROM read_parquet({files}, union_by_name = true, hive_partitioning = false)"
            )
        root = f"{lake.uri.rstrip('/')}/"
        connection.execute(
            "CREATE MACRO lake(pattern) AS TABLE SELECT * FROM "
            f"read_parquet({quote_literal(root)} || pattern, union_by_name = true, filename = true)"
        )
        connection.execute(f"SET allowed_directories = [{quote_literal(root)}]")
    except BaseException:
        connection.close()
        raise
    return connection


def _gold(key: str) -> Gold | None:
    try:
        fields = parse(key)
    except LakeKeyError:
        return None  # somebody's own file
    return fields if isinstance(fields, Gold) else None
