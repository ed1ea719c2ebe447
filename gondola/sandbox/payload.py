"""A product as VTEX writes it: the legacy catalogue's JSON, payment options and all, for one store and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from gondola.sandbox.assortment import Category, Product, Sku
from gondola.sandbox.offers import Offer, Teaser
from gondola.sandbox.shops import Area, Shop
from gondola.sandbox.world import Listed, a_year_after

__all__ = ["Scene", "clusters", "image", "legacy_product", "offered", "paths", "valid_until"]

Json = dict[str, Any]
_CREDIT = "creditCardPaymentGroup"
_INSTANT = "instantPaymentPaymentGroup"
_PAYMENTS = (
    (1, "American Express", _CREDIT),
    (2, "Visa", _CREDIT),
    (4, "Mastercard", _CREDIT),
    (9, "Elo", _CREDIT),
    (125, "Pix", _INSTANT),
)
_NOWHERE: Json = {"DeliverySlaPerTypes": [], "Region": None}
MARKET_SELLER = ("parceirobr", "Parceiro Marketplace")


@dataclass(frozen=True, slots=True)
class Scene:
    """Who shows a product, where and when."""

    shop: Shop
    area: Area
    channel: int
    epoch: date
    day: int

    @property
    def host(self) -> str:
        """The store's public address, which the ports of a test do not change."""
        return f"https://www.{self.shop.id}.example"

    def stamp(self, day: int, second: int = 0) -> str:
        """A moment of the world as VTEX writes it."""
        return _stamp(self.epoch + timedelta(days=day), second)


def _stamp(day: date, second: int) -> str:
    hour, rest = divmod(second, 3600)
    return f"{day.isoformat()}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}Z"


def valid_until(scene: Scene, offer: Offer) -> str:
    """One year after the offer was computed."""
    return _stamp(a_year_after(scene.epoch + timedelta(days=offer.computed_day)), offer.computed_second)


def paths(product: Product, attribute: str) -> list[str]:
    """Names or ids of every category a product hangs on, deepest first, as VTEX lists them."""
    found: list[str] = []
    for place in product.places:
        parts = str(getattr(place, attribute)).strip("/").split("/")
        found += ["/" + "/".join(parts[:depth]) + "/" for depth in range(len(parts), 0, -1)]
    return list(dict.fromkeys(found))


def clusters(product: Product) -> list[tuple[str, str]]:
    """The collections a product is in."""
    found = [("137", "Todos os produtos")]
    if product.product_id % 5 == 0:
        found.append(("216", "Ofertas da Semana"))
    if product.product_id % 11 == 0:
        found.append(("344", "Economize até na hora do café"))
    return found


def image(scene: Scene, product: Product, sku: Sku) -> Json:
    """A SKU's picture."""
    number = 200_000 + sku.key % 700_000
    address = f"arquivos/ids/{number}"
    file = f"{product.reference}.jpg?v=63{sku.key % 10**16:016d}"
    return {
        "imageId": str(number),
        "imageLabel": "",
        "imageLastModified": scene.stamp(product.released, sku.key % 86_400),
        "imageTag": (
            f'<img src="~/{address}-#width#-#height#/{file}" width="#width#" height="#height#" '
            f'alt="{product.reference}" id="" />'
        ),
        "imageText": product.reference,
        "imageUrl": f"https://{scene.shop.id}.vteximg.example/{address}/{file}",
    }


