"""Run commands as whole processes, in interleaved rounds, and compare what they cost.

A command is started by a tiny launcher (this file run as a script), not by the benchmark itself: Linux counts the
memory of the process that spawns towards the peak of the process spawned, so a driver that had loaded pyarrow would
hide a smaller child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

# The launcher must stay small: everything else is imported where it is used, or for type checkers only.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    Measure = Literal["wall", "cpu", "peak_mb"]

__all__ = ["Usage", "cores", "interleaved", "load", "median_of", "ratio_of", "run"]


class Usage:
    """What one process cost, and what it printed."""

    def __init__(self, *, wall: float, cpu: float, peak_mb: float, returncode: int, stdout: str, stderr: str) -> None:
        self.wall = wall
        self.cpu = cpu
        self.peak_mb = peak_mb
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    def last_json(self) -> dict[str, object]:
        """The last line printed, as the JSON object it is; empty where it is none."""
        lines = self.stdout.strip().splitlines()
        try:
            document = json.loads(lines[-1]) if lines else {}
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    core: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 1800,
) -> Usage:
    """Run a command to its end and measure all of it: interpreter start and imports included.

    Args:
        command: Program and arguments.
        core: The one core it may use; none leaves it all of them.
        cwd: Where it runs.
        env: Variables added to this process's own.
        timeout: Seconds after which it and its children are killed.

    Returns:
        Wall seconds, user plus system seconds (children it waited for included) and the peak of resident memory.
    """
    launcher = subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-S",
            __file__,
            "" if core is None else str(core),
            *(os.fspath(word) for word in command),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = launcher.communicate(timeout=timeout)
    except BaseException:
        os.killpg(launcher.pid, 9)
        launcher.wait()
        raise
    body, _, figures = stdout.rpartition("\n")
    wall, cpu, peak_kb, returncode = json.loads(figures)
    return Usage(wall=wall, cpu=cpu, peak_mb=peak_kb / 1024, returncode=returncode, stdout=body, stderr=stderr)


def _launch(core: str, command: list[str]) -> None:
    """Be the launcher: the command's output goes through, the figures are the last line."""
    if core:
        os.sched_setaffinity(0, {int(core)})
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    figures = [wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]
    sys.stdout.write("\n" + json.dumps(figures))


def interleaved(
    runners: Mapping[str, Callable[[], Usage]],
    rounds: int,
    *,
    done: Callable[[str, int, Usage], None] | None = None,
) -> dict[str, list[Usage]]:
    """Run each once a round (A B C, then B C A, …), so that a busy minute of the machine falls on all alike.

    Args:
        runners: What to run, by name.
        rounds: How often each runs.
        done: Called with name, round and usage after each run.

    Returns:
        Each name's usages, in the order of the rounds.
    """
    names = list(runners)
    results: dict[str, list[Usage]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            usage = runners[name]()
            results[name].append(usage)
            if done is not None:
                done(name, number, usage)
    return results


def median_of(usages: Sequence[Usage], measure: Measure) -> float:
    """The median of one measure."""
    from statistics import median

    return float(median(getattr(usage, measure) for usage in usages))


def ratio_of(usages: Sequence[Usage], to: Sequence[Usage], measure: Measure) -> float:
    """The median of the per-round ratios: runs of one round shared the machine's mood, so they are paired."""
    from statistics import median

    pairs = zip(usages, to, strict=True)
    return float(median(getattr(ours, measure) / getattr(theirs, measure) for ours, theirs in pairs))


def cores() -> tuple[int | None, int | None]:
    """A core for the client and another for the server; none where there are not two, or none can be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else (None, None)


def load() -> float:
    """The machine's load over the last minute: figures taken on a busy machine are only indicative."""
    return os.getloadavg()[0]


if __name__ == "__main__":
    _launch(sys.argv[1], sys.argv[2:])
