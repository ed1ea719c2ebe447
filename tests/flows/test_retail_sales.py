"""Retailers' sales from their APIs to the views, on both engines: every total is what was sold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg
import pytest
import sqlglot
from sqlglot import exp

from flows.backfill import backfill, plan
from flows.retail_sales import retail_sales
from flows.transform import transform
from gondola import clock
from gondola.errors import ConfigurationError
from gondola.sandbox import Sandbox, World
from gondola.sandbox.retailers import RetailerFaults, RetailerSandbox, RetailWorld
from gondola.sandbox.retailers.truth import facts
from gondola.settings import get_settings
from gondola.sources.retailers import DayFetch, Page, from_document, load_retailers, make_retailer, read_pages
from gondola.sources.retailers.gtin import judge_gtin
from storage.lake import Lake
from storage.layout import SalesBronze, parse
from storage.postgres import Postgres
from tasks.athena import athena_statements
from tasks.retail_landing import put_raw
from tasks.retail_report import RetailSalesReport
from tests.platform import Platform
from tests.postgres import find_postgres, postgres_server

DAY = date(2026, 2, 5)
RETAILERS = ("alfa", "boreal", "costa")
WORLD = RetailWorld(sales=30, goods=60, products=300)
VIEWS = {
    "daily_sales_by_retailer": ("business_date", "retailer_id"),
    "product_performance": ("product_key",),
    "store_performance": ("store_key",),
    "customer_value": ("customer_key",),
    "monthly_trend": ("month_start", "retailer_id"),
    "category_mix": ("month_start", "retailer_id", "category"),
}
TABLES = ("dim_date", "dim_retailer", "dim_product", "dim_store", "dim_customer", "fact_sales", "day_loads")
FACTS = """
select retailers.retailer_id, sales.transaction_id, products.product_id, sales.business_date, sales.quantity,
    sales.total_amount
