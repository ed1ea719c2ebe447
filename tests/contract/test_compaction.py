"""Compaction on every kind of storage: the same rows, proven, committed by one manifest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gondola.errors import DataContractError, LakeConflictError, LakeUnavailableError
from gondola.sources.vtex.schema import BRONZE_SCHEMA
from storage import compaction
from storage.compaction import Compacted, compact
from storage.lake import Lake
from storage.layout import MarketMonth, MarketSilver, parse
from storage.lifecycle import Plan, apply, plan
from storage.manifests import read_manifests
from storage.policy import Policy, Rule
from tests.backends import only
from tests.storage.market_month import crawl, keys, rows_of

JANUARY = date(2026, 1, 1)
NOW = datetime(2026, 5, 2, 3, tzinfo=UTC)  # ninety days after January's end, and one
POLICY = Policy(
    rules=(
        Rule(name="bronze", folder="bronze/market", cool_after_days=90, archive_after_days=365, delete_after_days=730),
    )
)


def compact_due(lake: Lake, spool: Path, now: datetime = NOW) -> list[Compacted]:
    made = plan(lake, POLICY, now=now)
    return [compact(lake, due, now=now, spool=spool, memory="256MB", threads=1) for due in made.due]


def january(lake: Lake, days: int = 3) -> list[str]:
    return [crawl(lake, JANUARY + timedelta(days=day)).key for day in range(days)]


def held(made: Plan) -> dict[str, str]:
    return {item.key: item.reason for item in made.held}


def test_a_month_becomes_one_file_of_bronze_and_one_of_silver(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    small.append(crawl(lake, JANUARY, hour=18).key)  # a second run of a day
    other = crawl(lake, JANUARY, region="norte")
    young = crawl(lake, date(2026, 2, 1))
    before = rows_of(lake, small)
    done = compact_due(lake, tmp_path)
    assert [(item.name, item.files, item.rows) for item in done] == [
        ("alfa/centro 2026-01", 4, 80),
        ("alfa/norte 2026-01", 1, 20),
    ]
    runs = [run for run in read_manifests(lake) if "centro" in run.run_id]
    (bronze,), (silver,) = {run.bronze_key for run in runs}, {run.silver_key for run in runs}
    assert parse(bronze) == MarketMonth("alfa", "centro", JANUARY, NOW)
    assert parse(silver) == MarketSilver("alfa", "centro", JANUARY, NOW)
    assert rows_of(lake, [bronze]) == before
    assert rows_of(lake, [silver]) == rows_of(lake, small, raw=False)
    assert {run.source_key for run in runs} == set(small)
    sizes = {entry.key: entry.size for entry in lake.find()}
    for run in runs:
        assert (run.rows, run.source_bytes) == (20, sizes[run.source_key])
        assert (run.bronze_bytes, run.silver_bytes) == (sizes[bronze], sizes[silver])
    assert set(small) | {other.key, young.key} <= sizes.keys(), "nothing is deleted yet"
    assert compact_due(lake, tmp_path) == []
    assert not list(tmp_path.glob("compaction/*"))


def test_small_files_go_when_their_grace_is_over(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    before = rows_of(lake, small)
    compact_due(lake, tmp_path)
    early = plan(lake, POLICY, now=NOW + timedelta(hours=23))
    assert all("grace" in held(early)[key] for key in small)
    made = plan(lake, POLICY, now=NOW + timedelta(days=1))
    assert [step.key for step in made.steps if step.action == "delete"] == small
    apply(lake, made)
    left = keys(lake, "bronze")
    assert len(left) == 1
    assert rows_of(lake, left) == before


@only("local")
def test_a_late_run_is_compacted_by_itself(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    compact_due(lake, tmp_path)
    late = crawl(lake, JANUARY, started=datetime(2026, 4, 30, tzinfo=UTC)).key
    later = NOW + timedelta(days=7)
    (done,) = compact_due(lake, tmp_path, later)
    assert done.files == 1
    assert len(keys(lake, "metadata/compactions")) == 2
    apply(lake, plan(lake, POLICY, now=later + timedelta(days=1)))
    left = keys(lake, "bronze")
    assert len(left) == 2
    assert len(keys(lake, "silver")) == 2
    assert {run.source_key for run in read_manifests(lake)} == {*small, late}


@only("local")
def test_files_of_other_columns_do_not_share_a_file(lake: Lake, tmp_path: Path) -> None:
    narrow = pa.schema([field for field in BRONZE_SCHEMA if field.name != "teasers"])
    small = [
        crawl(lake, JANUARY + timedelta(days=day), schema=schema).key
        for day, schema in enumerate([BRONZE_SCHEMA, narrow, BRONZE_SCHEMA])
    ]
    compact_due(lake, tmp_path)
    by_bronze: dict[str, list[str]] = {}
    for run in read_manifests(lake):
        by_bronze.setdefault(run.bronze_key, []).append(run.source_key)
    assert sorted(map(len, by_bronze.values())) == [1, 2]
    for bronze, sources in by_bronze.items():
        assert rows_of(lake, [bronze]) == rows_of(lake, sources)
    assert len(keys(lake, "metadata/compactions")) == 1
    assert {key for sources in by_bronze.values() for key in sources} == set(small)


@only("local")
def test_a_file_nobody_committed_is_reported_and_left(lake: Lake, tmp_path: Path) -> None:
    january(lake)
    lost = crawl(lake, JANUARY, hour=20, record=False).key
    made = plan(lake, POLICY, now=NOW)
    assert held(made) == {lost: "no run record: left by a crawl that was killed"}
    compact_due(lake, tmp_path)
    assert lost not in {run.source_key for run in read_manifests(lake)}
    apply(lake, plan(lake, POLICY, now=NOW + timedelta(days=2000)))
    assert lake.exists(lost)


@only("local")
def test_a_file_that_is_not_its_records_is_refused(lake: Lake, tmp_path: Path) -> None:
    crawl(lake, JANUARY, written=21)
    with pytest.raises(DataContractError, match="20 rows, but its run's record tells of 21"):
        compact_due(lake, tmp_path)
    assert keys(lake, "silver") == keys(lake, "metadata/compactions") == []


@only("local")
def test_rows_of_another_run_are_refused(lake: Lake, tmp_path: Path) -> None:
    first, second = crawl(lake, JANUARY), crawl(lake, JANUARY, hour=15)
    lake.put(second.key, lake.get(first.key))
    with pytest.raises(DataContractError, match="rows of other runs"):
        compact_due(lake, tmp_path)


@only("local")
@pytest.mark.parametrize("change", ["lost", "doubled", "altered", "raw"])
def test_a_result_that_is_not_the_same_rows_never_counts(lake: Lake, tmp_path: Path, change: str) -> None:
    january(lake)
    write = compaction.ParquetSink.write

    def spoil(sink: Any, table: pa.Table) -> None:
        column = table.column_names.index("raw" if change == "raw" and "raw" in table.column_names else "slice")
        values = [b"?" if change == "raw" and "raw" in table.column_names else "2", *table[column].to_pylist()[1:]]
        spoilt = {
            "lost": table.slice(1),
            "doubled": pa.concat_tables([table, table.slice(0, 1)]),
            "altered": table.set_column(column, table.field(column), [values]),
            "raw": table.set_column(column, table.field(column), [values]) if "raw" in table.column_names else table,
        }
        write(sink, spoilt[change])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction.ParquetSink, "write", spoil)
        with pytest.raises(DataContractError, match="does not hold the rows"):
            compact_due(lake, tmp_path)
    assert keys(lake, "metadata/compactions") == []
    compact_due(lake, tmp_path)
    assert len(keys(lake, "metadata/compactions")) == 1


def test_of_two_compactions_of_a_month_one_commits(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    (due,) = plan(lake, POLICY, now=NOW).due
    compact(lake, due, now=NOW, spool=tmp_path, threads=1)
    with pytest.raises(LakeConflictError):
        compact(lake, due, now=NOW, spool=tmp_path, threads=1)
    runs = read_manifests(lake)
    assert [run.source_key for run in runs] == small
    assert rows_of(lake, {run.bronze_key for run in runs}) == rows_of(lake, small)


@only("local")
def test_one_compaction_at_a_time_on_a_machine(lake: Lake, tmp_path: Path) -> None:
    january(lake)
    with compaction._workspace(tmp_path), pytest.raises(LakeUnavailableError, match="another compaction"):
        compact_due(lake, tmp_path)
    (tmp_path / "compaction").mkdir()
    (tmp_path / "compaction" / "left").write_bytes(b"of a killed one")
    assert len(compact_due(lake, tmp_path)) == 1
    assert not (tmp_path / "compaction").exists()


class Killed(BaseException):
    """As SIGKILL: no handler of errors runs on."""


@only("local")
@pytest.mark.parametrize("step", range(8))
def test_killed_at_any_put_or_delete_and_run_again(lake: Lake, tmp_path: Path, step: int) -> None:
    """Two files and a manifest are put, three files deleted: before each of them, and after all."""
    small = january(lake)
    before = rows_of(lake, small)
    done = 0

    def counted(name: str, patch: pytest.MonkeyPatch) -> None:
        original = getattr(Lake, name)

        def act(self: Lake, key: str, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            if done == step:
                raise Killed
            done += 1
            return original(self, key, *args, **kwargs)

        patch.setattr(Lake, name, act)

    def run_all(now: datetime) -> None:
        compact_due(lake, tmp_path, now)
        apply(lake, plan(lake, POLICY, now=now + timedelta(days=1)))

    with pytest.MonkeyPatch.context() as patch:
        for name in ("put", "put_file", "delete"):
            counted(name, patch)
        try:
            run_all(NOW)
            assert step >= 6
        except Killed:
            assert step < 6
    runs = read_manifests(lake)
    readable = {run.bronze_key for run in runs} or set(small)
    assert rows_of(lake, readable) == before
    run_all(NOW + timedelta(days=1))
    runs = read_manifests(lake)
    assert rows_of(lake, {run.bronze_key for run in runs}) == before
    assert rows_of(lake, {run.silver_key for run in runs}) == _without_raw(before)
    assert not any(lake.exists(key) for key in small)
    leftovers = set(keys(lake, "bronze") + keys(lake, "silver")) - {
        key for run in runs for key in (run.bronze_key, run.silver_key)
    }
    assert leftovers == set(held(plan(lake, POLICY, now=NOW + timedelta(days=3))))


def _without_raw(rows: Any) -> Any:
    column = sorted(BRONZE_SCHEMA.names).index("raw")
    return type(rows)({(*row[:column], *row[column + 1 :]): count for row, count in rows.items()})
