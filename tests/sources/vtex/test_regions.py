"""Sales channels, postal codes and the five ways to name a region."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from gondola.errors import ConfigurationError, SourceUnavailableError
from gondola.sources.vtex import StorePlan, plan_store, probe
from gondola.sources.vtex.regions import EMPTY_REGION
from tests.replay import Fault, Hit, Replay, product
from tests.sources.vtex.harness import crawl_replay, fetching, store_at

NORTH, SOUTH = "v2.AAAA", "v2.BBBB"
REGIONS = {
    "88000000": (NORTH, ["north"]),
    "88000001": (NORTH, ["north"]),
    "89000000": (SOUTH, ["south", "1"]),
    "99000000": (EMPTY_REGION, ["ghost"]),
}
PLACES = [
    {"id": "north", "postal_code": "88000-000"},
    {"id": "north_too", "postal_code": "88000-001"},
    {"id": "south", "postal_code": "89000-000"},
    {"id": "far", "postal_code": "99000-000"},
    {"id": "nowhere", "postal_code": "10000-000"},
]


def shelf(price: float) -> list[dict[str, Any]]:
    return [product(i, 1, price=price) for i in range(1, 31)]


def seller_region(name: str) -> str:
    return base64.b64encode(f"SW#{name}".encode()).decode()


async def plan(replay: Replay, **store: Any) -> StorePlan:
    async with fetching() as fetcher:
        return await plan_store(fetcher, store_at(replay, **store))


async def test_a_store_without_regions_is_crawled_once() -> None:
    with Replay([], None, channel="3") as replay:
        (target,) = (await plan(replay)).targets
    assert (target.region.id, target.region_id, target.sales_channel) == ("default", None, 3)


async def test_postal_codes_are_resolved_merged_and_dropped() -> None:
    with Replay([], None, regions=REGIONS) as replay:
        found = await plan(replay, region_method="segment_v2", regions=PLACES)
    assert [(t.region.id, t.region_id, t.seller_ids, t.aliases) for t in found.targets] == [
        ("north", NORTH, ("north",), ("north_too",)),
        ("south", SOUTH, ("south", "1"), ()),
    ]
    assert [region.id for region in found.not_served] == ["far", "nowhere"]


async def test_the_configured_channel_wins_and_an_unknown_one_is_left_to_the_host() -> None:
    def no_segments(hit: Hit) -> Fault | None:
        return Fault("status", 404) if hit.path == "/api/segments" else None

    with Replay([product(1, 1)], None, rules=[no_segments]) as replay:
        assert (await plan(replay, sales_channel=5)).targets[0].sales_channel == 5
        assert (await plan(replay)).targets[0].sales_channel is None
        crawled = await crawl_replay(replay)
        assert all("sc=" not in hit.path for hit in replay.searches())
    assert crawled.result.status == "complete"


async def test_a_region_that_can_not_be_asked_is_named() -> None:
    rule = lambda hit: Fault("status", 500) if "88000001" in hit.path else None  # noqa: E731
    with Replay([], None, regions=REGIONS, rules=[rule]) as replay:
        found = await plan(replay, region_method="segment_v2", regions=PLACES)
    ((region, error),) = found.unresolved
    assert region.id == "north_too"
    assert isinstance(error, SourceUnavailableError)
    assert [target.region.id for target in found.targets] == ["north", "south"]


async def test_a_method_that_the_api_does_not_know_is_refused() -> None:
    with Replay([], None) as replay, pytest.raises(ConfigurationError, match="search_region"):
        await plan(replay, region_method="search_region", regions=PLACES)


@pytest.mark.parametrize(
    ("api", "method", "world"),
    [
        ("legacy", "segment_v2", SOUTH),
        ("legacy", "segment_seller", seller_region("south")),
        ("is", "segment_v2", SOUTH),
        ("is", "search_region", SOUTH),
        ("is_v1", "search_region", SOUTH),
        ("is_v1", "segment_seller", seller_region("south")),
        ("legacy", "sales_channel", "sc:2"),
        ("is", "sales_channel", "sc:2"),
        ("is_v1", "sales_channel", "sc:2"),
    ],
)
async def test_each_method_brings_the_regions_prices(api: str, method: str, world: str) -> None:
    places = [PLACES[2] | {"sales_channel": 2}]
    with Replay(shelf(10.0), None, worlds={world: shelf(8.5)}, regions=REGIONS) as replay:
        crawled = await crawl_replay(replay, api=api, region_method=method, regions=places)
        cookies = {hit.headers.get("cookie", "") for hit in replay.searches()}
    assert crawled.result.status == "complete"
    assert set(crawled.sink.prices.values()) == {Decimal("8.5000")}
    if method.startswith("segment") and api != "is_v1":
        (cookie,) = cookies
        segment = json.loads(base64.b64decode(cookie.removeprefix("vtex_segment=")))
        assert (segment["regionId"], segment["channel"]) == (world, "2")
    else:
        assert cookies == {""}


async def test_the_regions_seller_makes_the_price() -> None:
    products = shelf(10.0)
    for one in products:
        other = json.loads(json.dumps(one["items"][0]["sellers"][0]))
        other |= {"sellerId": "north", "sellerDefault": False}
        other["commertialOffer"]["Price"] = 7.77
        one["items"][0]["sellers"].append(other)
    with Replay(products, None, regions=REGIONS) as replay:
        crawled = await crawl_replay(replay, region_method="segment_v2", regions=PLACES[:1])
    assert set(crawled.sink.prices.values()) == {Decimal("7.7700")}


async def test_probe_says_which_method_changes_prices() -> None:
    worlds = {seller_region("north"): shelf(9.0), seller_region("south"): shelf(8.0)}
    with Replay(shelf(10.0), None, worlds=worlds, regions=REGIONS, channel="1") as replay:
        async with fetching() as fetcher:
            report = await probe(fetcher, store_at(replay, regions=PLACES))
        assert len(replay.hits) < 40
    assert report.is_vtex
    assert report.sales_channel == 1
    assert [(family.api, family.total) for family in report.families] == [("legacy", 30), ("is", 30), ("is_v1", 30)]
    changed = {(method.api, method.method): (method.compared, method.changed) for method in report.methods}
    assert changed["legacy", "segment_v2"] == (20, 0)
    assert changed["legacy", "segment_seller"] == (20, 20)
    assert (report.recommended_api, report.recommended_method) == ("legacy", "segment_seller")


async def test_probe_of_another_platform_says_so() -> None:
    with Replay([], None, rules=[lambda hit: Fault("status", 404) if hit.is_search else None]) as replay:
        async with fetching() as fetcher:
            report = await probe(fetcher, store_at(replay))
    assert not report.is_vtex
    assert not report.ok
    assert "another platform" in (report.error or "")


async def test_probe_checks_the_window() -> None:
    products = [product(i, 1) for i in range(1, 2602)]
    with Replay(products, None) as replay:
        async with fetching() as fetcher:
            report = await probe(fetcher, store_at(replay))
    assert [family.window_holds for family in report.families] == [True, True, True]
    assert (report.recommended_api, report.recommended_method) == ("legacy", None)
