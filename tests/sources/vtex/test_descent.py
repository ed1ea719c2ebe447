"""Which slices are asked, and what happens to those that don't fit, don't add up or don't answer."""

from __future__ import annotations

import pytest

from gondola.sources.vtex import CrawlOptions
from tests.replay import Fault, Hit, Json, Replay, dead, product, tree_of
from tests.sources.vtex.harness import Crawled, crawl_replay, sku_prices

QUICK = CrawlOptions(attempts=2)


def assert_whole(crawled: Crawled, products: list[Json]) -> None:
    assert (crawled.result.status, crawled.result.error) == ("complete", None)
    assert crawled.sink.prices == sku_prices(products)


@pytest.fixture(scope="module")
def wide() -> list[Json]:
    """A catalogue over the window: three departments that each fit."""
    return [product(i, 1 + i % 3, 10 + i % 6, price=round(1 + i / 100, 2)) for i in range(1, 3001)]


async def test_a_small_store_needs_no_tree() -> None:
    products = [product(i, 1, 2) for i in range(1, 121)]
    with Replay(products, None) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, products)
    assert [outcome.slice for outcome in crawled.result.slices] == ["*"]


@pytest.mark.parametrize("api", ["legacy", "is", "is_v1"])
async def test_a_leaf_over_the_window_is_split_by_brand(api: str) -> None:
    products = [product(i, 1, 2, brand=i % 4) for i in range(1, 2901)] + [product(5000, 9)]
    with Replay(products, tree_of(products)) as replay:
        crawled = await crawl_replay(replay, api=api)
    assert_whole(crawled, products)
    leaf = "C:/1/2/" if api == "legacy" else "category-1/cat-1/category-2/cat-2"
    brand = "B:3" if api == "legacy" else "brand/marca-3"
    assert crawled.slice(leaf).received == crawled.slice(leaf).declared == 2900
    assert any(outcome.slice.endswith(brand) for outcome in crawled.result.slices)


async def test_a_brand_over_the_window_is_split_by_order() -> None:
    products = [product(i, 1, brand=7) for i in range(1, 4001)]
    with Replay(products, tree_of(products)) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, products)
    assert any("B:7 O:OrderByName" in outcome.slice for outcome in crawled.result.slices)


async def test_products_hanging_on_a_department_are_found() -> None:
    products = [product(i, 1, 10 + i % 3) for i in range(1, 2701)] + [product(i, 1) for i in range(9000, 9020)]
    with Replay(products, tree_of(products)) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, products)
    assert crawled.slice("C:/1/").received == 2720


async def test_products_outside_the_tree_are_found(wide: list[Json]) -> None:
    hidden = [product(i, 77, 78, brand=99) for i in range(8000, 8030)]
    with Replay([*wide, *hidden], tree_of(wide)) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, [*wide, *hidden])


async def test_paths_are_learned_when_the_tree_is_refused() -> None:
    products = [product(i, 1 + i % 2, 10 + i % 4, 100 + i % 8, brand=i % 40) for i in range(1, 6001)]
    with Replay(products, None) as replay:
        crawled = await crawl_replay(replay)
        trees = [hit for hit in replay.hits if "category/tree" in hit.path]
    assert_whole(crawled, products)
    assert len(trees) <= 2
    assert any(outcome.slice == "C:/1/12/" for outcome in crawled.result.slices)


async def test_categories_carry_their_full_path(wide: list[Json]) -> None:
    deep = [product(i, 1, 10, 100) for i in range(4000, 6600)]
    with Replay([*wide, *deep], tree_of([*wide, *deep])) as replay:
        crawled = await crawl_replay(replay)
        asked = {hit.path.split("fq=")[1].split("&")[0] for hit in replay.searches() if "fq=C" in hit.path}
    assert_whole(crawled, [*wide, *deep])
    assert "C:/1/10/100/" in asked
    assert not asked & {"C:/10/", "C:/100/", "C:/10/100/"}


async def test_a_product_in_two_categories_is_written_once(wide: list[Json]) -> None:
    twice = product(7000, 1, 13)
    twice["categoriesIds"] += ["/2/14/", "/2/"]
    twice["categories"] += ["/Cat 2/Cat 14/", "/Cat 2/"]
    products = [*wide, twice]
    with Replay(products, tree_of(products)) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, products)
    assert crawled.result.received == 3001


async def test_a_short_page_is_not_the_end() -> None:
    products = [product(i, 1) for i in range(1, 401)]

    def short_once(hit: Hit) -> Fault | None:
        return Fault("short", drop=50 if "_from=100" in hit.path else 2) if hit.is_search and not hit.times else None

    with Replay(products, None, rules=[short_once]) as replay:
        crawled = await crawl_replay(replay)
    assert_whole(crawled, products)
    assert crawled.slice("*").walks == 1


