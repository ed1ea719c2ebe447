"""Pages that are offered once a system's tables are published, on tables of the shape that those systems publish."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gondola.serving.dashboard.pages import PAGES
from gondola.serving.dashboard.text import Text
from gondola.settings import get_settings
from storage.lake import Lake
from storage.publish import publish
from tests.platform import Platform
from tests.serving.dashboard.test_pages import draw, figures, said

ENGLISH = Text("en")

# What `docs` of each system calls its marts, with the columns the pages read.
PHYSICAL_PRODUCT = """
create schema physical_product;
create table physical_product.dim_products (product_id varchar, category varchar);
insert into physical_product.dim_products values ('p1', 'Toys'), ('p2', 'Tools');
create table physical_product.fact_sales (order_date date);
insert into physical_product.fact_sales values ('2026-01-10'), ('2026-02-10');
create table physical_product.metrics_sales_performance (
    order_date date, category varchar, channel varchar, order_lines bigint, quantity bigint, net_amount decimal(18, 2),
    returned_quantity bigint, refund_amount decimal(18, 2), margin_amount decimal(18, 2), lines_without_cost bigint
);
insert into physical_product.metrics_sales_performance values
    ('2026-01-10', 'Toys', 'web', 2, 10, 100.00, 1, 10.00, 30.00, 0),
    ('2026-02-10', 'Toys', 'web', 1, 5, 50.00, 0, 0, 20.00, 0),
    ('2026-02-10', 'Tools', 'web', 1, 5, 250.00, 2, 100.00, null, 1);
create table physical_product.metrics_product_performance (
    product_id varchar, product_name varchar, category varchar, product_kind varchar, quantity bigint,
    net_amount decimal(18, 2), returned_quantity bigint, return_share double, refund_amount decimal(18, 2),
    unit_cost decimal(18, 6), margin_amount decimal(18, 2), margin_share double, waste_cost decimal(18, 2),
    margin_after_waste decimal(18, 2), inspections bigint, defect_rate double
);
insert into physical_product.metrics_product_performance values
    ('p1', 'Kite', 'Toys', 'finished', 15, 150.00, 1, 0.0667, 10.00, 5, 50.00, 0.33, 7.00, 43.00, 2, 0.05),
    ('p2', 'Saw', 'Tools', 'finished', 5, 250.00, 2, 0.4, 100.00, null, null, null, null, null, 0, null);
create table physical_product.fact_returns (
    product_id varchar, return_date date, reason varchar, quantity bigint, refund_amount decimal(18, 2),
    lost_cost decimal(18, 2)
);
insert into physical_product.fact_returns values
    ('p1', '2026-02-01', 'broken', 1, 10.00, 5.00), ('p2', '2026-02-10', null, 2, 100.00, null);
create table physical_product.fact_waste (
    product_id varchar, wasted_on date, quantity decimal(18, 3), reason varchar, waste_cost decimal(18, 2)
);
insert into physical_product.fact_waste values ('p1', '2026-01-20', 2, 'damaged', 7.00);
create table physical_product.fact_quality (
    product_id varchar, inspection_date date, sample_size bigint, defects bigint, is_passed boolean
);
insert into physical_product.fact_quality values
    ('p1', '2026-01-11', 50, 2, true), ('p1', '2026-02-09', 50, 3, false);
"""
RETAIL_SALES = """
create schema retail_sales;
create table retail_sales.daily_sales_by_retailer (
    business_date date, retailer_id varchar, retailer_name varchar, load_status varchar, transactions bigint,
    customers bigint, products bigint, units decimal(18, 3), sales_amount decimal(18, 2), average_ticket decimal(18, 2)
);
insert into retail_sales.daily_sales_by_retailer values
    ('2026-02-01', 'north', 'North', 'complete', 10, 8, 5, 20, 200.00, 20.00),
    ('2026-02-03', 'north', 'North', 'partial', 5, 4, 5, 10, 100.00, 20.00),
    ('2026-02-03', 'south', 'South', 'complete', 1, 1, 1, 1.5, 9.90, 9.90);
create table retail_sales.day_loads (business_date date, retailer_id varchar, status varchar, fact_rows bigint);
insert into retail_sales.day_loads values
    ('2026-02-01', 'north', 'complete', 20), ('2026-02-03', 'north', 'partial', 10),
    ('2026-02-01', 'south', 'complete', 0), ('2026-02-02', 'south', 'complete', 0),
    ('2026-02-03', 'south', 'complete', 1);
create table retail_sales.store_performance as select
    'north' as retailer_id, 's1' as store_id, 'First' as store_name, 'Porto Alegre' as city, 'RS' as state,
    15 as transactions, 12 as customers, 2 as days_open, 30.000 as units, 300.00 as sales_amount,
    20.00 as average_ticket, 150.00 as sales_per_day, date '2026-02-03' as last_sold_date;
create table retail_sales.product_performance as select
    'north' as retailer_id, 'x' as product_id, 'Rice' as product_name, null::varchar as brand, 'Food' as category,
    null::varchar as gtin, 15 as transactions, 2 as days_sold, 30.000 as units, 300.00 as sales_amount,
    10.0000 as average_unit_price, 1.000000 as share_of_retailer, 1 as sales_rank, date '2026-02-03' as last_sold_date;
create table retail_sales.category_mix as select
    date '2026-02-01' as month_start, 'north' as retailer_id, 'Food' as category, 15 as transactions, 30.000 as units,
    300.00 as sales_amount;
"""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    platform = Platform(tmp_path)
    platform.use(monkeypatch)
    settings = get_settings()
    settings.warehouse.parent.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(PHYSICAL_PRODUCT)
        connection.execute(RETAIL_SALES)
    publish(Lake.open(settings.lake), settings.warehouse, schemas=["physical_product", "retail_sales"], keep=2)
    return platform


def test_margins_of_which_a_cost_is_unknown_are_unknown(published: Platform) -> None:
    app = draw("physical_product")
    assert not app.error, app.error
    found = figures(app)
    assert found["Net sales"] == ENGLISH.money(400)
    assert found["Margin"] == "\u2013"
    assert found["Returned"] == "15.0%"
    assert found["Waste"] == ENGLISH.money(7)
    assert found["Defect rate"] == "5.00%"
    assert "1 order lines have no cost" in said(app)


def test_a_category_is_reckoned_by_itself(published: Platform) -> None:
    found = figures(draw("physical_product", category="Toys"))
    assert found["Net sales"] == ENGLISH.money(150)
    assert found["Margin"] == ENGLISH.money(50)


def test_days_of_retailers_that_did_not_come_whole_are_named(published: Platform) -> None:
    app = draw("retail_sales", days="all")
    assert not app.error, app.error
    assert figures(app)["Sales"] == "309.90"
    assert figures(app)["Receipts"] == "16"
    words = said(app)
    assert "4 of 6 days of retailers whole" in words
    assert f"north on {ENGLISH.day(date(2026, 2, 2))}: not loaded" in words
    assert f"north on {ENGLISH.day(date(2026, 2, 3))}: partial" in words
    assert figures(draw("retail_sales", days="all", retailer="south"))["Sales"] == "9.90"


def test_they_are_offered_only_where_their_tables_are(
    published: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gondola.serving.dashboard import shell

    def offered() -> set[Any]:
        version = shell.open_copies().version()
        return {spec.name for spec in shell._offered(shell._schemas(version.name if version else None))}

    assert offered() == {spec.name for spec in PAGES}
    Platform(tmp_path / "elsewhere").use(monkeypatch)
    assert offered() == {spec.name for spec in PAGES if spec.always}
