"""Recipes that lead back to themselves: nothing can be made of itself, so such lines are refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

__all__ = ["circles"]

_MOST_WALKED = 500  # products of one knot whose ways are told one by one


def circles(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Find every product that is, over any number of levels, a component of itself.

    Products whose components end are taken away first, which is all of them in a sound file; of the rest, the strongly
    connected ones are found by Tarjan's algorithm (1972), without recursion, as recipes may be deep.

    Args:
        lines: Product and component of each recipe line.

    Returns:
        Product -> a way from it back to itself, such as `A > B > A`.
    """
    parts: dict[str, set[str]] = defaultdict(set)
    users: dict[str, set[str]] = defaultdict(set)
    for product, component in lines:
        parts[product].add(component)
        users[component].add(product)
    open_parts = {product: len(components) for product, components in parts.items()}
    ended = [name for name in users if name not in parts]
    while ended:
        for product in users.get(ended.pop(), ()):
            open_parts[product] -= 1
            if not open_parts[product]:
                ended.append(product)
    left = {product for product, count in open_parts.items() if count}
    graph = {product: sorted(parts[product] & left) for product in sorted(left)}
    return {
        product: _way_back(product, group, graph) if len(group) <= _MOST_WALKED else f"{product} > … > {product}"
        for group in _components(graph)
        for product in group
        if len(group) > 1 or product in graph[product]
    }


def _components(graph: dict[str, list[str]]) -> list[set[str]]:
    """The strongly connected components of a graph."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for root in graph:
        work = [(root, 0)] if root not in number else []
        while work:
            node, place = work.pop()
            if place == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                on_stack.add(node)
            else:
                low[node] = min(low[node], low[graph[node][place - 1]])
            for at in range(place, len(graph[node])):
                other = graph[node][at]
                if other not in number:
                    work += [(node, at + 1), (other, 0)]
                    break
                if other in on_stack:
                    low[node] = min(low[node], number[other])
            else:
                if low[node] == number[node]:
                    cut = stack.index(node)
                    found.append(set(stack[cut:]))
                    on_stack -= found[-1]
                    del stack[cut:]
    return found


def _way_back(product: str, group: set[str], graph: dict[str, list[str]]) -> str:
    """The shortest way from a product to itself."""
    came_from: dict[str, str] = {}
    reached = [product]
    for node in reached:
        for other in graph[node]:
            if other == product:
                way = [product, node]
                while way[-1] != product:
                    way.append(came_from[way[-1]])
                return " > ".join([product, *reversed(way[1:-1]), product] if node != product else [product, product])
            if other in group and other not in came_from:
                came_from[other] = node
                reached.append(other)
    raise AssertionError(product)  # a component of more than one is a circle
