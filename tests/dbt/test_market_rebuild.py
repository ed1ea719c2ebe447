"""Days built again, and days whose bronze file is gone: what can be right is, and nothing is lost silently."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Warehouse
from tests.dbt.market_lake import Crawl, write_bronze, write_crawl
from tests.dbt.test_market_histories import FIRST_DAY, check, random_crawl

FACTS = "market.fct_prices_daily"
HISTORY = "market.tru_price"
CORRUPTIONS = [
    f"delete from {FACTS} where price_date = $day",
    f"delete from {HISTORY} where valid_from = $day",
    f"update {FACTS} set price = 77.7777 where price_date = $day",
    f"update {HISTORY} set price = 77.7777, run_id = 'nobody' where valid_from >= $day",
    f"insert into {FACTS} select * replace ('99' as sku_id) from {FACTS} where price_date = $day",
    "update market.tru_product set product_name = '?' where last_seen_date >= $day",
]


def rebuild(*days: date, **variables: Any) -> tuple[str, str]:
    return "--vars", json.dumps({"rebuild_days": [str(day) for day in days], **variables})


def corrupt(warehouse: Warehouse, sql: str, day: date) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse.file}' as gondola; use gondola")
        connection.execute(sql, {"day": day})


def sku(number: str, price: str, **values: Any) -> dict[str, Any]:
    return {"sku_id": number, "product_id": number, "price": Decimal(price), "is_available": True, **values}


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 2, day, hour, tzinfo=UTC)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_rebuilt_days_equal_the_oracle_whatever_was_done_to_them(warehouse: Warehouse, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    clock = datetime(2026, 2, 1, 9, tzinfo=UTC)
    crawls: list[Crawl] = []
    for step in range(12):
        clock += timedelta(hours=3)
        crawls.append(random_crawl(draw, clock, newest=step // 2))
        write_crawl(warehouse.lake, crawls[-1])
    warehouse.build(command="run")
    check(warehouse, crawls)
    days = sorted({crawl.day for crawl in crawls if crawl.status != "failed"})
    for statement in draw.sample(CORRUPTIONS, 3):
        day = draw.choice(days)
        corrupt(warehouse, statement, day)
        hurt = [other for other in days if other == day or (other > day and ">=" in statement)]
        if draw.random() < 0.5:  # killed on its way
            warehouse.build("--select", "+tru_price", *rebuild(*hurt), command="run")
        warehouse.build(*rebuild(*hurt), "--exclude-resource-type", "unit_test")
        check(warehouse, crawls)


def test_records_that_came_late_are_found(warehouse: Warehouse) -> None:
    """Copied from another lake: their days lie long before the newest known run."""
    now = datetime.now(UTC).replace(microsecond=0)
    early, late = (Crawl(started.date(), [sku("1", "1")], started) for started in (now - timedelta(30), now))
    write_crawl(warehouse.lake, late)
    warehouse.build(command="run")
    write_crawl(warehouse.lake, early)
    warehouse.build(command="run")
    assert warehouse.rows(f"select count(*) from {FACTS}") == [(1,)], "a common build looks back two days"
    warehouse.build(*rebuild(early.day), command="run")
    check(warehouse, [early, late])


def test_a_day_whose_file_is_gone_keeps_what_was_built_from_it(warehouse: Warehouse) -> None:
    rows = {1: [sku("1", "10"), sku("2", "5")], 2: [sku("1", "11")], 3: [sku("1", "12"), sku("2", "5")]}
    crawls = [Crawl(date(2026, 2, day), found, at(day)) for day, found in rows.items()]
    for crawl in crawls:
        write_crawl(warehouse.lake, crawl)
    warehouse.build(command="run")
    (warehouse.lake / crawls[1].data_key).unlink()

    # Nothing that follows needs the file, so nothing fails.
    crawls.append(Crawl(date(2026, 2, 4), [sku("1", "12")], at(4)))
    write_crawl(warehouse.lake, crawls[-1])
    assert warehouse.build()["assert_no_run_has_lost_its_file"] == "pass"
    check(warehouse, crawls)

    # The day before it is crawled again, and the lost day is replayed from its facts: the oracle sees no difference.
    crawls.append(Crawl(date(2026, 2, 1), [sku("1", "9")], at(5)))
    write_crawl(warehouse.lake, crawls[-1])
    for _ in range(2):
        assert warehouse.build()["assert_no_run_has_lost_its_file"] == "warn"
        check(warehouse, crawls)
    warehouse.build(*rebuild(*(crawl.day for crawl in crawls)), "--exclude-resource-type", "unit_test")
    check(warehouse, crawls)
    assert warehouse.rows("select run_id, is_built from market.int_market__lost_runs") == [(crawls[1].run_id, True)]

    # A build of everything says what it would lose, and loses nothing.
    said = warehouse.fails("--full-refresh")
    assert crawls[1].data_key in said
    assert "gondola restore" in said
    warehouse.build()
    check(warehouse, crawls)

    warehouse.build("--full-refresh", *rebuild(accept_lost_runs=True))
    kept = [crawl for crawl in crawls if crawl is not crawls[1]]
    facts = warehouse.rows(f"select distinct run_id from {FACTS}")
    assert {run_id for (run_id,) in facts} == {crawl.run_id for crawl in kept if crawl is not crawls[0]}

    # Found again, it is built like any other run.
    write_bronze(warehouse.lake, crawls[1])
    warehouse.build()
    check(warehouse, crawls)


def test_a_file_gone_before_it_was_built_leaves_the_day_to_the_next_best_run(warehouse: Warehouse) -> None:
    first = Crawl(FIRST_DAY, [sku("1", "1")], at(1))
    better = Crawl(FIRST_DAY, [sku("1", "2"), sku("3", "3")], at(1, 15))
    other = Crawl(FIRST_DAY + timedelta(1), [sku("1", "3")], at(2))
    write_crawl(warehouse.lake, first)
    warehouse.build(command="run")
    for crawl in (better, other):
        write_crawl(warehouse.lake, crawl)
    (warehouse.lake / better.data_key).unlink()
    for _ in range(3):
        warehouse.build()
        assert warehouse.rows(f"select price_date, price from {FACTS} order by 1") == [
            (first.day, Decimal("1.0000")),
            (other.day, Decimal("3.0000")),
        ]
        assert warehouse.rows("select run_id, is_built from market.int_market__lost_runs") == [(better.run_id, False)]
    write_bronze(warehouse.lake, better)
    warehouse.build()
    check(warehouse, [first, better, other])
