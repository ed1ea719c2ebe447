"""What Prefect alone costs a process: its import, and a flow of one empty task with no server configured.

`python -m benchmarks.crawl.prefect_cost` prints a line each. The crawl benchmark leaves it out of the comparison.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial

from benchmarks.measure import Usage, cores, interleaved, median_of, run

_FLOW = """
from prefect import flow, task

@task
def nothing():
    return None

@flow
def empty():
    nothing()

empty()
"""
_PROGRAMS = {"python alone": "pass", "import prefect": "import prefect", "an empty flow with one task": _FLOW}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl.prefect_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    core, _ = cores()
    with tempfile.TemporaryDirectory(prefix="gondola-prefect-", ignore_cleanup_errors=True) as home:
        # PREFECT_API_URL empty: Prefect starts a server of its own for the run, as it does for a user without one.
        env = {"PREFECT_HOME": home, "PREFECT_API_URL": "", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR"}

        def cost(program: str) -> Usage:
            return run([sys.executable, "-c", program], core=core, env=env)

        first = cost(_FLOW)
        usages = {"an empty flow, the very first (makes Prefect's database)": [first]}
        usages |= interleaved({name: partial(cost, program) for name, program in _PROGRAMS.items()}, rounds)
    for name, runs in usages.items():
        wall, cpu, peak = median_of(runs, "wall"), median_of(runs, "cpu"), median_of(runs, "peak_mb")
        print(f"{name}: wall {wall:.2f} s, cpu {cpu:.2f} s, peak {peak:.0f} MB (the largest process)")
    failed = [usage.stderr for runs in usages.values() for usage in runs if not usage.ok]
    if failed:
        print(failed[0], file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
