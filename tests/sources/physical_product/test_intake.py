"""Rows of the eight files: what is taken, in what type, and what each refused row is told."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from gondola.errors import DataContractError
from gondola.sources.physical_product import DOMAINS, Header, Intake

AT = datetime(2026, 2, 5, 12, tzinfo=UTC)
HEAD = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price,discount,status"
GOOD = "1,1,k,p,2026-02-05T01:30:00Z,2,10.50,0.50,placed"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def take(
    connection: duckdb.DuckDBPyConnection, folder: Path, domain: str, data: bytes
) -> tuple[list[dict[str, object]], list[tuple[int | None, str, str]]]:
    """The good rows of a file, and the others' numbers, fields and reasons."""
    path = folder / "file"
    path.write_bytes(data)
    intake = Intake(connection, run_id="r", started_at=AT)
    kind = DOMAINS[domain]
    refused = [row for part in intake.read(kind, path, "file", Header(kind)) for row in part.rejected]
    refused += [row for _, row in intake.settle(kind)]
    good = intake.rows(kind).read_all().to_pylist()
    return good, [(row.row_number, row.field, row.reason) for row in refused]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_row_is_typed(connection: duckdb.DuckDBPyConnection, tmp_path: Path, mark: str, *, packed: bool) -> None:
    data = f"\ufeff{HEAD.upper()}\r\n{GOOD}\r\n".replace(",", mark).encode()
    (row,), refused = take(connection, tmp_path, "orders", gzip.compress(data) if packed else data)
    assert not refused
    assert row | {"source_file": 0} == {
        "order_id": "1", "line_number": 1, "customer_id": "k", "product_id": "p",
        "ordered_at": datetime(2026, 2, 5, 1, 30, tzinfo=UTC), "quantity": 2, "unit_price": Decimal("10.50"),
        "discount": Decimal("0.50"), "total_amount": None, "status": "placed", "channel": None,
        "order_date": date(2026, 2, 4), "source_file": 0, "source_row": 1, "run_id": "r",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("order_id", "", "is missing"),
        ("line_number", "0", "is not between 1 and 1,000,000"),
        ("quantity", "1e3", "is no whole number"),
        ("quantity", "99999999999999999999", "is no whole number"),
        ("unit_price", "1,50", "the row has 10 fields, the header 9"),
        ("unit_price", "10.505", "is no number with 2 decimals at most"),
        ("unit_price", "NaN", "is no number with 2 decimals at most"),
        ("unit_price", "-0.01", "is below 0 or above 1,000,000,000"),
        ("discount", "21.01", "is more than the line costs"),
        ("ordered_at", "2026-02-30T00:00:00Z", "is no moment such as 2026-02-05T14:32:00Z"),
        ("ordered_at", "2026-02-06T12:00:01Z", "is before 2000 or in the future"),
        ("ordered_at", "1999-12-31T23:59:59Z", "is before 2000 or in the future"),
        ("status", "gone", "is none of placed, shipped, delivered, cancelled"),
        ("customer_id", "k\0", "is not UTF-8, or holds a NUL character"),
        ("product_id", "x" * 201, "is longer than 200 characters"),
    ],
)
def test_a_bad_value_is_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, field: str, value: str, reason: str
) -> None:
    names, values = HEAD.split(","), GOOD.split(",")
    values[names.index(field)] = value
    values[0] = values[0] and "2"
    text = "\n".join([HEAD, GOOD, ",".join(values), GOOD.replace("1", "3", 1)])
    good, ((row, blamed, said),) = take(connection, tmp_path, "orders", text.encode())
    assert [one["order_id"] for one in good] == ["1", "3"]
    assert row == 2
    assert reason in said
    assert blamed in {field, "(record)"}


def test_bytes_that_are_no_text_cost_their_row_only(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = "\n".join([HEAD, GOOD, GOOD.replace("1,1,k", "2,1,Jo\xe3o")]).encode("latin-1")
    good, refused = take(connection, tmp_path, "orders", text)
    assert len(good) == 1
    assert [(row, field) for row, field, _ in refused] == [(2, "customer_id")] or refused[0][1] == "(record)"


@pytest.mark.parametrize(
    ("gtin", "is_good"),
    [("7890010000007", True), ("7890010000001", False), ("96385074", True), ("036000291452", True), ("0789", False),
     ("00012345600012", True), ("78900100000x7", False)],
)  # fmt: skip
def test_a_barcode_has_a_right_check_digit(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, gtin: str, *, is_good: bool
) -> None:
    text = f"product_id,product_name,category,product_kind,unit,gtin\np,Name,Food,finished,each,{gtin}\n"
    good, refused = take(connection, tmp_path, "products", text.encode())
    assert (len(good), len(refused)) == ((1, 0) if is_good else (0, 1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"what,is,this\n1,2,3\n", "names no column of orders files"),
        (b"order_id,quantity\n1,2\n", "has no column line_number, customer_id"),
        (f"{HEAD},Status\n{GOOD},placed\n".encode(), "has the column status twice"),
        (gzip.compress(f"{HEAD}\n{GOOD}\n".encode())[:-12], "gzip file"),
    ],
)
def test_a_file_that_can_not_be_used_says_why(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, data: bytes, message: str
) -> None:
    with pytest.raises(DataContractError, match=message):
        take(connection, tmp_path, "orders", data)


def test_of_a_key_in_two_files_the_last_counts(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    intake, kind = Intake(connection, run_id="r", started_at=AT), DOMAINS["orders"]
    for name, units in (("orders_2", 7), ("orders_1", 5)):
        path = tmp_path / name
        path.write_text(f"{HEAD}\n{GOOD.replace(',2,10.50', f',{units},10.50')}\n")
        assert not [row for part in intake.read(kind, path, name, Header(kind)) for row in part.rejected]
    assert not list(intake.settle(kind))
    assert [row["quantity"] for row in intake.rows(kind).read_all().to_pylist()] == [7]
