"""Intelligent Search: the old path under `/api/io/_v` and v1, with pages of 50 and fifty of them."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from gondola.sandbox.catalogue import slug
from gondola.sandbox.legacy import unavailable
from gondola.sandbox.payload_search import search_product
from gondola.sandbox.site import SHORT, Asked, Site
from gondola.sandbox.view import SEARCH_ORDERS, Filters
from gondola.sandbox.world import Listed

__all__ = ["facets", "product_search", "single_product"]

_COUNT = 24
_MOST = 50
_TOO_FAR = "Page should not exceed 50 pages"
_QUERY_KEYS = {
    "product": "productId",
    "product.link": "linkText",
    "sku.id": "skuId",
    "sku.ean": "alternateIds_Ean",
    "sku.reference": "alternateIds_RefId",
}
_FIELD_KEYS = {
    "id": "productId",
    "slug": "linkText",
    "ean": "alternateIds_Ean",
    "sku": "skuId",
    "reference": "alternateIds_RefId",
}
# facets that say who asks, not what for
_CONTEXT = frozenset({"trade-policy", "region-id", "shippingOptions", "delivery", "pickupPoint"})


async def product_search(site: Site, request: web.Request, *, v1: bool) -> web.StreamResponse:
    """Answer one page of a search."""
    try:
        page, count = int(request.query.get("page", 1)), int(request.query.get("count", _COUNT))
    except ValueError:
        return _refused("page and count must be numbers")
    if page < 1 or count < 0:
        return _refused("page starts at 1")
    if page > _MOST:
        return _refused(_TOO_FAR)
    count = min(count, _MOST)
    order = request.query.get("sort", "")
    if order and order not in SEARCH_ORDERS:
        return _refused("Unsupported sort null")
    chosen = _chosen(request)
    if _dead(site, chosen):
        return unavailable()
    asked = _asks(site, request, chosen, v1=v1)

    def build() -> tuple[Any, int, dict[str, str]]:
        found = _find(site, request, asked, chosen, order)
        found = site.drifted(found, first_page=page == 1 and count > 1)
        items = found[(page - 1) * count : page * count]
        if request.get(SHORT) and len(items) > 1:
            items = items[: -max(1, len(items) // 5)]
        scene = site.scene(asked)
        document = {
            "products": [search_product(scene, item) for item in items],
            "recordsFiltered": len(found),
            "pagination": _pagination(len(found), page, count),
            "operator": "and",
            "fuzzy": "0",
            "correction": {"misspelled": False},
            "redirect": None,
            "translated": False,
            "options": {"sorts": [{"field": "price", "order": "asc"}], "counts": []},
            "searchId": "00000000-0000-4000-8000-000000000000",
        }
        return document, 200, {"Cache-Control": "public, max-age=600"} if v1 else {}

    key = None if request.get(SHORT) else (asked.area and asked.area.id, asked.channel, v1)
    return site.reply(request, key, build)


def _refused(reason: str) -> web.Response:
    body = {"status": 400, "code": "RESOLVER_WARNING", "message": reason, "data": reason}
    return web.json_response(body, status=400)


def _chosen(request: web.Request) -> list[tuple[str, str]]:
    # split before decoding: a slash inside a value is encoded
    prefix = request.match_info.route.resource.canonical.partition("{")[0] if request.match_info.route.resource else ""
    parts = [unquote(part) for part in request.rel_url.raw_path.removeprefix(prefix).split("/") if part]
    return list(zip(parts[::2], parts[1::2], strict=False))


def _dead(site: Site, chosen: list[tuple[str, str]]) -> bool:
    slugs = tuple(value for key, value in sorted(chosen) if key.startswith("category-"))
    return (
        any(node.slugs == slugs and site.is_dead(node) for node in site.store.tree.by_ids.values()) if slugs else False
    )


def _asks(site: Site, request: web.Request, chosen: list[tuple[str, str]], *, v1: bool) -> Asked:
    region = request.query.get("regionId") or dict(chosen).get("region-id")
    return site.asks(request, region_id=region, reads_segment=not v1)


def _find(site: Site, request: web.Request, asked: Asked, chosen: list[tuple[str, str]], order: str) -> list[Listed]:
    if asked.area is None:
        return []
    grouped: dict[str, list[str]] = {}
    for key, value in chosen:
        if key not in _CONTEXT:
            grouped.setdefault(key, []).append(value)
    words = request.query.get("query") or request.query.get("q") or ""
    kind, _, values = words.partition(":")
    if kind in _QUERY_KEYS and values:
        grouped[_QUERY_KEYS[kind]] = values.split(";")
    elif words:
        grouped["text"] = [words]
    if request.query.get("hideUnavailableItems") == "true":
        grouped["available"] = ["true"]
    if "price" in grouped:
        grouped["P"] = ["[" + " TO ".join(value.split(":")) + "]" for value in grouped.pop("price")]
    # the deepest category first: it leaves the least to look at
    ordered = sorted(grouped.items(), key=lambda item: (item[0].startswith("category-"), item[0]), reverse=True)
    filters: Filters = tuple((key, tuple(items)) for key, items in ordered)
    return site.view(asked.area.id).find(filters, order)


def _pagination(total: int, page: int, count: int) -> dict[str, Any]:
    pages = min(_MOST, -(-total // count)) if count else 0
    return {
        "count": pages,
        "current": {"index": page},
        "before": [{"index": index} for index in range(max(1, page - 3), page)],
        "after": [{"index": index} for index in range(page + 1, min(pages, page + 3) + 1)],
        "perPage": count,
        "next": {"index": page + 1 if page < pages else 0},
        "previous": {"index": page - 1},
        "first": {"index": 1 if pages else 0},
        "last": {"index": pages},
    }


async def facets(site: Site, request: web.Request, *, v1: bool) -> web.StreamResponse:
    """Answer how many products stand behind each category and brand of a search."""
    chosen = _chosen(request)
    if _dead(site, chosen):
        return unavailable()
    asked = _asks(site, request, chosen, v1=v1)
    narrowed = [item for item in chosen if item[0] not in _CONTEXT]

    def build() -> tuple[Any, int, dict[str, str]]:
        # a search for everything has no facets, as seen on live stores
        found = _find(site, request, asked, chosen, "") if narrowed or request.query.get("query") else []
        counted: dict[str, Counter[tuple[str, str]]] = {}
        for item in found:
            for key, name in _values(item):
                counted.setdefault(key, Counter())[key, name] += 1
        document = {
            "facets": [_facet(key, values, narrowed) for key, values in sorted(counted.items())],
            "sampling": False,
            "breadcrumb": [],
            "queryArgs": {
                "query": request.query.get("query", ""),
                "selectedFacets": [{"key": key, "value": value} for key, value in chosen],
            },
            "translated": False,
        }
        return document, 200, {"Cache-Control": "public, max-age=600"} if v1 else {}

    return site.reply(request, (asked.area and asked.area.id, asked.channel, v1), build)


def _values(item: Listed) -> set[tuple[str, str]]:
    names = {("brand", item.product.brand)}
    for place in item.product.places:
        names |= {(f"category-{depth}", name) for depth, name in enumerate(place.names.strip("/").split("/"), 1)}
    return names


def _facet(key: str, values: Counter[tuple[str, str]], chosen: list[tuple[str, str]]) -> dict[str, Any]:
    title = "Marca" if key == "brand" else {"1": "Departamento", "2": "Categoria"}.get(key[-1], "Subcategoria")
    return {
        "name": title,
        "key": key,
        "type": "TEXT",
        "hidden": False,
        "quantity": len(values),
        "values": [
            {
                "id": "",
                "quantity": quantity,
                "name": name,
                "key": key,
                "value": slug(name),
                "selected": (key, slug(name)) in chosen,
                "href": f"{slug(name)}?map={key}",
            }
            for (_, name), quantity in sorted(values.items(), key=lambda entry: (-entry[1], entry[0]))
        ],
    }


async def single_product(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer v1's `/products?field=&value=`, which skips the search."""
    key = _FIELD_KEYS.get(request.query.get("field", ""))
    if key is None:
        return _refused(f"field must be one of {', '.join(_FIELD_KEYS)}")
    asked = _asks(site, request, [], v1=True)
    value = request.query.get("value", "")
    found = site.view(asked.area.id).find(((key, (value,)),)) if asked.area else []
    if not found:
        return web.json_response({"message": "product not found"}, status=404)
    document = search_product(site.scene(asked), found[0])
    return site.reply(request, (asked.area and asked.area.id,), lambda: (document, 200, {}))
