"""How long the API takes, over HTTP, beside the same statements in bare DuckDB on the same file.

    python -m benchmarks.serving --products 30000 --days 365 --requests 40

The published copy is generated: three chains that share their products, prices that hold for some days, a few sold out.
`bare` is the time DuckDB itself takes for every statement that an answer needs, on one connection; what the API adds is
HTTP, the turn for a connection, the coverage's and the version's words, and JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from gondola.serving.reads import (
    Answer,
    DataVersion,
    Page,
    Snapshot,
    changes,
    comparisons,
    index,
    prices,
    products,
    promotions,
    stores,
)
from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import publish
from tests.servers import free_port

CHAINS = 3
FIRST = date(2025, 1, 1)
_TABLES = """
create schema market;
create table market.fct_prices_daily as
with skus as (
    select
        c as chain, n, 5 + n % 23 as holds, 2 + (hash(n) % 9000) / 100.0 as base
    from range($chains) t (c), range($skus) s (n)
),
days as (
    select
        *, d as day, d // holds as span,
        hash(chain, n, d // holds) % 50 = 0 as is_sold_out, hash(chain, n, d // holds, 7) % 8 = 0 as is_offer
    from skus, range($days) u (d)
)
select
    date '2025-01-01' + day::int as price_date, 'chain' || chain as supermarket, 'centro' as region,
    n::varchar as product_id, (chain * 1000000 + n)::varchar as sku_id, printf('789%010d', n) as ean,
    printf('0789%010d', n) as gtin,
    ['Arroz', 'Feijão', 'Leite', 'Café', 'Sabão', 'Queijo'][1 + n % 6] || ' Marca ' || n % 400 || ' ' || n || ' 500g'
        as product_name,
    product_name as sku_name, 'Marca ' || n % 400 as brand, 'Departamento ' || n % 12 as department,
    'Categoria ' || n % 90 as category,
    case when not is_sold_out then (base * (90 + hash(chain, n, span) % 21) / 100 * if(is_offer, 0.8, 1)) end
        ::decimal(18, 4) as price,
    case when not is_sold_out then (base * 1.1) end::decimal(18, 4) as list_price,
    price as price_without_discount, price as price_per_increment, 'un' as measurement_unit,
    1::decimal(18, 6) as unit_multiplier, not is_sold_out as is_available,
    case when is_offer then 'multi_buy' end as promotion_kind,
    case when is_offer then 3 end as promotion_minimum_quantity,
    null::timestamptz as price_valid_until, 'run' || day as run_id, 'complete' as run_status
from days order by day, chain, n;
create table market.tru_price as
with turns as (
    select
        *, is_available is distinct from lag(is_available) over days or price is distinct from lag(price) over days
            or promotion_kind is distinct from lag(promotion_kind) over days as is_turn
    from market.fct_prices_daily window days as (partition by supermarket, sku_id order by price_date)
)
select
    supermarket, region, sku_id, price_date as valid_from,
    lead(price_date) over (partition by supermarket, sku_id order by price_date) as valid_to,
    if(is_available, 'listed', 'unavailable') as status, is_available, price, list_price, price_without_discount,
    promotion_kind, promotion_minimum_quantity,
    lag(price) over (partition by supermarket, sku_id order by price_date) as previous_price, run_id
from turns where is_turn order by supermarket, sku_id, valid_from;
create table market.dim_products as
select
    supermarket, sku_id, product_id, ean, gtin, 'valid' as ean_status, product_name, sku_name, brand, department,
    category, '/p/' || sku_id as link, null::varchar as image_url, measurement_unit, unit_multiplier,
    1::bigint as regions_listed, is_available::int::bigint as regions_available, price as lowest_price,
    price as highest_price, price_date as last_seen_date
from market.fct_prices_daily where price_date = (select max(price_date) from market.fct_prices_daily);
create table market.fct_runs as
select
    supermarket || run_id as run_id, supermarket, region, price_date, 'complete' as status, true as is_day_winner,
    count(*) as expected_products, count(*) as received_products, 1::decimal(9, 4) as coverage,
    count(*) as written_skus, 0::bigint as rejected_skus, 60::bigint as duration_seconds,
    price_date::timestamptz as finished_at, null::varchar as error
from market.fct_prices_daily group by all;
create table market.dim_stores as
select
    supermarket, region, supermarket as supermarket_name, region as region_name, 'https://' || supermarket as base_url,
    '88010000' as postal_code, region as price_region, false as is_alias, min(price_date) as first_run_date,
    max(price_date) as last_run_date, max(price_date) as last_complete_date, now() as last_received_at,
    count(*) as runs, max(received_products) as products, max(received_products) as products_available
from market.fct_runs group by all;
"""


@dataclass(frozen=True)
class Question:
    """One kind of request, and the same asked of the read layer."""

    name: str
    path: Callable[[random.Random], tuple[str, dict[str, Any]]]
    ask: Callable[[Snapshot, dict[str, Any]], Answer]


class _Recorder(Snapshot):
    """Answers on one bare connection, and remembers what was asked and how long DuckDB took."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.version = DataVersion("bench")
        self.seconds = 0.0

    def table(self, sql: str, /, **parameters: Any) -> pa.Table:
        began = time.perf_counter()
        found = self.connection.execute(sql, parameters or None).to_arrow_table()
        self.seconds += time.perf_counter() - began
        return found


def questions(skus: int, days: int) -> list[Question]:
    last = FIRST + timedelta(days=days - 1)

    def sku(dice: random.Random) -> tuple[str, str]:
        chain = dice.randrange(CHAINS)
        return f"chain{chain}", str(chain * 1_000_000 + dice.randrange(skus))

    def of_product(suffix: str) -> Callable[[random.Random], tuple[str, dict[str, Any]]]:
        def path(dice: random.Random) -> tuple[str, dict[str, Any]]:
            supermarket, sku_id = sku(dice)
            return f"products/{supermarket}/{sku_id}{suffix}", {"supermarket": supermarket, "sku_id": sku_id}

        return path

    def day(dice: random.Random) -> date:
        return last - timedelta(days=dice.randrange(min(30, days - 1)))

    page = Page(50)
    return [
        Question(
            "search",
            lambda dice: ("products", {"q": f"{dice.choice(['arroz', 'cafe', 'leite'])} {dice.randrange(400)}"}),
            lambda s, p: products.search(s, p["q"], page=page),
        ),
        Question("product", of_product(""), lambda s, p: products.product(s, **p)),
        Question("history", of_product("/history"), lambda s, p: prices.history(s, **p, page=page)),
        Question("offers", of_product("/offers"), lambda s, p: products.offers(s, **p)),
        Question("stores", lambda _: ("stores", {}), lambda s, _: stores.stores(s)),
        Question(
            "shelf",
            lambda dice: ("prices", {"supermarket": "chain1", "day": day(dice)}),
            lambda s, p: prices.shelf(s, **p, page=page),
        ),
        Question(
            "changes", lambda dice: ("changes", {"day": day(dice)}), lambda s, p: changes.between(s, **p, page=page)
        ),
        Question(
            "promotions",
            lambda dice: ("promotions", {"day": day(dice)}),
            lambda s, p: promotions.promotions(s, **p, page=page),
        ),
        Question(
            "basket", lambda dice: ("baskets", {"day": day(dice)}), lambda s, p: comparisons.basket(s, **p).totals
        ),
        Question("position", lambda dice: ("positions", {"day": day(dice)}), lambda s, p: comparisons.position(s, **p)),
        Question(
            "availability, 30 days",
            lambda _: ("availability", {"days": 30}),
            lambda s, p: prices.availability(s, **p, page=page),
        ),
        Question("index, all days", lambda _: ("index", {"period": "month"}), lambda s, p: index.price_index(s, **p)),
    ]


@dataclass
class Line:
    """What was measured of one question."""

    name: str
    api: list[float] = field(default_factory=list)
    crowd: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    bytes: int = 0
    refused: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=30_000, help="SKUs over all chains")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--requests", type=int, default=40, help="of each question")
    parser.add_argument("--clients", type=int, default=8, help="at once, in the second round")
    options = parser.parse_args()
    skus = options.products // CHAINS
    with tempfile.TemporaryDirectory() as home:
        settings = _generate(Path(home), skus, options.days)
        size = settings.warehouse.stat().st_size
        rows = CHAINS * skus * options.days
        print(f"{CHAINS * skus:,} SKUs x {options.days} days = {rows:,} price rows, {size / 1e6:,.0f} MB; ", end="")
        print(f"{options.requests} requests each, then by {options.clients} clients at once; ms\n")
        crowd = f"p95, {options.clients} clients"
        head = ("question", "bare p50", "bare p95", "API p50", "API p95", crowd, "refused", "KB")
        print("| " + " | ".join(head) + " |\n|---" + "|--:" * (len(head) - 1) + "|", flush=True)
        for line in _measure(settings, questions(skus, options.days), options.requests, options.clients):
            spans = [(line.bare, 50), (line.bare, 95), (line.api, 50), (line.api, 95), (line.crowd, 95)]
            figures = " | ".join(f"{1000 * _at(values, percent):,.0f}" for values, percent in spans)
            print(f"| {line.name} | {figures} | {line.refused} | {line.bytes / 1000:,.1f} |", flush=True)


