"""The part of a VTEX product that we read, the same for every API family.

Fields that are not declared here are skipped by the decoder at the speed of a scan, which is why the
payment blocks (most of the bytes) cost nothing. Ids come as text or as numbers, depending on the API.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

__all__ = ["Identity", "Item", "Offer", "Product", "Seller", "decode_identity", "decode_product"]


class Offer(Struct, frozen=True, gc=False):
    """`commertialOffer`, spelt as VTEX spells it."""

    price: float | None = field(name="Price", default=None)
    list_price: float | None = field(name="ListPrice", default=None)
    price_without_discount: float | None = field(name="PriceWithoutDiscount", default=None)
    full_selling_price: float | None = field(name="FullSellingPrice", default=None)
    spot_price: float | None = field(name="spotPrice", default=None)
    available_quantity: int | float | None = field(name="AvailableQuantity", default=None)
    is_available: bool | None = field(name="IsAvailable", default=None)
    price_valid_until: str | None = field(name="PriceValidUntil", default=None)
    # Almost always "[]", so they are kept raw and parsed only when there is something in them.
    promotion_teasers: msgspec.Raw = field(name="PromotionTeasers", default=msgspec.Raw())
    old_teasers: msgspec.Raw = field(name="Teasers", default=msgspec.Raw())
    search_teasers: msgspec.Raw = field(name="teasers", default=msgspec.Raw())

    @property
    def available(self) -> bool:
        """Whether it can be bought; Intelligent Search may leave the flag out."""
        if self.is_available is not None:
            return self.is_available
        return (self.available_quantity or 0) > 0


class Seller(Struct, frozen=True, gc=False):
    """Who sells an SKU, and for how much."""

    id: str | int | None = field(name="sellerId", default=None)
    name: str | None = field(name="sellerName", default=None)
    is_default: bool | None = field(name="sellerDefault", default=None)
    offer: Offer = field(name="commertialOffer", default=Offer())


class Reference(Struct, frozen=True, gc=False):
    """One of the merchant's own codes."""

    key: str | None = field(name="Key", default=None)
    value: str | int | None = field(name="Value", default=None)


class Image(Struct, frozen=True, gc=False):
    """A picture."""

    url: str | None = field(name="imageUrl", default=None)


class Item(Struct, frozen=True, gc=False):
    """An SKU."""

    id: str | int = field(name="itemId")
    name: str | None = None
    ean: str | int | None = None
    references: list[Reference] | None = field(name="referenceId", default=None)
    measurement_unit: str | None = field(name="measurementUnit", default=None)
    unit_multiplier: float | None = field(name="unitMultiplier", default=None)
    images: list[Image] | None = None
    sellers: list[Seller] | None = None


class Product(Struct, frozen=True, gc=False):
    """A product with its SKUs."""

    id: str | int = field(name="productId")
    name: str | None = field(name="productName", default=None)
    brand: str | None = None
    brand_id: str | int | None = field(name="brandId", default=None)
    link: str | None = None
    categories: list[str] | None = None
    category_ids: list[str] | None = field(name="categoriesIds", default=None)
    items: list[Item] | None = None


class Identity(Struct, frozen=True, gc=False):
    """What is left to read of a product that is otherwise malformed."""

    id: str | int = field(name="productId")


# Not strict: a number sent as text is a number.
decode_product = msgspec.json.Decoder(Product, strict=False).decode
decode_identity = msgspec.json.Decoder(Identity, strict=False).decode
