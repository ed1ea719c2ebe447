"""From a store's configuration to crawl targets: the sales channel, and each postal code's region."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from gondola.errors import ConfigurationError, GondolaError, RobotsDisallowedError
from gondola.sources.http.fetcher import Ask, Fetcher, RetryPolicy, Site
from gondola.sources.stores import Region, RegionMethod, Store
from gondola.sources.vtex.contract import CrawlTarget, OnRequest, StorePlan
from gondola.sources.vtex.families import Context

__all__ = ["EMPTY_REGION", "context_of", "plan_store", "resolve_channel", "resolve_region", "seller_region"]

EMPTY_REGION = "v2.1BB18CE648B5111D0933734ED83EC783"
"""The id every account gives an empty list of sellers."""

_POSTAL = frozenset({RegionMethod.SEGMENT_V2, RegionMethod.SEGMENT_SELLER, RegionMethod.SEARCH_REGION})
_CHANNEL_POLICY = RetryPolicy(attempts=2, slows_host=False)


class _Seller(msgspec.Struct, gc=False):
    id: str


class _Region(msgspec.Struct, gc=False):
    id: str | None = None
    sellers: list[_Seller] | None = None


class _Segment(msgspec.Struct, gc=False):
    channel: int | None = None


_decode_regions = msgspec.json.Decoder(list[_Region] | _Region, strict=False).decode
_decode_segment = msgspec.json.Decoder(_Segment, strict=False).decode


async def plan_store(fetcher: Fetcher, store: Store, *, on_request: OnRequest | None = None) -> StorePlan:
    """Ask the store what its regions are today.

    Region ids are hashes of the sellers that serve a postal code, so they are asked for and never kept.
    Regions that turn out to be the same are crawled once.

    Args:
        fetcher: The open client.
        store: The store.
        on_request: Is told the outcome of every attempt.

    Raises:
        RobotsDisallowedError: robots.txt forbids asking.
        SourceUnavailableError: robots.txt could not be read.
        ConfigurationError: The region method does not work with the store's API.
    """
    if store.region_method is RegionMethod.SEARCH_REGION and store.api == "legacy":
        message = f"store {store.id!r}: region_method 'search_region' needs api 'is' or 'is_v1'"
        raise ConfigurationError(message)
    site = await fetcher.site(store, on_request=on_request)
    channel = await resolve_channel(fetcher, site, store, on_request=on_request)
    targets: dict[object, CrawlTarget] = {}
    not_served: list[Region] = []
    unresolved: list[tuple[Region, GondolaError]] = []
    for region in store.effective_regions:
        target = CrawlTarget(store, region, sales_channel=region.sales_channel or channel)
        if store.region_method in _POSTAL:
            try:
                region_id, sellers = await resolve_region(
                    fetcher, site, region.postal_code or "", target.sales_channel, on_request=on_request
                )
            except RobotsDisallowedError:
                raise
            except GondolaError as error:
                unresolved.append((region, error))
                continue
            if region_id is None:
                not_served.append(region)
                continue
            target = replace(target, region_id=region_id, seller_ids=sellers)
        same = (target.region_id, target.sales_channel)
        if same in targets:
            first = targets[same]
            targets[same] = replace(first, aliases=(*first.aliases, region.id))
        else:
            targets[same] = target
    return StorePlan(tuple(targets.values()), tuple(not_served), tuple(unresolved))


async def resolve_channel(
    fetcher: Fetcher, site: Site, store: Store, *, on_request: OnRequest | None = None
) -> int | None:
    """The store's sales channel: as configured, else as `/api/segments` says, else unknown."""
    if store.sales_channel is not None:
        return store.sales_channel
    ask = Ask("/api/segments", _read_channel, label="(sales channel)", policy=_CHANNEL_POLICY)
    try:
        return await fetcher.get(site, ask, on_request=on_request)
    except GondolaError:
        return None  # the host's own default then holds


async def resolve_region(
    fetcher: Fetcher, site: Site, postal_code: str, channel: int | None, *, on_request: OnRequest | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """Region id and seller ids of a postal code; no id when nobody serves it.

    Raises:
        GondolaError: The store did not say.
    """
    path = f"/api/checkout/pub/regions?country=BRA&postalCode={postal_code}"
    path += f"&sc={channel}" if channel is not None else ""
    return await fetcher.get(site, Ask(path, _read_region, label="(region)"), on_request=on_request)


def seller_region(sellers: tuple[str, ...]) -> str | None:
    """The region id that names a seller, as stores that ignore the newer ids want it."""
    return base64.b64encode(f"SW#{sellers[0]}".encode()).decode() if sellers else None


def context_of(target: CrawlTarget) -> Context:
    """How requests say which region they mean.

    The search API of version 1 reads no cookie, so there every method's region goes into the parameters.
    """
    method = target.store.region_method
    region = seller_region(target.seller_ids) if method is RegionMethod.SEGMENT_SELLER else target.region_id
    if region is None:
        return Context(target.sales_channel)
    if method is RegionMethod.SEARCH_REGION or target.store.api == "is_v1":
        return Context(target.sales_channel, region_id=region)
    return Context(target.sales_channel, headers={"Cookie": f"vtex_segment={_segment(region, target.sales_channel)}"})


def _segment(region: str, channel: int | None) -> str:
    segment = {
        "campaigns": None,
        "channel": str(channel or 1),
        "priceTables": None,
        "regionId": region,
        "utm_campaign": None,
        "utm_source": None,
        "utmi_campaign": None,
        "currencyCode": "BRL",
        "currencySymbol": "R$",
        "countryCode": "BRA",
        "cultureInfo": "pt-BR",
        "channelPrivacy": "public",
    }
    return base64.b64encode(msgspec.json.encode(segment)).decode()


def _read_channel(body: bytes, _headers: Mapping[str, str]) -> int | None:
    return _decode_segment(body).channel


def _read_region(body: bytes, _headers: Mapping[str, str]) -> tuple[str | None, tuple[str, ...]]:
    answer = _decode_regions(body)
    for region in answer if isinstance(answer, list) else [answer]:
        sellers = tuple(seller.id for seller in region.sellers or ())
        if region.id and region.id != EMPTY_REGION and sellers:
            return region.id, sellers
    return None, ()
