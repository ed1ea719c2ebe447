"""The usual Scrapy spider: stdlib JSON, one item per SKU, a JSON-lines feed."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from benchmarks.crawl.common import TREE, arguments, leaf_paths, page_path, rest_of
from benchmarks.crawl.scrapy_settings import SETTINGS, finished, resources


class Spider(scrapy.Spider):
    name = "vtex"

    def __init__(self, url: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._url = url

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield scrapy.Request(self._url + TREE, callback=self.parse_tree)

    def parse_tree(self, response: Response) -> Iterator[scrapy.Request]:
        for leaf in leaf_paths(json.loads(response.body)):
            yield scrapy.Request(self._url + page_path(leaf, 0), callback=self.parse_first, cb_kwargs={"leaf": leaf})

    def parse_first(self, response: Response, leaf: str) -> Iterator[scrapy.Request | dict[str, Any]]:
        for rest in rest_of(leaf, resources(response)):
            yield scrapy.Request(self._url + rest, callback=self.parse_page)
        yield from self.parse_page(response)

    def parse_page(self, response: Response) -> Iterator[dict[str, Any]]:
        for product in json.loads(response.body):
            for item in product["items"]:
                yield row(product, item)


def row(product: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """The fields bronze has typed columns for."""
    seller = next(s for s in item["sellers"] if s["sellerDefault"])
    offer = seller["commertialOffer"]
    return {
        "product_id": product["productId"],
        "sku_id": item["itemId"],
        "ean": item["ean"],
        "reference_id": item["referenceId"][0]["Value"] if item["referenceId"] else None,
        "product_name": product["productName"],
        "sku_name": item["name"],
        "brand": product["brand"],
        "brand_id": product["brandId"],
        "category_path": product["categories"][0],
        "category_ids": product["categoriesIds"][0],
        "link": product["link"],
        "image_url": item["images"][0]["imageUrl"] if item["images"] else None,
        "measurement_unit": item["measurementUnit"],
        "unit_multiplier": item["unitMultiplier"],
        "seller_id": seller["sellerId"],
        "seller_name": seller["sellerName"],
        "price": offer["Price"],
        "list_price": offer["ListPrice"],
        "price_without_discount": offer["PriceWithoutDiscount"],
        "full_selling_price": offer["FullSellingPrice"],
        "is_available": offer["IsAvailable"],
        "available_quantity": offer["AvailableQuantity"],
        "price_valid_until": offer["PriceValidUntil"],
        "teasers": offer["PromotionTeasers"],
    }


if __name__ == "__main__":
    options = arguments(__doc__)
    feed = {"FEEDS": {str(options.out / "items.jsonl"): {"format": "jsonlines", "encoding": "utf8"}}}
    concurrency = {
        "CONCURRENT_REQUESTS": options.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": options.concurrency,
    }
    process = CrawlerProcess({**SETTINGS, **concurrency, **feed})
    crawler = process.create_crawler(Spider)
    process.crawl(crawler, url=options.url)
    process.start()
    print(json.dumps({"output": str(options.out / "items.jsonl")}))
    sys.exit(0 if finished(crawler) else 1)
