"""What is kept of every run: itself, its slices, requests and checks, and the rows it refused."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType, UnionType
from typing import Annotated, Any, Self, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from gondola import clock
from gondola.errors import LakeKeyError
from storage.duck import connect, quote_literal
from storage.lake import Lake
from storage.layout import Metadata, Quarantine, parse
from storage.parquet import FileStats, ParquetSink

__all__ = [
    "RUN_STATUSES",
    "AlertRecord",
    "QualityRecord",
    "QuarantineRecord",
    "Record",
    "RecordWriter",
    "RequestRecord",
    "RunRecord",
    "SliceRecord",
    "put_run",
    "read_records",
    "read_runs",
    "record_schema",
]

RUN_STATUSES = ("complete", "partial", "failed")
_SCHEMA_VERSION = "1"
_ROW_GROUP_ROWS = 5_000
_LONGEST_VALUE = 10_000
_Int32 = Annotated[int, pa.int32()]
_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run of any system. It is put last: what a run wrote counts from then on."""

    run_id: str
    system: str
    scope: str  # such as supermarket=bistek/region=default
    business_date: date
    started_at: datetime
    finished_at: datetime
    status: str  # one of RUN_STATUSES
    expected_rows: int | None = None  # products the source declared
    received_rows: int = 0  # products it gave
    written_rows: int = 0  # rows of the bronze file
    rejected_rows: int = 0
    data_key: str | None = None
    data_bytes: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0  # answers 429 and 503
    bytes_received: int = 0
    seconds_waited: float = 0.0
    error: str | None = None  # the first reason
    flow_run_id: str | None = None
    attributes: str = "{}"  # JSON; what only this system has


@dataclass(frozen=True, kw_only=True)
class SliceRecord:
    """One part of a source that was asked for by itself, such as a leaf category."""

    slice: str
    label: str
    declared: int | None = None
    received: int
    pages: int
    walks: int
    status: str  # one of RUN_STATUSES
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """One request and how it ended."""

    requested_at: datetime
    method: str
    url: str
    slice: str
    attempt: _Int32
    status: _Int32 | None = None  # None: no answer came
    bytes: int
    seconds: float
    waited_seconds: float
    outcome: str  # ok, retried, failed or throttled
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class QualityRecord:
    """One check of a run's data."""

    check_name: str
    subject: str
    passed: bool
    expected: str
    actual: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class QuarantineRecord:
    """One row that was refused."""

    source: str  # the slice, URL or file it came from
    row_number: int | None = None
    field: str
    reason: str
    value: str  # as it came; only its beginning is kept


@dataclass(frozen=True, kw_only=True)
class AlertRecord:
    """One alert in a message that a channel took."""

    sent_at: datetime
    channel: str
    event: str  # opened, reminder or closed
    rule: str
    subject: str
    severity: str
    since: datetime  # when it became wrong
    opened_at: datetime  # when a check saw it first
    closed_at: datetime | None = None
    what: str
    todo: str
    link: str | None = None


Record = SliceRecord | RequestRecord | QualityRecord | AlertRecord | QuarantineRecord
_KINDS: dict[type[Any], str] = {
    SliceRecord: "slices",
    RequestRecord: "requests",
    QualityRecord: "quality",
    AlertRecord: "alerts",
}


def record_schema(kind: type[Any]) -> pa.Schema:
    """The Parquet columns of a record: its fields, after the id of the run where it is not one of them."""
    hints = get_type_hints(kind, include_extras=True)
    columns = [_column(field.name, hints[field.name]) for field in fields(kind)]
    if "run_id" not in hints:
        columns.insert(0, pa.field("run_id", pa.string(), nullable=False))
    return pa.schema(columns)


