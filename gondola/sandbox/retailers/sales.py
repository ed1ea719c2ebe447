"""What is sold: the same for the same seed and day, on every machine and in any order of asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from random import Random
from zoneinfo import ZoneInfo

from gondola.sandbox.chance import draw
from gondola.sandbox.vocabulary import leaves
from gondola.sandbox.world import World

__all__ = ["CHAINS", "Chain", "Good", "Line", "RetailWorld", "Sale", "Shop"]

_CENT = Decimal("0.01")
_REPEATED_LINE = 0.06  # a product scanned twice in one sale
_OWN_SHOPPER = 0.55  # a shopper who shows a card
_ONLINE = 0.12  # a sale of no shop
_LATE = 2  # sales of a day that its own answer does not have yet


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop of a chain."""

    id: str
    name: str
    city: str
    state: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One retailer."""

    id: str
    name: str
    zone: str
    dearness: float
    shops: tuple[Shop, ...]


CHAINS = (
    Chain(
        "alfa",
        "Mercado Alfa",
        "America/Sao_Paulo",
        1.0,
        (
            Shop("A01", "Alfa Centro", "Florianópolis", "SC"),
            Shop("A02", "Alfa Norte", "Joinville", "SC"),
            Shop("A03", "Alfa Praia", "Itajaí", "SC"),
        ),
    ),
    Chain(
        "boreal",
        "Boreal Atacado",
        "America/Manaus",  # four hours behind UTC, one behind São Paulo
        0.93,
        (Shop("17", "Boreal Manaus", "Manaus", "AM"), Shop("23", "Boreal Porto Velho", "Porto Velho", "RO")),
    ),
    Chain(
        "costa",
        "Armazém da Costa",
        "America/Noronha",  # two hours behind UTC, one ahead of São Paulo
        1.21,
        (Shop("vila", 'Armazém "da Vila"', "Fernando de Noronha", "PE"),),
    ),
)


@dataclass(frozen=True, slots=True)
class Good:
    """A product as a chain lists it."""

    id: str
    name: str
    brand: str | None
    category: str
    barcode: str  # as the chain writes it, not always rightly
    cents: int
    weighed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt."""

    number: int
    good: Good
    quantity: Decimal
    cents: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """One receipt."""

    id: str
    sold_at: datetime  # in the chain's zone
    shop: Shop | None
    shopper: str | None
    lines: tuple[Line, ...]

    @property
    def tier(self) -> str | None:
        """How good a customer the shopper is."""
        return None if self.shopper is None else ("ouro", "prata", "bronze")[draw(self.shopper) % 3]


