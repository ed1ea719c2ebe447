from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gondola.errors import LakeConflictError
from storage.lake import Lake
from storage.layout import Metadata, Quarantine
from storage.parquet import read_metadata
from storage.records import (
    QualityRecord,
    QuarantineRecord,
    RecordWriter,
    RequestRecord,
    RunRecord,
    SliceRecord,
    put_run,
    read_runs,
    record_schema,
)
from tests.backends import only

NOW = datetime(2026, 2, 5, 14, 32, tzinfo=UTC)
RUN_ID = "bistek-default-20260205T143200Z"
RUN = RunRecord(
    run_id=RUN_ID,
    system="market",
    scope="supermarket=bistek/region=default",
    business_date=date(2026, 2, 5),
    started_at=NOW,
    finished_at=NOW + timedelta(minutes=3),
    status="complete",
    expected_rows=10,
    received_rows=10,
    written_rows=12,
    data_key="bronze/market/x.parquet",
    seconds_waited=1.5,
    attributes=json.dumps({"supermarket": "bistek", "aliases": ["outra"]}),
)


def run(system: str, started_at: datetime) -> RunRecord:
    run_id = f"{system}-{started_at:%Y%m%dT%H%M%SZ}"
    return dataclasses.replace(RUN, run_id=run_id, system=system, started_at=started_at)


def test_schemas_are_those_of_the_contract() -> None:
    assert record_schema(RunRecord).names[:8] == [
        "run_id", "system", "scope", "business_date", "started_at", "finished_at", "status", "expected_rows",
    ]  # fmt: skip
    requests = record_schema(RequestRecord)
    assert requests.names[0] == "run_id"
    assert requests.field("requested_at").type == pa.timestamp("us", tz="UTC")
    assert (requests.field("attempt").type, requests.field("status").type) == (pa.int32(), pa.int32())
    assert requests.field("status").nullable
    assert not requests.field("url").nullable
    assert record_schema(SliceRecord).names == [
        "run_id", "slice", "label", "declared", "received", "pages", "walks", "status", "reason",
    ]  # fmt: skip
    assert record_schema(QualityRecord).names == [
        "run_id", "check_name", "subject", "passed", "expected", "actual", "severity",
    ]  # fmt: skip
    assert record_schema(QuarantineRecord).names == ["run_id", "source", "row_number", "field", "reason", "value"]


def test_a_run_and_its_records(lake: Lake, tmp_path: Path) -> None:
    with RecordWriter(lake, "market", RUN_ID, tmp_path / "spool") as records:
        records.add(
            SliceRecord(slice="C:/1/17/", label="Mercearia > Arroz", received=10, pages=1, walks=1, status="complete")
        )
        for number in range(12_000):
            records.add(
                RequestRecord(
                    requested_at=NOW,
                    method="GET",
                    url=f"/api?_from={number}",
                    slice="C:/1/17/",
                    attempt=1,
                    status=None if number == 5 else 206,
                    bytes=100,
                    seconds=0.1,
                    waited_seconds=0,
                    outcome="ok",
                )
            )
        records.add(QuarantineRecord(source="C:/1/17/", field="price", reason="not a number", value="ã" * 20_000))
        assert lake.find() == []
        stats = records.commit()
    assert {(item.key.split("/")[1], item.rows) for item in stats} == {
        ("slices", 1),
        ("requests", 12_000),
        ("market", 1),
    }
    with lake.open_file(Metadata("requests", "market", RUN_ID).key) as file:
        requests = pq.ParquetFile(file)
        assert requests.num_row_groups == 3
        table = requests.read()
    assert table.column("status").null_count == 1
    assert set(table.column("run_id").to_pylist()) == {RUN_ID}
    with lake.open_file(Quarantine("market", RUN_ID).key) as file:
        assert len(pq.read_table(file).column("value")[0].as_py()) == 10_000

    key = put_run(lake, RUN)
    assert key == Metadata("runs", "market", RUN_ID).key
    assert read_metadata(lake, key) == {"schema_version": "1", "run_id": RUN_ID, "status": "complete", "rows": "1"}
    with pytest.raises(LakeConflictError):
        put_run(lake, RUN)
    assert read_runs(lake, now=NOW) == [RUN]


def test_records_of_a_crash_are_nowhere(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    writer = RecordWriter(lake, "market", RUN_ID, tmp_path / "spool")
    with writer:
        for _ in range(6_000):
            writer.add(
                QualityRecord(check_name="a", subject="b", passed=True, expected="", actual="", severity="error")
            )
    assert lake.find() == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_last_runs_the_newest_first(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    assert read_runs(lake) == []
    for age in (0, 3, 1, 40):
        put_run(lake, run("market", NOW - timedelta(days=age)))
    put_run(lake, run("events", NOW - timedelta(hours=1)))
    lake.put("metadata/runs/notes.parquet", b"not a run's record")

    ages = [(NOW - record.started_at, record.system) for record in read_runs(lake, days=30, now=NOW)]
    day, hour = timedelta(days=1), timedelta(hours=1)
    assert ages == [(0 * day, "market"), (hour, "events"), (day, "market"), (3 * day, "market")]
    assert len(read_runs(lake, days=2, now=NOW)) == 3
    assert len(read_runs(lake, days=2, system="market", now=NOW)) == 2
    assert len(read_runs(lake, days=400, now=NOW)) == 5


def test_runs_of_other_versions_are_read(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    put_run(lake, RUN)
    older = pa.Table.from_pylist([dataclasses.asdict(run("market", NOW - timedelta(days=1)))])
    older = older.drop(["throttled", "error"]).append_column("from_the_future", pa.array(["x"]))
    pq.write_table(older, tmp_path / "older")
    lake.put_file(
        Metadata("runs", "market", f"market-{NOW - timedelta(days=1):%Y%m%dT%H%M%SZ}").key, tmp_path / "older"
    )
    assert [record.throttled for record in read_runs(lake, now=NOW)] == [0, 0]


@only("s3")
def test_a_listing_of_many_runs_is_one_query(lake: Lake) -> None:
    for minute in range(5):
        put_run(lake, run("market", NOW - timedelta(minutes=minute)))
    assert len(read_runs(lake, now=NOW)) == 5
