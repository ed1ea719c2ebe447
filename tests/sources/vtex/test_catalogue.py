"""The real catalogue of a supermarket, replayed with the real limits: nothing may be lost."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.replay import Replay, dead, seeded_faults
from tests.sources.vtex.harness import Crawled, crawl_replay, recorded, sku_prices

Json = dict[str, Any]


@pytest.fixture(scope="module")
def tree() -> list[Json]:
    document: list[Json] = json.loads(recorded("bistek_category_tree.derived.json").read_text())
    return document


@pytest.fixture(scope="module")
def catalogue() -> list[Json]:
    """8,431 products. Clusters are left out: the file pads each product with 365 empty ones."""
    table = pq.read_table(recorded("bistek_catalog_2025-06-27.parquet")).drop(["productClusters"])
    return list({one["productId"]: one for one in table.to_pylist()}.values())


def assert_whole(crawled: Crawled, catalogue: list[Json]) -> None:
    result = crawled.result
    assert (result.status, result.error) == ("complete", None)
    assert result.declared == result.received == len(catalogue)
    assert all(outcome.status == "complete" for outcome in result.slices)
    assert crawled.sink.prices == sku_prices(catalogue)
    assert result.written == len(crawled.sink.rows)
    assert result.rejected == 0


@pytest.mark.parametrize("api", ["legacy", "is", "is_v1"])
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_sku_and_every_cent_in_spite_of_faults(
    api: str, seed: int, catalogue: list[Json], tree: list[Json]
) -> None:
    with Replay(catalogue, tree, rules=[seeded_faults(0.05, seed)]) as replay:
        crawled = await crawl_replay(replay, api=api)
    assert_whole(crawled, catalogue)
    assert crawled.result.retries > 0
    assert crawled.result.throttled > 0


async def test_few_requests_are_wasted(catalogue: list[Json], tree: list[Json]) -> None:
    with Replay(catalogue, tree) as replay:
        crawled = await crawl_replay(replay)
        searches = len(replay.searches())
    assert_whole(crawled, catalogue)
    assert searches <= 1.05 * len(catalogue) / 50


@pytest.mark.parametrize(
    ("api", "marker", "name"),
    [("legacy", "C:/14/", "C:/14/"), ("is", "category-1/hortifruti", "category-1/hortifruti")],
)
async def test_a_dead_category_costs_nothing_else(
    api: str, marker: str, name: str, catalogue: list[Json], tree: list[Json]
) -> None:
    with Replay(catalogue, tree, rules=[seeded_faults(0.05, 3), dead(marker)]) as replay:
        crawled = await crawl_replay(replay, api=api)
    alive = [one for one in catalogue if not any(path.startswith("/14/") for path in one["categoriesIds"])]
    truth = sku_prices(catalogue)
    assert crawled.result.status == "partial"
    assert name in (crawled.result.error or "")
    assert crawled.slice(name).status == "failed"
    assert "HTTP 500" in (crawled.slice(name).reason or "")
    got = crawled.sink.prices
    assert sku_prices(alive).keys() <= got.keys()
    assert all(truth[sku] == price for sku, price in got.items())


async def test_the_tree_refused_costs_nothing(catalogue: list[Json]) -> None:
    with Replay(catalogue, None) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, catalogue)


async def test_the_bytes_are_kept_exactly(catalogue: list[Json], tree: list[Json]) -> None:
    some = [json.dumps(one, ensure_ascii=False, indent=1).encode() for one in catalogue[:300]]
    with Replay(some, tree) as replay:
        crawled = await crawl_replay(replay)
    kept = {row["product_id"]: row["raw"] for row in crawled.sink.rows if row["raw"] is not None}
    assert kept == {json.loads(one)["productId"]: one for one in some}
