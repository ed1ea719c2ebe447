"""The rows of one run, file by file: read in parts, typed and judged in DuckDB, kept there until they land."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from gondola.errors import DataContractError
from gondola.sources.events.chunks import Chunk, records_as_text
from gondola.sources.events.contract import Rejected
from gondola.sources.events.csv_files import read_csv
from gondola.sources.events.streams import Stream
from gondola.sources.physical_product.contract import DOMAINS, Domain
from gondola.sources.physical_product.header import Header
from gondola.sources.physical_product.recipes import circles
from gondola.sources.physical_product.rules import screen

__all__ = ["Intake", "Part"]

_FUTURE = timedelta(days=1)
_ROWS = 122_880  # one of DuckDB's own row groups
_WITHHELD = "[withheld: the row may hold personal data]"


@dataclass(frozen=True, slots=True)
class Part:
    """A bounded part of a file that was read."""

    rows: int
    rejected: tuple[Rejected, ...]


class Intake:
    """Takes the files of one run. Memory holds a few megabytes of a file, and what DuckDB's limit allows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, run_id: str, started_at: datetime) -> None:
        """Nothing is read yet.

        Args:
            connection: A DuckDB session in UTC; tables `staged_…` are made in it.
            run_id: The run, which each row names.
            started_at: Its start; what is said to happen later than a day from then is refused.
        """
        self._connection = connection
        self._run_id = run_id
        self._latest = f"timestamptz '{(started_at + _FUTURE).isoformat()}'"
        for domain in DOMAINS.values():
            columns = ", ".join(f"{name} {kind}" for name, kind in domain.landed.items())
            connection.execute(
                f"create or replace table staged_{domain.name} (source_file varchar, source_row bigint, {columns})"
            )

    def read(self, domain: Domain, path: Path, name: str, header: Header) -> Iterator[Part]:
        """Read a file to its end.

        Args:
            domain: What its rows are.
            path: The file, on this machine; plain or packed by gzip.
            name: What it is called where it comes from.
            header: Learns what columns it has.

        Raises:
            DataContractError: Nothing of it can be used, or it ends early; the message says why.
        """
        stream = Stream(path)
        if not stream.head().strip():
            message = "the file is empty; it has at least a header"
            raise DataContractError(message)
        for chunk in read_csv(stream, header):
            yield self._judge(domain, chunk, name)
        if stream.damage:
            raise DataContractError(stream.damage)

    def forget(self, domain: Domain, name: str) -> None:
        """Let no row of a file count."""
        self._connection.execute(f"delete from staged_{domain.name} where source_file = ?", [name])

    def settle(self, domain: Domain) -> Iterator[tuple[str, Rejected]]:
        """After all files of a domain: of a file's rows with one key, let the first count.

        Recipes that lead back to themselves go, too: all lines of the products on the way, so that their cost is
        unknown rather than too low.

        Yields:
            The file, and the row that was refused.
        """
        table, keys = f"staged_{domain.name}", ", ".join(domain.key)
        self._connection.execute(
            f"create or replace temp table repeated as select rowid as row_id, source_file, source_row, "
            f"concat_ws(', ', {keys}) as value, first_value(source_row) over same as first_row "
            f"from {table} window same as (partition by source_file, {keys} order by source_row) "
            "qualify row_number() over same > 1"
        )
        yield from self._refuse(table, domain.key[0], "its key comes again; row {0} of the file is the one that counts")
        if domain.name == "recipes":
            yield from self._refuse_circles(table)

    def rows(self, domain: Domain) -> pa.RecordBatchReader:
        """What is good, in the columns of bronze; of rows with one key in several files the last file's.

        It is read before anything else is asked of this object.
        """
        columns, keys = ", ".join(domain.landed), ", ".join(domain.key)
        return self._connection.execute(
            f"select {columns}, source_file, source_row, '{self._run_id}' as run_id from staged_{domain.name} "
            f"qualify row_number() over (partition by {keys} order by source_file desc) = 1"
        ).to_arrow_reader(_ROWS)

    def _judge(self, domain: Domain, chunk: Chunk, name: str) -> Part:
        rejected = [replace(row, value=_WITHHELD) if _is_personal(domain) else row for row in chunk.rejected]
        if chunk.table is not None:
            table, numbers = chunk.table, pa.array(range(chunk.first_row, chunk.first_row + chunk.count), pa.int64())
        else:
            known = [column.name for column in domain.columns]
            table = records_as_text([record for _, record in chunk.records], known)
            numbers = pa.array([number for number, _ in chunk.records], pa.int64())
        if not len(numbers):
            return Part(chunk.count, tuple(rejected))
        judge = screen(domain, table.column_names, self._latest)
        self._connection.register("chunk", table.append_column("source_row", numbers))
        self._connection.execute(f"create or replace temp table judged as {judge.sql}")
        self._connection.unregister("chunk")
        columns = ", ".join(domain.landed)
        self._connection.execute(
            f"insert into staged_{domain.name} by name select ? as source_file, source_row, {columns} "
            "from judged where fault is null",
            [name],
        )
        bad = self._connection.execute("select source_row, fault, fault_value from judged where fault is not null")
        for row, fault, value in bad.fetchall():
            field, reason = judge.faults[fault]
            rejected.append(Rejected(row, field, f"{field} {reason}", value or ""))
        rejected.sort(key=lambda one: one.row_number or 0)
        return Part(chunk.count, tuple(rejected))

    def _refuse(self, table: str, field: str, reason: str) -> Iterator[tuple[str, Rejected]]:
        """Take the rows of `repeated` out, and say why."""
        rows = self._connection.execute(
            "select source_file, source_row, value, first_row from repeated order by source_file, source_row"
        ).fetchall()
        self._connection.execute(f"delete from {table} where rowid in (select row_id from repeated)")
        for source, row, value, first in rows:
            yield source, Rejected(row, field, reason.format(first), value)

    def _refuse_circles(self, table: str) -> Iterator[tuple[str, Rejected]]:
        lines = self._connection.execute(f"select product_id, component_id from {table}").fetchall()
        ways = circles(lines)
        if not ways:
            return
        self._connection.register("ways", pa.table({"product_id": list(ways)}))
        rows = self._connection.execute(
            f"delete from {table} where product_id in (select product_id from ways) "
            "returning source_file, source_row, product_id, component_id"
        ).fetchall()
        self._connection.unregister("ways")
        for source, row, product, component in sorted(rows):
            reason = f"{product} is made of itself: {ways[product]}; none of its lines counts"
            yield source, Rejected(row, "component_id", reason, component)


def _is_personal(domain: Domain) -> bool:
    return not all(column.lands for column in domain.columns)
