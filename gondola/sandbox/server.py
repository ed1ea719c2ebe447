"""A store as a web application: its routes, and what happens to a request before and after them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic

from aiohttp import web
from aiohttp.typedefs import Middleware

from gondola.sandbox import legacy, search, shopfront
from gondola.sandbox.faults import FaultKind, RateLimiter
from gondola.sandbox.site import SHORT, Site

__all__ = ["application"]

_Page = Callable[[Site, web.Request], Awaitable[web.StreamResponse]]
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SMALL_BUDGET = frozenset({"tree", "brands", "facets"})
_WATCHED_FOR_BOTS = frozenset({"tree", "regions"})
_CATALOG = "/api/catalog_system/pub"
_SEARCH = "/api/io/_v/api/intelligent-search"
_SEARCH_V1 = "/api/intelligent-search/v1"


def application(site: Site) -> web.Application:
    """The web application of a store."""
    app = web.Application(middlewares=[_middleware(site)])

    def get(path: str, name: str, page: _Page) -> None:
        app.router.add_get(path, partial(page, site), name=name, allow_head=False)

    get("/robots.txt", "robots", shopfront.robots)
    get(f"{_CATALOG}/category/tree/{{depth}}", "tree", shopfront.category_tree)
    get(f"{_CATALOG}/brand/list", "brands", shopfront.brand_list)
    get(f"{_CATALOG}/facets/search/{{term:.*}}", "facets", shopfront.facets_search)
    get("/api/segments", "segments", shopfront.segments)
    get("/api/checkout/pub/regions", "regions", shopfront.regions)
    if "legacy" in site.shop.apis:
        get(f"{_CATALOG}/products/search", "search", legacy.products_search)
        get(f"{_CATALOG}/products/search/{{term:.*}}", "search_path", legacy.products_search)
    if "is" in site.shop.apis:
        get(f"{_SEARCH}/product_search{{facets:(?:/.*)?}}", "is_search", partial(search.product_search, v1=False))
        get(f"{_SEARCH}/facets{{facets:(?:/.*)?}}", "is_facets", partial(search.facets, v1=False))
    if "is_v1" in site.shop.apis:
        get(f"{_SEARCH_V1}/product-search{{facets:(?:/.*)?}}", "is_v1_search", partial(search.product_search, v1=True))
        get(f"{_SEARCH_V1}/facets{{facets:(?:/.*)?}}", "is_v1_facets", partial(search.facets, v1=True))
        get(f"{_SEARCH_V1}/products", "is_v1_products", search.single_product)
    return app


def _middleware(site: Site) -> Middleware:
    rate = site.faults.requests_per_second
    limiter = RateLimiter(rate) if rate else None

    @web.middleware
    async def around(request: web.Request, handler: _Handler) -> web.StreamResponse:
        route = request.match_info.route.name or "unknown"
        now = monotonic()
        site.stats.arrived(route, request.headers.get("User-Agent", ""), now)
        status, size = 500, 0
        try:
            if site.faults.latency:
                await asyncio.sleep(site.faults.latency)
            refusal = _refusal(site, request, route, limiter, now)
            response = await _met_by_fault(site, request, route, handler) if refusal is None else refusal
            status, size = response.status, len(_body(response))
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            site.stats.answered(route, status, size)

    return around


def _refusal(
    site: Site, request: web.Request, route: str, limiter: RateLimiter | None, now: float
) -> web.Response | None:
    """The answer of a store that does not want to serve this request at all."""
    if site.is_down:
        return legacy.unavailable()
    if route in _WATCHED_FOR_BOTS and "bot" in request.headers.get("User-Agent", "").lower():
        return web.Response(status=429, headers={"rate-limit-reason": "bot"})
    if route in _SMALL_BUDGET and site.shop.id in site.faults.refused_trees:
        return web.Response(status=429)
    if limiter is not None and route != "robots" and not limiter.allows(now):
        return web.Response(status=429, headers={"Retry-After": str(site.faults.retry_after)})
    return None


async def _met_by_fault(site: Site, request: web.Request, route: str, handler: _Handler) -> web.StreamResponse:
    identity = f"{request.raw_path} {request.headers.get('x-vtex-segment') or request.cookies.get('vtex_segment', '')}"
    fault: FaultKind | None = None
    if route not in {"robots", "unknown"}:
        fault = site.faults.pick(site.shop.id, identity, site.asked)
    if fault is None:
        return await handler(request)
    site.stats.faults[fault] += 1
    if fault == "429":
        return web.Response(status=429)
    if fault == "429_retry_after":
        return web.Response(status=429, headers={"Retry-After": str(site.faults.retry_after)})
    if fault == "503":
        return legacy.unavailable()
    if fault == "slow":
        await asyncio.sleep(site.faults.slow_seconds)
    elif fault == "short":
        request[SHORT] = True
    response = await handler(request)
    return await _cut(request, response) if fault == "cut" else response


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


async def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send the head and half of the body, then hang up."""
    body = _body(response)
    broken = web.StreamResponse(status=response.status, headers=response.headers)
    broken.content_length = len(body)
    broken.force_close()
    await broken.prepare(request)
    await broken.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return broken
