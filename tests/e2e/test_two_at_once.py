"""Two runs at once on one lake and one warehouse: the second waits for its turn, and nothing is corrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gondola.errors import LakeUnavailableError
from gondola.sandbox import Sandbox, World
from gondola.settings import Settings
from tasks.turn import warehouse_turn
from tests.platform import Platform, assert_day_is_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STORES = {"pampa": ["porto_alegre", "caxias"], "serra": ["default"]}
DAY = 5


def test_two_runs_at_once(platform: Platform, prefect_api: str) -> None:
    world = World(products=150, outages=False)
    with Sandbox(world=world, day=DAY) as sandbox:
        sandbox.write_stores_file(platform.home / "stores.yaml")
        command = [sys.executable, "-m", "gondola", "run", "market", "--date", str(sandbox.date)]
        runs = [
            subprocess.Popen(
                [*command, *chosen],
                env=os.environ | platform.environment | {"PREFECT_API_URL": prefect_api},
                cwd=platform.home,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for chosen in (["--store", "pampa"], ["--store", "pampa", "--store", "serra"])
        ]
        try:
            said = [run.communicate(timeout=150)[1] for run in runs]
        finally:
            for run in runs:
                if run.poll() is None:
                    run.kill()
    for run, errors in zip(runs, said, strict=True):
        assert "Traceback" not in errors
        # Begun in the same second they would have the same name, of which the lake takes one: the other says so.
        assert run.returncode == 0 or "exists already and must not be replaced" in errors, errors
    assert_day_is_true(platform, world, DAY, STORES)


def test_a_turn_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    settings = Settings.load(warehouse=tmp_path / "warehouse" / "gondola.duckdb")
    late = warehouse_turn(settings, patience=timedelta(seconds=0.1))
    with warehouse_turn(settings), pytest.raises(LakeUnavailableError, match="another run has been building"), late:
        pass
    with warehouse_turn(settings):
        pass  # free again
