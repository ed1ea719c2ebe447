"""Files of events for tests: written in every form, and read back as rows and refusals."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import SecretStr

from gondola.settings import PROJECT_ROOT
from gondola.sources.events import EventFile, Kind, PiiPolicy, Rejected

NOW = datetime(2026, 2, 5, 12, tzinfo=UTC)
POLICY = PROJECT_ROOT / "deployments" / "pii.yaml"
KEY = SecretStr("a key of the tests, long enough")
FORMATS = ("jsonl", "json", "csv", "parquet")


@dataclass
class Read:
    """What came of a file."""

    rows: list[dict[str, Any]]
    rejected: list[Rejected]
    file: EventFile

    @property
    def reasons(self) -> dict[int | None, str]:
        return {row.row_number: row.reason for row in self.rejected}


def event(number: int = 1, **values: object) -> dict[str, object]:
    """A good event; values given replace its own, and None takes one away."""
    made: dict[str, object] = {
        "event_id": f"e{number}",
        "event_time": f"2026-02-04T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "event_type": "view",
        "user_id": f"u{number % 7}",
        "product_id": f"p{number % 5}",
        "price": "12.50",
    }
    return {name: value for name, value in (made | values).items() if value is not None}


def encode(form: str, records: Sequence[Mapping[str, object]]) -> bytes:
    """Records as a file; its form may end in .gz."""
    kind, _, packed = form.partition(".")
    data = {"jsonl": _jsonl, "json": _array, "csv": _csv, "parquet": _parquet}[kind](records)
    return gzip.compress(data) if packed else data


def read(
    data: bytes, folder: Path, *, name: str = "events.jsonl", kind: Kind = Kind.EVENTS, key: SecretStr | None = None
) -> Read:
    """Read a file of these bytes."""
    path = folder / "staged"
    path.write_bytes(data)
    policy = PiiPolicy.load(POLICY, key)
    file = EventFile(path, name=name, kind=kind, policy=policy, now=NOW, run_id="events-run", spool=folder)
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    for batch in file.batches():
        rows += batch.rows.to_pylist()
        rejected += batch.rejected
    return Read(rows, rejected, file)


def _jsonl(records: Sequence[Mapping[str, object]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _array(records: Sequence[Mapping[str, object]]) -> bytes:
    return json.dumps(list(records), ensure_ascii=False, indent=1).encode()


def _names(records: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _csv(records: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _names(records))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def _parquet(records: Sequence[Mapping[str, object]]) -> bytes:
    buffer = io.BytesIO()
    columns = {name: [record.get(name) for record in records] for name in _names(records)}
    pq.write_table(pa.table(columns), buffer, row_group_size=1000)
    return buffer.getvalue()
