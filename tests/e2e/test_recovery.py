"""What is lost, and what comes back: each line of the recovery table of docs/recovery.md, done for real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gondola.errors import LakeUnavailableError, TransformError, WarehouseDamagedError
from gondola.sandbox import Faults, Sandbox, World
from gondola.settings import get_settings
from storage.backup import put_backup
from storage.lake import Lake
from tasks.backup import restore_warehouse
from tasks.maintenance import read_storage
from tasks.publish import publish_warehouse
from tasks.turn import warehouse_turn
from tests.platform import Platform, assert_day_is_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STORES = {"pampa": ["porto_alegre", "caxias"], "serra": ["default"]}
DAYS = (5, 6, 7)
TABLES = ("fct_prices_daily", "tru_price", "tru_product", "fct_runs", "dim_stores", "dim_products")


@dataclass
class Watched:
    """A platform that was crawled for three days and backed up after the second."""

    platform: Platform
    sandbox: Sandbox
    home: Path

    @property
    def world(self) -> World:
        return self.sandbox.world


@pytest.fixture(scope="module")
def original(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("original")
    with (
        Sandbox(world=World(products=120, outages=False), day=DAYS[0]) as sandbox,
        pytest.MonkeyPatch.context() as environment,
    ):
        platform = Platform(home, extra={"PREFECT_API_URL": prefect_api})
        platform.use(environment)
        for day in DAYS:
            sandbox.set_day(day)
            assert platform.crawl(sandbox, stores=list(STORES), build=day != DAYS[0]).status == "complete"
            if day == DAYS[1]:
                put_backup(Lake.open(platform.environment["GONDOLA_LAKE"]), get_settings().warehouse)
        yield Watched(platform, sandbox, home)


@pytest.fixture
def watched(original: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A copy of the platform, to break."""
    home = tmp_path / "home"
    shutil.copytree(original.home, home)
    platform = Platform(home, extra=original.platform.extra)
    platform.use(monkeypatch)
    return Watched(platform, original.sandbox, home)


def tables(platform: Platform) -> dict[str, list[dict[str, Any]]]:
    return {table: platform.query(f"from market.{table} order by all") for table in TABLES}


def gold(platform: Platform) -> dict[str, list[tuple[Any, ...]]]:
    """Gold but for `ops`, to which every transform adds its own record."""
    lake = Path(platform.environment["GONDOLA_LAKE"])
    with duckdb.connect() as connection:
        return {
            path.relative_to(lake).as_posix(): connection.execute(
                f"from read_parquet('{path}') order by all"
            ).fetchall()
            for path in sorted((lake / "gold").rglob("*.parquet"))
            if "ops" not in path.parts
        }


def lose(watched: Watched, day: int, store: str = "serra") -> list[Path]:
    """Delete a store's bronze of one day."""
    date = watched.world.date_of(day)
    folder = f"bronze/market/supermarket={store}/**/year={date:%Y}/month={date:%m}/day={date:%d}/*.parquet"
    lost = list((watched.home / "lake").glob(folder))
    assert lost
    for path in lost:
        path.unlink()
    return lost


def test_lost_warehouse_is_rebuilt_from_the_lake(watched: Watched) -> None:
    before = tables(watched.platform)
    shutil.rmtree(watched.home / "warehouse")
    began = time.monotonic()
    watched.platform.transform()
    print(f"rebuilt in {time.monotonic() - began:.1f} s")  # noqa: T201
    assert tables(watched.platform) == before
    for day in DAYS:
        assert_day_is_true(watched.platform, watched.world, day, STORES)


def test_lost_warehouse_is_restored_and_what_landed_since_is_built(watched: Watched) -> None:
    before = tables(watched.platform)
    shutil.rmtree(watched.home / "warehouse")
    began = time.monotonic()
    info, published = restore_warehouse(get_settings())
    print(f"restored in {time.monotonic() - began:.1f} s")  # noqa: T201
    assert published.version != info.version
    days = watched.platform.query("select distinct price_date as day from market.fct_prices_daily order by 1")
    assert [row["day"] for row in days] == [watched.world.date_of(day) for day in DAYS[:2]]
    watched.platform.transform()
    assert tables(watched.platform) == before


