"""Many small bronze files of a month become one, and one of silver; no row is lost, doubled or changed.

1. The rows are grouped (a product's days lie together, where they compress best) and streamed into two files.
2. The two files are put under names of their own, and read back: run by run, the digest of their rows must be that of
   the small files.
3. The manifest is put: the commit. Killed before, it all begins anew, and what was left is never read.

The small files stay; `storage.lifecycle` deletes them when nobody can be reading them any more.
"""

from __future__ import annotations

import fcntl
import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gondola.errors import DataContractError, LakeUnavailableError
from storage.buckets import group_rows
from storage.credentials import redact
from storage.digest import RAW, RunDigest, digest_runs
from storage.duck import connect, quote_literal
from storage.lake import Entry, Lake
from storage.layout import MarketBronze, MarketMonth, MarketSilver, Metadata, parse
from storage.manifests import CompactedRun, manifest_key, put_manifest
from storage.parquet import FileStats, ParquetSink

__all__ = ["Compacted", "DueMonth", "compact"]

_ORDER = ("product_id", "sku_id", "run_id")
_BRONZE_ROWS = 8_192  # of a row group: 75 MB of raw JSON
_SILVER_ROWS = 65_536
# Sorting takes four times its rows' memory. Each bucket is an open file.
_BUCKET_BYTES = 32 << 20
_MOST_BUCKETS = 256
_ZSTD_LEVEL = 9


@dataclass(frozen=True, order=True)
class DueMonth:
    """The small files of one store-region and month that are to become one."""

    supermarket: str
    region: str
    month: date  # its first day
    number: int  # compactions of this month that were there before
    sources: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """How a person calls it."""
        return f"{self.supermarket}/{self.region} {self.month:%Y-%m}"

    @property
    def bytes(self) -> int:
        """The size of the small files."""
        return sum(entry.size for entry in self.sources)


@dataclass(frozen=True)
class Compacted:
    """What a compaction left."""

    name: str
    files: int
    rows: int
    bytes_before: int
    bytes_bronze: int
    bytes_silver: int


def compact(
    lake: Lake, due: DueMonth, *, now: datetime, spool: Path, memory: str = "1GB", threads: int | None = None
) -> Compacted:
    """Compact one month of one store-region.

    Args:
        lake: Where it lies.
        due: The month and its small files, all of runs that are recorded.
        now: The present.
        spool: A local folder with room for three times the small files.
        memory: Memory limit of DuckDB, which compares the rows.
        threads: Threads of DuckDB.

    Raises:
        DataContractError: A small file does not hold what its run's record says, or the result is not the same rows.
        LakeConflictError: Another compaction of this month came first.
        LakeUnavailableError: Another compaction runs on this machine, or the lake does not answer.
    """
    with (
        _workspace(spool) as work,
        connect(lake.uri, memory=memory, threads=threads) as connection,
        _readable(lake, due),
    ):
        connection.execute(f"SET temp_directory = {quote_literal(work)}")
        _check_records(lake, connection, due)
        runs: list[CompactedRun] = []
        # Files whose columns differ never share a file: nothing has to be converted, or guessed.
        for entries in _by_columns(lake, due.sources):
            runs += _compact_files(lake, connection, due, entries, now=now, work=work)
            now += timedelta(seconds=1)
        put_manifest(lake, manifest_key(due.supermarket, due.region, due.month, due.number), runs)
    made = {run.bronze_key: (run.bronze_bytes, run.silver_bytes) for run in runs}
    return Compacted(
        name=due.name,
        files=len(runs),
        rows=sum(run.rows for run in runs),
        bytes_before=due.bytes,
        bytes_bronze=sum(bronze for bronze, _ in made.values()),
        bytes_silver=sum(silver for _, silver in made.values()),
    )


@contextmanager
def _readable(lake: Lake, due: DueMonth) -> Iterator[None]:
    """Say of a reader's error which month it is about."""
    try:
        yield
    except (duckdb.IOException, duckdb.HTTPException) as error:
        message = f"{lake.uri}: {due.name}: {redact(error)}; check the storage, then run it again"
        raise LakeUnavailableError(message) from None
    except (duckdb.Error, pa.ArrowException) as error:
        message = (
            f"{lake.uri}: {due.name} has a file that can't be read: {redact(error)}; put it right, or take it away"
        )
        raise DataContractError(message) from None


def _compact_files(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    due: DueMonth,
    entries: Sequence[Entry],
    *,
    now: datetime,
    work: Path,
) -> list[CompactedRun]:
    bronze, silver = _free_names(lake, due, now)
    before = _digest_sources(lake, connection, entries)
    bronze_stats, silver_stats = _write(lake, entries, (bronze, silver), work)
    _prove(connection, lake.url(bronze.key), before, whole=True)
    _prove(connection, lake.url(silver.key), before, whole=False)
    return [
        CompactedRun(
            run_id=run_id,
            business_date=_source(entry).business_date,
            rows=before[run_id].rows,
            source_key=entry.key,
            source_bytes=entry.size,
            bronze_key=bronze.key,
            bronze_bytes=bronze_stats.bytes,
            silver_key=silver.key,
            silver_bytes=silver_stats.bytes,
            digest=before[run_id].whole,
            silver_digest=before[run_id].typed,
            compacted_at=now,
        )
        for entry in entries
        for run_id in [_source(entry).run_id]
    ]


