"""One set of events is the same rows, whatever the form of its file; and the quick way agrees with the models."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gondola.sources.events import Kind, Rejected, contract_schemas
from gondola.sources.events.contract import Event, judge
from gondola.sources.events.json_array import array_blocks
from gondola.sources.events.reader import EARLIEST
from gondola.sources.events.schema import TEXTS
from gondola.sources.events.screen import screen
from gondola.sources.events.streams import Stream
from tests.sources.events.harness import FORMATS, NOW, encode, event, read

CONTEXT = {"earliest": EARLIEST, "latest": NOW + timedelta(days=1)}
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)
odd = st.sampled_from(
    ["", " ", "a", " a ", "é", "x" * 200, "x" * 201, "é" * 101, "a\tb", "a\nb", "null", "NaN", "true", "1", "ana@x.com"]
)
texts = st.none() | odd | words
moments = st.sampled_from(
    [
        "2019-10-01 00:00:00 UTC",
        "2019-10-01T00:00:00Z",
        "2019-10-01T00:00:00.5Z",
        "2019-10-01 00:00:00.123456",
        "2019-10-01T00:00:00+00:00",
        "2019-10-01T00:00:00-03:00",
        "2019-10-01T23:59:60Z",
        "2019-10-01T24:00:00Z",
        "2019-02-29T00:00:00Z",
        "2020-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2000-01-01T00:00:00+01:00",
        "2026-02-06T12:00:00Z",
        "2026-02-06T12:00:00.000001Z",
        "2026-02-06T11:00:00-03:00",
        "2019-10-01T00:00:00 UTC",
        "2019-10-01T00:00:00z",
        "2019-10-01",
        "1569888000",
        "1569888000000",
        "1569888000.25",
        " 2019-10-01T00:00:00Z ",
        "2019-10-01T00:00:00+14:30",
        "2019-10-01T00:00:00+15:00",
    ]
) | st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(str)  # noqa: DTZ001
numbers = st.sampled_from(
    [
        *(
            "0",
            "0.0",
            "12.5",
            "12.50",
            "12.500",
            "12.505",
            "-1",
            "-0",
            "1e3",
            "999999999.99",
            "1000000000",
            ".5",
            "5.",
            "+5",
        ),
        *(
            "٣",
            "1_0",
            "1000000",
            "1000001",
            "01",
            "00.10",
            "12,5",
            " 7 ",
            "NaN",
            "Infinity",
            "19.990000000000002",
            "1.0",
        ),
    ]
) | st.decimals(-10, 10**10, allow_nan=False, places=3).map(str)
kinds = st.sampled_from([*Event.model_fields["event_type"].annotation.__args__, "VIEW", " cart", "buy", ""])  # type: ignore[union-attr]
flags = st.sampled_from(["true", "False", "TRUE", "1", "0", "yes", "maybe", ""])
rows = st.fixed_dictionaries(
    {"event_type": kinds, "event_time": moments, "user_id": texts},
    optional={name: texts for name in TEXTS if name not in {"event_type", "user_id"}}
    | {"price": st.none() | numbers, "quantity": st.none() | numbers, "is_bot": st.none() | flags},
)


@settings(deadline=None, max_examples=100)
@given(st.lists(rows, min_size=1, max_size=8))
def test_what_is_screened_is_what_the_models_say(records: list[dict[str, Any]]) -> None:
    names = sorted({name for record in records for name in record})
    table = pa.table({name: pa.array([record.get(name) for record in records], pa.string()) for name in names})
    typed, sure = screen(table, CONTEXT["earliest"], CONTEXT["latest"])
    for record, values, good in zip(records, typed.to_pylist(), sure.to_pylist(), strict=True):
        if good:
            judged = judge(Kind.EVENTS, record, CONTEXT)
            assert not isinstance(judged, Rejected), judged
            assert {name: value for name, value in judged.items() if value is not None} == {
                name: value for name, value in values.items() if value is not None
            }


def test_the_screen_lets_ordinary_rows_pass() -> None:
    """Were it too strict, all would still be right, and ten times as slow."""
    for moment in (
        "2019-10-01 00:00:00 UTC",
        "2026-02-04T10:00:00Z",
        "2026-02-04T10:00:00.123-03:00",
        "2026-02-04 10:00:00",
    ):
        record = dict.fromkeys(TEXTS, "a") | {"event_type": "view", "event_time": moment, "price": "12.5"}
        record |= {"quantity": "2", "is_bot": "True", "brand": "", "country": " BR "}
        table = pa.table({name: [value] for name, value in record.items()})
        assert screen(table, CONTEXT["earliest"], CONTEXT["latest"])[1].to_pylist() == [True]


plain = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="@%"), max_size=20
).map(lambda text: text.strip() or None)
good_events = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["view", "cart", "purchase", "search", "checkout", "click", "remove_from_cart"]),
        "event_time": st.datetimes(datetime(2001, 1, 1), datetime(2026, 1, 1)).map(lambda m: m.isoformat() + "Z"),  # noqa: DTZ001
        "user_id": st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
        "product_id": st.from_regex(r"[a-z][0-9]{1,9}", fullmatch=True),
        "search_query": plain.map(lambda text: text or "tea"),
        "brand": plain,
        "price": st.none() | st.decimals(0, 10**6, places=2).map(str),
        "quantity": st.none() | st.integers(1, 10**6).map(str),
        "is_bot": st.none() | st.sampled_from(["true", "false"]),
    }
)


@SLOW
@given(records=st.lists(good_events, min_size=1, max_size=20))
def test_every_form_gives_the_same_rows(records: list[dict[str, Any]], tmp_path: Path) -> None:
    expected: list[dict[str, Any]] | None = None
    for form in [*FORMATS, *(f"{form}.gz" for form in FORMATS)]:
        found = read(encode(form, records), tmp_path)
        assert not found.rejected, form
        expected = expected or found.rows
        assert found.rows == expected, form
    assert expected is not None
    assert [row["source_row"] for row in expected] == list(range(1, len(records) + 1))


def test_types_do_not_matter_either(tmp_path: Path) -> None:
    """Numbers, texts of numbers and Arrow's own types of the same value are the same row, with the same id."""
    as_text = {
        "user_id": "541",
        "price": "12.50",
        "quantity": "2",
        "is_bot": "true",
        "event_time": "2026-02-04T10:00:00Z",
    }
    typed = {"user_id": 541, "price": 12.5, "quantity": 2, "is_bot": True}
    moments: list[Any] = ["2026-02-04 10:00:00 UTC", "2026-02-04T07:00:00-03:00", "2026-02-04T10:00:00", 1770199200]
    moments += [1770199200000, "1770199200"]
    records = [event(1) | as_text, *(event(1) | typed | {"event_time": moment} for moment in moments)]
    for record in records:
        del record["event_id"]
    found = [
        read(encode(form, [record]), tmp_path).rows
        for record in records
        for form in ("jsonl", "json", "parquet", "csv")
    ]
    native = event(1) | typed | {"event_time": datetime(2026, 2, 4, 10, tzinfo=UTC), "price": Decimal("12.50")}
    del native["event_id"]
    found.append(read(encode("parquet", [native]), tmp_path).rows)
    found.append(read(encode("parquet", [native | {"user_id": 541.0, "quantity": 2.0}]), tmp_path).rows)
    assert all(rows == found[0] for rows in found)
    [row] = found[0]
    assert (row["user_id"], row["price"], row["quantity"], row["is_bot"]) == ("541", Decimal("12.50"), 2, True)


