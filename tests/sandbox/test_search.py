from __future__ import annotations

from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from gondola.sandbox import Sandbox
from tests.sandbox.walks import IS, IS_V1, search_walk, segment


def _prices(products: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {
        item["itemId"]: Decimal(str(seller["commertialOffer"]["Price"]))
        for product in products
        for item in product["items"]
        for seller in item["sellers"]
        if seller["sellerDefault"]
    }


def _expected(sandbox: Sandbox, store: str, region: str) -> dict[str, Decimal]:
    return {row.sku_id: row.stated_price for row in sandbox.world.shelf(store, region, sandbox.day)}


async def _region_id(client: aiohttp.ClientSession, base: str, postal_code: str) -> str:
    async with client.get(f"{base}/api/checkout/pub/regions?country=BRA&postalCode={postal_code}") as answer:
        return str((await answer.json())[0]["id"])


@pytest.mark.parametrize("region", ["campinas", "santos"])
async def test_v1_wants_the_region_in_the_query(sandbox: Sandbox, client: aiohttp.ClientSession, region: str) -> None:
    base = sandbox.base_url("mirante")
    postal_code = sandbox.world.store("mirante").region(region).postal_code
    region_id = await _region_id(client, base, postal_code)
    served = _prices(await search_walk(client, base + IS_V1 + "/", regionId=region_id))
    assert served == _expected(sandbox, "mirante", region)
    client.headers["x-vtex-segment"] = segment(region_id)
    unread = _prices(await search_walk(client, base + IS_V1 + "/"))
    assert unread == _expected(sandbox, "mirante", "default") != served
    old = _prices(await search_walk(client, base + IS + "/"))
    assert old == served
    by_facet = _prices(await search_walk(client, f"{base}{IS_V1}/region-id/{region_id}/trade-policy/1"))
    assert by_facet == served


async def test_old_path_of_a_store_without_regions(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    served = _prices(await search_walk(client, sandbox.base_url("serra") + IS))
    assert served == _expected(sandbox, "serra", "default")


async def test_categories_are_slugs_in_the_path(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("mirante")
    root = sandbox.world.store("mirante").tree.roots[0]
    child = root.children[1]
    found = await search_walk(client, f"{base}{IS_V1}/category-1/{root.slugs[0]}/category-2/{child.slugs[1]}")
    assert {p["productId"] for p in found} == {
        row.product_id
        for row in sandbox.world.shelf("mirante", "default", 0)
        if any(path.startswith(child.ids) for path in row.category_ids)
    }
    brand = found[0]["brand"]
    slug = next(
        value["value"]
        for facet in await _facets(client, f"{base}/api/intelligent-search/v1/facets/category-1/{root.slugs[0]}")
        for value in facet["values"]
        if facet["key"] == "brand" and value["name"] == brand
    )
    assert {p["brand"] for p in await search_walk(client, f"{base}{IS_V1}/brand/{slug}")} == {brand}


async def _facets(client: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    async with client.get(url) as answer:
        return list((await answer.json())["facets"])


async def test_facets_of_everything_are_none(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("mirante")
    assert await _facets(client, f"{base}/api/intelligent-search/v1/facets/") == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [("page=51&count=50", "Page should not exceed 50 pages"), ("sort=best", "Unsupported sort null")],
)
async def test_limits(sandbox: Sandbox, client: aiohttp.ClientSession, query: str, reason: str) -> None:
    async with client.get(f"{sandbox.base_url('mirante')}{IS_V1}/?{query}") as answer:
        assert answer.status == 400
        assert (await answer.json())["data"] == reason


async def test_a_page_holds_fifty_at_most(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{sandbox.base_url('mirante')}{IS_V1}/?count=100&page=2") as answer:
        document = await answer.json()
    assert len(document["products"]) == document["pagination"]["perPage"] == 50
    assert document["pagination"]["current"] == {"index": 2}
    assert answer.headers["Cache-Control"] == "public, max-age=600"


async def test_shape_is_not_the_legacy_one(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    products = await search_walk(client, sandbox.base_url("mirante") + IS_V1)
    offers = [s["commertialOffer"] for p in products for i in p["items"] for s in i["sellers"]]
    assert all("IsAvailable" not in offer and offer["AvailableQuantity"] in {0, 10000} for offer in offers)
    assert isinstance(products[0]["productClusters"], list)
    teaser = next(offer["teasers"][0] for offer in offers if offer["teasers"])
    assert teaser["conditions"]["minimumQuantity"] >= 1
    assert teaser["effects"]["parameters"][0]["name"] == "PercentualDiscount"


async def test_single_product(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = sandbox.base_url("mirante")
    row = next(row for row in sandbox.world.shelf("mirante", "default", 0) if row.ean)
    async with client.get(f"{base}/api/intelligent-search/v1/products?field=sku&value={row.sku_id}") as answer:
        assert (await answer.json())["productId"] == row.product_id
    async with client.get(f"{base}/api/intelligent-search/v1/products?field=sku&value=1") as answer:
        assert answer.status == 404


async def test_an_interface_that_a_store_has_not_is_not_there(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{sandbox.base_url('aurora')}{IS_V1}/") as answer:
        assert answer.status == 404
