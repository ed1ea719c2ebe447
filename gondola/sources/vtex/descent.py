"""Down the category tree: which slices are walked so that every product is reached.

The root of the tree stands for the whole catalogue, and every node is treated alike: what fits the
window is walked there, with the products that hang on the node itself; what does not is left to its
children, and then searched for whatever is still missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from gondola.errors import CircuitOpenError, RobotsDisallowedError
from gondola.sources.vtex.collector import Collector, PageFacts
from gondola.sources.vtex.families import Slice
from gondola.sources.vtex.tree import CategoryTree, Node
from gondola.sources.vtex.walk import SliceRecord, Walker

__all__ = ["Descent"]

_FRUITLESS_SEARCHES = 3


@dataclass(slots=True, eq=False)
class _Branch:
    """A node of the tree with what came of it."""

    node: Node
    record: SliceRecord
    children: dict[str, _Branch] = field(default_factory=dict)
    overflows: bool = False
    extras: list[SliceRecord] = field(default_factory=list)
    """Slices by brand or order, asked to find what the node itself did not show."""

    def below(self) -> Iterator[_Branch]:
        """All branches under this one, the deepest first."""
        for child in self.children.values():
            yield from child.below()
            yield child

    @property
    def is_unfinished(self) -> bool:
        """Whether something under it failed and may still be got."""
        return any(branch.record.error is not None for branch in self.below())

    @property
    def explained(self) -> int:
        """Missing products of which the slice that withholds them is known: searching further is in vain."""
        return sum(
            child.explained if child.record.declared is None else child.record.missing
            for child in self.children.values()
        )


class Descent:
    """One way through a catalogue.

    Args:
        walker: Walks single slices.
        collector: Knows what was received so far, and the categories it carried.
        tree: Gives the store's tree, or None when the store refuses it.
        rest: Waits before the late pass.
    """

    def __init__(
        self,
        *,
        walker: Walker,
        collector: Collector,
        tree: Callable[[], Awaitable[CategoryTree | None]],
        rest: Callable[[], Awaitable[None]],
    ) -> None:
        self._walker = walker
        self._collector = collector
        self._read_tree = tree
        self._rest = rest
        self._tree = CategoryTree()
        self._late = False
        self._failed: list[_Branch] = []
        self._root = self._branch(self._tree.root)

    @property
    def root(self) -> SliceRecord:
        """The whole catalogue's record."""
        return self._root.record

    def records(self) -> Iterator[SliceRecord]:
        """Every slice that was asked, the catalogue itself last."""
        for branch in self._branches():
            yield branch.record
            yield from branch.extras

    def verdicts(self) -> Iterator[SliceRecord]:
        """The slices that must be complete: extra ones only served to complete these."""
        return (branch.record for branch in self._branches())

    async def run(self) -> None:
        """Get everything that can be got."""
        reading = asyncio.ensure_future(self._read_tree())
        try:
            await self._visit_root(reading)
            await self._late_pass()
        finally:
            reading.cancel()

    async def _visit_root(self, reading: asyncio.Future[CategoryTree | None]) -> None:
        root = self._root
        first = await self._walker.open(root.record)
        if first is not None and first.total <= self._walker.window:
            await self._walker.walk(root.record, first)
            if not root.record.missing:
                return
        tree = await reading
        if tree is not None:
            self._tree = tree
            root.node = tree.root
        root.overflows = True
        if first is None:
            self._note_failure(root)
        else:
            root.record.retry()  # what its own walk lacks is now searched for below it
        await self._descend(root)
        if not root.is_unfinished:
            await self._close_gap(root)

    async def _visit(self, branch: _Branch) -> None:
        record = branch.record
        first = await self._walker.open(record)
        if first is None:
            self._note_failure(branch)
            if self._late:  # its children are the last way to what it holds
                await self._descend(branch)
        elif first.total <= self._walker.window:
            await self._walker.walk(record, first)
            self._note_failure(branch)
        else:
            branch.overflows = True
            await self._descend(branch)
            if not branch.is_unfinished:
                await self._close_gap(branch)

    async def _descend(self, branch: _Branch) -> None:
        """Visit the children, and those learned of meanwhile as long as products are missing."""
        while fresh := self._new_children(branch):
            async with asyncio.TaskGroup() as group:
                for child in fresh:
                    group.create_task(self._visit(child))
            self._merge(branch)
            if branch.record.declared is not None and not branch.record.missing:
                return
            self._tree.learn(self._collector.learned)

    async def _close_gap(self, branch: _Branch) -> None:
        """Search a node for products that none of its children has."""
        record = branch.record
        self._merge(branch)
        if record.declared is None:
            return
        if record.missing > branch.explained:
            await self._search_all(branch)
        record.judge()

    async def _search_all(self, branch: _Branch) -> None:
        """Search until nothing is missing that could be found, or nothing more is found."""
        fruitless = 0
        for search in self._searches(branch):
            if self._walker.breaker.is_open:
                return
            before = len(branch.record.ids)
            await search()
            self._tree.learn(self._collector.learned)
            await self._descend(branch)
            if branch.record.missing <= branch.explained:
                return
            fruitless = 0 if len(branch.record.ids) > before else fruitless + 1
            if fruitless >= _FRUITLESS_SEARCHES:
                return

    def _searches(self, branch: _Branch) -> Iterator[Callable[[], Awaitable[None]]]:
        """Ways to reach what the window of the node hides, the cheapest first."""
        whole = branch.record.part
        asked: set[tuple[str, str]] = set()
        brands = partial(self._search_brands, branch, asked)
        yield partial(self._search, branch, whole)
        if branch.children:
            for sort in self._walker.sorts:
                yield partial(self._search, branch, whole.sorted_by(sort))
            if branch is not self._root:
                yield brands
        else:
            yield brands
            for sort in self._walker.sorts:
                yield partial(self._search, branch, whole.sorted_by(sort))
                yield brands

    async def _search(self, branch: _Branch, part: Slice) -> None:
        """Walk the window of a slice of the node, in one order, until nothing is missing."""
        extra = self._walker.record(part)
        if part != branch.record.part:
            branch.extras.append(extra)
        first = await self._walker.open(extra)
        if first is None:
            return
        if part.brand is None:
            branch.record.declared = first.total  # the latest word on the node itself
        await self._reach(branch, extra, first)
        if part == branch.record.part:
            branch.record.pages += extra.pages
            branch.record.walks += extra.walks

    async def _reach(self, branch: _Branch, extra: SliceRecord, first: PageFacts) -> None:
        def is_enough() -> bool:
            branch.record.ids.update(extra.ids)
            branch.record.brands |= extra.brands
            return not branch.record.missing

        await self._walker.reach(extra, first, is_enough)
        is_enough()

    async def _search_brands(self, branch: _Branch, asked: set[tuple[str, str]]) -> None:
        """Ask for each brand seen on the node and not yet asked."""
        fresh = sorted(branch.record.brands - asked)
        asked.update(fresh)
        async with asyncio.TaskGroup() as group:
            for brand in fresh:
                group.create_task(self._search_brand(branch, branch.record.part.of_brand(brand)))

    async def _search_brand(self, branch: _Branch, part: Slice) -> None:
        extra = self._walker.record(part)
        branch.extras.append(extra)
        first = await self._walker.open(extra)
        if first is None:
            return
        if first.total <= self._walker.window:
            await self._walker.walk(extra, first)
            branch.record.ids.update(extra.ids)
            return
        await self._reach(branch, extra, first)
        for sort in self._walker.sorts:
            if not branch.record.missing:
                break
            await self._search(branch, part.sorted_by(sort))

    async def _late_pass(self) -> None:
        """Ask once more for what failed, then search where that had to be waited for."""
        if self._failed:
            await self._rest()
            self._late = True
            failed, self._failed = self._failed, []
            await self._revisit_all(failed)
            self._walker.breaker.reset()  # a dead category must not keep us from searching elsewhere
        for branch in list(self._branches()):
            if branch.overflows and branch.record.status is None:
                await self._close_gap(branch)

    async def _revisit_all(self, failed: list[_Branch]) -> None:
        """Slices that were never asked come first: they are the likelier to answer.

        While the breaker is open they are tried one by one until one succeeds or it opens anew.
        """
        failed.sort(key=lambda branch: not isinstance(branch.record.error, CircuitOpenError))
        if self._walker.breaker.is_open:
            self._walker.breaker.reset()
            while failed and not self._walker.breaker.is_open:
                branch = failed.pop(0)
                await self._revisit(branch)
                if branch.record.error is None:
                    break
        async with asyncio.TaskGroup() as group:
            for branch in failed:
                group.create_task(self._revisit(branch))

    async def _revisit(self, branch: _Branch) -> None:
        branch.record.retry()
        if branch is self._root:
            await self._walker.open(branch.record)
        else:
            await self._visit(branch)

    def _note_failure(self, branch: _Branch) -> None:
        error = branch.record.error
        if error is not None and not isinstance(error, RobotsDisallowedError):
            self._failed.append(branch)

    def _branch(self, node: Node) -> _Branch:
        return _Branch(node, self._walker.record(Slice(node)))

    def _branches(self) -> Iterator[_Branch]:
        yield from self._root.below()
        yield self._root

    def _new_children(self, branch: _Branch) -> list[_Branch]:
        fresh = [self._branch(node) for key, node in branch.node.children.items() if key not in branch.children]
        branch.children |= {child.node.id: child for child in fresh}
        return fresh

    @staticmethod
    def _merge(branch: _Branch) -> None:
        for child in branch.children.values():
            branch.record.ids.update(child.record.ids)
