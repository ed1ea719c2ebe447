"""Boreal: OAuth2 client credentials, orders in nested JSON behind a cursor, moments in UTC, money in cents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from gondola import clock
from gondola.sources.http import Ask, Fetcher, HttpStatusError, OnRequest, Site
from gondola.sources.retailers.base import Page, PageContent, Retailer
from gondola.sources.retailers.config import RetailerConfig
from gondola.sources.retailers.record import BadSaleError, SalesRecord, decimal_of, moment_of, number_of, text_of

__all__ = ["Boreal"]

_EARLY = timedelta(seconds=30)  # a token is thrown away so long before its end
_TOKEN_PATH = "/oauth/token"  # noqa: S105


class Boreal(Retailer):
    """`GET /orders?from=…&to=…&limit=…&cursor=…` with a bearer token from `POST /oauth/token`."""

    secret_names: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, config: RetailerConfig, secrets: Mapping[str, str]) -> None:
        """No token is asked for yet."""
        super().__init__(config, secrets)
        self._token: str | None = None
        self._token_until = clock.now()
        self._refused = False

    def first_path(self, day: date) -> str:
        """The first page: the day as a span in UTC."""
        first, after = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in self.span(day))
        return self._path(first, after)

    def _path(self, first: str, after: str, cursor: str | None = None) -> str:
        query = {"from": first, "to": after, "limit": str(self.config.page_size)}
        return "/orders?" + urlencode(query | ({"cursor": cursor} if cursor else {}))

    async def headers(
        self,
        fetcher: Fetcher,
        site: Site,
        path: str,  # noqa: ARG002
        on_request: OnRequest | None,
    ) -> Mapping[str, str]:
        """A token that is good for some time to come."""
        if self._token is None or clock.now() >= self._token_until - _EARLY:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._secrets["client_id"],
                "client_secret": self._secrets["client_secret"],
            }
            ask = Ask(_TOKEN_PATH, _read_token, label=self.config.id, form=form)
            token, seconds = await fetcher.get(site, ask, on_request=on_request)
            self._token = self._secrets["token"] = token  # among the secrets, so that no message shows it
            self._token_until = clock.now() + timedelta(seconds=seconds)
        return {"Authorization": f"Bearer {self._token}"}

    async def page(
        self, fetcher: Fetcher, site: Site, path: str, *, attempts: int, on_request: OnRequest | None
    ) -> tuple[Page, PageContent]:
        """A page; a token that is no longer taken is noted, so that `renewed` throws it away."""
        try:
            return await super().page(fetcher, site, path, attempts=attempts, on_request=on_request)
        except HttpStatusError as error:
            self._refused = error.status == HTTPStatus.UNAUTHORIZED and self._token is not None
            raise

    async def renewed(self) -> bool:
        """Whether the token was refused; the next page asks for another."""
        refused, self._refused = self._refused, False
        if refused:
            self._token = None
        return refused

    def content(self, page: Page) -> PageContent:
        """Orders; the page says how many it has, and the cursor of the next."""
        document = json.loads(page.body, parse_float=Decimal)
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            message = "no object with data"
            raise ValueError(message)  # noqa: TRY004 - a damaged body, asked for again
        rows = document["data"]
        if len(rows) != document.get("count"):
            message = f"{len(rows)} orders where it says {document.get('count')}"
            raise ValueError(message)
        asked, cursor = parse_qs(urlsplit(page.path).query), document.get("next_cursor")
        return PageContent(rows, self._path(asked["from"][0], asked["to"][0], cursor) if cursor else None)

    def records(self, row: Any) -> Iterator[Callable[[], SalesRecord]]:
        """An order has lines."""
        lines = row.get("lines") if isinstance(row, dict) else None
        if not isinstance(lines, list) or not lines:

            def nothing() -> SalesRecord:
                raise BadSaleError(field="lines", reason="is no list of lines")

            yield nothing
            return
        for line in lines:
            yield lambda line=line: self._record(row, line)  # type: ignore[misc]

    def _record(self, order: dict[str, Any], line: Any) -> SalesRecord:
        product, price = _object(line, "product"), _object(line, "price")
        shop, buyer = order.get("shop") or {}, order.get("buyer") or {}
        address = shop.get("address") or {}
        if price.get("currency", self.config.currency) != self.config.currency:
            raise BadSaleError(field="price.currency", reason=f"is not {self.config.currency}")
        return self.record(
            sold_at=moment_of("created_at", order.get("created_at")),
            transaction_id=text_of("id", order.get("id"), required=True),
            line_number=number_of("no", line.get("no")),
            store_id=text_of("shop.id", shop.get("id")),
            store_name=text_of("shop.name", shop.get("name")),
            store_city=text_of("shop.address.city", address.get("city")),
            store_state=text_of("shop.address.state", address.get("state")),
            customer_id=text_of("buyer.id", buyer.get("id")),
            customer_tier=text_of("buyer.segment", buyer.get("segment")),
            product_id=text_of("product.id", product.get("id"), required=True),
            product_name=text_of("product.title", product.get("title")),
            brand=text_of("product.brand", product.get("brand")),
            category=text_of("product.category.name", (product.get("category") or {}).get("name")),
            barcode=text_of("product.gtin", product.get("gtin")),
            quantity=decimal_of("qty", line.get("qty"), "quantity"),
            unit_price=_money("price.unit", price.get("unit"), "price"),
            total_amount=_money("price.total", price.get("total"), "total"),
        )


def _object(line: Any, name: str) -> dict[str, Any]:
    found = line.get(name) if isinstance(line, dict) else None
    if not isinstance(found, dict):
        raise BadSaleError(field=name, reason="is missing")
    return found


def _money(field: str, cents: object, kind: str) -> Decimal:
    if not isinstance(cents, int) or isinstance(cents, bool):
        raise BadSaleError(field=field, reason="is no number of cents")
    return decimal_of(field, Decimal(cents) / 100, kind)


def _read_token(body: bytes, _headers: Mapping[str, str]) -> tuple[str, float]:
    document = json.loads(body)
    try:
        return str(document["access_token"]), float(document.get("expires_in", 60))
    except (KeyError, TypeError) as error:
        message = "no access_token in the answer"
        raise ValueError(message) from error
