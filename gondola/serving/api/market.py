"""Routes of the shelves: stores, products, prices, changes, offers, comparisons, the index."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from gondola.serving.api.access import Guard
from gondola.serving.api.keys import Scope
from gondola.serving.api.replies import IsoDay, Pages, Whole, described, known_parameters
from gondola.serving.reads import changes, comparisons, prices, products, promotions, stores
from gondola.serving.reads import index as price_index

__all__ = ["market_router"]

Name = Annotated[str, Path(max_length=200)]
Store = Annotated[str | None, Query(max_length=200, description="One chain only, by its id.", examples=["bistek"])]
Region = Annotated[
    str | None, Query(max_length=200, description="One region only.", examples=["florianopolis_costeira"])
]
Department = Annotated[str | None, Query(max_length=200, description="One department only, as the chain names it.")]
Day = Annotated[IsoDay | None, Query(description="The day; the newest by default.", examples=["2026-02-05"])]
Days = Annotated[int, Query(ge=1, le=3660, description="Days looked at.")]
Paged = Annotated[Pages, Depends()]
All = Annotated[Whole, Depends()]
Shelves = Annotated[
    list[str] | None,
    Query(max_length=200, description="Store-regions, as supermarket/region.", examples=[["serra/default"]]),
]
Gtins = Annotated[
    list[str] | None, Query(max_length=500, description="Barcodes, one of each.", examples=[["07890010000304"]])
]
Kind = StrEnum("Kind", [(kind, kind) for kind in changes.KINDS])  # type: ignore[misc]
Verdict = StrEnum("Verdict", [(verdict, verdict) for verdict in promotions.VERDICTS])  # type: ignore[misc]

_SHELF = {"supermarket": "bistek", "region": "florianopolis_costeira"}
_PRODUCT: dict[str, Any] = {
    "supermarket": "bistek",
    "sku_id": "1839",
    "product_name": "Arroz Parboilizado 5kg",
    "brand": "Grão Nobre",
    "gtin": "07890010000304",
    "lowest_price": "24.9000",
    "unit_price": "4.9800",
    "price_unit": "kg",
    "unit_price_source": "name",
}


def market_router(guard: Guard) -> APIRouter:
    """Routes that need the scope `market`.

    Args:
        guard: Lets requests through.
    """
    router = APIRouter(
        prefix="/v1", tags=["market"], dependencies=[*guard.needs(Scope.MARKET), Depends(known_parameters)]
    )
    _add_products(router)
    _add_shelves(router)
    _add_comparisons(router)
    return router


def _add_products(router: APIRouter) -> None:
    @router.get("/products", **described(_PRODUCT))
    def search_products(
        *,
        reply: Paged,
        q: Annotated[str, Query(max_length=200, description="Words, or a barcode.", examples=["arroz"])] = "",
        supermarket: Store = None,
        department: Department = None,
        brand: Annotated[str | None, Query(max_length=200, description="One brand only.")] = None,
        available: Annotated[bool, Query(description="Only what can be bought now.")] = False,
    ) -> Response:
        """Products whose name or brand holds every word, or that carry the barcode."""
        return reply(
            lambda snapshot: products.search(
                snapshot,
                q,
                supermarket=supermarket,
                department=department,
                brand=brand,
                available_only=available,
                page=reply.page,
            )
        )

    @router.get("/products/{supermarket}/{sku_id}", **described(_PRODUCT))
    def product(reply: All, supermarket: Name, sku_id: Name) -> Response:
        """One SKU of a chain, as it was last seen."""
        return reply(lambda snapshot: products.product(snapshot, supermarket, sku_id))

    @router.get(
        "/products/{supermarket}/{sku_id}/offers",
        **described(_SHELF | {"sku_id": "1839", "status": "listed", "price": "24.9000", "since": "2026-02-03"}),
    )
    def product_offers(reply: All, supermarket: Name, sku_id: Name) -> Response:
        """What it, and the same barcode elsewhere, costs now in each store-region; cheapest first."""
        return reply(lambda snapshot: products.offers(snapshot, supermarket, sku_id))

    @router.get(
        "/products/{supermarket}/{sku_id}/history",
        **described(_SHELF | {"sku_id": "1839", "valid_from": "2026-02-03", "valid_to": None, "price": "24.9000"}),
    )
    def product_history(
        *,
        reply: Paged,
        supermarket: Name,
        sku_id: Name,
        first: Annotated[IsoDay | None, Query(description="First day; the beginning by default.")] = None,
        last: Annotated[IsoDay | None, Query(description="Last day; the newest by default.")] = None,
        region: Region = None,
        everywhere: Annotated[bool, Query(description="Also the same barcode in other chains.")] = False,
    ) -> Response:
        """What it cost in each store-region: a row for each span of days over which nothing changed."""
        return reply(
            lambda snapshot: prices.history(
                snapshot,
                supermarket,
                sku_id,
                first=first,
                last=last,
                region=region,
                everywhere=everywhere,
                page=reply.page,
            )
        )


def _add_shelves(router: APIRouter) -> None:
    @router.get(
        "/stores", **described(_SHELF | {"region_name": "Costeira", "last_complete_date": "2026-02-05", "products": 1})
    )
    def list_stores(reply: All, supermarket: Store = None) -> Response:
        """Every store-region with its place and freshness."""
        return reply(lambda snapshot: stores.stores(snapshot, supermarket=supermarket))

    @router.get("/prices", **described(_PRODUCT | {"price": "24.9000", "is_available": True}))
    def shelf(
        *,
        reply: Paged,
        day: Day = None,
        supermarket: Store = None,
        region: Region = None,
        department: Department = None,
    ) -> Response:
        """Everything on the shelves on a day."""
        return reply(
            lambda snapshot: prices.shelf(
                snapshot, day=day, supermarket=supermarket, region=region, department=department, page=reply.page
            )
        )

    @router.get("/availability", **described(_SHELF | {"sku_id": "1839", "days_observed": 30, "availability": "0.9"}))
    def availability(
        *, reply: Paged, days: Days = 30, last: Day = None, supermarket: Store = None, region: Region = None
    ) -> Response:
        """On how many of the days that were seen whole each SKU could be bought; the rarest first."""
        return reply(
            lambda snapshot: prices.availability(
                snapshot, days=days, last=last, supermarket=supermarket, region=region, page=reply.page
            )
        )

    @router.get("/changes", **described(_PRODUCT | {"kind": "up", "previous_price": "22.9", "change_percent": "8.7"}))
    def list_changes(
        *,
        reply: Paged,
        day: Day = None,
        since: Annotated[IsoDay | None, Query(description="The day before; the last one seen by default.")] = None,
        supermarket: Store = None,
        region: Region = None,
        department: Department = None,
        kind: Annotated[Kind | None, Query(description="One kind of change only.")] = None,
    ) -> Response:
        """What differs between two days, the biggest moves first; `gone` is said by complete runs only."""
        return reply(
            lambda snapshot: changes.between(
                snapshot,
                day=day,
                since=since,
                supermarket=supermarket,
                region=region,
                department=department,
                kind=kind.value if kind else None,
                page=reply.page,
            )
        )

    @router.get(
        "/promotions",
        **described(
            _PRODUCT
            | {"price": "19.9000", "reference_price": "24.9000", "claimed_percent": "20.08", "verdict": "not_below"}
        ),
    )
    def list_promotions(
        *,
        reply: Paged,
        day: Day = None,
        supermarket: Store = None,
        region: Region = None,
        department: Department = None,
        promotion: Annotated[
            Literal["price", "multi_buy", "club", "other"] | None, Query(description="One kind only.")
        ] = None,
        verdict: Annotated[Verdict | None, Query(description="One verdict of the yardstick only.")] = None,
    ) -> Response:
        """Offers of a day, each beside the lowest price of the 30 days before it: a measure, not a legal finding."""
        return reply(
            lambda snapshot: promotions.promotions(
                snapshot,
                day=day,
                supermarket=supermarket,
                region=region,
                department=department,
                promotion=promotion,
                verdict=verdict.value if verdict else None,
                page=reply.page,
            )
        )


def _add_comparisons(router: APIRouter) -> None:
    @router.get("/baskets", **described({"shelf": "serra/default", "items_compared": 12, "total": "231.40"}))
    def basket(reply: All, gtin: Gtins = None, shelf: Shelves = None, day: Day = None) -> Response:
        """What the same products cost in each store-region: only what all of them sell is summed up."""
        return reply(lambda snapshot: comparisons.basket(snapshot, gtins=gtin, shelf_names=shelf, day=day).totals)

    @router.get("/baskets/items", **described({"gtin": "07890010000304", "shelf": "serra/default", "price": "24.9000"}))
    def basket_items(reply: Paged, gtin: Gtins = None, shelf: Shelves = None, day: Day = None) -> Response:
        """The products of a basket, a row for each and store-region; no price where it can't be bought."""
        return reply(
            lambda snapshot: comparisons.basket(snapshot, gtins=gtin, shelf_names=shelf, day=day, page=reply.page).items
        )

    @router.get("/positions", **described({"supermarket": "bistek", "department": "Bebidas", "position": "97.40"}))
    def positions(reply: All, day: Day = None, region: Region = None) -> Response:
        """How dear each chain is in each department: 100 is the mean of the chains that sell the same products."""
        return reply(lambda snapshot: comparisons.position(snapshot, day=day, region=region))

    @router.get("/regions", **described(_SHELF | {"level": "101.20", "products": 9000, "mean_spread_percent": "1.4"}))
    def regions(reply: All, day: Day = None, supermarket: Store = None) -> Response:
        """How dear each region of a chain is, on the SKUs that all its regions sell."""
        return reply(lambda snapshot: comparisons.region_levels(snapshot, day=day, supermarket=supermarket))

    @router.get("/spreads", **described({"gtin": "07890010000304", "lowest_price": "19.9", "spread_percent": "31.2"}))
    def spreads(reply: Paged, day: Day = None, department: Department = None) -> Response:
        """Where the same barcode costs least and most, the widest spread first."""
        return reply(lambda snapshot: comparisons.elsewhere(snapshot, day=day, department=department, page=reply.page))

    @router.get("/index", **described({"period": "2026-02-01", "index": 100.4, "items": 9000, "share_matched": 0.97}))
    def index(
        *,
        reply: All,
        period: Annotated[Literal["day", "week", "month"], Query(description="What prices are averaged over.")] = (
            "month"
        ),
        first: Annotated[IsoDay | None, Query(description="First day; the beginning by default.")] = None,
        last: Day = None,
        supermarket: Store = None,
        region: Region = None,
        department: Department = None,
    ) -> Response:
        """The GEKS-Jevons index of prices, with what it rests on; no number where it can't be computed."""
        return reply(
            lambda snapshot: price_index.price_index(
                snapshot,
                period=period,
                first=first,
                last=last,
                supermarket=supermarket,
                region=region,
                department=department,
            )
        )
