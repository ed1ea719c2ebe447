"""What the models read: an empty lake, files that drift, stores under other names, runs that are too old."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from dbt.contracts.graph.manifest import Manifest

from gondola.sources.vtex.schema import BRONZE_SCHEMA
from tests.dbt.conftest import Warehouse
from tests.dbt.market_lake import Crawl, write_bronze, write_crawl, write_record

DAY = date(2026, 2, 5)
AT = datetime(2026, 2, 5, 12, tzinfo=UTC)


def sku(number: str = "1", **values: Any) -> dict[str, Any]:
    return {"sku_id": number, "product_id": number, "price": Decimal("10.0000"), "is_available": True, **values}


def test_an_empty_lake_builds_green_twice(warehouse: Warehouse) -> None:
    for _ in range(2):
        assert set(warehouse.build().values()) == {"success", "pass"}
    tables = [
        "tru_product",
        "tru_price",
        "fct_prices_daily",
        "fct_runs",
        "dim_products",
        "dim_stores",
        "fct_price_changes",
    ]
    for table in tables:
        assert warehouse.rows(f"select count(*) from market.{table}") == [(0,)], table
    write_crawl(warehouse.lake, Crawl(DAY, [sku()], AT))
    warehouse.build(command="run")
    assert warehouse.rows("select price from market.fct_prices_daily") == [(Decimal("10.0000"),)]


@pytest.mark.parametrize("together", [True, False], ids=["one build", "build by build"])
def test_files_that_drift_are_read(warehouse: Warehouse, *, together: bool) -> None:
    """A column too few, one too many, a price as text, one as a float, nulls without a type."""
    plain = Crawl(DAY, [sku(brand="Boa")], AT)
    missing = Crawl(DAY + timedelta(1), [sku(brand="Boa")], AT + timedelta(1))
    extra = Crawl(DAY + timedelta(2), [sku(brand="Boa")], AT + timedelta(2))
    text = Crawl(DAY + timedelta(3), [sku("1"), sku("2")], AT + timedelta(3))
    floats = Crawl(DAY + timedelta(4), [sku(brand="Boa")], AT + timedelta(4))

    def table(crawl: Crawl) -> pa.Table:
        rows = [{"run_id": crawl.run_id, **row} for row in crawl.rows]
        return pa.Table.from_pylist(rows, schema=BRONZE_SCHEMA)

    def with_price(crawl: Crawl, values: pa.Array) -> pa.Table:
        return table(crawl).set_column(BRONZE_SCHEMA.get_field_index("price"), "price", values)

    tables = [
        (plain, table(plain)),
        (missing, table(missing).drop_columns(["brand", "teasers", "raw"])),
        (extra, table(extra).append_column("novelty", pa.array([1]))),
        (text, with_price(text, pa.array(["12.50", "doze"]))),
        (floats, with_price(floats, pa.array([13.5])).set_column(0, "run_id", pa.array([floats.run_id]))),
    ]
    for crawl, rows in tables:
        write_bronze(warehouse.lake, crawl, rows)
        write_record(warehouse.lake, crawl)
        if not together:
            warehouse.build(command="run")
    warehouse.build()
    assert warehouse.rows(
        "select price_date, sku_id, price, brand from market.fct_prices_daily order by price_date, sku_id"
    ) == [
        (plain.day, "1", Decimal("10.0000"), "Boa"),
        (missing.day, "1", Decimal("10.0000"), None),
        (extra.day, "1", Decimal("10.0000"), "Boa"),
        (text.day, "1", Decimal("12.5000"), None),
        (text.day, "2", None, None),
        (floats.day, "1", Decimal("13.5000"), "Boa"),
    ]


def test_names_and_categories_are_read_and_products_enriched(warehouse: Warehouse) -> None:
    rows = [
        sku("1", product_name="  Queijo   Minas ", category_path="/Frios/Queijos/Frescos/", measurement_unit="KG"),
        sku("2", product_name="Sabão", category_path="/Limpeza/", ean="7891000100103", measurement_unit="un"),
        sku("3", category_path=None),
    ]
    write_crawl(warehouse.lake, Crawl(DAY, rows, AT))
    warehouse.build(command="run")
    assert warehouse.rows(
        "select product_name, department, category, subcategory, gtin, is_sold_by_weight "
        "from market.dim_products order by sku_id"
    ) == [
        ("Queijo Minas", "Frios", "Queijos", "Frescos", None, True),
        ("Sabão", "Limpeza", None, None, "07891000100103", False),
        (None, None, None, None, None, False),
    ]
    said = warehouse.rows(
        "select product_name, department, category, gtin from market.fct_prices_daily order by sku_id"
    )
    assert said[:2] == [("  Queijo   Minas ", "Frios", "Queijos", None), ("Sabão", "Limpeza", None, "07891000100103")]


def test_a_region_that_follows_another_is_a_store_of_its_own(warehouse: Warehouse) -> None:
    attributes = {"region_name": "Centro", "postal_code": "88000-000", "aliases": ["norte", "sul"]}
    write_crawl(warehouse.lake, Crawl(DAY, [sku()], AT - timedelta(1), region="sul"))
    write_crawl(warehouse.lake, Crawl(DAY, [sku(), sku("2")], AT, attributes=attributes))
    warehouse.build()
    assert warehouse.rows(
        "select region, region_name, price_region, is_alias, products, last_complete_date "
        "from market.dim_stores order by 1"
    ) == [
        ("centro", "Centro", "centro", False, 2, DAY),
        ("norte", "norte", "centro", True, 2, DAY),
        ("sul", "Sul", "centro", True, 2, DAY),
    ]


def test_a_row_written_twice_is_caught_and_the_day_built_again(warehouse: Warehouse) -> None:
    crawl = Crawl(DAY, [sku(), sku()], AT)
    write_crawl(warehouse.lake, crawl)
    assert "primary_key_fct_prices_daily" in warehouse.fails()
    write_crawl(warehouse.lake, Crawl(DAY, [sku()], AT + timedelta(hours=1)))
    warehouse.build()
    assert warehouse.rows("select count(*) from market.fct_prices_daily") == [(1,)]


def test_rows_that_a_record_does_not_tell_of_are_caught(warehouse: Warehouse) -> None:
    crawl = Crawl(DAY, [sku(), sku("2")], AT)
    write_record(warehouse.lake, crawl)
    write_bronze(warehouse.lake, Crawl(DAY, [sku()], AT))
    assert "assert_every_written_row_is_a_fact" in warehouse.fails()


@pytest.mark.parametrize(
    ("hours", "status", "fresh"),
    [
        (1, "complete", "pass"),
        (1, "failed", "error"),
        (30, "partial", "warn"),
        (60, "complete", "error"),
        (None, "", "error"),
    ],
)
def test_freshness_asks_when_a_run_last_succeeded(
    warehouse: Warehouse, hours: int | None, status: str, fresh: str
) -> None:
    if hours is not None:
        started = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours)
        write_crawl(warehouse.lake, Crawl(started.date(), [sku()], started, status=status))
    result = warehouse.run_dbt("source freshness", "--select", "source:market_lake")
    assert [str(source.status) for source in result.result.results] == [fresh]


def test_unit_tests_pass_on_a_fresh_warehouse(warehouse: Warehouse, manifest: Manifest) -> None:
    # The tables that the views of retail_sales hang on are made by its loader.
    warehouse.build("--select", "fqn:*", "--exclude", "retail_sales", "--exclude-resource-type", "unit_test", "test")
    statuses = warehouse.build("--select", "test_type:unit", command="test")
    assert len(statuses) == len(manifest.unit_tests) >= 15
    assert set(statuses.values()) == {"pass"}


def test_every_model_is_described_owned_and_has_a_key(manifest: Manifest) -> None:
    models = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    keyed = {
        node.attached_node
        for node in manifest.nodes.values()
        if getattr(getattr(node, "test_metadata", None), "name", "") == "primary_key"
    }
    assert {model.unique_id for model in models} == keyed - {None}  # of a source's key no model is named
    for model in models:
        assert model.description, model.name
        assert model.config.meta["owner"], model.name
        assert model.config.meta["grain"], model.name
        assert all(column.description for column in model.columns.values()), model.name
    public = [model for model in models if model.access == "public"]
    assert len(public) == 42
    for model in public:
        assert model.contract.enforced, model.name
        assert model.config.meta["example"], model.name


def test_days_know_the_brazilian_holidays(warehouse: Warehouse) -> None:
    warehouse.build("--select", "dim_date", command="run")
    holidays = dict(warehouse.rows("select date_day, holiday_name from shared.dim_date where holiday_name is not null"))
    assert holidays[date(2026, 4, 3)] == "Paixão de Cristo"
    assert holidays[date(2025, 4, 18)] == "Paixão de Cristo"
    assert holidays[date(2038, 4, 23)] == "Paixão de Cristo"  # the latest Easter there can be comes two days later
    assert holidays[date(2000, 4, 21)] == "Paixão de Cristo / Tiradentes"
    assert holidays[date(2026, 6, 4)] == "Corpus Christi"
    assert date(2023, 11, 20) not in holidays
    assert date(2024, 11, 20) in holidays
    assert warehouse.rows(
        "select iso_year, iso_week, iso_weekday, weekday_name_pt, month_name_pt, weekday_name_en, is_weekend "
        "from shared.dim_date where date_day = date '2027-01-03'"
    ) == [(2026, 53, 7, "Domingo", "Janeiro", "Sunday", True)]
