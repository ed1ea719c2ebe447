"""Make a maker's files, load them to bronze, and the same load as one usually writes it with pandas.

`python -m benchmarks.products --lines 500000`. Each side is a process of its own; CPU seconds and the peak of memory
are those of the whole process. `ours` holds every row against the contract, keeps the refused ones with their reasons
and records the run; `pandas` reads, checks the same types and ranges with masks, and drops what is bad.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import run

NUMBERS = {
    "products": ["list_price", "unit_cost", "conversion_cost"],
    "recipes": ["quantity", "scrap_share"],
    "customers": [],
    "orders": ["line_number", "quantity", "unit_price", "discount", "total_amount"],
    "shipments": ["freight_cost"],
    "returns": ["line_number", "quantity", "refund_amount"],
    "waste": ["quantity"],
    "quality": ["sample_size", "defects"],
}
KEYS = {"orders": ["order_id", "line_number"], "recipes": ["product_id", "component_id"]}


def make(folder: Path, lines: int) -> int:
    from gondola.sandbox.physical_product import ProductWorld

    return sum(ProductWorld(lines=lines, days=90).write(folder).rows.values())


def ours(folder: Path, home: Path) -> int:
    os.environ |= {"GONDOLA_LAKE": str(home / "lake"), "GONDOLA_SPOOL": str(home / "spool")}
    from gondola.clock import next_start, today
    from gondola.settings import get_settings
    from gondola.sources.physical_product import DOMAINS
    from storage.lake import Lake
    from tasks.physical_product_landing import Landing, Loaded

    lake, source = Lake.open(str(home / "lake")), Lake.open(str(folder))
    with Landing(lake, get_settings(), started_at=next_start("bench"), loaded=Loaded()) as landing:
        for name, domain in DOMAINS.items():
            landing.load(source, domain, [f"{name}.csv"])
        return landing.commit(source.uri, today(), flow_run_id=None).valid


def pandas(folder: Path, home: Path) -> int:
    import pandas as pd

    total = 0
    for name, numbers in NUMBERS.items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, on_bad_lines="skip")
        good = pd.Series(data=True, index=frame.index)
        for column in numbers:
            values = pd.to_numeric(frame[column], errors="coerce")
            good &= values.notna() | frame[column].isna()
            good &= ~(values < 0)
            frame[column] = values
        for column in [column for column in frame.columns if column.endswith(("_at", "_on"))]:
            values = pd.to_datetime(frame[column], utc=True, errors="coerce", format="ISO8601")
            good &= values.notna() | frame[column].isna()
            frame[column] = values
        frame = frame[good].drop_duplicates(KEYS.get(name, [frame.columns[0]]))
        frame.to_parquet(home / f"{name}.parquet")
        total += len(frame)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--step", choices=["make", "ours", "pandas"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.step:
        with tempfile.TemporaryDirectory() as home:
            step = {"ours": ours, "pandas": pandas}.get(options.step)
            rows = step(options.folder, Path(home)) if step else make(options.folder, options.lines)
        print(json.dumps({"rows": rows}))
        return
    with tempfile.TemporaryDirectory() as folder:
        print("| step | rows | CPU s | rows per CPU s | wall s | peak MB |\n|---|--:|--:|--:|--:|--:|")
        for step in ("make", "ours", "pandas"):
            command = [sys.executable, "-m", "benchmarks.products", "--step", step]
            used = run([*command, "--folder", folder, "--lines", str(options.lines)])
            if not used.ok:
                sys.exit(f"{step} failed: {used.stderr[-2000:]}")
            rows = int(str(used.last_json()["rows"]))
            figures = (
                f"{rows:,}",
                f"{used.cpu:.1f}",
                f"{rows / used.cpu:,.0f}",
                f"{used.wall:.1f}",
                f"{used.peak_mb:.0f}",
            )
            print(f"| {step} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
