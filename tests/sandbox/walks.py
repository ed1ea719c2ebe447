from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp

SEARCH = "/api/catalog_system/pub/products/search"
IS = "/api/io/_v/api/intelligent-search/product_search"
IS_V1 = "/api/intelligent-search/v1/product-search"


def segment(region_id: str | None = None, channel: str = "1") -> str:
    document = {"campaigns": None, "channel": channel, "regionId": region_id, "countryCode": "BRA"}
    return base64.b64encode(json.dumps(document).encode()).decode()


async def legacy_walk(
    client: aiohttp.ClientSession, base_url: str, query: str, headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start, total = 0, 1
    while start < total:
        url = f"{base_url}{SEARCH}?{query}&_from={start}&_to={start + 49}"
        async with client.get(url, headers=headers) as answer:
            assert answer.status in {200, 206}, await answer.text()
            total = int(answer.headers["resources"].partition("/")[2])
            found += await answer.json()
        start += 50
    return found


async def search_walk(client: aiohttp.ClientSession, url: str, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page, total = 1, 1
    while (page - 1) * 50 < total:
        async with client.get(url, params={**params, "page": str(page), "count": "50"}) as answer:
            assert answer.status == 200, await answer.text()
            document = await answer.json()
        total = document["recordsFiltered"]
        found += document["products"]
        page += 1
    return found
