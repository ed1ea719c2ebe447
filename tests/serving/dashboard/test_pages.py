"""What every page says, held against SQL; its states; its filters in the address; and new data while it is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from gondola import clock
from gondola.serving.dashboard import pages
from gondola.serving.dashboard.text import Text
from gondola.serving.dashboard.usage import views
from gondola.serving.reads import changes
from gondola.settings import get_settings
from storage.lake import Lake
from storage.publish import publish, published_path, published_version
from tests.platform import Platform

PAGES = [spec.name for spec in pages.PAGES if spec.always]
ENGLISH = Text("en")


def draw(name: str, **address: str) -> AppTest:
    """A page as it is drawn for an address."""
    script = f"from gondola.serving.dashboard.shell import draw\ndraw({name!r})\n"
    app = AppTest.from_string(script, default_timeout=60)
    app.query_params |= {"lang": "en"} | address
    return app.run()


def said(app: AppTest) -> str:
    """Everything that a page says in words."""
    groups = (app.title, app.markdown, app.caption, app.subheader, app.info, app.warning, app.error, app.success)
    return "\n".join(str(item.value) for group in groups for item in group)


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def downloads(app: AppTest) -> set[str]:
    return {button.key for button in app.get("download_button")}  # type: ignore[attr-defined]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Platform], Platform]:
    def use(platform: Platform) -> Platform:
        platform.use(monkeypatch)
        return platform

    return use


@pytest.fixture
def shown(world: Platform, use: Callable[[Platform], Platform]) -> Platform:
    return use(world)


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_of_when_its_data_is_and_what_is_missing(shown: Platform, name: str, language: str) -> None:
    app = draw(name, lang=language)
    text = Text("pt" if language == "pt" else "en")
    assert not app.exception
    assert not app.error
    assert [title.value for title in app.title] == [text(f"page.{name}")]
    about = next(item.value for item in app.markdown if text("about.as_of") in item.value)
    for part in ("about.coverage", "about.missing", "about.published"):
        assert text(part) in about
    assert downloads(app), "a page without a table to take away"


def test_todays_figures_are_those_of_sql(shown: Platform) -> None:
    counted = shown.query(
        """
        with days as (select distinct price_date from market.fct_runs order by price_date desc limit 2),
        pairs as (
            select now.price, before.price as before
            from market.fct_prices_daily as now inner join market.fct_prices_daily as before
                using (supermarket, region, sku_id)
            where now.price_date = (select max(price_date) from days)
                and before.price_date = (select min(price_date) from days)
        )
        select count(*) filter (where price > before) as up, count(*) filter (where price < before) as down from pairs
        """
    )[0]
    found = figures(draw("today"))
    assert found["Dearer"] == str(counted["up"])
    assert found["Cheaper"] == str(counted["down"])
    assert counted["up"] > 0


def test_a_filter_in_the_address_holds(shown: Platform) -> None:
    products = shown.query("select count(*) as n from market.dim_stores where supermarket = 'pampa'")[0]["n"]
    app = draw("regions", store="pampa")
    assert figures(app)["Store-regions"] == str(products)
    assert app.selectbox(key="filter-store").value == "pampa"


def test_what_is_chosen_is_written_into_the_address(shown: Platform) -> None:
    app = draw("regions")
    app.selectbox(key="filter-store").select("mirante").run()
    assert app.query_params["store"] in ("mirante", ["mirante"])
    assert figures(app)["Chains"] == "1"
    app.selectbox(key="filter-store").set_value(None).run()
    assert "store" not in app.query_params
    assert figures(app)["Chains"] == "4"


@pytest.mark.parametrize(("page", "name"), [("today", "store"), ("regions", "day"), ("product", "product")])
def test_a_link_to_what_does_not_exist_says_so(shown: Platform, page: str, name: str) -> None:
    app = draw(page, **{name: "nowhere:1"})
    assert [item.value for item in app.warning] == [ENGLISH("filter.unknown", name=name, value="nowhere:1")]
    assert not app.error


def test_a_product_is_found_without_accents_and_shown_everywhere(shown: Platform) -> None:
    row = shown.query(
        """
        select any_value(supermarket || ':' || sku_id order by supermarket) as id,
            any_value(product_name order by supermarket) as name, count(distinct supermarket) as chains
        from market.dim_products where gtin is not null and regions_available > 0
        group by gtin having chains > 2 order by name limit 1
        """
    )[0]
    found = draw("product", q=row["name"].upper())
    assert row["id"] in found.selectbox(key="filter-product").options or row["name"] in str(
        found.selectbox(key="filter-product").options
    )
    app = draw("product", product=row["id"])
    assert not app.error
    store, sku = row["id"].split(":")
    offers = shown.query(
        """
        select min(price) as lowest, count(price) as priced from market.tru_price
        where valid_to is null and (supermarket, sku_id) in (
            select (other.supermarket, other.sku_id) from market.dim_products as other
            inner join market.dim_products as asked using (gtin)
            where asked.supermarket = $store and asked.sku_id = $sku
        )
        """,
        store=store,
        sku=sku,
    )[0]
    assert figures(app)["Cheapest now"] == ENGLISH.money(offers["lowest"])
    assert figures(app)["Can be bought in"].startswith(f"{offers['priced']} of ")
    assert row["name"] in said(app)


def test_nothing_found_is_said(shown: Platform) -> None:
    app = draw("product", q="xyzzy qwertz")
    assert ENGLISH("state.empty") in [item.value for item in app.info]


def test_a_basket_is_summed_over_what_all_sell(shown: Platform) -> None:
    gtins = [
        row["gtin"]
        for row in shown.query(
            """
            select gtin from market.fct_prices_daily
            where price_date = (select max(price_date) from market.fct_runs) and is_available and gtin is not null
            group by gtin having count(distinct (supermarket, region)) = 7 order by gtin limit 3
            """
        )
    ]
    assert gtins
    app = draw("compare", basket=f"{', '.join(gtins)}, abc")
    assert any("abc" in item.value for item in app.warning)
    assert f"{len(gtins)} products that all 7 store-regions sell" in said(app)


def test_event_figures_are_those_of_sql(shown: Platform) -> None:
    row = shown.query(
        """
        select sum(sessions) as sessions, (select sum(revenue) from events.fct_revenue) as revenue
        from events.fct_daily_engagement
        """
    )[0]
    found = figures(draw("events", days="all"))
    assert found["Sessions"] == ENGLISH.number(row["sessions"])
    assert found["Revenue"] == ENGLISH.number(row["revenue"], 2)


def test_shop_figures_follow_the_status_of_the_address(shown: Platform) -> None:
    row = shown.query("select count(*) as n, sum(amount) as s from jaffle_shop.orders where status = 'returned'")[0]
    found = figures(draw("jaffle_shop", status="returned"))
    assert found["Orders"] == str(row["n"])
    assert found["Amount"] == ENGLISH.number(row["s"], 2)


def test_operations_tell_of_every_store_region(shown: Platform) -> None:
    found = figures(draw("operations"))
    assert found["Fresh"] == "9 of 9"
    assert found["Complete runs"] == "100.0%"


@pytest.mark.parametrize("name", PAGES)
def test_before_the_first_publish_a_page_says_what_to_do(
    use: Callable[[Platform], Platform], tmp_path: Path, name: str
) -> None:
    use(Platform(tmp_path))
    app = draw(name)
    assert "Nothing is published yet" in said(app)
    assert any("gondola demo" in block.value for block in app.code)
    assert not app.exception


def test_a_lost_copy_says_so(copied: Platform, use: Callable[[Platform], Platform]) -> None:
    use(copied)
    for path in (copied.home / "warehouse" / "published").glob("*.duckdb"):
        path.unlink()
    app = draw("today")
    assert "The published copy is gone" in said(app)
    assert [block.value for block in app.code] == ["gondola transform"]


def test_a_broken_copy_says_so(copied: Platform, use: Callable[[Platform], Platform]) -> None:
    use(copied)
    _, path = published_path(get_settings().warehouse)
    path.write_bytes(b"no database" * 1000)
    app = draw("today")
    assert "could not be answered" in said(app)
    assert not app.exception


@pytest.mark.parametrize(("name", "schema"), [("today", "market"), ("events", "events"), ("operations", "ops")])
def test_a_system_that_was_never_run_says_how_to(
    use: Callable[[Platform], Platform], tmp_path: Path, name: str, schema: str
) -> None:
    use(Platform(tmp_path))
    settings = get_settings()
    settings.warehouse.parent.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema other; create table other.t as select 1 as a")
    publish(Lake.open(settings.lake), settings.warehouse, schemas=["other"], keep=2)
    app = draw(name)
    assert f"No data of `{schema}` yet" in said(app)


def test_a_query_that_fails_is_said_and_can_be_tried_again(shown: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        message = "disk on fire"
        raise duckdb.IOException(message)

    monkeypatch.setattr(changes, "summary", broken)
    app = draw("today")
    assert "could not be answered" in said(app)
    assert "disk on fire" in app.code[0].value
    monkeypatch.undo()
    shown.use(monkeypatch)
    app.button(key="retry").click().run()
    assert not app.error
    assert "Dearer" in figures(app)


def test_old_data_is_said_to_be_old(shown: Platform) -> None:
    assert not draw("today").warning
    with clock.put_forward(timedelta(hours=30)):
        warnings = [item.value for item in draw("today").warning]
    assert len(warnings) == 1
    assert "30 hours ago" in warnings[0]


def test_a_new_version_is_shown_whole_and_the_old_one_forgotten(
    copied: Platform, use: Callable[[Platform], Platform]
) -> None:
    use(copied)
    settings = get_settings()
    app = draw("jaffle_shop")
    before = figures(app)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.warehouse}' as gondola")
        connection.execute("update gondola.jaffle_shop.orders set amount = amount * 2")
        # While a build holds the warehouse open for writing, readers read.
        assert figures(app.run()) == before
    publish(Lake.open(settings.lake), settings.warehouse, schemas=["jaffle_shop"], keep=2)
    after = figures(app.run())
    assert after["Orders"] == before["Orders"]
    total = copied.query("select sum(amount) as s from jaffle_shop.orders")[0]["s"]
    assert after["Amount"] == ENGLISH.number(total, 2) != before["Amount"]


def test_pages_are_counted_once_an_opening(shown: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONDOLA_LOGS", str(tmp_path / "logs"))
    get_settings.cache_clear()
    app = draw("events")
    app.run()
    draw("events")
    draw("regions")
    counts = {row["page"]: row["views"] for row in views(get_settings()).to_pylist()}
    assert counts == {"events": 2, "regions": 1}


def test_a_count_that_cannot_be_kept_stops_no_page(
    shown: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    monkeypatch.setenv("GONDOLA_LOGS", str(tmp_path / "logs"))
    get_settings.cache_clear()
    assert not draw("regions").error
    assert views(get_settings()).num_rows == 0


def test_the_warehouse_of_a_build_is_not_needed(copied: Platform, use: Callable[[Platform], Platform]) -> None:
    use(copied)
    get_settings().warehouse.unlink()
    shutil.rmtree(copied.home / "lake")
    for name in ("today", "events"):
        assert not draw(name).error
    assert published_version(get_settings().warehouse)
