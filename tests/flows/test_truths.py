"""A fortnight of the sandbox, and each truth planted in it found by asking the published copy as an analyst would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gondola.sandbox import Sandbox, World, planted
from gondola.settings import get_settings
from tests.platform import Platform, expected_rows, fact_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FIRST, LAST = 0, 15
REGIONS = {
    "aurora": ["florianopolis", "joinville"],
    "mirante": ["campinas", "santos"],
    "pampa": ["porto_alegre", "caxias"],
    "serra": ["default"],
}


class Fortnight:
    """A platform that crawled every day of the world, and what was planted in it."""

    def __init__(self, platform: Platform, world: World) -> None:
        self.platform = platform
        self.world = world
        self.down = {(fact["store"], fact["day"]) for fact in planted(world, FIRST, LAST) if fact["kind"] == "outage"}

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """Facts that begin within the days crawled, after the first."""
        found = [f for f in planted(self.world, FIRST, LAST) if f["kind"] == kind and FIRST < f["day"] <= LAST - 1]
        assert found, f"no {kind} was planted"
        return found

    def first_crawled(self, store: str, day: int) -> date:
        """The first day from `day` on which the store could be crawled."""
        while (store, day) in self.down:
            day += 1
        return self.world.date_of(day)

    def history(self, fact: dict[str, Any], region: str) -> list[dict[str, Any]]:
        return self.platform.query(
            "select * from market.tru_price where supermarket = $store and region = $region and sku_id = $sku "
            "order by valid_from",
            store=fact["store"],
            region=region,
            sku=fact["sku_id"],
        )

    def state_on(self, fact: dict[str, Any], region: str, day: date) -> dict[str, Any]:
        (row,) = [
            row
            for row in self.history(fact, region)
            if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"])
        ]
        return row


@pytest.fixture(scope="module")
def fortnight(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fortnight]:
    platform = Platform(tmp_path_factory.mktemp("fortnight"), extra={"GONDOLA_REQUEST_ATTEMPTS": "2"})
    world = World(products=180)
    with pytest.MonkeyPatch.context() as patch:
        platform.use(patch)
        with Sandbox(world=world, day=FIRST, faults=0.01) as sandbox:
            for day in range(FIRST, LAST + 1):
                sandbox.set_day(day)
                platform.crawl(sandbox, build=day in {FIRST, LAST // 2, LAST})
        yield Fortnight(platform, world)
    get_settings.cache_clear()


def test_every_row_of_every_day_is_what_was_on_the_shelf(fortnight: Fortnight) -> None:
    for store, regions in REGIONS.items():
        for day in range(FIRST, LAST + 1):
            facts = fortnight.platform.query(
                "select * from market.fct_prices_daily where supermarket = $store and price_date = $day",
                store=store,
                day=fortnight.world.date_of(day),
            )
            shelves = (row for region in regions for row in fortnight.world.shelf(store, region, day))
            truth = set() if (store, day) in fortnight.down else expected_rows(shelves)
            assert fact_rows(facts) == truth, (store, day)
            assert len(facts) == len(truth)


def test_the_history_replays_every_day(fortnight: Fortnight) -> None:
    wrong = fortnight.platform.query(
        """
        select f.* from market.fct_prices_daily f left join market.tru_price t
            on t.supermarket = f.supermarket and t.region = f.region and t.sku_id = f.sku_id
            and t.valid_from <= f.price_date and (t.valid_to is null or f.price_date < t.valid_to)
        where t.price is distinct from f.price or t.is_available is distinct from f.is_available
            or t.list_price is distinct from f.list_price
        """
    )
    assert wrong == []


def test_price_changes_are_seen_on_their_day(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("price_change"):
        day = fortnight.first_crawled(fact["store"], fact["day"])
        for region in REGIONS[fact["store"]]:
            row = fortnight.state_on(fact, region, day)
            assert (row["valid_from"], row["previous_price"], row["price"]) == (
                day,
                Decimal(fact["from"]),
                Decimal(fact["to"]),
            )


def test_a_fake_discount_is_visible_as_one(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("fake_discount"):
        day = fortnight.first_crawled(fact["store"], fact["day"])
        region = REGIONS[fact["store"]][0]
        row = fortnight.state_on(fact, region, day)
        claimed_before, charged_now = row["list_price"], row["price"]
        assert (claimed_before, charged_now) == (Decimal(fact["to"]), Decimal(fact["price"]))
        charged_before = {r["price"] for r in fortnight.history(fact, region) if r["valid_from"] < day and r["price"]}
        assert charged_before == {charged_now}, "the offer is what was charged all along"


def test_a_shrunk_pack_keeps_its_price_and_barcode(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("shrunk_pack"):
        day = fortnight.first_crawled(fact["store"], fact["day"])
        rows = fortnight.platform.query(
            "select price_date, product_name, ean, price from market.fct_prices_daily "
            "where supermarket = $store and region = $region and sku_id = $sku order by price_date",
            store=fact["store"],
            region=REGIONS[fact["store"]][0],
            sku=fact["sku_id"],
        )
        before = [row for row in rows if row["price_date"] < day]
        after = [row for row in rows if row["price_date"] >= day]
        assert {fact["from"] in row["product_name"] for row in before} == {True}
        assert {fact["to"] in row["product_name"] for row in after} == {True}
        assert {row["ean"] for row in rows} == {fact["ean"]}
        assert {row["price"] for row in rows} == {Decimal(fact["price"])}


def test_sold_out_is_unavailable_and_comes_back(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("sold_out"):
        region = REGIONS[fact["store"]][0]
        day = fortnight.first_crawled(fact["store"], fact["day"])
        if day <= fortnight.world.date_of(fact["last_day"]):
            row = fortnight.state_on(fact, region, day)
            assert (row["status"], row["price"], row["is_available"]) == ("unavailable", None, False)
        if fact["last_day"] < LAST:
            back = fortnight.state_on(fact, region, fortnight.first_crawled(fact["store"], fact["last_day"] + 1))
            assert (back["status"], back["price"]) == ("listed", Decimal(fact["price"]))


def test_a_delisting_is_gone_and_nothing_else_is(fortnight: Fortnight) -> None:
    gone = fortnight.platform.query(
        "select supermarket, sku_id, valid_from from market.tru_price where status = 'gone'"
    )
    assert {(row["supermarket"], row["sku_id"]) for row in gone} >= {
        (fact["store"], fact["sku_id"]) for fact in fortnight.facts("delisting")
    }
    for row in gone:
        day = fortnight.world.day_of(row["valid_from"])
        listed = {
            r.sku_id
            for region in REGIONS[row["supermarket"]]
            for r in fortnight.world.shelf(row["supermarket"], region, day)
        }
        assert row["sku_id"] not in listed, "an outage or a gap is never a delisting"


def test_a_new_product_is_first_seen_on_its_day(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("new_product"):
        (row,) = fortnight.platform.query(
            "select first_seen_date from market.dim_products where supermarket = $store and sku_id = $sku",
            store=fact["store"],
            sku=fact["sku_id"],
        )
        assert row["first_seen_date"] == fortnight.first_crawled(fact["store"], fact["day"])


def test_a_region_that_differs(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("region_difference"):
        day = fortnight.first_crawled(fact["store"], fact["day"])
        inside = [region for region in REGIONS[fact["store"]] if region in fact["regions"]]
        outside = [region for region in REGIONS[fact["store"]] if region not in fact["regions"]]
        assert {fortnight.state_on(fact, region, day)["price"] for region in inside} == {Decimal(fact["to"])}
        assert {fortnight.state_on(fact, region, day)["price"] for region in outside} == {Decimal(fact["from"])}


def test_an_outage_leaves_a_gap_and_a_failed_run(fortnight: Fortnight) -> None:
    for fact in fortnight.facts("outage"):
        runs = fortnight.platform.query(
            "select status from market.fct_runs where supermarket = $store and price_date = $day",
            store=fact["store"],
            day=date.fromisoformat(fact["date"]),
        )
        assert {run["status"] for run in runs} == {"failed"}
        rows = fortnight.platform.query(
            "select count(*) as n from market.tru_price where supermarket = $store and status = 'gone' "
            "and valid_from = $day",
            store=fact["store"],
            day=date.fromisoformat(fact["date"]),
        )
        assert rows == [{"n": 0}]