def _write(
    lake: Lake, entries: Sequence[Entry], targets: tuple[MarketMonth, MarketSilver], work: Path
) -> tuple[FileStats, FileStats]:
    bronze, silver = targets
    schema, size = _shape_of(lake, entries)
    typed = [name for name in schema.names if name != RAW]
    narrow = pa.schema([schema.field(name) for name in typed])
    metadata = {
        "schema_version": "1",
        "supermarket": bronze.supermarket,
        "region": bronze.region,
        "month": f"{bronze.month:%Y-%m}",
    }
    order = [name for name in _ORDER if name in schema.names]
    buckets = min(size // _BUCKET_BYTES + 1, _MOST_BUCKETS)
    grouped = group_rows(_tables(lake, entries), schema, order, buckets=buckets, work=work)
    with ExitStack() as stack:
        whole = stack.enter_context(
            ParquetSink(lake, bronze.key, schema, metadata, work, plain=[RAW], new=True, level=_ZSTD_LEVEL)
        )
        part = stack.enter_context(ParquetSink(lake, silver.key, narrow, metadata, work, new=True, level=_ZSTD_LEVEL))
        waiting: list[pa.Table] = []
        for table in grouped:
            for start in range(0, table.num_rows, _BRONZE_ROWS):
                whole.write(table.slice(start, _BRONZE_ROWS))
            waiting.append(table.select(typed))
            if sum(len(rows) for rows in waiting) >= _SILVER_ROWS:
                part.write(pa.concat_tables(waiting))
                waiting.clear()
        part.write(pa.concat_tables([narrow.empty_table(), *waiting]))
        return whole.commit(), part.commit()


def _shape_of(lake: Lake, entries: Sequence[Entry]) -> tuple[pa.Schema, int]:
    """The columns of some files, which are the same, and the bytes of all their values."""
    size = 0
    for entry in entries:
        with lake.open_file(entry.key) as file:
            metadata = pq.read_metadata(file)
        size += sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return metadata.schema.to_arrow_schema().remove_metadata(), size


def _tables(lake: Lake, entries: Sequence[Entry]) -> Iterator[pa.Table]:
    for entry in entries:
        # In one request: a small file is a few dozen megabytes, and all of it is wanted.
        file = pq.ParquetFile(io.BytesIO(lake.get(entry.key)))
        for batch in file.iter_batches(_BRONZE_ROWS):
            yield pa.Table.from_batches([batch]).replace_schema_metadata()


def _digest_sources(
    lake: Lake, connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> dict[str, RunDigest]:
    found: dict[str, RunDigest] = {}
    for entry in entries:
        digests = digest_runs(connection, [lake.url(entry.key)])
        run_id = _source(entry).run_id
        if set(digests) != {run_id}:
            message = f"{lake.uri}: {entry.key} holds rows of other runs than {run_id}; it is not compacted"
            raise DataContractError(message)
        found |= digests
    return found


def _prove(connection: duckdb.DuckDBPyConnection, url: str, before: dict[str, RunDigest], *, whole: bool) -> None:
    after = digest_runs(connection, [url])
    same = set(after) == set(before) and all(
        digest.rows == before[run].rows
        and (digest.whole == before[run].whole if whole else digest.typed == before[run].typed)
        for run, digest in after.items()
    )
    if not same:
        message = f"{url} does not hold the rows of its {len(before)} small files; nothing was replaced; run it again"
        raise DataContractError(message)


def _check_records(lake: Lake, connection: duckdb.DuckDBPyConnection, due: DueMonth) -> None:
    """A file must be the one, and have the rows, that its run's record tells of."""
    keys = {_source(entry).run_id: entry.key for entry in due.sources}
    records = [lake.url(Metadata("runs", "market", run_id).key) for run_id in keys]
    told = connection.execute(
        f"SELECT run_id, data_key, written_rows FROM read_parquet([{', '.join(map(quote_literal, records))}], "
        "hive_partitioning = false)"
    ).fetchall()
    for run_id, data_key, rows in told:
        with lake.open_file(keys[run_id]) as file:
            found = pq.read_metadata(file).num_rows
        if data_key != keys[run_id] or rows != found:
            message = (
                f"{lake.uri}: {keys[run_id]} has {found} rows, but its run's record tells of {rows} in {data_key}; "
                f"{due.name} is not compacted until one of the two is put right"
            )
            raise DataContractError(message)


def _by_columns(lake: Lake, entries: Sequence[Entry]) -> list[list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        with lake.open_file(entry.key) as file:
            shape = str(pq.read_schema(file).remove_metadata())
        groups.setdefault(shape, []).append(entry)
    return list(groups.values())


def _free_names(lake: Lake, due: DueMonth, now: datetime) -> tuple[MarketMonth, MarketSilver]:
    # A killed compaction leaves files that no manifest names; they are never replaced, as another may be at work.
    while True:
        names = (
            MarketMonth(due.supermarket, due.region, due.month, now),
            MarketSilver(due.supermarket, due.region, due.month, now),
        )
        if not any(lake.exists(name.key) for name in names):
            return names
        now += timedelta(seconds=1)


def _source(entry: Entry) -> MarketBronze:
    fields = parse(entry.key)
    assert isinstance(fields, MarketBronze)  # noqa: S101 - the plan names no others
    return fields


@contextmanager
def _workspace(spool: Path) -> Iterator[Path]:
    """A folder for the sort and the files, emptied of what a killed compaction left in it."""
    spool.mkdir(parents=True, exist_ok=True)
    with (spool / "compaction.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system frees it when the process dies
        except BlockingIOError as error:
            message = f"{spool}: another compaction is running on this machine; wait for its end"
            raise LakeUnavailableError(message) from error
        work = spool / "compaction"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
