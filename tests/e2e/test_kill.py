"""SIGKILL at any moment of a run, then run again: no row lost, none doubled, nothing half-written visible."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gondola.sandbox import Faults, Sandbox, World
from gondola.settings import get_settings
from storage.publish import published_version
from tests.platform import REGIONS, Platform, assert_day_is_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST_DAY, SECOND_DAY = 5, 6
SEED = 20260205
# In which steps the ten kills fall: five on an empty lake, and five more on the same one, which then has history.
# The moment within a step, and the order, are random. All steps: what each of them ends with begins the next.
STEPS = ("crawl", "parse", "build", "publish", "end")
KILLS = {
    FIRST_DAY: ("crawl", "crawl", "build", "build", "publish"),
    SECOND_DAY: ("crawl", "parse", "build", "build", "publish"),
}
RUNS = sum(map(len, REGIONS.values()))
_GIVE_UP_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.01


@dataclass
class Run:
    """One `gondola run market` in a process group of its own, watched from outside."""

    platform: Platform
    sandbox: Sandbox
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.sandbox.write_stores_file(self.platform.home / "stores.yaml")
        self.sandbox.reset_stats()
        self._records = len(self._run_records())
        self._started = time.time()
        with (self.platform.home / "run.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gondola", "run", "market", "--date", str(self.sandbox.date)],
                env=os.environ | self.platform.environment,
                cwd=self.platform.home,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def reaches(self, step: str) -> bool:
        """Wait until a step has begun; False when the run ends before."""
        begun: dict[str, Callable[[], bool]] = {
            "crawl": lambda: any(self.sandbox.stats(store).requests for store in REGIONS),
            "parse": lambda: len(self._run_records()) >= self._records + RUNS,
            "build": lambda: self._changed("gondola.duckdb") or self._changed("gondola.duckdb.wal"),
            "publish": lambda: self._changed("published/.work"),
            "end": lambda: self._changed("published/current") and not self._work.exists(),
        }
        give_up = time.monotonic() + _GIVE_UP_SECONDS
        while not begun[step]():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < give_up, f"{step} did not begin:\n{self.output}"
            time.sleep(_LOOK_EVERY_SECONDS)
        return True

    def kill(self) -> None:
        """End the whole group at once, without a word."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> None:
        """Let the run end by itself; it must be complete."""
        self.process.wait(_GIVE_UP_SECONDS)
        assert self.process.returncode == 0, self.output

    @property
    def output(self) -> str:
        return (self.platform.home / "run.log").read_text(errors="replace")

    @property
    def _work(self) -> Path:
        return self.platform.home / "warehouse" / "published" / ".work"

    def _run_records(self) -> list[Path]:
        return list((self.platform.home / "lake" / "metadata" / "runs").rglob("*.parquet"))

    def _changed(self, name: str) -> bool:
        try:
            return (self.platform.home / "warehouse" / name).stat().st_mtime >= self._started
        except FileNotFoundError:
            return False


@dataclass
class Shaken:
    """The platform that is killed again and again, and how long each step of a calm run takes."""

    platform: Platform
    sandbox: Sandbox
    seconds: dict[str, float]
    killed: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def shaken(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaken]:
    faults = Faults(rate=0.03, latency=0.15)
    with Sandbox(world=World(products=150, outages=False), day=FIRST_DAY, faults=faults) as sandbox:
        calm = Run(Platform(tmp_path_factory.mktemp("calm"), extra={"PREFECT_API_URL": prefect_api}), sandbox)
        moments = {}
        for step in STEPS:
            assert calm.reaches(step), calm.output
            moments[step] = time.monotonic()
        calm.finish()
        begun = list(moments.values())
        seconds = {step: after - before for step, before, after in zip(moments, begun, begun[1:], strict=False)}
        platform = Platform(tmp_path_factory.mktemp("shaken"), extra={"PREFECT_API_URL": prefect_api})
        yield Shaken(platform, sandbox, seconds)


