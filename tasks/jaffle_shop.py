"""The jaffle shop's step: its files onto the lake, and through dlt into the warehouse.

The lake holds what every run received; `jaffle_shop_raw` in the warehouse is made from it, and made anew from it when
the warehouse is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow.parquet as pq
from loguru import logger
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from gondola import clock
from gondola.clock import next_start
from gondola.errors import DataContractError, GondolaError, LakeKeyError
from gondola.settings import Settings
from gondola.sources.jaffle_shop import TABLES, LoadedTable, TableFile, load_tables, loaded_until, read_file
from storage.lake import Lake
from storage.layout import Bronze, make_run_id
from storage.parquet import ParquetSink
from storage.records import QuarantineRecord, RecordWriter, RunRecord, put_run, read_runs
from tasks.retries import STEP
from tasks.turn import warehouse_turn

__all__ = ["JaffleShopReport", "catch_up", "load_files"]

SYSTEM = "jaffle_shop"
_ALWAYS = 100_000  # days: all runs there ever were


@dataclass(frozen=True, slots=True)
class JaffleShopReport:
    """What a load of the files came to."""

    run_id: str
    source: str
    status: str
    rows: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    loads: tuple[LoadedTable, ...] = ()
    seconds: float = 0.0

    @property
    def is_news(self) -> bool:
        """Whether anything was loaded."""
        return bool(self.loads)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return asdict(self)


@task(task_run_name="load {source}", tags=["jaffle_shop"], **STEP)
def load_files(settings: Settings, source: str) -> JaffleShopReport:
    """Read the three files, merge them into the warehouse and keep them on the lake.

    Args:
        settings: Name the lake and the warehouse.
        source: The folder the files are in, on any storage.

    Returns:
        The report. When the files are those of the last run, nothing is loaded and no run is recorded.

    Raises:
        DataContractError: A file is missing or can't be read, too many of its rows are bad, or a column changed
            its type. The run is recorded as failed, and nothing of it counts.
        LakeUnavailableError: The warehouse is in use.
    """
    lake = Lake.open(settings.lake)
    started_at = next_start(SYSTEM)
    run_id = make_run_id(SYSTEM, started_at=started_at)
    record = partial(_record, lake, run_id, source, started_at)
    try:
        contents = _fetch(source)
        prints = {name: hashlib.sha256(data).hexdigest() for name, (_, data) in contents.items()}
        if prints == _last_prints(lake):
            logger.info("{}: the files are those of the last run; nothing to load", source)
            return JaffleShopReport(run_id, source, "complete")
        files = [read_file(name, data, source=where) for name, (where, data) in contents.items()]
        with RecordWriter(lake, SYSTEM, run_id, settings.spool) as records:
            for file in files:
                where = contents[file.name][0]
                for row in file.rejected:
                    records.add(QuarantineRecord(source=where, **asdict(row)))
            records.commit()
        _check_share(files, contents, settings.bad_row_share)
        with warehouse_turn(settings):
            catch_up(settings)
            loads = load_tables({file.name: file.table for file in files}, settings.warehouse, run=run_id)
    except GondolaError as error:
        record("failed", error=str(error))
        raise
    keys = {file.name: _land(lake, file, started_at, settings) for file in files}
    tables = {name: {"key": key, "sha256": prints[name], "source": contents[name][0]} for name, key in keys.items()}
    record("complete", files=files, tables=tables)
    report = JaffleShopReport(
        run_id,
        source,
        "complete",
        {file.name: file.table.num_rows for file in files},
        {file.name: len(file.rejected) for file in files},
        tuple(loads),
        (clock.now() - started_at).total_seconds(),
    )
    _say(report)
    return report


def catch_up(settings: Settings) -> list[str]:
    """Load what the lake has and the warehouse lacks, as after the warehouse was lost; the caller holds its turn.

    Args:
        settings: Name the lake and the warehouse.

    Returns:
        The runs that were loaded, the oldest first.
    """
    lake = Lake.open(settings.lake)
    runs = [run for run in read_runs(lake, days=_ALWAYS, system=SYSTEM) if run.status == "complete"]
    if not runs:
        return []
    last = loaded_until(settings.warehouse) or ""
    missing = sorted((run for run in runs if run.run_id > last), key=lambda run: run.run_id)
    for run in missing:
        tables = json.loads(run.attributes)["tables"]
        loaded = {}
        for name, table in tables.items():
            with lake.open_file(table["key"]) as file:
                loaded[name] = pq.read_table(file)
        load_tables(loaded, settings.warehouse, run=run.run_id)
        logger.info("jaffle_shop: run {} loaded again from the lake", run.run_id)
    return [run.run_id for run in missing]


def _fetch(source: str) -> dict[str, tuple[str, bytes]]:
    """Name -> where it lies and what is in it."""
    folder = Lake.open(source)
    found: dict[str, tuple[str, bytes]] = {}
    for name in TABLES:
        for key in (f"{name}.csv", f"{name}.csv.gz"):
            with suppress(LakeKeyError):
                found[name] = (f"{folder.uri}/{key}", folder.get(key))
                break
        else:
            message = (
                f"{folder.uri}: there is no {name}.csv, nor {name}.csv.gz; the shop's files are {', '.join(TABLES)}"
            )
            raise DataContractError(message)
    return found


def _last_prints(lake: Lake) -> dict[str, str]:
    runs = [run for run in read_runs(lake, days=_ALWAYS, system=SYSTEM) if run.status == "complete"]
    if not runs:
        return {}
    return {name: table["sha256"] for name, table in json.loads(runs[0].attributes)["tables"].items()}


def _check_share(files: Sequence[TableFile], contents: Mapping[str, tuple[str, bytes]], most: float) -> None:
    for file in files:
        share = len(file.rejected) / file.rows if file.rows else 0.0
        if share > most:
            first = file.rejected[0]
            bad = f"{contents[file.name][0]}: {len(file.rejected)} of {file.rows} rows are bad, more than {most:.0%}"
            one = f"the first is row {first.row_number}, {first.field}: {first.reason}"
            message = f"{bad}; {one}. All are in quarantine/; mend the file, or raise GONDOLA_BAD_ROW_SHARE"
            raise DataContractError(message)


def _land(lake: Lake, file: TableFile, started_at: datetime, settings: Settings) -> str:
    key = Bronze(SYSTEM, file.name, started_at.date(), started_at).key
    metadata = {"schema_version": "1", "run_id": make_run_id(SYSTEM, started_at=started_at)}
    with ParquetSink(lake, key, file.table.schema, metadata, settings.spool) as sink:
        sink.write(file.table)
        sink.commit()
    return key


def _record(
    lake: Lake,
    run_id: str,
    source: str,
    started_at: datetime,
    status: str,
    *,
    files: Sequence[TableFile] = (),
    tables: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    written = sum(file.table.num_rows for file in files)
    rejected = sum(len(file.rejected) for file in files)
    record = RunRecord(
        run_id=run_id,
        system=SYSTEM,
        scope=SYSTEM,
        business_date=clock.today(),
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status=status,
        expected_rows=written + rejected if files else None,
        received_rows=written + rejected,
        written_rows=written,
        rejected_rows=rejected,
        error=error,
        flow_run_id=flow_run.get_id(),
        attributes=json.dumps({"source": source, "tables": tables or {}}),
    )
    put_run(lake, record)


def _say(report: JaffleShopReport) -> None:
    for load in report.loads:
        rejected = report.rejected[load.name]
        logger.info("{}: {} rows merged, {} refused", load.name, report.rows[load.name], rejected)
    create_table_artifact(
        key="jaffle-shop-load",
        description=f"Loaded from {report.source}",
        table=[
            {
                "table": load.name,
                "rows": report.rows[load.name],
                "rejected": report.rejected[load.name],
                "dlt load": load.load_id,
            }
            for load in report.loads
        ],
    )
