"""A VTEX store that replays given products, with the limits of the real APIs and faults on demand.

It runs in a thread with its own event loop on a free port of this machine, and shares no code with the
crawler it judges.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from aiohttp import web

from tests.replay_world import Json, World, product, tree_of

__all__ = ["Fault", "Hit", "Json", "Replay", "Rule", "World", "dead", "product", "seeded_faults", "tree_of"]

LEGACY_SORTS = {
    "OrderByNameASC": ("name", False),
    "OrderByNameDESC": ("name", True),
    "OrderByPriceASC": ("price", False),
    "OrderByPriceDESC": ("price", True),
    "OrderByReleaseDateDESC": ("release", True),
    "OrderByTopSaleDESC": ("sales", True),
    "OrderByBestDiscountDESC": ("discount", True),
    "OrderByReviewRateDESC": ("sales", True),
    "OrderByScoreDESC": ("sales", True),
}
SEARCH_SORTS = {
    "name:asc": ("name", False),
    "name:desc": ("name", True),
    "price:asc": ("price", False),
    "price:desc": ("price", True),
    "release:desc": ("release", True),
    "orders:desc": ("sales", True),
    "discount:desc": ("discount", True),
}


@dataclass(frozen=True)
class Hit:
    """A request as the rules see it."""

    path: str
    """Decoded path and query."""
    number: int
    """How many requests came before it."""
    times: int
    """How often this very address was asked before."""
    headers: dict[str, str]

    @property
    def is_search(self) -> bool:
        return "/products/search" in self.path or "product_search" in self.path or "product-search" in self.path


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer."""

    kind: str
    """status | short | cut | garbage"""
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    drop: int = 1


Rule = Callable[[Hit], Fault | None]


def seeded_faults(rate: float, seed: int) -> Rule:
    """Any search may fail, in one of five ways."""
    dice = random.Random(seed)  # noqa: S311 - a fault, no secret
    kinds = (
        Fault("status", 429, {"Retry-After": "2"}),
        Fault("status", 503),
        Fault("status", 500),
        Fault("short", drop=3),
        Fault("cut"),
    )

    def rule(hit: Hit) -> Fault | None:
        if not hit.is_search:
            return None
        return dice.choice(kinds) if dice.random() < rate else None

    return rule


def dead(*markers: str, status: int = 500) -> Rule:
    """Every address that contains one of these never answers well."""
    return lambda hit: Fault("status", status) if any(marker in hit.path for marker in markers) else None


