"""Days of the past done again: what is missing, what is asked for, and what can't be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.backfill import backfill, plan
from gondola.errors import ConfigurationError, TransformError, UnknownNameError
from gondola.settings import get_settings
from storage.lake import Lake
from storage.records import RunRecord, read_runs
from tests.dbt import oracle
from tests.dbt.market_lake import Crawl, write_crawl
from tests.platform import Platform

# Three days of January and two of February; the 30th was not crawled, and on the 31st nothing was received.
DAYS = {day: f"{n + 1}.5000" for n, day in enumerate((date(2026, 1, 28), date(2026, 1, 29), date(2026, 2, 1)))}
LAST = date(2026, 2, 2)


def crawl(day: date, price: str, **values: Any) -> Crawl:
    rows = [
        {"sku_id": sku, "product_id": sku, "price": Decimal(price), "is_available": True} for sku in ("1", "2", "3")
    ]
    started = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return Crawl(day, rows, started, **values)


CRAWLS = [crawl(day, price) for day, price in DAYS.items()]
FAILED = Crawl(date(2026, 1, 31), [], datetime(2026, 1, 31, 12, tzinfo=UTC), status="failed")


@pytest.fixture(scope="module")
def built(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    home = tmp_path_factory.mktemp("built")
    platform = Platform(home, extra={"PREFECT_API_URL": prefect_api})
    with pytest.MonkeyPatch.context() as environment:
        platform.use(environment)
        for one in (*CRAWLS, FAILED):
            write_crawl(home / "lake", one)
        platform.transform()
    return platform


@pytest.fixture
def history(built: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    home = tmp_path / "home"
    shutil.copytree(built.home, home)
    platform = Platform(home, extra=built.extra)
    platform.use(monkeypatch)
    return platform


def corrupt(*statements: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{get_settings().warehouse}' as gondola; use gondola")
        for statement in statements:
            connection.execute(statement)


def check(platform: Platform, crawls: list[Crawl]) -> None:
    facts = platform.query("select price_date, sku_id, price from market.fct_prices_daily")
    assert {tuple(row.values()) for row in facts} == {
        (one.day, row["sku_id"], row["price"]) for one in crawls for row in one.rows
    }
    assert len(facts) == sum(len(one.rows) for one in crawls)
    spans = platform.query("select sku_id, valid_from, valid_to, price, run_id from market.tru_price")
    told = {(r[2], r[3], r[4], r[7], r[-1]) for r in oracle.price_history(crawls)}
    assert {tuple(row.values()) for row in spans} == told


def records() -> list[RunRecord]:
    return read_runs(Lake.open(get_settings().lake), system="backfill")


def test_only_what_readers_miss_is_done(history: Platform) -> None:
    first, last = min(DAYS), LAST
    nothing = plan("market", first, last)
    assert nothing.days == ()
    assert nothing.never_crawled == (date(2026, 1, 30), date(2026, 1, 31), LAST)
    assert backfill("market", first, last).days == ()
    assert records() == []

    late = crawl(LAST, "9.0000")
    write_crawl(history.home / "lake", late)
    corrupt(f"delete from market.fct_prices_daily where price_date = '{min(DAYS)}' and sku_id = '2'")
    history.transform()  # publishes what is damaged, and the last day
    write_crawl(history.home / "lake", crawl(date(2026, 1, 30), "8.0000"))
    done = backfill("market", first, last, reason="a row was deleted")
    assert done.days == (min(DAYS), date(2026, 1, 30))
    assert "2 of 3 rows" in done.missing[min(DAYS)]
    assert "landed" in done.missing[date(2026, 1, 30)]
    check(history, sorted([*CRAWLS, late, crawl(date(2026, 1, 30), "8.0000")], key=lambda one: one.day))
    (record,) = records()
    assert (record.status, record.scope) == ("complete", "system=market")
    said = json.loads(record.attributes)
    assert (said["reason"], said["days"], said["left"]) == (
        "a row was deleted",
        ["2026-01-28", "2026-01-30"],
        [],
    )
    assert plan("market", first, last).days == ()


@pytest.mark.slow
def test_a_range_is_healed_month_by_month(history: Platform) -> None:
    corrupt(
        "update market.fct_prices_daily set price = 77",
        "delete from market.tru_price where valid_from > '2026-01-28'",
        "update market.tru_price set price = 66",
    )
    done = backfill("market", min(DAYS), LAST, everything=True)
    assert [len(part) for part in done.parts] == [1, 2]
    check(history, CRAWLS)
    later, earlier = records()
    assert json.loads(earlier.attributes)["left"] == ["2026-01-28", "2026-01-29"]
    assert json.loads(later.attributes)["left"] == []
    assert plan("market", min(DAYS), LAST, everything=True).resumed is None, "done is done: asked again, it begins anew"


@pytest.mark.slow
def test_a_failed_part_is_recorded_and_taken_up_again(history: Platform) -> None:
    corrupt("update market.fct_prices_daily set price = 77")
    file = history.home / "lake" / CRAWLS[1].data_key
    bronze = file.read_bytes()
    file.write_bytes(b"damaged")
    with pytest.raises(TransformError, match="stg_vtex__products"):
        backfill("market", min(DAYS), LAST, everything=True)
    failed, done = records()
    assert (done.status, failed.status) == ("complete", "failed")
    assert "stg_vtex__products" in (failed.error or "")
    left = plan("market", min(DAYS), LAST, everything=True)
    assert left.days == (date(2026, 1, 28), date(2026, 1, 29))
    assert left.resumed == failed.run_id
    file.write_bytes(bronze)
    assert backfill("market", min(DAYS), LAST, everything=True).resumed == failed.run_id
    check(history, CRAWLS)


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again(history: Platform) -> None:
    corrupt("update market.fct_prices_daily set price = 77")
    command = [sys.executable, "-m", "gondola", "backfill", "market", "--all", "--from", "2026-01-28"]
    environment = os.environ | history.environment
    process = subprocess.Popen([*command, "--to", "2026-02-02"], env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not records():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert plan("market", min(DAYS), LAST, everything=True).days == (date(2026, 1, 28), date(2026, 1, 29))
    done = history.command(*command[3:], "--to", "2026-02-02", "--json")
    assert done.code == 0, done.err
    assert done.document["days"] == ["2026-01-28", "2026-01-29"]
    check(history, CRAWLS)


def test_bad_arguments_are_said(history: Platform) -> None:
    with pytest.raises(UnknownNameError, match="there are: market"):
        plan("markt", LAST, LAST)
    with pytest.raises(ConfigurationError, match="before it begins"):
        plan("market", LAST, LAST - timedelta(1))
    done = history.command("backfill", "market", "--from", "2026-01-28", "--to", "2026-02-02", "--dry-run")
    assert done.code == 0, done.err
    assert "A shelf has no history" in done.err
    assert "No crawl exists of 2026-01-30..2026-01-31, 2026-02-02" in done.err
    assert "0 days to do" in done.err
