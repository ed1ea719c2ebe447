"""Which compacted files stand for which runs. A manifest is put last: what it names counts from then on.

The manifests of a store-region's month are numbered. A number is taken by one writer only, who has read all before it,
so two compactions at once can't both take the same runs.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from storage.duck import connect, quote_literal
from storage.lake import Lake
from storage.layout import Metadata, make_run_id, parse
from storage.records import record_schema

__all__ = ["CompactedRun", "count_manifests", "manifest_key", "put_manifest", "read_manifests"]

_FOLDER = "metadata/compactions/system=market"


@dataclass(frozen=True, kw_only=True)
class CompactedRun:
    """One run whose rows a compaction took over."""

    run_id: str
    business_date: date
    rows: int
    source_key: str  # the small file that the run wrote
    source_bytes: int
    bronze_key: str  # the month's file, all columns
    bronze_bytes: int
    silver_key: str  # the month's file, typed columns
    silver_bytes: int
    digest: str  # of the run's rows, all columns, as in the small file and in bronze
    silver_digest: str  # of the run's rows, typed columns, as in silver
    compacted_at: datetime


def manifest_key(supermarket: str, region: str, month: date, number: int) -> str:
    """The key of a store-region's manifest of a month.

    It lies under the month's first day, so that a build that needs one month lists one folder; `number` (from 0) is
    written as seconds of that day.

    Args:
        supermarket: The store.
        region: Its region.
        month: Any day of the month.
        number: How many manifests of that month were there before.
    """
    moment = datetime(month.year, month.month, 1, tzinfo=UTC) + timedelta(seconds=number)
    return Metadata("compactions", "market", make_run_id(supermarket, region, started_at=moment)).key


def put_manifest(lake: Lake, key: str, runs: Sequence[CompactedRun]) -> None:
    """Commit a compaction.

    Args:
        lake: Where it happened.
        key: From `manifest_key`.
        runs: What it took over.

    Raises:
        LakeConflictError: Another compaction of the same month came first.
    """
    table = pa.Table.from_pylist([asdict(run) for run in runs], schema=record_schema(CompactedRun))
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"schema_version": "1"}), buffer, compression="zstd")
    lake.put(key, buffer.getvalue(), new=True)


def read_manifests(lake: Lake) -> list[CompactedRun]:
    """All runs that compactions took over."""
    files = ", ".join(quote_literal(lake.url(entry.key)) for entry in lake.find(_FOLDER, ".parquet"))
    if not files:
        return []
    names = [field.name for field in fields(CompactedRun)]
    with connect(lake.uri) as connection:
        relation = connection.sql(
            f"SELECT {', '.join(names)} FROM read_parquet([{files}], hive_partitioning = false) ORDER BY run_id"
        )
        return [CompactedRun(**dict(zip(names, row, strict=True))) for row in relation.fetchall()]


def count_manifests(lake: Lake) -> Counter[tuple[str, str, date]]:
    """How many manifests each store-region has of each month (its first day)."""
    found: Counter[tuple[str, str, date]] = Counter()
    for entry in lake.find(_FOLDER, ".parquet"):
        fields_of_key = parse(entry.key)
        if isinstance(fields_of_key, Metadata):
            supermarket, region, _ = fields_of_key.run_id.split("-")
            found[supermarket, region, fields_of_key.started_at.date()] += 1
    return found
