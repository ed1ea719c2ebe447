"""What surrounds a crawl: quarantine, progress, robots, cancellation, a sink that breaks."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta

import msgspec
import pyarrow as pa
import pytest

from gondola.errors import LakeUnavailableError
from gondola.sources.vtex import CrawlOptions, Fetcher, Progress, crawl, plan_store
from gondola.sources.vtex.collector import Collector
from gondola.sources.vtex.families import Page
from gondola.sources.vtex.schema import BRONZE_SCHEMA
from tests.replay import Json, Replay, product, tree_of
from tests.sources.vtex.harness import RUN_ID, FakeTime, ListSink, crawl_replay, fetching, store_at


def odd(number: int, **values: object) -> Json:
    one = product(number, 1)
    one["items"][0]["sellers"][0]["commertialOffer"] |= values
    return one


async def test_an_odd_product_goes_to_quarantine_and_still_counts() -> None:
    products = [product(1, 1), odd(2, Price={"amount": 3}), odd(3, Price=1e300), odd(4, Price=-1.0), product(5, 1)]
    products.append(product(6, 1) | {"items": []})
    with Replay(products, None) as replay:
        crawled = await crawl_replay(replay)
    assert crawled.result.status == "complete"
    assert (crawled.result.received, crawled.result.written, crawled.result.rejected) == (6, 2, 4)
    reasons = {(row.field.rpartition(".")[2], row.reason) for row in crawled.sink.rejected}
    assert reasons == {
        ("Price", "Expected `float | null`, got `object`"),
        ("Price", "Price is 1e+300"),
        ("Price", "Price is -1.0"),
        ("items", "the product has no SKU"),
    }
    assert all('"productId"' in row.value and row.source == "*" for row in crawled.sink.rejected)


async def test_a_product_without_an_id_still_counts_once() -> None:
    nameless = product(2, 1)
    with Replay([product(1, 1), nameless], None) as replay:
        entry = replay.world.entries["2"]
        entry.body = b'{"productId": null, "items": 7}'
        crawled = await crawl_replay(replay)
    assert crawled.result.status == "complete"
    assert (crawled.result.received, crawled.result.rejected) == (2, 1)


async def test_numbers_sent_as_text_are_numbers() -> None:
    with Replay([odd(1, Price="12.90", ListPrice="15")], None) as replay:
        crawled = await crawl_replay(replay)
    assert [(str(row["price"]), str(row["list_price"])) for row in crawled.sink.rows] == [("12.9000", "15.0000")]


async def test_rows_stream_out_in_tables_of_the_contract() -> None:
    products = [product(i, 1) for i in range(1, 501)]
    with Replay(products, None) as replay:
        crawled = await crawl_replay(replay, options=CrawlOptions(flush_rows=100))
    assert [table.num_rows for table in crawled.sink.tables] == [100] * 5
    assert all(table.schema.equals(BRONZE_SCHEMA) for table in crawled.sink.tables)
    row = crawled.sink.rows[0]
    assert (row["run_id"], row["slice"], row["category_path"], row["category_ids"]) == (RUN_ID, "*", "/Cat 1/", "/1/")


def test_a_page_of_which_one_product_is_new_counts_whole_as_memory() -> None:
    collector = Collector(run_id=RUN_ID, regional=(), sink=ListSink(), flush_bytes=2_000, flush_rows=1_000)
    for first in range(1, 4):
        body = json.dumps([product(number, 1) for number in range(first, first + 5)]).encode()
        page = Page(100, msgspec.json.decode(body, type=list[msgspec.Raw]), size=1_000)
        collector.absorb(page, "*")
        collector.absorb(page, "*")  # nothing new, so nothing of it is kept
        assert collector.is_full is (first > 1)


async def test_the_books_and_the_progress_agree() -> None:
    products = [product(i, 1 + i % 3) for i in range(1, 2701)]
    seen: list[Progress] = []
    with Replay(products, tree_of(products)) as replay:
        sink = ListSink()
        async with fetching() as fetcher:
            plan = await plan_store(fetcher, store_at(replay))
            result = await crawl(
                fetcher, plan.targets[0], run_id=RUN_ID, sink=sink, on_progress=lambda p: seen.append(replace(p))
            )
    assert result.requests == len(sink.requests) == len(seen) + 1  # the tree is no page
    assert result.bytes_received == sum(outcome.bytes for outcome in sink.requests)
    assert (seen[-1].products, seen[-1].declared, seen[-1].waiting) == (2700, 2700, 0)
    assert [p.pages for p in seen] == list(range(1, len(seen) + 1))
    assert all(outcome.outcome == "ok" and outcome.attempt == 1 for outcome in sink.requests)


async def test_what_came_before_the_time_limit_is_kept_as_partial() -> None:
    products = [product(i, 1) for i in range(1, 1001)]
    time, sink = FakeTime(), ListSink()

    def show(progress: Progress) -> None:
        if progress.pages == 5:
            time.now += 3600

    with Replay(products, None) as replay:
        async with fetching(time) as fetcher:
            plan = await plan_store(fetcher, store_at(replay, concurrency=1))
            options = CrawlOptions(time_limit=timedelta(minutes=10))
            result = await crawl(fetcher, plan.targets[0], run_id=RUN_ID, sink=sink, options=options, on_progress=show)
    assert result.status == "partial"
    assert "time limit" in (result.error or "")
    assert 250 <= result.received == len(sink.products) < 1000


async def test_robots_are_obeyed_and_the_reason_is_told() -> None:
    with Replay([product(1, 1)], None, robots="User-agent: *\nDisallow: /api/\n") as replay:
        sink = ListSink()
        async with fetching() as fetcher:
            plan = await plan_store(fetcher, store_at(replay, sales_channel=1))
            result = await crawl(fetcher, plan.targets[0], run_id=RUN_ID, sink=sink)
        assert replay.searches() == []
    assert result.status == "failed"
    assert "robots.txt" in (result.error or "")


async def test_a_category_that_robots_disallow_is_left_out() -> None:
    products = [product(i, 1 + i % 2) for i in range(1, 3001)]
    robots = "User-agent: *\nDisallow: /*fq=C:/2/\nDisallow: /*O=\n"
    with Replay(products, tree_of(products), robots=robots) as replay:
        crawled = await crawl_replay(replay)
        assert not any("C:/2/" in hit.path for hit in replay.hits)
    assert crawled.result.status == "partial"
    assert "robots.txt" in (crawled.slice("C:/2/").reason or "")


async def test_cancelling_stops_everything_promptly() -> None:
    products = [product(i, 1) for i in range(1, 2001)]
    with Replay(products, None, latency=0.2) as replay:
        async with Fetcher(
            user_agent="Gondola/0.1", timeout=timedelta(seconds=30), max_connections=8, obey_robots=False
        ) as fetcher:
            plan = await plan_store(fetcher, store_at(replay, sales_channel=1))
            running = asyncio.create_task(crawl(fetcher, plan.targets[0], run_id=RUN_ID, sink=ListSink()))
            await asyncio.sleep(0.5)
            running.cancel()
            started = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert time.monotonic() - started < 0.3
            asked = len(replay.hits)
            await asyncio.sleep(0.4)
            assert len(replay.hits) == asked


async def test_a_sink_that_breaks_ends_the_crawl_with_its_own_error() -> None:
    class Full(ListSink):
        def write(self, table: pa.Table) -> None:
            message = f"the disk is full, {table.num_rows} rows too many"
            raise LakeUnavailableError(message)

    with Replay([product(i, 1) for i in range(1, 401)], None) as replay:
        async with fetching() as fetcher:
            plan = await plan_store(fetcher, store_at(replay))
            with pytest.raises(LakeUnavailableError, match="disk is full"):
                await crawl(fetcher, plan.targets[0], run_id=RUN_ID, sink=Full(), options=CrawlOptions(flush_rows=50))


async def test_two_regions_share_one_hosts_limits() -> None:
    products = [product(i, 1) for i in range(1, 601)]
    regions = [{"id": "a", "sales_channel": 1}, {"id": "b", "sales_channel": 2}]
    with Replay(products, None, latency=0.01) as replay:
        store = store_at(replay, region_method="sales_channel", regions=regions, concurrency=3)
        async with Fetcher(
            user_agent="Gondola/0.1", timeout=timedelta(seconds=30), max_connections=64, obey_robots=True
        ) as fetcher:
            plan = await plan_store(fetcher, store)
            results = await asyncio.gather(
                *(crawl(fetcher, target, run_id=RUN_ID, sink=ListSink()) for target in plan.targets)
            )
        assert replay.most_in_flight <= 3
    assert [result.status for result in results] == ["complete", "complete"]
