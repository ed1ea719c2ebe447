"""Whatever a row holds, it becomes a record that silver can hold or is refused with a reason; the others go on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondola.sandbox.retailers import RetailWorld
from gondola.sandbox.retailers.formats import COSTA_COLUMNS, alfa_rows, boreal_orders, costa_rows
from gondola.sources.retailers import Page, Retailer, RetailerConfig, read_pages
from gondola.sources.retailers.alfa import Alfa
from gondola.sources.retailers.boreal import Boreal
from gondola.sources.retailers.costa import Costa
from gondola.sources.retailers.record import SALES_SCHEMA

DAY = date(2026, 2, 5)
WORLD = RetailWorld(sales=5)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
# What has once been taken for good, in every place; and then whatever comes.
NASTY = [
    "²",
    "٣",
    "\ud800",
    "9" * 40,
    "1e400",
    "NaN",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "\0",
    "",
]
TEXTS = st.text() | st.sampled_from(NASTY)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def retailer(kind: type[Retailer], name: str) -> Retailer:
    config = RetailerConfig(
        id=name,
        name=name,
        api=name,
        base_url="http://127.0.0.1:1",
        time_zone="America/Sao_Paulo",
        secrets=dict.fromkeys(kind.secret_names, "NONE"),
    )
    return kind(config, dict.fromkeys(kind.secret_names, "x"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a row."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(row: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = deepcopy(row)
    here = changed
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = odd
    return changed


def judge(reader: Retailer, path: str, body: bytes) -> None:
    records, rejected = read_pages(reader, [Page(path, NOW, {}, body)], NOW)
    assert records, "the good row goes on"
    assert all(row.reason and row.field for row in rejected)
    pa.Table.from_pylist([record.as_row(fetched_at=NOW, run_id="r") for record in records], SALES_SCHEMA)


@pytest.mark.parametrize(
    ("kind", "rows", "path", "name", "extra"),
    [
        (Alfa, alfa_rows(WORLD, DAY), "/v1/sales?date=2026-02-05&page=1", "items", {"pages": 1, "total": 2}),
        (Boreal, boreal_orders(WORLD, DAY), "/orders?from=a&to=b", "data", {"next_cursor": None}),
    ],
    ids=["alfa", "boreal"],
)
def test_json(kind: type[Retailer], rows: list[Any], path: str, name: str, extra: dict[str, Any]) -> None:
    reader, good = retailer(kind, kind.__name__.lower()), rows[0]
    where = list(places(rows[1]))

    def check(place: tuple[Any, ...], odd: Any) -> None:
        body = {name: [good, replaced(rows[1], place, odd)], "count": 2} | extra
        judge(reader, path, json.dumps(body).encode())

    for place in where:
        for odd in [*NASTY, None, True, -1, 2**40, 10**30, 1e308, float("nan"), [], {}]:
            check(place, odd)
    given(st.sampled_from(where), ODD)(check)()


@given(st.sampled_from(COSTA_COLUMNS), TEXTS.filter(lambda text: text.isprintable()))
def test_csv(column: str, odd: str) -> None:
    good, other = costa_rows(WORLD, DAY)[:2]
    text = io.StringIO()
    changed = [odd if name == column else value for name, value in zip(COSTA_COLUMNS, other, strict=True)]
    csv.writer(text, delimiter=";").writerows([COSTA_COLUMNS, good, changed])
    judge(retailer(Costa, "costa"), "/export?day=2026-02-05", text.getvalue().encode(errors="replace"))
