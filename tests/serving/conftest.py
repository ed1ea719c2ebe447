"""A published platform that every test of the serving side reads: four days of the sandbox, a web shop, a small shop.

It is built once for all workers; nothing writes to it afterwards.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gondola.sandbox import Sandbox, World
from gondola.sandbox.events import EventWorld
from gondola.sandbox.jaffle_shop import JaffleShop
from gondola.serving.api import create_app
from gondola.serving.reads import PublishedCopies, Snapshot
from gondola.settings import Settings, get_settings
from storage.lake import Lake
from storage.publish import publish
from tasks.jaffle_shop import catch_up
from tasks.transform import DBT_PROJECT
from tests.platform import Platform

FIRST, LAST = 2, 5
WORLD = World(products=120, outages=False)


@dataclass(frozen=True)
class Published:
    """The platform, and the world it was built from."""

    platform: Platform
    settings: Settings
    world: World
    days: range

    def day(self, number: int) -> str:
        return self.world.date_of(number).isoformat()


@pytest.fixture(scope="session")
def published(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    # All workers of a run share the folder above theirs; without workers it would outlive the run.
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "published"
    home.mkdir(exist_ok=True)
    platform = Platform(home)
    with pytest.MonkeyPatch.context() as patch, (home / ".lock").open("ab") as lock:
        platform.use(patch)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            _build(platform)
            (home / "done").touch()
        fcntl.flock(lock, fcntl.LOCK_UN)
        settings = get_settings()
    get_settings.cache_clear()
    return Published(platform, settings, WORLD, range(FIRST, LAST + 1))


def _build(platform: Platform) -> None:
    from flows.events import events
    from flows.jaffle_shop import jaffle_shop

    with Sandbox(world=WORLD, day=FIRST) as sandbox:
        for day in range(FIRST, LAST + 1):
            sandbox.set_day(day)
            platform.crawl(sandbox, build=False)
    EventWorld(events=3000, days=5, start=WORLD.date_of(FIRST)).write(platform.home / "events")
    events(str(platform.home / "events"), build=False, return_state=True)
    JaffleShop().write(platform.home / "shop")
    jaffle_shop(str(platform.home / "shop"), build=False)
    _build_models(get_settings())


def _build_models(settings: Settings) -> None:
    """The models alone, without Prefect: their tests are the flows' and the models' own business."""
    catch_up(settings)
    systems = ["market", "events", "jaffle_shop", "ops", "shared"]
    target = settings.warehouse.parent / "dbt"
    options = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target)]
    try:
        outcome = dbtRunner().invoke(["run", "--quiet", "--log-path", str(target), *options, "--select", *systems])
        assert outcome.success, outcome.exception or outcome.result
    finally:
        DuckDBConnectionManager.close_all_connections()
    publish(Lake.open(settings.lake), settings.warehouse, schemas=systems, keep=2)


@pytest.fixture
def snapshot(published: Published) -> Iterator[Snapshot]:
    with PublishedCopies(published.settings) as copies, copies.snapshot() as found:
        yield found


@pytest.fixture
def app(published: Published, tmp_path: Path) -> FastAPI:
    return create_app(published.settings.model_copy(update={"logs": tmp_path / "logs"}), allow_sql=True)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as made:
        yield made
