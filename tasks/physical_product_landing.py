"""From the eight CSV files of a source to the lake: quarantine, checks, bronze, the run record last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Self

import pyarrow as pa
from loguru import logger

from gondola import clock
from gondola.errors import GondolaError
from gondola.settings import Settings
from gondola.sources.events.contract import Rejected
from gondola.sources.physical_product import DOMAINS, Domain, Header, Intake
from storage.credentials import redact
from storage.duck import connect, quote_literal
from storage.lake import Lake
from storage.layout import Bronze, make_run_id
from storage.parquet import FileStats, ParquetSink
from storage.records import QualityRecord, QuarantineRecord, RecordWriter, RunRecord, put_run, read_runs
from tasks.physical_product_report import DomainFile, PhysicalProductReport, verdict
from tasks.staging import stage

__all__ = ["SYSTEM", "Landing", "Loaded", "put_failed_run"]

SYSTEM = "physical_product"
_ALWAYS = 36_500  # days: a file that was ever loaded is loaded
_SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What earlier runs have loaded."""

    last: Mapping[str, str] = field(default_factory=dict)  # name -> SHA-256 of what it was when last loaded
    prints: frozenset[str] = frozenset()  # of all files ever loaded
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)  # domain -> the files of its last load

    @classmethod
    def read(cls, lake: Lake) -> Self:
        """Ask the run records; failed runs have loaded nothing."""
        last: dict[str, str] = {}
        prints: set[str] = set()
        names: dict[str, frozenset[str]] = {}
        for run in read_runs(lake, days=_ALWAYS, system=SYSTEM):  # the newest first
            files = json.loads(run.attributes).get("files", []) if run.status != "failed" else []
            for file in files:
                if file["status"] == "complete":
                    last.setdefault(file["name"], file["sha256"])
                    prints.add(file["sha256"])
            for domain in DOMAINS:
                of_domain = frozenset(file["name"] for file in files if file["domain"] == domain)
                if of_domain:
                    names.setdefault(domain, of_domain)
        return cls(last, frozenset(prints), names)

    def knows(self, name: str, sha256: str) -> bool:
        """Whether a file says nothing new: what it said last, or what another name has said before."""
        return self.last[name] == sha256 if name in self.last else sha256 in self.prints


