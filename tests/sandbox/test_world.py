from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from gondola.sandbox import Sandbox, World, planted
from gondola.sandbox.catalogue import gtin13

_DIGEST = """
import hashlib, urllib.request
from gondola.sandbox import Sandbox
digest = hashlib.sha256()
with Sandbox(seed=11, products=120, day=5) as sandbox:
    for store, path in [
        ("aurora", "/api/catalog_system/pub/products/search?_from=0&_to=49"),
        ("aurora", "/api/catalog_system/pub/category/tree/3"),
        ("mirante", "/api/intelligent-search/v1/product-search/?count=50&regionId=" ),
        ("pampa", "/api/catalog_system/pub/products/search?_from=50&_to=99&sc=2"),
    ]:
        digest.update(urllib.request.urlopen(sandbox.base_url(store) + path).read())
    digest.update(repr([row for s, r in (("aurora", "joinville"), ("serra", "default"))
                        for row in sandbox.world.shelf(s, r, 40)]).encode())
print(digest.hexdigest())
"""


def test_two_processes_serve_the_same_bytes() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_another_seed_is_another_world() -> None:
    def digest(seed: int) -> str:
        return hashlib.sha256(repr(list(World(seed, 60).shelf("aurora", "default", 3))).encode()).hexdigest()

    assert digest(1) != digest(2)


def test_a_day_does_not_depend_on_the_days_asked_before() -> None:
    walked, direct = World(5, 150), World(5, 150)
    for day in range(20):
        list(walked.shelf("mirante", "santos", day))
    assert list(walked.shelf("mirante", "santos", 20)) == list(direct.shelf("mirante", "santos", 20))


def test_the_world_has_no_day_before_its_first() -> None:
    with pytest.raises(ValueError, match="day 0"):
        list(World(products=20).shelf("aurora", "default", -1))


def test_dirt_of_real_catalogues() -> None:
    world = World()
    rows = list(world.shelf("aurora", "default", 6))
    assert 2950 <= len({row.product_id for row in rows}) <= 3050
    eans = [row.ean for row in rows]
    assert 0.02 < eans.count("") / len(rows) < 0.06
    weighed = [row for row in rows if row.measurement_unit == "kg"]
    assert len(weighed) > 100
    assert all(len(row.ean) in {0, 4} for row in weighed)
    assert any(row.unit_multiplier % 1 for row in weighed)
    assert any(row.unit_multiplier == 10 for row in rows if row.measurement_unit == "un")
    assert sum(ean.startswith("2") and len(ean) == 13 for ean in eans) > 100
    padded = [row for row in rows if row.gtin and len(row.ean) in {11, 12}]
    assert padded
    assert all(row.gtin == row.ean.zfill(13) for row in padded)
    assert all(gtin13(row.gtin[:12]) == row.gtin for row in rows if row.gtin)
    assert any("  " in row.name or row.name != row.name.strip() for row in rows)
    assert any("Pack com" in row.name for row in rows)
    in_several = sum(len(row.categories) > 1 for row in rows) / len(rows)
    assert 0.07 < in_several < 0.13
    skus = Counter(row.product_id for row in rows)
    assert 0.01 < sum(count > 1 for count in skus.values()) / len(skus) < 0.04
    outside = {row.product_id for row in rows if row.categories == ("/Sem Categoria/",)}
    assert len(outside) == 4
    parents = {node.ids for node in world.store("aurora").tree.by_ids.values() if node.children}
    assert any(row.category_ids[0] in parents for row in rows)
    assert any(row.stated_price > 0 and not row.is_available for row in rows)
    assert {teaser.kind for row in rows for teaser in row.teasers} == {"multi_buy", "club"}


def test_prices_are_ordered_and_cut_to_the_cent() -> None:
    rows = list(World(products=800).shelf("pampa", "caxias", 9))
    priced = [row for row in rows if row.price is not None]
    assert any(row.price is None and row.stated_price == 0 and row.stated_list_price == 0 for row in rows)
    between = 0
    for row in priced:
        assert row.price is not None
        assert row.list_price is not None
        assert row.price_without_discount is not None
        assert row.full_selling_price is not None
        assert row.price <= row.price_without_discount <= row.list_price
        between += row.price < row.price_without_discount < row.list_price
        assert row.full_selling_price == (row.price * row.unit_multiplier).quantize(Decimal("0.01"), "ROUND_DOWN")
    assert between


def test_brands_are_shared_between_stores() -> None:
    world = World(products=600)
    codes = [{row.gtin for row in world.shelf(store.shop.id, "default", 0) if row.gtin} for store in world.stores]
    for one, other in itertools.combinations(codes, 2):
        assert len(one & other) > 0.5 * min(len(one), len(other))


