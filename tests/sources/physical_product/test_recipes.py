"""Circles in recipes are found, all of them and nothing else, however deep they are."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gondola.sources.physical_product.recipes import circles

NAMES = st.sampled_from("ABCDEFGH")
LINES = st.lists(st.tuples(NAMES, NAMES), max_size=25)


def reaches_itself(name: str, lines: list[tuple[str, str]]) -> bool:
    """By walking everywhere from it."""
    reached, waiting = set(), [name]
    while waiting:
        at = waiting.pop()
        for product, component in lines:
            if product == at and component not in reached:
                reached.add(component)
                waiting.append(component)
    return name in reached


@given(LINES)
def test_exactly_those_that_reach_themselves(lines: list[tuple[str, str]]) -> None:
    found = circles(lines)
    assert set(found) == {product for product, _ in lines if reaches_itself(product, lines)}
    for product, way in found.items():
        steps = way.split(" > ")
        assert steps[0] == steps[-1] == product
        assert len(steps) >= 2
        assert all(step in lines for step in pairwise(steps)), way


def test_a_deep_recipe_needs_no_deep_stack() -> None:
    chain = [(f"p{number}", f"p{number + 1}") for number in range(50_000)]
    assert circles(chain) == {}
    assert len(circles([*chain, ("p50000", "p0")])) == 50_001
