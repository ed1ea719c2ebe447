"""From the files of a source to the lake: valid rows by day, quarantine, checks, the run record last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from types import TracebackType
from typing import Self

from loguru import logger

from gondola import clock
from gondola.errors import DataContractError, GondolaError
from gondola.settings import Settings
from gondola.sources.events import SCHEMA_VERSION, SILVER, EventFile, Kind, PiiPolicy
from storage.credentials import redact
from storage.days import DaySpool
from storage.lake import Lake
from storage.layout import RawFile, Silver, make_run_id
from storage.parquet import FileStats
from storage.records import QuarantineRecord, RecordWriter, RunRecord, put_run, read_runs
from tasks.event_checks import file_checks, ignored_file, unread_file
from tasks.event_files import Source, SourceFile
from tasks.event_report import EventsReport, FileReport
from tasks.staging import StagedFile, stage

__all__ = ["SYSTEM", "Landing", "Loaded", "put_failed_run"]

SYSTEM = "events"
SCOPE = "events"
_LONGEST_NAME = 120
_ALWAYS = 36_500  # days: a file that was ever loaded is loaded
_DAY_COLUMNS: dict[Kind, str | None] = {Kind.EVENTS: "event_date", Kind.PRODUCTS: None, Kind.USERS: None}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What earlier runs have loaded."""

    runs: Mapping[str, str] = field(default_factory=dict)  # sha256 -> run id
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)  # kind -> those of its newest file

    @classmethod
    def read(cls, lake: Lake, now: datetime) -> Self:
        """Ask the run records; failed runs have loaded nothing."""
        runs: dict[str, str] = {}
        columns: dict[str, frozenset[str]] = {}
        for run in read_runs(lake, days=_ALWAYS, system=SYSTEM, now=now):  # the newest first
            for file in json.loads(run.attributes).get("files", []) if run.status != "failed" else []:
                if file["status"] in {"complete", "partial"}:
                    runs[file["sha256"]] = run.run_id
                    columns.setdefault(file["kind"], frozenset(file["columns"]))
        return cls(runs, columns)


