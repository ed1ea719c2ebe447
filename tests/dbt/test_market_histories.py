"""Any history of runs, built piece by piece or at once, gives what a naive reading of all runs gives."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt import oracle
from tests.dbt.conftest import Warehouse
from tests.dbt.market_lake import Crawl, write_bronze, write_crawl

FIRST_DAY = date(2026, 2, 1)
SKUS = [str(number) for number in range(1, 9)]
STORES = [("alfa", "centro"), ("alfa", "norte"), ("beta", "default")]
TEASERS = [
    None,
    None,
    '[{"name":"Leve 3 Pague 2","kind":"multi_buy","minimum_quantity":3,"percent":null,"amount":null}]',
    '[{"name":"Clube","kind":"club","minimum_quantity":null},{"name":"L2","kind":"multi_buy","minimum_quantity":2}]',
    '[{"name":"Clube","kind":"club","minimum_quantity":1,"percent":10,"amount":null}]',
    '[{"name":"?","kind":"other","minimum_quantity":null,"percent":null,"amount":null}]',
    "[]",
]


def money(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.0001"))


def random_row(draw: random.Random, sku: str) -> dict[str, Any]:
    return {
        "sku_id": sku,
        "product_id": f"p{sku}",
        "product_name": f"Produto {sku} v{draw.randrange(3)}",
        "price": draw.choice([money("1.99"), money("2.49"), money("2.49"), money("0"), None]),
        "list_price": draw.choice([None, money("2.99"), money("1"), money("99")]),
        "price_without_discount": draw.choice([None, money("2.49"), money("0")]),
        "is_available": draw.choice([True, True, True, True, False, None]),
        "teasers": draw.choice(TEASERS),
    }


def random_crawl(draw: random.Random, started: datetime, newest: int) -> Crawl:
    supermarket, region = draw.choice(STORES)
    # Mostly the next day; often the same day again, or a day long past.
    offset = draw.choice([newest, newest, newest, draw.randrange(newest + 1)])
    shown = draw.sample(SKUS, draw.randrange(len(SKUS) + 1))
    return Crawl(
        day=FIRST_DAY + timedelta(days=offset),
        rows=[random_row(draw, sku) for sku in shown],
        started=started,
        status=draw.choice(["complete", "complete", "complete", "partial", "partial", "failed"]),
        supermarket=supermarket,
        region=region,
    )


def check(warehouse: Warehouse, crawls: list[Crawl]) -> None:
    """The warehouse says what the oracle says, row by row."""
    facts = warehouse.rows(
        "select price_date, supermarket, region, sku_id, product_name, is_available, price, list_price, "
        "price_without_discount, promotion_kind, promotion_minimum_quantity, run_id, run_status "
        "from market.fct_prices_daily"
    )
    assert_same(facts, oracle.prices_daily(crawls))
    history = warehouse.rows(
        "select supermarket, region, sku_id, valid_from, valid_to, status, is_available, price, list_price, "
        "price_without_discount, promotion_kind, promotion_minimum_quantity, previous_price, run_id "
        "from market.tru_price"
    )
    assert_same(history, oracle.price_history(crawls))
    products = warehouse.rows(
        "select supermarket, sku_id, product_name, first_seen_date, last_seen_date, last_run_id from market.tru_product"
    )
    assert_same(products, oracle.products(crawls))
    winning = {run.run_id for days in oracle.winners(crawls).values() for run in days.values()}
    ledger = warehouse.rows("select run_id, is_day_winner from market.fct_runs")
    assert_same(ledger, {(crawl.run_id, crawl.run_id in winning) for crawl in crawls})


def assert_same(rows: list[tuple[Any, ...]], expected: set[tuple[Any, ...]]) -> None:
    assert len(rows) == len(set(rows)), "rows are doubled"
    assert set(rows) - expected == set(), "rows that should not be"
    assert expected - set(rows) == set(), "rows that are missing"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_increments_and_a_full_refresh_equal_the_oracle(warehouse: Warehouse, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    crawls: list[Crawl] = []
    clock = datetime(2026, 2, 1, 9, tzinfo=UTC)
    for step in range(8):
        for _ in range(draw.randrange(1, 5)):
            clock += timedelta(hours=draw.randrange(1, 5))
            crawl = random_crawl(draw, clock, newest=step)
            write_crawl(warehouse.lake, crawl)
            crawls.append(crawl)
        if draw.random() < 0.4:
            # A build that was killed on its way: some models are done, the ledger is not.
            done = draw.choice(["+tru_product", "+tru_price", "+fct_prices_daily"])
            warehouse.build("--select", done, command="run")
            continue
        warehouse.build(command="build" if step == 3 else "run")
        check(warehouse, crawls)
    warehouse.build(command="run")
    check(warehouse, crawls)
    warehouse.build("--full-refresh", command="run")
    check(warehouse, crawls)
    statuses = warehouse.build()
    assert "pass" in statuses.values()
    check(warehouse, crawls)


def sku(number: str, price: str, **values: Any) -> dict[str, Any]:
    return {"sku_id": number, "product_id": number, "price": money(price), "is_available": True, **values}


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 2, day, hour, tzinfo=UTC)


def test_runs_that_overlap_in_every_way(warehouse: Warehouse) -> None:
    """Two runs in a day, a late partial run, an old day crawled again, a bronze file nobody committed."""
    first, second = date(2026, 2, 1), date(2026, 2, 2)
    both, one = [sku("1", "10"), sku("2", "20")], [sku("1", "11")]
    steps = [
        [Crawl(first, both, at(1))],
        [Crawl(second, one, at(2), status="partial")],  # SKU 2 is not gone
        [Crawl(second, [sku("1", "12"), sku("2", "20")], at(2, 15))],  # the complete run takes the day
        [Crawl(second, one, at(2, 18), status="partial")],  # too late, changes nothing
        [Crawl(first, [sku("1", "9")], at(3))],  # the old day again: SKU 2 was not listed then
        [Crawl(date(2026, 1, 20), both, at(3, 15))],  # a day before all others
        [Crawl(date(2026, 2, 5), [], at(5), status="failed")],
        [Crawl(date(2026, 2, 6), [], at(6))],  # a complete run of an empty shop: all is gone
        [Crawl(date(2026, 2, 7), both, at(7))],
    ]
    crawls: list[Crawl] = []
    for step in steps:
        for crawl in step:
            write_crawl(warehouse.lake, crawl)
        crawls += step
        write_bronze(warehouse.lake, Crawl(second, [sku("7", "70")], at(8, len(crawls))))  # killed before its record
        warehouse.build(command="run")
        check(warehouse, crawls)
    changes = warehouse.rows("select price_date, previous_price, price from market.fct_price_changes order by 1, 2")
    assert changes == [
        (date(2026, 2, 1), money("10"), money("9")),
        (date(2026, 2, 2), money("9"), money("12")),
        (date(2026, 2, 7), money("12"), money("10")),
    ]


def test_nothing_new_reads_nothing(warehouse: Warehouse) -> None:
    crawl = Crawl(FIRST_DAY, [sku("1", "10")])
    write_crawl(warehouse.lake, crawl)
    warehouse.build()
    (warehouse.lake / crawl.data_key).unlink()
    warehouse.build()  # would fail if it opened the file again
    check(warehouse, [crawl])
    assert "1 bronze files of recorded runs are gone" in warehouse.fails("--full-refresh")
    check(warehouse, [crawl])


def test_a_partial_rebuild_that_would_lose_history_is_refused(warehouse: Warehouse) -> None:
    for day in (1, 2):
        write_crawl(warehouse.lake, Crawl(date(2026, 2, day), [sku("1", str(day))], at(day)))
        warehouse.build(command="run")
    assert "--select +fct_prices_daily" in warehouse.fails(
        "--full-refresh", "--select", "fct_prices_daily", command="run"
    )
    assert "select the whole system" in warehouse.fails("--select", "fct_runs", command="run")
    warehouse.build("--full-refresh", "--select", "+fct_prices_daily", command="run")
    warehouse.build(command="run")
    assert warehouse.rows("select count(*) from market.fct_prices_daily") == [(2,)]


def test_attributes_that_cannot_be_read_are_unknown(warehouse: Warehouse) -> None:
    write_crawl(warehouse.lake, Crawl(FIRST_DAY, [sku("1", "1")], attributes={"aliases": json.dumps("not a list")}))
    warehouse.build()
    assert warehouse.rows("select region from market.dim_stores") == [("centro",)]
