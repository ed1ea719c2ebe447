"""Turns pages into rows: decodes each product, merges duplicates, sends odd ones to quarantine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from gondola.sources.vtex.contract import RejectedRow, Sink
from gondola.sources.vtex.families import Page
from gondola.sources.vtex.idset import IdSet, Key, key_of
from gondola.sources.vtex.products import Product, decode_identity, decode_product
from gondola.sources.vtex.rows import Batch, ImpossibleValueError, row_of

__all__ = ["Collector", "PageFacts"]

_LONGEST_VALUE = 10_000


@dataclass(slots=True)
class PageFacts:
    """What a slice needs to know of a page once its products are kept."""

    total: int
    ids: list[Key] = field(default_factory=list)
    brands: set[tuple[str, str]] = field(default_factory=set)
    """Id and name."""


class Collector:
    """The rows of one crawl, streaming out as they come in.

    Args:
        run_id: The run they belong to.
        regional: Ids of the region's sellers; empty when not known.
        sink: Takes tables and rejected rows.
        flush_bytes: Raw bytes after which rows are handed over.
        flush_rows: Rows after which they are.
    """

    def __init__(
        self, *, run_id: str, regional: Collection[str], sink: Sink, flush_bytes: int, flush_rows: int
    ) -> None:
        self.products = IdSet()
        self.learned: dict[str, str] = {}
        """Every category path the products carried: ids to names."""
        self.written = 0
        self.rejected = 0
        self._skus = IdSet()
        self._brands: dict[tuple[str, str], tuple[str, str]] = {}  # one object each: every slice keeps a set
        self._run_id = run_id
        self._regional = frozenset(regional)
        self._sink = sink
        self._flush_bytes = flush_bytes
        self._flush_rows = flush_rows
        self._batch = Batch()

    def absorb(self, page: Page, slice_key: str) -> PageFacts:
        """Keep what is new on a page.

        Args:
            page: The answer.
            slice_key: The slice it belongs to, as named in records.
        """
        facts = PageFacts(page.total)
        fetched_at = time.time_ns() // 1000
        rows = len(self._batch)
        for position, raw in enumerate(page.products):
            try:
                product = decode_product(raw)
            except msgspec.MsgspecError as error:
                facts.ids.append(self._reject_product(raw, slice_key, position, error))
                continue
            key = key_of(product.id)
            facts.ids.append(key)
            if product.brand_id is not None and product.brand:
                brand = (str(product.brand_id), product.brand)
                facts.brands.add(self._brands.setdefault(brand, brand))
            if self.products.add(key):
                self._learn(product)
                if not product.items:
                    self._reject(slice_key, position, "items", "the product has no SKU", raw)
            self._keep(product, raw, slice_key, position, fetched_at)
        if len(self._batch) > rows:
            self._batch.held += page.size
        return facts

    @property
    def is_full(self) -> bool:
        """Whether rows should leave memory."""
        return self._batch.held >= self._flush_bytes or len(self._batch) >= self._flush_rows

    def flush(self) -> None:
        """Hand the rows over.

        Here and now: it takes some milliseconds while requests are under way, and a thread for it would cost more
        CPU (taking turns at the interpreter's lock) and memory (a heap of its own, and a batch that fills meanwhile).
        """
        if self._batch:
            batch, self._batch = self._batch, Batch()
            self.written += len(batch)
            self._sink.write(batch.table(self._run_id))

    def _keep(self, product: Product, raw: msgspec.Raw, slice_key: str, position: int, fetched_at: int) -> None:
        kept = False
        for item in product.items or ():
            if not self._skus.add(key_of(item.id)):
                continue
            try:
                row = row_of(product, item, fetched_at=fetched_at, slice_key=slice_key, regional=self._regional)
            except ImpossibleValueError as error:
                self._reject(slice_key, position, error.field, str(error), raw)
                continue
            self._batch.add(row, None if kept else raw)  # the product's bytes go with its first row only
            kept = True

    def _learn(self, product: Product) -> None:
        if product.category_ids and product.categories:
            for ids, names in zip(product.category_ids, product.categories, strict=False):
                if ids not in self.learned:
                    self.learned[ids] = names

    def _reject_product(self, raw: msgspec.Raw, slice_key: str, position: int, error: msgspec.MsgspecError) -> Key:
        """Note a malformed product; it still counts as received, under its id or a digest of its bytes."""
        try:
            key = key_of(decode_identity(raw).id)
        except msgspec.MsgspecError:
            key = hashlib.blake2b(raw, digest_size=16).hexdigest()
        if self.products.add(key):
            reason, _, path = str(error).partition(" - at `$")
            self._reject(slice_key, position, path.strip("`.") or "(product)", reason, raw)
        return key

    def _reject(self, slice_key: str, position: int, field_name: str, reason: str, raw: msgspec.Raw) -> None:
        self.rejected += 1
        value = bytes(memoryview(raw)[: 4 * _LONGEST_VALUE]).decode(errors="replace")[:_LONGEST_VALUE]
        self._sink.reject(RejectedRow(slice_key, position, field_name, reason, value))