class Landing:
    """Where one run's files land. Readers see nothing of it until `commit` has put the run record."""

    def __init__(self, lake: Lake, settings: Settings, *, started_at: datetime, loaded: Loaded) -> None:
        self.started_at = started_at
        self.run_id = make_run_id(SYSTEM, started_at=started_at)
        self._lake = lake
        self._settings = settings
        self._runs = dict(loaded.runs)
        self._columns = loaded.columns
        self._files: list[FileReport] = []
        self._first_refusal: str | None = None
        self._ids: dict[Kind, dict[str, tuple[str, int]]] = {kind: {} for kind in Kind}
        self._policy = PiiPolicy.load(settings.pii_policy, settings.pii_key)
        self._open = ExitStack()
        self._rows = {
            kind: self._open.enter_context(DaySpool(SILVER[kind], _DAY_COLUMNS[kind], settings.spool)) for kind in Kind
        }
        self._records = self._open.enter_context(RecordWriter(lake, SYSTEM, self.run_id, settings.spool))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def load(self, source: Source, file: SourceFile) -> None:
        """Read one file; whatever is wrong with it is a line of the report and stops no other."""
        report = FileReport(file.key, file.kind.value, "failed")
        mark = self._rows[file.kind].mark()
        try:
            with stage(source.lake, file.key, self._settings.spool) as staged:
                report = replace(report, sha256=staged.sha256, bytes=staged.bytes)
                if staged.sha256 in self._runs:
                    report = replace(report, status="duplicate", duplicate_of=self._runs[staged.sha256])
                else:
                    report = self._read(file, staged, report)
                    if report.status != "failed":
                        self._runs[staged.sha256] = self.run_id
        except Exception as error:  # noqa: BLE001 - any failure of one file is a line of the report
            report = self._unread(report, error)
        if report.status == "failed":
            self._rows[file.kind].go_back(mark)
            self._ids[file.kind] = {key: at for key, at in self._ids[file.kind].items() if at[0] != file.key}
        if report.error:
            logger.warning("{}: {}: {}", file.key, report.status, report.error)
        self._files.append(report)

    def _read(self, file: SourceFile, staged: StagedFile, report: FileReport) -> FileReport:
        reader = EventFile(
            staged.path,
            name=file.key,
            kind=file.kind,
            policy=self._policy,
            now=self.started_at,
            run_id=self.run_id,
            spool=self._settings.spool,
            ids=self._ids[file.kind],
        )
        try:
            for batch in reader.batches():
                self._rows[file.kind].write(batch.rows)
                for row in batch.rejected:
                    self._first_refusal = self._first_refusal or f"{file.key}, row {row.row_number}: {row.reason}"
                    self._records.add(QuarantineRecord(source=file.key, **asdict(row)))
                report = replace(
                    report,
                    rows=report.rows + batch.read,
                    valid=report.valid + batch.rows.num_rows,
                    rejected=report.rejected + len(batch.rejected),
                )
        except DataContractError as error:
            return self._unread(replace(report, rows=report.rejected, valid=0), error)
        report = replace(
            report,
            status="partial" if reader.damage else "complete",
            format=reader.format,
            columns=tuple(sorted(reader.columns.seen)),
            error=reader.damage,
        )
        if report.rejected and not report.valid:
            report = replace(report, status="failed", error=reader.damage or "none of its rows can be used")
        elif not reader.is_personal:
            # What is personal must not be kept; of what can't be read nobody knows whether it is.
            raw = RawFile(SYSTEM, self.run_id, _raw_name(file.key, staged.sha256))
            self._lake.put_file(raw.key, staged.path)
            report = replace(report, raw_key=raw.key)
        before = self._columns.get(file.kind.value, frozenset())
        for check in file_checks(reader, report, before, self._settings.bad_row_share):
            self._records.add(check)
        return report

    def _unread(self, report: FileReport, error: Exception) -> FileReport:
        """A file of which nothing counts, and why."""
        reason = (
            redact(error).strip() if isinstance(error, GondolaError) else f"{type(error).__name__}: {redact(error)}"
        )
        reason = self._policy.mask(Kind(report.kind), reason)
        self._records.add(unread_file(report.name, reason))
        return replace(report, status="failed", error=reason)

    def commit(self, source: Source, business_date: date, *, flow_run_id: str | None) -> EventsReport:
        """Put everything on the lake, the run record last.

        Args:
            source: Where the files came from.
            business_date: The day the run is for.
            flow_run_id: The Prefect flow run it belongs to.

        Raises:
            LakeUnavailableError: The lake did not take it; nothing of this run is visible then.
        """
        for name in source.ignored:
            self._records.add(ignored_file(name))
        status, error = self._verdict()
        silver = {kind: self._put_rows(kind) if status != "failed" else {} for kind in Kind}
        self._records.commit()
        finished_at = max(clock.now(), self.started_at)
        report = EventsReport(
            run_id=self.run_id,
            business_date=business_date,
            source=source.lake.uri,
            status=status,
            files=tuple(self._files),
            days=tuple(day for day in silver[Kind.EVENTS] if day is not None),
            seconds=(finished_at - self.started_at).total_seconds(),
            error=error,
        )
        keys = {kind: [stats.key for stats in files.values()] for kind, files in silver.items()}
        put_run(
            self._lake,
            RunRecord(
                run_id=self.run_id,
                system=SYSTEM,
                scope=SCOPE,
                business_date=business_date,
                started_at=self.started_at,
                finished_at=finished_at,
                status=status,
                received_rows=report.rows,
                written_rows=report.valid,
                rejected_rows=report.rejected,
                data_bytes=sum(stats.bytes for files in silver.values() for stats in files.values()),
                bytes_received=sum(file.bytes for file in self._files),
                error=error,
                flow_run_id=flow_run_id,
                attributes=_attributes(report, keys),
            ),
        )
        return report

    def _verdict(self) -> tuple[str, str | None]:
        """The run's status, and the first reason for it."""
        new = [file for file in self._files if file.status != "duplicate"]
        rows, rejected = sum(file.rows for file in new), sum(file.rejected for file in new)
        allowed = self._settings.bad_row_share
        bad = [f"{file.name}: {file.error}" for file in new if file.status != "complete"]
        if rows and rejected / rows > allowed:
            return "failed", (
                f"{rejected:,} of {rows:,} rows were refused ({rejected / rows:.1%}, at most {allowed:.1%} may be), so "
                f"nothing of this run counts; the first: {self._first_refusal}; all are in quarantine/{SYSTEM}: "
                "correct the files, or raise GONDOLA_BAD_ROW_SHARE, and run again"
            )
        if new and all(file.status == "failed" for file in new):
            return "failed", bad[0]
        return ("partial", bad[0]) if bad else ("complete", None)

    def _put_rows(self, kind: Kind) -> dict[date | None, FileStats]:
        metadata = {"schema_version": SCHEMA_VERSION, "run_id": self.run_id}

        def key_of(day: date | None) -> str:
            return Silver(SYSTEM, kind.value, self.started_at, day).key

        return self._rows[kind].commit(self._lake, key_of, metadata)


def put_failed_run(
    lake: Lake, business_date: date, error: GondolaError, *, started_at: datetime, flow_run_id: str | None
) -> None:
    """Record a run whose source could not even be listed, so that it is missed by nobody."""
    record = RunRecord(
        run_id=make_run_id(SYSTEM, started_at=started_at),
        system=SYSTEM,
        scope=SCOPE,
        business_date=business_date,
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status="failed",
        error=redact(error),
        flow_run_id=flow_run_id,
        attributes=json.dumps({"files": [], "events_keys": [], "products_key": None, "users_key": None}),
    )
    put_run(lake, record)


def _attributes(report: EventsReport, keys: Mapping[Kind, list[str]]) -> str:
    """What the models need to find a run's rows, and what the next run needs to know of its files."""
    return json.dumps(
        {
            "source": report.source,
            "files": [asdict(file) for file in report.files],
            "events_keys": keys[Kind.EVENTS],
            "products_key": next(iter(keys[Kind.PRODUCTS]), None),
            "users_key": next(iter(keys[Kind.USERS]), None),
            "duration_seconds": report.seconds,
            "validity_rate": report.validity_rate,
        },
        ensure_ascii=False,
    )


def _raw_name(key: str, sha256: str) -> str:
    """A file's name on the lake: its path, in the layout's letters; with a part of its hash where that changed it."""
    name = re.sub(r"[^A-Za-z0-9_.~-]", "_", key.replace("/", "~"))
    if name == key.replace("/", "~") and len(name) <= _LONGEST_NAME and name[0] not in ".~-":
        return name
    return f"{sha256[:12]}_{name[-_LONGEST_NAME:]}"
