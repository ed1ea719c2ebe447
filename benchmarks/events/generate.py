"""Event files of any size, the same for the same arguments: `python -m benchmarks.events.generate --help`.

Columns are drawn from pools with pyarrow, so that making a million events takes seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

DAYS = 30
FIRST_SECOND = 1_767_225_600  # 2026-01-01T00:00:00Z
BAD_EVERY = 1_000  # one row of a thousand has a negative price
BATCH = 50_000
KINDS = ("view", "cart", "purchase", "search", "checkout")
SHARES = (0.82, 0.08, 0.03, 0.05, 0.02)
TEXT = pa.string()


def batches(events: int) -> Iterator[pa.Table]:
    """Events in the order of time, some thousand at a time."""
    for start in range(0, events, BATCH):
        rows = min(BATCH, events - start)
        random = np.random.default_rng(start)
        numbers = np.arange(start, start + rows)
        seconds = FIRST_SECOND + numbers * (DAYS * 86_400) // events
        kinds = random.choice(len(KINDS), rows, p=SHARES)
        cents = random.integers(100, 100_000, rows)
        cents[numbers % BAD_EVERY == BAD_EVERY - 1] *= -1
        users = random.integers(0, max(10, events // 40), rows)
        products = random.integers(0, 5_000, rows)
        times = pc.strftime(pa.array(seconds, pa.timestamp("s")), format="%Y-%m-%dT%H:%M:%SZ")
        queries = pa.array([f"tea {number}" for number in range(100)]).take(pa.array(products % 100))
        yield pa.table(
            {
                "event_id": prefixed("e", numbers),
                "event_time": times,
                "event_type": pa.array(KINDS).take(pa.array(kinds)),
                "user_id": prefixed("u", users),
                "session_id": prefixed("s", users * 31 + seconds // 86_400),
                "product_id": prefixed("p", products),
                "category_code": prefixed("electronics.", products % 40),
                "brand": prefixed("brand", products % 60),
                "price": cents / 100,
                "quantity": pa.array(random.integers(1, 4, rows)),
                "search_query": pc.if_else(pa.array(kinds == 3), queries, pa.scalar(None, TEXT)),
                "page_url": prefixed("https://shop.example/p/", products),
                "device": pa.array(["mobile", "desktop", "tablet"]).take(pa.array(products % 3)),
                "country": pa.array(["BR"] * rows),
            }
        )


def prefixed(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(TEXT), "")


def write(path: Path, events: int, form: str) -> dict[str, object]:
    """Write a file, and say what is in it."""
    truth = {"events": events, "valid": events - events // BAD_EVERY, "revenue_cents": 0, "bytes": 0}
    with path.open("wb") as file:
        writer: object = None
        for table in batches(events):
            good = table.filter(pc.greater_equal(table["price"], 0))
            bought = good.filter(pc.equal(good["event_type"], "purchase"))
            cents = pc.round(pc.multiply(pc.multiply(bought["price"], 100), bought["quantity"].cast(pa.float64())))
            truth["revenue_cents"] += int(pc.sum(cents).as_py() or 0)
            if form == "jsonl":
                lines = (json.dumps({k: v for k, v in row.items() if v is not None}) for row in table.to_pylist())
                file.write(("\n".join(lines) + "\n").encode())
            elif form == "csv":
                writer = writer or pa.csv.CSVWriter(file, table.schema)
                writer.write_table(table)
            else:
                writer = writer or pq.ParquetWriter(file, table.schema)
                writer.write_table(table)
        if writer is not None:
            writer.close()
    return truth | {"bytes": path.stat().st_size}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events.generate", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--form", choices=("jsonl", "csv", "parquet"), default="jsonl")
    options = parser.parse_args()
    sys.stdout.write(json.dumps(write(options.path, options.events, options.form)) + "\n")
