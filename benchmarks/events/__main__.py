"""Load and model event files, ours against pandas, and ten times as many: `python -m benchmarks.events --help`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from benchmarks import measure
from benchmarks.events.generate import write
from benchmarks.measure import Usage

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parents[2]
LOADERS = {"ours": "ours", "pandas": "plain_pandas"}
MODELLERS = {"ours": "marts", "pandas": "pandas_marts"}
# The same figures of both, row by row. pandas counts revenue in doubles, so cents are compared.
SAME = {
    "revenue": (
        """select revenue_date::date, product_id, buyers, purchases, units, round(revenue * 100)::bigint
        from events.fct_revenue""",
        """select event_date::date, product_id, buyers, purchases, units, round(revenue * 100)::bigint
        from read_parquet('{}/revenue.parquet')""",
    ),
    "daily": (
        """select engagement_date, daily_active_users, weekly_active_users, monthly_active_users,
            sessions, events, bounces
        from events.fct_daily_engagement where sessions > 0""",
        """select session_date::date, daily_active_users, weekly_active_users, monthly_active_users,
            sessions, events, bounces
        from read_parquet('{}/daily.parquet')""",
    ),
    "funnel": (
        """pivot (select funnel_date, step, sessions_reached from events.fct_funnel)
        on step in ('session', 'view', 'cart', 'checkout', 'purchase') using sum(sessions_reached)::bigint""",
        """select session_date::date, session::bigint, view::bigint, cart::bigint, checkout::bigint, purchase::bigint
        from read_parquet('{}/funnel.parquet')""",
    ),
}


class Bench:
    """The files, and what was wrong with any load of them."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.files: dict[tuple[str, int], tuple[Path, dict[str, object]]] = {}
        self.problems: list[str] = []

    def make(self, form: str, events: int) -> None:
        path = self.work / f"events_{events}.{form}"
        self.files[form, events] = (path, write(path, events, form))

    def load(self, loader: str, form: str, events: int) -> Usage:
        """Load a file in a process of its own, and check every figure of what it left."""
        path, truth = self.files[form, events]
        with tempfile.TemporaryDirectory(dir=self.work) as out:
            usage = measure.run([sys.executable, "-m", f"benchmarks.events.{LOADERS[loader]}", path, out], cwd=ROOT)
            if not usage.ok:
                raise SystemExit(f"{loader} failed on {path.name}:\n{usage.stderr[-3000:]}")
            with duckdb.connect() as db:
                found = db.execute(
                    "select count(*), count(distinct event_id), "
                    "sum(round(price * quantity * 100)) filter (event_type = 'purchase') "
                    f"from read_parquet('{usage.last_json()['silver']}/**/*.parquet')"
                ).fetchone()
        expected = (truth["valid"], truth["valid"], truth["revenue_cents"])
        if found is None or tuple(map(int, found)) != expected:
            self.problems.append(f"{loader}, {path.name}: {found} instead of {expected}")
        return usage

    def model(self, form: str, events: int, rounds: int) -> dict[str, list[Usage]]:
        """Take a file to the marts, each time from nothing, and hold the figures of all against one another."""
        path, _ = self.files[form, events]
        figures: dict[str, dict[str, list[tuple[object, ...]]]] = {}

        def once(modeller: str) -> Usage:
            with tempfile.TemporaryDirectory(dir=self.work) as out:
                command = [sys.executable, "-m", f"benchmarks.events.{MODELLERS[modeller]}", path, out]
                usage = measure.run(command, cwd=ROOT)
                if not usage.ok:
                    raise SystemExit(f"{modeller} failed on {path.name}:\n{usage.stderr[-3000:]}")
                figures[modeller] = read_figures(usage.last_json())
            return usage

        done = partial(show, f"{form} to marts")
        results = measure.interleaved({name: partial(once, name) for name in MODELLERS}, rounds, done=done)
        for name in SAME:
            if figures["ours"][name] != figures["pandas"][name] or not figures["ours"][name]:
                self.problems.append(f"{path.name}: {name} differs between ours and pandas")
        return results


def read_figures(report: dict[str, object]) -> dict[str, list[tuple[object, ...]]]:
    """What a modeller left: a DuckDB file, or a folder of Parquet."""
    with duckdb.connect(str(report.get("warehouse", ":memory:")), read_only="warehouse" in report) as db:
        number = 0 if "warehouse" in report else 1
        return {
            name: sorted(db.execute(queries[number].format(report.get("marts"))).fetchall())
            for name, queries in SAME.items()
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--forms", nargs="+", choices=("jsonl", "csv", "parquet"), default=["jsonl", "csv", "parquet"])
    parser.add_argument("--times", type=int, default=10, help="how many times the events of the last, ours-only load")
    parser.add_argument("--smoke", action="store_true", help="20,000 events, one round: does it run?")
    options = parser.parse_args()
    if options.smoke:
        options.events, options.rounds = 20_000, 1
    before = measure.load()
    report: dict[str, object] = {"events": options.events, "rounds": options.rounds, "load_before": before}
    with tempfile.TemporaryDirectory(prefix="gondola-events-") as folder:
        bench = Bench(Path(folder))
        for form in options.forms:
            bench.make(form, options.events)
            runners: dict[str, Callable[[], Usage]] = {
                loader: partial(bench.load, loader, form, options.events) for loader in LOADERS
            }
            report[form] = compare(measure.interleaved(runners, options.rounds, done=partial(show, form)))
        report["to marts"] = compare(bench.model(options.forms[0], options.events, options.rounds))
        form, many = options.forms[0], options.events * options.times
        bench.make(form, many)
        usage = bench.load("ours", form, many)
        show(form, f"ours x{options.times}", 0, usage)
        once = report[form]["ours"]["peak_mb"]  # type: ignore[index]
        report["many"] = {"events": many, "wall": usage.wall, "cpu": usage.cpu, "peak_mb": usage.peak_mb}
        report["peak at many / peak at once"] = round(usage.peak_mb / once, 2)
    report |= {"load_after": measure.load(), "problems": bench.problems}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "events.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 1 if bench.problems else 0


def compare(results: dict[str, list[Usage]]) -> dict[str, object]:
    measures: tuple[measure.Measure, ...] = ("wall", "cpu", "peak_mb")
    figures: dict[str, object] = {
        name: {kind: round(measure.median_of(usages, kind), 2) for kind in measures} for name, usages in results.items()
    }
    figures["pandas / ours"] = {
        kind: round(measure.ratio_of(results["pandas"], results["ours"], kind), 2) for kind in measures
    }
    return figures


def show(form: str, name: str, number: int, usage: Usage) -> None:
    cost = f"{usage.wall:7.2f} s {usage.cpu:7.2f} CPU s {usage.peak_mb:7.0f} MB"
    print(f"{number + 1} {form:8} {name:12} {cost}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
