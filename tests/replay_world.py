"""What a replayed store has on its shelves: indexed as VTEX indexes, told in the words of both API families."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


def slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


class World:
    """One assortment: what a region or sales channel sees."""

    def __init__(self, products: Iterable[Json | bytes], tree: Sequence[Json]) -> None:
        self._slugs: dict[str, str] = {}
        self._name_slugs(tree, "/")
        self.entries: dict[str, _Entry] = {}
        self._found: dict[Any, list[_Entry]] = {}
        for product in products:
            self.add(product)

    def add(self, product: Json | bytes) -> None:
        entry = _Entry(product, self._slugs)
        self.entries.setdefault(entry.id, entry)
        self._found.clear()

    def remove(self, product_id: str) -> None:
        del self.entries[product_id]
        self._found.clear()

    def find(self, filters: frozenset[tuple[str, str]], sort: tuple[str, bool] | None, family: str) -> list[_Entry]:
        """Same key: or; different keys: and."""
        cache = (filters, sort, family)
        if cache not in self._found:
            keys: dict[str, set[str]] = {}
            for key, value in filters:
                keys.setdefault(key, set()).add(value)
            found = [e for e in self.entries.values() if all(values & e.facets[key] for key, values in keys.items())]
            if sort is not None:
                found.sort(key=lambda e: (e.sorts[sort[0]], e.number), reverse=sort[1])
            elif family == "legacy":  # as measured: available first, then the highest id
                found.sort(key=lambda e: (not e.available, -e.number))
            else:
                found.sort(key=lambda e: e.relevance)
            self._found[cache] = found
        return self._found[cache]

    def _name_slugs(self, nodes: Sequence[Json], prefix: str) -> None:
        for node in nodes:
            path = f"{prefix}{node['id']}/"
            steps = [step for step in urlsplit(node.get("url") or "").path.split("/") if step]
            self._slugs[path] = steps[-1] if len(steps) == path.count("/") - 1 else slug(node["name"])
            self._name_slugs(node.get("children") or [], path)


class _Facets(dict[str, set[str]]):
    def __missing__(self, key: str) -> set[str]:
        return set()


class _Entry:
    def __init__(self, product: Json | bytes, slugs: dict[str, str]) -> None:
        self.product: Json = json.loads(product) if isinstance(product, bytes) else product
        self.body = product if isinstance(product, bytes) else json.dumps(product, ensure_ascii=False).encode()
        self._search_body: bytes | None = None
        self.id = str(self.product["productId"])
        self.number = int(self.id) if self.id.isdigit() else 0
        self.facets = _Facets(C=set(), B={str(self.product.get("brandId"))}, productId={self.id})
        self.facets["brand"] = {slug(self.product.get("brand") or "")}
        names = self.product.get("categories") or []
        for path, name in zip(self.product.get("categoriesIds") or [], names, strict=True):
            self.facets["C"].add(path)
            depth = path.count("/") - 1
            self.facets.setdefault(f"category-{depth}", set()).add(
                slugs.get(path) or slug(name.strip("/").split("/")[-1])
            )
        try:
            offer = self.product["items"][0]["sellers"][0]["commertialOffer"]
            price = float(offer.get("Price") or 0)
            self.available = bool(offer.get("IsAvailable", price > 0))
            discount = float(offer.get("ListPrice") or 0) - price
        except (KeyError, IndexError, TypeError, ValueError):
            price, self.available, discount = 0.0, False, 0.0
        self.relevance = random.Random(self.id).random()  # noqa: S311 - an order, no secret
        self.sorts: dict[str, Any] = {
            "name": str(self.product.get("productName")),
            "price": price,
            "release": str(self.product.get("releaseDate")),
            "sales": -self.relevance,
            "discount": discount,
        }

    @property
    def search_body(self) -> bytes:
        """The product as Intelligent Search tells it: no IsAvailable, quantity 10000 or 0, clusters as a list."""
        if self._search_body is None:
            product = json.loads(self.body)
            product["productClusters"] = []
            product["origin"] = "intelligent-search"
            for item in product.get("items") or []:
                for seller in item.get("sellers") or []:
                    offer = seller.get("commertialOffer") or {}
                    available = offer.pop("IsAvailable", True)
                    offer["AvailableQuantity"] = 10000 if available else 0
                    offer["spotPrice"] = offer.get("Price")
                    offer["teasers"] = offer.pop("PromotionTeasers", [])
                    offer.pop("Teasers", None)
            self._search_body = json.dumps(product, ensure_ascii=False).encode()
        return self._search_body


def product(number: int, *path: int, price: float = 10.0, brand: int = 1, **more: Any) -> Json:
    """A small product in one category; `path` is its category from the root down."""
    ids = ["/" + "/".join(map(str, path[:depth])) + "/" for depth in range(len(path), 0, -1)]
    names = ["/" + "/".join(f"Cat {step}" for step in path[:depth]) + "/" for depth in range(len(path), 0, -1)]
    offer = {"Price": price, "ListPrice": price, "PriceWithoutDiscount": price, "FullSellingPrice": price}
    offer |= {"IsAvailable": price > 0, "AvailableQuantity": 99999 if price > 0 else 0}
    offer |= {"PriceValidUntil": "2027-01-01T00:00:00Z", "Teasers": [], "PromotionTeasers": []}
    seller = {"sellerId": "1", "sellerName": "Loja", "sellerDefault": True, "commertialOffer": offer}
    item = {"itemId": str(number), "name": f"Produto {number}", "ean": "", "measurementUnit": "un"}
    item |= {"unitMultiplier": 1.0, "images": [], "referenceId": [], "sellers": [seller]}
    return {
        "productId": str(number),
        "productName": f"Produto {number * 7919 % 100003:06d}",
        "brand": f"Marca {brand}",
        "brandId": brand,
        "link": f"https://loja.example/{number}/p",
        "categories": names,
        "categoriesIds": ids,
        "releaseDate": f"2025-{number % 12 + 1:02d}-01T00:00:00Z",
        "items": [item],
    } | more


def tree_of(products: Iterable[Json]) -> list[Json]:
    """The tree the products' categories make."""
    roots: list[Json] = []
    known: dict[str, Json] = {}
    for one in products:
        for path, name in sorted(zip(one["categoriesIds"], one["categories"], strict=True)):
            if path in known:
                continue
            parent, identifier = path[:-1].rpartition("/")[0] + "/", path[:-1].rpartition("/")[2]
            node = {"id": int(identifier), "name": name[:-1].rpartition("/")[2], "hasChildren": False}
            node |= {"url": "https://loja.example/" + "/".join(map(slug, name.strip("/").split("/"))), "children": []}
            known[path] = node
            if parent == "/":
                roots.append(node)
            else:
                known[parent]["children"].append(node)
                known[parent]["hasChildren"] = True
    return roots
