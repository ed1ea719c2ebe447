"""How a store works: which API families answer, and which way of naming a region changes its prices.

A region method that a store ignores fails silently: every region gets the same prices. So each method is
tried on the same products in two regions, and judged by what changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from gondola.errors import GondolaError
from gondola.sources.http.fetcher import Ask, Fetcher, HttpStatusError, RetryPolicy, Site
from gondola.sources.stores import RegionMethod, Store
from gondola.sources.vtex.contract import CrawlTarget
from gondola.sources.vtex.families import FAMILIES, PAGE_SIZE, Context, Family, Page, Slice
from gondola.sources.vtex.products import decode_product
from gondola.sources.vtex.regions import context_of, resolve_channel, resolve_region
from gondola.sources.vtex.rows import choose_seller
from gondola.sources.vtex.tree import Node

__all__ = ["FamilyReport", "MethodReport", "ProbeReport", "RegionReport", "probe"]

_BASKET = 20
_POLICY = RetryPolicy(attempts=2)
_METHODS: dict[str, tuple[RegionMethod, ...]] = {
    "legacy": (RegionMethod.SALES_CHANNEL, RegionMethod.SEGMENT_V2, RegionMethod.SEGMENT_SELLER),
    "is": (
        RegionMethod.SALES_CHANNEL,
        RegionMethod.SEARCH_REGION,
        RegionMethod.SEGMENT_V2,
        RegionMethod.SEGMENT_SELLER,
    ),
    "is_v1": (RegionMethod.SALES_CHANNEL, RegionMethod.SEARCH_REGION, RegionMethod.SEGMENT_SELLER),
}

_Prices = dict[str, tuple[float | None, bool]]


@dataclass(frozen=True, slots=True)
class FamilyReport:
    """Whether one API family answers."""

    api: str
    total: int | None = None
    window_holds: bool | None = None
    """Whether the page after the known window is refused; None when the catalogue is smaller."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RegionReport:
    """What the store says of a postal code."""

    region: str
    region_id: str | None
    sellers: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MethodReport:
    """One region method, tried on a basket in two regions."""

    api: str
    method: str
    regions: tuple[str, str]
    compared: int = 0
    changed: int = 0
    """SKUs with another price or availability, or listed in one of the regions only."""
    error: str | None = None


