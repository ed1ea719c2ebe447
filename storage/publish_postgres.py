"""The published copy in PostgreSQL, for tools that speak nothing else: staged, then swapped in all at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from gondola.errors import LakeKeyError, WarehouseUnavailableError
from storage.duck import quote_identifier
from storage.gold import reader_tables
from storage.postgres import POSTGRES_CATALOG, Postgres
from storage.publish import CATALOG, open_published, published_version

__all__ = ["PostgresPublish", "publish_postgres"]

_SCHEMA = "gondola"  # where what we put there is written down
_LEDGER = sql.SQL("gondola.published_tables")
_STAGE = "__gondola_stage"  # a schema for tables on their way
_LOCK = 0x60D0_1A  # any number; one publish at a time holds it
# Shorter than the second after which PostgreSQL looks for deadlocks: whoever is in the way of whom, we are the one that
# lets go, and no reader gets an error or waits longer than this.
_LOCK_TIMEOUT = "300ms"
_ATTEMPTS = 100
_REST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PostgresPublish:
    """What was put there."""

    version: str
    database: str  # without the password
    tables: dict[str, int]  # rows by schema.table
    removed: tuple[str, ...]  # tables of earlier versions that are no more


def publish_postgres(warehouse: Path, postgres: Postgres) -> PostgresPublish:
    """Copy every table that readers see; killed at any point and run again it ends right.

    Readers go on with the version before until all tables are there; then all change in one transaction, and keep who
    may read them.

    Args:
        warehouse: The DuckDB file of the build, whose published copy is read.
        postgres: Where the tables go.

    Raises:
        LakeKeyError: Nothing was published, or a table of that name is not ours to replace.
        WarehouseUnavailableError: PostgreSQL does not answer, refuses, or is in use by another publish.
    """
    version = published_version(warehouse)
    with open_published(warehouse, version=version) as duck, postgres.connect(autocommit=True) as connection:
        try:
            if not _one(connection, "select pg_try_advisory_lock(%s)", _LOCK):
                message = f"{postgres.name}: another publish is running; wait for its end"
                raise WarehouseUnavailableError(message)
            _prepare(connection)
            wanted = _tables(duck)
            _refuse_others(connection, wanted, postgres)
            postgres.attach(duck)
            rows = {f"{schema}.{table}": _stage(duck, connection, schema, table) for schema, table in wanted}
            removed = _swap_patiently(connection, wanted, version or "")
        except (psycopg.Error, duckdb.Error) as error:
            message = f"{postgres.name}: the tables can't be published: {postgres.redact(error)}"
            raise WarehouseUnavailableError(message) from None
    return PostgresPublish(version or "", postgres.name, rows, removed)


def _tables(duck: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    schemas = duck.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND NOT internal ORDER BY 1", [CATALOG]
    ).fetchall()
    return [(schema, table) for (schema,) in schemas for table in reader_tables(duck, CATALOG, schema)]


def _prepare(connection: psycopg.Connection) -> None:
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(_SCHEMA)))
    connection.execute(
        sql.SQL(
            "create table if not exists {} (schema_name text, table_name text, version text, published_at timestamptz, "
            "primary key (schema_name, table_name))"
        ).format(_LEDGER)
    )
    # What a killed publish left.
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(_STAGE)))
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(_STAGE)))


def _refuse_others(connection: psycopg.Connection, wanted: list[tuple[str, str]], postgres: Postgres) -> None:
    for schema, table in wanted:
        known = connection.execute(
            sql.SQL(
                "select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and "
                "c.relname = %s and not exists (select from {} where schema_name = %s and table_name = %s)"
            ).format(_LEDGER),
            (schema, table, schema, table),
        ).fetchone()
        if known:
            message = (
                f"{postgres.name} has a {schema}.{table} that was not published from here; give the copy a database of "
                "its own, or rename that one"
            )
            raise LakeKeyError(message)


def _stage(duck: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, table: str) -> int:
    relation = ".".join(quote_identifier(part) for part in (CATALOG, schema, table))
    columns = ", ".join(
        # PostgreSQL's text holds no NUL, which a shop's name may.
        f"replace({quoted}, chr(0), '') AS {quoted}" if kind == "VARCHAR" else quoted
        for name, kind, *_ in duck.execute(f"DESCRIBE {relation}").fetchall()
        for quoted in [quote_identifier(name)]
    )
    name = f"{schema}.{table}"
    target = ".".join(quote_identifier(part) for part in (POSTGRES_CATALOG, _STAGE, name))
    written = duck.execute(f"CREATE TABLE {target} AS SELECT {columns} FROM {relation}").fetchone()
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(_STAGE, name)))
    return int(written[0]) if written else 0


def _swap_patiently(connection: psycopg.Connection, wanted: list[tuple[str, str]], version: str) -> tuple[str, ...]:
    for attempt in range(1, _ATTEMPTS + 1):
        # A query takes its tables one after the other: only an order that begins like its own waits for its end.
        turn = attempt % max(len(wanted), 1)
        try:
            with connection.transaction():
                _lock(connection, [*wanted[turn:], *wanted[:turn]])
                return _swap(connection, wanted, version)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == _ATTEMPTS:
                raise
            time.sleep(_REST_SECONDS)
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _lock(connection: psycopg.Connection, tables: list[tuple[str, str]]) -> None:
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    for schema, table in tables:
        if _one(connection, "select to_regclass(%s)", f"{quote_identifier(schema)}.{quote_identifier(table)}"):
            connection.execute(sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier(schema, table)))


def _swap(connection: psycopg.Connection, wanted: list[tuple[str, str]], version: str) -> tuple[str, ...]:
    known = set(connection.execute(sql.SQL("select schema_name, table_name from {}").format(_LEDGER)).fetchall())
    for schema, table in wanted:
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        grants = _grants(connection, schema, table)
        old, staged = sql.Identifier(schema, table), sql.Identifier(_STAGE, f"{schema}.{table}")
        connection.execute(sql.SQL("drop table if exists {}").format(old))  # not its views: they are somebody's
        connection.execute(sql.SQL("alter table {} rename to {}").format(staged, sql.Identifier(table)))
        moved = sql.Identifier(_STAGE, table)
        connection.execute(sql.SQL("alter table {} set schema {}").format(moved, sql.Identifier(schema)))
        for grant in grants:
            connection.execute(grant)
    gone = sorted(known - set(wanted))
    for schema, table in gone:
        connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(schema, table)))
    connection.execute(sql.SQL("delete from {}").format(_LEDGER))
    with connection.cursor() as cursor:
        cursor.executemany(
            sql.SQL("insert into {} values (%s, %s, %s, now())").format(_LEDGER),
            [(schema, table, version) for schema, table in wanted],
        )
    connection.execute(sql.SQL("drop schema {}").format(sql.Identifier(_STAGE)))
    return tuple(f"{schema}.{table}" for schema, table in gone)


def _grants(connection: psycopg.Connection, schema: str, table: str) -> list[sql.Composed]:
    """Who may do what with the table that goes, so that the one that comes allows the same."""
    rows = connection.execute(
        "select case when a.grantee = 0 then null else pg_get_userbyid(a.grantee) end, a.privilege_type "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a "
        "where n.nspname = %s and c.relname = %s and a.grantee <> c.relowner",
        (schema, table),
    ).fetchall()
    return [
        sql.SQL("grant {} on {} to {}").format(
            sql.SQL(privilege),
            sql.Identifier(schema, table),
            sql.SQL("public") if grantee is None else sql.Identifier(grantee),
        )
        for grantee, privilege in rows
    ]


def _one(connection: psycopg.Connection, statement: str, *values: object) -> object:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None
