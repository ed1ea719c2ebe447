"""The rest of a store's face: robots.txt, categories, brands, facets, segments and regions."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from gondola.sandbox.assortment import Category
from gondola.sandbox.catalogue import slug
from gondola.sandbox.legacy import unavailable
from gondola.sandbox.shops import EMPTY_REGION_ID, Area
from gondola.sandbox.site import Site
from gondola.sandbox.world import Listed

__all__ = ["brand_list", "category_tree", "facets_search", "regions", "robots", "segments"]

Json = dict[str, Any]
_POSTAL_CODE_DIGITS = 8


async def robots(site: Site, _request: web.Request) -> web.StreamResponse:
    """Answer what robots may fetch."""
    forbidden = ["/checkout/", "/account", *site.faults.disallow.get(site.shop.id, ())]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in forbidden), f"Sitemap: {_host(site)}/sitemap.xml"]
    return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")


async def category_tree(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer the categories down to a depth; a depth below the deepest changes nothing."""
    try:
        depth = int(request.match_info["depth"])
    except ValueError:
        return web.json_response("The request is invalid.", status=400)
    return site.reply(request, (), lambda: ([_node(site, root, depth) for root in site.store.tree.roots], 200, {}))


def _node(site: Site, category: Category, depth: int) -> Json:
    return {
        "id": category.id,
        "name": category.name,
        "hasChildren": bool(category.children),
        "url": f"{_host(site)}/{'/'.join(category.slugs)}",
        "children": [_node(site, child, depth - 1) for child in category.children] if depth > 1 else [],
        "Title": category.name,
        "MetaTagDescription": "",
    }


def _host(site: Site) -> str:
    return f"https://www.{site.shop.id}.example"


async def brand_list(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer every brand the store ever listed."""
    brands = sorted({(product.brand_id, product.brand) for product in site.store.products})
    document = [
        {"id": number, "name": name, "isActive": True, "title": name, "metaTagDescription": "", "imageUrl": None}
        for number, name in brands
    ]
    return site.reply(request, (), lambda: (document, 200, {}))


async def segments(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer the segment of a visitor nobody knows; its `channel` is the store's own."""
    document = {
        "campaigns": None,
        "channel": str(next(iter(site.shop.channels))),
        "priceTables": None,
        "regionId": None,
        "utm_campaign": None,
        "utm_source": None,
        "utmi_campaign": None,
        "currencyCode": "BRL",
        "currencySymbol": "R$",
        "countryCode": "BRA",
        "cultureInfo": "pt-BR",
        "channelPrivacy": "public",
    }
    return site.reply(request, (), lambda: (document, 200, {}))


async def regions(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer the region of a postal code: its opaque id and its sellers, none where the store does not deliver."""
    if request.query.get("country") != "BRA":
        return _checkout_error("CHK0127", "País inválido")
    given = request.query.get("postalCode", "")
    if not given:
        return _checkout_error("CHK0119", "É necessário informar o CEP ou as coordenadas geográficas")
    postal_code = given.replace("-", "")
    if len(postal_code) != _POSTAL_CODE_DIGITS or not postal_code.isdigit():
        return _checkout_error("001", "CEP inválido")
    area = _serving(site, postal_code)
    if area is None:
        document: list[Json] = [{"id": EMPTY_REGION_ID, "sellers": []}]
    else:
        document = [{"id": area.region_id, "sellers": [{"id": area.seller_id, "name": area.seller_name, "logo": None}]}]
    return site.reply(request, (), lambda: (document, 200, {}))


def _serving(site: Site, postal_code: str) -> Area | None:
    shop = site.shop
    if not shop.regions:
        return shop.all_areas[0]
    area = next((region.area for region in shop.regions if region.postal_code == postal_code), None)
    return None if area is None else shop.area(area)


def _checkout_error(code: str, message: str) -> web.Response:
    body = {"fields": {}, "error": {"code": code, "message": message, "exception": None}, "operationId": "0" * 32}
    return web.json_response(body, status=400)


async def facets_search(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer counts per category and brand below a path of categories; what is out of stock is not counted."""
    terms = [unquote(part) for part in request.match_info["term"].split("/") if part]
    wanted = tuple(slug(term) for term in terms)
    node = next(
        (n for n in site.store.tree.by_ids.values() if wanted in {n.slugs, tuple(n.ids.strip("/").split("/"))}), None
    )
    if node is not None and site.is_dead(node):
        return unavailable()
    asked = site.asks(request)

    def build() -> tuple[Any, int, Json]:
        found = [] if asked.area is None or node is None else site.view(asked.area.id).in_category(node.ids)
        return _facets(site, [item for item in found if item.available]), 200, {}

    return site.reply(request, (asked.area and asked.area.id, asked.channel), build)


def _facets(site: Site, found: list[Listed]) -> Json:
    below: Counter[str] = Counter()
    brands: Counter[str] = Counter(item.product.brand for item in found)
    for item in found:
        below.update({node for place in item.product.places for node in _upwards(place.ids)})
    trees = [_branch(root, below) for root in site.store.tree.roots if below[root.ids]]
    lists = {
        "Departments": [{key: value for key, value in tree.items() if key not in {"Id", "Children"}} for tree in trees],
        "CategoriesTrees": trees,
        "Brands": [_entry(name, count, slug(name), "b") for name, count in sorted(brands.items())],
        "PriceRanges": [],
    }
    summary = {key: {"DisplayedItems": len(value), "TotalItems": len(value)} for key, value in lists.items()}
    return {**lists, "SpecificationFilters": {}, "Summary": {**summary, "SpecificationFilters": {}}}


def _upwards(ids: str) -> list[str]:
    parts = ids.strip("/").split("/")
    return ["/" + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1)]


def _branch(category: Category, below: Counter[str]) -> Json:
    children = [_branch(child, below) for child in category.children if below[child.ids]]
    entry = _entry(category.name, below[category.ids], "/".join(category.slugs), "c")
    return {"Id": category.id, **entry, "Children": children}


def _entry(name: str, count: int, path: str, kind: str) -> Json:
    link = f"/{path}?map={','.join(kind * (path.count('/') + 1))}"
    return {
        "Quantity": count,
        "Position": None,
        "Name": name,
        "Link": link,
        "LinkEncoded": link,
        "Map": kind,
        "Value": path.rpartition("/")[2],
    }
