"""Run the clients side by side against one local store: `python -m benchmarks.crawl --help`."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.crawl.catalogue import Truth
from benchmarks.crawl.report import Measurements, render
from benchmarks.crawl.verify import verify
from benchmarks.measure import Usage, cores, interleaved, load, run

CLIENTS = ("bare", "ours", "scrapy_tuned", "scrapy_tuned_raw", "scrapy_json")
_ROOT = Path(__file__).resolve().parents[2]
_RESULTS = Path(__file__).parent / "results"
_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parent / "worker_path")}


@dataclass
class Bench:
    """One comparison: a running server, and what has been seen of each client so far."""

    url: str
    truth: Truth
    client_core: int | None
    concurrency: int
    problems: dict[str, list[str]] = field(default_factory=dict)
    server: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    output_bytes: dict[str, int | None] = field(default_factory=dict)

    def client(self, name: str) -> Usage:
        """Run a client as a whole process, then verify its output."""
        with tempfile.TemporaryDirectory(prefix="gondola-crawl-") as folder:
            command = [sys.executable, "-m", f"benchmarks.crawl.{name}", "--url", self.url, "--out", folder]
            self._asked()
            usage = run(
                [*command, "--concurrency", str(self.concurrency)], core=self.client_core, cwd=_ROOT, env=_ENVIRONMENT
            )
            self.server.setdefault(name, []).append(self._asked())
            problems = [] if usage.ok else [f"exit code {usage.returncode}: {usage.stderr.strip()[-2000:]}"]
            if usage.ok:
                output = verify(usage.last_json(), self.truth)
                problems.extend(output.problems)
                self.output_bytes[name] = output.output_bytes
            self.problems.setdefault(name, []).extend(problems)
        return usage

    def _asked(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/__stats") as answer:  # noqa: S310 - our own server
            document: dict[str, Any] = json.load(answer)
            return document


@contextmanager
def serving(products: int, latency: float, core: int | None) -> Iterator[dict[str, Any]]:
    """A server in a process of its own; yields the line it prints once it is ready."""
    command = [sys.executable, "-m", "benchmarks.crawl.server", "--products", str(products), "--latency", str(latency)]
    pinned = [] if core is None else ["--core", str(core)]
    with subprocess.Popen([*command, *pinned], cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()
            if not ready:
                sys.exit("the benchmark's server did not start")
            yield json.loads(ready)
        finally:
            server.terminate()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl", description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds the server waits before each answer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16, help="requests each client keeps in flight")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--smoke", action="store_true", help="1,000 products, one round: does it run?")
    options = parser.parse_args()
    if options.smoke:
        options.products, options.rounds = 1000, 1
    return options


def main() -> int:
    options = parse()
    client_core, server_core = cores()
    before = load()
    with serving(options.products, options.latency, server_core) as ready:
        bench = Bench(ready["url"], Truth(**ready["truth"]), client_core, options.concurrency)

        def done(name: str, number: int, usage: Usage) -> None:
            verdict = "; ".join(bench.problems[name]) or "verified"
            cost = f"{usage.wall:.2f} s, cpu {usage.cpu:.2f} s, {usage.peak_mb:.0f} MB"
            print(f"round {number + 1} {name}: {cost}, {verdict}", file=sys.stderr)

        runners = {name: partial(bench.client, name) for name in options.clients}
        usages = interleaved(runners, options.rounds, done=done)
    measurements = Measurements(
        truth=bench.truth,
        latency=options.latency,
        concurrency=options.concurrency,
        usages=usages,
        server=bench.server,
        output_bytes=bench.output_bytes,
    )
    print(render(measurements))
    print(f"machine: {platform.processor() or platform.machine()}, load {before:.1f} before and {load():.1f} after")
    _keep(options, measurements, bench)
    failed = {name: problems for name, problems in bench.problems.items() if problems}
    for name, problems in failed.items():
        print(f"INCOMPLETE {name}: {'; '.join(problems)}", file=sys.stderr)
    return 1 if failed else 0


def _keep(options: argparse.Namespace, measurements: Measurements, bench: Bench) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    document = {
        "options": vars(options),
        "python": platform.python_version(),
        "load": load(),
        "truth": asdict(measurements.truth),
        "problems": bench.problems,
        "server": bench.server,
        "output_bytes": bench.output_bytes,
        "usages": {
            name: [{"wall": u.wall, "cpu": u.cpu, "peak_mb": u.peak_mb} for u in runs]
            for name, runs in measurements.usages.items()
        },
    }
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"crawl-{options.products}-{options.latency:g}s-{stamp}.json"
    path.write_text(json.dumps(document, indent=1))
    print(f"written: {path.relative_to(_ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
