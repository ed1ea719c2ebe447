"""Scrapy at its best: it only fetches; a page is decoded by msgspec in one callback and appended to Parquet columns.

It writes bronze's typed columns with our writer's settings. It leaves the raw column out, which makes it the harder
one to beat; `scrapy_tuned_raw` keeps it as our crawl does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from benchmarks.crawl.common import TREE, arguments, leaf_paths, page_path, rest_of
from benchmarks.crawl.scrapy_settings import SETTINGS, finished, resources
from gondola.sources.vtex.schema import BRONZE_SCHEMA, PLAIN_COLUMNS

__all__ = ["main"]

_FLUSH_ROWS = 5000
_FLUSH_RAW_BYTES = 4_000_000


class _Offer(msgspec.Struct, rename="pascal"):
    price: float
    list_price: float
    price_without_discount: float
    full_selling_price: float | None
    is_available: bool
    available_quantity: int
    price_valid_until: datetime | None
    promotion_teasers: list[msgspec.Raw]


class _Seller(msgspec.Struct, rename="camel"):
    seller_id: str
    seller_name: str
    seller_default: bool
    commertial_offer: _Offer


class _Reference(msgspec.Struct, rename="pascal"):
    value: str


class _Image(msgspec.Struct, rename="camel"):
    image_url: str


class _Item(msgspec.Struct, rename="camel"):
    item_id: str
    name: str
    ean: str
    reference_id: list[_Reference]
    measurement_unit: str
    unit_multiplier: float
    images: list[_Image]
    sellers: list[_Seller]


class _Product(msgspec.Struct, rename="camel"):
    product_id: str
    product_name: str
    brand: str
    brand_id: int
    categories: list[str]
    categories_ids: list[str]
    link: str
    items: list[_Item]


_decode_page = msgspec.json.Decoder(list[_Product]).decode
_split_page = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_product = msgspec.json.Decoder(_Product).decode


class Columns:
    """Rows until there are enough for a row group."""

    def __init__(self, path: Path, *, keep_raw: bool) -> None:
        self._schema = BRONZE_SCHEMA if keep_raw else BRONZE_SCHEMA.remove(BRONZE_SCHEMA.get_field_index("raw"))
        repeating = [name for name in self._schema.names if name not in PLAIN_COLUMNS]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=repeating,
            write_statistics=repeating,
            store_decimal_as_integer=True,
        )
        self._keep_raw = keep_raw
        self._rows: list[tuple[Any, ...]] = []
        self._raw_bytes = 0

    def add(self, body: bytes, where: str, fetched_at: datetime) -> None:
        for product, raw in self._products(body):
            self._raw_bytes += len(raw or b"")
            for number, item in enumerate(product.items):
                seller = next(s for s in item.sellers if s.seller_default)
                offer = seller.commertial_offer
                self._rows.append((
                    "benchmark", fetched_at, where, product.product_id, item.item_id, item.ean,
                    item.reference_id[0].value if item.reference_id else None, product.product_name, item.name,
                    product.brand, str(product.brand_id), product.categories[0], product.categories_ids[0],
                    product.link,
                    item.images[0].image_url if item.images else None, item.measurement_unit, item.unit_multiplier,
                    seller.seller_id, seller.seller_name, offer.price, offer.list_price, offer.price_without_discount,
                    offer.full_selling_price, None, offer.is_available, offer.available_quantity,
                    offer.price_valid_until,
                    msgspec.json.encode(offer.promotion_teasers).decode() if offer.promotion_teasers else None,
                    None if number else raw,
                ))  # fmt: skip
        if len(self._rows) >= _FLUSH_ROWS or self._raw_bytes >= _FLUSH_RAW_BYTES:
            self.flush()

    def _products(self, body: bytes) -> Iterator[tuple[_Product, bytes | None]]:
        if not self._keep_raw:
            return zip(_decode_page(body), repeat(None))
        return ((_decode_product(raw), bytes(raw)) for raw in _split_page(body))

    def flush(self) -> None:
        columns = [
            pa.array(values, pa.float64()).cast(field.type)
            if pa.types.is_decimal(field.type)
            else pa.array(values, field.type)
            for field, values in zip(self._schema, zip(*self._rows, strict=True), strict=False)
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()
        self._raw_bytes = 0

    def close(self) -> None:
        if self._rows:
            self.flush()
        self._writer.close()


class Spider(scrapy.Spider):
    name = "vtex"

    def __init__(self, url: str, columns: Columns, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._url = url
        self._columns = columns

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield scrapy.Request(self._url + TREE, callback=self.parse_tree)

    def parse_tree(self, response: Response) -> Iterator[scrapy.Request]:
        for leaf in leaf_paths(msgspec.json.decode(response.body)):
            arguments = {"leaf": leaf}
            yield scrapy.Request(self._url + page_path(leaf, 0), callback=self.parse_first, cb_kwargs=arguments)

    def parse_first(self, response: Response, leaf: str) -> Iterator[scrapy.Request]:
        self.parse_page(response, leaf)
        for rest in rest_of(leaf, resources(response)):
            yield scrapy.Request(self._url + rest, callback=self.parse_page, cb_kwargs={"leaf": leaf})

    def parse_page(self, response: Response, leaf: str) -> None:
        self._columns.add(response.body, f"C:{leaf}/", datetime.now(UTC))


def main(*, keep_raw: bool) -> int:
    """Crawl, and print what the benchmark verifies."""
    options = arguments(__doc__)
    output = options.out / "items.parquet"
    columns = Columns(output, keep_raw=keep_raw)
    concurrency = {
        "CONCURRENT_REQUESTS": options.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": options.concurrency,
    }
    process = CrawlerProcess({**SETTINGS, **concurrency})
    crawler = process.create_crawler(Spider)
    process.crawl(crawler, url=options.url, columns=columns)
    process.start()
    columns.close()
    print(json.dumps({"output": str(output), "keeps_raw": keep_raw}))
    return 0 if finished(crawler) else 1


if __name__ == "__main__":
    sys.exit(main(keep_raw=False))
