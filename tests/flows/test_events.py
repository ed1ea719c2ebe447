"""The events flow: what lands, what is refused, what is not read twice, and the truth told about each file."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gondola.cli.events import run_events
from gondola.errors import ConfigurationError
from gondola.settings import get_settings
from storage.lake import Lake
from storage.layout import RawFile, parse
from tasks.event_report import EventsReport
from tasks.events import load_events
from tests.platform import ROOT, Platform
from tests.sources.events.harness import FORMATS, encode, event

REAL = ROOT.parent / "shared" / "data" / "clickstream"
NOT_COMPARED = {"source_file", "run_id"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "events").mkdir(parents=True)
    return folder


def put(source: Path, name: str, records: Sequence[dict[str, object]], form: str | None = None) -> Path:
    path = source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(form or name.partition(".")[2], records))
    return path


def run(source: Path) -> EventsReport:
    """The step by itself: Prefect around it would cost each test seconds."""
    return load_events.fn(get_settings(), str(source))


def run_flow(source: Path) -> EventsReport:
    return run_events(str(source), None, build=False)


def silver(platform: Platform, table: str = "events") -> list[dict[str, Any]]:
    """The rows that models see: of the files that complete and partial runs name, each event once."""
    lake = Lake.open(platform.environment["GONDOLA_LAKE"])
    rows: list[dict[str, Any]] = []
    for record in sorted(platform.records("metadata/runs"), key=lambda record: record["started_at"]):
        attributes = json.loads(record["attributes"])
        keys = attributes["events_keys"] if table == "events" else [attributes[f"{table}_key"]]
        assert not (record["status"] == "failed" and any(keys))
        for key in filter(None, keys):
            assert lake.exists(key)
            found = platform.records(key.removesuffix(".parquet").rpartition("/")[0])
            rows += [row for row in found if row["run_id"] == record["run_id"]]
    rows.sort(key=lambda row: (row["run_id"], row.get("source_file"), row.get("source_row")))
    return rows


def distinct(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    unique = {row["event_id"]: row for row in reversed(rows)}
    kept = [{k: v for k, v in row.items() if k not in NOT_COMPARED} for row in unique.values()]
    return sorted(kept, key=lambda row: str(row["event_id"]))


def test_every_form_lands_the_same(platform: Platform, source: Path) -> None:
    records = [event(number) for number in range(1, 21)]
    for form in FORMATS:
        for name in (f"events/a.{form}", f"events_b.{form}.gz"):
            put(source, name, records)
    put(source, "products.csv", [{"product_id": "p1", "name": "Tea"}])
    put(source, "users/all.jsonl.gz", [{"user_id": "u1", "country": "BR"}])
    (source / "events" / "notes.txt").write_text("not data")
    (source / "readme.md").write_text("not looked at")
    report = run_flow(source)
    assert (report.status, len(report.files), report.valid, report.rejected) == ("complete", 10, 162, 0)
    rows = silver(platform)
    assert len(rows) == 160
    assert len(distinct(rows)) == 20
    assert {row["source_file"] for row in rows} == {file.name for file in report.files if file.kind == "events"}
    assert [row["product_name"] for row in silver(platform, "products")] == ["Tea"]
    assert [row["country"] for row in silver(platform, "users")] == ["BR"]
    [record] = platform.records("metadata/runs")
    assert (record["system"], record["scope"], record["status"]) == ("events", "events", "complete")
    assert (record["received_rows"], record["written_rows"], record["rejected_rows"]) == (162, 162, 0)
    attributes = json.loads(record["attributes"])
    assert attributes["validity_rate"] == 1
    assert attributes["duration_seconds"] >= 0
    lake = Lake.open(platform.environment["GONDOLA_LAKE"])
    for file in report.files:
        assert file.raw_key is not None
        assert isinstance(parse(file.raw_key), RawFile)
        assert lake.get(file.raw_key) == (source / file.name).read_bytes(), "kept byte for byte"
    ignored = [row for row in platform.records("metadata/quality") if row["check_name"] == "file_name"]
    assert [row["subject"] for row in ignored] == ["events/notes.txt"]


def test_a_file_is_loaded_once(platform: Platform, source: Path) -> None:
    path = put(source, "events/a.jsonl", [event(1), event(2)])
    assert run(source).valid == 2
    shutil.copy(path, source / "events" / "again.jsonl")
    second = run(source)
    assert (second.status, second.valid, second.headline) == ("complete", 0, "complete: nothing new among 2 files")
    assert {file.status for file in second.files} == {"duplicate"}
    put(source, "events/b.jsonl", [event(3)])
    put(source, "events/c.jsonl", [event(3)])
    third = run(source)
    names = {Path(file.name).stem: file.status for file in third.files}
    assert names == {"a": "duplicate", "again": "duplicate", "b": "complete", "c": "duplicate"}
    assert third.files[3].duplicate_of == third.run_id
    assert len(silver(platform)) == 3
    assert [row["status"] for row in platform.records("metadata/runs")] == ["complete"] * 3


def test_late_events_reach_their_day(platform: Platform, source: Path) -> None:
    put(source, "events/a.jsonl", [event(1), event(2)])
    run(source)
    put(source, "events/b.jsonl", [event(3, event_time="2025-11-30T12:00:00Z"), event(4)])
    report = run(source)
    assert [str(day) for day in report.days] == ["2025-11-30", "2026-02-04"]
    keys = {row["run_id"]: json.loads(row["attributes"])["events_keys"] for row in platform.records("metadata/runs")}
    assert [key.split("/run_")[0] for key in keys[report.run_id]] == [
        "silver/events/events/year=2025/month=11/day=30",
        "silver/events/events/year=2026/month=02/day=04",
    ]


def test_bad_rows_are_kept_with_their_reason(platform: Platform, source: Path) -> None:
    put(source, "events/a.jsonl", [event(number) for number in range(99)] + [event(99, price="-3")])
    report = run(source)
    assert (report.status, report.valid, report.rejected) == ("complete", 99, 1)
    [row] = platform.records("quarantine/events")
    assert (row["source"], row["row_number"], row["field"]) == ("events/a.jsonl", 100, "price")
    assert (row["reason"], row["value"]) == ("price is below 0", "-3")


def test_too_many_bad_rows_and_nothing_counts(platform: Platform, source: Path) -> None:
    good = [event(number) for number in range(90)]
    put(source, "events/a.jsonl", [*good, *(event(number, event_type="buy") for number in range(10))])
    report = run_flow(source)
    assert report.status == "failed"
    assert report.valid == 0
    assert "10 of 100 rows were refused (10.0%, at most 5.0% may be)" in report.headline
    assert "events/a.jsonl, row 91: event_type is none of" in report.headline
    assert len(platform.records("quarantine/events")) == 10
    [record] = platform.records("metadata/runs")
    assert (record["status"], record["written_rows"], record["rejected_rows"]) == ("failed", 0, 10)
    assert silver(platform) == []
    assert not (platform.home / "lake" / "silver").exists()
    assert run(source).headline.startswith("failed: 10 of 100"), "what a failed run has read is not loaded"
    put(source, "events/a.jsonl", good)
    assert run(source).valid == 90, "the file, corrected, is loaded"


def test_the_allowed_share_is_a_setting(platform: Platform, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(source, "events/a.jsonl", [event(1), event(2, event_type="buy")])
    monkeypatch.setenv("GONDOLA_BAD_ROW_SHARE", "0.5")
    get_settings.cache_clear()
    assert run(source).status == "complete"


def test_a_bad_file_stops_no_other(platform: Platform, source: Path) -> None:
    put(source, "events/a.csv", [{"city": "x"}])
    put(source, "events/b.jsonl", [event(number) for number in range(1, 101)])
    (source / "events" / "c.jsonl").write_bytes(b"")
    (source / "events" / "d.json").write_bytes(encode("json", [event(number) for number in range(200, 300)])[:-2])
    (source / "events" / "e.jsonl.gz").write_bytes(gzip.compress(encode("jsonl", [event(400)]))[:5])
    (source / "events" / "f.parquet").write_bytes(encode("parquet", [event(500)])[:-20])
    report = run(source)
    assert report.status == "partial"
    assert [file.status for file in report.files] == ["failed", "complete", "failed", "partial", "failed", "failed"]
    reasons = {file.name[7:8]: file.error or "" for file in report.files}
    assert "the first line names no column of events files" in reasons["a"]
    assert "the file is empty" in reasons["c"]
    assert "array is not closed" in reasons["d"]
    assert "can't be unpacked" in reasons["e"]
    assert "Parquet file can't be read" in reasons["f"]
    assert report.error is not None
    assert report.error.startswith("events/a.csv: the first line")
    assert len(silver(platform)) == 200
    unread = {row["subject"] for row in platform.records("metadata/quality") if row["check_name"] == "file_read"}
    assert unread == {f"events/{name}" for name in ("a.csv", "c.jsonl", "e.jsonl.gz", "f.parquet")}
    again = run(source)
    assert [file.status for file in again.files] == ["failed", "duplicate", "failed", "duplicate", "failed", "failed"]
    assert again.status == "failed", "what could not be read is named until it is mended or gone"


def test_a_file_that_fails_late_leaves_nothing(
    platform: Platform, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gondola.sources.events.streams.BLOCK_BYTES", 2000)
    policy = platform.home / "pii.yaml"
    policy.write_text("columns: {ip: {action: reject, names: [ip]}}\nemails_in_ids: reject\n")
    monkeypatch.setenv("GONDOLA_PII_POLICY", str(policy))
    get_settings.cache_clear()
    put(source, "events/a.jsonl", [*(event(number) for number in range(100)), event(100, ip="203.0.113.9")])
    put(source, "events/b.jsonl", [event(200)])
    report = run(source)
    assert [file.status for file in report.files] == ["failed", "complete"]
    assert [row["event_id"] for row in silver(platform)] == ["e200"]


def test_a_folder_named_like_a_file(platform: Platform, source: Path) -> None:
    put(source, "events.parquet/part-0.parquet", [event(1)], "parquet")
    put(source, "events.parquet/part-1.parquet", [event(2)], "parquet")
    (source / "events.parquet" / "_SUCCESS").write_text("")
    (source / "events.parquet" / ".part-0.parquet.crc").write_text("")
    (source / "events" / "empty.csv").mkdir()
    report = run(source)
    assert (report.status, report.valid, len(report.files)) == ("complete", 2, 2)
    alone = run(source / "events.parquet")
    assert [file.status for file in alone.files] == ["duplicate", "duplicate"], "the folder itself may be the source"


def test_columns_that_come_and_go(platform: Platform, source: Path) -> None:
    put(source, "events/a.jsonl", [event(1, brand="x")])
    run(source)
    put(source, "events/b.jsonl", [event(2, loyalty_tier="gold")])
    report = run(source)
    assert report.status == "complete"
    checks = {row["check_name"]: row for row in platform.records("metadata/quality") if not row["passed"]}
    assert checks["new_column"]["subject"] == "events/b.jsonl: loyalty_tier"
    assert "gondola/sources/events/contract.py" in checks["new_column"]["actual"]
    assert checks["missing_column"]["subject"] == "events/b.jsonl: brand"
    raw = report.files[1].raw_key
    assert raw is not None
    assert b"gold" in Lake.open(platform.environment["GONDOLA_LAKE"]).get(raw)


def test_no_personal_data_anywhere_on_the_lake(platform: Platform, source: Path) -> None:
    secrets = ("ana@example.com", "Ana Lima", "203.0.113.9", "555-1234")
    personal = {"email": "ana@example.com", "name": "Ana Lima", "ip": "203.0.113.9", "phone": "555-1234"}
    put(source, "users.csv", [{"user_id": "u1", "country": "BR"} | personal])
    put(source, "events/a.jsonl", [*(event(number) for number in range(50)), event(50, **personal)])
    put(source, "events/b.csv", [*(event(number) for number in range(60, 100)), event(1, price="-1", **personal)])
    report = run_flow(source)
    assert report.status == "complete"
    assert [file.raw_key for file in report.files if file.raw_key] == [], "files with personal data are not kept"
    told = platform.records("metadata/quality")
    assert {row["subject"] for row in told if row["check_name"] == "personal_data"} >= {"users.csv: email"}
    import duckdb

    with duckdb.connect() as connection:
        for path in (platform.home / "lake").rglob("*.parquet"):
            text = str(connection.sql(f"from read_parquet('{path}')").fetchall())
            assert not [secret for secret in secrets if secret in text], path
    for path in (platform.home / "logs").iterdir():
        assert not [secret for secret in secrets if secret in path.read_text()], path


def test_the_real_clickstream(platform: Platform, tmp_path: Path) -> None:
    file = REAL / "2019-Oct-first17k.csv"
    if not file.exists():
        pytest.skip("the recorded clickstream is not on this machine")
    expected = json.loads((REAL / "expected.json").read_text())
    report = run(file)
    assert (report.status, report.rows) == ("complete", expected["rows_incl_truncated_last"])
    rows = silver(platform)
    assert len(rows) == expected["rows_complete_9_fields"]
    [cut] = platform.records("quarantine/events")
    assert cut["reason"] == "the row has 8 fields, the header 9"
    counts = {kind: sum(row["event_type"] == kind for row in rows) for kind in expected["by_event_type"]}
    assert counts | {"view": counts["view"] + 1} == expected["by_event_type"], "the cut line was a view"
    assert len(rows) - len(distinct(rows)) == expected["exact_duplicate_rows_beyond_first"]
    assert sum(row["price"] == 0 for row in rows) == expected["price_zero_rows"]
    revenue = sum(row["price"] for row in rows if row["event_type"] == "purchase")
    assert str(revenue) == expected["purchase_revenue"]
    assert sum(row["brand"] is None for row in rows) in {expected["null_brand"], expected["null_brand"] - 1}
    assert sum(row["category_code"] is None for row in rows) == expected["null_category_code"]
    names = {"users": "user_id", "products": "product_id", "categories": "category_id", "brands": "brand"}
    for name, column in (names | {"sessions": "session_id", "category_codes": "category_code"}).items():
        assert len({row[column] for row in rows} - {None}) == expected["distinct"][name], name


def test_no_source(platform: Platform, source: Path) -> None:
    for given, words in (
        (None, "GONDOLA_EVENTS_SOURCE"),
        (str(source / "nowhere"), "no such folder or file"),
        (str(source), "no files to read there"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            load_events.fn(get_settings(), given)
    statuses = [row["status"] for row in platform.records("metadata/runs")]
    assert statuses == ["failed", "failed"], "a source that can't be listed leaves a run record"


def test_an_option_of_another_system_is_bad_usage(platform: Platform) -> None:
    for system, option, owner in (
        ("events", "--store", "market"),
        ("market", "--source", "events and jaffle_shop and physical_product"),
    ):
        done = platform.command("run", system, option, "x")
        assert done.code == 2
        assert f"{option} is an option of {owner}, not of {system}" in " ".join(done.err.split())


def test_the_command(platform: Platform, source: Path) -> None:
    put(source, "events/a.jsonl", [event(1)])
    (source / "events" / "b.csv").write_text("")
    done = platform.command("run", "events", "--json", GONDOLA_EVENTS_SOURCE=str(source))
    assert done.code == 3, done.err
    assert done.document["status"] == "partial"
    assert done.document["valid"] == 1
    assert [file["status"] for file in done.document["files"]] == ["complete", "failed"]
