"""What dlt is trusted with: merge by id, new columns, refused types, a state that lives with the data."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from gondola.errors import DataContractError, LakeUnavailableError
from gondola.sources.jaffle_shop import load_tables, loaded_until


def orders(*rows: tuple[int, str], **extra: list[object]) -> dict[str, pa.Table]:
    columns = {"id": [row[0] for row in rows], "status": [row[1] for row in rows]}
    return {"raw_orders": pa.table(columns | extra)}


def stored(warehouse: Path, columns: str = "id, status") -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(f"select {columns} from jaffle_shop_raw.raw_orders order by id").fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "gondola.duckdb"


def test_rows_are_merged_by_id(warehouse: Path) -> None:
    assert loaded_until(warehouse) is None
    load_tables(orders((1, "placed"), (2, "placed")), warehouse, run="r1")
    load_tables(orders((2, "shipped"), (3, "placed")), warehouse, run="r2")
    load_tables(orders((2, "shipped"), (3, "placed")), warehouse, run="r3")
    assert stored(warehouse) == [(1, "placed"), (2, "shipped"), (3, "placed")]
    assert loaded_until(warehouse) == "r3"


def test_a_new_column_evolves(warehouse: Path) -> None:
    load_tables(orders((1, "placed")), warehouse, run="r1")
    load_tables(orders((2, "placed"), tip=[0.5]), warehouse, run="r2")
    assert stored(warehouse, "id, tip") == [(1, None), (2, 0.5)]


def test_a_changed_type_is_an_error_and_loads_nothing(warehouse: Path) -> None:
    load_tables(orders((1, "placed"), tip=[0.5]), warehouse, run="r1")
    with pytest.raises(DataContractError, match=r"raw_orders: column tip .*it was double, now it is text"):
        load_tables(orders((1, "shipped"), (2, "placed"), tip=["a lot", "none"]), warehouse, run="r2")
    assert stored(warehouse, "id, status, tip") == [(1, "placed", 0.5)]
    assert loaded_until(warehouse) == "r1"
    load_tables(orders((2, "placed"), tip=[1.5]), warehouse, run="r3")
    assert stored(warehouse, "id, tip") == [(1, 0.5), (2, 1.5)]


def test_the_state_lives_with_the_data(warehouse: Path) -> None:
    load_tables(orders((1, "placed")), warehouse, run="r1")
    kept = warehouse.read_bytes()
    load_tables(orders((2, "placed")), warehouse, run="r2")
    warehouse.write_bytes(kept)  # an older copy was put back
    assert loaded_until(warehouse) == "r1"
    warehouse.unlink()
    assert loaded_until(warehouse) is None
    load_tables(orders((1, "placed")), warehouse, run="r1")
    assert stored(warehouse) == [(1, "placed")]


def test_a_warehouse_in_use_says_so(warehouse: Path) -> None:
    load_tables(orders((1, "placed")), warehouse, run="r1")
    with duckdb.connect(str(warehouse), read_only=True), pytest.raises(LakeUnavailableError, match="end what uses it"):
        load_tables(orders((2, "placed")), warehouse, run="r2")
