"""Each bad file gives the message a person needs, and its good rows go on."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondola.errors import DataContractError
from gondola.sources.jaffle_shop import TABLES, TableFile, read_file

HEADER = b"id,order_id,payment_method,amount\n"


def payments(body: bytes) -> TableFile:
    return read_file("raw_payments", HEADER + body, source="shop/raw_payments.csv")


def test_good_rows_go_on_and_bad_ones_say_why() -> None:
    read = payments(
        b'1,1,credit_card,1000\n2,2,coupon\n3,x,coupon,5\n4,4,"cou\npon",5,6\n5,5,coupon, 12 \n'
        b"1,1,credit_card,900\n6,6,gift_card,\n,7,coupon,1\n"
    )
    assert read.table.to_pylist() == [
        {"id": 5, "order_id": 5, "payment_method": "coupon", "amount": 12},
        {"id": 1, "order_id": 1, "payment_method": "credit_card", "amount": 900},
    ]
    assert [(row.row_number, row.field, row.reason) for row in read.rejected] == [
        (1, "id", "id 1 comes again in row 6, which counts"),
        (2, "*", "3 fields where the header has 4"),
        (3, "order_id", "not a whole number"),
        (4, "*", "5 fields where the header has 4"),
        (7, "amount", "no value"),
        (8, "id", "no value"),
    ]
    assert read.rows == 8


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "column id, order_id, payment_method, amount is missing (it is empty)"),
        (b"id;order_id;payment_method;amount\n1;1;coupon;5\n", "must be comma-separated"),
        (b"id,order_id,payment_method\n1,1,coupon\n", "column amount is missing (its first line is "),
        (b"id,id,order_id,payment_method,amount\n1,1,1,coupon,5\n", "column id is there twice"),
        (HEADER + b"1,1,caf\xe9,5\n", "line 2: not UTF-8 (byte 0xe9)"),
        (gzip.compress(HEADER + b"1,1,coupon,5\n" * 500, mtime=0)[:-20], "gzip file is cut or broken"),
        (b"PAR1\x00\x00", "is missing"),
    ],
)
def test_a_file_that_can_not_be_read_says_what_to_do(data: bytes, message: str) -> None:
    with pytest.raises(DataContractError) as caught:
        read_file("raw_payments", data, source="shop/raw_payments.csv")
    assert str(caught.value).startswith("shop/raw_payments.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        HEADER + b"1,2,coupon,5\n",
        b"\xef\xbb\xbf" + HEADER + b"1,2,coupon,5\n",
        (HEADER + b"1,2,coupon,5\n").replace(b"\n", b"\r\n"),
        gzip.compress(HEADER + b"1,2,coupon,5", mtime=0),
        b"amount,payment_method,order_id,id\n5,coupon,2,1\n",
        HEADER + b"\n1,2,coupon,5\n\n",
    ],
    ids=["plain", "byte order mark", "CRLF", "gzip without a last newline", "other order", "blank lines"],
)
def test_forms_of_the_same_file(data: bytes) -> None:
    read = read_file("raw_payments", data, source="x")
    assert read.rejected == ()
    assert read.table.to_pylist() == [{"id": 1, "order_id": 2, "payment_method": "coupon", "amount": 5}]


def test_a_new_column_comes_with_the_type_its_values_show() -> None:
    data = b"id,user_id,order_date,status,tip\n1,1,2026-01-01,placed,0.5\n2,1,2026-01-02,placed,\n"
    table = read_file("raw_orders", data, source="x").table
    assert str(table.schema.field("tip").type) == "double"
    assert table["tip"].to_pylist() == [0.5, None]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"))


@given(st.lists(st.tuples(st.integers(1, 50), NAMES), max_size=40))
def test_no_row_is_lost(rows: list[tuple[int, str]]) -> None:
    """Whatever the names are, each id arrives once, with its last name, and each other row is accounted for."""
    lines = [f'{key},"{name.replace(chr(34), chr(34) * 2)}",X.' for key, name in rows]
    read = read_file("raw_customers", "\n".join(["id,first_name,last_name", *lines]).encode(), source="x")
    assert read.rows == len(rows)
    last = dict(rows)
    assert sorted(read.table["id"].to_pylist()) == sorted(last)
    for row in read.table.to_pylist():
        assert row["first_name"] == (last[row["id"]] or None)


def test_the_contract_names_every_file() -> None:
    assert set(TABLES) == {"raw_customers", "raw_orders", "raw_payments"}
