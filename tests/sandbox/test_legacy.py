from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from gondola.sandbox import Sandbox
from tests.sandbox.walks import SEARCH, legacy_walk, segment


async def _get(client: aiohttp.ClientSession, url: str, **kwargs: Any) -> tuple[int, Any, Any]:
    async with client.get(url, **kwargs) as answer:
        return answer.status, answer.headers, await answer.json(content_type=None)


def _stated(products: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    rows = {}
    for product in products:
        for item in product["items"]:
            seller = next(s for s in item["sellers"] if s["sellerDefault"])
            offer = seller["commertialOffer"]
            rows[item["itemId"]] = (
                product["productId"], product["productName"], product["brand"], item["ean"], item["measurementUnit"],
                Decimal(str(item["unitMultiplier"])), Decimal(str(offer["Price"])), Decimal(str(offer["ListPrice"])),
                offer["IsAvailable"], seller["sellerId"], offer["FullSellingPrice"],
            )  # fmt: skip
    return rows


def _expected(sandbox: Sandbox, store: str, region: str) -> dict[str, tuple[Any, ...]]:
    return {
        row.sku_id: (
            row.product_id, row.name, row.brand, row.ean, row.measurement_unit, row.unit_multiplier, row.stated_price,
            row.stated_list_price, row.is_available, row.seller_id,
            float(row.full_selling_price) if row.full_selling_price is not None
            else float(row.stated_price * row.unit_multiplier) if row.stated_price else None,
        )
        for row in sandbox.world.shelf(store, region, sandbox.day)
    }  # fmt: skip


async def test_served_prices_are_the_shelf(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    served = _stated(await legacy_walk(client, sandbox.base_url("aurora"), "O="))
    expected = _expected(sandbox, "aurora", "default")
    assert served.keys() == expected.keys()
    ghosts = {sku for sku, row in expected.items() if row[6] and not row[8]}
    assert {sku: row for sku, row in served.items() if sku not in ghosts} == {
        sku: row for sku, row in expected.items() if sku not in ghosts
    }


async def test_the_paths_of_the_tree_and_what_is_outside_add_up(
    sandbox: Sandbox, client: aiohttp.ClientSession
) -> None:
    base = sandbox.base_url("aurora")
    status, _, tree = await _get(client, f"{base}/api/catalog_system/pub/category/tree/3")
    assert status == 200
    ids: set[str] = set()
    for root in tree:
        assert root["url"].startswith("https://")
        ids |= {product["productId"] for product in await legacy_walk(client, base, f"fq=C:/{root['id']}/")}
    everything = {row.product_id for row in sandbox.world.shelf("aurora", "default", 0)}
    assert len(everything - ids) == 4


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("_from=0&_to=50", "Parameter _to can't be greater than 50."),
        ("_from=2501&_to=2540", "Parameter _from can't be greater than 2500."),
    ],
)
async def test_limits_are_refused_in_vtex_words(
    sandbox: Sandbox, client: aiohttp.ClientSession, query: str, body: str
) -> None:
    status, _, answer = await _get(client, f"{sandbox.base_url('aurora')}{SEARCH}?{query}")
    assert (status, answer) == (400, body)


async def test_window_ends_at_2550(crowded: Sandbox, client: aiohttp.ClientSession) -> None:
    base = crowded.base_url("aurora")
    status, headers, page = await _get(client, f"{base}{SEARCH}?_from=2500&_to=2549")
    total = int(headers["resources"].partition("/")[2])
    assert (status, len(page)) == (206, 50)
    assert headers["resources"] == f"2500-2549/{total}"
    assert total > 3200
    leaf = next(n for n in crowded.world.store("aurora").tree.by_leaf if n.name == "Temperos")
    _, headers, _ = await _get(client, f"{base}{SEARCH}?fq=C:{leaf.ids}&_from=0&_to=0")
    assert int(headers["resources"].partition("/")[2]) > 2550