@pytest.mark.parametrize("day", [FIRST_DAY, SECOND_DAY], ids=["empty_lake", "lake_with_history"])
def test_killed_at_any_moment_then_run_again(shaken: Shaken, day: int, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, sandbox = shaken.platform, shaken.sandbox
    platform.use(monkeypatch)
    if day == SECOND_DAY and published_version(get_settings().warehouse) is None:
        sandbox.set_day(FIRST_DAY)
        Run(platform, sandbox).finish()  # this test was chosen alone
    sandbox.set_day(day)
    chance = random.Random(SEED + day)  # noqa: S311 - a seed, so that a failure comes again
    for step in chance.sample(KILLS[day], len(KILLS[day])):
        kill_during(step, chance.random(), shaken)
        assert_nothing_half_written(platform)
        assert_published_is_whole(platform, sandbox.world, day)

    Run(platform, sandbox).finish()
    assert_nothing_half_written(platform)
    for done in range(FIRST_DAY, day + 1):
        assert_day_is_true(platform, sandbox.world, done)
    assert list((platform.home / "spool").iterdir()) == [], "what killed runs left in the spool is gone"
    assert not (platform.home / "warehouse" / "published" / ".work").exists()

    # The history that survived the kills is the one that the lake gives anew.
    survived = {table: platform.query(f"from market.{table} order by all") for table in ("tru_price", "tru_product")}
    platform.transform(full_refresh=True)
    for table, rows in survived.items():
        assert platform.query(f"from market.{table} order by all") == rows, table


def kill_during(step: str, share: float, shaken: Shaken) -> None:
    """Start a run and kill it when it has done this share of a step; a run that was faster is begun again."""
    while True:
        run = Run(shaken.platform, shaken.sandbox)
        try:
            reached = run.reaches(step)
            time.sleep(share * shaken.seconds[step])
            alive = run.process.poll() is None
        finally:
            run.kill()
        if reached and alive:
            shaken.killed.append(f"{step} at {share:.0%} of {shaken.seconds[step]:.1f} s")
            print("killed in", shaken.killed[-1])  # noqa: T201 - shown with a failure
            return
        share /= 2


def assert_nothing_half_written(platform: Platform) -> None:
    """Every Parquet file opens, and what a run record promises is there."""
    lake = platform.home / "lake"
    files = {path.relative_to(lake).as_posix(): pq.read_table(path) for path in lake.rglob("*.parquet")}
    runs = [table.to_pylist()[0] for key, table in files.items() if key.startswith("metadata/runs/")]
    for run in runs:
        if run["data_key"] is not None:
            assert files[run["data_key"]].num_rows == run["written_rows"], run["run_id"]
            for kind in ("slices", "requests"):
                assert any(key.startswith(f"metadata/{kind}/") and run["run_id"] in key for key in files)
    sold = "gold/market/fct_prices_daily/"
    gold = [row for key, table in files.items() if key.startswith(sold) for row in table.to_pylist()]
    places = {(row["supermarket"], row["region"], row["sku_id"], row["price_date"]) for row in gold}
    assert len(places) == len(gold), "doubled rows in gold"
    assert {row["run_id"] for row in gold} <= {run["run_id"] for run in runs}


def assert_published_is_whole(platform: Platform, world: World, day: int) -> None:
    """Readers see a version in which every day is whole, or none at all."""
    if published_version(get_settings().warehouse) is None:
        return
    days = {row["price_date"] for row in platform.query("select distinct price_date from market.fct_prices_daily")}
    assert days <= {world.date_of(done) for done in range(FIRST_DAY, day + 1)}
    assert days
    for done in days:
        assert_day_is_true(platform, world, world.day_of(done))
    recorded = {path.stem for path in (platform.home / "lake" / "metadata" / "runs").rglob("*.parquet")}
    shown = {row["run_id"] for row in platform.query("select distinct run_id from market.fct_prices_daily")}
    assert shown <= recorded, "readers see a crawl that was not committed"
