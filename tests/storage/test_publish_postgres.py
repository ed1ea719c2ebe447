"""The published copy on a real PostgreSQL: whole, typed, all at once, and by nobody but us."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest
from pydantic import SecretStr

from gondola.errors import LakeKeyError, WarehouseUnavailableError
from gondola.settings import Settings
from storage import publish_postgres as publishing
from storage.lake import Lake
from storage.postgres import Postgres
from storage.publish import publish
from storage.publish_postgres import publish_postgres
from tests.postgres import find_postgres, postgres_server

ROWS = 3000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = find_postgres()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with postgres_server(programs) as url:
        yield url.replace("+asyncpg", "")


@pytest.fixture
def postgres(server: str, request: pytest.FixtureRequest) -> Postgres:
    """A database of the test's own."""
    name = f"t{abs(hash(request.node.name))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return Postgres.of(Settings(postgres_url=SecretStr(server.rpartition("/")[0] + "/" + name)))


def release(home: Path, number: int, extra: str = "") -> Path:
    """Publish a version whose every table says its number."""
    warehouse = home / "gondola.duckdb"
    warehouse.unlink(missing_ok=True)
    (home / "lake").mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            attach '{warehouse}' as gondola; use gondola; create schema market; create schema shared;
            create table market.fct as select {number} as version, i::bigint as id, (i / 100)::decimal(18, 4) as price,
                date '2026-02-05' as day, timestamptz '2026-02-05 12:00:00-03' as seen_at, i % 2 = 0 as is_available,
                case when i = 7 then null else 'Açaí ' || chr(0) || i end as "Name of it", 0.5::double as share,
                ['a', 'b'] as tags
            from range({ROWS}) t (i);
            create view market.changes as select version, count(*) as n from market.fct group by 1;
            create table market.int_hidden as select 1 as i;
            create table shared.dim_date as select {number} as version; {extra}
            """
        )
    publish(Lake.open(str(home / "lake")), warehouse, schemas=[], keep=2, version=f"v{number}")
    return warehouse


def test_tables_arrive_whole_with_their_types(tmp_path: Path, postgres: Postgres) -> None:
    made = publish_postgres(release(tmp_path, 1), postgres)
    assert made.tables == {"market.changes": 1, "market.fct": ROWS, "shared.dim_date": 1}
    assert (made.version, made.removed) == ("v1", ())
    with postgres.connect() as connection:
        types = connection.execute(
            "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a where attrelid = "
            "'market.fct'::regclass and attnum > 0 order by attnum"
        ).fetchall()
        row = connection.execute("select * from market.fct where id = 7").fetchone()
        name = connection.execute('select "Name of it" from market.fct where id = 8').fetchone()
        instant = connection.execute("select distinct seen_at at time zone 'UTC' from market.fct").fetchone()
        left = connection.execute("select count(*) from pg_namespace where nspname like '%stage%'").fetchone()
    assert types == [
        ("version", "integer"),
        ("id", "bigint"),
        ("price", "numeric(18,4)"),
        ("day", "date"),
        ("seen_at", "timestamp with time zone"),
        ("is_available", "boolean"),
        ("Name of it", "character varying"),
        ("share", "double precision"),
        ("tags", "character varying[]"),
    ]
    assert row is not None
    assert (row[2], row[5], row[6], row[8]) == (Decimal("0.0700"), False, None, ["a", "b"])
    assert (name, str(instant[0]) if instant else None) == (("Açaí 8",), "2026-02-05 15:00:00")
    assert left == (0,)


def test_the_next_version_replaces_all_and_keeps_who_may_read(tmp_path: Path, postgres: Postgres) -> None:
    publish_postgres(release(tmp_path, 1, "create table market.old as select 1 as i;"), postgres)
    with postgres.connect(autocommit=True) as connection:
        connection.execute("drop role if exists analyst; create role analyst")
        connection.execute("grant select on market.fct to analyst; grant select on shared.dim_date to public")
    made = publish_postgres(release(tmp_path, 2), postgres)
    assert made.removed == ("market.old",)
    publish_postgres(tmp_path / "gondola.duckdb", postgres)  # again is harmless
    with postgres.connect() as connection:
        granted = connection.execute(
            "select has_table_privilege('analyst', 'market.fct', 'select'), "
            "has_table_privilege('analyst', 'market.fct', 'delete'), "
            "has_table_privilege('analyst', 'shared.dim_date', 'select'), "
            "has_table_privilege('analyst', 'market.changes', 'select'), to_regclass('market.old')"
        ).fetchone()
        versions = connection.execute("select distinct version from gondola.published_tables").fetchall()
        owner_and_role = connection.execute("select distinct version from market.fct").fetchall()
    assert granted == (True, False, True, False, None)
    assert (versions, owner_and_role) == ([("v2",)], [(2,)])
    with postgres.connect(autocommit=True) as connection:
        connection.execute("drop owned by analyst; drop role analyst")


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_readers_never_see_two_versions(tmp_path: Path, postgres: Postgres) -> None:
    publish_postgres(release(tmp_path, 1), postgres)
    stop, seen = threading.Event(), set()

    def read() -> None:
        with postgres.connect(autocommit=True) as connection:
            while not stop.is_set():
                row = connection.execute(
                    "select min(f.version), max(f.version), count(*), max(d.version), max(c.version) "
                    "from market.fct f, shared.dim_date d, market.changes c"
                ).fetchone()
                seen.add(row)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in (2, 3, 4):
        publish_postgres(release(tmp_path, number), postgres)
    stop.set()
    for reader in readers:
        reader.join()
    assert {row for row in seen if row} <= {(n, n, ROWS, n, n) for n in range(1, 5)}
    assert len(seen) > 1


def test_a_publish_that_breaks_off_leaves_the_last_version(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_postgres(release(tmp_path, 1), postgres)
    whole = publishing._stage
    staged: list[str] = []

    def break_off(duck: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, table: str) -> int:
        if staged:
            raise KeyboardInterrupt
        staged.append(table)
        return whole(duck, connection, schema, table)

    monkeypatch.setattr(publishing, "_stage", break_off)
    warehouse = release(tmp_path, 2)
    with pytest.raises(KeyboardInterrupt):
        publish_postgres(warehouse, postgres)
    monkeypatch.undo()
    with postgres.connect() as connection:
        assert connection.execute("select distinct version from market.fct").fetchall() == [(1,)]
    publish_postgres(warehouse, postgres)
    with postgres.connect() as connection:
        assert connection.execute("select distinct version from market.fct").fetchall() == [(2,)]


def test_what_is_not_ours_is_left_alone(tmp_path: Path, postgres: Postgres) -> None:
    with postgres.connect(autocommit=True) as connection:
        connection.execute("create schema market; create table market.fct as select 'theirs' as whose")
    warehouse = release(tmp_path, 1)
    with pytest.raises(LakeKeyError, match=r"market\.fct that was not published from here"):
        publish_postgres(warehouse, postgres)
    with postgres.connect(autocommit=True) as connection:
        assert connection.execute("select whose from market.fct").fetchall() == [("theirs",)]
        connection.execute("drop table market.fct")
    publish_postgres(warehouse, postgres)
    with postgres.connect(autocommit=True) as connection:
        connection.execute("create view public.mine as select id from market.fct")
    with pytest.raises(WarehouseUnavailableError, match="view mine depends"):
        publish_postgres(release(tmp_path, 2), postgres)
    with postgres.connect() as connection:
        assert connection.execute("select count(*) from public.mine").fetchone() == (ROWS,)


def test_two_at_once_and_a_long_reader(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_ATTEMPTS", 3)
    warehouse = release(tmp_path, 1)
    publish_postgres(warehouse, postgres)
    with postgres.connect() as other:
        other.execute("select pg_advisory_lock(%s)", (publishing._LOCK,))
        with pytest.raises(WarehouseUnavailableError, match="another publish is running"):
            publish_postgres(warehouse, postgres)
    with postgres.connect() as reader:
        reader.execute("select * from market.fct limit 1")  # its transaction holds the table
        with pytest.raises(WarehouseUnavailableError, match="lock timeout"):
            publish_postgres(release(tmp_path, 2), postgres)
    publish_postgres(warehouse, postgres)


def test_nothing_published_is_said(tmp_path: Path, postgres: Postgres) -> None:
    with pytest.raises(LakeKeyError, match="nothing is published"):
        publish_postgres(tmp_path / "gondola.duckdb", postgres)
