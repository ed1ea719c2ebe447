"""Whether two Parquet files hold the same rows, whatever their order, row groups and compression."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from storage.duck import quote_identifier, quote_literal

__all__ = ["RAW", "RunDigest", "digest_runs"]

RAW = "raw"  # the one column of bronze that silver does without


@dataclass(frozen=True)
class RunDigest:
    """The rows of one run, without their order."""

    rows: int
    typed: str  # over all columns but `raw`
    whole: str  # over all columns


def digest_runs(connection: duckdb.DuckDBPyConnection, urls: Sequence[str]) -> dict[str, RunDigest]:
    """Digest the rows of Parquet files, run by run.

    MD5 over a written-out row, not DuckDB's own `hash`: a digest is asked for again years later, of another version.
    The digests of rows are summed, so a row that is there twice counts twice.

    Args:
        connection: A session that can read the files.
        urls: The files; all have the same columns.

    Returns:
        A digest for each `run_id`.
    """
    # Each file is read once: a cache of it would take the memory of whoever called.
    connection.execute("SET enable_external_file_cache = false")
    source = f"read_parquet([{', '.join(map(quote_literal, urls))}], hive_partitioning = false)"
    columns = {str(name): str(kind) for name, kind, *_ in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    typed = {name: kind for name, kind in sorted(columns.items()) if name != RAW}
    row = ", ".join(_text(name, kind) for name, kind in typed.items())
    raw = f"md5({quote_identifier(RAW)})" if RAW in columns else "NULL"
    sums = ", ".join(
        f"sum(md5_number_{half}({text}))::VARCHAR" for text in ("typed", "whole") for half in ("lower", "upper")
    )
    found = connection.execute(
        f"SELECT run_id, count(*), {sums} FROM (SELECT run_id, concat({row}) AS typed, concat(typed, {raw}) AS whole "
        f"FROM {source}) GROUP BY run_id"
    ).fetchall()
    return {
        str(run): RunDigest(rows, _digest(typed, rows, sums[:2]), _digest(columns, rows, sums[2:]))
        for run, rows, *sums in found
    }


def _text(name: str, kind: str) -> str:
    # The length before the text keeps neighbours apart, and null is not the empty text.
    column = quote_identifier(name)
    value = f"epoch_us({column})::VARCHAR" if kind == "TIMESTAMP WITH TIME ZONE" else f"{column}::VARCHAR"
    return f"coalesce(concat(strlen({value}), ':', {value}), '-')"


def _digest(columns: dict[str, str], rows: int, sums: Sequence[str]) -> str:
    return hashlib.sha256("|".join([*sorted(columns), str(rows), *sums]).encode()).hexdigest()
