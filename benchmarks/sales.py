"""Sales into the star schema of both engines, beside a plain COPY of the same rows: `python -m benchmarks.sales`.

The yardstick is COPY of the finished fact rows into a table without a key, index or transaction of its own; the load
reads Parquet, takes each line once, merges dimensions, holds keys and proves its sums. Run alone: seconds are of one
process on a quiet machine, ratios hold better.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gondola.settings import Settings
from storage.engines import DuckEngine, Engine, PostgresEngine
from storage.postgres import Postgres
from storage.sales_tables import FACT
from tasks.retail_sales import load_star
from tests.postgres import find_postgres, postgres_server
from tests.sales_lake import write_sales


def seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def plain_copy(engine: Engine, source: Path) -> float:
    """The same fact rows from one Parquet file into a bare table."""
    columns = ", ".join(f"{name} {kind}" for name, kind in FACT.columns.items())
    engine.execute(f"CREATE TABLE retail_sales.bare ({columns})")
    if isinstance(engine, PostgresEngine):
        return seconds(lambda: engine.copy("retail_sales.bare", FACT.columns, f"FROM '{source}'"))
    return seconds(lambda: engine.execute(f"COPY retail_sales.bare FROM '{source}' (FORMAT parquet)"))


def measure(settings: Settings, open_engine: Callable[[], Any], source: Path) -> dict[str, float]:
    load = seconds(lambda: load_star(settings))
    again = seconds(lambda: load_star(settings))
    with open_engine() as engine:
        if not source.exists():
            engine.lake.execute(f"COPY (FROM {FACT.full_name}) TO '{source}' (FORMAT parquet)")
        rows = int(engine.rows(f"SELECT count(*) FROM {FACT.full_name}")[0][0])
        copy = plain_copy(engine, source)
    return {
        "rows": rows,
        "load_seconds": round(load, 2),
        "load_rows_per_second": round(rows / load),
        "copy_seconds": round(copy, 2),
        "load_to_copy": round(load / copy, 1),
        "second_load_seconds": round(again, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--engines", nargs="+", default=["duckdb", "postgres"], choices=["duckdb", "postgres"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_sales(home / "lake", days=given.days, rows_a_day=given.rows // given.days)
        base: dict[str, Any] = {
            "lake": str(home / "lake"),
            "warehouse": home / "warehouse" / "gondola.duckdb",
            "transform_memory": "2GB",
        }
        found = {}
        source = home / "facts.parquet"
        duck = Settings(**base)
        # DuckDB first, always: its table is the file that COPY reads.
        found["duckdb"] = measure(duck, lambda: DuckEngine(duck.warehouse, duck.lake), source)
        programs = find_postgres()
        if programs is not None and "postgres" in given.engines:
            with postgres_server(programs) as url:
                settings = Settings(**base, target="postgres", postgres_url=SecretStr(url.replace("+asyncpg", "")))
                postgres = Postgres.of(settings)
                found["postgres"] = measure(settings, lambda: PostgresEngine(postgres, settings.lake), source)
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
