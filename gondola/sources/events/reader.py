"""One file of events, products or users: its good rows in their types, its bad ones with their reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gondola.errors import DataContractError
from gondola.sources.events.chunks import Chunk, records_as_text
from gondola.sources.events.columns import Columns
from gondola.sources.events.contract import Event, Kind, Rejected, judge
from gondola.sources.events.csv_files import read_csv
from gondola.sources.events.json_files import read_json
from gondola.sources.events.parquet_files import read_parquet
from gondola.sources.events.pii import PiiPolicy
from gondola.sources.events.schema import SILVER
from gondola.sources.events.screen import screen
from gondola.sources.events.streams import Stream, detect

__all__ = ["EARLIEST", "Batch", "EventFile", "format_of_name"]

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_FUTURE = timedelta(days=1)
_BUSINESS_ZONE = "America/Sao_Paulo"
_FORMATS = {"jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "csv": "csv", "parquet": "parquet"}
_UNIT, _NULL = "\x1f", "\x00"  # neither can be in a text of the contract, or end a value of it
_HASHED = [name for name in Event.model_fields if name != "event_id"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A bounded part of a file: its good rows in silver's columns, and the refused ones."""

    rows: pa.Table
    rejected: tuple[Rejected, ...]

    @property
    def read(self) -> int:
        """Records of the file that it covers."""
        return int(self.rows.num_rows) + len(self.rejected)


