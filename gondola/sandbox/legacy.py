"""The legacy catalogue search, `/api/catalog_system/pub/products/search`, with its window and its error bodies."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from aiohttp import web

from gondola.sandbox.assortment import Category
from gondola.sandbox.catalogue import slug
from gondola.sandbox.payload import legacy_product
from gondola.sandbox.site import SHORT, Site
from gondola.sandbox.view import LEGACY_ORDERS, Filters

__all__ = ["products_search", "unavailable"]

_PAGE = 50
_WINDOW = 2500
_DEFAULT_PAGE = 10
_TO_TOO_FAR = "Parameter _to can't be greater than 50."
_FROM_TOO_FAR = "Parameter _from can't be greater than 2500."


class _Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """A request that the store turns down with a sentence."""


def unavailable() -> web.Response:
    """What a store answers that can't answer."""
    return web.Response(status=503, text="Service Unavailable")


async def products_search(site: Site, request: web.Request) -> web.StreamResponse:
    """Answer one page of a search."""
    try:
        first, last = _window(request)
    except _Refused as refusal:
        return web.json_response(str(refusal), status=400)
    asked = site.asks(request)
    filters, category = _filters(site, request)
    if category is not None and site.is_dead(category):
        return unavailable()
    order = LEGACY_ORDERS.get(request.query.get("O", ""), "")

    def build() -> tuple[Any, int, dict[str, str]]:
        found = [] if asked.area is None or filters is None else site.view(asked.area.id).find(filters, order)
        found = site.drifted(found, first_page=first == 0 and last > 0)
        page = found[first : last + 1]
        if request.get(SHORT) and len(page) > 1:
            page = page[: -max(1, len(page) // 5)]
        scene = site.scene(asked)
        headers = {"resources": f"{first}-{last}/{len(found)}"}
        whole = first == 0 and last + 1 >= len(found)
        return [legacy_product(scene, item) for item in page], 200 if whole else 206, headers

    key = None if request.get(SHORT) else (asked.area and asked.area.id, asked.channel)
    return site.reply(request, key, build)


def _window(request: web.Request) -> tuple[int, int]:
    try:
        first = int(request.query.get("_from", 0))
        last = int(request.query.get("_to", first + _DEFAULT_PAGE - 1))
    except ValueError as error:
        message = "Parameters _from and _to must be numbers."
        raise _Refused(message) from error
    if last - first > _PAGE - 1:
        raise _Refused(_TO_TOO_FAR)
    if first > _WINDOW:
        raise _Refused(_FROM_TOO_FAR)
    if first < 0 or last < first:
        message = "Parameter _to can't be lower than _from."
        raise _Refused(message)
    return first, last


def _filters(site: Site, request: web.Request) -> tuple[Filters | None, Category | None]:
    """The filters of a request (None: nothing can pass them) and the category among them."""
    grouped: dict[str, list[str]] = {}
    for text in request.query.getall("fq", []):
        key, _, value = text.partition(":")
        grouped.setdefault(key, []).append(value.strip())
    if words := request.query.get("ft"):
        grouped["text"] = [words]
    _add_path(site, request, grouped)
    nodes = [_category(site, value) for value in grouped.get("C", [])]
    known = [node for node in nodes if node is not None]
    if nodes and not known:
        return None, None
    if known:
        grouped["C"] = [node.ids for node in known]
    if "B" in grouped:
        grouped["B"] = [part for value in grouped["B"] for part in value.strip("/").split("/")]
    # the category first: it is the filter with an index
    ordered = sorted(grouped.items(), key=lambda item: item[0] != "C")
    return tuple((key, tuple(values)) for key, values in ordered), known[0] if len(known) == 1 else None


def _category(site: Site, value: str) -> Category | None:
    """A category by its path of ids from the root; the id of a node below the root is no path."""
    return site.store.tree.by_ids.get("/" + value.strip("/") + "/")


def _add_path(site: Site, request: web.Request, grouped: dict[str, list[str]]) -> None:
    """Read the terms in the path: `/{linkText}/p`, or segments that `map` gives a type to."""
    terms = [unquote(part) for part in request.match_info.get("term", "").split("/") if part]
    if not terms:
        return
    if terms[-1] == "p" and "map" not in request.query:
        grouped["linkText"] = ["/".join(terms[:-1])]
        return
    kinds = request.query.get("map", "ft").split(",")
    trail: list[str] = []
    for kind, term in zip(kinds, terms, strict=False):
        if kind == "c":
            trail.append(term)
        elif kind == "b":
            grouped["brand"] = [slug(term)]
        elif kind == "ft":
            grouped["text"] = [term]
    if trail:
        grouped["C"] = [_ids_of(site, trail)]


def _ids_of(site: Site, trail: list[str]) -> str:
    wanted = tuple(slug(part) for part in trail)
    for node in site.store.tree.by_ids.values():
        if wanted in {node.slugs, tuple(node.ids.strip("/").split("/"))}:
            return node.ids
    return "/".join(trail)
