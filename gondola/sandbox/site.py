"""One running store: its catalogue of the day, its counters, and how its answers go out."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web
from isal import isal_zlib

from gondola.sandbox.assortment import Category
from gondola.sandbox.evolution import evolved
from gondola.sandbox.faults import Faults
from gondola.sandbox.payload import Scene
from gondola.sandbox.shops import Area
from gondola.sandbox.view import View
from gondola.sandbox.world import Listed, StoreWorld

__all__ = ["SHORT", "Asked", "Clock", "Site", "StoreStats"]

SHORT = web.RequestKey("short", bool)
"""Set on a request whose page is to come with fewer items than there are."""

_VIEWS = 6
_PAGE_CACHE_BYTES = 48 * 2**20
_GZIP = 31
_WORTH_PACKING = 512
_DRIFT_SLICE = 51


@dataclass(slots=True)
class Clock:
    """The world's day, shared by the stores."""

    day: int


@dataclass(slots=True)
class StoreStats:
    """What a store saw of its visitors."""

    requests: int = 0
    by_route: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By route and status."""
    faults: Counter[str] = field(default_factory=Counter)
    user_agents: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0
    in_flight: int = 0
    max_concurrency: int = 0
    peak_per_second: int = 0
    """Most requests that came within one second of the clock."""
    _second: tuple[int, int] = (0, 0)

    def arrived(self, route: str, user_agent: str, now: float) -> None:
        """Count a request that came in."""
        self.requests += 1
        self.by_route[route] += 1
        self.user_agents[user_agent] += 1
        self.in_flight += 1
        self.max_concurrency = max(self.max_concurrency, self.in_flight)
        second = int(now)
        self._second = (second, self._second[1] + 1 if self._second[0] == second else 1)
        self.peak_per_second = max(self.peak_per_second, self._second[1])

    def answered(self, route: str, status: int, size: int) -> None:
        """Count its answer."""
        self.in_flight -= 1
        self.by_status[status] += 1
        self.answers[route, status] += 1
        self.bytes_sent += size


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose prices a request asks for."""

    area: Area | None
    """None where the answer is an empty catalogue."""
    channel: int