def test_an_id_is_the_given_one_or_the_hash_of_the_row(tmp_path: Path) -> None:
    records = [event(1), event(1, brand="x"), event(1), event(1, brand="x")]
    for record in records[:2]:
        del record["event_id"]
    records += [records[0], records[1] | {"note": "not of the contract"}]
    found = [row["event_id"] for row in read(encode("jsonl", records), tmp_path).rows]
    assert found[2:4] == ["e1", "e1"]
    assert found[4:] == found[:2]
    assert len(set(found)) == 3
    assert all(len(one) == 64 for one in found[:2])


def test_days_are_those_of_the_business(tmp_path: Path) -> None:
    records = [event(1, event_time="2026-02-04T02:59:59Z"), event(2, event_time="2026-02-04T03:00:00Z")]
    days = [str(row["event_date"]) for row in read(encode("jsonl", records), tmp_path).rows]
    assert days == ["2026-02-03", "2026-02-04"]


def test_aliases_and_case(tmp_path: Path) -> None:
    record = {"Type": "view", "TS": "2026-02-04T10:00:00Z", "User_ID": "u", "product_id": "p", "user_session": "s"}
    for form in FORMATS:
        [row] = read(encode(form, [record]), tmp_path).rows
        assert (row["event_type"], row["session_id"], row["user_id"]) == ("view", "s", "u")
    both = record | {"timestamp": "", "session_id": None}
    for form in ("jsonl", "csv"):
        [row] = read(encode(form, [both]), tmp_path).rows
        assert row["session_id"] == "s"
        assert row["event_time"] == datetime(2026, 2, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_cut_where_elements_end(
    indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of any size; texts with braces and quotes and nested objects do not mislead it."""
    records: list[dict[str, Any]] = [
        event(number, brand='}, {"a": "b\\"', page_url="[{", extra=[{"a": 1}, {"b": {"c": "},{"}}])
        for number in range(30)
    ]
    path = tmp_path / "array.json"
    path.write_text(json.dumps(records, indent=indent))
    for size in (1, 7, 64, 300, 1000, 10**6):
        monkeypatch.setattr("gondola.sources.events.streams.BLOCK_BYTES", size)
        stream = Stream(path)
        found = [json.loads(element) for elements in array_blocks(stream) for element in elements]
        assert found == records
        assert stream.damage is None


@pytest.mark.parametrize("form", FORMATS)
def test_memory_does_not_grow_with_the_file(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gondola.sources.events.streams.BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr("gondola.sources.events.parquet_files.ROWS", 500)

    def peak(rows: int) -> int:
        path = tmp_path / "big"
        path.write_bytes(encode(form, [event(number) for number in range(rows)]))
        tracemalloc.start()
        pool = pa.default_memory_pool()
        before, most, seen = pool.bytes_allocated(), 0, 0
        from tests.sources.events.harness import POLICY, EventFile, PiiPolicy

        policy = PiiPolicy.load(POLICY, None)
        file = EventFile(path, name="e", kind=Kind.EVENTS, policy=policy, now=NOW, run_id="r", spool=tmp_path)
        for batch in file.batches():
            seen += batch.read
            most = max(most, pool.bytes_allocated() - before)
        most += tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen == rows
        return most

    peak(100)
    assert peak(20_000) < 1.6 * peak(2_000) + (1 << 20)


def test_the_contract_is_exported() -> None:
    schema = contract_schemas()["events"]
    assert set(schema["required"]) == {"event_type", "event_time", "user_id"}
    assert schema["properties"]["event_type"]["enum"] == [
        *("view", "cart", "remove_from_cart", "purchase", "click", "search", "checkout")
    ]
    assert set(contract_schemas()) == {"events", "products", "users"}


def test_gzip_of_any_form_is_seen_by_its_bytes(tmp_path: Path) -> None:
    assert len(read(gzip.compress(encode("parquet", [event()])), tmp_path, name="events.parquet").rows) == 1
