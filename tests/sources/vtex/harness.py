"""What the crawler's tests share: a clock that never waits, a sink that keeps, and one call that crawls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gondola.sources.stores import Store
from gondola.sources.vtex import (
    CrawlOptions,
    CrawlResult,
    Fetcher,
    RejectedRow,
    RequestOutcome,
    SliceOutcome,
    crawl,
    plan_store,
)
from tests.replay import Replay

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "vtex"
RUN_ID = "loja-default-20260205T143200Z"


def recorded(name: str) -> Path:
    """A file of recorded answers, or a skip that says what is missing."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"recorded answers are not here: {path}")
    return path


class FakeTime:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass
class ListSink:
    tables: list[pa.Table] = field(default_factory=list)
    requests: list[RequestOutcome] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)

    def write(self, table: pa.Table) -> None:
        self.tables.append(table)

    def request(self, outcome: RequestOutcome) -> None:
        self.requests.append(outcome)

    def reject(self, row: RejectedRow) -> None:
        self.rejected.append(row)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return pa.concat_tables(self.tables).to_pylist() if self.tables else []

    @property
    def prices(self) -> dict[str, Decimal]:
        rows = self.rows
        prices = {row["sku_id"]: row["price"] for row in rows}
        assert len(prices) == len(rows), "an SKU was written twice"
        return prices

    @property
    def products(self) -> set[str]:
        return {row["product_id"] for row in self.rows}


@dataclass
class Crawled:
    result: CrawlResult
    sink: ListSink
    time: FakeTime

    def slice(self, name: str) -> SliceOutcome:
        return next(outcome for outcome in self.result.slices if outcome.slice == name)


def store_at(replay: Replay, **more: Any) -> Store:
    return Store.model_validate(
        {"id": "loja", "name": "Loja", "base_url": replay.url, "concurrency": 8, "requests_per_second": 1000} | more
    )


@asynccontextmanager
async def fetching(time: FakeTime | None = None, **more: Any) -> AsyncIterator[Fetcher]:
    time = time or FakeTime()
    settings = {"user_agent": "Gondola/0.1 (tests)", "timeout": timedelta(seconds=10), "max_connections": 16}
    settings |= {"obey_robots": True, "clock": time.clock, "sleep": time.sleep, "random": lambda: 0.5}
    async with Fetcher(**(settings | more)) as fetcher:
        yield fetcher


async def crawl_replay(replay: Replay, *, options: CrawlOptions | None = None, **store: Any) -> Crawled:
    time, sink = FakeTime(), ListSink()
    async with fetching(time) as fetcher:
        plan = await plan_store(fetcher, store_at(replay, **store), on_request=sink.request)
        result = await crawl(fetcher, plan.targets[0], run_id=RUN_ID, sink=sink, options=options)
    return Crawled(result, sink, time)


def sku_prices(products: list[dict[str, Any]]) -> dict[str, Decimal]:
    """The truth: each SKU's price in its default seller's offer."""
    return {
        item["itemId"]: Decimal(json.dumps(item["sellers"][0]["commertialOffer"]["Price"]))
        for one in products
        for item in one["items"]
    }
