"""A whole table as a file: written beside its place, then moved there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa

from gondola.errors import ConfigurationError, LakeUnavailableError, UnknownNameError
from gondola.serving.reports.book import Book, Column, Kind
from gondola.serving.reports.texts import PlainTexts
from gondola.settings import Settings
from gondola.yaml_files import hint
from storage.duck import quote_identifier, quote_literal
from storage.lake import Lake
from storage.open_lake import open_lake
from storage.publish import open_published

__all__ = ["ExportFormat", "Exported", "encode_sheet", "export_table"]

_MOST_SHEET_ROWS = 1_048_575  # and the head
_LONGEST_NAME = 31  # of a sheet
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")


class ExportFormat(StrEnum):
    """Forms of a file."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    table: str
    path: Path
    rows: int
    bytes: int


def export_table(settings: Settings, table: str, path: Path, form: ExportFormat, *, lake: bool = False) -> Exported:
    """Write a table of the published copy to a file.

    Args:
        settings: Name the warehouse, or the lake.
        table: Its name, with its schema where several have it: `market.dim_products`.
        path: The file; an earlier one is replaced once the new one is whole.
        form: Its form. Decimals are text in JSON, so that money stays exact.
        lake: Read the lake's files instead.

    Raises:
        UnknownNameError: There is no such table, or several.
        ConfigurationError: The table is too long for a sheet, or the file can't be written.
    """
    connection = open_lake(Lake.open(settings.lake)) if lake else open_published(settings.warehouse)
    with connection:
        schema, name = _find(connection, table)
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = _write(connection, schema, name, partial, form)
            size = partial.stat().st_size
            partial.replace(path)
        except OSError as error:
            message = f"{path} can't be written: {error.strerror or error}"
            raise ConfigurationError(message) from error
        except duckdb.IOException as error:
            message = f"{schema}.{name} can't be written to {path}: {error}"
            raise LakeUnavailableError(message) from error
        finally:
            with suppress(OSError):
                partial.unlink()
    return Exported(f"{schema}.{name}", path, rows, size)


def encode_sheet(table: pa.Table, title: str) -> bytes:
    """Rows as a workbook of one sheet, which opens ready for use: filter, head in sight, real numbers and dates.

    Args:
        table: The rows; more than a sheet holds are left out.
        title: What the sheet is called; signs that Excel does not allow are left out.
    """
    rows = table.slice(0, _MOST_SHEET_ROWS)
    name = _NOT_IN_NAMES.sub("", title)[:_LONGEST_NAME] or "Gondola"
    columns = [Column(field.name, _kind(field.type)) for field in rows.schema]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        with Book(path, PlainTexts()) as book, book.sheet(name) as sheet:
            sheet.table(columns, rows.to_batches(max_chunksize=10_000), main=True)
        return path.read_bytes()


def _find(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, str]:
    rows = connection.execute(
        "SELECT schema_name, table_name FROM (SELECT schema_name, table_name, internal, database_name FROM "
        "duckdb_tables() UNION ALL SELECT schema_name, view_name, internal, database_name FROM duckdb_views()) "
        "WHERE NOT internal AND database_name = current_database() ORDER BY ALL"
    ).fetchall()
    known = [f"{schema}.{name}" for schema, name in rows]
    found = [(schema, name) for schema, name in rows if table in {name, f"{schema}.{name}"}]
    if len(found) > 1:
        message = f"there are several tables {table!r}: {', '.join(f'{schema}.{name}' for schema, name in found)}"
        raise UnknownNameError(message)
    if not found:
        message = f"no table {table!r}; {hint(table, known)}"
        raise UnknownNameError(message)
    return found[0]


def _write(connection: duckdb.DuckDBPyConnection, schema: str, name: str, path: Path, form: ExportFormat) -> int:
    relation = f"{quote_identifier(schema)}.{quote_identifier(name)}"
    if form is ExportFormat.XLSX:
        return _write_sheet(connection, relation, name, path)
    select, options = f"SELECT * FROM {relation}", {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet"}.get(form)
    if options is None:
        columns = connection.execute(f"DESCRIBE {relation}").fetchall()
        chosen = ", ".join(
            f"CAST({quote_identifier(column)} AS VARCHAR) AS {quote_identifier(column)}"
            if kind.startswith("DECIMAL")
            else quote_identifier(column)
            for column, kind, *_ in columns
        )
        select, options = f"SELECT {chosen} FROM {relation}", "FORMAT json, ARRAY true"
    elif form is ExportFormat.PARQUET:
        options += ", COMPRESSION zstd"
    written = connection.execute(f"COPY ({select}) TO {quote_literal(path)} ({options})").fetchone()
    return int(written[0]) if written else 0


def _write_sheet(connection: duckdb.DuckDBPyConnection, relation: str, name: str, path: Path) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {relation}").fetchone() or (0,)
    if rows > _MOST_SHEET_ROWS:
        message = f"{relation} has {rows:,} rows, a sheet {_MOST_SHEET_ROWS:,}: take csv or parquet, or `gondola query`"
        raise ConfigurationError(message)
    reader = connection.execute(f"SELECT * FROM {relation}").to_arrow_reader(10_000)
    columns = [Column(field.name, _kind(field.type)) for field in reader.schema]
    texts = PlainTexts()
    with Book(path, texts) as book, book.sheet(name[:31]) as sheet:
        sheet.table(columns, _batches(reader), main=True)
    return int(rows)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    yield from reader


def _kind(kind: pa.DataType) -> Kind:
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_integer(kind):
        return "number"
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return "decimal"
    if pa.types.is_date(kind):
        return "date"
    return "moment" if pa.types.is_timestamp(kind) else "text"
