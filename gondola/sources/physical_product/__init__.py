"""A maker of physical goods: its eight CSV files, typed and judged row by row."""

from gondola.sources.physical_product.contract import DOMAINS, Domain
from gondola.sources.physical_product.header import Header
from gondola.sources.physical_product.intake import Intake, Part

__all__ = ["DOMAINS", "Domain", "Header", "Intake", "Part"]
