"""What one store lists: its category tree, its products under its own ids, and the dirt that real catalogues have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from gondola.sandbox.catalogue import Template, ending, slug, template
from gondola.sandbox.chance import draw
from gondola.sandbox.shops import Shop
from gondola.sandbox.vocabulary import leaves

__all__ = ["Category", "Product", "Sku", "Tree", "build_products", "build_tree", "steadied"]

OUTSIDE_ID = 9900
_PRIVATE_SHARE = 0.07
_OUTSIDE = 4


@dataclass(slots=True)
class Category:
    """A node of a store's tree."""

    id: int
    name: str
    ids: str
    """Ids from the root: `/1/17/`."""
    names: str
    """Names from the root: `/Mercearia/Arroz/`."""
    slugs: tuple[str, ...]
    children: list[Category] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sku:
    """A thing to be bought, under one store's id."""

    sku_id: str
    ean: str
    """As the store states it: empty, short and internal codes included."""
    gtin: str | None
    """The true GTIN-13; None for what has none."""
    name: str
    size: str
    unit: str
    multiplier: int
    """Measurement units in an increment, in thousandths."""
    cents: int
    key: int
    marketplace: bool = False
    """A second seller, not the default one, offers it too, for more."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product as one store lists it."""

    product_id: int
    name: str
    brand: str
    brand_id: int
    reference: str
    link_text: str
    places: tuple[Category, ...]
    """The categories it hangs on, the main one first."""
    skus: tuple[Sku, ...]
    released: int
    """Day it came in; negative before the world's epoch."""
    weighed: bool
    pack: int
    first_day: int | None = None
    last_day: int | None = None
    steady: bool = False
    """Kept out of chance: its price moves only where a truth is planted on it."""


@dataclass(slots=True)
class Tree:
    """A store's categories."""

    roots: list[Category]
    by_leaf: list[Category]
    """For each leaf of the vocabulary, this store's node."""
    by_ids: dict[str, Category]
    outside: Category
    """Where products hang that are in no category of the tree."""


def build_tree(seed: int, shop: Shop) -> Tree:
    """The vocabulary's categories under this store's own ids and names."""
    renamed = dict(shop.renamed)
    nodes = sorted({leaf.path[: depth + 1] for leaf in leaves() for depth in range(len(leaf.path))})
    ids = list(range(1, len(nodes) + 1))
    Random(f"{seed}|{shop.id}|tree").shuffle(ids)
    numbers = dict(zip(nodes, ids, strict=True))
    by_path: dict[tuple[str, ...], Category] = {}
    roots: list[Category] = []
    for leaf in leaves():
        for depth in range(len(leaf.path)):
            path = leaf.path[: depth + 1]
            if path in by_path:
                continue
            parent = by_path.get(path[:-1])
            node = _node(numbers[path], renamed.get(path[-1], path[-1]) if depth == 0 else path[-1], parent)
            by_path[path] = node
            (roots if parent is None else parent.children).append(node)
    outside = _node(OUTSIDE_ID, "Sem Categoria", None)
    by_ids = {node.ids: node for node in by_path.values()} | {outside.ids: outside}
    return Tree(roots, [by_path[leaf.path] for leaf in leaves()], by_ids, outside)


def _node(number: int, name: str, parent: Category | None) -> Category:
    ids, names, slugs = (parent.ids, parent.names, parent.slugs) if parent else ("/", "/", ())
    return Category(number, name, f"{ids}{number}/", f"{names}{name}/", (*slugs, slug(name)))


def build_products(
    seed: int, shop: Shop, tree: Tree, pool: list[Template], *, count: int, newcomers: int = 0
) -> list[Product]:
    """A store's products, oldest id first.

    Args:
        seed: The world's seed.
        shop: The store.
        tree: Its categories.
        pool: What the brands make.
        count: How many products the store lists on a day.
        newcomers: How many more come in later; they are the last of the list.
    """
    rng = Random(f"{seed}|{shop.id}|assortment")
    private = round(count * _PRIVATE_SHARE)
    # the pool's order is drawn per store, so two stores share most brands' products but not all
    order = sorted(range(len(pool)), key=lambda i: draw(seed, shop.id, "takes", i))
    templates = [pool[i] for i in order[: count + newcomers - private]]
    templates += [_own_label(rng, shop, number) for number in range(count + newcomers - len(templates))]
    rng.shuffle(templates)
    # newcomers must be goods whose events can be told apart: nothing weighed, one SKU
    plain = [t for t in templates if len(t.sizes) == 1 and not t.weighed][:newcomers]
    marked = {id(t) for t in plain}
    templates = [t for t in templates if id(t) not in marked] + plain
    brand_ids: dict[str, int] = {}
    product_id = 1000 + draw(seed, shop.id, "first id") % 500
    products: list[Product] = []
    for index, item in enumerate(templates):
        product_id += 1 + rng.randrange(9)
        brand_id = brand_ids.setdefault(item.brand, 2000 + len(brand_ids))
        outside = count - _OUTSIDE <= index < count and count > 10 * _OUTSIDE
        places = (tree.outside,) if outside else _places(rng, tree, item)
        products.append(_product(rng, seed, shop, item, product_id=product_id, brand_id=brand_id, places=places))
    return products


