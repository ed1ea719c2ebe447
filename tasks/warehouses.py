"""Bronze into another engine than DuckDB, before dbt builds there."""

from __future__ import annotations

import json
from contextlib import ExitStack

from loguru import logger
from prefect import task

from gondola.settings import PROJECT_ROOT, Settings
from gondola.sources.physical_product import DOMAINS
from storage.duck import connect, quote_literal
from storage.lake import Lake
from storage.parquet import spool_file
from storage.records import RunRecord, read_runs
from storage.warehouses import BronzeRun, Connector, open_connector
from tasks.retries import STEP
from tasks.staging import stage

__all__ = ["load_warehouse"]

SYSTEM = "physical_product"
_ALWAYS = 36_500  # days: all runs there ever were
_CALENDAR = "calendar"
_CALENDAR_MODEL = PROJECT_ROOT / "dbt_project" / "models" / "shared" / "dim_date.sql"
_OF_RUN = {"source_file": "varchar", "source_row": "bigint", "run_id": "varchar"}


@task(task_run_name="load bronze into {settings.target}", tags=["physical_product"], **STEP)
def load_warehouse(settings: Settings) -> list[str]:
    """Give an engine the rows of every run that it has not, the oldest first; each run in one transaction if it can.

    Args:
        settings: Name the lake, the engine by its dbt target, and its address.

    Returns:
        The runs that were loaded.

    Raises:
        ConfigurationError: The engine's driver or address is missing.
        WarehouseUnavailableError: It does not answer.
    """
    lake = Lake.open(settings.lake)
    runs = [run for run in read_runs(lake, days=_ALWAYS, system=SYSTEM) if run.status in {"complete", "partial"}]
    with open_connector(settings.target, settings) as connector, connect(str(settings.spool)) as duck:
        calendar = duck.sql(_CALENDAR_MODEL.read_text(encoding="utf-8"))
        columns = dict(zip(calendar.columns, map(str.lower, map(str, calendar.types)), strict=True))
        tables = {name: {**domain.landed, **_OF_RUN} for name, domain in DOMAINS.items()}
        connector.prepare({**tables, _CALENDAR: columns})
        if not connector.fetch(f"select date_day from {connector.name(_CALENDAR)} limit 1"):
            with spool_file(settings.spool) as path:
                duck.execute(f"copy ({calendar.sql_query()}) to {quote_literal(path)} (format parquet)")
                connector.replace(_CALENDAR, path)
        have = connector.loaded_runs()
        missing = sorted((run for run in runs if run.run_id not in have), key=lambda run: run.run_id)
        for run in missing:
            _load(lake, run, connector, settings)
    return [run.run_id for run in missing]


def _load(lake: Lake, run: RunRecord, connector: Connector, settings: Settings) -> None:
    keys: dict[str, str] = json.loads(run.attributes)["tables"]
    with ExitStack() as stack:
        files = {name: stack.enter_context(stage(lake, key, settings.spool)).path for name, key in keys.items()}
        connector.load(BronzeRun(run.run_id, run.finished_at, files, keys))
    logger.info("{}: run {} loaded, {} rows", SYSTEM, run.run_id, run.written_rows)
