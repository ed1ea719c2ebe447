"""The category tree: read from the store, or learned from the paths its products carry."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

import msgspec

__all__ = ["TREE_PATH", "CategoryTree", "Node", "read_tree", "slugify"]

TREE_PATH = "/api/catalog_system/pub/category/tree/10"  # deeper than any tree, which is harmless

_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


def slugify(name: str) -> str:
    """A name as Intelligent Search spells it: `Pães & Bolos` is `paes-bolos`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_A_SLUG.sub("-", plain).strip("-")


class Node:
    """A category, the root standing for the whole catalogue."""

    __slots__ = ("children", "id", "name", "path", "slug")

    def __init__(self, identifier: str = "", name: str = "", slug: str = "", parent: Node | None = None) -> None:
        self.id = identifier
        self.name = name
        self.slug = slug
        self.path: tuple[Node, ...] = (*parent.path, self) if parent else ()
        """The full path from the root: without its ancestors a category filter finds nothing."""
        self.children: dict[str, Node] = {}


class _Category(msgspec.Struct, gc=False):
    id: int | str
    name: str | None = None
    url: str | None = None
    children: list[_Category] | None = None


_decode_tree = msgspec.json.Decoder(list[_Category], strict=False).decode


class CategoryTree:
    """A tree that may grow while it is walked."""

    def __init__(self) -> None:
        self.root = Node()
        self._known: set[str] = set()

    def add(self, categories: Sequence[_Category]) -> None:
        """Hang the store's own tree under the root."""
        self._hang(categories, self.root)

    def learn(self, paths: Mapping[str, str]) -> None:
        """Add what products tell of the tree.

        Args:
            paths: From a path of ids (`/1/17/`) to the same path in names (`/Mercearia/Arroz/`).
        """
        for ids, names in paths.items():
            if ids in self._known:
                continue
            self._known.add(ids)
            node = self.root
            steps = ids.strip("/").split("/")
            labels = names.strip("/").split("/")
            if len(labels) != len(steps):  # a slash within a name
                labels = steps
            for identifier, label in zip(steps, labels, strict=True):
                if not identifier:
                    break
                child = node.children.get(identifier)
                if child is None:
                    child = node.children[identifier] = Node(identifier, label, slugify(label), node)
                node = child

    def _hang(self, categories: Sequence[_Category], parent: Node) -> None:
        depth = len(parent.path) + 1
        slugs = [_address_slug(category, depth) for category in categories]
        telling = len(set(slugs)) == len(slugs)  # some stores give every category the same address
        for category, slug in zip(categories, slugs, strict=True):
            name = category.name or str(category.id)
            node = Node(str(category.id), name, slug if telling and slug else slugify(name), parent)
            parent.children[node.id] = node
            self._hang(category.children or (), node)


def read_tree(body: bytes, _headers: Mapping[str, str]) -> list[_Category]:
    """Decode the answer of `TREE_PATH`.

    Raises:
        ValueError: It is not a tree.
    """
    return _decode_tree(body)


def _address_slug(category: _Category, depth: int) -> str:
    """The last part of the category's address, where that has a part for each level; else nothing."""
    steps = [step for step in unquote(urlsplit(category.url or "").path).split("/") if step]
    return steps[-1].lower() if len(steps) == depth else ""
