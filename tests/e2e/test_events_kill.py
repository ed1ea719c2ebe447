"""SIGKILL at any moment of a load of events, then run again: the same rows as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.platform import Platform
from tests.sources.events.harness import encode, event

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 10
LOAD = """
import sys
from gondola.settings import get_settings
from tasks.events import load_events
print("begun", flush=True)
sys.exit(load_events.fn(get_settings(), sys.argv[1]).status != "complete")
"""


def start(platform: Platform, source: Path) -> subprocess.Popen[bytes]:
    """Begin a load, and wait until its imports are done."""
    environment = os.environ | platform.environment
    process = subprocess.Popen([sys.executable, "-c", LOAD, str(source)], env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def seen(platform: Platform) -> list[dict[str, Any]]:
    """What models read: the files that run records name. Every Parquet file on the lake must open."""
    lake = platform.home / "lake"
    tables = {path.relative_to(lake).as_posix(): pq.read_table(path) for path in lake.rglob("*.parquet")}
    runs = [table.to_pylist()[0] for key, table in tables.items() if key.startswith("metadata/runs/")]
    keys = [key for run in runs for key in json.loads(run["attributes"])["events_keys"]]
    rows = pa.concat_tables([tables[key] for key in keys]).drop_columns(["run_id"]).to_pylist() if keys else []
    assert len({(row["source_file"], row["source_row"]) for row in rows}) == len(rows), "doubled rows"
    return sorted(rows, key=lambda row: (row["source_file"], row["source_row"]))


def test_killed_at_any_moment_then_run_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for form in ("jsonl.gz", "csv", "json", "parquet"):
        records = [
            event(n, event_id=f"{form}{n}", event_time=f"2026-01-{n % 28 + 1:02}T12:00:00Z") for n in range(8000)
        ]
        (source / f"events.{form}").write_bytes(encode(form, records))
    calm = Platform(tmp_path / "calm")
    began = time.monotonic()
    assert start(calm, source).wait() == 0
    seconds = time.monotonic() - began
    expected = seen(calm)
    assert len(expected) == 32_000

    shaken = Platform(tmp_path / "shaken")
    chance = random.Random(20260205)  # noqa: S311 - a seed, so that a failure comes again
    killed = 0
    for _ in range(KILLS):
        process = start(shaken, source)
        began = time.monotonic()
        try:
            process.wait(chance.random() * seconds)
            seconds = time.monotonic() - began  # it takes less now that all is there
        except subprocess.TimeoutExpired:
            killed += 1
            process.kill()
            process.wait()
        if (shaken.home / "lake").exists():
            assert seen(shaken) in ([], expected)
    assert killed > KILLS // 3
    assert start(shaken, source).wait() == 0
    assert seen(shaken) == expected
    assert list((shaken.home / "spool").iterdir()) == [], "what killed loads left in the spool is gone"