@dataclass(slots=True)
class ProbeReport:
    """What was found out; `recommended_*` are None where nothing worked."""

    store: str
    is_vtex: bool = False
    sales_channel: int | None = None
    families: list[FamilyReport] = field(default_factory=list)
    regions: list[RegionReport] = field(default_factory=list)
    methods: list[MethodReport] = field(default_factory=list)
    recommended_api: str | None = None
    recommended_method: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the store can be crawled."""
        return self.error is None


async def probe(fetcher: Fetcher, store: Store) -> ProbeReport:
    """Try everything once, gently.

    Args:
        fetcher: The open client.
        store: The store; two of its regions with postal codes that are known to differ make the best test.

    Returns:
        The report. What fails is in there, never raised.
    """
    report = ProbeReport(store.id)
    try:
        site = await fetcher.site(store)
    except GondolaError as error:
        report.error = str(error)
        return report
    report.sales_channel = await resolve_channel(fetcher, site, store)
    baskets = {}
    for family in FAMILIES.values():
        found, page = await _probe_family(fetcher, site, family, Context(report.sales_channel))
        report.families.append(found)
        if page is not None and page.products:
            baskets[family.name] = _basket(page)
    report.is_vtex = bool(baskets)
    if not baskets:
        report.error = "no API family of VTEX lists products here; the store may run on another platform"
        return report
    targets = await _probe_regions(fetcher, site, store, report)
    for api, basket in baskets.items():
        for method in _METHODS[api]:
            pair = _pair(targets, method)
            if pair is not None:
                report.methods.append(await _probe_method(fetcher, site, api, method, pair=pair, basket=basket))
    _recommend(report, store, list(baskets))
    return report


async def _probe_family(
    fetcher: Fetcher, site: Site, family: Family, context: Context
) -> tuple[FamilyReport, Page | None]:
    whole = Slice(Node())
    try:
        page = await fetcher.get(site, Ask(family.url(whole, 0, context), family.read, policy=_POLICY))
    except GondolaError as error:
        return FamilyReport(family.name, error=str(error)), None
    holds: bool | None = None
    if page.total > family.window:
        beyond = family.url(whole, family.window // PAGE_SIZE, context)
        try:
            await fetcher.get(site, Ask(beyond, family.read, policy=_POLICY))
            holds = False
        except HttpStatusError:
            holds = True
        except GondolaError:
            holds = None
    return FamilyReport(family.name, total=page.total, window_holds=holds), page


async def _probe_regions(fetcher: Fetcher, site: Site, store: Store, report: ProbeReport) -> list[CrawlTarget]:
    targets = []
    for region in store.regions:
        channel = region.sales_channel or report.sales_channel
        if region.postal_code is None:
            targets.append(CrawlTarget(store, region, sales_channel=channel))
            continue
        try:
            region_id, sellers = await resolve_region(fetcher, site, region.postal_code, channel)
        except GondolaError as error:
            report.regions.append(RegionReport(region.id, None, error=str(error)))
            continue
        report.regions.append(RegionReport(region.id, region_id, sellers))
        if region_id is not None:
            targets.append(CrawlTarget(store, region, region_id=region_id, seller_ids=sellers, sales_channel=channel))
    return targets


def _pair(targets: Sequence[CrawlTarget], method: RegionMethod) -> tuple[CrawlTarget, CrawlTarget] | None:
    """Two neighbours in the list that the method tells apart."""

    def told_by(target: CrawlTarget) -> object:
        if method is RegionMethod.SALES_CHANNEL:
            return target.sales_channel
        return target.seller_ids[:1] if method is RegionMethod.SEGMENT_SELLER else target.region_id

    usable = [target for target in targets if told_by(target)]
    return next(((one, other) for one, other in pairwise(usable) if told_by(one) != told_by(other)), None)


async def _probe_method(
    fetcher: Fetcher,
    site: Site,
    api: str,
    method: RegionMethod,
    *,
    pair: tuple[CrawlTarget, CrawlTarget],
    basket: Sequence[str],
) -> MethodReport:
    family = FAMILIES[api]
    names = (pair[0].region.id, pair[1].region.id)
    seen: list[_Prices] = []
    for target in pair:
        store = target.store.model_copy(update={"api": api, "region_method": method})
        changed = CrawlTarget(
            store,
            target.region,
            region_id=None if method is RegionMethod.SALES_CHANNEL else target.region_id,
            seller_ids=target.seller_ids,
            sales_channel=target.sales_channel,
        )
        context = context_of(changed)
        ask = Ask(family.lookup(basket, context), family.read, headers=context.headers, policy=_POLICY)
        try:
            page = await fetcher.get(site, ask)
        except GondolaError as error:
            return MethodReport(api, method.value, names, error=str(error))
        seen.append(_prices(page))
    skus = seen[0].keys() | seen[1].keys()
    changes = sum(seen[0].get(sku) != seen[1].get(sku) for sku in skus)
    return MethodReport(api, method.value, names, compared=len(skus), changed=changes)


def _basket(page: Page) -> list[str]:
    """Ids of products that can be bought, as their prices are the likeliest to differ."""
    available: list[str] = []
    others: list[str] = []
    for raw in page.products:
        try:
            product = decode_product(raw)
        except msgspec.MsgspecError:
            continue
        offers = [choose_seller(item.sellers or (), ()).offer for item in product.items or ()]
        (available if any(offer.available for offer in offers) else others).append(str(product.id))
    return (available + others)[:_BASKET]


def _prices(page: Page) -> _Prices:
    prices: _Prices = {}
    for raw in page.products:
        try:
            product = decode_product(raw)
        except msgspec.MsgspecError:
            continue
        for item in product.items or ():
            offer = choose_seller(item.sellers or (), ()).offer
            prices[str(item.id)] = (offer.price, offer.available)
    return prices


def _recommend(report: ProbeReport, store: Store, answering: list[str]) -> None:
    """The method that changes most, on the configured API if that is as good as any."""
    report.recommended_api = store.api if store.api in answering else answering[0]
    effective = [method for method in report.methods if method.changed]
    if effective:
        best = max(effective, key=lambda method: (method.changed, method.api == store.api))
        report.recommended_api, report.recommended_method = best.api, best.method
