"""Event files are read from, and land on, every kind of storage alike."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gondola.errors import ConfigurationError
from gondola.settings import Settings
from storage.lake import Lake
from storage.layout import parse
from storage.records import read_runs
from tasks.event_files import open_source
from tasks.event_landing import Landing, Loaded
from tasks.event_report import EventsReport
from tests.sources.events.harness import FORMATS, NOW, encode, event

DAY = date(2026, 2, 5)


def ingest(lake: Lake, source: str, spool: Path, *, at: datetime = NOW) -> EventsReport:
    found = open_source(source)
    settings = Settings.load(lake=lake.uri, spool=spool)
    with Landing(lake, settings, started_at=at, loaded=Loaded.read(lake, at)) as landing:
        for file in found.files:
            landing.load(found, file)
        return landing.commit(found, DAY, flow_run_id=None)


def table(lake: Lake, key: str) -> pa.Table:
    with lake.open_file(key) as file:
        return pq.read_table(file)


def test_from_and_to_every_storage(lake: Lake, tmp_path: Path) -> None:
    source = Lake.open(f"{lake.uri}/source")
    records = [event(number) for number in range(1, 301)] + [event(301, event_time="2025-12-31T12:00:00Z")]
    for form in FORMATS:
        source.put(f"events/a.{form}.gz", encode(f"{form}.gz", records))
    source.put("events/bad.csv", encode("csv", [event(1, price="x"), event(2)]))
    source.put("events/cut.json", encode("json", [event(1)])[:-5])
    source.put("products.csv", encode("csv", [{"product_id": "p1"}]))
    spool = tmp_path / "spool"
    report = ingest(lake, source.uri, spool)
    assert report.status == "partial"
    assert [file.status for file in report.files] == ["complete"] * 5 + ["failed", "complete"]
    assert list(spool.iterdir()) == []

    [run] = read_runs(lake, system="events", now=NOW + timedelta(minutes=1))
    attributes = json.loads(run.attributes)
    days = [parse(key).day for key in attributes["events_keys"]]  # type: ignore[union-attr]
    assert days == [date(2025, 12, 31), date(2026, 2, 4)]
    late, usual = (table(lake, key) for key in attributes["events_keys"])
    assert (late.num_rows, usual.num_rows) == (4, 1201)
    names = [f"events/a.{form}.gz" for form in FORMATS]
    plain = [usual.filter(pc.equal(usual["source_file"], name)).drop_columns(["source_file"]) for name in names]
    assert plain[0].num_rows == 300
    assert all(rows.equals(plain[0]) for rows in plain)
    assert table(lake, attributes["products_key"])["product_id"].to_pylist() == ["p1"]
    for file in report.files:
        if file.raw_key:
            assert lake.get(file.raw_key) == source.get(file.name)

    again = ingest(lake, source.uri, spool, at=NOW + timedelta(seconds=1))
    assert {file.status for file in again.files} == {"duplicate", "failed"}
    assert (again.rows, again.days) == (1, ())


def test_one_file_as_a_source(lake: Lake, tmp_path: Path) -> None:
    lake.put("drop/2019-Oct.csv", encode("csv", [event(1)]))
    report = ingest(lake, lake.url("drop/2019-Oct.csv"), tmp_path / "spool")
    assert [(file.name, file.valid) for file in report.files] == [("2019-Oct.csv", 1)]


def test_an_empty_source(lake: Lake) -> None:
    lake.put("elsewhere/readme.md", b"")
    with pytest.raises(ConfigurationError, match="no files to read there"):
        open_source(f"{lake.uri}/elsewhere")


def test_a_commit_that_stops_halfway_shows_nothing(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever put is the last one that works: a second run gives what an undisturbed one would have given."""
    source = Lake.open(f"{lake.uri}/source")
    source.put("events/a.jsonl", encode("jsonl", [event(1), event(2, event_time="2026-02-01T00:00:00Z")] * 20))
    source.put("events/b.jsonl", encode("jsonl", [event(3), event(4, price="-1"), *(event(n) for n in range(5, 50))]))
    put, put_file = Lake.put, Lake.put_file
    left = 0

    def counted(original: object) -> object:
        def method(self: Lake, *arguments: object, **options: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                message = "pulled out"
                raise KeyboardInterrupt(message)
            original(self, *arguments, **options)  # type: ignore[operator]

        return method

    monkeypatch.setattr(Lake, "put", counted(put))
    monkeypatch.setattr(Lake, "put_file", counted(put_file))
    puts, started = 0, NOW
    while True:
        left = puts
        started += timedelta(seconds=1)
        try:
            report = ingest(lake, source.uri, tmp_path / "spool", at=started)
            break
        except KeyboardInterrupt:
            puts += 1
            assert read_runs(lake, system="events", now=started + timedelta(days=1)) == []
    assert puts == 7, "two raw files, two days, quarantine, checks, the run"
    assert (report.status, report.valid, report.rejected) == ("complete", 86, 1)
    [run] = read_runs(lake, system="events", now=started + timedelta(days=1))
    rows = [row for key in json.loads(run.attributes)["events_keys"] for row in table(lake, key).to_pylist()]
    assert len(rows) == 86
    assert {row["run_id"] for row in rows} == {run.run_id}
    assert list((tmp_path / "spool").iterdir()) == []