async def test_a_page_that_stays_short_leaves_the_slice_partial() -> None:
    products = [product(i, 1) for i in range(1, 401)]
    with Replay(products, None, rules=[lambda hit: Fault("short") if "_from=100" in hit.path else None]) as replay:
        crawled = await crawl_replay(replay, options=CrawlOptions(rewalks=1))
    assert crawled.result.status == "partial"
    assert crawled.slice("*").declared == 400
    assert crawled.slice("*").received == 399
    assert "1 of 400" in (crawled.result.error or "")


@pytest.mark.parametrize("change", ["removed", "added"])
async def test_drift_is_seen_and_the_slice_walked_again(change: str) -> None:
    """A product vanishes (or appears) on top while pages are fetched, so each later page moves by one."""
    products = [product(i, 1) for i in range(1, 301)]
    with Replay(products, None) as replay:

        def drift(hit: Hit) -> None:
            if "_from=100" in hit.path and not hit.times:
                if change == "removed":
                    replay.world.remove("300")
                else:
                    replay.world.add(product(301, 1))

        replay.before_answer = drift
        crawled = await crawl_replay(replay, concurrency=1)
    assert crawled.result.status == "complete"
    assert crawled.slice("*").walks >= 2
    now = {str(i) for i in range(1, 300)} if change == "removed" else {str(i) for i in range(1, 302)}
    assert now <= crawled.sink.products


async def test_a_dead_leaf_is_named_and_its_siblings_are_got() -> None:
    products = [product(i, 1, 10 + i % 4, price=2.5) for i in range(1, 3601)]
    with Replay(products, tree_of(products), rules=[dead("C:/1/12/")]) as replay:
        crawled = await crawl_replay(replay, options=QUICK)
    alive = {one["productId"] for one in products if "/1/12/" not in one["categoriesIds"]}
    assert crawled.result.status == "partial"
    assert crawled.slice("C:/1/12/").status == "failed"
    assert "C:/1/12/" in (crawled.result.error or "")
    assert alive <= crawled.sink.products


async def test_a_dead_department_is_asked_through_its_children(wide: list[Json]) -> None:
    only_the_department = dead("C:/2/&", "C:/2/ ")
    with Replay(wide, tree_of(wide), rules=[only_the_department]) as replay:
        crawled = await crawl_replay(replay, options=QUICK)
    assert crawled.sink.prices == sku_prices(wide)
    assert crawled.result.status == "partial"  # a slice failed, so the day can't say what is gone
    assert crawled.slice("C:/2/").status == "failed"


async def test_a_failure_that_passes_is_made_good_by_the_late_pass(wide: list[Json]) -> None:
    def down_at_first(hit: Hit) -> Fault | None:
        return Fault("status", 500) if "C:/2/&_from=0" in hit.path and hit.times < 2 else None

    with Replay(wide, tree_of(wide), rules=[down_at_first]) as replay:
        crawled = await crawl_replay(replay, options=QUICK)
    assert_whole(crawled, wide)
    assert 30.0 in crawled.time.sleeps


async def test_the_breaker_spares_a_store_that_is_down() -> None:
    products = [product(i, i % 40 + 1) for i in range(1, 3001)]
    with Replay(products, tree_of(products), rules=[dead("fq=C:"), dead("O=")]) as replay:
        crawled = await crawl_replay(replay, options=QUICK, concurrency=1)
        asked = {hit.path.split("fq=")[1].split("&")[0] for hit in replay.searches() if "fq=C" in hit.path}
    assert crawled.result.status == "partial"
    assert len(asked) < 20
    assert any("one after another" in (outcome.reason or "") for outcome in crawled.result.slices)


async def test_the_breaker_closes_again_when_the_store_is_back() -> None:
    products = [product(i, i % 40 + 1) for i in range(1, 3001)]
    with Replay(products, tree_of(products)) as replay:
        failing = 12

        def down_for_a_while(hit: Hit) -> Fault | None:
            nonlocal failing
            if "fq=C:" in hit.path and failing:
                failing -= 1
                return Fault("status", 500)
            return None

        replay.rules = [down_for_a_while]
        crawled = await crawl_replay(replay, options=QUICK, concurrency=2)
    assert_whole(crawled, products)


async def test_nothing_at_all_is_a_failed_run() -> None:
    with Replay([product(1, 1)], [], rules=[dead("products/search")]) as replay:
        crawled = await crawl_replay(replay, options=QUICK)
    assert crawled.result.status == "failed"
    assert "HTTP 500" in (crawled.result.error or "")
    assert crawled.sink.tables == []


async def test_a_store_that_declares_nothing_is_a_failed_run() -> None:
    with Replay([], []) as replay:
        crawled = await crawl_replay(replay)
    assert crawled.result.status == "failed"
    assert "declares no products" in (crawled.result.error or "")
