"""dbt's models against a tuned script, and what one more day costs: `python -m benchmarks.transform`.

Whole processes, in interleaved rounds. dbt's own start is measured by the same command on an empty lake and taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb

from benchmarks import measure
from benchmarks.measure import Usage
from benchmarks.transform.lake import FIRST_DAY, World, write_day, write_lake
from gondola.settings import PROJECT_ROOT

RESULTS = Path(__file__).parent / "results"
THREADS, MEMORY = "2", "1GB"
MODELS_AND_TESTS = ["--exclude-resource-type", "unit_test"]
SHORT_HISTORY = 30


class Bench:
    """The lakes, and the commands that are measured on them."""

    def __init__(self, work: Path, products: int, days: int) -> None:
        self.work = work
        self.days = {"long": days, "short": min(SHORT_HISTORY, days)}
        self.worlds: dict[str, World] = {}
        self.bronze_bytes = 0
        for name, count in self.days.items():
            self.worlds[name], size = write_lake(work / name, products=products, days=count)
            self.bronze_bytes = max(self.bronze_bytes, size)
        (work / "empty").mkdir()

    def dbt(self, lake: str, warehouse: str, command: str, *args: str) -> Usage:
        usage = measure.run(
            [
                Path(sys.executable).with_name("dbt"),
                "--quiet",
                command,
                *args,
                "--project-dir",
                PROJECT_ROOT / "dbt_project",
                "--profiles-dir",
                PROJECT_ROOT / "dbt_project",
                "--target-path",
                self.work / f"target-{warehouse}",
                "--log-path",
                self.work / "logs",
            ],
            env={
                "GONDOLA_LAKE": str(self.work / lake),
                "GONDOLA_WAREHOUSE": str(self.work / f"{warehouse}.duckdb"),
                "GONDOLA_TRANSFORM_THREADS": THREADS,
                "GONDOLA_TRANSFORM_MEMORY": MEMORY,
            },
        )
        if not usage.ok:
            raise SystemExit(f"dbt {command} failed:\n{usage.stdout}{usage.stderr}")
        return usage

    def full(self, command: str) -> Usage:
        (self.work / "long.duckdb").unlink(missing_ok=True)
        return self.dbt("long", "long", command, "--full-refresh", *(MODELS_AND_TESTS if command == "build" else []))

    def tuned(self) -> Usage:
        script = [sys.executable, "-m", "benchmarks.transform.tuned"]
        usage = measure.run(
            [*script, self.work / "long", self.work / "tuned.duckdb", THREADS, MEMORY], cwd=PROJECT_ROOT
        )
        if not usage.ok:
            raise SystemExit(f"the tuned script failed:\n{usage.stderr}")
        return usage

    def one_more_day(self, name: str) -> Usage:
        world, day = self.worlds[name], FIRST_DAY + timedelta(days=self.days[name])
        world.step()
        write_day(self.work / name, world, day)
        self.days[name] += 1
        return self.dbt(name, name, "build", *MODELS_AND_TESTS)

    def verify(self) -> None:
        """The script's tables must be the models': a race that someone cut short is no race."""
        with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(self.work / "verify.tmp")}) as db:
            db.execute("set TimeZone = 'UTC'")
            db.execute(f"attach '{self.work}/long.duckdb' as gondola (read_only)")
            db.execute(f"attach '{self.work}/tuned.duckdb' as tuned (read_only)")
            for table in ("tru_price", "tru_product", "dim_products"):
                names = ", ".join(row[0] for row in db.execute(f"describe tuned.{table}").fetchall())
                ours, theirs = f"select {names} from gondola.market.{table}", f"select {names} from tuned.{table}"
                for pair in (f"{ours} except {theirs}", f"{theirs} except {ours}"):
                    assert db.execute(f"select count(*) from ({pair})").fetchone() == (0,), f"{table} differs"
            sums = "select count(*), sum(price), sum(list_price), sum(hash(sku_id, price_date, gtin, price, category))"
            facts = db.execute(f"{sums} from gondola.market.fct_prices_daily").fetchone()
            assert facts == db.execute(f"{sums} from tuned.fct_prices_daily").fetchone(), "fct_prices_daily differs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transform", description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="where the lakes and warehouses go; a temporary folder by default")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="gondola-transform-", dir=options.work))
    try:
        report = compare(Bench(work, options.products, options.days), options)
    finally:
        shutil.rmtree(work)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "transform.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report["goals"], indent=2))


def compare(bench: Bench, options: argparse.Namespace) -> dict[str, object]:
    """Run everything, print each figure as it comes, and draw up the goals."""
    # Warm the parse: it is kept for each warehouse.
    for name in ("empty", "long", "short"):
        bench.dbt(name, name, "run")
    full: dict[str, Callable[[], Usage]] = {
        "dbt run, empty lake": lambda: bench.dbt("empty", "empty", "run", "--full-refresh"),
        "dbt run, full refresh": lambda: bench.full("run"),
        "dbt build, full refresh": lambda: bench.full("build"),
        "tuned script": bench.tuned,
    }
    results = measure.interleaved(full, options.rounds, done=show)
    bench.full("build")
    bench.verify()
    long, short = f"dbt build, day {bench.days['long'] + 1}", f"dbt build, day {bench.days['short'] + 1}"
    increments: dict[str, Callable[[], Usage]] = {
        "dbt build, empty lake": lambda: bench.dbt("empty", "empty", "build", *MODELS_AND_TESTS),
        long: lambda: bench.one_more_day("long"),
        short: lambda: bench.one_more_day("short"),
    }
    results |= measure.interleaved(increments, options.rounds, done=show)
    measures: tuple[measure.Measure, ...] = ("wall", "cpu", "peak_mb")
    medians = {
        name: {kind: round(measure.median_of(usages, kind), 2) for kind in measures} for name, usages in results.items()
    }

    def above(name: str, floor: str, kind: str) -> list[float]:
        """What each round took over dbt's own start in the same round: they shared the machine's mood."""
        return [getattr(x, kind) - getattr(y, kind) for x, y in zip(results[name], results[floor], strict=True)]

    def ratio(command: str, kind: str) -> float:
        ours = above(f"dbt {command}, full refresh", f"dbt {command}, empty lake", kind)
        theirs = [getattr(usage, kind) for usage in results["tuned script"]]
        return round(float(median(x / y for x, y in zip(ours, theirs, strict=True))), 2)

    return {
        "products": options.products,
        "days": options.days,
        "bronze_bytes": bench.bronze_bytes,
        "threads": THREADS,
        "memory_limit": MEMORY,
        "load": os.getloadavg(),
        "medians": medians,
        "goals": {
            "full refresh, models, less dbt's start / tuned script, wall (goal 1.5)": ratio("run", "wall"),
            "the same, CPU": ratio("run", "cpu"),
            "the same with all tests, wall": ratio("build", "wall"),
            "the same with all tests, CPU": ratio("build", "cpu"),
            "peak memory of the full refresh, MB (goal 1500)": medians["dbt build, full refresh"]["peak_mb"],
            "one more day after a long history, less dbt's start, s (goal 1)": round(
                median(above(long, "dbt build, empty lake", "wall")), 2
            ),
            "one more day after a short history, less dbt's start, s": round(
                median(above(short, "dbt build, empty lake", "wall")), 2
            ),
            "dbt's start, s": medians["dbt build, empty lake"]["wall"],
        },
    }


def show(name: str, number: int, usage: Usage) -> None:
    print(f"{number + 1} {name:28} {usage.wall:7.2f} s {usage.cpu:7.2f} CPU s {usage.peak_mb:7.0f} MB", flush=True)


if __name__ == "__main__":
    main()
