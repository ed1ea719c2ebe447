from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gondola.errors import LakeConflictError
from storage.days import DaySpool
from storage.lake import Lake
from storage.layout import Silver

SCHEMA = pa.schema([("day", pa.date32()), ("n", pa.int64())])
FIRST = date(2026, 1, 1)
START = datetime(2026, 2, 5, tzinfo=UTC)


def key_of(day: date | None) -> str:
    return Silver("events", "events", START, day).key


def rows(*pairs: tuple[int, int]) -> pa.Table:
    return pa.table({"day": [FIRST + timedelta(day) for day, _ in pairs], "n": [n for _, n in pairs]}, schema=SCHEMA)


def test_each_day_gets_its_rows_in_order(lake: Lake, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with DaySpool(SCHEMA, "day", spool) as days:
        for start in range(0, 600, 100):
            days.write(rows(*((n % 40, n) for n in range(start, start + 100))))
        mark = days.mark()
        days.write(rows((0, -1), (5000, -1)))
        days.go_back(mark)
        files = days.commit(lake, key_of, {"run_id": "r"})
    assert list(files) == [FIRST + timedelta(n) for n in range(40)]
    for number, (day, stats) in enumerate(files.items()):
        assert stats.key == key_of(day)
        if number % 13 == 0:
            with lake.open_file(stats.key) as file:
                assert pq.read_table(file)["n"].to_pylist() == list(range(number, 600, 40))
    assert list(spool.iterdir()) == []


def test_rows_without_a_day_are_one_file(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    with DaySpool(SCHEMA, None, tmp_path / "spool") as days:
        assert days.commit(lake, key_of, {}) == {}
    with DaySpool(SCHEMA, None, tmp_path / "spool") as days:
        days.write(rows((1, 1), (2, 2)))
        days.write(rows((1, 3)))
        [stats] = days.commit(lake, key_of, {}).values()
    assert stats.key == "silver/events/events/run_20260205T000000Z.parquet"
    assert stats.rows == 3
    with DaySpool(SCHEMA, None, tmp_path / "spool") as days:
        days.write(rows((1, 1)))
        with pytest.raises(LakeConflictError):
            days.commit(lake, key_of, {})
