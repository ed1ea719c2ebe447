"""Costa: signed requests, CSV with decimal commas, a Link to the next page, local moments without a zone."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from gondola import clock
from gondola.sources.http import Fetcher, OnRequest, Site
from gondola.sources.retailers.base import Page, PageContent, Retailer
from gondola.sources.retailers.record import BadSaleError, SalesRecord, decimal_of, number_of, text_of

__all__ = ["Costa"]

_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
_COLUMNS = frozenset(
    (
        *("cupom", "item", "data_hora", "loja", "nome_loja", "cidade", "uf", "cliente", "classe", "produto"),
        *("descricao", "marca", "departamento", "codigo_barras", "quantidade", "preco", "total"),
    )
)


class Costa(Retailer):
    """`GET /export/sales.csv?day=…&limit=…`, signed with HMAC-SHA256 over method, path and time."""

    secret_names: ClassVar[tuple[str, ...]] = ("key_id", "secret")

    def first_path(self, day: date) -> str:
        """The first page."""
        return "/export/sales.csv?" + urlencode({"day": day.isoformat(), "limit": self.config.page_size})

    async def headers(
        self,
        fetcher: Fetcher,  # noqa: ARG002
        site: Site,  # noqa: ARG002
        path: str,
        on_request: OnRequest | None,  # noqa: ARG002
    ) -> Callable[[], Mapping[str, str]]:
        """A signature of its own for each attempt: it holds for some minutes only."""

        def signed() -> Mapping[str, str]:
            stamp = str(int(clock.now().timestamp()))
            text = f"GET\n{path}\n{stamp}".encode()
            signature = hmac.new(self._secrets["secret"].encode(), text, hashlib.sha256).hexdigest()
            return {
                "X-Costa-Key": self._secrets["key_id"],
                "X-Costa-Timestamp": stamp,
                "X-Costa-Signature": signature,
                "Accept": "text/csv",
            }

        return signed

    def content(self, page: Page) -> PageContent:
        """Rows; a header says how many, another where the next page is."""
        reader = csv.DictReader(io.StringIO(page.body.decode("utf-8"), newline=""), delimiter=";", strict=True)
        try:
            rows = list(reader)
        except csv.Error as error:
            message = f"no CSV: {error}"
            raise ValueError(message) from error
        missing = _COLUMNS - set(reader.fieldnames or ())
        if missing:
            message = f"the columns {', '.join(sorted(missing))} are missing"
            raise ValueError(message)
        declared = page.headers.get("X-Row-Count")
        if declared is not None and declared != str(len(rows)):
            message = f"{len(rows)} rows where it says {declared}"
            raise ValueError(message)
        following = _NEXT.search(page.headers.get("Link", ""))
        path = following[1] if following else None
        if path is not None and not path.startswith("/"):
            path = self._own_path(path)
        return PageContent(rows, path)

    def _own_path(self, address: str) -> str:
        """The path of an address of this retailer; nobody else is sent its signature."""
        root = self.config.base_url
        if not address.startswith(f"{root}/"):
            message = f"the next page is at another host than {root}"
            raise ValueError(message)
        return address.removeprefix(root)

    def records(self, row: Any) -> Iterator[Callable[[], SalesRecord]]:
        """A row is a line."""
        yield lambda: self._record(row)

    def _record(self, row: Mapping[str | None, Any]) -> SalesRecord:
        if None in row or None in row.values():
            raise BadSaleError(field="row", reason="has not as many fields as the header")
        try:
            sold_at = datetime.strptime(row["data_hora"], "%d/%m/%Y %H:%M:%S").replace(tzinfo=self.zone)
        except ValueError:
            raise BadSaleError(field="data_hora", reason="is no moment") from None
        if not re.fullmatch(r"[0-9]{1,10}", row["item"]):
            raise BadSaleError(field="item", reason="is no number")
        return self.record(
            sold_at=sold_at,
            transaction_id=text_of("cupom", row["cupom"], required=True),
            line_number=number_of("item", int(row["item"])),
            store_id=text_of("loja", row["loja"]),
            store_name=text_of("nome_loja", row["nome_loja"]),
            store_city=text_of("cidade", row["cidade"]),
            store_state=text_of("uf", row["uf"]),
            customer_id=text_of("cliente", row["cliente"]),
            customer_tier=text_of("classe", row["classe"]),
            product_id=text_of("produto", row["produto"], required=True),
            product_name=text_of("descricao", row["descricao"]),
            brand=text_of("marca", row["marca"]),
            category=text_of("departamento", row["departamento"]),
            barcode=text_of("codigo_barras", row["codigo_barras"]),
            quantity=decimal_of("quantidade", row["quantidade"], "quantity", comma=True),
            unit_price=decimal_of("preco", row["preco"], "price", comma=True),
            total_amount=decimal_of("total", row["total"], "total", comma=True),
        )