class Site:
    """A store on a port.

    Args:
        store: The store's world.
        clock: The world's day.
        faults: What goes wrong.
    """

    def __init__(self, store: StoreWorld, clock: Clock, faults: Faults) -> None:
        self.store = store
        self.shop = store.shop
        self.clock = clock
        self.faults = faults
        self.stats = StoreStats()
        self.asked: Counter[str] = Counter()
        self.dead = self._dead_category()
        self._views: OrderedDict[tuple[str, int], View] = OrderedDict()
        self._pages: OrderedDict[tuple[Any, ...], tuple[bytes, int, Mapping[str, str]]] = OrderedDict()
        self._page_bytes = 0
        self._drifting = self.shop.id in faults.drifts
        self._withheld: int | None = None

    def _dead_category(self) -> Category | None:
        wanted = self.faults.dead_categories.get(self.shop.id)
        if wanted is None:
            return None
        for node in self.store.tree.by_ids.values():
            if wanted in {node.ids, node.names}:
                return node
        message = f"{self.shop.id} has no category {wanted!r}; give a path of ids (/1/17/) or of names"
        raise ValueError(message)

    @property
    def is_down(self) -> bool:
        """Whether the store answers nothing today."""
        return self.shop.id in self.faults.outages or self.store.is_down(self.clock.day)

    def is_dead(self, category: Category) -> bool:
        """Whether a category, or one above it, does not answer today."""
        dead = (self.dead, self.store.dead_department(self.clock.day))
        return any(node is not None and category.ids.startswith(node.ids) for node in dead)

    def scene(self, asked: Asked) -> Scene:
        """Who shows products to this request, where and when."""
        area = asked.area or self.shop.all_areas[0]
        return Scene(self.shop, area, asked.channel, self.store.world.epoch, self.clock.day)

    def view(self, area_id: str) -> View:
        """The index over today's catalogue of an area."""
        key = (area_id, self.clock.day)
        view = self._views.pop(key, None) or View(self.store, area_id, self.clock.day)
        self._views[key] = view
        while len(self._views) > _VIEWS:
            self._views.popitem(last=False)
        if self._drifting and self._withheld is None:
            self._withheld = _newest_of_largest(view)
        return view

    def drifted(self, found: list[Listed], *, first_page: bool) -> list[Listed]:
        """What a slice shows while one product is still to come in.

        It comes in as soon as a first page of a longer slice was served without it.
        """
        if not self._drifting or all(item.product.product_id != self._withheld for item in found):
            return found
        if first_page and len(found) > _DRIFT_SLICE:
            self._drifting = False
        return [item for item in found if item.product.product_id != self._withheld]

    def asks(self, request: web.Request, *, region_id: str | None = None, reads_segment: bool = True) -> Asked:
        """Whose prices a request asks for: by sales channel, segment or region id, as far as the store honours them.

        Args:
            request: The request.
            region_id: A region id given outside the segment.
            reads_segment: Whether this interface reads the segment at all.
        """
        segment = _segment(request) if reads_segment else {}
        channel = _number(request.query.get("sc") or segment.get("channel"))
        first = next(iter(self.shop.channels))
        area = self.store.channel_area(channel)
        region = region_id or segment.get("regionId")
        if area is not None and isinstance(region, str) and region:
            area = self._region(region, legacy=region_id is None, otherwise=area)
        return Asked(area, channel or first)

    def _region(self, region: str, *, legacy: bool, otherwise: Area) -> Area | None:
        if region.startswith("v2."):
            honoured = "segment_v2" if legacy and "search_region" not in self.shop.honours else "search_region"
            # a live store that does not honour a method says nothing and shows its usual prices
            return self.shop.serving(region_id=region) if honoured in self.shop.honours else otherwise
        if "segment_seller" in self.shop.honours:
            named = _seller_of(region)
            return next((area for area in self.shop.areas if area.seller_id == named), otherwise)
        return otherwise

    def reply(
        self,
        request: web.Request,
        key: tuple[Any, ...] | None,
        build: Callable[[], tuple[Any, int, Mapping[str, str]]],
    ) -> web.Response:
        """Answer with JSON, packed when the client accepts it, from the cache when the same was asked before.

        Args:
            request: The request.
            key: What the answer depends on besides the day and the URL; None keeps it out of the cache.
            build: Makes the document, its status and its headers.
        """
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        full_key = None if key is None or self._drifting else (request.raw_path, self.clock.day, packed, *key)
        known = self._pages.get(full_key) if full_key is not None else None
        if known is None:
            document, status, headers = build()
            if self.shop.id in self.faults.changed_schemas:
                document = evolved(document)
            body = msgspec.json.encode(document)
            headers = {"Content-Type": "application/json; charset=utf-8", **headers}
            if packed and len(body) > _WORTH_PACKING:
                body = isal_zlib.compress(body, 1, _GZIP)
                headers["Content-Encoding"] = "gzip"
            known = (body, status, headers)
            if full_key is not None:
                self._keep(full_key, known)
        return web.Response(body=known[0], status=known[1], headers=known[2])

    def _keep(self, key: tuple[Any, ...], page: tuple[bytes, int, Mapping[str, str]]) -> None:
        self._pages[key] = page
        self._page_bytes += len(page[0])
        while self._page_bytes > _PAGE_CACHE_BYTES:
            _, (body, _, _) = self._pages.popitem(last=False)
            self._page_bytes -= len(body)


def _newest_of_largest(view: View) -> int | None:
    largest = max((node.ids for node in view.store.tree.by_leaf), key=lambda ids: len(view.in_category(ids)))
    found = view.in_category(largest)
    return found[0].product.product_id if found else None


def _segment(request: web.Request) -> Mapping[str, Any]:
    text = request.headers.get("x-vtex-segment") or request.cookies.get("vtex_segment")
    if not text:
        return {}
    raw = unquote(text)
    try:
        document = json.loads(base64.b64decode(raw + "=" * (-len(raw) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return document if isinstance(document, dict) else {}


def _seller_of(region: str) -> str | None:
    try:
        text = base64.b64decode(region + "=" * (-len(region) % 4)).decode()
    except (ValueError, binascii.Error):
        return None
    return text.removeprefix("SW#") if text.startswith("SW#") else None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
