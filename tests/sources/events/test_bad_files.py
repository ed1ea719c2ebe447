"""Twenty-odd kinds of bad file: each says what a person needs to mend it, and no good row of it is lost."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gondola.errors import DataContractError
from tests.sources.events.harness import FORMATS, encode, event, read

GOOD = [event(number) for number in range(1, 11)]
LINES = encode("jsonl", GOOD)
CSV = encode("csv", GOOD)
ARRAY = encode("json", GOOD)


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["event_id"] for row in rows]


ALL = [f"e{number}" for number in range(1, 11)]


@pytest.mark.parametrize(("data", "cut"), [(LINES, 30), (CSV, 12)], ids=["jsonl", "csv"])
def test_cut_line(data: bytes, cut: int, tmp_path: Path) -> None:
    found = read(data[:-cut], tmp_path)
    assert ids(found.rows) == ALL[:-1]
    [row] = found.rejected
    assert row.row_number == 10
    assert row.field == "(record)"
    assert "e10" in row.value
    assert "whole object" in row.reason or "the row has 4 fields, the header 6" in row.reason


def test_wrong_encoding(tmp_path: Path) -> None:
    records = [*GOOD, event(11, brand="Café"), event(12)]
    for form in ("jsonl", "csv", "json"):
        found = read(encode(form, records).decode().encode("latin-1"), tmp_path)
        assert ids(found.rows) == [*ALL, "e12"], form
        [row] = found.rejected
        assert row.row_number == 11
        assert "not UTF-8 (byte 0xE9); save the file as UTF-8" in row.reason
        assert "Caf" in row.value


def test_utf_16(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match="UTF-16; save it as UTF-8"):
        read(CSV.decode().encode("utf-16"), tmp_path)


@pytest.mark.parametrize("data", [LINES, CSV, ARRAY], ids=["jsonl", "csv", "json"])
def test_byte_order_mark_is_accepted(data: bytes, tmp_path: Path) -> None:
    for packed in (b"\xef\xbb\xbf" + data, gzip.compress(b"\xef\xbb\xbf" + data)):
        found = read(packed, tmp_path)
        assert ids(found.rows) == ALL
        assert not found.rejected


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_delimiter_is_found_out(mark: str, tmp_path: Path) -> None:
    found = read(CSV.replace(b",", mark.encode()), tmp_path)
    assert ids(found.rows) == ALL
    assert not found.rejected


def test_unknown_delimiter(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match=r"divided by a comma, semicolon, tab or \|"):
        read(CSV.replace(b",", b"#"), tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    for data in (b"", b"\n \n", b"\xef\xbb\xbf", gzip.compress(b"")):
        with pytest.raises(DataContractError, match=r"is empty|nothing is in it"):
            read(data, tmp_path)


def test_header_alone_and_empty_array_have_no_rows(tmp_path: Path) -> None:
    for data in (
        CSV.partition(b"\n")[0],
        CSV.partition(b"\n")[0] + b"\n",
        b"[]",
        b"[ ]\n",
        encode("parquet", GOOD[:0]),
    ):
        if data.startswith(b"PAR1"):
            continue
        found = read(data, tmp_path)
        assert (found.rows, found.rejected, found.file.damage) == ([], [], None)


@pytest.mark.parametrize("form", ["jsonl", "csv", "json"])
def test_gzip_cut(form: str, tmp_path: Path) -> None:
    many = [event(number, page_url=f"https://shop.example/{number * 7919 % 1000}") for number in range(1, 5001)]
    packed = encode(f"{form}.gz", many)
    found = read(packed[: len(packed) // 2], tmp_path)
    assert found.file.damage is not None
    assert "gzip file ends early" in found.file.damage
    whole = len(found.rows)
    assert 1000 < whole < 4500
    assert ids(found.rows) == [f"e{number}" for number in range(1, whole + 1)], "what came before the cut is kept"
    assert len(found.rejected) <= 1


def test_gzip_damaged_and_trailed(tmp_path: Path) -> None:
    many = encode("csv", [event(number) for number in range(1, 20_001)])
    packed = bytearray(gzip.compress(many))
    packed[-6] ^= 0xFF  # in the checksum
    found = read(bytes(packed), tmp_path)
    assert len(found.rows) > 10_000, "what came well before the damage is kept"
    assert "gzip file is damaged" in (found.file.damage or "")
    trailed = read(gzip.compress(LINES) + b"garbage", tmp_path)
    assert ids(trailed.rows) == ALL
    assert "other bytes follow" in (trailed.file.damage or "")
    several = read(gzip.compress(LINES) + gzip.compress(LINES), tmp_path)
    assert ids(several.rows) == ALL * 2
    assert several.file.damage is None


def test_nested_nulls(tmp_path: Path) -> None:
    records = [
        event(1, extra={"deep": {"nothing": None}}, more=[None, {"a": None}]),
        event(2, product_id={"id": None}),
        event(3, user_id=[None]),
        event(4) | {"user_id": None},
        event(5) | {"brand": None, "price": None},
    ]
    for form in ("jsonl", "json"):
        found = read(encode(form, records), tmp_path)
        assert ids(found.rows) == ["e1", "e5"], form
        assert found.file.columns.new == {"extra", "more"}
        assert found.reasons == {
            2: "product_id holds an object or a list, where one value is expected",
            3: "user_id holds an object or a list, where one value is expected",
            4: "user_id is missing",
        }


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_huge_numbers(form: str, tmp_path: Path) -> None:
    records = [
        event(1, price=999_999_999.99),
        event(2, price=10**9),
        event(3, price=1e300),
        event(4, price=10**400),
        event(5, quantity=10**6),
        event(6, quantity=10**6 + 1),
        event(7, quantity=10**30),
        event(8, user_id=12345678901234567890123456789),
        event(9, user_id="x" * 201),
        event(10, quantity=0),
        event(11, price=-0.01),
        event(12, price="12.345"),
        event(13, price="0.1e1"),
    ]
    found = read(encode(form, records), tmp_path)
    assert ids(found.rows) == ["e1", "e5", "e8", "e13"]
    assert found.rows[2]["user_id"] == "12345678901234567890123456789"
    reasons = found.reasons
    assert reasons[2] == "price is 10^9 or more" or "1000000000 or more" in reasons[2]
    for number in (3, 4):
        assert reasons[number].startswith(("price is", "the record is no JSON"))
    assert reasons[6] == "quantity is above 1000000"
    assert reasons[7] == "quantity is far too large"
    assert reasons[9] == "user_id is longer than 200 characters"
    assert reasons[10] == "quantity is below 1"
    assert reasons[11] == "price is below 0"
    assert reasons[12] == "price has more than 2 decimals"


@pytest.mark.parametrize("form", FORMATS)
def test_dates_out_of_reach(form: str, tmp_path: Path) -> None:
    records = [
        event(1, event_time="2099-01-01T00:00:00Z"),
        event(2, event_time="1999-12-31T23:59:59Z"),
        event(3, event_time="2026-02-06T12:00:00Z"),
        event(4, event_time="2026-02-06T12:00:01Z"),
        event(5, event_time="2026-02-30T00:00:00Z"),
        event(6, event_time="yesterday"),
        event(7, event_time="2026-02-05"),
    ]
    found = read(encode(form, records), tmp_path)
    assert ids(found.rows) == ["e3"]
    assert found.reasons == {
        1: "event_time is in the future: later than 2026-02-06 12:00:00 UTC",
        2: "event_time is before 2000-01-01",
        4: "event_time is in the future: later than 2026-02-06 12:00:00 UTC",
        5: "event_time is no moment such as 2026-02-05T14:32:00Z",
        6: "event_time is no moment such as 2026-02-05T14:32:00Z",
        7: "event_time is no moment such as 2026-02-05T14:32:00Z",
    }


def test_mixed_types(tmp_path: Path) -> None:
    records = [
        event(1, user_id=541312140, price=12.5, quantity="2"),
        event(2, user_id="u2", price="12.50", quantity=2.0),
        event(3, user_id=True, price=12, is_bot="false"),
        event(4, user_id="u4", price=True),
        event(5, user_id=541.0, price=19.990000000000002, is_bot=True),
        event(6, quantity="two"),
        event(7, quantity=1.5),
        event(8, is_bot="perhaps"),
    ]
    for form in ("jsonl", "json"):
        found = read(encode(form, records), tmp_path)
        assert [(r["event_id"], r["user_id"], str(r["price"]), r["quantity"], r["is_bot"]) for r in found.rows] == [
            ("e1", "541312140", "12.50", 2, None),
            ("e2", "u2", "12.50", 2, None),
            ("e3", "true", "12.00", None, False),
            ("e5", "541", "19.99", None, True),
        ]
        assert found.reasons == {
            4: "price is no number such as 12.50",
            6: "quantity is no number such as 12.50",
            7: "quantity is no whole number",
            8: "is_bot is neither true nor false",
        }


def test_duplicate_header_line(tmp_path: Path) -> None:
    header, _, rows = CSV.partition(b"\n")
    lines = rows.splitlines(keepends=True)
    found = read(b"".join([header, b"\n", *lines[:5], header, b"\n", *lines[5:]]), tmp_path)
    assert ids(found.rows) == ALL
    assert found.reasons == {6: "the header is repeated"}


def test_missing_required_column(tmp_path: Path) -> None:
    without = [{name: value for name, value in record.items() if name != "user_id"} for record in GOOD]
    for form, where in (("csv", "header"), ("parquet", "Parquet file")):
        with pytest.raises(
            DataContractError, match=rf"the {where} has no column user_id .it has: event_id, event_time"
        ):
            read(encode(form, without), tmp_path)
    found = read(encode("jsonl", without), tmp_path)
    assert set(found.reasons.values()) == {"user_id is missing"}
    assert len(found.rejected) == 10


def test_csv_with_quoted_newlines(tmp_path: Path) -> None:
    query = 'wide "red"\nshoes, and\r\nmore'
    records = [*GOOD, event(11, event_type="search", search_query=query), event(12)]
    found = read(encode("csv", records), tmp_path)
    assert ids(found.rows) == [*ALL, "e11", "e12"]
    assert not found.rejected
    assert found.rows[10]["search_query"] == query


def test_a_quote_that_is_not_closed_costs_its_own_line(tmp_path: Path) -> None:
    lines = CSV.splitlines(keepends=True)
    broken = lines[3].replace(b"view", b'"view')
    for last in ([], [b'e11,2026-02-04T10:00:11Z,"view,u1,p1,3\r\n', lines[10].replace(b"e10", b"e12")]):
        found = read(b"".join([*lines[:3], broken, *lines[4:], *last]), tmp_path)
        good = [one for one in ALL if one != "e3"] + (["e12"] if last else [])
        assert ids(found.rows) == good
        assert set(found.reasons.values()) == {"a quote is opened and not closed"}


def test_nan_and_infinity(tmp_path: Path) -> None:
    records = [
        event(1, price=float("nan")),
        event(2, price=float("inf")),
        event(3, price=1.5),
        event(4, price=float("-inf")),
    ]
    for form in FORMATS:
        found = read(encode(form, records), tmp_path)
        assert ids(found.rows) == ["e3"], form
        for number in (1, 2, 4):
            assert "price is not a finite number" in found.reasons[number] or "write null" in found.reasons[number]


def test_wrong_extension_is_read_as_what_it_is(tmp_path: Path) -> None:
    for data, form in ((LINES, "jsonl"), (CSV, "csv"), (ARRAY, "json"), (encode("parquet", GOOD), "parquet")):
        found = read(data, tmp_path, name="events.xml")
        assert ids(found.rows) == ALL
        assert found.file.format == form


@pytest.mark.parametrize("packed", [False, True])
def test_array_not_closed(packed: bool, tmp_path: Path) -> None:
    many = encode("json", [event(number) for number in range(1, 2001)])
    for cut in (2, 40):
        data = many[:-cut]
        found = read(gzip.compress(data) if packed else data, tmp_path)
        assert "array is not closed" in (found.file.damage or "")
        assert len(found.rows) == (2000 if cut == 2 else 1999)
        assert len(found.rejected) == (0 if cut == 2 else 1)


def test_a_broken_element_of_an_array_costs_itself(tmp_path: Path) -> None:
    texts = [json.dumps(record) for record in GOOD]
    for broken in (texts[4][:-20], texts[4] + "}", texts[4].replace(":", "", 1), "null", "[1, 2]", '"text"', ""):
        data = "[" + ",\n".join([*texts[:4], broken, *texts[5:]]) + "]"
        found = read(data.encode(), tmp_path)
        assert ids(found.rows) == ALL[:4] + ALL[5:], broken
        assert len(found.rejected) == (1 if broken else 0)


def test_parquet_of_another_schema(tmp_path: Path) -> None:
    def parquet(table: pa.Table) -> bytes:
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        return buffer.getvalue()

    with pytest.raises(DataContractError, match=r"has no column event_type or event_time or user_id .it has: city"):
        read(parquet(pa.table({"city": ["x"]})), tmp_path)
    nested = pa.table({"event_type": ["view"], "event_time": ["2026-02-04"], "user_id": [["u1"]]})
    with pytest.raises(DataContractError, match=r"column user_id is list<.*> where user_id is one value|is list"):
        read(parquet(nested), tmp_path)
    with pytest.raises(DataContractError, match="Parquet file can't be read"):
        read(encode("parquet", GOOD)[:-8], tmp_path)
    with pytest.raises(DataContractError, match="Parquet file can't be read"):
        read(encode("parquet", GOOD)[:-500] + b"PAR1", tmp_path)


def test_trailing_garbage(tmp_path: Path) -> None:
    for data in (LINES + b"-- end of export --\n", CSV + b"(10 rows)\n", ARRAY + b"\n-- end of export --"):
        found = read(data, tmp_path)
        assert ids(found.rows) == ALL
        [row] = found.rejected
        assert row.row_number == 11
        assert "the record is no JSON" in row.reason or "the row has 1 fields" in row.reason
        assert "end of export" in row.value or "10 rows" in row.value


def test_line_ends_and_blank_lines_mean_nothing(tmp_path: Path) -> None:
    for data in (LINES, CSV):
        unix = data.replace(b"\r\n", b"\n")
        for other in (unix.replace(b"\n", b"\r\n"), unix.replace(b"\n", b"\n\n \n").replace(b" \n", b"\n"), unix[:-1]):
            found = read(other, tmp_path)
            assert ids(found.rows) == ALL
            assert [row["source_row"] for row in found.rows] == list(range(1, 11))
            assert not found.rejected


def test_null_bytes(tmp_path: Path) -> None:
    records = [*GOOD, event(11, brand="a\0b"), event(12)]
    for form in ("jsonl", "json", "csv", "parquet"):
        found = read(encode(form, records), tmp_path)
        assert ids(found.rows) == [*ALL, "e12"]
        assert found.reasons == {11: "brand holds a NUL character"}
    raw = read(LINES + b"\0\0\0\0\n", tmp_path)
    assert raw.reasons == {11: "the record holds NUL bytes"}
    with pytest.raises(DataContractError, match="neither text nor Parquet"):
        read(b"\0" * 100, tmp_path)


def test_row_of_wrong_field_count(tmp_path: Path) -> None:
    header, _, rows = CSV.partition(b"\n")
    lines = [header, *rows.splitlines()]
    lines[4] += b",more"
    lines[6] = lines[6].rsplit(b",", 1)[0]
    found = read(b"\n".join(line.strip() for line in lines), tmp_path)
    assert ids(found.rows) == [one for one in ALL if one not in {"e4", "e6"}]
    assert found.reasons == {4: "the row has 7 fields, the header 6", 6: "the row has 5 fields, the header 6"}


def test_header_names_a_column_twice(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match="column price twice"):
        read(CSV.replace(b"product_id", b"price", 1), tmp_path)


def test_what_types_need(tmp_path: Path) -> None:
    bad = [
        event(1, event_type="search"),
        event(2, event_type="search", search_query="tea") | {"product_id": None},
        event(3, event_type="checkout") | {"product_id": None},
        *(event(4, event_type=kind) | {"product_id": ""} for kind in ("view", "cart", "purchase", "click")),
        event(8, event_type="remove_from_cart") | {"product_id": "  "},
        event(9, event_type="buy"),
        event(10, event_type=" VIEW "),
        event(11, event_type="purchase"),
        event(12, event_type="cart", quantity=3),
    ]
    for form in FORMATS:
        found = read(encode(form, bad), tmp_path)
        assert [(row["event_id"], row["quantity"]) for row in found.rows] == [
            ("e2", None),
            ("e3", None),
            ("e10", None),
            ("e11", 1),
            ("e12", 3),
        ]
        assert found.reasons[1] == "search_query is missing, which search events need"
        assert found.reasons[4] == "product_id is missing, which view events need"
        assert found.reasons[9].startswith("event_type is none of 'view', 'cart'")
