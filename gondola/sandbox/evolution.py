"""The API changes overnight, as live ones do: fields come and go, numbers become text."""

from __future__ import annotations

from typing import Any

__all__ = ["evolved"]

# What marks an object of each level, and what it is given.
_NEW_FIELDS: dict[str, dict[str, Any]] = {
    "productId": {"sustainability": {"grade": "B", "score": 71.5}, "skuSpecifications": [], "origin": None},
    "itemId": {"weightInGrams": 1_000, "variations": [{"name": "Sabor", "values": ["Original"]}]},
    "sellerId": {"sellerRating": "4.7", "deliveryPromises": []},
}
_NOW_TEXT = frozenset({"Price", "ListPrice", "PriceWithoutDiscount", "unitMultiplier"})
_GONE_FIELDS = frozenset({"description", "metaTagDescription", "productTitle", "brandImageUrl", "Videos", "isKit"})


def evolved(document: Any) -> Any:
    """A JSON document as the changed API would write it.

    Args:
        document: An answer of the API; it is left as it is.
    """
    if isinstance(document, list):
        return [evolved(item) for item in document]
    if not isinstance(document, dict):
        return document
    result = {name: evolved(value) for name, value in document.items() if name not in _GONE_FIELDS}
    for name in _NOW_TEXT & result.keys():
        result[name] = None if result[name] is None else str(result[name])
    for mark, fields in _NEW_FIELDS.items():
        if mark in document:
            result |= fields
    return result