class Replay:
    """The server; a context manager. `url` is its address.

    Args:
        products: Legacy product objects, or their exact bytes.
        tree: The category tree; None answers 429, as real stores do once its budget is spent.
        worlds: Other assortments by region id or by `sc:<channel>`.
        regions: Postal code to region id and sellers.
        channel: What `/api/segments` says.
        robots: Text of robots.txt; None answers 404.
        latency: Seconds before each answer.
    """

    def __init__(
        self,
        products: Iterable[Json | bytes],
        tree: Sequence[Json] | None,
        *,
        worlds: dict[str, Iterable[Json | bytes]] | None = None,
        regions: dict[str, tuple[str, list[str]]] | None = None,
        channel: str = "1",
        robots: str | None = None,
        latency: float = 0.0,
        rules: Sequence[Rule] = (),
    ) -> None:
        self.tree = tree
        self.world = World(products, tree or [])
        self.worlds = {key: World(some, tree or []) for key, some in (worlds or {}).items()}
        self.regions = regions or {}
        self.channel = channel
        self.robots = robots
        self.latency = latency
        self.rules = list(rules)
        self.hits: list[Hit] = []
        self.in_flight = self.most_in_flight = 0
        self.before_answer: Callable[[Hit], None] | None = None
        self._asked: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def searches(self) -> list[Hit]:
        return [hit for hit in self.hits if hit.is_search]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(handler_args={"max_line_size": 2**16})
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.raw_path)
        hit = Hit(path, len(self.hits), self._asked[path], {k.lower(): v for k, v in request.headers.items()})
        self._asked[path] += 1
        self.hits.append(hit)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            if self.before_answer is not None:
                self.before_answer(hit)
            fault = next((found for rule in self.rules if (found := rule(hit)) is not None), None)
            if fault is not None and fault.kind == "status":
                return web.Response(status=fault.status, headers=fault.headers, text="no")
            if fault is not None and fault.kind == "garbage":
                return web.Response(text="<html>are you a robot?</html>", content_type="text/html")
            return await self._respond(request, fault)
        finally:
            self.in_flight -= 1

    async def _respond(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        path = request.path
        if path == "/robots.txt":
            return web.Response(text=self.robots) if self.robots is not None else web.Response(status=404)
        if path == "/api/segments":
            return web.json_response({"channel": self.channel, "currencyCode": "BRL"})
        if path == "/api/checkout/pub/regions":
            region, sellers = self.regions.get(request.query["postalCode"], ("v2.empty", []))
            return web.json_response([{"id": region, "sellers": [{"id": s, "name": s, "logo": None} for s in sellers]}])
        if path.startswith("/api/catalog_system/pub/category/tree/"):
            return web.json_response(self.tree) if self.tree is not None else web.Response(status=429)
        if path == "/api/catalog_system/pub/products/search":
            return await self._legacy(request, fault)
        for prefix, version in (
            ("/api/io/_v/api/intelligent-search/product_search", "is"),
            ("/api/intelligent-search/v1/product-search", "is_v1"),
        ):
            if path.startswith(prefix):
                return await self._search(request, path.removeprefix(prefix), version, fault)
        return web.Response(status=404)

    async def _legacy(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        start, end = int(request.query.get("_from", 0)), int(request.query.get("_to", 9))
        if end - start > 49:
            return web.json_response("Parameter _to can't be greater than 50.", status=400)
        if start > 2500:
            return web.json_response("Parameter _from can't be greater than 2500.", status=400)
        filters = set()
        for value in request.query.getall("fq", []):
            key, _, wanted = value.partition(":")
            filters.add((key, wanted))
        order = request.query.get("O")
        sort = LEGACY_SORTS[order] if order else None
        found = self._world(request, cookie=True).find(frozenset(filters), sort, "legacy")
        page = _cut_short([entry.body for entry in found[start : end + 1]], fault)
        status = 206 if len(found) > end - start + 1 else 200
        headers = {"resources": f"{start}-{end}/{len(found)}"}
        return await self._send(request, b"[" + b",".join(page) + b"]", status, headers, fault)

    async def _search(self, request: web.Request, path: str, version: str, fault: Fault | None) -> web.StreamResponse:
        page, count = int(request.query.get("page", 1)), int(request.query.get("count", 24))
        if page > 50 or count > 50:
            return web.json_response({"message": "Page should not exceed 50 pages"}, status=400)
        order = request.query.get("sort")
        if order is not None and order not in SEARCH_SORTS:
            return web.json_response({"status": 400, "code": "RESOLVER_WARNING"}, status=400)
        steps = [step for step in path.split("/") if step]
        facets = {(k, v) for k, v in zip(steps[::2], steps[1::2], strict=True) if k != "trade-policy"}
        query = request.query.get("query", "")
        if query.startswith("product:"):
            facets |= {("productId", one) for one in query.removeprefix("product:").split(";")}
        sort = SEARCH_SORTS[order] if order else None
        found = self._world(request, cookie=version == "is").find(frozenset(facets), sort, version)
        start = (page - 1) * count
        products = _cut_short([entry.search_body for entry in found[start : start + count]], fault)
        tail = {"recordsFiltered": len(found), "pagination": {"count": -(-len(found) // count), "perPage": count}}
        body = b'{"products":[' + b",".join(products) + b"]," + json.dumps(tail).encode()[1:]
        return await self._send(request, body, 200, {}, fault)

    def _world(self, request: web.Request, *, cookie: bool) -> World:
        keys = [request.query.get("regionId", "")]
        if cookie and "vtex_segment" in request.cookies:
            keys.append(json.loads(base64.b64decode(request.cookies["vtex_segment"])).get("regionId") or "")
        keys.append(f"sc:{request.query.get('sc')}")
        keys += [f"sc:{m}" for m in re.findall(r"/trade-policy/(\d+)", request.path)]
        return next((self.worlds[key] for key in keys if key in self.worlds), self.world)

    @staticmethod
    async def _send(
        request: web.Request, body: bytes, status: int, headers: dict[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        headers = headers | {"Content-Type": "application/json; charset=utf-8"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        if fault is None or fault.kind != "cut":
            return web.Response(status=status, body=body, headers=headers)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response


def _cut_short(page: list[bytes], fault: Fault | None) -> list[bytes]:
    return page[: max(0, len(page) - fault.drop)] if fault is not None and fault.kind == "short" else page
