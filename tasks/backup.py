"""Back up the published warehouse to the lake, and bring it back."""

from __future__ import annotations

from datetime import timedelta

from loguru import logger
from prefect import task

from gondola.errors import LakeKeyError
from gondola.settings import Settings
from storage.backup import BackupInfo, put_backup, remove_old_backups, restore_backup, schemas_of
from storage.lake import Lake
from storage.publish import Published, published_version
from tasks.publish import publish_warehouse
from tasks.retries import STEP
from tasks.turn import warehouse_turn

__all__ = ["backup_warehouse", "prune_backups", "restore_warehouse"]


@task(task_run_name="backup", tags=["backup"], **STEP)
def backup_warehouse(settings: Settings) -> BackupInfo | None:
    """Back up what readers see; None while nothing is published.

    Args:
        settings: Name the lake and the warehouse.
    """
    if published_version(settings.warehouse) is None:
        logger.info("nothing is published yet, so there is nothing to back up")
        return None
    info = put_backup(Lake.open(settings.lake), settings.warehouse)
    logger.info("version {} of the warehouse is backed up: {:,} bytes", info.version, info.bytes)
    return info


@task(task_run_name="retention of backups", tags=["backup"], **STEP)
def prune_backups(settings: Settings) -> list[str]:
    """Remove backups that are older than they are kept.

    Args:
        settings: Name the lake, and the days a backup is kept.

    Returns:
        The versions that were removed.
    """
    removed = remove_old_backups(Lake.open(settings.lake), days=settings.backup_days)
    for version in removed:
        logger.info("backup {} is older than {} days: removed", version, settings.backup_days)
    return removed


def restore_warehouse(settings: Settings, version: str | None = None) -> tuple[BackupInfo, Published]:
    """Put a backup in the place of the warehouse and publish it. What landed since is built by the next transform.

    Args:
        settings: Name the lake and the warehouse.
        version: Which backup; the newest by default.

    Raises:
        LakeKeyError: There is no such backup.
        LakeUnavailableError: A run is building, or a process has the warehouse open.
        WarehouseDamagedError: The backup is not what was backed up.
    """
    # Not waited for: who restores must know that nothing builds.
    with warehouse_turn(settings, patience=timedelta(0)):
        info = restore_backup(Lake.open(settings.lake), settings.warehouse, version=version)
        schemas = schemas_of(settings.warehouse)
        if not schemas:
            message = f"backup {info.version} holds no table, so nothing of it is published"
            raise LakeKeyError(message)
        return info, publish_warehouse.fn(settings, schemas)