async def test_default_order_is_available_first_then_newest(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    products = await legacy_walk(client, sandbox.base_url("aurora"), "O=")
    keys = [
        (
            not any(s["commertialOffer"]["IsAvailable"] for i in p["items"] for s in i["sellers"]),
            -int(p["productId"]),
        )
        for p in products
    ]
    assert keys == sorted(keys)


async def test_opposite_orders_are_each_other_turned_round(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("aurora")
    up = [p["productId"] for p in await legacy_walk(client, base, "O=OrderByPriceASC")]
    down = [p["productId"] for p in await legacy_walk(client, base, "O=OrderByPriceDESC")]
    assert up == down[::-1]


async def test_a_category_needs_its_whole_path(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("aurora")
    root = sandbox.world.store("aurora").tree.roots[0]
    child = root.children[0]

    async def total(value: str) -> int:
        _, headers, _ = await _get(client, f"{base}{SEARCH}?fq=C:{value}&_from=0&_to=0")
        return int(headers["resources"].partition("/")[2])

    assert await total(child.ids) > 0
    assert await total(f"/{child.id}/") == 0
    assert await total(str(child.id)) == 0
    assert await total(str(root.id)) == await total(root.ids) > await total(child.ids)


async def test_filters(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("aurora")
    rows = list(sandbox.world.shelf("aurora", "default", 0))
    one, two = rows[3], rows[40]
    both = await legacy_walk(client, base, f"fq=productId:{one.product_id}&fq=productId:{two.product_id}")
    assert {p["productId"] for p in both} == {one.product_id, two.product_id}
    by_code = next(row for row in rows if row.ean)
    found = await legacy_walk(client, base, f"fq=alternateIds_Ean:{by_code.ean}")
    assert by_code.product_id in {p["productId"] for p in found}
    brand = both[0]["brandId"]
    of_brand = await legacy_walk(client, base, f"fq=B:{brand}")
    assert {p["brandId"] for p in of_brand} == {brand}
    assert len(of_brand) == len({r.product_id for r in rows if r.brand == both[0]["brand"]})
    by_link = (await _get(client, f"{base}{SEARCH}/{both[0]['linkText']}/p"))[2]
    assert [p["productId"] for p in by_link] == [both[0]["productId"]]


async def test_prices_of_a_range_leave_out_what_can_not_be_bought(
    sandbox: Sandbox, client: aiohttp.ClientSession
) -> None:
    base = sandbox.base_url("aurora")
    ranged = await legacy_walk(client, base, "fq=P:[0 TO 100000]")
    everything = await legacy_walk(client, base, "O=")
    assert 0 < len(ranged) < len(everything)


async def _region(client: aiohttp.ClientSession, base: str, postal_code: str) -> tuple[str, list[Any]]:
    _, _, answer = await _get(client, f"{base}/api/checkout/pub/regions?country=BRA&postalCode={postal_code}")
    return answer[0]["id"], answer[0]["sellers"]


async def test_regions_of_postal_codes(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("aurora")
    first, alias = await _region(client, base, "88010000"), await _region(client, base, "88065-000")
    other, nowhere = await _region(client, base, "89201000"), await _region(client, base, "88502000")
    assert first == alias
    assert first[0] != other[0]
    assert first[0].startswith("v2.")
    assert nowhere == ("v2.1BB18CE648B5111D0933734ED83EC783", [])


@pytest.mark.parametrize(
    ("query", "code"),
    [("country=BRA&postalCode=1", "001"), ("country=BRA", "CHK0119"), ("country=ARG&postalCode=88010000", "CHK0127")],
)
async def test_region_errors(sandbox: Sandbox, client: aiohttp.ClientSession, query: str, code: str) -> None:
    status, _, answer = await _get(client, f"{sandbox.base_url('aurora')}/api/checkout/pub/regions?{query}")
    assert (status, answer["error"]["code"]) == (400, code)


@pytest.mark.parametrize("method", ["v2 header", "v2 cookie", "seller"])
async def test_a_region_has_prices_of_its_own(sandbox: Sandbox, client: aiohttp.ClientSession, method: str) -> None:
    base = sandbox.base_url("aurora")
    region_id, sellers = await _region(client, base, "89201000")
    if method == "seller":
        region_id = base64.b64encode(f"SW#{sellers[0]['id']}".encode()).decode()
    value = segment(region_id)
    headers = {"Cookie": f"vtex_segment={value}"} if method == "v2 cookie" else {"x-vtex-segment": value}
    served = _stated(await legacy_walk(client, base, "O=", headers))
    assert {sku: row[:10] for sku, row in served.items()} == {
        sku: row[:10] for sku, row in _expected(sandbox, "aurora", "joinville").items()
    }
    usual = _expected(sandbox, "aurora", "default")
    differing = [sku for sku in served if served[sku][6] and usual[sku][6] and served[sku][6] != usual[sku][6]]
    assert 0.1 < len(differing) / len(served) < 0.5


async def test_sales_channels(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("pampa")
    for channel, region in ((1, "porto_alegre"), (2, "caxias")):
        served = _stated(await legacy_walk(client, base, f"sc={channel}"))
        assert {s: r[:10] for s, r in served.items()} == {
            s: r[:10] for s, r in _expected(sandbox, "pampa", region).items()
        }
    assert await legacy_walk(client, base, "sc=9") == []
    region_id, _ = await _region(client, base, "95010000")
    ignored = await legacy_walk(client, base, "sc=1", {"x-vtex-segment": segment(region_id)})
    assert _stated(ignored).keys() == _expected(sandbox, "pampa", "porto_alegre").keys()


async def test_teasers_come_in_both_shapes(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    offers = [
        seller["commertialOffer"]
        for product in await legacy_walk(client, sandbox.base_url("aurora"), "O=")
        for item in product["items"]
        for seller in item["sellers"]
    ]
    offer = next(offer for offer in offers if offer["Teasers"])
    old, new = offer["Teasers"][0], offer["PromotionTeasers"][0]
    assert old["<Name>k__BackingField"] == new["Name"]
    minimum = old["<Conditions>k__BackingField"]["<MinimumQuantity>k__BackingField"]
    assert minimum == new["Conditions"]["MinimumQuantity"]
    assert new["Effects"]["Parameters"][0]["Name"] == "PercentualDiscount"


async def test_shopfront(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("pampa")
    async with client.get(f"{base}/robots.txt") as answer:
        assert "User-agent: *" in await answer.text()
    assert (await _get(client, f"{base}/api/segments"))[2]["channel"] == "1"
    brands = (await _get(client, f"{base}/api/catalog_system/pub/brand/list"))[2]
    assert {"id", "name", "isActive"} <= brands[0].keys()
    root = sandbox.world.store("pampa").tree.roots[0]
    facets = (await _get(client, f"{base}/api/catalog_system/pub/facets/search/{root.id}?map=c"))[2]
    available = {
        row.product_id
        for row in sandbox.world.shelf("pampa", "default", 0)
        if row.is_available and any(path.startswith(root.ids) for path in row.category_ids)
    }
    counted = next(tree for tree in facets["CategoriesTrees"] if tree["Id"] == root.id)
    assert counted["Quantity"] == len(available)
    assert counted["Children"]


async def test_a_bot_by_name_is_limited(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("aurora")
    for path in (
        "/api/catalog_system/pub/category/tree/3",
        "/api/checkout/pub/regions?country=BRA&postalCode=88010000",
    ):
        async with client.get(base + path, headers={"User-Agent": "PriceBot/1.0"}) as answer:
            assert (answer.status, answer.headers["rate-limit-reason"]) == (429, "bot")
    async with client.get(f"{base}{SEARCH}?_from=0&_to=0", headers={"User-Agent": "PriceBot/1.0"}) as answer:
        assert answer.status == 206