def _generate(home: Path, skus: int, days: int) -> Settings:
    settings = Settings(lake=str(home / "lake"), warehouse=home / "warehouse" / "gondola.duckdb", logs=home / "logs")
    for folder in (home / "lake", home / "warehouse"):
        folder.mkdir()
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(home / "temp")}) as connection:
        connection.execute(f"attach '{settings.warehouse}' as gondola (storage_version 'v1.5.0'); use gondola")
        sizes = {"chains": CHAINS, "skus": skus, "days": days}
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement, {k: v for k, v in sizes.items() if f"${k}" in statement} or None)
    publish(Lake.open(settings.lake), settings.warehouse, schemas=[], keep=2)
    return settings


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    port = free_port()
    environment = os.environ | {
        "GONDOLA_LAKE": settings.lake,
        "GONDOLA_WAREHOUSE": str(settings.warehouse),
        "GONDOLA_LOGS": str(settings.logs),
    }
    process = subprocess.Popen([sys.executable, "-m", "gondola", "api", "--port", str(port)], env=environment)
    try:
        address = f"http://127.0.0.1:{port}"
        give_up = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=5).close()  # noqa: S310
                break
            except OSError:
                assert time.monotonic() < give_up, "the API did not start"
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _measure(settings: Settings, every: list[Question], requests: int, clients: int) -> Iterator[Line]:
    copy = next((settings.warehouse.parent / "published").glob("*.duckdb"))
    with _served(settings) as address, duckdb.connect(str(copy), read_only=True) as bare:
        bare.execute("set TimeZone = 'UTC'")
        for question in every:
            line = Line(question.name)
            dice = random.Random(7)
            _get(address, question, dice, Line(""))  # the first one opens files
            for _ in range(requests):
                _get(address, question, dice, line, line.api)
            _crowd(address, question, line, requests, clients)
            dice = random.Random(7)
            for turn in range(requests + 1):
                recorder = _Recorder(bare)
                question.ask(recorder, question.path(dice)[1])
                if turn:
                    line.bare.append(recorder.seconds)
            yield line


def _get(address: str, question: Question, dice: random.Random, line: Line, into: list[float] | None = None) -> None:
    path, parameters = question.path(dice)
    asked = {} if path.startswith("products/") else parameters
    url = f"{address}/v1/{path}?{urllib.parse.urlencode(asked)}"
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310
            body = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 503:  # busy, and says so
            raise
        line.refused += 1
        return
    if into is not None:
        into.append(time.perf_counter() - began)
    line.bytes = len(body)
    assert json.loads(body)["version"]


def _crowd(address: str, question: Question, line: Line, requests: int, clients: int) -> None:
    def crowded(seed: int) -> list[float]:
        found: list[float] = []
        for turn in range(max(requests // clients, 1)):
            _get(address, question, random.Random(100 * seed + turn), line, found)
        return found

    with ThreadPoolExecutor(clients) as pool:
        for found in pool.map(crowded, range(clients)):
            line.crowd += found


def _at(values: list[float], percent: int) -> float:
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
