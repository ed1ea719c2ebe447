"""What was planted, told as facts that the product's answers can be held against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gondola.sandbox.plants import Plant
from gondola.sandbox.world import StoreWorld, World, money

__all__ = ["planted", "truth_document", "write_truth_file"]

Fact = dict[str, Any]


def planted(world: World, first_day: int, last_day: int) -> list[Fact]:
    """Every planted truth whose day or spell touches a span of days.

    Args:
        world: The world.
        first_day: First day of the span.
        last_day: Last day of it, included.

    Returns:
        One mapping per fact, by day and store: `kind`, `store`, `region` (None: everywhere), `product_id`, `sku_id`,
        `ean`, `name`, `day`, `date`, `last_day`, `last_date`, `from`, `to`, and what else the kind needs. Money is
        text, as in `"12.99"`.
    """
    facts = [
        _fact(world, store, item)
        for store in world.stores
        for item in store.plants.every
        if item.day <= last_day and item.last_day >= first_day
    ]
    return sorted(facts, key=lambda fact: (fact["day"], fact["store"], fact["kind"]))


def truth_document(world: World, first_day: int, last_day: int) -> Fact:
    """The facts of a span and the world they belong to, ready for JSON."""
    stores = [
        {
            "store": store.shop.id,
            "name": store.shop.name,
            "regions": [
                {"region": region.id, "same_prices_as": _first_of_area(store, region.id), "served": bool(region.area)}
                for region in store.shop.regions
            ],
        }
        for store in world.stores
    ]
    return {
        "seed": world.seed,
        "products": world.products,
        "epoch": world.epoch.isoformat(),
        "first_day": first_day,
        "last_day": last_day,
        "stores": stores,
        "facts": planted(world, first_day, last_day),
    }


def write_truth_file(world: World, path: Path, first_day: int, last_day: int) -> None:
    """Write the facts of a span as JSON."""
    document = truth_document(world, first_day, last_day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _first_of_area(store: StoreWorld, region_id: str) -> str | None:
    area = store.region(region_id).area
    first = next(region.id for region in store.shop.regions if region.area == area)
    return None if first == region_id else first


def _fact(world: World, store: StoreWorld, item: Plant) -> Fact:
    fact: Fact = {
        "kind": item.kind,
        "store": store.shop.id,
        "region": None,
        "day": item.day,
        "date": world.date_of(item.day).isoformat(),
        "last_day": item.last_day,
        "last_date": world.date_of(item.last_day).isoformat(),
        "from": None,
        "to": None,
    }
    if item.product_id is not None:
        product = store.product(item.product_id)
        sku = product.skus[0]
        fact |= {"product_id": str(product.product_id), "sku_id": sku.sku_id, "ean": sku.ean, "name": product.name}
    if item.category is not None:
        fact |= {"category_id": item.category.id, "category_ids": item.category.ids, "category": item.category.names}
    return fact | _change(store, item)


def _change(store: StoreWorld, item: Plant) -> Fact:
    before, after = str(money(item.cents)), str(money(item.new_cents))
    if item.kind == "price_change":
        return {"from": before, "to": after}
    if item.kind == "fake_discount":
        return {"from": before, "to": after, "price": before}
    if item.kind == "region_difference":
        regions = [region.id for region in store.shop.regions if region.area == item.area]
        return {"region": regions[0], "regions": regions, "from": before, "to": after}
    if item.kind == "shrunk_pack":
        name = store.product(item.product_id or 0).name
        shrunk_name = name.replace(item.size, item.new_size)
        return {"from": item.size, "to": item.new_size, "price": before, "new_name": shrunk_name}
    if item.kind == "sold_out":
        return {"from": before, "to": None, "price": before, "days": item.last_day - item.day + 1}
    if item.kind == "delisting":
        return {"from": before}
    if item.kind == "new_product":
        return {"to": after}
    return {}