class RecordWriter:
    """Takes a run's records one by one and puts them on the lake at the commit, a file for each kind that came.

    Leaving the block without a commit leaves nothing anywhere. Memory holds a few thousand records at most.
    """

    def __init__(self, lake: Lake, system: str, run_id: str, spool: Path) -> None:
        """Nothing is written yet.

        Args:
            lake: Where the records go.
            system: Whose run it is.
            run_id: The run.
            spool: A local folder for the files while they are written.
        """
        self._lake = lake
        self._system = system
        self._run_id = run_id
        self._spool = spool
        self._sinks: dict[type[Any], ParquetSink] = {}
        self._rows: dict[type[Any], list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sink in self._sinks.values():
            sink.__exit__(kind, error, trace)

    def add(self, record: Record) -> None:
        """Take one record."""
        kind = type(record)
        row = {"run_id": self._run_id} | vars(record)
        if isinstance(record, QuarantineRecord):
            row["value"] = record.value[:_LONGEST_VALUE]
        rows = self._rows.setdefault(kind, [])
        rows.append(row)
        if len(rows) >= _ROW_GROUP_ROWS:
            self._flush(kind)

    def commit(self) -> list[FileStats]:
        """Put all files on the lake; once."""
        for kind in self._rows:
            self._flush(kind)
        return [sink.commit() for sink in self._sinks.values()]

    def _flush(self, kind: type[Any]) -> None:
        rows = self._rows[kind]
        if kind not in self._sinks:
            self._sinks[kind] = self._open(kind)
        self._sinks[kind].write(pa.Table.from_pylist(rows, schema=record_schema(kind)))
        rows.clear()

    def _open(self, kind: type[Any]) -> ParquetSink:
        if kind is QuarantineRecord:
            key = Quarantine(self._system, self._run_id).key
        else:
            key = Metadata(_KINDS[kind], self._system, self._run_id).key
        metadata = {"schema_version": _SCHEMA_VERSION, "run_id": self._run_id}
        return ParquetSink(self._lake, key, record_schema(kind), metadata, self._spool)


def put_run(lake: Lake, record: RunRecord) -> str:
    """Put a run's own record, after everything else of the run.

    Returns:
        Its key.

    Raises:
        LakeConflictError: A run of this id has been recorded.
    """
    metadata = {"schema_version": _SCHEMA_VERSION, "run_id": record.run_id, "status": record.status, "rows": "1"}
    table = pa.Table.from_pylist([asdict(record)], schema=record_schema(RunRecord).with_metadata(metadata))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    key = Metadata("runs", record.system, record.run_id).key
    lake.put(key, buffer.getvalue(), new=True)
    return key


def read_runs(lake: Lake, *, days: int = 30, system: str | None = None, now: datetime | None = None) -> list[RunRecord]:
    """The runs that started in the last days, the newest first.

    Args:
        lake: Where they are recorded.
        days: How many days, today (UTC) included.
        system: Only those of one system.
        now: The present; the clock's by default.
    """
    first = (now or clock.now()).astimezone(UTC).date() - timedelta(days=days - 1)
    folder = f"metadata/runs/system={system}" if system else "metadata/runs"
    return read_records(lake, [entry.key for entry in lake.find(folder, ".parquet") if _started_on(entry.key) >= first])


def read_records(lake: Lake, keys: Sequence[str]) -> list[RunRecord]:
    """The runs of some records, the newest first.

    Args:
        lake: Where they are recorded.
        keys: Keys of run records.
    """
    if not keys:
        return []
    urls = [lake.url(key) for key in keys]
    columns = [field.name for field in fields(RunRecord)]
    files = ", ".join(quote_literal(url) for url in urls)
    with connect(lake.uri) as connection:
        # Read by name: runs recorded by an older version lack columns that have come since.
        relation = connection.sql(
            f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false) "
            "ORDER BY started_at DESC, run_id"
        )
        kept = [name for name in relation.columns if name in columns]
        rows = relation.project(*kept).fetchall()
    return [
        RunRecord(**{name: value for name, value in zip(kept, row, strict=True) if value is not None}) for row in rows
    ]


def _started_on(key: str) -> date:
    try:
        fields_of_key = parse(key)
    except LakeKeyError:
        return date.min  # not ours
    return fields_of_key.started_at.date() if isinstance(fields_of_key, Metadata) else date.min


def _column(name: str, hint: Any) -> pa.Field:
    nullable = get_origin(hint) is UnionType or type(None) in get_args(hint)
    if nullable:
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    data_type = hint.__metadata__[0] if get_origin(hint) is Annotated else _TYPES[hint]
    return pa.field(name, data_type, nullable=nullable)
