"""Gondola's crawl into bronze, the exact JSON kept: the code that `gondola run market` runs, without Prefect."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from benchmarks.crawl.common import USER_AGENT, arguments
from gondola.sources.stores import DEFAULT_REGION, Store
from gondola.sources.vtex import CrawlOptions, Fetcher, RejectedRow, RequestOutcome, crawl, plan_store
from gondola.sources.vtex.schema import BRONZE_SCHEMA, PLAIN_COLUMNS, SCHEMA_VERSION
from storage.lake import Lake
from storage.layout import MarketBronze
from storage.parquet import ParquetSink


class Sink:
    """Bronze rows go to Parquet; the rest is in the crawl's own books."""

    def __init__(self, bronze: ParquetSink) -> None:
        self._bronze = bronze

    def write(self, table: pa.Table) -> None:
        self._bronze.write(table)

    def request(self, outcome: RequestOutcome) -> None:
        """Leave it: the platform's record of requests is not part of the comparison."""

    def reject(self, row: RejectedRow) -> None:
        print(row, file=sys.stderr)


async def run(url: str, out: Path, concurrency: int) -> dict[str, object]:
    """Crawl the store at this address into a lake in the folder."""
    store = Store(id="benchmark", name="Benchmark", base_url=url, concurrency=concurrency, requests_per_second=1000)
    lake = Lake.open(str(out))
    started_at = datetime.now(UTC)
    target_file = MarketBronze(
        supermarket=store.id, region=DEFAULT_REGION, business_date=started_at.date(), started_at=started_at
    )
    metadata = {"schema_version": SCHEMA_VERSION, "run_id": target_file.run_id}
    fetcher = Fetcher(
        user_agent=USER_AGENT, timeout=timedelta(seconds=30), max_connections=concurrency, obey_robots=True
    )
    with ParquetSink(lake, target_file.key, BRONZE_SCHEMA, metadata, out / "spool", plain=PLAIN_COLUMNS) as bronze:
        async with fetcher:
            plan = await plan_store(fetcher, store)
            sink, options = Sink(bronze), CrawlOptions()
            result = await crawl(fetcher, plan.targets[0], run_id=target_file.run_id, sink=sink, options=options)
        bronze.commit(status=result.status)
    return {
        "output": str(out / target_file.key),
        "keeps_raw": True,
        "status": result.status,
        "error": result.error,
        "rejected": result.rejected,
    }


if __name__ == "__main__":
    options = arguments(__doc__)
    report = asyncio.run(run(options.url, options.out, options.concurrency))
    print(json.dumps(report))
    sys.exit(1 if report["rejected"] else 0)
