"""The same models on PostgreSQL give the same rows as on DuckDB, and each run of bronze is loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.physical_product import physical_product
from flows.transform import transform
from gondola.errors import WarehouseUnavailableError
from gondola.sandbox.physical_product import ProductWorld
from gondola.settings import get_settings
from storage.duck import connect
from storage.postgres import Postgres
from storage.warehouses import BronzeRun
from storage.warehouses.postgres import PostgresConnector
from tasks.warehouses import load_warehouse
from tests.platform import Platform
from tests.postgres import find_postgres, postgres_server

MARTS = (
    "dim_products",
    "dim_customers",
    "dim_date",
    "fact_sales",
    "fact_returns",
    "fact_shipments",
    "fact_waste",
    "fact_quality",
    "metrics_sales_performance",
    "metrics_product_performance",
    "metrics_customer_analytics",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = find_postgres()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with postgres_server(programs) as url:
        yield url.replace("+asyncpg", "")


def rows(connection: duckdb.DuckDBPyConnection, relation: str, columns: str = "*") -> tuple[list[str], list[Any]]:
    found = connection.sql(f"select {columns} from {relation}")
    return found.columns, sorted(found.fetchall(), key=str)


def same_rows(platform: Platform) -> dict[str, int]:
    """Compare every mart of the published copy with PostgreSQL's, row by row; the number of rows of each."""
    counts = {}
    with connect(str(platform.home)) as session:
        Postgres.of(get_settings()).attach(session, read_only=True)
        file = platform.environment["GONDOLA_WAREHOUSE"]
        session.execute(f"attach '{file}' as gondola (read_only)")
        for mart in MARTS:
            names, here = rows(session, f"gondola.physical_product.{mart}")
            _, there = rows(session, f"pg.physical_product.{mart}", ", ".join(names))
            assert here == there, mart
            counts[mart] = len(here)
    return counts


@pytest.mark.slow
def test_postgres_and_duckdb_agree_on_every_row(
    platform: Platform, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.extra["GONDOLA_POSTGRES_URL"] = server
    platform.use(monkeypatch)
    source = platform.home / "source"
    ProductWorld(seed=5, lines=4000, days=30).write(source)
    state: Any = physical_product(str(source), return_state=True)
    assert state.result().build_error is None

    monkeypatch.setenv("GONDOLA_TARGET", "postgres")
    get_settings.cache_clear()
    assert transform(["physical_product"]).failed == 0
    counts = same_rows(platform)
    assert counts["fact_sales"] > 3500
    assert counts["dim_date"] > 20_000

    # A correction is another run: only that is loaded, and both agree again.
    header, first = (source / "orders.csv").read_text().splitlines()[:2]
    (source / "orders_correction.csv").write_text(f"{header}\n{first.replace('delivered', 'cancelled')}\n")
    monkeypatch.setenv("GONDOLA_TARGET", "duckdb")
    get_settings.cache_clear()
    physical_product(str(source))
    monkeypatch.setenv("GONDOLA_TARGET", "postgres")
    get_settings.cache_clear()
    assert len(load_warehouse.fn(get_settings())) == 1
    assert load_warehouse.fn(get_settings()) == []
    transform(["physical_product"])
    assert same_rows(platform)["fact_sales"] == counts["fact_sales"] - 1


def test_a_run_that_fails_half_way_leaves_nothing(
    server: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.extra["GONDOLA_POSTGRES_URL"] = server.replace("/postgres", "/template1")
    platform.use(monkeypatch)
    settings = get_settings()
    settings.spool.mkdir(parents=True)
    one, two = platform.home / "one.parquet", platform.home / "two.parquet"
    duckdb.sql("copy (select 'a' as n, 'r1' as run_id) to '" + str(one) + "' (format parquet)")
    duckdb.sql("copy (select 'a' as other, 'r1' as run_id) to '" + str(two) + "' (format parquet)")
    moment = duckdb.sql("select timestamptz '2026-02-05 12:00:00+00'").fetchall()[0][0]
    tables = {"one": {"n": "varchar", "run_id": "varchar"}, "two": {"n": "varchar", "run_id": "varchar"}}

    def load(files: dict[str, Path]) -> None:
        with PostgresConnector(settings) as connector:
            connector.prepare(tables)
            connector.load(BronzeRun("r1", moment, files, {name: f"bronze/{name}" for name in files}))

    def count() -> list[int]:
        with PostgresConnector(settings) as connector:
            connector.prepare(tables)
            counts = [connector.fetch(f"select count(*) from {connector.name(name)}")[0][0] for name in tables]
            return [*counts, len(connector.loaded_runs())]

    with pytest.raises(WarehouseUnavailableError, match='"n" not found'):
        load({"one": one, "two": two})
    assert count() == [0, 0, 0]
    for _ in range(2):
        load({"one": one})
    assert count() == [1, 0, 1]
