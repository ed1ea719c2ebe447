"""The same receipts in each chain's own words, with rows that can't be right planted among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, date
from typing import Any

from gondola.sandbox.retailers.sales import Line, RetailWorld, Sale

__all__ = ["BAD_ROWS", "COSTA_COLUMNS", "alfa_rows", "boreal_orders", "costa_csv", "costa_rows"]

# What is wrong with each bad row of an answer; the answer for a day has one of each.
BAD_ROWS = ("quantity is no number", "no product", "total is not what it adds up to", "no moment")

COSTA_COLUMNS = (
    "cupom", "item", "data_hora", "loja", "nome_loja", "cidade", "uf", "cliente", "classe",
    "produto", "descricao", "marca", "departamento", "codigo_barras", "quantidade", "preco", "total",
)  # fmt: skip

Row = dict[str, Any]


def alfa_rows(world: RetailWorld, day: date) -> list[Row]:
    """Flat rows, one for each line; money as JSON numbers, moments with São Paulo's offset."""

    def row(sale: Sale, line: Line) -> Row:
        shop = sale.shop
        return {
            "sale_id": sale.id,
            "line": line.number,
            "sold_at": sale.sold_at.isoformat(),
            "store_code": shop.id if shop else None,
            "store_name": shop.name if shop else None,
            "store_city": shop.city if shop else None,
            "store_state": shop.state if shop else None,
            "customer_id": sale.shopper,
            "customer_tier": sale.tier,
            "sku": line.good.id,
            "description": line.good.name,
            "brand": line.good.brand,
            "department": line.good.category,
            "ean": line.good.barcode,
            "quantity": float(line.quantity),
            "unit_price": line.cents / 100,
            "amount": float(line.total),
        }

    rows = [row(sale, line) for sale in world.answered("alfa", day) for line in sale.lines]
    spoil: Sequence[Row] = (
        {"quantity": "dois"},
        {"sku": None},
        {"amount": rows[-1]["amount"] + 7},
        {"sold_at": "ontem"},
    )
    return rows + [rows[-1] | bad | {"sale_id": f"A-bad-{day}-{number}"} for number, bad in enumerate(spoil)]


def boreal_orders(world: RetailWorld, day: date) -> list[Row]:
    """Nested orders; money in cents, moments in UTC."""
    orders = [_order(sale) for sale in world.answered("boreal", day)]
    spoil: Sequence[Callable[[Row], None]] = (
        lambda order: order["lines"][0].update(qty="n/a"),
        lambda order: order["lines"][0].update(product=None),
        lambda order: order["lines"][0]["price"].update(total=order["lines"][0]["price"]["total"] + 700),
        lambda order: order.update(created_at=None),
    )
    for number, change in enumerate(spoil):
        bad = _order(world.sold_on("boreal", day)[-1])
        bad |= {"id": f"B-bad-{day}-{number}", "lines": bad["lines"][:1]}
        change(bad)
        orders.append(bad)
    return orders


def _order(sale: Sale) -> Row:
    shop = sale.shop
    return {
        "id": sale.id,
        "created_at": sale.sold_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "shop": {"id": shop.id, "name": shop.name, "address": {"city": shop.city, "state": shop.state}}
        if shop
        else None,
        "buyer": {"id": sale.shopper, "segment": sale.tier} if sale.shopper else None,
        "lines": [
            {
                "no": line.number,
                "product": {
                    "id": line.good.id,
                    "title": line.good.name,
                    "brand": line.good.brand,
                    "category": {"name": line.good.category},
                    "gtin": line.good.barcode or None,
                },
                "qty": str(line.quantity),
                "price": {"unit": line.cents, "total": int(line.total * 100), "currency": "BRL"},
            }
            for line in sale.lines
        ],
    }


def costa_rows(world: RetailWorld, day: date) -> list[list[str]]:
    """Rows of text: decimal commas, local moments without a zone."""

    def number(value: object) -> str:
        return str(value).replace(".", ",")

    def row(sale: Sale, line: Line) -> list[str]:
        shop, good = sale.shop, line.good
        where = [shop.id, shop.name, shop.city, shop.state] if shop else [""] * 4
        return [
            *(
                sale.id,
                str(line.number),
                f"{sale.sold_at:%d/%m/%Y %H:%M:%S}",
                *where,
                sale.shopper or "",
                sale.tier or "",
            ),
            *(good.id, good.name, good.brand or "", good.category, good.barcode),
            *(number(line.quantity), number(f"{line.cents / 100:.2f}"), number(line.total)),
        ]

    rows = [row(sale, line) for sale in world.answered("costa", day) for line in sale.lines]
    last = dict(zip(COSTA_COLUMNS, rows[-1], strict=True))
    spoil = ({"quantidade": "1,5,0"}, {"produto": ""}, {"total": "99999,99"}, {"data_hora": "31/02/2026 10:00:00"})
    for place, bad in enumerate(spoil):
        rows.append(list((last | bad | {"cupom": f"C-bad-{day}-{place}"}).values()))
    return rows


def costa_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows as the chain's CSV, header and all."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COSTA_COLUMNS)
    writer.writerows(rows)
    return out.getvalue()
