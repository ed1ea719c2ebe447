"""The dlt pipeline: Arrow tables merged into `jaffle_shop_raw` of a DuckDB file.

dlt keeps its state in the destination beside the data: which run was loaded last is lost and restored together with
what was loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gondola.errors import DataContractError, LakeUnavailableError
from gondola.settings import PROJECT_ROOT

# dlt reads both when it is imported.
os.environ.setdefault("DLT_PROJECT_DIR", str(PROJECT_ROOT))  # where .dlt/config.toml lies
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
from dlt.common.schema.exceptions import DataValidationError
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RAW_SCHEMA", "LoadedTable", "load_tables", "loaded_until"]

RAW_SCHEMA = "jaffle_shop_raw"
_SOURCE = "jaffle_shop"
_LAST_RUN = "last_run"
# A new column lands; a column that changes its type is an error, as what is built on it would change its meaning.
_CONTRACT: Any = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """What dlt did with one table."""

    name: str
    rows: int
    load_id: str


def load_tables(tables: Mapping[str, pa.Table], warehouse: Path, *, run: str) -> list[LoadedTable]:
    """Merge tables into `jaffle_shop_raw`, by `id`: rows known before are replaced, new ones added, none removed.

    Args:
        tables: Arrow tables by name.
        warehouse: The DuckDB file, which nobody else has open; made when it is missing.
        run: The run they come from, a name that sorts after that of every run before.

    Raises:
        DataContractError: A column has another type than it had before; nothing was loaded.
        LakeUnavailableError: The warehouse is in use.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with _pipeline(warehouse) as pipeline:
        info = pipeline.run(_source(tables, run))
        info.raise_on_failed_jobs()
    return [LoadedTable(name, table.num_rows, info.loads_ids[-1]) for name, table in tables.items()]


def loaded_until(warehouse: Path) -> str | None:
    """The newest run that the warehouse holds; None when it holds none.

    Args:
        warehouse: The DuckDB file.

    Raises:
        LakeUnavailableError: The warehouse is in use.
    """
    if not warehouse.exists():
        return None
    with _pipeline(warehouse) as pipeline:
        pipeline.sync_destination()
        last: str | None = pipeline.state.get("sources", {}).get(_SOURCE, {}).get(_LAST_RUN)
    return last


@contextmanager
def _pipeline(warehouse: Path) -> Iterator[dlt.Pipeline]:
    """A pipeline without a memory of its own: what it knows of earlier loads it asks of the warehouse."""
    with TemporaryDirectory(prefix="gondola-dlt-") as working, _explained(warehouse):
        yield dlt.pipeline(
            _SOURCE,
            pipelines_dir=working,
            destination=dlt.destinations.duckdb(str(warehouse)),
            dataset_name=RAW_SCHEMA,
        )


def _source(tables: Mapping[str, pa.Table], run: str) -> Any:
    def resource(name: str, table: pa.Table) -> Any:
        def rows() -> Iterator[pa.Table]:
            # Saved by the load that brings these rows, or not at all.
            dlt.current.source_state()[_LAST_RUN] = run
            yield table

        return dlt.resource(rows, name=name, write_disposition="merge", primary_key="id")

    def source() -> Sequence[Any]:
        return [resource(name, table) for name, table in tables.items()]

    return dlt.source(source, name=_SOURCE, schema_contract=_CONTRACT)()


@contextmanager
def _explained(warehouse: Path) -> Iterator[None]:
    """Turn dlt's errors into those a caller can act on."""
    try:
        yield
    except PipelineStepFailed as error:
        cause: BaseException = error.exception
        if isinstance(cause, DataValidationError):
            message = (
                f"{RAW_SCHEMA}.{cause.table_name}: column {cause.column_name} came with another type than before "
                f"({_types(str(cause))}); mend the file, or drop the column in the warehouse if the change is meant"
            )
            raise DataContractError(message) from error
        if isinstance(cause, DestinationConnectionError):
            message = f"{warehouse}: the warehouse can't be opened; end what uses it, then run again"
            raise LakeUnavailableError(message) from error
        raise


def _types(text: str) -> str:
    names = [part.split("'")[0] for part in text.split("'data_type': '")[1:]]
    return f"it was {names[0]}, now it is {names[1]}" if len(names) == 2 else text
