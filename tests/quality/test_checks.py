"""Each check on a small warehouse: what it refuses, what it only says, what it can't judge, what it forgets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from gondola.quality import CheckResult, MarketThresholds, judge_market, refusals

DAY = date(2026, 2, 20)
NOW = datetime(2026, 2, 20, 18, tzinfo=UTC)
SKUS = 100
TABLES = """
create schema market; create schema ops;
create table market.fct_runs (run_id varchar, supermarket varchar, region varchar, price_date date, status varchar,
    is_day_winner boolean, finished_at timestamptz, expected_products bigint, received_products bigint);
create table market.fct_prices_daily (price_date date, supermarket varchar, region varchar, sku_id varchar,
    product_name varchar, price decimal(18, 4), list_price decimal(18, 4), measurement_unit varchar, run_id varchar);
create table market.dim_products (supermarket varchar, sku_id varchar);
create table market.dim_stores (supermarket varchar, region varchar);
create table ops.fct_runs (system varchar, status varchar, attributes varchar);
"""


class Warehouse:
    """The tables that are judged, filled day by day."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute(TABLES)

    def day(
        self,
        ago: int,
        *,
        skus: int = SKUS,
        wrong: int = 0,
        times: str = "100",
        status: str = "complete",
        region: str = "centro",
        winner: bool = True,
    ) -> None:
        """Land a day of a store; the prices of its first SKUs may be wrong."""
        price_date = DAY - timedelta(days=ago)
        run_id = f"alfa-{region}-{price_date}-{status}"
        finished = datetime(2026, 2, 20, 12, tzinfo=UTC) - timedelta(days=ago)
        row = (run_id, "alfa", region, price_date, status, winner, finished, SKUS, skus)
        self.connection.execute("insert into market.fct_runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.connection.execute(
            """
            insert into market.fct_prices_daily
            select $day, 'alfa', $region, 'sku' || i, 'Produto ' || i,
                (10 + i % 7 + $ago % 3) * case when i < $wrong then $times::decimal(18, 4) else 1 end,
                5000, 'un', $run_id
            from range($skus) t (i)
            """,
            {
                "day": price_date,
                "region": region,
                "ago": ago,
                "wrong": wrong,
                "times": times,
                "run_id": run_id,
                "skus": skus,
            },
        )
        self.connection.execute("delete from market.dim_products; delete from market.dim_stores")
        self.connection.execute(
            "insert into market.dim_products select distinct supermarket, sku_id from market.fct_prices_daily;"
            "insert into market.dim_stores select distinct supermarket, region from market.fct_runs"
        )

    def accept(self, check: str, ago: int, *, region: str = "centro") -> None:
        """A person published a build in spite of a check."""
        day = DAY - timedelta(days=ago)
        result = {"check_name": check, "subject": f"supermarket=alfa/region={region}", "day": str(day)}
        told = {"stage": "publish", "accepted": {"reason": "true", "results": [result]}}
        self.connection.execute("insert into ops.fct_runs values ('transform', 'complete', ?)", [json.dumps(told)])

    def judge(self, *, gate: bool = True, now: datetime = NOW, **limits: Any) -> dict[str, CheckResult]:
        """The results of one store-region by check, or of several by check and region."""
        results = judge_market(self.connection, MarketThresholds(**limits), now=now, gate=gate)
        regions = {result.subject for result in results}
        return {r.name if len(regions) == 1 else f"{r.name} {r.subject.rpartition('=')[2]}": r for r in results}

    def sql(self, statement: str) -> None:
        self.connection.execute(statement)


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield Warehouse(connection)


@pytest.fixture
def week(warehouse: Warehouse) -> Warehouse:
    """Seven good days before the day that a test judges."""
    for ago in range(7, 0, -1):
        warehouse.day(ago)
    return warehouse


def test_a_good_day_passes_every_check(week: Warehouse) -> None:
    week.day(0)
    results = week.judge()
    assert {name for name, result in results.items() if not result.passed} == set()
    assert set(results) == {
        "volume", "freshness", "price_outliers", "referential_integrity", "price_sanity", "list_price",
    }  # fmt: skip


def test_nothing_to_judge_is_no_result(warehouse: Warehouse) -> None:
    assert warehouse.judge() == {}


@pytest.mark.parametrize(("skus", "passed"), [(80, True), (79, False), (100, True), (130, True), (0, False)])
def test_volume_is_compared_with_the_mean_of_the_last_complete_runs(
    week: Warehouse, skus: int, *, passed: bool
) -> None:
    week.day(0, skus=skus)
    result = week.judge()["volume"]
    assert (result.passed, result.severity) == (passed, "error")
    assert f"{skus:,} products" in result.actual
    assert result.day == DAY


