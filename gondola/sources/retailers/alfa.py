"""Alfa: a key in a header, numbered pages of flat JSON, moments with an offset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from gondola.sources.http import Fetcher, OnRequest, Site
from gondola.sources.retailers.base import Page, PageContent, Retailer
from gondola.sources.retailers.record import BadSaleError, SalesRecord, decimal_of, moment_of, number_of, text_of

__all__ = ["Alfa"]


class Alfa(Retailer):
    """`GET /v1/sales?date=…&page=…&page_size=…` with `X-Api-Key`."""

    secret_names: ClassVar[tuple[str, ...]] = ("api_key",)

    def first_path(self, day: date) -> str:
        """The first page."""
        return self._path(day.isoformat(), 1)

    def _path(self, day: str, page: int) -> str:
        return "/v1/sales?" + urlencode({"date": day, "page": page, "page_size": self.config.page_size})

    async def headers(
        self,
        fetcher: Fetcher,  # noqa: ARG002
        site: Site,  # noqa: ARG002
        path: str,  # noqa: ARG002
        on_request: OnRequest | None,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """The key."""
        return {"X-Api-Key": self._secrets["api_key"]}

    def content(self, page: Page) -> PageContent:
        """Rows; the page says how many it has and how many pages there are."""
        document = json.loads(page.body, parse_float=Decimal)
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            message = "no object with items"
            raise ValueError(message)  # noqa: TRY004 - a damaged body, asked for again
        rows = document["items"]
        if len(rows) != document.get("count"):
            message = f"{len(rows)} rows where it says {document.get('count')}"
            raise ValueError(message)
        asked = parse_qs(urlsplit(page.path).query)
        number = int(asked["page"][0])
        last = number >= int(document["pages"])
        return PageContent(rows, None if last else self._path(asked["date"][0], number + 1), document.get("total"))

    def records(self, row: Any) -> Iterator[Callable[[], SalesRecord]]:
        """A row is a line."""
        yield lambda: self._record(row)

    def _record(self, row: Any) -> SalesRecord:
        if not isinstance(row, dict):
            raise BadSaleError(field="items", reason="is no object")
        return self.record(
            sold_at=moment_of("sold_at", row.get("sold_at")),
            transaction_id=text_of("sale_id", row.get("sale_id"), required=True),
            line_number=number_of("line", row.get("line")),
            store_id=text_of("store_code", row.get("store_code")),
            store_name=text_of("store_name", row.get("store_name")),
            store_city=text_of("store_city", row.get("store_city")),
            store_state=text_of("store_state", row.get("store_state")),
            customer_id=text_of("customer_id", row.get("customer_id")),
            customer_tier=text_of("customer_tier", row.get("customer_tier")),
            product_id=text_of("sku", row.get("sku"), required=True),
            product_name=text_of("description", row.get("description")),
            brand=text_of("brand", row.get("brand")),
            category=text_of("department", row.get("department")),
            barcode=text_of("ean", row.get("ean")),
            quantity=decimal_of("quantity", row.get("quantity"), "quantity"),
            unit_price=decimal_of("unit_price", row.get("unit_price"), "price"),
            total_amount=decimal_of("amount", row.get("amount"), "total"),
        )
