"""Compaction, archiving and the deletion of bronze change no row of the warehouse, however it is built."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from storage.compaction import compact
from storage.lake import Lake
from storage.lifecycle import apply, plan
from storage.policy import Policy, Rule
from tests.dbt.conftest import Warehouse
from tests.dbt.market_lake import Crawl, write_bronze, write_crawl
from tests.dbt.test_market_histories import check, random_crawl, sku

FIRST_DAY = date(2026, 2, 1)
POLICY = Policy(
    grace_days=1,
    rules=(
        Rule(name="bronze", folder="bronze/market", cool_after_days=5, archive_after_days=20, delete_after_days=35),
    ),
)
PUBLIC = ("fct_prices_daily", "tru_price", "tru_product", "fct_price_changes", "dim_products", "dim_stores", "fct_runs")


def grow_old(warehouse: Warehouse, spool: Path, day: date) -> Lake:
    """What the weekly lifecycle does on a day, and again when the grace period is over."""
    lake = Lake.open(str(warehouse.lake))
    for now in (datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=more) for more in (0, 1)):
        for due in plan(lake, POLICY, now=now).due:
            compact(lake, due, now=now, spool=spool, threads=1)
        apply(lake, plan(lake, POLICY, now=now))
    return lake


def tables(warehouse: Warehouse) -> dict[str, list[str]]:
    return {name: sorted(map(repr, warehouse.rows(f"select * from market.{name}"))) for name in PUBLIC}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_lake_that_grows_old_equals_the_oracle(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    crawls: list[Crawl] = []
    clock = datetime(2026, 2, 1, 9, tzinfo=UTC)
    newest = 0
    for step in range(5):
        for _ in range(draw.randrange(3, 8)):
            clock += timedelta(hours=draw.randrange(1, 5))
            crawl = random_crawl(draw, clock, newest=newest)
            write_crawl(warehouse.lake, crawl)
            crawls.append(crawl)
        if step % 2:
            grow_old(warehouse, tmp_path / "spool", FIRST_DAY + timedelta(days=newest))
        if step % 2 == 0:
            warehouse.build(command="run")
            check(warehouse, crawls)
        newest += draw.randrange(4, 25)
    warehouse.build(command="run")
    check(warehouse, crawls)
    incremental = tables(warehouse)
    lake = grow_old(warehouse, tmp_path / "spool", FIRST_DAY + timedelta(days=newest + 100))
    assert lake.find("metadata/compactions"), "nothing grew old"
    assert not lake.find("bronze"), "all of bronze is deleted by now, silver is all there is"
    warehouse.build("--full-refresh", command="run")
    check(warehouse, crawls)
    assert tables(warehouse) == incremental


def test_every_stage_of_a_month_reads_the_same(warehouse: Warehouse, tmp_path: Path) -> None:
    """Small files beside their month file, the month file alone, archived, deleted; each built anew."""
    crawls = [
        Crawl(
            FIRST_DAY + timedelta(days=day),
            [sku(str(n), f"{day}.{n}") for n in range(1, 4)],
            datetime(2026, 2, 1 + day, 9, tzinfo=UTC),
        )
        for day in range(3)
    ]
    for crawl in crawls:
        write_crawl(warehouse.lake, crawl)
    write_bronze(warehouse.lake, Crawl(FIRST_DAY, [sku("9", "9")], datetime(2026, 2, 1, 20, tzinfo=UTC)))  # no record
    warehouse.build(command="run")
    expected = tables(warehouse)
    lake = Lake.open(str(warehouse.lake))
    start = datetime(2026, 3, 10, tzinfo=UTC)
    (due,) = plan(lake, POLICY, now=start).due
    compact(lake, due, now=start, spool=tmp_path / "spool", threads=1)
    seen = []
    for days in (0, 1, 20, 60):
        apply(lake, plan(lake, POLICY, now=start + timedelta(days=days)))
        seen.append((len(lake.find("bronze")), len(lake.find("archive"))))
        warehouse.build("--full-refresh", command="run")
        assert tables(warehouse) == expected, f"after {days} days"
    assert seen == [(5, 0), (2, 0), (1, 1), (1, 0)]  # the file without a record stays
    late = Crawl(FIRST_DAY, [sku("1", "77")], datetime(2026, 6, 1, tzinfo=UTC))
    write_crawl(warehouse.lake, late)
    warehouse.build(command="run")
    check(warehouse, [*crawls, late])
    warehouse.build("--full-refresh")  # with all tests
    check(warehouse, [*crawls, late])


def test_a_month_that_no_batch_needs_is_not_looked_at(warehouse: Warehouse, tmp_path: Path) -> None:
    write_crawl(warehouse.lake, Crawl(FIRST_DAY, [sku("1", "10")]))
    warehouse.build(command="run")
    lake = grow_old(warehouse, tmp_path / "spool", FIRST_DAY + timedelta(days=200))
    for entry in [*lake.find("silver"), *lake.find("metadata/compactions")]:
        lake.put(entry.key, b"would fail if it were opened")
    late = Crawl(FIRST_DAY + timedelta(days=200), [sku("1", "11")], datetime(2026, 8, 20, tzinfo=UTC))
    write_crawl(warehouse.lake, late)
    warehouse.build()
    assert warehouse.rows("select count(*) from market.fct_prices_daily") == [(2,)]
    assert "compactions" in warehouse.fails("--full-refresh")
