"""A product as Intelligent Search writes it: same facts as the legacy catalogue, another shape."""

from __future__ import annotations

from typing import Any

from gondola.sandbox.assortment import Product, Sku
from gondola.sandbox.offers import Offer, Teaser
from gondola.sandbox.payload import MARKET_SELLER, Scene, clusters, image, offered, paths, valid_until
from gondola.sandbox.world import Listed

__all__ = ["search_product"]

Json = dict[str, Any]
_PIX_PERCENT = 97


def search_product(scene: Scene, listed: Listed) -> Json:
    """One element of `products` in the answer of a product search."""
    product = listed.product
    collections = [{"id": key, "name": name} for key, name in clusters(product)]
    return {
        "cacheId": f"sp-{product.product_id}",
        "productId": str(product.product_id),
        "description": f"<p>{product.name.strip()}</p>",
        "productName": product.name,
        "productReference": product.reference,
        "linkText": product.link_text,
        "brand": product.brand,
        "brandId": product.brand_id,
        "link": f"/{product.link_text}/p",
        "categories": paths(product, "names"),
        "categoryId": str(product.places[0].id),
        "categoriesIds": paths(product, "ids"),
        "priceRange": {
            "sellingPrice": _range([item.cents for item in listed.offers]),
            "listPrice": _range([item.list_cents for item in listed.offers]),
        },
        "specificationGroups": [
            {
                "name": "allSpecifications",
                "originalName": "allSpecifications",
                "specifications": [
                    {"name": "unidade", "originalName": "unidade", "values": [product.skus[0].unit]},
                ],
            }
        ],
        "skuSpecifications": [],
        "productClusters": collections,
        "clusterHighlights": [],
        "properties": [{"name": "unidade", "originalName": "unidade", "values": [product.skus[0].unit]}],
        "items": [_item(scene, product, sku, offer) for sku, offer in zip(product.skus, listed.offers, strict=True)],
        "releaseDate": scene.stamp(product.released),
        "origin": "intelligent-search",
    }


def _range(cents: list[int]) -> Json:
    priced = [value for value in cents if value] or [0]
    return {"highPrice": max(priced) / 100, "lowPrice": min(priced) / 100}


def _item(scene: Scene, product: Product, sku: Sku, offer: Offer) -> Json:
    picture = image(scene, product, sku)
    main = _seller(scene, sku, offer, scene.area.seller_id, scene.area.seller_name, default=True)
    sellers = [main]
    if sku.marketplace:
        sellers.insert(0, _seller(scene, sku, offered(offer, 118), *MARKET_SELLER, default=False))
    return {
        "sellers": sellers,
        "images": [{key: picture[key] for key in ("imageId", "imageLabel", "imageTag", "imageUrl", "imageText")}],
        "itemId": sku.sku_id,
        "name": sku.name,
        "nameComplete": sku.name if sku.name == product.name else f"{product.name} {sku.name}",
        "complementName": "",
        "referenceId": [{"Key": "RefId", "Value": product.reference}],
        "measurementUnit": sku.unit,
        "unitMultiplier": sku.multiplier / 1000,
        "variations": [],
        "ean": sku.ean,
        "modalType": "",
        "videos": [],
        "attachments": [],
        "isKit": False,
    }


def _seller(scene: Scene, sku: Sku, offer: Offer, seller_id: str, name: str, *, default: bool) -> Json:
    full = offer.cents * sku.multiplier // 1000
    spot = offer.cents * _PIX_PERCENT // 100 if sku.key % 10 == 0 else offer.cents
    return {
        "sellerId": seller_id,
        "sellerName": name,
        "addToCartLink": "",
        "sellerDefault": default,
        # no IsAvailable here, and the quantity only says yes (10000) or no (0)
        "commertialOffer": {
            "AvailableQuantity": 10_000 if offer.available else 0,
            "Price": offer.cents / 100,
            "ListPrice": offer.list_cents / 100,
            "PriceWithoutDiscount": offer.undiscounted_cents / 100,
            "FullSellingPrice": full / 100 if offer.cents else None,
            "spotPrice": spot / 100,
            "taxPercentage": 0,
            "Tax": 0,
            "RewardValue": 0,
            "PriceValidUntil": valid_until(scene, offer) if offer.cents else None,
            "DiscountHighLight": [],
            "Installments": _installments(full) if offer.cents else [],
            "teasers": [_teaser(item) for item in offer.teasers],
            "GiftSkuIds": [],
            "gifts": [],
        },
    }


def _installments(cents: int) -> list[Json]:
    value = cents / 100
    return [
        {
            "Value": value,
            "InterestRate": 0,
            "TotalValuePlusInterestRate": value,
            "NumberOfInstallments": 1,
            "PaymentSystemName": name,
            "PaymentSystemGroupName": "creditCardPaymentGroup",
            "Name": f"{name} à vista",
        }
        for name in ("Visa", "Mastercard", "Elo", "Pix")
    ]


def _teaser(teaser: Teaser) -> Json:
    club = teaser.kind == "club"
    return {
        "name": teaser.name,
        "conditions": {
            "minimumQuantity": teaser.minimum_quantity,
            "parameters": [{"name": "RestrictionsBins", "value": "636117"}] if club else [],
        },
        "effects": {"parameters": [{"name": "PercentualDiscount", "value": teaser.percent}]},
    }