class EventFile:
    """A file that is read once, from its beginning to its end.

    ```python
    file = EventFile(path, name="events.jsonl.gz", kind=Kind.EVENTS, policy=policy, now=now, run_id=run_id, spool=spool)
    for batch in file.batches(): ...
    file.damage, file.columns.new  # known when all batches have been taken
    ```
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        kind: Kind,
        policy: PiiPolicy,
        now: datetime,
        run_id: str,
        spool: Path,
        ids: dict[str, tuple[str, int]] | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            path: The file, on this machine.
            name: What it is called where it comes from.
            kind: What its records are.
            policy: What is done with personal data.
            now: The present; events of later than a day from now are refused.
            run_id: The run that reads it.
            spool: A local folder for what must be unpacked.
            ids: Of products or users, those that were read already, with file and row; this file's are added. A
                second row of an id is refused.
        """
        self.columns = Columns(kind, policy)
        self.format: str | None = None
        self._met_emails = False
        self._stream = Stream(path)
        self._name = name
        self._kind = kind
        self._policy = policy
        self._context = {"earliest": EARLIEST, "latest": now + _FUTURE}
        self._run_id = run_id
        self._spool = spool
        self._ids = {} if ids is None else ids

    @property
    def damage(self) -> str | None:
        """Why the file ends before its end, where it does."""
        return self._stream.damage

    @property
    def has_emails(self) -> bool:
        """Whether e-mail addresses stood in values."""
        return self._stream.has_emails or self._met_emails

    @property
    def is_personal(self) -> bool:
        """Whether personal data was met: columns of it, or e-mail addresses anywhere."""
        return bool(self.columns.personal) or self.has_emails

    def personal_columns(self) -> dict[str, tuple[str, str]]:
        """The columns of personal data that were met, each with its category and what was done."""
        done = {}
        for name, category in self.columns.personal.items():
            action = self._policy.actions[category]
            if self._policy.hashes(self._kind, category):
                done[name] = (category, "kept as a keyed hash")
            elif action == "hash" and self._kind is Kind.USERS:
                done[name] = (category, "dropped, as GONDOLA_PII_KEY is not set")
            else:
                done[name] = (category, "dropped")
        return done

    def batches(self) -> Iterator[Batch]:
        """All rows, in the file's order.

        Raises:
            DataContractError: Nothing of the file can be used; the message says why and what to do.
        """
        head = self._stream.head()
        try:
            self.format = detect(head)
        except DataContractError as error:
            if self._stream.is_packed and not head:
                message = "the gzip file can't be unpacked, or nothing is in it; send it again"
                raise DataContractError(message) from error
            raise
        for chunk in self._chunks():
            yield self._judged(chunk)

    def _chunks(self) -> Iterator[Chunk]:
        if self.format == "parquet":
            with self._stream.unpacked_file(self._spool) as file:
                yield from read_parquet(file, self._stream, self.columns)
        elif self.format == "csv":
            yield from read_csv(self._stream, self.columns)
        else:
            yield from read_json(self._stream, self.columns, is_array=self.format == "json")

    def _judged(self, chunk: Chunk) -> Batch:
        rejected = [replace(row, value=self._mask(row.value, row.field)) for row in chunk.rejected]
        parts: list[pa.Table] = []
        doubtful = list(chunk.records)
        if self._kind is Kind.EVENTS:
            good, doubtful = self._screened(chunk)
            parts.append(good)
        elif chunk.table is not None:
            doubtful = list(enumerate(chunk.table.to_pylist(), chunk.first_row))
        kept: list[dict[str, Any]] = []
        for number, record in doubtful:
            found = self._judge_one(number, record)
            if isinstance(found, Rejected):
                rejected.append(found)
            else:
                kept.append(found)
        if kept or not parts:
            parts.append(self._typed(kept))
        rows = pa.concat_tables(parts)
        if len(parts) > 1:
            rows = rows.take(pc.sort_indices(rows["source_row"]))
        rejected.sort(key=lambda row: row.row_number or 0)
        return Batch(self._finished(rows), tuple(rejected))

    def _screened(self, chunk: Chunk) -> tuple[pa.Table, list[tuple[int, Mapping[str, object]]]]:
        """The rows that are good for certain, typed; and the others, with their numbers."""
        if chunk.table is not None:
            table, numbers = chunk.table, pa.array(range(chunk.first_row, chunk.first_row + chunk.count), pa.int64())
        else:
            table = records_as_text([record for _, record in chunk.records], sorted(self.columns.seen))
            numbers = pa.array([number for number, _ in chunk.records], pa.int64())
        typed, sure = screen(table, self._context["earliest"], self._context["latest"])
        typed = _shaped(typed.append_column("source_row", numbers), self._kind)
        if pc.all(sure).as_py():
            return typed, []
        unsure = pc.invert(sure)
        if chunk.table is not None:
            left = list(zip(numbers.filter(unsure).to_pylist(), table.filter(unsure).to_pylist(), strict=True))
        else:
            left = [chunk.records[index] for index in pc.indices_nonzero(unsure).to_pylist()]
        return typed.filter(sure), left

    def _judge_one(self, number: int, record: Mapping[str, object]) -> dict[str, Any] | Rejected:
        hashed = self._hashed(record)
        cleaned = self._policy.clean(hashed)
        if isinstance(cleaned, Rejected):
            self._met_emails = True
            return replace(cleaned, row_number=number)
        if cleaned != hashed:
            self._met_emails = True
        if self.columns.is_header(cleaned):
            return Rejected(number, "(record)", "the header is repeated", "")
        found = judge(self._kind, cleaned, self._context)
        if isinstance(found, Rejected):
            return replace(found, row_number=number, value=self._mask(found.value))
        if self._kind is not Kind.EVENTS:
            return self._first_of_its_id(number, found)
        return found | {"source_row": number}

    def _first_of_its_id(self, number: int, found: dict[str, Any]) -> dict[str, Any] | Rejected:
        name = "product_id" if self._kind is Kind.PRODUCTS else "user_id"
        here = (self._name, number)
        first = self._ids.setdefault(found[name], here)
        if first != here:
            where = f"row {first[1]}" + ("" if first[0] == self._name else f" of {first[0]}")
            return Rejected(number, name, f"{name} was in {where} already", self._mask(found[name]))
        return found

    def _hashed(self, record: Mapping[str, object]) -> Mapping[str, object]:
        """A record with keyed hashes in the place of what the policy hashes."""
        if not any(name.endswith("_hash") for name in record):
            return record
        return {
            name: self._policy.hash(str(value)) if name.endswith("_hash") and value else value
            for name, value in record.items()
        }

    def _mask(self, value: str, field: str = "") -> str:
        if field == "(record)" and self.columns.personal:  # which value is in it can't be told
            return "[withheld: the file holds personal data]"
        return self._policy.mask(self._kind, value)

    def _typed(self, records: list[dict[str, Any]]) -> pa.Table:
        return pa.Table.from_pylist(records, schema=_SHAPES[self._kind])

    def _finished(self, rows: pa.Table) -> pa.Table:
        """Rows in silver's columns: with the day, the id, and where they come from."""
        columns = {name: rows[name] for name in rows.column_names}
        columns["run_id"] = _repeated(self._run_id, rows.num_rows)
        if self._kind is Kind.EVENTS:
            columns["source_file"] = _repeated(self._name, rows.num_rows)
            local = pc.local_timestamp(rows["event_time"].cast(pa.timestamp("us", tz=_BUSINESS_ZONE)))
            columns["event_date"] = local.cast(pa.date32())
            columns["event_id"] = _with_ids(rows)
        schema = SILVER[self._kind]
        return pa.table([columns[name] for name in schema.names], schema=schema)


_SHAPES = {
    kind: pa.schema([f for f in schema if f.name not in {"event_date", "source_file", "run_id"}])
    for kind, schema in SILVER.items()
}


def format_of_name(name: str) -> str | None:
    """The format that a file's name promises; None for a name that promises none."""
    return _FORMATS.get(name.lower().removesuffix(".gz").rpartition(".")[2])


def _shaped(table: pa.Table, kind: Kind) -> pa.Table:
    schema = _SHAPES[kind]
    have = set(table.column_names)
    columns = [table[f.name] if f.name in have else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _with_ids(rows: pa.Table) -> pa.ChunkedArray:
    """Each event's id; where none is given, the hash of all that the row says, so that the same row has the same id."""
    given = rows["event_id"]
    if given.null_count == 0:
        return given
    texts = [
        rows[name].cast(pa.int64()).cast(pa.string()) if name == "event_time" else rows[name].cast(pa.string())
        for name in _HASHED
    ]
    joined = pc.binary_join_element_wise(*texts, _UNIT, null_handling="replace", null_replacement=_NULL)
    hashes = pa.array([hashlib.sha256(text.encode()).hexdigest() for text in joined.to_pylist()], pa.string())
    return pc.coalesce(given, hashes)


def _repeated(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), rows)