def _own_label(rng: Random, shop: Shop, number: int) -> Template:
    places = [i for i, leaf in enumerate(leaves()) if not leaf.weighed]
    base = draw("own label", shop.id) % 1_000_000 * 10_000
    return template(rng, base + number, rng.choice(places), brand=shop.name.split()[-1], private=True)


def _places(rng: Random, tree: Tree, item: Template) -> tuple[Category, ...]:
    home = tree.by_leaf[item.leaf]
    chance = rng.random()
    if chance < 0.01:  # someone filed it under the parent
        parent = tree.by_ids.get(home.ids.rstrip("/").rpartition("/")[0] + "/")
        return (parent or home,)
    if chance < 0.11:  # ten in a hundred stand in two places
        other = tree.by_leaf[rng.randrange(len(tree.by_leaf))]
        return (home,) if other is home else (home, other)
    return (home,)


def _product(
    rng: Random,
    seed: int,
    shop: Shop,
    item: Template,
    *,
    product_id: int,
    brand_id: int,
    places: tuple[Category, ...],
) -> Product:
    many = len(item.sizes) > 1
    name = item.name(None if many else item.sizes[0])
    # 1.2 % of names in recorded catalogues carry doubled or trailing spaces
    untidy = rng.random()
    shown = name.replace(" ", "  ", 1) if untidy < 0.008 else f"{name} " if untidy < 0.012 else name
    reference = str(10_000 + draw(seed, shop.id, "ref", product_id) % 9_000_000)
    tail = str(product_id) if shop.same_ids else reference
    link = f"{slug(name, shop.separator)}{shop.separator}{tail}"
    skus = tuple(
        _sku(rng, seed, shop, item, place=place, product_id=product_id, name=item.name(size) if many else shown)
        for place, size in enumerate(item.sizes)
    )
    released = -rng.randrange(20, 900)
    return Product(
        product_id, shown, item.brand, brand_id, reference, link, places, skus, released, item.weighed, item.pack
    )


def _sku(rng: Random, seed: int, shop: Shop, item: Template, *, place: int, product_id: int, name: str) -> Sku:
    sku_id = product_id + (0 if shop.same_ids and place == 0 else 5_000_000 + place * 1_000_000)
    gtin: str | None = item.gtins[place]
    ean, multiplier, unit = item.gtins[place], 1000, "un"
    dirt = rng.random()
    if item.weighed:
        unit, gtin = "kg", None
        multiplier = rng.choice((100, 150, 200, 250, 300, 500, 500, 1000, 1000, 1200, 1700))
        ean = "" if dirt < 0.05 else str(1000 + draw(seed, shop.id, "plu", product_id) % 9000)
    elif ean.startswith("2"):
        gtin = None
    elif ean.startswith("0"):
        ean = ean.lstrip("0")
    elif dirt < 0.035:
        ean = ""
    elif item.pack == 1 and dirt < 0.045:  # sold in tens, priced by one
        multiplier = rng.choice((6000, 10_000, 12_000))
    jitter = 0.94 + 0.12 * rng.random()
    cents = ending(item.cents[place] * shop.price_level * jitter)
    return Sku(
        sku_id=str(sku_id),
        ean=ean,
        gtin=gtin,
        name=name,
        size=item.sizes[place],
        unit=unit,
        multiplier=multiplier,
        cents=cents,
        key=draw(seed, shop.id, sku_id),
        marketplace=rng.random() < 0.02,
    )


def steadied(product: Product, *, first_day: int | None = None, last_day: int | None = None) -> Product:
    """A product taken out of chance, so that a truth planted on it is all that happens to it."""
    skus = tuple(replace(sku, marketplace=False, multiplier=1000) for sku in product.skus)
    released = product.released if first_day is None else first_day
    return replace(product, skus=skus, steady=True, first_day=first_day, last_day=last_day, released=released)
