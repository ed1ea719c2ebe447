"""The outside world, offline: fake supermarkets with VTEX's protocol, limits and moods, and truths planted in them.

It is the demo, the fixture and the judge, so it imports no other part of the product.
"""

from gondola.sandbox.faults import Faults
from gondola.sandbox.sandbox import Sandbox, run_server
from gondola.sandbox.shops import DEFAULT_SHOPS, Area, Region, Shop
from gondola.sandbox.site import StoreStats
from gondola.sandbox.truth import planted, truth_document, write_truth_file
from gondola.sandbox.world import EPOCH, ShelfRow, World

__all__ = [
    "DEFAULT_SHOPS",
    "EPOCH",
    "Area",
    "Faults",
    "Region",
    "Sandbox",
    "ShelfRow",
    "Shop",
    "StoreStats",
    "World",
    "planted",
    "run_server",
    "truth_document",
    "write_truth_file",
]
