"""Copies of the published warehouse on the lake, and the way back.

A backup is a DuckDB file and, put after it, a small JSON file that says what it must be: without the second, or with
other bytes than it says, the first is no backup.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from gondola import clock
from gondola.errors import LakeKeyError, LakeUnavailableError, WarehouseDamagedError
from storage.duck import quote_literal
from storage.lake import Lake
from storage.layout import Backup, parse
from storage.publish import CATALOG, published_path

__all__ = [
    "BackupInfo",
    "check_warehouse",
    "damaged",
    "is_damage",
    "list_backups",
    "put_backup",
    "remove_old_backups",
    "restore_backup",
    "schemas_of",
]

_FOLDER = "backups/warehouse"
_ORPHAN_AGE = timedelta(days=1)


@dataclass(frozen=True)
class BackupInfo:
    """What is known of one backup."""

    version: str
    created_at: datetime
    bytes: int
    sha256: str
    duckdb: str  # the engine that wrote it

    @property
    def key(self) -> str:
        """Its file on the lake."""
        return Backup(self.version).key


def put_backup(lake: Lake, warehouse: Path, *, now: datetime | None = None) -> BackupInfo:
    """Back up the version that readers see; one that is backed up already is left as it is.

    Args:
        lake: Where backups are.
        warehouse: The DuckDB file of the build, whose published copy is backed up.
        now: The present; the clock's by default.

    Raises:
        LakeKeyError: Nothing is published.
        LakeUnavailableError: The lake does not answer, or newer versions took the place of this one meanwhile.
    """
    version, path = published_path(warehouse)
    known = next((backup for backup in list_backups(lake) if backup.version == version), None)
    if known is not None:
        return known
    try:
        with path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        lake.put_file(Backup(version).key, path)
    except FileNotFoundError as error:
        message = f"{path} was replaced by a newer version while it was backed up; back up again"
        raise LakeUnavailableError(message) from error
    info = BackupInfo(version, now or clock.now(), size, digest, duckdb.__version__)
    document = asdict(info) | {"created_at": info.created_at.isoformat()}
    lake.put(Backup(version, "json").key, json.dumps(document, indent=1).encode())
    return info


def list_backups(lake: Lake) -> list[BackupInfo]:
    """The backups whose file is there in the size it should have, the newest first."""
    sizes = {entry.key: entry.size for entry in lake.find(_FOLDER)}
    found = [_read(lake, key) for key in sizes if key.endswith(".json")]
    whole = [info for info in found if info is not None and sizes.get(info.key) == info.bytes]
    return sorted(whole, key=lambda info: (info.created_at, info.version), reverse=True)


def remove_old_backups(lake: Lake, *, days: int, now: datetime | None = None) -> list[str]:
    """Remove backups older than some days, but for the newest, and what killed backups left.

    Args:
        lake: Where backups are.
        days: How long a backup is kept.
        now: The present; the clock's by default.

    Returns:
        The versions that were removed.
    """
    now = now or clock.now()
    good = list_backups(lake)
    old = [info.version for info in good[1:] if info.created_at < now - timedelta(days=days)]
    for version in old:
        lake.delete(Backup(version, "json").key)  # first what makes it a backup
        lake.delete(Backup(version).key)
    kept = {info.version for info in good}
    for entry in lake.find(_FOLDER):
        if (fields := _fields(entry.key)) and fields.version not in kept and entry.modified < now - _ORPHAN_AGE:
            lake.delete(entry.key)
    return old


def restore_backup(lake: Lake, warehouse: Path, *, version: str | None = None) -> BackupInfo:
    """Put a backup in the place of the warehouse: at once and whole, after its checksum was verified.

    Args:
        lake: Where backups are.
        warehouse: The DuckDB file of the build; nobody may have it open, and the caller holds its turn.
        version: Which backup; the newest by default.

    Raises:
        LakeKeyError: There is no such backup; the message names those there are.
        LakeUnavailableError: A process has the warehouse open.
        WarehouseDamagedError: The backup's bytes are not those that were backed up, or this engine can't read them.
    """
    backups = list_backups(lake)
    info = next((backup for backup in backups if version in {None, backup.version}), None)
    if info is None:
        there = ", ".join(backup.version for backup in backups) or "none"
        wanted = f"backup {version}" if version else "backup"
        message = f"{lake.uri}: there is no {wanted} of the warehouse; there are: {there}"
        raise LakeKeyError(message)
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    partial = warehouse.parent / f".{uuid.uuid4().hex}.tmp"  # a name that cleaners know as unfinished
    try:
        digest = hashlib.sha256()
        with partial.open("xb") as file:
            for part in lake.read_parts(info.key):
                digest.update(part)
                file.write(part)
            os.fsync(file.fileno())
        if digest.hexdigest() != info.sha256:
            message = f"{lake.uri}: {info.key} is damaged: its SHA-256 is not the one recorded; restore another version"
            raise WarehouseDamagedError(message)
        check_warehouse(partial, name=f"backup {info.version} (written by DuckDB {info.duckdb})")
        _refuse_if_open(warehouse)
        # What was not yet merged into the old file must not be merged into the new one.
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        partial.replace(warehouse)
    finally:
        partial.unlink(missing_ok=True)
        partial.with_name(f"{partial.name}.wal").unlink(missing_ok=True)
    return info


def check_warehouse(path: Path, *, name: str | None = None) -> None:
    """See whether a file can be opened as a database; none at all is fine.

    Args:
        path: The file, which nobody has open for writing.
        name: What to call it in a message; its path by default.

    Raises:
        WarehouseDamagedError: It can't.
    """
    if not path.exists():
        return
    try:
        _with_database(path, "SELECT count(*) FROM duckdb_tables()")
    except duckdb.Error as error:
        if "lock" in str(error):  # in use, so it can be opened
            return
        raise damaged(name or path, error) from error


def damaged(name: str | Path, error: Exception) -> WarehouseDamagedError:
    """The error of a file that DuckDB can't read, or can't read all of.

    Args:
        name: The file.
        error: What DuckDB said.
    """
    message = (
        f"{name} can't be read by DuckDB {duckdb.__version__} ({_first_line(error)}); bring the last backup back with "
        "`gondola restore`, or delete the file and run `gondola transform --full-refresh`"
    )
    return WarehouseDamagedError(message)


def is_damage(said: str) -> bool:
    """Whether a message of DuckDB says that blocks of a file are not what was written.

    Args:
        said: The message, or one that holds it.
    """
    return "Corrupt database file" in said


def schemas_of(warehouse: Path) -> list[str]:
    """The schemas that hold tables, sorted.

    Args:
        warehouse: A DuckDB file.
    """
    sql = f"SELECT DISTINCT schema_name FROM duckdb_tables() WHERE database_name = '{CATALOG}' ORDER BY 1"
    return [str(name) for (name,) in _with_database(warehouse, sql)]


def _with_database(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {quote_literal(path)} AS {CATALOG} (READ_ONLY)")
        return connection.execute(sql).fetchall()


def _refuse_if_open(warehouse: Path) -> None:
    if not warehouse.exists():
        return
    with warehouse.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock that DuckDB takes
        except OSError as error:
            message = f"{warehouse}: a process has the warehouse open; end it, then restore again"
            raise LakeUnavailableError(message) from error


def _read(lake: Lake, key: str) -> BackupInfo | None:
    try:
        document = json.loads(lake.get(key))
        created_at = datetime.fromisoformat(document.pop("created_at"))
        info = BackupInfo(created_at=created_at, **document)
    except (LakeKeyError, ValueError, TypeError, KeyError, AttributeError):
        return None  # removed since, or not ours
    return info if Backup(info.version, "json").key == key else None


def _fields(key: str) -> Backup | None:
    try:
        fields = parse(key)
    except LakeKeyError:
        return None
    return fields if isinstance(fields, Backup) else None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][-200:]
