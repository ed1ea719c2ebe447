"""The warehouse's tables as Parquet on the lake, for any engine: only what has changed is written.

Each file is replaced in place by one put, so a glob over a table sees each of its rows once at any moment.
A table with a `price_date` or a `business_date` is one file a month. `_manifest.json` of a schema says what the
files hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from gondola.errors import LakeKeyError
from storage.duck import quote_identifier, quote_literal
from storage.lake import Lake
from storage.layout import Gold, parse

__all__ = ["PublishedTable", "publish_gold", "reader_tables"]

_DAY_COLUMNS = ("price_date", "business_date")
_ORDER = ("supermarket", "region", "sku_id", *_DAY_COLUMNS)
_NO_MONTH = "__HIVE_DEFAULT_PARTITION__"  # how engines name the partition of rows without a day
_NOT_FOR_READERS = ("stg_", "int_")
_MANIFEST_VERSION = 1


@dataclass(frozen=True)
class PublishedTable:
    """One table that readers see."""

    schema: str
    table: str
    rows: int
    files: int
    bytes: int
    written: int  # files that had changed


@dataclass(frozen=True)
class _File:
    """One file as it should be."""

    fields: Gold
    relation: str
    condition: str
    order: str
    rows: int
    fingerprint: str


def publish_gold(
    lake: Lake, connection: duckdb.DuckDBPyConnection, database: str, schema: str, work: Path
) -> list[PublishedTable]:
    """Bring the files of one schema up to its tables.

    Killed at any point it leaves whole files, and the next call puts right what is missing.

    Args:
        lake: Where the files go.
        connection: A DuckDB session with the warehouse attached.
        database: The name it is attached by.
        schema: The schema; views and tables named `stg_…` or `int_…` are not for readers.
        work: A local folder for files on their way.
    """
    wanted = {
        file.fields.key: file
        for table in reader_tables(connection, database, schema)
        for file in _files(connection, database, schema, table)
    }
    manifest_key = f"gold/{schema}/_manifest.json"
    present = {entry.key: entry.size for entry in lake.find(f"gold/{schema}", ".parquet")}
    known = _read_manifest(lake, manifest_key)
    kept = {
        key: known[key]
        for key, file in wanted.items()
        if key in known and known[key]["fingerprint"] == file.fingerprint and known[key]["bytes"] == present.get(key)
    }
    changed = sorted(wanted.keys() - kept.keys())
    gone = sorted(key for key in present.keys() - wanted.keys() if _is_gold(key))
    if changed or gone or known.keys() - wanted.keys():
        # First forget what is about to change: a manifest that outlives a kill must not vouch for other content.
        _write_manifest(lake, manifest_key, kept)
        for key in gone:
            lake.delete(key)
        entries = dict(kept)
        for key in changed:
            entries[key] = _write(lake, connection, wanted[key], work)
        _write_manifest(lake, manifest_key, entries)
    else:
        entries = kept
    return _summary(schema, wanted, entries, set(changed))


def reader_tables(connection: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    """Tables and views that readers are meant to see."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = $1 AND schema_name = $2 UNION ALL "
        "SELECT view_name FROM duckdb_views() WHERE database_name = $1 AND schema_name = $2 ORDER BY 1",
        [database, schema],
    ).fetchall()
    return [name for (name,) in rows if not name.startswith(_NOT_FOR_READERS) and "__dbt_" not in name]


def _files(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> list[_File]:
    relation = ".".join(quote_identifier(part) for part in (database, schema, table))
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index",
        [database, schema, table],
    ).fetchall()
    shape = json.dumps(columns)
    day_column = next((name for name in _DAY_COLUMNS if (name, "DATE") in columns), None)
    names = {name for name, _ in columns}
    order = ", ".join(quote_identifier(name) for name in _ORDER if name in names) or "ALL"
    # A sum of hashes is the same in any order of rows, and unlike xor it sees a pair of equal rows.
    measures = f"count(*), coalesce(sum(hash({', '.join(f't.{quote_identifier(name)}' for name, _ in columns)})), 0)"
    if day_column is None:
        rows, digest = connection.execute(f"SELECT {measures} FROM {relation} t").fetchone() or (0, 0)
        return [_File(Gold(schema, table), relation, "true", order, rows, f"{rows}:{digest}:{shape}")]
    months = connection.execute(
        f"SELECT date_trunc('month', {day_column})::DATE AS month, {measures} FROM {relation} t GROUP BY 1 ORDER BY 1"
    ).fetchall()
    result = []
    # An empty table has a file, too: engines learn its columns from it.
    for month, rows, digest in months or [(None, 0, 0)]:
        if month is None:
            value, condition = _NO_MONTH, f"{day_column} IS NULL"
        else:
            value = f"{month:%Y-%m}"
            condition = f"{day_column} >= DATE '{month}' AND {day_column} < DATE '{month}' + INTERVAL 1 MONTH"
        fields = Gold(schema, table, ("month", value))
        result.append(_File(fields, relation, condition, order, rows, f"{rows}:{digest}:{shape}"))
    return result


def _write(lake: Lake, connection: duckdb.DuckDBPyConnection, file: _File, work: Path) -> dict[str, Any]:
    path = work / "gold.parquet"
    connection.execute(
        f"COPY (SELECT * FROM {file.relation} WHERE {file.condition} ORDER BY {file.order}) "
        f"TO {quote_literal(path)} (FORMAT parquet, COMPRESSION zstd)"
    )
    try:
        lake.put_file(file.fields.key, path)
        return {"rows": file.rows, "bytes": path.stat().st_size, "fingerprint": file.fingerprint}
    finally:
        path.unlink(missing_ok=True)


def _is_gold(key: str) -> bool:
    try:
        return isinstance(parse(key), Gold)
    except LakeKeyError:
        return False  # somebody else's


def _read_manifest(lake: Lake, key: str) -> dict[str, dict[str, Any]]:
    try:
        manifest = json.loads(lake.get(key))
    except LakeKeyError:
        return {}
    if manifest.get("version") != _MANIFEST_VERSION or manifest.get("engine") != duckdb.__version__:
        return {}  # another engine's hashes say nothing
    files: dict[str, dict[str, Any]] = manifest["files"]
    return files


def _write_manifest(lake: Lake, key: str, files: dict[str, dict[str, Any]]) -> None:
    manifest = {"version": _MANIFEST_VERSION, "engine": duckdb.__version__, "files": dict(sorted(files.items()))}
    lake.put(key, json.dumps(manifest, indent=1).encode())


def _summary(
    schema: str, wanted: dict[str, _File], entries: dict[str, dict[str, Any]], changed: set[str]
) -> list[PublishedTable]:
    tables: dict[str, list[str]] = {}
    for key, file in wanted.items():
        tables.setdefault(file.fields.table, []).append(key)
    return [
        PublishedTable(
            schema=schema,
            table=table,
            rows=sum(entries[key]["rows"] for key in keys),
            files=len(keys),
            bytes=sum(entries[key]["bytes"] for key in keys),
            written=len(changed.intersection(keys)),
        )
        for table, keys in tables.items()
    ]
