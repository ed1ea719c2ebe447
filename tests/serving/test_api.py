"""The API against the sandbox's truth: what it says of a shelf is what was on it."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from gondola.sandbox import ShelfRow, planted
from gondola.serving.api.access import AUDIT_FILE
from tests.platform import REGIONS
from tests.serving.conftest import FIRST, LAST, Published

Row = dict[str, Any]


def ask(client: TestClient, path: str, **parameters: Any) -> list[Row]:
    """All pages of an answer."""
    rows: list[Row] = []
    cursor = None
    while True:
        given = parameters | ({"cursor": cursor} if cursor else {})
        answer = client.get(f"/v1/{path}", params=given)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        rows += document["data"]
        cursor = document["next_cursor"]
        if cursor is None:
            return rows


def shelf(published: Published, store: str, region: str, day: int) -> dict[str, ShelfRow]:
    return {row.sku_id: row for row in published.world.shelf(store, region, day)}


def money(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def test_the_shelf_of_a_day_is_what_was_on_it(client: TestClient, published: Published) -> None:
    for store, regions in REGIONS.items():
        for region in regions:
            truth = shelf(published, store, region, LAST)
            rows = ask(client, "prices", supermarket=store, region=region, limit=70)
            assert {row["sku_id"]: money(row["price"]) for row in rows} == {k: row.price for k, row in truth.items()}
            assert len(rows) == len(truth)


def test_a_search_finds_by_words_accents_and_barcode(client: TestClient, published: Published) -> None:
    truth = [row for store in REGIONS for row in shelf(published, store, REGIONS[store][0], LAST).values()]
    wanted = next(row for row in truth if row.gtin and len(row.name.split()) > 2 and not row.name.isascii())
    plain = " ".join(reversed(wanted.name.upper().split()[:2]))
    rows = ask(client, "products", q=plain, supermarket=wanted.store, limit=3)
    assert wanted.sku_id in {row["sku_id"] for row in rows}
    assert all(set(wanted.name.lower().split()[:2]) <= set(row["product_name"].lower().split()) for row in rows)
    sellers = {row.store for row in truth if row.gtin == wanted.gtin}
    assert {row["supermarket"] for row in ask(client, "products", q=wanted.gtin)} >= {wanted.store}
    assert sellers >= {row["supermarket"] for row in ask(client, "products", q=wanted.gtin, available="true")}
    assert ask(client, "products", q="%") == []
    assert ask(client, "products", q="nada disso existe") == []


def test_pages_hold_every_product_once(client: TestClient) -> None:
    whole = ask(client, "products", limit=10_000)
    parts = ask(client, "products", limit=37)
    assert parts == whole
    assert len({(row["supermarket"], row["sku_id"]) for row in whole}) == len(whole) > 300


def test_history_is_the_price_of_every_day(client: TestClient, published: Published) -> None:
    days = {day: shelf(published, "serra", "default", day) for day in published.days}
    changed = [sku for sku, row in days[LAST].items() if sku in days[FIRST] and days[FIRST][sku].price != row.price]
    assert changed
    for sku in changed[:5]:
        spans = ask(client, f"products/serra/{sku}/history")
        for number, truth in days.items():
            day = published.day(number)
            (span,) = [s for s in spans if s["valid_from"] <= day and (s["valid_to"] is None or day < s["valid_to"])]
            assert money(span["price"]) == truth[sku].price
        part = ask(client, f"products/serra/{sku}/history", first=published.day(LAST), last=published.day(LAST))
        assert [row["price"] for row in part] == [spans[-1]["price"]]


def test_changes_are_the_difference_of_two_shelves(client: TestClient, published: Published) -> None:
    for store, region in (("serra", "default"), ("aurora", "joinville")):
        before, after = (shelf(published, store, region, day) for day in (FIRST, LAST))
        truth: dict[str, set[str]] = defaultdict(set)
        for sku in before.keys() | after.keys():
            old, new = before.get(sku), after.get(sku)
            if old is None or new is None:
                truth["new" if old is None else "gone"].add(sku)
            elif old.price is None or new.price is None:
                if (old.price is None) != (new.price is None):
                    truth["sold_out" if new.price is None else "back"].add(sku)
            elif old.price != new.price:
                truth["up" if new.price > old.price else "down"].add(sku)
        rows = ask(client, "changes", supermarket=store, region=region, since=published.day(FIRST), limit=20)
        found: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            found[row["kind"]].add(row["sku_id"])
        assert found == truth
        moves = [abs(Decimal(row["change_percent"])) for row in rows if row["change_percent"] is not None]
        assert moves == sorted(moves, reverse=True)


def test_a_planted_change_and_a_fake_discount_are_found(client: TestClient, published: Published) -> None:
    facts = planted(published.world, FIRST, LAST)
    moves = [fact for fact in facts if fact["kind"] == "price_change" and FIRST < fact["day"] <= LAST]
    fakes = [fact for fact in facts if fact["kind"] == "fake_discount" and fact["day"] <= LAST]
    assert moves
    assert fakes
    for fact in moves:
        rows = ask(client, "changes", supermarket=fact["store"], day=fact["date"])
        (row,) = {(r["previous_price"], r["price"]) for r in rows if r["sku_id"] == fact["sku_id"]}
        assert (money(row[0]), money(row[1])) == (Decimal(fact["from"]), Decimal(fact["to"]))
    for fact in fakes:
        rows = ask(client, "promotions", supermarket=fact["store"])
        offers = [row for row in rows if row["sku_id"] == fact["sku_id"]]
        assert offers
        for offer in offers:
            assert money(offer["reference_price"]) == Decimal(fact["to"])
            # Only four days were seen, so nothing can be said.
            assert (offer["verdict"], offer["lowest_price_30_days"]) == ("unknown", None)
            assert offer["unknown_because"]


def test_a_basket_sums_what_all_stores_sell(client: TestClient, published: Published) -> None:
    names = ["mirante/campinas", "serra/default"]
    shelves = [shelf(published, *name.split("/"), LAST) for name in names]
    prices = []
    for rows in shelves:
        cheapest: dict[tuple[str, str], Decimal] = {}
        for row in rows.values():
            # The stated code must be the true one: a code that is hidden can't be matched.
            if row.gtin and row.price and row.ean.lstrip("0") == row.gtin.lstrip("0"):
                key = (row.gtin.zfill(14), row.measurement_unit)
                cheapest[key] = min(row.price, cheapest.get(key, row.price))
        prices.append(cheapest)
    shared = sorted(prices[0].keys() & prices[1].keys())[:8]
    gtins = [gtin for gtin, _ in shared]
    only_one = next(gtin for gtin, _ in prices[0].keys() - prices[1].keys())
    asked = [*(gtin.lstrip("0") for gtin in gtins), only_one]
    rows = ask(client, "baskets", gtin=asked, shelf=names)
    totals = {row["shelf"]: (Decimal(row["total"]), row["items_compared"], row["items_asked"]) for row in rows}
    assert totals == {
        name: (sum(of[key] for key in shared), len(shared), len(asked)) for name, of in zip(names, prices, strict=True)
    }
    items = ask(client, "baskets/items", gtin=asked, shelf=names, limit=5)
    missing = [row for row in items if row["price"] is None]
    assert [(row["gtin"], row["shelf"], row["is_compared"]) for row in missing] == [(only_one, "serra/default", False)]
    assert client.get("/v1/baskets", params={"gtin": "abc"}).status_code == 400
    assert client.get("/v1/baskets", params={"shelf": "nowhere/x"}).status_code == 404


def test_regions_that_differ_are_measured(client: TestClient, published: Published) -> None:
    (campinas, santos) = (shelf(published, "mirante", region, LAST) for region in REGIONS["mirante"])
    shared = {sku for sku in campinas.keys() & santos.keys() if campinas[sku].price and santos[sku].price}
    differ = {sku for sku in shared if campinas[sku].price != santos[sku].price}
    rows = ask(client, "regions", supermarket="mirante")
    assert {(row["products"], row["products_that_differ"]) for row in rows} == {(len(shared), len(differ))}
    levels = {row["region"]: float(row["level"]) for row in rows}
    assert sum(levels.values()) == pytest.approx(200, abs=0.2)
    assert all(float(row["spread_percent"]) > 0 for row in ask(client, "spreads"))
    positions = [row for row in ask(client, "positions") if row["is_total"]]
    assert {row["supermarket"] for row in positions} == set(REGIONS)
    assert min(float(row["position"]) for row in positions) < 100 < max(float(row["position"]) for row in positions)


def test_availability_counts_days(client: TestClient, published: Published) -> None:
    days = [shelf(published, "serra", "default", day) for day in published.days]
    rows = ask(client, "availability", supermarket="serra", days=30, limit=50)
    found = {row["sku_id"]: (row["days_available"], row["days_listed"], row["days_observed"]) for row in rows}
    skus = {sku for day in days for sku in day}
    assert found == {
        sku: (
            sum(day[sku].is_available for day in days if sku in day),
            sum(sku in day for day in days),
            len(days),
        )
        for sku in skus
    }


def test_the_index_of_days_is_near_the_sandbox(client: TestClient, published: Published) -> None:
    rows = ask(client, "index", period="day")
    assert [row["period"] for row in rows] == [published.day(day) for day in published.days]
    assert rows[0]["index"] == 100
    assert all(95 < row["index"] < 105 and row["share_matched"] > 0.9 for row in rows)
    assert [row["is_provisional"] for row in rows] == [False] * (len(rows) - 1) + [True]
    none = ask(client, "index", period="day", department="there is none")
    assert {(row["index"], row["not_computable"]) for row in none} == {(None, "no prices")}


def test_stores_say_how_fresh_they_are(client: TestClient, published: Published) -> None:
    rows = {(row["supermarket"], row["region"]): row for row in ask(client, "stores")}
    for store, regions in REGIONS.items():
        for region in regions:
            row = rows[store, region]
            assert (row["last_complete_date"], row["is_up_to_date"]) == (published.day(LAST), True)
    document = client.get("/v1/stores").json()
    assert document["coverage"]["status"] == "complete"
    assert document["coverage"]["share"] == "1.0000"
    assert document["as_of"] == published.day(LAST)


def test_kpis_and_runs_are_those_of_the_tables(client: TestClient, published: Published) -> None:
    def sql(statement: str) -> list[Row]:
        answer = client.post("/v1/sql", json={"sql": statement})
        assert answer.status_code == 200, answer.text
        rows: list[Row] = answer.json()["data"]
        return rows

    kpis = ask(client, "events/kpis")
    (truth,) = sql("select sum(sessions)::bigint as sessions from events.fct_daily_engagement")
    assert sum(row["sessions"] for row in kpis) == truth["sessions"] > 0
    (money_made,) = sql("select sum(revenue) as revenue from events.fct_revenue")
    assert sum(Decimal(row["revenue"] or 0) for row in kpis) == Decimal(money_made["revenue"])
    assert sum(Decimal(r["revenue"] or 0) for r in ask(client, "events/products")) == Decimal(money_made["revenue"])
    funnel = ask(client, "events/funnel")
    reached = [row["sessions_reached"] for row in funnel]
    assert reached == sorted(reached, reverse=True)
    for path in ("events/attribution", "events/cohorts", "events/segments"):
        assert ask(client, path)
    runs = ask(client, "runs", system="market", limit=5)
    (count,) = sql("select count(*) as n from ops.fct_runs where system = 'market'")
    assert len(runs) == len({row["run_id"] for row in runs}) == count["n"]
    assert ask(client, "checks") == []  # the checks of this build are in the next one
    status = client.get("/v1/status", params={"days": 366}).json()
    assert status["published"] == client.get("/healthz").json()["published"]
    assert "lake" not in status


def test_etag_spares_what_a_client_has(client: TestClient) -> None:
    first = client.get("/v1/stores")
    tag = first.headers["ETag"]
    again = client.get("/v1/stores", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    others = [
        client.get("/v1/stores", params={"format": "csv"}),
        client.get("/v1/stores", headers={"Accept": "text/csv"}),
        client.get("/v1/stores", params={"supermarket": "serra"}),
    ]
    assert len({tag, *(answer.headers["ETag"] for answer in others[1:])}) == 3
    assert client.get("/v1/stores", headers={"If-None-Match": others[2].headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("by", ["parameter", "header"])
def test_csv_and_parquet_hold_the_same_rows(client: TestClient, by: str) -> None:
    rows = client.get("/v1/changes", params={"limit": 3}).json()
    types = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
    found = {}
    for form, media_type in types.items():
        parameters = {"limit": 3} | ({"format": form} if by == "parameter" else {})
        headers = {} if by == "parameter" else {"Accept": f"text/html, {media_type};q=0.9, application/json;q=0.5"}
        answer = client.get("/v1/changes", params=parameters, headers=headers)
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.headers["X-Next-Cursor"] == rows["next_cursor"]
        assert answer.headers["X-Data-Version"] == rows["version"]
        assert answer.links["next"]["url"].endswith(rows["next_cursor"])
        found[form] = answer.content
    table = pq.read_table(io.BytesIO(found["parquet"]))
    assert json.loads(json.dumps(table.to_pylist(), default=str)) == rows["data"]
    assert pacsv.read_csv(io.BytesIO(found["csv"])).column_names == table.column_names
    assert client.get("/v1/changes", headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/v1/products?surprise=1", 422, "unprocessable_entity"),
        ("/v1/products?limit=0", 422, "invalid"),
        ("/v1/products?limit=10001", 422, "invalid"),
        ("/v1/products?cursor=broken", 400, "bad_cursor"),
        ("/v1/prices?day=2026-02-31", 422, "invalid"),
        ("/v1/prices?supermarket=nowhere", 404, "unknown_name"),
        ("/v1/products/serra/none", 404, "unknown_name"),
        ("/v1/index?period=year", 422, "invalid"),
        ("/v2/products", 404, "not_found"),
    ],
)
def test_what_is_wrong_is_said_in_one_form(client: TestClient, path: str, status: int, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["type"], answer.json()["status"]) == (kind, status)


def test_a_day_before_all_days_has_no_rows(client: TestClient) -> None:
    for path in ("prices", "changes", "promotions", "positions", "regions", "baskets", "spreads"):
        answer = client.get(f"/v1/{path}", params={"day": "0001-01-01"}).json()
        assert [row for row in answer["data"] if row.get("total")] == []
        assert answer["coverage"]["status"] == "missing"


def test_pages_of_another_site_can_not_read_from_this_machine(client: TestClient) -> None:
    assert client.get("/v1/stores", headers={"Host": "attacker.example"}).status_code == 400


def test_every_request_leaves_a_line(client: TestClient, tmp_path: Path) -> None:
    client.get("/v1/products", params={"q": "arroz", "api_key": "gondola_secret"})
    client.get("/v1/stores")
    client.post("/v1/sql", json={"sql": "select 41 + 1"})
    lines = [json.loads(line) for line in (tmp_path / "logs" / AUDIT_FILE).read_text().splitlines()]
    assert [(line["path"], line["status"], line["query"]) for line in lines] == [
        ("/v1/products", 422, {"q": "arroz"}),
        ("/v1/stores", 200, {}),
        ("/v1/sql", 200, {"sql": "select 41 + 1"}),
    ]
    assert "secret" not in (tmp_path / "logs" / AUDIT_FILE).read_text()
    assert all(line["bytes"] > 0 and line["seconds"] >= 0 and line["key"] is None for line in lines)