from retail_sales.fact_sales as sales
join retail_sales.dim_retailer as retailers using (retailer_key)
join retail_sales.dim_product as products using (product_key)
"""


@pytest.fixture
def early() -> Iterator[None]:
    """It is the morning of 8 February."""
    with clock.put_forward(datetime(2026, 2, 8, 12, tzinfo=UTC) - datetime.now(UTC)):
        yield


def serving(**given: Any) -> RetailerSandbox:
    return RetailerSandbox(WORLD, page_size=40, now=lambda: clock.now().timestamp(), **given)


def point_at(platform: Platform, sandbox: RetailerSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.write_retailers_file(platform.home / "retailers.yaml")
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)


def run(*given: Any, **named: Any) -> RetailSalesReport:
    state: Any = retail_sales(*given, **named, return_state=True)
    report: RetailSalesReport = state.result(raise_on_failure=False)
    assert state.name == report.status.capitalize()
    return report


def loaded_facts(platform: Platform) -> dict[tuple[str, str, str], tuple[date, Decimal, Decimal]]:
    rows = [tuple(row.values()) for row in platform.query(FACTS)]
    found = {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in rows}
    assert len(found) == len(rows)
    return found


def true_facts(days: Sequence[date], retailers: Sequence[str] = RETAILERS) -> dict[Any, Any]:
    return {key: value for key, value in facts(WORLD, days).items() if key[0] in retailers}


@pytest.mark.usefixtures("early")
def test_an_outage_is_healed_by_the_next_days_run_and_both_engines_agree(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY + timedelta(days=step) for step in range(3)]
    with serving(faults=RetailerFaults(outages=("costa",))) as sandbox:
        point_at(platform, sandbox, monkeypatch)
        report = run(DAY)
    assert {one.retailer: one.status for one in report.runs} == {
        "alfa": "complete",
        "boreal": "complete",
        "costa": "failed",
    }
    assert report.status == "partial"
    assert loaded_facts(platform) == true_facts([DAY], ("alfa", "boreal"))

    with serving(faults=0.2) as sandbox:
        point_at(platform, sandbox, monkeypatch)
        report = run()
    assert report.status == "complete", report.headline
    fetched = {name: [one.day for one in report.runs if one.retailer == name] for name in RETAILERS}
    assert fetched == {"alfa": days[1:], "boreal": days[1:], "costa": days}
    truth = true_facts(days)
    assert loaded_facts(platform) == truth

    sums = platform.query("select sum(sales_amount) as amount, sum(units) as units from retail_sales.monthly_trend")
    assert sums == [
        {"amount": sum(total for *_, total in truth.values()), "units": sum(one[1] for one in truth.values())}
    ]
    statuses = platform.query("select business_date, load_status from retail_sales.daily_sales_by_retailer")
    assert {(row["business_date"], row["load_status"]) for row in statuses} == {
        (DAY - timedelta(days=1), "partial"),
        *((day, "complete") for day in days),
    }
    gold = [parse(entry.key) for entry in platform_lake(platform).find("gold/retail_sales", ".parquet")]
    assert {getattr(one, "table", None) for one in gold} == {*TABLES, *VIEWS}
    _postgres_agrees(platform, monkeypatch)


def _postgres_agrees(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = find_postgres()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with postgres_server(programs) as url:
        monkeypatch.setenv("GONDOLA_TARGET", "postgres")
        monkeypatch.setenv("GONDOLA_POSTGRES_URL", url.replace("+asyncpg", ""))
        get_settings.cache_clear()
        version = platform_version(platform)
        transform(["retail_sales"])
        assert platform_version(platform) == version, "readers of DuckDB see what they saw"
        postgres = Postgres.of(get_settings())
        with postgres.connect(autocommit=True) as connection:
            for name in (*TABLES, *VIEWS):
                mine = sorted(platform.query(f"from retail_sales.{name}"), key=repr)
                theirs = sorted(rows_of(connection, f"select * from retail_sales.{name}"), key=repr)
                assert mine, name
                assert [without_moments(row) for row in theirs] == [without_moments(row) for row in mine], name
            views = oids(connection)
            assert set(views) == set(VIEWS)
            for name, keys in VIEWS.items():
                index = rows_of(
                    connection,
                    "select string_agg(attname, ',' order by attnum) as columns from pg_attribute join pg_index "
                    f"on attrelid = indexrelid where indrelid = 'retail_sales.{name}'::regclass and indisunique",
                )
                assert index == [{"columns": ",".join(keys)}]
            connection.execute("comment on materialized view retail_sales.customer_value is 'dbt sql of another time'")
            transform(["retail_sales"])
            again = oids(connection)
        assert {name for name in VIEWS if views[name] != again[name]} == {"customer_value"}
        assert not [name for name in os.environ if "DBT_ENV_SECRET" in name], "the password does not stay behind"
        with pytest.raises(ConfigurationError, match="market can't be built on the target postgres"):
            transform(["market"])


def platform_lake(platform: Platform) -> Lake:
    return Lake.open(platform.environment["GONDOLA_LAKE"])


def platform_version(platform: Platform) -> str | None:
    from storage.publish import published_version

    return published_version(get_settings().warehouse)


def rows_of(connection: psycopg.Connection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)  # type: ignore[call-overload]
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def oids(connection: psycopg.Connection) -> dict[str, int]:
    sql = (
        "select relname, oid::bigint from pg_class where relkind = 'm' and relnamespace = 'retail_sales'::regnamespace"
    )
    return {row["relname"]: row["oid"] for row in rows_of(connection, sql)}


def without_moments(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"loaded_at", "fresh_as_of"}}


@pytest.mark.usefixtures("early")
def test_what_was_said_lies_as_it_came_and_a_worse_fetch_takes_no_place(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = platform_lake(platform)
    with serving() as sandbox:
        point_at(platform, sandbox, monkeypatch)
        run(DAY, build=False)
        first = lake.get(SalesBronze("costa", DAY).key)
        again = run(DAY, ["costa"], build=False)
        assert again.runs[0].lines > 0
    [retailer] = [one for one in load_retailers(platform.home / "retailers.yaml") if one.id == "costa"]
    document = from_document(lake.get(SalesBronze("costa", DAY).key))
    assert [page.body for page in document.pages] == [page.body for page in from_document(first).pages]
    assert len(lake.find("bronze/retail_sales/retailer=costa")) == 1, "the same answers are kept once"
    records, rejected = read_pages(make_retailer(retailer), document.pages, clock.now())
    assert {(one.transaction_id, one.product_id) for one in records} == {
        key[1:] for key in true_facts([DAY], ("costa",))
    }
    assert len(rejected) == 4
    refused = platform.records("quarantine/retail_sales")
    assert {row["field"] for row in refused} >= {"quantity", "sku", "sold_at", "qty", "data_hora", "produto"}
    assert all(parse(entry.key) for entry in lake.find("", ".json") + lake.find("silver", ".parquet"))

    def fetch(status: str, body: bytes) -> DayFetch:
        page = Page("/export/sales.csv", clock.now(), {}, body)
        return DayFetch("costa", DAY, clock.next_start("test"), status, pages=[page])

    partial, other = fetch("partial", b"half"), fetch("complete", b"another")
    assert put_raw(lake, partial, "x") == SalesBronze("costa", DAY, partial.started_at).key
    assert from_document(lake.get(SalesBronze("costa", DAY).key)).pages == document.pages
    assert put_raw(lake, other, "x") == SalesBronze("costa", DAY).key
    assert from_document(lake.get(SalesBronze("costa", DAY, document.started_at).key)).pages == document.pages


@pytest.mark.usefixtures("early")
def test_a_fetch_that_breaks_in_the_middle_keeps_what_came(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(faults=RetailerFaults(broken_after={"alfa": 1})) as sandbox:
        point_at(platform, sandbox, monkeypatch)
        monkeypatch.setenv("GONDOLA_REQUEST_ATTEMPTS", "1")
        get_settings.cache_clear()
        report = run(DAY, build=False)
    statuses = {one.retailer: (one.status, one.pages) for one in report.runs}
    assert report.status == "partial"
    # Two retries came to nothing; what the first try brought is what the day came to.
    assert statuses["alfa"] == ("partial", 1)
    runs = [one for one in platform.records("metadata/runs/system=retail_sales") if one["scope"] == "retailer=alfa"]
    assert sorted(one["status"] for one in runs) == ["failed", "failed", "partial"]
    assert next(one for one in runs if one["status"] == "partial")["written_rows"] > 0
    assert statuses["boreal"][0] == statuses["costa"][0] == "complete"


@pytest.mark.slow
def test_the_command_says_partial_and_keeps_every_secret(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as sandbox:
        point_at(platform, sandbox, monkeypatch)
        done = platform.command(
            "run", "retail_sales", "--date", str(DAY), "--retailer", "alfa", "--retailer", "boreal", "--json",
            SANDBOX_BOREAL_SECRET="not-the-secret",
        )  # fmt: skip
        secrets = [*sandbox.environment.values(), "not-the-secret"]
    assert done.code == 3, done.err
    assert done.document["status"] == "partial"
    assert {one["retailer"]: one["status"] for one in done.document["runs"]} == {"alfa": "complete", "boreal": "failed"}
    everything = done.out + done.err + "".join(map(str, platform.records("metadata/runs/system=retail_sales")))
    everything += str(platform.records("metadata/requests/system=retail_sales"))
    everything += "".join(path.read_text() for path in (platform.home / "logs").rglob("*") if path.is_file())
    for entry in platform_lake(platform).find("bronze"):
        everything += platform_lake(platform).get(entry.key).decode()
    assert not [secret for secret in secrets if secret in everything and secret != "boreal-client"]
    assert loaded_facts(platform) == true_facts([DAY], ("alfa",))
    wrong = platform.command("run", "market", "--retailer", "alfa")
    assert (wrong.code, "--retailer is an option of retail_sales" in wrong.err) == (2, True)


@pytest.mark.slow
@pytest.mark.usefixtures("early")
def test_days_that_were_never_fetched_are_backfilled_once(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = DAY - timedelta(days=2), DAY
    with serving() as sandbox:
        point_at(platform, sandbox, monkeypatch)
        run(DAY, build=False)
        made = plan("retail_sales", first, last)
        assert made.days == (first, first + timedelta(days=1))
        assert "alfa: never fetched" in made.missing[first]
        backfill("retail_sales", first, last, reason="a new customer")
        assert plan("retail_sales", first, last).days == ()
    assert loaded_facts(platform) == true_facts([first, first + timedelta(days=1), DAY])
    [record] = platform.records("metadata/runs/system=backfill")
    assert (record["status"], json.loads(record["attributes"])["reason"]) == ("complete", "a new customer")
    for system, said in (("events", "full-refresh"), ("jaffle_shop", "whole books")):
        with pytest.raises(ConfigurationError, match=said):
            plan(system, first, last)


def test_athena_reads_the_files_where_they_lie() -> None:
    statements = athena_statements("s3://bucket/some/lake", ["alfa", "costa"], database="shop")
    assert set(statements) == {
        *(f"retail_sales_{name}" for name in ("bronze", "silver", *TABLES, *VIEWS)),
    }
    for name, statement in statements.items():
        [tree] = sqlglot.parse(statement, dialect="athena")
        assert isinstance(tree, exp.Create), name
        assert tree.kind == "TABLE"
        properties = {
            str(one.this.name if hasattr(one.this, "name") else one.this): one.args["value"].name
            for one in tree.find_all(exp.Property)
            if type(one) is exp.Property
        }
        location = tree.find(exp.LocationProperty)
        assert location is not None
        assert location.this.name.endswith("/")
        template = properties.get("storage.location.template")
        if template is None:
            continue
        assert properties["projection.enabled"] == "true"
        assert template.startswith(location.this.name)
        partitions = {part for part in template.split("/") if "${" in part}
        for part in partitions:
            column = part.split("=")[0]
            assert f"projection.{column}.type" in properties, name
            assert f"`{column}`" in statement.split("PARTITIONED BY")[1]
    filled = {"${retailer}": "alfa", "${year}": "2026", "${month}": "02", "${day}": "05"}
    for name, key in (
        ("bronze", SalesBronze("alfa", DAY).key),
        ("silver", "silver/retail_sales/sales/retailer=alfa/year=2026/month=02/day=05/run_x.parquet"),
    ):
        template = statements[f"retail_sales_{name}"].split("'storage.location.template' = '")[1].split("'")[0]
        for variable, value in filled.items():
            template = template.replace(variable, value)
        assert key.startswith(template.removeprefix("s3://bucket/some/lake/") + "/")
    with pytest.raises(ConfigurationError, match="Athena reads S3 only"):
        athena_statements("/data/lake", ["alfa"])


def test_own_prices_stand_beside_the_shelves_of_others(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves = World(2026, 300)
    day = shelves.day_of(DAY)
    with serving() as retailers, Sandbox(world=shelves, day=day) as stores:
        point_at(platform, retailers, monkeypatch)
        platform.crawl(stores, stores=["aurora", "serra"], build=False)
        run(DAY, build=False)
    transform(["market", "retail_sales"])
    own: dict[tuple[str, str], list[Decimal]] = {}
    for chain in RETAILERS:
        for sale in [sale for sale in WORLD.answered(chain, DAY) if sale.sold_at.date() == DAY]:
            for line in sale.lines:
                gtin, _ = judge_gtin(line.good.barcode)
                if gtin:
                    sums = own.setdefault((chain, gtin), [Decimal(0), Decimal(0)])
                    sums[0] += line.quantity
                    sums[1] += line.total
    shelf: dict[tuple[str, str], list[Decimal]] = {}
    for store, region in (("aurora", "florianopolis"), ("aurora", "joinville"), ("serra", "default")):
        for row in shelves.shelf(store, region, day):
            gtin, _ = judge_gtin(row.ean)
            if gtin and row.price and row.is_available:
                shelf.setdefault((store, gtin), []).append(row.price)
    expected = {
        (chain, gtin, store): (rounded(amount / units), rounded(sum(prices, Decimal(0)) / len(prices)))
        for (chain, gtin), (units, amount) in own.items()
        for (store, other), prices in shelf.items()
        if gtin == other
    }
    found = platform.query(
        "select retailer_id, gtin, supermarket, own_average_price, competitor_average_price "
        f"from shared.fct_price_position where business_date = date '{DAY}'"
    )
    assert {tuple(row.values())[:3]: tuple(row.values())[3:] for row in found} == expected
    assert len(expected) > 20
    tied = platform.query("select distinct gtin, barcode from shared.dim_product_xref where systems = 2")
    assert {row["gtin"] for row in tied} >= {gtin for _, gtin, _ in expected}
    assert not [row for row in tied if str(row["barcode"]).startswith("2")]


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)