def legacy_product(scene: Scene, listed: Listed) -> Json:
    """One element of the answer of `products/search`."""
    product = listed.product
    deepest: Category = product.places[0]
    unit = product.skus[0].unit
    return {
        "productId": str(product.product_id),
        "productName": product.name,
        "brand": product.brand,
        "brandId": product.brand_id,
        "brandImageUrl": None,
        "linkText": product.link_text,
        "productReference": product.reference,
        "productReferenceCode": product.reference,
        "categoryId": str(deepest.id),
        "productTitle": f"{product.name} - {scene.shop.name}",
        "metaTagDescription": "",
        "releaseDate": scene.stamp(product.released),
        "clusterHighlights": {},
        "productClusters": dict(clusters(product)),
        "searchableClusters": dict(clusters(product)[:1]),
        "categories": paths(product, "names"),
        "categoriesIds": paths(product, "ids"),
        "link": f"{scene.host}/{product.link_text}/p",
        "multiplicador": [f"{product.skus[0].multiplier / 1000:.5f}".replace(".", ",")],
        "unidade": [unit],
        "Especificações": ["multiplicador", "unidade"],
        "allSpecifications": ["multiplicador", "unidade"],
        "allSpecificationsGroups": ["Especificações"],
        "description": (
            f"<p><strong>{product.name.strip()}</strong></p><p>{product.brand}: qualidade para o seu dia a dia. "
            "Imagem meramente ilustrativa. Conserve em local seco e arejado.</p>"
        ),
        "items": [_item(scene, product, sku, offer) for sku, offer in zip(product.skus, listed.offers, strict=True)],
    }


def _item(scene: Scene, product: Product, sku: Sku, offer: Offer) -> Json:
    main = _seller(scene, sku, offer, scene.area.seller_id, scene.area.seller_name, default=True)
    sellers = [main]
    if sku.marketplace:
        # listed first and dearer: whoever takes the first seller takes the wrong price
        dearer = offered(offer, 118)
        sellers.insert(0, _seller(scene, sku, dearer, *MARKET_SELLER, default=False))
    return {
        "itemId": sku.sku_id,
        "name": sku.name,
        "nameComplete": sku.name if sku.name == product.name else f"{product.name} {sku.name}",
        "complementName": "",
        "ean": sku.ean,
        "referenceId": [{"Key": "RefId", "Value": product.reference}],
        "measurementUnit": sku.unit,
        "unitMultiplier": sku.multiplier / 1000,
        "modalType": None,
        "isKit": False,
        "images": [image(scene, product, sku)],
        "Videos": [],
        "estimatedDateArrival": None,
        "sellers": sellers,
    }


def offered(offer: Offer, percent: int) -> Offer:
    """The same offer by a seller with other prices."""
    price, top = offer.cents * percent // 100, offer.list_cents * percent // 100
    return Offer(price, top, price, offer.available, offer.quantity, offer.computed_day, offer.computed_second)


def _seller(scene: Scene, sku: Sku, offer: Offer, seller_id: str, name: str, *, default: bool) -> Json:
    channel = scene.channel
    cart = (
        f"{scene.host}/checkout/cart/add?sku={sku.sku_id}&qty=1&seller={seller_id}&sc={channel}"
        f"&price={offer.cents}&cv=_&sc={channel}"
    )
    return {
        "sellerId": seller_id,
        "sellerName": name,
        "addToCartLink": cart,
        "sellerDefault": default,
        "commertialOffer": _commercial(scene, sku, offer),
    }


def _commercial(scene: Scene, sku: Sku, offer: Offer) -> Json:
    full = offer.cents * sku.multiplier // 1000
    priced = offer.cents > 0
    return {
        "DeliverySlaSamplesPerRegion": {"0": _NOWHERE},
        "Installments": _installments(full) if priced else [],
        "DiscountHighLight": [],
        "GiftSkuIds": [],
        "Teasers": [_backing_field(teaser) for teaser in offer.teasers],
        "PromotionTeasers": [_promotion(teaser) for teaser in offer.teasers],
        "BuyTogether": [],
        "ItemMetadataAttachment": [],
        "Price": offer.cents / 100,
        "ListPrice": offer.list_cents / 100,
        "PriceWithoutDiscount": offer.undiscounted_cents / 100,
        "FullSellingPrice": full / 100 if priced else None,
        "RewardValue": 0.0,
        "PriceValidUntil": valid_until(scene, offer) if priced else None,
        "AvailableQuantity": offer.quantity,
        "IsAvailable": offer.available,
        "Tax": 0.0,
        "SaleChannel": scene.channel,
        "DeliverySlaSamples": [_NOWHERE],
        "GetInfoErrorMessage": None if offer.available else _no_stock(sku),
        "CacheVersionUsedToCallCheckout": "_",
        "PaymentOptions": _payment_options(scene, full) if priced else _NO_PAYMENTS,
    }