def test_a_partial_day_is_only_told_of(week: Warehouse) -> None:
    week.day(0, skus=30, status="partial")
    result = week.judge()["volume"]
    assert (result.passed, result.severity, result.actual) == (False, "warn", "partial: 30 of 100 products")


def test_only_complete_winners_count_for_the_mean(week: Warehouse) -> None:
    week.sql(
        "update market.fct_runs set status = 'partial', received_products = 1 where price_date < date '2026-02-18'"
    )
    week.day(0, skus=90)
    assert "not judged" in week.judge()["volume"].actual
    week.day(3, skus=100, status="complete", winner=False)
    assert "not judged" in week.judge()["volume"].actual
    assert not week.judge(volume={"least_runs": 2, "least_share": 0.95})["volume"].passed


@pytest.mark.parametrize("left", [70, 50, 5])
def test_an_assortment_that_stays_smaller_is_let_through_within_a_week(week: Warehouse, left: int) -> None:
    refused = 0
    for later in range(8):
        week.day(-later, skus=left)
        refused += bool(refusals(week.judge().values()))
    assert 0 < refused <= 7
    assert not refusals(week.judge().values())


def test_freshness_never_withholds_what_there_is(week: Warehouse) -> None:
    week.day(0)
    seen = datetime(2026, 2, 20, 12, tzinfo=UTC)
    cases = [(24, True, "warn"), (25, False, "warn"), (48, False, "warn"), (49, False, "error")]
    for hours, passed, severity in cases:
        result = week.judge(now=seen + timedelta(hours=hours), gate=False)["freshness"]
        assert (result.passed, result.severity) == (passed, severity), hours
    assert week.judge(now=seen + timedelta(days=90), gate=True)["freshness"].severity == "warn"


def test_a_failed_run_does_not_make_it_fresh(week: Warehouse) -> None:
    week.sql("insert into market.fct_runs values ('x', 'alfa', 'centro', date '2026-02-20', 'failed', false, "
             "timestamptz '2026-02-20 17:00:00+00', null, 0)")  # fmt: skip
    assert week.judge()["freshness"].actual == "seen 30.0 h ago"


@pytest.mark.parametrize(
    ("wrong", "times", "passed", "severity"),
    [
        (0, "1", True, "warn"),
        (9, "100", False, "warn"),  # few: told of
        (10, "100", False, "error"),
        (10, "0.01", False, "error"),
        (10, "2.4", True, "warn"),  # within three times whatever the week did
        (100, "3.6", False, "error"),
    ],
)
def test_outliers_are_judged_by_the_products_own_prices(
    week: Warehouse, wrong: int, times: str, *, passed: bool, severity: str
) -> None:
    week.day(0, wrong=wrong, times=times)
    result = week.judge()["price_outliers"]
    assert (result.passed, result.severity) == (passed, severity)
    assert len(result.examples) == min(wrong, 10) * (not passed)
    if not passed:
        assert f"{wrong} of 100" in result.actual


def test_the_worst_outliers_are_shown_first(week: Warehouse) -> None:
    week.day(0, wrong=20)
    week.sql(
        "update market.fct_prices_daily set price = 99999 where sku_id = 'sku42' and price_date = date '2026-02-20'"
    )
    worst = week.judge()["price_outliers"].examples[0]
    assert (worst["sku_id"], worst["product"], worst["price"]) == ("sku42", "Produto 42", Decimal(99999))


def test_a_small_share_of_outliers_is_only_told_of(week: Warehouse) -> None:
    week.day(0, wrong=20)
    assert week.judge(price_outliers={"most_share": 0.2})["price_outliers"].severity == "warn"


def test_too_little_history_is_not_judged(warehouse: Warehouse) -> None:
    for ago in range(4, 0, -1):
        warehouse.day(ago)
    warehouse.day(0, wrong=SKUS)
    result = warehouse.judge()["price_outliers"]
    assert (result.passed, result.actual) == (True, "0 of 0 judged SKUs (0.0%) of 100")


def test_days_without_a_price_are_no_history(week: Warehouse) -> None:
    week.sql("update market.fct_prices_daily set price = null where price_date < date '2026-02-17'")
    week.day(0, wrong=SKUS)
    assert week.judge()["price_outliers"].actual == "0 of 0 judged SKUs (0.0%) of 100"


