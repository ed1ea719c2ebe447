"""Every page in a real Chromium: loaded, filtered, searched, downloaded, broken, on a phone, in the dark, by keyboard.

With DOCS_SCREENSHOTS set, the same run writes the pictures of the docs.
"""

from __future__ import annotations

import csv
import io
import re

import duckdb
import openpyxl
import pytest
from playwright.sync_api import Browser, expect

from gondola.serving.dashboard.pages import PAGES
from gondola.settings import get_settings
from storage.lake import Lake
from storage.publish import publish
from tests.platform import Platform
from tests.serving.dashboard.conftest import served
from tests.serving.dashboard.screen import screen

NAMES = [spec.name for spec in PAGES if spec.always]


def path_of(name: str) -> str:
    return "" if name == NAMES[0] else name


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_offline_and_can_be_read_by_everybody(dashboard: str, browser: Browser, name: str) -> None:
    with screen(browser, dashboard) as tab:
        tab.open(path_of(name))
        assert tab.page.locator(".st-key-about").is_visible()
        assert not tab.page.locator('[data-testid="stException"]').count()
        assert "could not be answered" not in tab.text
        assert tab.outside == []
        # Each chart has words that say what it shows, and its figures as a table.
        charts = tab.page.locator('[data-testid="stVegaLiteChart"]')
        for place in range(charts.count()):
            charts.nth(place).scroll_into_view_if_needed()
            described = charts.nth(place).locator("[aria-label]").first
            expect(described).to_have_attribute("aria-label", re.compile(r".{20,}"), timeout=20_000)
        tab.page.locator("h1").scroll_into_view_if_needed()
        tab.picture(name)
        assert not tab.violations()


def test_a_filter_goes_into_the_address_and_a_copied_link_shows_the_same(dashboard: str, browser: Browser) -> None:
    with screen(browser, dashboard) as tab:
        tab.open("regions")
        everything = tab.figures
        tab.choose("Store", "Pampa", "store=pampa")
        chosen = tab.figures
        assert chosen["Chains"] == "1"
        assert chosen != everything
        link = tab.page.url
    with screen(browser, dashboard) as other:
        other.page.goto(link)
        other.page.wait_for_selector(".st-key-about")
        assert other.rest().figures == chosen
        assert other.page.url == link


def test_products_are_found_while_typing(dashboard: str, browser: Browser, world: Platform) -> None:
    with screen(browser, dashboard) as tab:
        tab.open("product")
        box = tab.page.get_by_label("Name, brand or barcode")
        box.press_sequentially("arroz", delay=40)
        tab.page.wait_for_url("**q=arroz*")  # without Enter
        tab.rest()
        product = tab.page.get_by_role("combobox", name=re.compile("Product")).first
        product.click()
        option = tab.page.get_by_role("option").first
        assert "arroz" in option.inner_text().lower()
        name = option.inner_text().split(" · ")[0]
        option.click()
        tab.page.wait_for_url("**product=*")
        tab.rest()
        assert name in tab.text
        assert "Cheapest now" in tab.figures
        tab.picture("product-chosen")


def test_tables_download_as_csv_and_excel(
    dashboard: str, browser: Browser, world: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch)
    with screen(browser, dashboard) as tab:
        tab.open("jaffle_shop?status=returned")
        rows = list(csv.DictReader(io.StringIO(tab.download("download-orders-csv").decode())))
        book = openpyxl.load_workbook(io.BytesIO(tab.download("download-orders-xlsx")))
    expected = world.query("select order_id, amount from jaffle_shop.orders where status = 'returned'")
    assert {(int(row["order_id"]), row["amount"]) for row in rows} == {
        (r["order_id"], str(r["amount"])) for r in expected
    }
    assert book.active is not None
    assert book.active.max_row == len(expected) + 1


def test_the_language_is_chosen_kept_and_linked(dashboard: str, browser: Browser) -> None:
    with screen(browser, dashboard) as tab:
        tab.open("events")
        tab.page.get_by_role("radio", name="Português").click()
        expect(tab.page.locator("h1")).to_have_text("Eventos")
        assert "lang=pt" in tab.query
        tab.rest().page.get_by_role("link", name="Operações").click()
        expect(tab.page.locator("h1")).to_have_text("Operações")
        assert "lang=pt" in tab.rest().query
        assert re.search(r"\d,\d%", tab.text)
        tab.picture("portuguese")
    with screen(browser, dashboard, locale="pt-BR") as tab:
        expect(tab.open("events").page.locator("h1")).to_have_text("Eventos")


@pytest.mark.slow
def test_on_a_phone_nothing_is_cut_off(dashboard: str, browser: Browser) -> None:
    with screen(browser, dashboard, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True) as tab:
        for name in NAMES:
            tab.open(path_of(name))
            width = tab.page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollWidth")
            assert width <= 390, f"{name} is {width} wide"
        tab.open("compare").picture("phone")


def test_in_the_dark_it_is_dark(dashboard: str, browser: Browser) -> None:
    with screen(browser, dashboard, color_scheme="dark") as tab:
        tab.open("compare")
        colour = tab.page.evaluate(
            "getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).backgroundColor"
        )
        assert max(int(part) for part in re.findall(r"\d+", colour)[:3]) < 60
        tab.picture("dark")
        assert not tab.violations()


def test_the_keyboard_is_enough(dashboard: str, browser: Browser) -> None:
    with screen(browser, dashboard) as tab:
        tab.open()
        tab.page.keyboard.press("Tab")
        assert "Skip to main content" in tab.page.evaluate("document.activeElement.innerText")
        for _ in range(12):
            tab.page.keyboard.press("Tab")
            if "Regions" in tab.page.evaluate("document.activeElement.innerText"):
                break
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("h1")).to_have_text("Regions")
        tab.rest().choose("Store", "Serra", "store=serra")
        assert tab.figures["Chains"] == "1"


@pytest.mark.slow
def test_a_page_says_nothing_is_published_and_shows_what_comes_by_itself(
    copied: Platform, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.use(monkeypatch)
    settings = get_settings()
    pointer = settings.warehouse.parent / "published" / "current"
    version = pointer.read_text()
    pointer.unlink()
    with served(copied) as address, screen(browser, address) as tab:
        tab.open("jaffle_shop")
        assert "Nothing is published yet" in tab.text
        assert "gondola demo" in tab.text
        tab.picture("empty")
        pointer.write_text(version)
        expect(tab.page.locator(".st-key-about")).to_be_visible(timeout=30_000)
        before = tab.rest().figures
        # A build is running: the warehouse is open for writing.
        with duckdb.connect() as connection:
            connection.execute(f"attach '{settings.warehouse}' as gondola")
            connection.execute("delete from gondola.jaffle_shop.orders where status = 'returned'")
            assert tab.open("jaffle_shop").figures == before
        publish(Lake.open(settings.lake), settings.warehouse, schemas=["jaffle_shop"], keep=2)
        label = tab.page.get_by_text("Returned", exact=True).first
        tab.page.wait_for_function(
            "before => document.querySelector('[data-testid=\"stMetricValue\"]')?.innerText.trim() !== before",
            arg=before["Orders"],
            timeout=30_000,
        )
        assert label.is_visible()
        assert tab.rest().figures["Returned"] == "0"
        broken = settings.warehouse.parent / "published"
        for path in broken.glob("*.duckdb"):
            path.unlink()
        (broken / "current").write_text("20200101T000000000000Z")
        expect(tab.page.get_by_text("The published copy is gone")).to_be_visible(timeout=30_000)