class RetailWorld:
    """All that three chains sell.

    Args:
        seed: Of everything; the shelves of the market's sandbox with this seed carry the same barcodes.
        sales: Receipts of a chain on an ordinary day, about.
        goods: Products that a chain lists.
        products: Size of the pool of national products, as the market's sandbox has it.
    """

    def __init__(self, seed: int = 2026, *, sales: int = 120, goods: int = 150, products: int = 3000) -> None:
        self.seed = seed
        self._sales = sales
        self._goods = goods
        self._products = products
        self.goods = lru_cache(maxsize=None)(self._list_goods)
        self.sold_on = lru_cache(maxsize=64)(self._sell)

    @cached_property
    def _pool(self) -> World:
        return World(self.seed, self._products)

    def chain(self, chain: str) -> Chain:
        """A chain by its id."""
        return next(one for one in CHAINS if one.id == chain)

    def _list_goods(self, chain: str) -> tuple[Good, ...]:
        rng = Random(draw(self.seed, chain, "goods"))
        dearness = self.chain(chain).dearness
        pool = self._pool.pool
        goods = []
        for number, place in enumerate(sorted(rng.sample(range(len(pool)), min(self._goods, len(pool))))):
            item = pool[place]
            size = rng.randrange(len(item.gtins))
            goods.append(
                Good(
                    id=f"{chain[0].upper()}{number:05}",
                    name=item.name(item.sizes[size]),
                    brand=item.brand if rng.random() > 0.05 else None,
                    category=leaves()[item.leaf].path[0],
                    barcode=_written(rng, item.gtins[size], weighed=item.weighed),
                    cents=max(19, round(item.cents[size] * dearness * rng.uniform(0.97, 1.03))),
                    weighed=item.weighed,
                )
            )
        return tuple(goods)

    def _sell(self, chain: str, day: date) -> tuple[Sale, ...]:
        rng = Random(draw(self.seed, chain, day.isoformat(), "sales"))
        zone = ZoneInfo(self.chain(chain).zone)
        count = round(self._sales * (1.4 if day.weekday() >= 5 else 1.0) * rng.uniform(0.85, 1.15))
        # From the day's first second to its last: a wrong zone puts some into another day.
        seconds = sorted([0, 86_399, *(rng.randrange(86_400) for _ in range(max(0, count - 2)))])
        return tuple(
            self._receipt(rng, chain, f"{chain[0].upper()}{day:%Y%m%d}-{number:05}", _at(day, second, zone), day)
            for number, second in enumerate(seconds)
        )

    def _receipt(self, rng: Random, chain: str, sale: str, sold_at: datetime, day: date) -> Sale:
        goods, shops = self.goods(chain), self.chain(chain).shops
        chosen = [goods[min(len(goods) - 1, int(rng.expovariate(4 / len(goods))))] for _ in range(rng.randint(1, 7))]
        chosen = list(dict.fromkeys(chosen))
        if rng.random() < _REPEATED_LINE:
            chosen.append(chosen[0])
        lines = []
        for number, good in enumerate(chosen, start=1):
            quantity = Decimal(rng.randint(120, 2500)) / 1000 if good.weighed else Decimal(rng.randint(1, 6))
            cents = max(9, round(good.cents * (1 + (draw(self.seed, good.id, day.isocalendar().week) % 7 - 3) / 100)))
            total = (quantity * cents / 100).quantize(_CENT, ROUND_HALF_UP)
            lines.append(Line(number, good, quantity, cents, total))
        shopper = f"{chain}-{rng.randrange(self._sales * 4):05}" if rng.random() < _OWN_SHOPPER else None
        shop = None if rng.random() < _ONLINE else rng.choice(shops)
        return Sale(sale, sold_at, shop, shopper, tuple(lines))

    def late(self, chain: str, day: date) -> tuple[Sale, ...]:
        """Sales of a day that only the next day's answer has: tills that were offline."""
        sold = self.sold_on(chain, day)
        return sold[len(sold) // 2 : len(sold) // 2 + _LATE]

    def overlap(self, chain: str, day: date) -> tuple[Sale, ...]:
        """What an answer for a day repeats of the day before: its last sales, and those that were late."""
        before = day - timedelta(days=1)
        return (*self.late(chain, before), *self.sold_on(chain, before)[-5:])

    def answered(self, chain: str, day: date) -> tuple[Sale, ...]:
        """The receipts in the answer for a day, in its order."""
        late = self.late(chain, day)
        return (*self.overlap(chain, day), *(sale for sale in self.sold_on(chain, day) if sale not in late))


def _at(day: date, second: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone) + timedelta(seconds=second)


def _written(rng: Random, gtin: str, *, weighed: bool) -> str:
    """A barcode as chains write it: padded, stripped, an in-store code, wrong, or none."""
    luck = rng.random()
    if weighed or luck < 0.05:
        return "2" + f"{rng.randrange(10**6):06}" + "000000"
    if luck < 0.10:
        return ""
    if luck < 0.14:
        return gtin[:-1] + str((int(gtin[-1]) + 1) % 10)
    if luck < 0.25:
        return gtin.zfill(14)
    return gtin.lstrip("0") if luck < 0.35 else gtin
