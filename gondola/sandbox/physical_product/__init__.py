"""A maker of physical goods, offline: its eight CSV files, and truths planted in them."""

from gondola.sandbox.physical_product.world import DOMAINS, Made, ProductWorld, write_truth

__all__ = ["DOMAINS", "Made", "ProductWorld", "write_truth"]
