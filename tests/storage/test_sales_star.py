"""The star schema as a function of the lake: in any order, twice, corrected or killed half-way, on both engines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pydantic import SecretStr

from gondola import clock
from gondola.errors import DataContractError, WarehouseUnavailableError
from gondola.settings import Settings
from storage import sales_star
from storage.engines import DuckEngine, Engine, PostgresEngine
from storage.postgres import Postgres
from storage.sales_star import DayInput, RetailerInfo, load_day
from storage.sales_tables import DATES, DIMENSIONS, FACT, LOADS, create_tables
from tasks.retail_sales import load_star
from tests.postgres import find_postgres, postgres_server
from tests.sales_lake import FIRST_DAY, write_sales

TABLES = (DATES, *DIMENSIONS, FACT, LOADS)
RETAILERS = {"big": RetailerInfo("big", "Big", "America/Sao_Paulo", "BRL")}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = find_postgres()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with postgres_server(programs) as url:
        yield url.replace("+asyncpg", "")


@pytest.fixture
def database(server: str, tmp_path: Path) -> str:
    """An empty database of the test's own."""
    name = f"t{abs(hash(tmp_path)) % 10**9}"
    with Postgres.of(Settings(postgres_url=SecretStr(server))).connect(autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    return server.rpartition("/")[0] + f"/{name}"


def settings_of(home: Path, database: str | None = None) -> Settings:
    return Settings(
        lake=str(home / "lake"),
        warehouse=home / "warehouse" / "gondola.duckdb",
        spool=home / "spool",
        target="postgres" if database else "duckdb",
        postgres_url=SecretStr(database) if database else None,
    )


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return settings_of(tmp_path, request.getfixturevalue("database") if request.param == "postgres" else None)


def engine_of(settings: Settings) -> DuckEngine | PostgresEngine:
    if settings.target == "duckdb":
        return DuckEngine(settings.warehouse, settings.lake)
    return PostgresEngine(Postgres.of(settings), settings.lake)


def contents(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, without the moment of the load."""
    with engine_of(settings) as engine:
        return {
            table.name: sorted(
                engine.rows(
                    f"select {', '.join(name for name in table.columns if name != 'loaded_at')} from {table.full_name}"
                ),
                key=repr,
            )
            for table in TABLES
        }


def totals(settings: Settings) -> list[tuple[Any, ...]]:
    with engine_of(settings) as engine:
        return engine.rows(
            "select business_date, count(*), sum(quantity), sum(total_amount) from retail_sales.fact_sales "
            "group by 1 order by 1"
        )


def lines_of(home: Path, days: list[date]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.sql(
            "select business_date, count(distinct (transaction_id, product_id)), sum(quantity), sum(total_amount) "
            f"from '{home}/lake/silver/**/*.parquet' group by 1 order by 1"
        ).fetchall()


def test_both_engines_hold_the_same_rows_and_a_second_load_changes_none(tmp_path: Path, database: str) -> None:
    days = write_sales(tmp_path / "lake", days=3, rows_a_day=5_000)
    duck, postgres = settings_of(tmp_path), settings_of(tmp_path, database)
    for settings in (duck, postgres):
        assert [one.added for one in load_star(settings)] == [5_000] * 3
        assert totals(settings) == lines_of(tmp_path, days)
        assert load_star(settings) == []
    rows = contents(duck)
    assert rows == contents(postgres)
    assert {name: len(found) for name, found in rows.items() if name in {"dim_date", "fact_sales", "day_loads"}} == {
        "dim_date": 365,
        "fact_sales": 15_000,
        "day_loads": 3,
    }
    with PostgresEngine(Postgres.of(postgres), postgres.lake) as engine:
        partitions = engine.rows("select relid::text from pg_partition_tree('retail_sales.fact_sales') order by 1")
        assert ("retail_sales.fact_sales_2026_01",) in partitions
        keys = engine.rows(
            "select contype, count(*) from pg_constraint where conrelid = 'retail_sales.fact_sales'::regclass "
            "and contype in ('p', 'f') group by 1 order by 1"
        )
        assert [(str(kind), count) for kind, count in keys] == [("f", 5), ("p", 1)]


def test_a_year_and_a_month_end_get_their_partitions(database: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, database)
    with engine_of(settings) as engine:
        create_tables(engine)
        for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 28)):
            sales_star.make_room(engine, day)
        found = engine.rows("select count(*) from pg_partition_tree('retail_sales.fact_sales') where level = 1")
    assert found == [(3,)]


LINE: dict[str, Any] = {
    "retailer": "big", "transaction_id": "T1", "line_number": 1, "sold_at": "2026-01-20T12:00:00+00:00",
    "business_date": FIRST_DAY, "store_id": "s", "store_name": "Loja", "store_city": None, "store_state": None,
    "customer_id": None, "customer_tier": None, "product_id": "p", "product_name": "Old", "brand": None,
    "category": "X", "barcode": None, "gtin": None, "gtin_status": "missing", "quantity": Decimal(2),
    "unit_price": Decimal(3), "total_amount": Decimal(6), "currency": "BRL",
    "fetched_at": "2026-01-21T05:00:00+00:00", "run_id": "r1",
}  # fmt: skip


class Lines:
    """Fetches of days, loaded one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.files: dict[date, list[Path]] = {}
        self.folder = settings.warehouse.parent
        self.folder.mkdir(parents=True, exist_ok=True)

    def fetch(self, *lines: dict[str, Any], day: date = FIRST_DAY) -> None:
        path = self.folder / f"{day}-{len(self.files.get(day, []))}.parquet"
        rows = [LINE | {"business_date": day} | line for line in lines]
        with duckdb.connect() as connection:
            fetched = pa.Table.from_pylist(rows)  # noqa: F841 - DuckDB finds it
            connection.execute(
                "copy (select * replace (sold_at::timestamptz as sold_at, fetched_at::timestamptz as fetched_at, "
                "store_city::text as store_city, "
                "store_id::text as store_id, customer_id::text as customer_id, line_number::int as line_number, "
                "quantity::decimal(14,3) as quantity, unit_price::decimal(18,4) as unit_price, "
                f"total_amount::decimal(18,2) as total_amount) from fetched) to '{path}'"
            )
        self.files.setdefault(day, []).append(path)

    def load(self, day: date = FIRST_DAY) -> tuple[int, int, int]:
        files = tuple(str(path) for path in self.files.get(day, []))
        with engine_of(self.settings) as engine:
            create_tables(engine)
            done = load_day(engine, DayInput(day, files, {"big": "complete"}, str(files)), RETAILERS, now=clock.now())
        return done.rows, done.added, done.removed

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with engine_of(self.settings) as engine:
            return engine.rows(sql)


def test_a_line_counts_once_and_its_last_word_counts(settings: Settings) -> None:
    lines = Lines(settings)
    lines.fetch(
        {"line_number": 1},
        {"line_number": 2, "quantity": Decimal(1), "unit_price": Decimal(5), "total_amount": Decimal(5)},
        {"line_number": 3, "product_id": "q"},
    )
    assert lines.load() == (2, 2, 0)
    merged = "select quantity, unit_price, total_amount from retail_sales.fact_sales order by total_amount desc"
    assert lines.rows(merged) == [(Decimal(3), Decimal("3.6667"), Decimal(11)), (Decimal(2), Decimal(3), Decimal(6))]
    assert lines.load() == (2, 0, 0)
    # Part of the receipt comes again, as where two fetches overlap: nothing is lost of the row it belongs to.
    lines.fetch({"line_number": 1, "fetched_at": "2026-01-22T05:00:00+00:00", "run_id": "r2"})
    assert lines.load() == (2, 0, 0)
    # A correction: line 3 was another product.
    lines.fetch({"line_number": 3, "product_id": "r", "fetched_at": "2026-01-23T05:00:00+00:00", "run_id": "r3"})
    assert lines.load() == (2, 1, 1)
    assert lines.rows("select sum(quantity), sum(total_amount) from retail_sales.fact_sales") == [
        (Decimal(5), Decimal(17))
    ]


def test_dimensions_say_what_was_said_last_whatever_was_loaded_last(settings: Settings) -> None:
    lines, after = Lines(settings), FIRST_DAY + timedelta(days=1)
    lines.fetch({"product_name": "Old", "store_id": None})
    lines.fetch(
        {"transaction_id": "T2", "product_name": "New", "category": None, "sold_at": "2026-01-21T12:00:00+00:00"},
        day=after,
    )
    lines.load(after)
    lines.load()
    [(name, category, first, last)] = lines.rows(
        "select product_name, category, first_sold_at, last_sold_at from retail_sales.dim_product"
    )
    assert (name, category) == ("New", None)
    assert (first.isoformat()[:10], last.isoformat()[:10]) == ("2026-01-20", "2026-01-21")
    stores = lines.rows("select store_id from retail_sales.dim_store order by store_id nulls first")
    assert stores == [(None,), ("s",)]
    assert lines.rows("select customer_id from retail_sales.dim_customer") == [(None,)]


def test_a_day_without_sales_is_a_day(settings: Settings) -> None:
    lines = Lines(settings)
    assert lines.load() == (0, 0, 0)
    assert lines.rows("select status, fact_rows, total_amount from retail_sales.day_loads") == [("complete", 0, 0)]


def test_a_day_that_does_not_add_up_is_undone_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(settings)
    lines.fetch({})
    lines.load()
    before = contents(settings)
    lines.fetch({"transaction_id": "T9", "product_id": "new", "store_id": "new"})

    def lose_a_row(engine: Engine, day: date) -> tuple[int, int]:
        done = replace(engine, day)
        engine.execute("delete from retail_sales.fact_sales where transaction_id = 'T9'")
        return done

    replace = sales_star._replace_differing
    monkeypatch.setattr(sales_star, "_replace_differing", lose_a_row)
    with pytest.raises(DataContractError, match="nothing of the day was kept"):
        lines.load()
    assert contents(settings) == before
    monkeypatch.undo()
    assert lines.load() == (2, 1, 0)


def test_a_lost_server_is_said_without_the_password(database: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, database)
    secret = database.split(":")[2].split("@", maxsplit=1)[0]
    with engine_of(settings) as engine, pytest.raises(WarehouseUnavailableError) as raised, engine.transaction():
        engine.execute("select pg_terminate_backend(pg_backend_pid())")
    assert secret not in str(raised.value)


_LOADER = """
from gondola.settings import get_settings
from tasks import retail_sales
load_day = retail_sales.load_day
def told(*given, **named):
    print(given[1].day, flush=True)
    return load_day(*given, **named)
retail_sales.load_day = told
retail_sales.load_star(get_settings())
"""


@pytest.mark.slow
def test_killed_at_any_moment_a_day_is_whole_or_not_there(settings: Settings) -> None:
    home = settings.warehouse.parent.parent
    days = write_sales(home / "lake", days=7, rows_a_day=20_000)
    environment = os.environ | {
        "GONDOLA_LAKE": settings.lake,
        "GONDOLA_WAREHOUSE": str(settings.warehouse),
        "GONDOLA_TARGET": settings.target,
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    }
    if settings.postgres_url:
        environment["GONDOLA_POSTGRES_URL"] = settings.postgres_url.get_secret_value()
    whole = {day: tuple(rest) for day, *rest in lines_of(home, days)}
    held: list[int] = []
    for delay in (0.02, 0.1, 0.2, 0.4, 0.8):  # into the second day that is loaded
        with subprocess.Popen(
            [sys.executable, "-c", _LOADER], env=environment, cwd=home, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(2):
                process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        found = totals(settings)
        assert all(tuple(rest) == whole[day] for day, *rest in found)
        assert len(found) >= len(held) + 1 or len(found) == len(days), "it goes on after the last day that was kept"
        held.append(len(found))
    assert held[0] in {1, 2}
    load_star(settings)
    assert {day: tuple(rest) for day, *rest in totals(settings)} == whole
    if settings.target == "duckdb":
        shutil.rmtree(settings.warehouse.parent)
        load_star(settings)
        assert {day: tuple(rest) for day, *rest in totals(settings)} == whole