def test_two_or_three_in_a_hundred_prices_move_in_a_day() -> None:
    world = World(products=1000)
    shares = []
    before = {row.sku_id: row.price for row in world.shelf("aurora", "default", 0)}
    for day in range(1, 15):
        today = {row.sku_id: row.price for row in world.shelf("aurora", "default", day)}
        both = [sku for sku in before.keys() & today.keys() if before[sku] and today[sku]]
        shares.append(sum(before[sku] != today[sku] for sku in both) / len(both))
        before = today
    assert 0.015 < sum(shares) / len(shares) < 0.035


def test_a_large_department_overflows_the_window() -> None:
    world = World(products=8000)
    department = world.store("serra").tree.roots[0]
    inside = {
        row.product_id for row in world.shelf("serra", "default", 0) if department.ids in _above(row.category_ids)
    }
    assert len(inside) > 2550


def _above(paths: tuple[str, ...]) -> set[str]:
    return {"/" + path.split("/")[1] + "/" for path in paths}


@pytest.mark.parametrize("first", [0, 5, 33])
def test_every_fortnight_holds_every_kind(first: int) -> None:
    facts = planted(World(products=200), first + 1, first + 14)
    kinds = {
        store: {fact["kind"] for fact in facts if fact["store"] == store} for store in ("aurora", "mirante", "pampa")
    }
    every = {
        "price_change", "fake_discount", "shrunk_pack", "sold_out", "delisting", "new_product", "outage",
        "department_outage", "region_difference",
    }  # fmt: skip
    assert kinds == dict.fromkeys(kinds, every)
    assert {fact["kind"] for fact in facts if fact["store"] == "serra"} == every - {"region_difference"}


def test_what_is_planted_is_on_the_shelf() -> None:
    world = World(products=200)
    shelves = {
        (store.shop.id, region, day): {row.sku_id: row for row in world.shelf(store.shop.id, region, day)}
        for store in world.stores
        for region in [region.id for region in store.shop.regions if region.area] or ["default"]
        for day in range(32)
    }
    seen: Counter[str] = Counter()
    for fact in planted(world, 1, 20):
        store, day, kind = fact["store"], fact["day"], fact["kind"]
        if day < 1 or day > 20 or "outage" in kind:
            continue
        seen[kind] += 1
        for region in {region for name, region, _ in shelves if name == store}:
            before = shelves[store, region, day - 1].get(fact["sku_id"])
            now = shelves[store, region, day].get(fact["sku_id"])
            if kind == "new_product":
                assert before is None
                assert now is not None
                assert str(now.price) == fact["to"]
                continue
            assert before is not None
            assert str(before.price) == fact["from"] or kind == "shrunk_pack"
            if kind == "delisting":
                assert all(fact["sku_id"] not in shelves[store, region, d] for d in range(day, 32))
                continue
            assert now is not None
            if kind == "price_change":
                assert str(now.price) == fact["to"]
            elif kind == "fake_discount":
                assert (str(now.price), str(now.list_price)) == (fact["price"], fact["to"])
                prices = {shelves[store, region, d][fact["sku_id"]].price for d in range(32)}
                assert prices == {Decimal(fact["price"])}
            elif kind == "shrunk_pack":
                assert (now.ean, now.price) == (before.ean, before.price)
                assert now.name == fact["new_name"] != before.name
                assert fact["from"] in before.name
                assert fact["to"] in now.name
            elif kind == "sold_out":
                spell = range(day, fact["last_day"] + 1)
                assert all(shelves[store, region, d][fact["sku_id"]].price is None for d in spell)
                assert shelves[store, region, fact["last_day"] + 1][fact["sku_id"]].is_available
            elif kind == "region_difference":
                expected = fact["to"] if region in fact["regions"] else fact["from"]
                assert str(now.price) == expected
    assert len(seen) == 7


def test_outages_can_be_left_out() -> None:
    kinds = {fact["kind"] for fact in planted(World(products=60, outages=False), 0, 20)}
    assert "price_change" in kinds
    assert not {"outage", "department_outage"} & kinds


def test_truth_file(tmp_path: os.PathLike[str], sandbox: Sandbox) -> None:
    path = sandbox.write_truth_file(tmp_path / "truth.json", 0, 13)  # type: ignore[operator]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["facts"] == sandbox.planted(0, 13)
    aurora = document["stores"][0]["regions"]
    assert {"region": "florianopolis_sul", "same_prices_as": "florianopolis", "served": True} in aurora
    assert {"region": "lages", "same_prices_as": None, "served": False} in aurora
    day = document["facts"][0]
    assert date.fromisoformat(day["date"]) == sandbox.world.epoch + timedelta(days=day["day"])
