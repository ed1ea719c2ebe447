"""The pages, in the order of the menu; a new one is a module with `show` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gondola.serving.dashboard.pages import compare, events, jaffle_shop, operations, product, regions, today
from gondola.serving.dashboard.view import View

__all__ = ["PAGES", "PageSpec"]


@dataclass(frozen=True, slots=True)
class PageSpec:
    """One page of the menu."""

    name: str  # in the address, and of its messages
    section: str
    icon: str
    show: Callable[[View], None]
    schema: str | None  # the schema it can't do without
    always: bool = True  # offered even before there is any data of it


PAGES = (
    PageSpec("today", "market", ":material/today:", today.show, "market"),
    PageSpec("product", "market", ":material/search:", product.show, "market"),
    PageSpec("compare", "market", ":material/balance:", compare.show, "market"),
    PageSpec("regions", "market", ":material/map:", regions.show, "market"),
    PageSpec("events", "own", ":material/ads_click:", events.show, "events"),
    PageSpec("jaffle_shop", "own", ":material/bakery_dining:", jaffle_shop.show, "jaffle_shop"),
    PageSpec("operations", "platform", ":material/monitor_heart:", operations.show, "ops"),
)