def test_a_build_that_holds_the_warehouse_is_not_restored_over(watched: Watched) -> None:
    before = tables(watched.platform)
    with warehouse_turn(get_settings()), pytest.raises(LakeUnavailableError, match="another run has been building"):
        restore_warehouse(get_settings())
    assert tables(watched.platform) == before


def test_lost_gold_is_published_again_the_same(watched: Watched) -> None:
    before = gold(watched.platform)
    assert len(before) > 5
    next((watched.home / "lake" / "gold").rglob("*.parquet")).unlink()  # one file of it
    publish_warehouse.fn(get_settings(), ["market", "shared"])
    assert gold(watched.platform) == before
    shutil.rmtree(watched.home / "lake" / "gold")
    watched.platform.transform()
    assert gold(watched.platform) == before


def test_a_lost_day_of_bronze_is_said_and_its_history_kept(watched: Watched) -> None:
    platform = watched.platform
    before = tables(platform)
    (lost,) = lose(watched, DAYS[1])
    run = f"serra-default-{lost.stem.removeprefix('run_')}"

    (said,) = read_storage(get_settings(), now=datetime.now(UTC)).lost_runs
    assert said == run
    platform.transform()
    assert tables(platform) == before

    with pytest.raises(TransformError, match=r"1 bronze files of recorded runs are gone.*gondola restore"):
        platform.transform(full_refresh=True)
    assert tables(platform) == before, "a refused build loses nothing"
    platform.transform()

    # The warehouse is lost, too: the same, until the backup brings back what the lake has no more.
    shutil.rmtree(watched.home / "warehouse")
    with pytest.raises(TransformError, match="1 bronze files of recorded runs are gone"):
        platform.transform()
    restore_warehouse(get_settings())
    platform.transform()
    assert tables(platform) == before
    for day in DAYS:
        assert_day_is_true(platform, watched.world, day, STORES)

    # Or it is accepted: all but that store's day is there.
    done = platform.command("transform", "market", "--full-refresh", "--accept-lost")
    assert done.code == 0, done.err
    days = platform.query(
        "select count(distinct price_date) n from market.fct_prices_daily where supermarket = 'serra'"
    )
    assert days == [{"n": 2}]


@pytest.mark.parametrize("damage", ["head", "middle"])
def test_a_damaged_warehouse_is_said_and_restored(watched: Watched, damage: str) -> None:
    before = tables(watched.platform)
    path = get_settings().warehouse
    data = bytearray(path.read_bytes())
    place = slice(0, 8192) if damage == "head" else slice(16_384, len(data) - 4096)
    data[place] = os.urandom(len(data[place]))
    path.write_bytes(data)
    with pytest.raises(WarehouseDamagedError, match="gondola restore"):
        watched.platform.transform()
    assert tables(watched.platform) == before, "readers have their copy"
    restore_warehouse(get_settings())
    watched.platform.transform()
    assert tables(watched.platform) == before


def test_half_a_crawl_is_run_again_and_complete(watched: Watched) -> None:
    platform = watched.platform
    day = DAYS[-1] + 1
    faults = Faults(latency=0.1)
    with Sandbox(world=World(products=120, outages=False), day=day, faults=faults) as sandbox:
        sandbox.write_stores_file(watched.home / "stores.yaml")
        command = [sys.executable, "-m", "gondola", "run", "market", "--date", str(sandbox.date)]
        command += [part for store in STORES for part in ("--store", store)]
        process = subprocess.Popen(
            command,
            env=os.environ | platform.environment,
            cwd=watched.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 100
            while sum(sandbox.stats(store).requests for store in STORES) < 12:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert platform.query("select max(price_date) d from market.fct_prices_daily") == [
            {"d": sandbox.world.date_of(DAYS[-1])}
        ]
        assert platform.crawl(sandbox, stores=list(STORES)).status == "complete"
        for done in (*DAYS, day):
            assert_day_is_true(platform, sandbox.world, done, STORES)