def test_old_prices_are_no_history(warehouse: Warehouse) -> None:
    for ago in range(40, 29, -1):
        warehouse.day(ago)
    warehouse.day(0, wrong=SKUS)
    assert warehouse.judge()["price_outliers"].passed


def test_a_bad_day_passes_out_by_itself(week: Warehouse) -> None:
    week.day(0, wrong=SKUS)
    assert refusals(week.judge().values())
    week.day(-1)
    assert not refusals(week.judge().values())


def test_a_new_level_is_believed_once_the_median_has_moved(week: Warehouse) -> None:
    refused = 0
    for later in range(20):
        week.day(-later, wrong=SKUS)
        refused += bool(refusals(week.judge().values()))
    assert 0 < refused <= 14


def test_what_was_accepted_is_what_is_compared_with(week: Warehouse) -> None:
    week.day(0, wrong=SKUS, skus=50)
    assert {result.name for result in refusals(week.judge().values())} == {"volume", "price_outliers"}
    week.accept("price_outliers", 0)
    assert {result.name for result in refusals(week.judge().values())} == {"volume"}, "each check by itself"
    week.accept("volume", 0)
    assert not refusals(week.judge().values()), "the same day again"
    for later in range(1, 7):
        week.day(-later, wrong=SKUS, skus=50)
        assert not refusals(week.judge().values())
    week.day(-7, skus=50)  # and back: the new level is what is known
    assert {result.name for result in refusals(week.judge().values())} == {"price_outliers"}


def test_accepting_one_store_accepts_no_other(week: Warehouse) -> None:
    for ago in range(7, 0, -1):
        week.day(ago, region="norte")
    week.day(0, wrong=SKUS)
    week.day(0, wrong=SKUS, region="norte")
    week.accept("price_outliers", 0)
    results = week.judge()
    assert results["price_outliers centro"].passed
    assert results["price_outliers norte"].refuses


def test_prices_that_cannot_be(week: Warehouse) -> None:
    week.day(0)
    week.sql(
        "update market.fct_prices_daily set price = 60000 where sku_id = 'sku1' and price_date = date '2026-02-20'"
    )
    result = week.judge(price_sanity={"most_share": 0.5})["price_sanity"]
    assert (result.passed, result.severity) == (False, "warn")
    assert result.examples[0]["sku_id"] == "sku1"
    assert week.judge()["price_sanity"].refuses, "a hundredth of the SKUs is more than a thousandth"
    week.sql("update market.fct_prices_daily set price = 0 where sku_id = 'sku1'")
    assert week.judge(price_sanity={"most_share": 0.5})["price_sanity"].refuses, (
        "one price of 0 is a fault of the models"
    )


def test_a_price_that_was_accepted_is_only_told_of_on_its_day(week: Warehouse) -> None:
    week.day(0)
    week.sql("update market.fct_prices_daily set price = 60000 where sku_id = 'sku1'")
    week.accept("price_sanity", 0)
    result = week.judge()["price_sanity"]
    assert (result.passed, result.severity) == (False, "warn")
    assert result.actual.endswith("(accepted)")
    week.day(-1)
    week.sql("update market.fct_prices_daily set price = 60000 where sku_id = 'sku1'")
    assert week.judge()["price_sanity"].refuses


def test_list_prices_that_cannot_be_are_told_of(week: Warehouse) -> None:
    week.day(0)
    week.sql("update market.fct_prices_daily set list_price = null where sku_id < 'sku4'")
    result = week.judge()["list_price"]
    assert (result.passed, result.severity) == (False, "warn")


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("delete from market.dim_products where sku_id = 'sku5'", "dim_products"),
        ("delete from market.dim_stores", "dim_stores"),
        ("update market.fct_prices_daily set run_id = 'nobody' where sku_id = 'sku5'", "fct_runs"),
    ],
)
def test_facts_without_their_dimensions_are_refused(week: Warehouse, statement: str, missing: str) -> None:
    week.day(0)
    week.sql(statement)
    result = week.judge()["referential_integrity"]
    assert result.refuses
    assert missing in result.examples[0]["missing"]


def test_a_store_that_is_not_crawled_any_more_is_not_judged(week: Warehouse) -> None:
    week.day(4, region="norte", wrong=SKUS, skus=1)
    week.day(0)
    assert {result.subject for result in week.judge().values()} == {"supermarket=alfa/region=centro"}
    assert "volume norte" in week.judge(recent_days=4)


def test_a_warehouse_without_run_records_of_transforms_is_judged(week: Warehouse) -> None:
    week.day(0)
    week.sql("drop table ops.fct_runs")
    assert not refusals(week.judge().values())
