"""What is made and sold: finished goods with barcodes, components, materials, and the recipes between them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa

from gondola.sandbox.catalogue import Template, national_pool
from gondola.sandbox.events.dice import Dice, Ints
from gondola.sandbox.vocabulary import leaves

__all__ = ["Goods", "Line"]

_LEVELS = 3  # of components, each made from those below it
_BOUGHT = 0.15  # finished goods that are bought as they are
_UNITS = ("kg", "l", "each")
_MICRO = Decimal("0.000001")
_NOWHERE = "C-NOWHERE"  # a component that no catalogue tells of


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a recipe."""

    product: str
    component: str
    quantity: Decimal  # in one unit of the product
    scrap: Decimal  # share that is lost on top


@dataclass(frozen=True)
class Goods:
    """The products of one world; finished goods come first and are known by their index."""

    seed: int
    finished: int

    @property
    def components(self) -> int:
        """How many components there are, materials not counted."""
        return max(9, self.finished // 4)

    @property
    def materials(self) -> int:
        """How many materials there are."""
        return max(8, self.finished // 4)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The categories that finished goods are of."""
        return tuple(sorted({leaves()[item.leaf].path[0] for item in self._pool}))

    @cached_property
    def category(self) -> Ints:
        """The category of each finished good, by index."""
        index = {name: number for number, name in enumerate(self.categories)}
        return np.array([index[leaves()[item.leaf].path[0]] for item in self._pool], np.int64)

    @cached_property
    def cents(self) -> Ints:
        """The list price of each finished good."""
        return np.array([item.cents[0] for item in self._pool], np.int64)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the finished goods."""
        return tuple(f"P{number:06}" for number in range(self.finished))

    @cached_property
    def id_array(self) -> pa.Array:
        """The same for Arrow."""
        return pa.array(self.ids)

    @cached_property
    def circle(self) -> tuple[str, ...]:
        """Components that are made of one another, which cannot be."""
        return ("C-RING-1", "C-RING-2", "C-RING-3")

    @cached_property
    def victims(self) -> tuple[str, str]:
        """The two finished goods whose cost nobody can know: by the circle, and by a component that does not exist."""
        return self.ids[0], self.ids[1]

    @cached_property
    def bought(self) -> dict[str, Decimal]:
        """What is bought, with its price for one unit."""
        dice = Dice(self.seed)
        cost = dice.below(90_000, "material cost", np.arange(self.materials)) + 1_000
        found = {f"M{number:05}": Decimal(int(value)).scaleb(-4) for number, value in enumerate(cost.tolist())}
        ready = dice.unit("bought ready", np.arange(self.finished)) < _BOUGHT
        ready[:2] = False  # the victims
        for number in np.flatnonzero(ready).tolist():
            found[self.ids[number]] = (Decimal(int(self.cents[number])) * Decimal("0.0055")).quantize(Decimal("0.0001"))
        return found

    @cached_property
    def conversion(self) -> dict[str, Decimal]:
        """What the making of one unit costs, of all that is made."""
        dice = Dice(self.seed)
        made = [name for name in (*self._component_ids, *self.circle, *self.ids) if name not in self.bought]
        cost = dice.below(4_000, "conversion", np.arange(len(made))) + 50
        return {name: Decimal(int(value)).scaleb(-4) for name, value in zip(made, cost.tolist(), strict=True)}

    @cached_property
    def recipes(self) -> list[Line]:
        """All lines that hold; what is wrong with the file is not among them, but the missing component is."""
        lines = []
        for number, name in enumerate(self._component_ids):
            level = number % _LEVELS
            below = [other for at, other in enumerate(self._component_ids) if at % _LEVELS == level - 1]
            lines += self._lines(name, number, [*self._material_ids, *below * 3], 1_000_000)
        top = [other for at, other in enumerate(self._component_ids) if at % _LEVELS == _LEVELS - 1]
        for number, name in enumerate(self.ids):
            if name not in self.bought:
                lines += self._lines(name, number, [*self._material_ids, *top * 2, *self._component_ids], 2_000_000)
        lines.append(Line(self.victims[0], self.circle[0], Decimal("1.0000"), Decimal("0.0000")))
        lines.append(Line(self.victims[1], _NOWHERE, Decimal("2.0000"), Decimal("0.0500")))
        return lines

    @cached_property
    def circular(self) -> list[Line]:
        """The lines of the circle, which must be refused."""
        following = (*self.circle[1:], self.circle[0])
        one, none = Decimal("1.0000"), Decimal("0.0000")
        return [Line(name, other, one, none) for name, other in zip(self.circle, following, strict=True)]

    @cached_property
    def costs(self) -> dict[str, Decimal | None]:
        """The cost of one unit of everything, to the millionth, rounded half up at each level; None when unknown."""
        recipe: dict[str, list[Line]] = defaultdict(list)
        for line in self.recipes:
            recipe[line.product].append(line)
        known: dict[str, Decimal | None] = dict.fromkeys(self.circle)

        def cost(name: str) -> Decimal | None:
            if name not in known:
                known[name] = self._cost(name, [(line, cost(line.component)) for line in recipe[name]])
            return known[name]

        for name in (*self._material_ids, *self._component_ids, *self.ids):
            cost(name)
        known.pop(_NOWHERE, None)
        return known

    def catalogue(self) -> pa.Table:
        """The file of products, all columns as texts."""
        rows = [self._finished_row(number, item) for number, item in enumerate(self._pool)]
        for name in (*self._component_ids, *self.circle, *self._material_ids):
            number = int("".join(filter(str.isdigit, name)))
            kind = "material" if name.startswith("M") else "component"
            rows.append(self._row(name, f"{kind.capitalize()} {number}", kind, unit=_UNITS[number % len(_UNITS)]))
        return pa.Table.from_pylist(rows)

    def recipe_table(self) -> pa.Table:
        """The file of recipes without the circle, all columns as texts."""
        return _lines_table(self.recipes)

    def circle_table(self) -> pa.Table:
        """The lines of the circle, as texts."""
        return _lines_table(self.circular)

    def _cost(self, name: str, parts: list[tuple[Line, Decimal | None]]) -> Decimal | None:
        if not parts:
            bought = self.bought.get(name)
            return bought if bought is None else bought.quantize(_MICRO)
        total = self.conversion.get(name, Decimal(0))
        for line, each in parts:
            if each is None:
                return None
            part = line.quantity * (1 + line.scrap) * each
            total += part.quantize(_MICRO, ROUND_HALF_UP)
        return total.quantize(_MICRO)

    def _lines(self, name: str, number: int, choices: list[str], salt: int) -> list[Line]:
        dice, places = Dice(self.seed), np.arange(2 + number % 3)
        picked = dice.below(len(choices), "recipe", places, number + salt).tolist()
        quantity = (dice.below(15_000, "quantity", places, number + salt) + 200).tolist()
        scrap = (dice.below(900, "scrap", places, number + salt)).tolist()
        lines = {}
        for index, thousandths, lost in zip(picked, quantity, scrap, strict=True):
            component = choices[index]
            lines[component] = Line(name, component, Decimal(thousandths).scaleb(-4), Decimal(lost).scaleb(-4))
        return list(lines.values())

    def _finished_row(self, number: int, item: Template) -> dict[str, str | None]:
        price = f"{item.cents[0] // 100}.{item.cents[0] % 100:02}"
        row = self._row(self.ids[number], item.name(item.sizes[0]), "finished", unit="kg" if item.weighed else "each")
        category = self.categories[self.category[number]]
        return row | {"gtin": item.gtins[0], "brand": item.brand, "category": category, "list_price": price}

    def _row(self, name: str, label: str, kind: str, *, unit: str) -> dict[str, str | None]:
        bought, made = self.bought.get(name), self.conversion.get(name)
        return {
            "product_id": name,
            "gtin": None,
            "product_name": label,
            "brand": None,
            "category": "Insumos",
            "product_kind": kind,
            "unit": unit,
            "list_price": None,
            "unit_cost": None if bought is None else str(bought),
            "conversion_cost": None if made is None else str(made),
            "launched_on": "2025-03-01",
            "is_active": "true",
        }

    @cached_property
    def _pool(self) -> list[Template]:
        return national_pool(self.seed, self.finished)

    @cached_property
    def _component_ids(self) -> tuple[str, ...]:
        return tuple(f"C{number:05}" for number in range(self.components))

    @cached_property
    def _material_ids(self) -> tuple[str, ...]:
        return tuple(f"M{number:05}" for number in range(self.materials))


def _lines_table(lines: list[Line]) -> pa.Table:
    return pa.table(
        {
            "product_id": [line.product for line in lines],
            "component_id": [line.component for line in lines],
            "quantity": [str(line.quantity) for line in lines],
            "scrap_share": [str(line.scrap) for line in lines],
        }
    )
