"""Barcodes: which of them mean the same product in every shop.

The same judgement as `macros/products.sql` gives the market's barcodes, on which products of both are tied.
"""

from __future__ import annotations

import re
from functools import lru_cache

from biip import ParseError
from biip.gtin import Gtin

__all__ = ["judge_gtin"]

_SHORTEST = 8
_LONGEST = 14
_PLU = 5
_DIVIDERS = re.compile(r"[\s.-]")
# GS1 General Specifications, 1.4 and 2.1: numbers that a company or a country's shops give out themselves.
_RESTRICTED_PREFIXES = {"02", "04", *(str(prefix) for prefix in range(20, 30))}


@lru_cache(maxsize=100_000)
def judge_gtin(barcode: str | None) -> tuple[str | None, str]:
    """The GTIN-14 of a barcode, and what kind of barcode it is.

    Args:
        barcode: As somebody wrote it: padded, stripped of zeros, with dividers.

    Returns:
        The GTIN-14, only where it is a `valid` one; and one of missing, not_numeric, too_long, plu, restricted,
        bad_check_digit and valid.
    """
    significant = _DIVIDERS.sub("", barcode or "").lstrip("0")
    if not significant:
        return None, "missing"
    if not significant.isascii() or not significant.isdigit():
        return None, "not_numeric"
    if len(significant) > _LONGEST:
        return None, "too_long"
    if len(significant) <= _PLU:
        return None, "plu"
    if len(significant) < _SHORTEST or (len(significant) == _SHORTEST and significant[0] == "2"):
        return None, "restricted"
    thirteen = significant.zfill(_LONGEST)[1:]
    if thirteen[:2] in _RESTRICTED_PREFIXES:
        return None, "restricted"
    try:
        parsed = Gtin.parse(significant if len(significant) in {8, 14} else thirteen)
    except ParseError:
        return None, "bad_check_digit"
    return parsed.as_gtin_14(), "valid"
