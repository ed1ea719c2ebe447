"""A round of maintenance: backup, retention, leftovers, and the storage report that alerts read."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.maintenance import maintenance
from gondola.settings import get_settings
from storage import backup as backups
from storage.backup import list_backups
from storage.lake import Lake
from storage.layout import Backup, make_run_id
from storage.publish import publish
from storage.records import put_run, read_runs
from storage.usage import UsageLine, measure
from tasks.maintenance import read_storage
from tests.platform import Platform


def test_a_round_on_an_empty_platform_is_complete(platform: Platform) -> None:
    state = maintenance(return_state=True)
    report = state.result()
    assert (state.name, report.backup, report.failures) == ("Complete", None, {})


def test_what_is_old_goes_and_what_is_there_is_measured(platform: Platform) -> None:
    lake, settings = Lake.open(platform.environment["GONDOLA_LAKE"]), get_settings()
    settings.warehouse.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{settings.warehouse}' AS g; CREATE SCHEMA g.market; CREATE TABLE g.market.t (i INT)"
        )
    for age in (40, 35):
        version = publish(lake, settings.warehouse, schemas=[], keep=2).version
        backups.put_backup(lake, settings.warehouse, now=datetime.now(UTC) - timedelta(age))
    publish(lake, settings.warehouse, schemas=[], keep=2)
    lake.put("bronze/market/supermarket=s/region=r/year=2026/month=02/day=05/run_20260205T120000Z.parquet", b"12345")
    names = (".0123456789abcdef0123456789abcdef.tmp", ".1123456789abcdef0123456789abcdef.tmp")
    folders = [Path(lake.uri) / "bronze" / "market", settings.warehouse.parent]
    for folder in folders:
        for name, age in zip(names, (25, 1), strict=True):
            (folder / name).write_bytes(b"half")
            os.utime(folder / name, (time.time() - age * 3600,) * 2)
    settings.spool.mkdir()
    (settings.spool / "1-dead.spool").write_bytes(b"half")

    report = maintenance(return_state=True).result()
    assert report.status == "complete"
    assert report.leftovers == 3
    assert [sorted(path.name for path in folder.glob(".*.tmp")) for folder in folders] == [[names[1]], [names[1]]]
    assert [info.version for info in list_backups(lake)] == [report.backup.version]
    assert len(report.removed_backups) == 2
    assert version in report.removed_backups
    assert UsageLine("bronze", "market", "2026-02", 1, 5) in report.storage.usage.lines

    (record,) = read_runs(lake, system="maintenance")
    said = json.loads(record.attributes)
    assert (record.scope, record.status) == ("storage", "complete")
    assert said["storage"]["areas"]["bronze"] == 5
    assert said["storage"]["bytes"] == report.storage.usage.bytes
    assert 0 < said["storage"]["disk_used_share"] < 1

    # A week later the report knows how it was; a report of yesterday is none of a week ago.
    then = record.started_at + timedelta(7)
    assert read_storage(settings, now=record.started_at + timedelta(1)).growth is None
    lake.put("bronze/market/more.parquet", b"1234567")
    size = measure(lake).bytes
    assert read_storage(settings, now=then).growth == size - said["storage"]["bytes"]
    near = replace(record, run_id=make_run_id("maintenance", "storage", started_at=then), started_at=then)
    put_run(lake, near)
    assert read_storage(settings, now=then + timedelta(1)).week_ago == record.started_at


def test_a_step_that_fails_stops_no_other(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, settings = Lake.open(platform.environment["GONDOLA_LAKE"]), get_settings()
    settings.warehouse.parent.mkdir()
    folder = settings.warehouse.parent / "published"
    folder.mkdir()
    (folder / "current").write_text("v1")  # which names a file that is not there
    state = maintenance(return_state=True)
    report = state.result(raise_on_failure=False)
    assert state.name == "Failed"
    assert list(report.failures) == ["backup"]
    assert "back up again" in report.failures["backup"]
    assert report.storage is not None
    (record,) = read_runs(lake, system="maintenance")
    assert record.status == "failed"
    assert (record.error or "").startswith("backup: ")
    assert "storage" in json.loads(record.attributes)


def test_commands(platform: Platform, prefect_api: str) -> None:
    nothing = platform.command("backup")
    assert nothing.code == 1
    assert "gondola transform" in nothing.err
    settings = get_settings()
    settings.warehouse.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{settings.warehouse}' AS g; CREATE SCHEMA g.market; CREATE TABLE g.market.t (i INT)"
        )
    lake = Lake.open(settings.lake)
    version = publish(lake, settings.warehouse, schemas=["market"], keep=2).version
    made = platform.command("backup", "--json").document
    assert (made["version"], made["key"]) == (version, Backup(version).key)
    (listed,) = platform.command("restore", "--list", "--json").document
    assert listed["version"] == version
    assert version in platform.command("restore", "--list").out
    settings.warehouse.unlink()
    restored = platform.command("restore", "--json")
    assert restored.code == 0, restored.err
    assert restored.document["restored"]["version"] == version
    assert settings.warehouse.exists()
    assert platform.command("restore", "--version", "v9").code == 1
    report = platform.command("storage", "--json").document
    assert report["areas"]["backups"] == made["bytes"] + len(lake.get(Backup(version, "json").key))
    assert report["bytes"] == sum(line["bytes"] for line in report["lines"])
    assert "backups" in platform.command("storage").out
