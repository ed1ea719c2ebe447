"""The goods that exist: a national pool of products with valid EANs, from which each store takes its assortment."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from random import Random

from gondola.sandbox.vocabulary import Leaf, leaves

__all__ = ["Template", "amount", "ending", "gtin13", "national_pool", "shrunk", "slug", "template"]

_SIZE = re.compile(r"^(\d+(?:,\d+)?)(g|kg|ml|L|un)$")
_TO_BASE = {"g": 1, "ml": 1, "un": 1, "kg": 1000, "L": 1000}


@dataclass(frozen=True, slots=True)
class Template:
    """One product as its maker sees it, before a store lists it under ids and categories of its own."""

    leaf: int
    """Index into `leaves()`."""
    brand: str
    label: str
    """The name without the size."""
    sizes: tuple[str, ...]
    """One for each SKU; `kg` for what is weighed."""
    gtins: tuple[str, ...]
    cents: tuple[int, ...]
    """Usual price of each SKU."""
    pack: int = 1
    """Units in a multi-pack."""

    @property
    def weighed(self) -> bool:
        """Sold by weight."""
        return self.sizes == ("kg",)

    def name(self, size: str | None = None) -> str:
        """The name on the shelf, with a size when there is one to tell."""
        if self.weighed:
            return f"{self.label} Kg"
        text = f"{self.label} {size}" if size else self.label
        return f"{text} Pack com {self.pack} Unidades" if self.pack > 1 else text


def gtin13(stem: str) -> str:
    """A GTIN-13 from its first twelve digits.

    Args:
        stem: Twelve digits.
    """
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(stem))
    return f"{stem}{-total % 10}"


def slug(text: str, separator: str = "-") -> str:
    """A name as it stands in an address: no accents, no punctuation."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", separator, plain).strip(separator)


def ending(cents: float) -> int:
    """A price as shops like them, ending in 9."""
    return max(29, round(cents / 10) * 10 - 1)


def amount(size: str) -> float:
    """Grams, millilitres or units in a size such as `1,5L`; 1,000 for what is weighed."""
    match = _SIZE.match(size)
    return float(match[1].replace(",", ".")) * _TO_BASE[match[2]] if match else 1000.0


def shrunk(size: str) -> str | None:
    """The size a maker would quietly fall back to, about a tenth less; None where that can't be hidden."""
    match = _SIZE.match(size)
    if match is None or match[2] == "un":
        return None
    base, small = amount(size), "g" if match[2] in {"g", "kg"} else "ml"
    less = int(base * 0.9) // 5 * 5
    return f"{less}{small}" if less >= 40 else None  # below that the step of five is too coarse


def template(
    rng: Random, number: int, leaf_index: int, *, brand: str | None = None, private: bool = False, series: int = 789
) -> Template:
    """Invent one product.

    Args:
        rng: Where its chance comes from.
        number: A number no other product of the series has; it makes the barcodes unique.
        leaf_index: Where it stands, an index into `leaves()`.
        brand: The brand, when it is not to be drawn.
        private: A store's own label, with an internal code starting with 2 in place of an EAN.
        series: The country prefix of the barcode.
    """
    leaf = leaves()[leaf_index]
    brand = brand or rng.choice(leaf.brands)
    words = [rng.choice(leaf.goods), brand]
    if leaf.varieties:
        words.append(rng.choice(leaf.varieties))
    many = not leaf.weighed and len(leaf.sizes) > 1 and rng.random() < 0.02
    sizes = tuple(sorted(rng.sample(leaf.sizes, 2), key=amount)) if many else (rng.choice(leaf.sizes),)
    packable = leaf.path[0] in {"Bebidas", "Frios e Laticínios"} and not leaf.weighed and not many
    pack = rng.choice((4, 6, 12)) if packable and rng.random() < 0.12 else 1
    appeal = rng.uniform(leaf.cents[0], leaf.cents[1]) * (0.82 if private else 1.0)
    return Template(
        leaf=leaf_index,
        brand=brand,
        label=" ".join(words),
        sizes=sizes,
        gtins=tuple(_gtin(rng, number, place, private=private, series=series) for place in range(len(sizes))),
        cents=tuple(_cents(leaf, appeal, size, pack) for size in sizes),
        pack=pack,
    )


def _cents(leaf: Leaf, appeal: float, size: str, pack: int) -> int:
    middle = amount(leaf.sizes[len(leaf.sizes) // 2])
    value = appeal * math.pow(amount(size) / middle, 0.88) * math.pow(pack, 0.95)
    return ending(value)


def _gtin(rng: Random, number: int, place: int, *, private: bool, series: int) -> str:
    if private:
        return gtin13(f"2{number * 2 + place:011d}")
    if rng.random() < 0.02:  # imports carry a UPC, an EAN-13 that starts with 0
        return gtin13(f"0{60_000_000_000 + number * 2 + place}")
    return gtin13(f"{series}{1_000_000 + number * 2 + place:09d}")


def national_pool(seed: int, size: int, crowded: int = 0) -> list[Template]:
    """The brands' products that any store may list.

    Args:
        seed: The world's seed.
        size: How many.
        crowded: How many more stand in one leaf, six in ten of them of one brand, so that neither the leaf nor
            its largest brand fits the window of a search once the number is large.
    """
    rng = Random(f"{seed}|pool")
    all_leaves = leaves()
    weights = _leaf_weights(all_leaves)
    indices = rng.choices(range(len(all_leaves)), weights=weights, k=size)
    pool = [template(rng, number, index) for number, index in enumerate(indices)]
    target = next(i for i, leaf in enumerate(all_leaves) if leaf.path[-1] == "Temperos")
    main_brand = all_leaves[target].brands[0]
    for number in range(size, size + crowded):
        brand = main_brand if rng.random() < 0.6 else None
        pool.append(template(rng, number, target, brand=brand))
    return _told_apart(pool)


def _leaf_weights(all_leaves: tuple[Leaf, ...]) -> list[float]:
    siblings: dict[str, int] = {}
    for leaf in all_leaves:
        siblings[leaf.path[0]] = siblings.get(leaf.path[0], 0) + 1
    return [leaf.weight / siblings[leaf.path[0]] for leaf in all_leaves]


def _told_apart(pool: list[Template]) -> list[Template]:
    """The same products, with a line number in the names that would otherwise be equal."""
    seen: dict[str, int] = {}
    result: list[Template] = []
    for item in pool:
        key = item.name("/".join(item.sizes))
        count = seen[key] = seen.get(key, 0) + 1
        label = item.label if count == 1 else f"{item.label} Linha {count}"
        result.append(
            Template(item.leaf, item.brand, label, item.sizes, item.gtins, item.cents, item.pack) if count > 1 else item
        )
    return result
