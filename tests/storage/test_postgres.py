"""The PostgreSQL target: it is reached both ways, and its password is in no message."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from pydantic import SecretStr

from gondola.errors import ConfigurationError, UnknownNameError, WarehouseUnavailableError
from gondola.settings import Settings
from storage.postgres import Postgres
from tasks.targets import check_target
from tests.postgres import find_postgres, postgres_server

SECRET = "p@ss/w:rd-9917"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = find_postgres()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with postgres_server(programs) as url:
        yield url.replace("+asyncpg", "")


def at(url: str) -> Postgres:
    return Postgres.of(Settings(postgres_url=SecretStr(url)))


def test_psycopg_and_duckdb_reach_the_same_database(server: str) -> None:
    postgres = at(server)
    with postgres.connect() as connection:
        connection.execute("create table seen (n integer, seen_at timestamptz)")
        connection.execute("insert into seen values (1, '2026-02-05 12:00-03')")
    with duckdb.connect() as duck:
        postgres.attach(duck)
        duck.execute("insert into pg.public.seen select 2, timestamptz '2026-02-05 15:00:00+00'")
        assert duck.sql("select n, epoch(seen_at) from pg.public.seen order by n").fetchall() == [
            (1, 1770303600.0),
            (2, 1770303600.0),
        ]
    with postgres.connect() as connection:
        assert connection.execute("select count(*), current_setting('timezone') from seen").fetchone() == (2, "UTC")


@pytest.mark.parametrize("how", ["connect", "attach"])
def test_no_message_holds_the_password(server: str, how: str) -> None:
    quoted = "p%40ss%2Fw%3Ard-9917"
    tail = server.rpartition("@")[2]
    for address in (
        f"postgresql://gondola:{quoted}@{tail}",  # wrong
        f"host=127.0.0.1 port=1 user=gondola dbname=postgres password={SECRET}",  # nobody there
    ):
        postgres = at(address)
        with duckdb.connect() as duck, pytest.raises(WarehouseUnavailableError) as raised:
            postgres.connect() if how == "connect" else postgres.attach(duck)
        said = f"{raised.value} {raised.value!r} {postgres!r}"
        assert SECRET not in said
        assert quoted not in said
        assert raised.value.__cause__ is None
        assert "postgresql://gondola@127.0.0.1" in str(raised.value)


def test_what_is_no_address_says_so_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError, match="needs GONDOLA_POSTGRES_URL"):
        Postgres.of(Settings(postgres_url=None))
    with pytest.raises(ConfigurationError, match="is no address") as raised:
        at(f"postgres@{SECRET}")
    assert SECRET not in str(raised.value)


def test_a_target_builds_what_it_can_and_names_what_it_can_not() -> None:
    assert check_target(Settings(target="duckdb"), ["market", "events"]).publishes
    assert not check_target(Settings(target="postgres"), ["retail_sales"]).publishes
    with pytest.raises(ConfigurationError, match=r"market, events can't be built on the target postgres"):
        check_target(Settings(target="postgres"), ["market", "events", "retail_sales"])
    with pytest.raises(UnknownNameError, match="'oracle'; GONDOLA_TARGET may be: duckdb, postgres"):
        check_target(Settings(target="oracle"), ["market"])
