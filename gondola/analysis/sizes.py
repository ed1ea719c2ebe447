"""How much is in a pack, read from a Brazilian product name.

The order follows Open Food Facts' `normalize_quantity`: first "12 x 350 ml", then a plain size; a number of pieces
beside a weight is no product ("10 unidades, 170 g" is 170 g). What a name leaves open is unknown, not guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

__all__ = ["Size", "read_size"]

_NAMES = {
    ("kg", "1"): "kg kgs quilo quilos",
    ("kg", "0.001"): "g gr grs grama gramas",
    ("kg", "0.000001"): "mg",
    ("l", "1"): "l lt lts litro litros",
    ("l", "0.01"): "cl",
    ("l", "0.001"): "ml",
    ("m", "1"): "m mt mts metro metros",
}
_UNITS = {name: (unit, Decimal(factor)) for (unit, factor), names in _NAMES.items() for name in names.split()}
_NUMBER = r"(\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?)"
_UNIT = rf"({'|'.join(sorted(_UNITS, key=len, reverse=True))})\b"
_PIECES = (
    r"(?:un|und|unid|unids|unidades?|rolos?|latas?|garrafas?|sachês?|saches?|saquinhos?|capsulas?|pecas?|folhas?|ovos)"
)
_SIZE = re.compile(rf"(?<![\d.,]){_NUMBER}\s*{_UNIT}")
_MULTIPLE = re.compile(rf"(?<![\d.,])(\d+)\s*(?:{_PIECES}\s*)?(?:x|\*|de)\s*{_NUMBER}\s*{_UNIT}")
_MULTIPLE_AFTER = re.compile(rf"(?<![\d.,]){_NUMBER}\s*{_UNIT}\s*(?:x|\*)\s*(\d+)\b")
_ROLLS = re.compile(rf"(?<![\d.,])(\d+)\s*rolos?\s*(?:de|com|c/)?\s*{_NUMBER}\s*(m|mts?|metros?)\b")
_COUNT = re.compile(rf"(?:\bc/|\bcom\b)\s*(\d+)\b(?!\s*[.,]?\d)|(?<![\d.,])(\d+)\s*{_PIECES}\b")
_DOZEN = re.compile(r"(?:(?<![\d.,])(\d+)\s*)?\b(?:dz|duzias?)\b")
_BUNDLE = re.compile(r"\b(?:pack|fardo|engradado|caixa|cx|kit)\b")
# An offer is no size; a drained weight is a part of the one before it; a share is no amount.
_NOISE = re.compile(
    r"\bleve\s*\d+\s*,?\s*pague\s*\d+|\bl\d+\s*p\d+\b|(?:peso\s+)?drenado:?\s*[\d.,]+\s*k?g\b"
    r"|[\d.,]+\s*k?g\s*(?:de\s+)?(?:peso\s+)?drenado\b(?!:?\s*[\d.,]+\s*k?g)|[\d.,]+\s*%"
)


@dataclass(frozen=True, slots=True)
class Size:
    """What a pack holds in all."""

    amount: Decimal
    unit: str  # kg, l, m, or un for pieces


@lru_cache(maxsize=200_000)
def read_size(name: str) -> Size | None:
    """Read the size of a pack from its name.

    Args:
        name: A product's name in Portuguese, as "Cerveja Pilsen 12x350ml".

    Returns:
        What is in the pack in all; None when the name says nothing, or two things.
    """
    text = _NOISE.sub(" ", _plain(name))
    for pattern in (_ROLLS, _MULTIPLE):
        if found := pattern.search(text):
            return _size(found[2], found[3], int(found[1]))
    if found := _MULTIPLE_AFTER.search(text):
        return _size(found[1], found[2], int(found[3]))
    sizes = {_size(number, unit) for number, unit in _SIZE.findall(text)} - {None}
    counts = {int(number) for pair in _COUNT.findall(text) for number in pair if number and int(number) > 0}
    if len(sizes) > 1 or len(counts) > 1:
        return None
    if sizes:
        (size,) = sizes
        count = next(iter(counts), 1)
        return _bundled(size, count, is_bundle=bool(_BUNDLE.search(text)))
    if found := _DOZEN.search(text):
        return Size(Decimal(12 * int(found[1] or 1)), "un")
    return Size(Decimal(counts.pop()), "un") if counts else None


def _bundled(size: Size | None, count: int, *, is_bundle: bool) -> Size | None:
    if size is None or count == 1:
        return size
    if is_bundle:
        return Size(size.amount * count, size.unit)
    # Ten tea bags of 15 g in all, but twelve cans of 350 ml each: nobody can tell for drinks.
    return size if size.unit == "kg" else None


def _size(number: str, unit: str, count: int = 1) -> Size | None:
    digits = (
        number.replace(".", "").replace(",", ".") if "," in number or re.fullmatch(r"\d+\.\d{3}", number) else number
    )
    name, factor = _UNITS[unit]
    if re.fullmatch(r"\d+\.\d{3}", number) and factor == 1:
        digits = number  # 1.500 kg is one and a half; 1.500 g is a thousand and a half
    amount = Decimal(digits) * factor * count
    return Size(amount.normalize(), name) if amount else None


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
