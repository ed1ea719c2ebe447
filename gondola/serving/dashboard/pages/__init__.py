"""The pages, in the order of the menu; a new one is a module with `show` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gondola.serving.dashboard.pages import (
    compare,
    events,
    jaffle_shop,
    operations,
    physical_product,
    product,
    regions,
    retail_sales,
    today,
)
from gondola.serving.dashboard.view import View

__all__ = ["PAGES", "PageSpec"]


@dataclass(frozen=True, slots=True)
class PageSpec:
    """One page of the menu."""

    name: str  # in the address, and of its messages
    icon: str
    show: Callable[[View], None]
    schema: str | None  # the schema it can't do without
    always: bool = True  # offered even before there is any data of it


PAGES = (
    PageSpec("today", ":material/today:", today.show, "market"),
    PageSpec("product", ":material/search:", product.show, "market"),
    PageSpec("compare", ":material/balance:", compare.show, "market"),
    PageSpec("regions", ":material/map:", regions.show, "market"),
    PageSpec("events", ":material/ads_click:", events.show, "events"),
    PageSpec("physical_product", ":material/inventory_2:", physical_product.show, "physical_product", always=False),
    PageSpec("retail_sales", ":material/point_of_sale:", retail_sales.show, "retail_sales", always=False),
    PageSpec("jaffle_shop", ":material/bakery_dining:", jaffle_shop.show, "jaffle_shop"),
    PageSpec("operations", ":material/monitor_heart:", operations.show, "ops"),
)
