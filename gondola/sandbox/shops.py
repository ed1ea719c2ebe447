"""The stores of the world: what each is called, what it serves, and how its regions work."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

__all__ = ["DEFAULT_SHOPS", "EMPTY_REGION_ID", "Area", "Region", "Shop"]

Api = Literal["legacy", "is", "is_v1"]
Method = Literal["none", "sales_channel", "segment_v2", "segment_seller", "search_region"]

EMPTY_REGION_ID = "v2.1BB18CE648B5111D0933734ED83EC783"
"""The id of an empty list of sellers: the same in every account, which is how such ids were recognised."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a store's market with prices of its own, and the seller that serves it."""

    id: str
    seller_id: str
    seller_name: str

    @property
    def region_id(self) -> str:
        """The opaque id VTEX gives to this set of sellers."""
        return "v2." + sha256(self.seller_id.encode()).hexdigest()[:32].upper()


@dataclass(frozen=True, slots=True)
class Region:
    """A region as the stores file names it."""

    id: str
    postal_code: str
    area: str | None
    """The area its postal code belongs to; None where the store does not deliver."""
    sales_channel: int | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """One supermarket on VTEX."""

    id: str
    name: str
    api: Api
    """The interface the stores file asks for."""
    apis: frozenset[Api]
    """Every interface that answers."""
    region_method: Method = "none"
    honours: frozenset[Method] = frozenset()
    """The region methods that really change prices; the others are accepted and ignored, as live stores do."""
    areas: tuple[Area, ...] = ()
    regions: tuple[Region, ...] = ()
    channels: dict[int, str] = field(default_factory=lambda: {1: "default"})
    """Sales channels, and the area each one shows when no region is asked for."""
    price_level: float = 1.0
    out_of_stock: int = 60
    """SKUs out of stock on a day, in thousandths."""
    same_ids: bool = True
    """Whether a product's only SKU carries the product's own id."""
    separator: str = "-"
    renamed: tuple[tuple[str, str], ...] = ()
    """Departments that this store calls by another name."""

    @property
    def all_areas(self) -> tuple[Area, ...]:
        """Every area, the one of who names no region first."""
        return (Area("default", "1", self.name), *self.areas)

    def area(self, area_id: str) -> Area:
        """An area by its id."""
        return next(area for area in self.all_areas if area.id == area_id)

    def serving(self, *, region_id: str) -> Area | None:
        """The area that an opaque region id stands for, if it is one of this store's."""
        return next((area for area in self.all_areas if area.region_id == region_id), None)

    def with_method(self, method: Method) -> Shop:
        """The same store, addressed by another region method that it honours too."""
        if method not in self.honours:
            message = f"{self.id} does not honour {method!r}; it honours {sorted(self.honours)}"
            raise ValueError(message)
        return replace(self, region_method=method)


DEFAULT_SHOPS: tuple[Shop, ...] = (
    Shop(
        id="aurora",
        name="Supermercados Aurora",
        api="legacy",
        apis=frozenset({"legacy"}),
        region_method="segment_v2",
        honours=frozenset({"segment_v2", "segment_seller"}),
        areas=(
            Area("florianopolis", "auroracentro01", "Aurora Florianópolis Centro"),
            Area("joinville", "auroranorte07", "Aurora Joinville Norte"),
        ),
        regions=(
            Region("florianopolis", "88010000", "florianopolis"),
            Region("joinville", "89201000", "joinville"),
            Region("florianopolis_sul", "88065000", "florianopolis"),
            Region("lages", "88502000", None),
        ),
    ),
    Shop(
        id="mirante",
        name="Mirante Atacado",
        api="is_v1",
        apis=frozenset({"is_v1", "is", "legacy"}),
        region_method="search_region",
        honours=frozenset({"search_region"}),
        areas=(
            Area("campinas", "mirantecampinas", "Mirante Campinas"),
            Area("santos", "mirantesantos", "Mirante Santos"),
        ),
        regions=(Region("campinas", "13010000", "campinas"), Region("santos", "11010000", "santos")),
        price_level=0.93,
        out_of_stock=90,
        same_ids=False,
        renamed=(("Mercearia", "Alimentos"), ("Frios e Laticínios", "Laticínios e Frios")),
    ),
    Shop(
        id="pampa",
        name="Pampa Supermercados",
        api="legacy",
        apis=frozenset({"legacy"}),
        region_method="sales_channel",
        honours=frozenset({"sales_channel"}),
        areas=(
            Area("porto_alegre", "1", "Pampa Supermercados"),
            Area("caxias", "1", "Pampa Supermercados"),
        ),
        regions=(
            Region("porto_alegre", "90010000", "porto_alegre", sales_channel=1),
            Region("caxias", "95010000", "caxias", sales_channel=2),
        ),
        channels={1: "porto_alegre", 2: "caxias"},
        price_level=1.03,
        out_of_stock=45,
        same_ids=False,
        separator="_",
        renamed=(("Limpeza", "Produtos de Limpeza"),),
    ),
    Shop(
        id="serra",
        name="Empório da Serra",
        api="is",
        apis=frozenset({"is", "legacy"}),
        price_level=1.11,
        out_of_stock=120,
        renamed=(("Utilidades", "Casa e Lazer"),),
    ),
)
