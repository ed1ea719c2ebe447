"""The same two days on a folder, on S3 and on Azure: every table of the market equal, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gondola.sandbox import Sandbox, World
from gondola.settings import get_settings
from storage.duck import connect
from storage.publish import published_version
from tests.backends import Backend, apply_environment, fresh_backend
from tests.platform import Platform, assert_day_is_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DAYS = (5, 6)
TABLES = (
    "dim_products",
    "dim_stores",
    "fct_price_changes",
    "fct_prices_daily",
    "fct_runs",
    "tru_price",
    "tru_product",
)
# What can't be equal in two runs; every other column must be. No URL is among them: one sandbox serves all the runs.
NOT_COMPARED = {
    # moments of this run, and names made of them
    "started_at",
    "finished_at",
    "duration_seconds",
    "last_seen_at",
    "last_received_at",
    "run_id",
    "last_run_id",
    # which request meets a fault depends on how often it was asked before, by the other runs too
    "requests",
    "retries",
    "throttled",
    "bytes_received",
    # rows lie in the order in which pages came, which compression feels
    "data_bytes",
}

Tables = dict[str, list[dict[str, Any]]]


@dataclass
class Built:
    """A platform on which both days were crawled, built and published, and what its readers see."""

    platform: Platform
    backend: Backend
    tables: Tables


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(world=World(products=150, outages=False), day=DAYS[0], faults=0.02) as served:
        yield served


@pytest.fixture(scope="module")
def local(prefect_api: str, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Built:
    home = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as environment:
        return build(Backend("local", str(home / "lake"), {}), home, sandbox, environment)


@pytest.mark.parametrize("name", ["local", "s3", "azure"])
def test_same_on_every_backend(
    *,
    name: str,
    local: Built,
    sandbox: Sandbox,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name == "local":
        built = local
        built.platform.use(monkeypatch)
    else:
        built = build(fresh_backend(request, name, tmp_path), tmp_path, sandbox, monkeypatch)
    for table in TABLES:
        assert built.tables[table], f"{table} is empty"
        assert built.tables[table] == local.tables[table], table
    for day in DAYS:
        assert_day_is_true(built.platform, sandbox.world, day)
    assert_gold_equals_warehouse(built)


def build(backend: Backend, home: Path, sandbox: Sandbox, environment: pytest.MonkeyPatch) -> Built:
    """Crawl both days onto a backend, each with its build and publish."""
    apply_environment(environment, backend.environment)
    platform = Platform(home, lake=backend.uri)
    platform.use(environment)
    for day in DAYS:
        sandbox.set_day(day)
        report = platform.crawl(sandbox)
        assert report.status == "complete", report
    found = platform.query("select table_name from information_schema.tables where table_schema = 'market'")
    names = {row["table_name"] for row in found if not row["table_name"].startswith(("stg_", "int_"))}
    assert names == set(TABLES), "a new table must be compared, too"
    return Built(platform, backend, {table: rows_of(platform, table) for table in TABLES})


def rows_of(platform: Platform, table: str) -> list[dict[str, Any]]:
    rows = [
        {name: value for name, value in row.items() if name not in NOT_COMPARED}
        for row in platform.query(f"from market.{table}")
    ]
    return sorted(rows, key=lambda row: repr(list(row.values())))


def assert_gold_equals_warehouse(built: Built) -> None:
    """Parquet read from the lake holds the rows of the published tables: no more, no fewer, and the same."""
    warehouse = get_settings().warehouse
    version = published_version(warehouse)
    with connect(built.backend.uri) as connection:
        connection.execute(f"attach '{warehouse.parent}/published/gondola_{version}.duckdb' as gondola (read_only)")
        tables = connection.execute(
            "select schema_name || '/' || table_name from duckdb_tables() "
            "where database_name = 'gondola' and not regexp_matches(table_name, '^(stg|int)_')"
        ).fetchall()
        assert {"market/fct_prices_daily", "market/tru_price", "shared/dim_date"} <= {name for (name,) in tables}
        for (name,) in tables:
            table = "gondola." + name.replace("/", ".")
            gold = f"read_parquet('{built.backend.uri}/gold/{name}/**/*.parquet', hive_partitioning = false)"
            for one, other in ((table, gold), (gold, table)):
                missing = connection.execute(f"from {one} except all from {other}").fetchall()
                assert not missing, f"{len(missing)} rows of {one} are not in {other}: {missing[:3]}"