class Landing(ExitStack):
    """Where one run's files land. Readers see nothing of it until `commit` has put the run record."""

    def __init__(self, lake: Lake, settings: Settings, *, started_at: datetime, loaded: Loaded) -> None:
        """Nothing is written yet.

        Args:
            lake: Where everything goes.
            settings: The spool, DuckDB's limits, and the share of bad rows a file may have.
            started_at: The run's start.
            loaded: What earlier runs have loaded.
        """
        super().__init__()
        self.run_id = make_run_id(SYSTEM, started_at=started_at)
        self._lake = lake
        self._settings = settings
        self._started_at = started_at
        self._loaded = loaded
        self._files: list[DomainFile] = []
        settings.spool.mkdir(parents=True, exist_ok=True)
        self._connection = self.enter_context(
            connect(str(settings.spool), threads=settings.transform_threads, memory=settings.transform_memory)
        )
        self._connection.execute(f"SET temp_directory = {quote_literal(settings.spool / f'{self.run_id}.tmp')}")
        self._intake = Intake(self._connection, run_id=self.run_id, started_at=started_at)
        self._records = self.enter_context(RecordWriter(lake, SYSTEM, self.run_id, settings.spool))

    def load(self, source: Lake, domain: Domain, keys: Sequence[str]) -> None:
        """Read what is new of a domain's files; a file that can't be used is a line of the report.

        A snapshot is read whole when any file of it is new, and counts only when all of its files do: a part of it
        would say that the rest is gone.

        Args:
            source: Where the files are.
            domain: Whose they are.
            keys: Their keys, the oldest first by name.
        """
        again = domain.is_snapshot and self._loaded.names.get(domain.name) != frozenset(keys)
        files = [self._load(source, domain, key, again=again) for key in keys]
        if domain.is_snapshot and any(file.status == "complete" for file in files) and not again:
            known = [file.name for file in files if file.status == "known"]
            files = [file for file in files if file.name not in known]
            files += [self._load(source, domain, key, again=True) for key in known]
        files = self._settle(domain, files)
        if domain.is_snapshot and any(file.status == "failed" for file in files):
            other = "another file of the same snapshot can't be used"
            files = [self._fail(domain, file, file.error or other) for file in files]
        for file in files:
            self._check(domain, file)
        self._files += files

    def _load(self, source: Lake, domain: Domain, key: str, *, again: bool) -> DomainFile:
        file = DomainFile(key, domain.name, "failed")
        header = Header(domain)
        try:
            with stage(source, key, self._settings.spool) as staged:
                file = replace(file, sha256=staged.sha256, bytes=staged.bytes)
                if not again and self._loaded.knows(key, staged.sha256):
                    return replace(file, status="known")
                for part in self._intake.read(domain, staged.path, key, header):
                    self._refuse(key, part.rejected)
                    file = replace(file, rows=file.rows + part.rows, rejected=file.rejected + len(part.rejected))
        except GondolaError as error:
            return self._fail(domain, file, redact(error))
        for column in sorted(header.new):
            self._records.add(_warning("new_column", f"{key}: {column}", "a column of the contract", "it is left out"))
        return replace(file, status="complete", columns=tuple(sorted(header.seen)))

    def _settle(self, domain: Domain, files: Sequence[DomainFile]) -> list[DomainFile]:
        """Judge the files of a domain as a whole: repeated keys, circles, and the share of what was refused."""
        more: dict[str, int] = {}
        for name, row in self._intake.settle(domain):
            self._refuse(name, [row])
            more[name] = more.get(name, 0) + 1
        settled = []
        for before in files:
            file = replace(before, rejected=before.rejected + more.get(before.name, 0))
            share, allowed = file.rejected / file.rows if file.rows else 0.0, self._settings.bad_row_share
            if file.status == "complete" and share > allowed:
                reason = (
                    f"{file.rejected:,} of {file.rows:,} rows were refused ({share:.1%}, at most {allowed:.1%} may "
                    f"be), so nothing of the file counts; all are in quarantine/{SYSTEM}: correct it, or raise "
                    "GONDOLA_BAD_ROW_SHARE, and run again"
                )
                file = self._fail(domain, file, reason)
            settled.append(file)
        return settled

    def _fail(self, domain: Domain, file: DomainFile, error: str) -> DomainFile:
        self._intake.forget(domain, file.name)
        logger.warning("{}: {}", file.name, error)
        return replace(file, status="failed", error=error)

    def _refuse(self, name: str, rows: Iterable[Rejected]) -> None:
        for row in rows:
            self._records.add(QuarantineRecord(source=name, **asdict(row)))

    def _check(self, domain: Domain, file: DomainFile) -> None:
        if file.status == "known":
            return
        allowed = self._settings.bad_row_share
        self._records.add(
            QualityRecord(
                check_name="validity",
                subject=f"{domain.name}: {file.name}",
                passed=file.status == "complete",
                expected=f"a file that can be read, at most {allowed:.1%} of its rows refused",
                actual=file.error or f"{file.rejected:,} of {file.rows:,} refused",
                severity="error",
            )
        )

    def commit(self, source: str, business_date: date, *, flow_run_id: str | None) -> PhysicalProductReport:
        """Put everything on the lake, the run record last; nothing at all when no file is new.

        Args:
            source: Where the files came from.
            business_date: The day the run is for.
            flow_run_id: The Prefect flow run it belongs to.

        Raises:
            LakeUnavailableError: The lake did not take it; nothing of this run is visible then.
        """
        status, error = verdict(self._files)
        report = PhysicalProductReport(self.run_id, business_date, source, status, tuple(self._files), 0.0, error)
        if not report.is_news:
            return report
        self._records.commit()
        tables = {domain.name: self._put(domain) for domain in DOMAINS.values() if self._counts(domain)}
        finished_at = max(clock.now(), self._started_at)
        put_run(
            self._lake,
            RunRecord(
                run_id=self.run_id,
                system=SYSTEM,
                scope=SYSTEM,
                business_date=business_date,
                started_at=self._started_at,
                finished_at=finished_at,
                status=status,
                received_rows=report.rows,
                written_rows=sum(stats.rows for stats in tables.values()),
                rejected_rows=report.rejected,
                data_bytes=sum(stats.bytes for stats in tables.values()),
                bytes_received=sum(file.bytes for file in self._files if file.status != "known"),
                error=error,
                flow_run_id=flow_run_id,
                attributes=json.dumps(
                    {
                        "source": source,
                        "files": [asdict(file) for file in self._files if file.status != "known"],
                        "tables": {name: stats.key for name, stats in tables.items()},
                    },
                    ensure_ascii=False,
                ),
            ),
        )
        return replace(report, seconds=(finished_at - self._started_at).total_seconds())

    def _counts(self, domain: Domain) -> bool:
        return any(file.domain == domain.name and file.status == "complete" for file in self._files)

    def _put(self, domain: Domain) -> FileStats:
        key = Bronze(SYSTEM, domain.name, self._started_at.date(), self._started_at).key
        metadata = {"schema_version": _SCHEMA_VERSION, "run_id": self.run_id}
        rows = self._intake.rows(domain)
        with ParquetSink(self._lake, key, rows.schema, metadata, self._settings.spool) as sink:
            for batch in rows:
                sink.write(pa.Table.from_batches([batch]))
            return sink.commit()


def put_failed_run(
    lake: Lake, business_date: date, error: GondolaError, *, started_at: datetime, flow_run_id: str | None
) -> None:
    """Record a run whose source could not even be listed, so that it is missed by nobody."""
    record = RunRecord(
        run_id=make_run_id(SYSTEM, started_at=started_at),
        system=SYSTEM,
        scope=SYSTEM,
        business_date=business_date,
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
        status="failed",
        error=redact(error),
        flow_run_id=flow_run_id,
        attributes=json.dumps({"files": [], "tables": {}}),
    )
    put_run(lake, record)


def _warning(check: str, subject: str, expected: str, actual: str) -> QualityRecord:
    return QualityRecord(
        check_name=check, subject=subject, passed=False, expected=expected, actual=actual, severity="warn"
    )
