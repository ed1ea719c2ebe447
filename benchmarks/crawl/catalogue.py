"""The catalogue every client must bring home: deterministic, shaped as VTEX answers, with its truth known."""

from __future__ import annotations

import gzip
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from benchmarks.crawl.product import KINDS, product

__all__ = ["PAGE", "Catalogue", "Leaf", "Page", "Truth", "World", "prepare"]

PAGE = 50
VERSION = 2  # raise it when what is generated changes: prepared files of another version are not used
_LEAF_MEAN = 250
_DEPARTMENT_MINIMUM = 3000  # over the window of 2,550, so that a crawl must descend to the leaves

_DEPARTMENTS = (
    "Mercearia", "Bebidas", "Hortifruti", "Carnes e Aves", "Frios e Laticínios", "Padaria", "Congelados",
    "Higiene e Beleza", "Limpeza", "Bazar e Utilidades",
)  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """A leaf category and the run of product numbers in it."""

    path: str
    name: str
    start: int
    size: int


@dataclass(frozen=True)
class Page:
    """Where a prepared page lies in the world's file."""

    offset: int
    length: int


@dataclass
class Truth:
    """What a complete crawl contains."""

    products: int = 0
    skus: int = 0
    available: int = 0
    price_cents: int = 0
    checksum: int = 0  # each price weighted by its SKU, so that two prices exchanged are noticed
    raw_bytes: int = 0  # of the products alone
    page_bytes: int = 0  # of the pages, plain
    gzip_bytes: int = 0
    pages: int = 0
    leaves: int = 0

    def count(self, sku_id: int, cents: int, *, available: bool) -> None:
        """Add one SKU at the price of its default seller."""
        self.skus += 1
        self.available += available
        self.price_cents += cents
        self.checksum += cents * (sku_id % 9973)


class Catalogue:
    """Products by number; the categories are runs of numbers."""

    def __init__(self, products: int) -> None:
        self.products = products
        self.departments = max(1, min(len(_DEPARTMENTS), products // _DEPARTMENT_MINIMUM))
        self.leaves = list(self._leaves())
        self._starts = [leaf.start for leaf in self.leaves]
        self.by_path: dict[str, tuple[int, int]] = {"": (0, products)}
        for leaf in self.leaves:
            root = leaf.path.split("/")[0]
            start, size = self.by_path.get(root, (leaf.start, 0))
            self.by_path[root] = (start, size + leaf.size)
            self.by_path[leaf.path] = (leaf.start, leaf.size)

    def _leaves(self) -> Iterator[Leaf]:
        position = 0
        for department in range(self.departments):
            share = (
                self.products * (department + 1) // self.departments - self.products * department // self.departments
            )
            count = max(1, round(share / _LEAF_MEAN))
            weights = [0.4 + 1.2 * ((number * 7) % count) / max(1, count - 1) for number in range(count)]
            bounds = [round(share * part / sum(weights)) for part in accumulate(weights)]
            for number, (low, high) in enumerate(zip([0, *bounds], bounds, strict=False)):
                leaf_id = 1000 + department * 1000 + number
                name = f"{KINDS[number % len(KINDS)]} {number + 1}"
                yield Leaf(path=f"{department + 1}/{leaf_id}", name=name, start=position + low, size=high - low)
            position += share

    @cached_property
    def tree(self) -> list[dict[str, Any]]:
        """What `category/tree` answers."""

        def node(path: str, name: str, children: list[dict[str, Any]]) -> dict[str, Any]:
            return {
                "id": int(path.rsplit("/", 1)[-1]),
                "name": name,
                "hasChildren": bool(children),
                "url": f"https://www.example.com.br/{path}",
                "children": children,
                "Title": name,
                "MetaTagDescription": "",
            }

        return [
            node(
                str(number + 1),
                _DEPARTMENTS[number],
                [node(leaf.path, leaf.name, []) for leaf in self.leaves if leaf.path.startswith(f"{number + 1}/")],
            )
            for number in range(self.departments)
        ]

    def leaf_of(self, number: int) -> Leaf:
        """The leaf a product is in."""
        return self.leaves[bisect_right(self._starts, number) - 1]

    def product(self, number: int, leaf: Leaf, truth: Truth | None = None) -> bytes:
        """One product as the API gives it; the order in a leaf is VTEX's: available first, then newest id first."""
        draw = Random(number)
        product_id = 10_000 + 10 * (self.products - number)
        available = number - leaf.start < round(leaf.size * 0.92)
        skus = {
            product_id + sku_number: draw.randrange(199, 9999) if available else 0
            for sku_number in range(2 if draw.random() < 0.15 else 1)
        }
        if truth is not None:
            for sku_id, cents in skus.items():
                truth.count(sku_id, cents, available=available)
        department = _DEPARTMENTS[int(leaf.path.split("/")[0]) - 1]
        return msgspec.json.encode(product(draw, product_id, skus, ids=leaf.path, names=f"{department}/{leaf.name}"))

    def page(self, path: str, start: int, stop: int, truth: Truth | None = None) -> bytes:
        """Products `start` to `stop` (not included) of a category."""
        first, size = self.by_path[path]
        parts = []
        for number in range(first + start, first + min(stop, size)):
            part = self.product(number, self.leaf_of(number), truth)
            parts.append(part)
            if truth is not None:
                truth.products += 1
                truth.raw_bytes += len(part)
        return b"[" + b",".join(parts) + b"]"


@dataclass(frozen=True)
class World:
    """A catalogue whose leaf pages lie compressed in a file."""

    catalogue: Catalogue
    file: Path
    pages: dict[tuple[str, int], Page]
    truth: Truth


def prepare(products: int, folder: Path) -> World:
    """The world of that size, made once and kept in the folder."""
    catalogue = Catalogue(products)
    body, index = folder / f"world-{VERSION}-{products}.bin", folder / f"world-{VERSION}-{products}.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        truth, pages = _write(catalogue, body)
        index.write_bytes(msgspec.json.encode({"truth": asdict(truth), "pages": pages}))
    document = msgspec.json.decode(index.read_bytes())
    pages_read = {(path, start): Page(offset, length) for path, start, offset, length in document["pages"]}
    return World(catalogue=catalogue, file=body, pages=pages_read, truth=Truth(**document["truth"]))


def _write(catalogue: Catalogue, body: Path) -> tuple[Truth, list[tuple[str, int, int, int]]]:
    truth = Truth(leaves=len(catalogue.leaves))
    pages = []
    with body.open("wb") as out:

        def keep(path: str, start: int, plain: bytes) -> int:
            packed = gzip.compress(plain, 6, mtime=0)
            pages.append((path, start, out.tell(), len(packed)))
            return out.write(packed)

        for leaf in catalogue.leaves:
            for start in range(0, leaf.size, PAGE):
                plain = catalogue.page(leaf.path, start, start + PAGE, truth)
                truth.pages += 1
                truth.page_bytes += len(plain)
                truth.gzip_bytes += keep(leaf.path, start, plain)
        # First pages of what is not a leaf: a crawl asks for them to learn how large it is.
        for path in catalogue.by_path.keys() - {leaf.path for leaf in catalogue.leaves}:
            keep(path, 0, catalogue.page(path, 0, PAGE))
    return truth, pages