def _no_stock(sku: Sku) -> str:
    return f"Code: withoutStock | Status:error | Message: O item {sku.name.strip()} não tem estoque"


def _promotion(teaser: Teaser) -> Json:
    conditions = _conditions(teaser)
    return {
        "Name": teaser.name,
        "Conditions": {
            "MinimumQuantity": teaser.minimum_quantity,
            "Parameters": [{"Name": name, "Value": value} for name, value in conditions],
        },
        "Effects": {"Parameters": [{"Name": "PercentualDiscount", "Value": teaser.percent}]},
    }


def _backing_field(teaser: Teaser) -> Json:
    """The older shape, which shows the C# fields it was serialised from."""
    return {f"<{key}>k__BackingField": _wrapped(value) for key, value in _promotion(teaser).items()}


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return {f"<{key}>k__BackingField": _wrapped(inner) for key, inner in value.items()}
    return [_wrapped(inner) for inner in value] if isinstance(value, list) else value


def _conditions(teaser: Teaser) -> list[tuple[str, str]]:
    return [("PaymentMethodId", "201"), ("RestrictionsBins", "636117")] if teaser.kind == "club" else []


_NO_PAYMENTS: Json = {
    "installmentOptions": [],
    "paymentSystems": [],
    "payments": [],
    "giftCards": [],
    "giftCardMessages": [],
    "availableAccounts": [],
    "availableTokens": [],
}
_CENTS = 987_654_321
_VALUE = 98_765.4321


def _installments(cents: int) -> msgspec.Raw:
    return msgspec.Raw(_installments_form().replace(str(_VALUE).encode(), str(cents / 100).encode()))


@lru_cache(maxsize=1)
def _installments_form() -> bytes:
    """The list with a mark for the amount: most of a product's bytes, and all that changes in them is one number."""
    return msgspec.json.encode(
        [
            {
                "Value": _VALUE,
                "InterestRate": 0.0,
                "TotalValuePlusInterestRate": _VALUE,
                "NumberOfInstallments": 1,
                "PaymentSystemName": name,
                "PaymentSystemGroupName": group,
                "Name": f"{name} à vista",
            }
            for _, name, group in _PAYMENTS
        ]
    )


def _payment_options(scene: Scene, cents: int) -> msgspec.Raw:
    form = _payment_form(scene.shop.id.upper(), scene.stamp(scene.day + 1, 10_800))
    return msgspec.Raw(form.replace(str(_CENTS).encode(), str(cents).encode()))


@lru_cache(maxsize=64)
def _payment_form(account: str, due: str) -> bytes:
    terms = {"count": 1, "hasInterestRate": False, "interestRate": 0}
    once = {
        **terms,
        "value": _CENTS,
        "total": _CENTS,
        "sellerMerchantInstallments": [{"id": account, **terms, "value": _CENTS, "total": _CENTS}],
    }
    return msgspec.json.encode(
        {
            **_NO_PAYMENTS,
            "installmentOptions": [
                {
                    "paymentSystem": str(number),
                    "bin": None,
                    "paymentName": name,
                    "paymentGroupName": group,
                    "value": _CENTS,
                    "installments": [once],
                }
                for number, name, group in _PAYMENTS
            ],
            "paymentSystems": [
                {
                    "id": number,
                    "name": name,
                    "groupName": group,
                    "validator": None,
                    "stringId": str(number),
                    "template": f"{group}-template",
                    "requiresDocument": False,
                    "isCustom": False,
                    "description": None,
                    "requiresAuthentication": False,
                    "dueDate": due,
                    "availablePayments": None,
                }
                for number, name, group in _PAYMENTS
            ],
        }
    )
