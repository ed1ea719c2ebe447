"""Categories, slugs and the small sets of ids."""

from __future__ import annotations

import json

import pytest

from gondola.sources.vtex.families import FAMILIES, Context, InvalidAnswerError, Slice
from gondola.sources.vtex.idset import IdSet, key_of
from gondola.sources.vtex.tree import CategoryTree, Node, read_tree, slugify
from tests.sources.vtex.harness import recorded


def find(tree: CategoryTree, *ids: str) -> Node:
    node = tree.root
    for identifier in ids:
        node = node.children[identifier]
    return node


def recorded_tree(name: str) -> CategoryTree:
    tree = CategoryTree()
    tree.add(read_tree(recorded(name).read_bytes(), {}))
    return tree


def test_slugs_come_from_addresses_that_follow_the_tree() -> None:
    node = find(recorded_tree("bistek_category_tree.derived.json"), "1", "21")
    assert (node.slug, [step.id for step in node.path]) == ("molhos-temperos-e-condimentos", ["1", "21"])


def test_slugs_are_made_of_names_where_all_addresses_are_one() -> None:
    """This store's tree says `/busca` for every category."""
    tree = recorded_tree("digitalfarma_category_tree.real.json")
    assert find(tree, "1").slug == "bebes-y-maternidad"


@pytest.mark.parametrize(
    ("name", "slug"), [("Pães & Bolos", "paes-bolos"), ("Açúcar, Mel", "acucar-mel"), ("  0%  Álcool!", "0-alcool")]
)
def test_slugify(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_paths_are_learned_with_their_ancestors() -> None:
    tree = CategoryTree()
    tree.learn({"/1/17/": "/Mercearia/Arroz/", "/2/": "/Bebidas/", "/3/4/": "/A/B/C/"})
    assert find(tree, "1", "17").slug == "arroz"
    assert [step.name for step in find(tree, "1", "17").path] == ["Mercearia", "Arroz"]
    assert find(tree, "3", "4").name == "4"  # a name with a slash in it can't be split
    assert len(tree.root.children) == 3


def test_a_page_without_a_total_is_no_page() -> None:
    legacy = FAMILIES["legacy"]
    with pytest.raises(InvalidAnswerError, match="resources"):
        legacy.read(b'[{"productId":"1"}]', {})
    assert legacy.read(b"[]", {}).total == 0
    with pytest.raises(InvalidAnswerError):
        legacy.read(b"<html>", {"resources": "0-49/10"})
    with pytest.raises(InvalidAnswerError, match="recordsFiltered"):
        FAMILIES["is"].read(b'{"products":[]}', {})


def test_addresses_of_the_three_families() -> None:
    tree = CategoryTree()
    tree.learn({"/1/17/": "/Mercearia/Arroz & Feijão/"})
    part = Slice(find(tree, "1", "17"), brand=("2000", "Tio João"), sort=None)
    context = Context(2, region_id="v2.A=")
    assert FAMILIES["legacy"].url(part.sorted_by("OrderByNameASC"), 1, context) == (
        "/api/catalog_system/pub/products/search?fq=C:/1/17/&fq=B:2000&O=OrderByNameASC&_from=50&_to=99&sc=2"
    )
    assert FAMILIES["legacy"].key(part.sorted_by("OrderByNameASC")) == "C:/1/17/ B:2000 O:OrderByNameASC"
    facets = "category-1/mercearia/category-2/arroz-feijao/brand/tio-joao"
    assert FAMILIES["is"].key(part) == facets
    assert FAMILIES["is"].url(part, 0, context) == (
        f"/api/io/_v/api/intelligent-search/product_search/trade-policy/2/{facets}"
        "?page=1&count=50&hideUnavailableItems=false&showSponsored=false&regionId=v2.A%3D"
    )
    assert FAMILIES["is_v1"].url(part.sorted_by("name:asc"), 49, context) == (
        f"/api/intelligent-search/v1/product-search/{facets}"
        "?page=50&count=50&sort=name:asc&locale=pt-BR&country=BRA&hideUnavailableItems=false&sc=2&regionId=v2.A%3D"
    )


def test_ids_are_numbers_only_where_that_loses_nothing() -> None:
    assert [key_of(x) for x in ("12", 12, "0", "007", "a1", "\u0661", "9" * 18, "9" * 19, "")] == [
        12, 12, 0, "007", "a1", "\u0661", int("9" * 18), "9" * 19, "",
    ]  # fmt: skip
    ids = IdSet()
    assert [ids.add(key_of(x)) for x in ("7", "007", 7, "x", "x")] == [True, True, False, True, False]
    other = IdSet()
    other.update([7, 8, "y"])
    ids.update(other)
    assert len(ids) == 5
    assert json.dumps([8 in ids, "y" in ids, 9 in ids]) == "[true, true, false]"
