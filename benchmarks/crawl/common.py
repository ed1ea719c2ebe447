"""What the clients share: arguments and the leaf pages to ask for. It imports little, as its cost is measured too."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "TREE", "USER_AGENT", "arguments", "leaf_paths", "page_path", "rest_of", "total_of"]

PAGE = 50
USER_AGENT = "gondola-benchmark/1"
TREE = "/api/catalog_system/pub/category/tree/10"


def arguments(description: str | None) -> argparse.Namespace:
    """The arguments every client takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", required=True, help="the store's address")
    parser.add_argument("--out", type=Path, required=True, help="an empty folder for its output")
    parser.add_argument("--concurrency", type=int, default=16, help="requests in flight")
    return parser.parse_args()


def leaf_paths(nodes: list[dict[str, Any]], parent: str = "") -> Iterator[str]:
    """The full paths of the leaves of a category tree."""
    for node in nodes:
        path = f"{parent}/{node['id']}"
        if node["children"]:
            yield from leaf_paths(node["children"], path)
        else:
            yield path


def page_path(leaf: str, start: int) -> str:
    """The address of one page of a leaf."""
    return f"/api/catalog_system/pub/products/search?fq=C:{leaf}/&_from={start}&_to={start + PAGE - 1}"


def total_of(resources: str) -> int:
    """The total in a `resources: 0-49/1234` header."""
    return int(resources.rsplit("/", 1)[1])


def rest_of(leaf: str, resources: str) -> list[str]:
    """The addresses of a leaf's pages after the first, whose header says how many there are."""
    return [page_path(leaf, start) for start in range(PAGE, total_of(resources), PAGE)]
