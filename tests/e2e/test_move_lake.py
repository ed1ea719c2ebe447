"""A lake that moves: a day on a folder, the next on S3, the next on Azure; every day of them right on all three."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondola.sandbox import Sandbox, World
from storage.lake import Lake
from tests.backends import apply_environment, fresh_backend
from tests.platform import Platform, assert_day_is_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FIRST_DAY = 5


def test_a_lake_moves_from_disk_to_s3_to_azure_and_carries_on(
    prefect_api: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends = [fresh_backend(request, name, tmp_path) for name in ("local", "s3", "azure")]
    clouds = backends[1].environment | backends[2].environment
    apply_environment(monkeypatch, clouds)
    platform = Platform(tmp_path, extra={"PREFECT_API_URL": prefect_api})
    with Sandbox(world=World(products=150, outages=False), day=FIRST_DAY) as sandbox:
        for moves, backend in enumerate(backends):
            if moves:
                move(platform, backend.uri, clouds)
            platform.lake = backend.uri
            platform.use(monkeypatch)
            sandbox.set_day(FIRST_DAY + moves)
            assert platform.crawl(sandbox).status == "complete"
            for day in range(FIRST_DAY, FIRST_DAY + moves + 1):
                assert_day_is_true(platform, sandbox.world, day)
            tables = ("tru_price", "tru_product", "fct_prices_daily")
            history = {table: platform.query(f"from market.{table} order by all") for table in tables}
            platform.transform(full_refresh=True)  # all of it from this lake alone
            for table, rows in history.items():
                assert platform.query(f"from market.{table} order by all") == rows, table


def move(platform: Platform, destination: str, clouds: dict[str, str]) -> None:
    source = platform.environment["GONDOLA_LAKE"]
    planned = platform.command("lake", "copy", source, destination, "--dry-run", "--json", **clouds).document
    assert planned["present"] == 0
    done = platform.command("lake", "copy", source, destination, "--json", **clouds)
    assert done.code == 0, done.err
    assert (done.document["status"], done.document["copied"]) == ("complete", planned["objects"])
    again = platform.command("lake", "copy", source, destination, "--json", **clouds).document
    assert (again["copied"], again["skipped"]) == (0, planned["objects"])
    here, there = (
        {entry.key: entry.size for entry in Lake.open(uri).find() if not entry.key.startswith(("warehouse", "logs"))}
        for uri in (source, destination)
    )
    assert here == there
