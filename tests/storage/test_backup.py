from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from gondola.errors import LakeKeyError, LakeUnavailableError, WarehouseDamagedError
from storage.backup import (
    check_warehouse,
    list_backups,
    put_backup,
    remove_old_backups,
    restore_backup,
    schemas_of,
)
from storage.lake import Lake
from storage.layout import Backup, parse
from storage.publish import publish

NOW = datetime(2026, 2, 5, 12, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse" / "gondola.duckdb"
    path.parent.mkdir()
    write(path, 1)
    return path


def write(path: Path, value: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS gondola; CREATE SCHEMA IF NOT EXISTS gondola.market")
        connection.execute(f"CREATE OR REPLACE TABLE gondola.market.t AS SELECT {value} AS v, range AS i FROM range(9)")


def read(path: Path) -> int:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS gondola (READ_ONLY)")
        row = connection.execute("SELECT max(v) FROM gondola.market.t").fetchone()
        assert row
        return int(row[0])


def back_up(lake: Lake, warehouse: Path, value: int, *, now: datetime = NOW) -> str:
    write(warehouse, value)
    publish(lake, warehouse, schemas=["market"], keep=2, version=f"v{value}")
    return put_backup(lake, warehouse, now=now).version


def test_backed_up_and_restored_on_every_backend(lake: Lake, warehouse: Path) -> None:
    assert back_up(lake, warehouse, 1) == "v1"
    back_up(lake, warehouse, 2, now=NOW + timedelta(1))
    write(warehouse, 3)
    backups = list_backups(lake)
    assert [(info.version, info.created_at, info.duckdb) for info in backups] == [
        ("v2", NOW + timedelta(1), duckdb.__version__),
        ("v1", NOW, duckdb.__version__),
    ]
    assert all(parse(info.key) == Backup(info.version) for info in backups)
    assert restore_backup(lake, warehouse).version == "v2"
    assert (read(warehouse), schemas_of(warehouse)) == (2, ["market"])
    assert restore_backup(lake, warehouse, version="v1").version == "v1"
    assert read(warehouse) == 1
    with pytest.raises(LakeKeyError, match="there are: v2, v1"):
        restore_backup(lake, warehouse, version="v9")
    assert [path.name for path in warehouse.parent.glob(".*")] == []


def test_a_version_is_backed_up_once_and_a_killed_backup_is_none(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    with pytest.raises(LakeKeyError, match="nothing is published"):
        put_backup(lake, warehouse)
    with pytest.raises(LakeKeyError, match="there are: none"):
        restore_backup(lake, warehouse)
    back_up(lake, warehouse, 1)
    before = lake.find("backups")
    put_backup(lake, warehouse, now=NOW + timedelta(9))
    assert lake.find("backups") == before
    lake.delete(Backup("v1", "json").key)  # as if it had been killed before the commit
    assert list_backups(lake) == []
    assert put_backup(lake, warehouse, now=NOW).version == "v1"
    lake.put(Backup("v1").key, b"cut")
    assert list_backups(lake) == [], "its file is not what was backed up"


def test_old_backups_go_and_the_newest_good_one_stays(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    for value, age in ((1, 90), (2, 60), (3, 40)):
        back_up(lake, warehouse, value, now=NOW - timedelta(age))
    assert remove_old_backups(lake, days=50, now=NOW) == ["v2", "v1"]
    assert remove_old_backups(lake, days=30, now=NOW) == []
    assert [info.version for info in list_backups(lake)] == ["v3"]
    back_up(lake, warehouse, 4, now=NOW)
    lake.put(Backup("v4").key, b"damaged")
    lake.put("backups/warehouse/notes.txt", b"somebody's")
    assert remove_old_backups(lake, days=30, now=NOW) == [], "the newest is no backup: the one before it stays"
    later = datetime.now(UTC) + timedelta(days=2)
    assert remove_old_backups(lake, days=9999, now=later) == []
    assert [entry.key for entry in lake.find("backups")] == [
        Backup("v3").key,
        Backup("v3", "json").key,
        "backups/warehouse/notes.txt",
    ]


def test_a_damaged_backup_is_refused_and_the_warehouse_left(tmp_path: Path, warehouse: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    back_up(lake, warehouse, 1)
    data = bytearray(lake.get(Backup("v1").key))
    data[5000] ^= 1
    lake.put(Backup("v1").key, bytes(data))
    write(warehouse, 2)
    with pytest.raises(WarehouseDamagedError, match="SHA-256"):
        restore_backup(lake, warehouse)
    garbage = b"no database"
    document = json.loads(lake.get(Backup("v1", "json").key))
    import hashlib

    document |= {"sha256": hashlib.sha256(garbage).hexdigest(), "bytes": len(garbage), "duckdb": "9.9.9"}
    lake.put(Backup("v1").key, garbage)
    lake.put(Backup("v1", "json").key, json.dumps(document).encode())
    with pytest.raises(WarehouseDamagedError, match=r"written by DuckDB 9\.9\.9"):
        restore_backup(lake, warehouse)
    assert read(warehouse) == 2
    assert [path.name for path in warehouse.parent.glob(".*")] == []


HOLD = "import duckdb,sys; c = duckdb.connect(); c.execute(f\"ATTACH '{sys.argv[1]}' AS g\"); "
WRITE = "c.execute('CREATE TABLE g.market.unmerged AS SELECT 1 AS i'); print('open', flush=True); sys.stdin.read()"


def test_a_warehouse_in_use_is_not_replaced_and_nothing_of_it_gets_into_the_new_one(
    tmp_path: Path, warehouse: Path
) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    back_up(lake, warehouse, 1)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD + WRITE, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(LakeUnavailableError, match="has the warehouse open"):
            restore_backup(lake, warehouse)
        check_warehouse(warehouse)
    finally:
        process.kill()
        process.communicate()
    assert warehouse.with_name("gondola.duckdb.wal").exists()
    restore_backup(lake, warehouse)
    assert not warehouse.with_name("gondola.duckdb.wal").exists()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse}' AS gondola")
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("t",)]


@pytest.mark.parametrize("damage", ["garbage", "cut short"])
def test_a_damaged_warehouse_is_said_with_what_to_do(warehouse: Path, damage: str) -> None:
    check_warehouse(warehouse)
    check_warehouse(warehouse.with_name("none.duckdb"))
    data = warehouse.read_bytes()
    warehouse.write_bytes(os.urandom(len(data)) if damage == "garbage" else data[:5000])
    with pytest.raises(WarehouseDamagedError, match="gondola restore"):
        check_warehouse(warehouse)
