"""The physical product system's step: read what is new of a source, land it; and what people read of it in the UI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from loguru import logger
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from gondola.clock import next_start, today
from gondola.errors import ConfigurationError, GondolaError
from gondola.settings import Settings
from gondola.sources.physical_product import DOMAINS
from storage.lake import Lake
from storage.parquet import clean_spool
from tasks.physical_product_landing import SYSTEM, Landing, Loaded, put_failed_run
from tasks.physical_product_report import PhysicalProductReport
from tasks.retries import STEP

__all__ = ["final_state", "find_files", "load_files"]

_ENDINGS = (".csv", ".csv.gz")


@task(task_run_name="load physical products", tags=["physical_product"], **STEP)
def load_files(
    settings: Settings, source: str | None = None, business_date: date | None = None
) -> PhysicalProductReport:
    """Read every file of a source that no earlier run has loaded, and land its rows.

    Args:
        settings: Name the lake, and the source where none is given.
        source: A folder, `s3://…`, `az://…`, or one file.
        business_date: The day the run is recorded for; today by default.

    Returns:
        The run's report: complete, partial (files that can't be used are named), or failed. When no file is new,
        nothing is loaded and no run is recorded.

    Raises:
        ConfigurationError: No source is named, or nothing can be read there.
        LakeUnavailableError: The lake or the source does not answer.
    """
    day = business_date or today()
    uri = source or settings.physical_product_source
    if not uri:
        message = "no source of physical products is named: use --source URI, or set GONDOLA_PHYSICAL_PRODUCT_SOURCE"
        raise ConfigurationError(message)
    lake = Lake.open(settings.lake)
    clean_spool(settings.spool)  # what killed runs left
    started_at = next_start(SYSTEM)
    try:
        folder, files = find_files(uri)
    except GondolaError as error:
        put_failed_run(lake, day, error, started_at=started_at, flow_run_id=flow_run.get_id())
        raise
    with Landing(lake, settings, started_at=started_at, loaded=Loaded.read(lake)) as landing:
        for name, keys in files.items():
            landing.load(folder, DOMAINS[name], keys)
        report = landing.commit(folder.uri, day, flow_run_id=flow_run.get_id())
    logger.log("INFO" if report.status == "complete" else "WARNING", "physical_product: {}", report.headline)
    return report


def find_files(uri: str) -> tuple[Lake, Mapping[str, list[str]]]:
    """The files of a source by domain: those in folders, or of names, that begin with a domain's name.

    Args:
        uri: A folder, `s3://bucket/prefix`, `az://container/prefix`, or one file of one of them.

    Raises:
        ConfigurationError: The source can't be opened, or has no such file.
        LakeUnavailableError: Its server does not answer.
    """
    folder, _, name = uri.rstrip("/").rpartition("/")
    if folder and name.endswith(_ENDINGS):
        source, keys = Lake.open(folder), [name]
    else:
        source = Lake.open(uri)
        if source.is_local and not Path(source.uri).is_dir():
            message = f"{uri}: there is no such folder or file; correct --source or GONDOLA_PHYSICAL_PRODUCT_SOURCE"
            raise ConfigurationError(message)
        keys = sorted(entry.key for entry in source.find())
    found: dict[str, list[str]] = {}
    for domain in DOMAINS:
        of_domain = [key for key in keys if key.endswith(_ENDINGS) and key.split("/", 1)[0].lower().startswith(domain)]
        if of_domain:
            found[domain] = of_domain
    if not found:
        message = (
            f"{uri}: no files to read there; they are named {', '.join(DOMAINS)}, or lie in folders so named, and end "
            "in .csv or .csv.gz"
        )
        raise ConfigurationError(message)
    return source, found


def final_state(report: PhysicalProductReport) -> State[PhysicalProductReport]:
    """Write the artifact people read, and say in the flow's state how it went."""
    create_table_artifact(
        key="physical-product-run",
        description=report.build_error or report.headline,
        table=[
            {
                "file": file.name,
                "domain": file.domain,
                "status": file.status,
                "rows": file.rows,
                "refused": file.rejected,
                "why": file.error or "",
            }
            for file in report.files
        ],
    )
    if report.final_status == "failed":
        return Failed(name="Failed", message=report.build_error or report.headline, data=report)
    return Completed(name=report.final_status.capitalize(), message=report.headline, data=report)
