"""Swap what readers see, after a green build."""

from __future__ import annotations

from collections.abc import Sequence

from loguru import logger
from prefect import task

from gondola.settings import Settings
from storage.lake import Lake
from storage.publish import Published, publish
from tasks.retries import STEP

__all__ = ["publish_warehouse"]


@task(
    task_run_name="publish",
    tags=["publish"],
    **STEP,
)
def publish_warehouse(settings: Settings, schemas: Sequence[str]) -> Published:
    """Write gold Parquet to the lake and swap the readers' copy of the warehouse.

    Args:
        settings: Name the lake and the warehouse.
        schemas: Schemas whose tables are published.
    """
    published = publish(
        Lake.open(settings.lake),
        settings.warehouse,
        schemas=schemas,
        keep=settings.published_versions,
        threads=settings.transform_threads,
        memory=settings.transform_memory,
    )
    logger.info("published version {}: {} tables", published.version, len(published.tables))
    return published
