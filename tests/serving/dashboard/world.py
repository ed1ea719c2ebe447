"""The world of the pictures: some days of all systems, crawled, loaded, built and published in one process.

    python -m tests.serving.dashboard.world HOME DAYS PRODUCTS

The settings come from the environment, as `Platform` makes them.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from gondola import clock
from gondola.sandbox import Sandbox, World
from gondola.sandbox.events import EventWorld
from gondola.sandbox.jaffle_shop import JaffleShop
from gondola.settings import get_settings

# Days of the world that pass first, so that each kind of planted truth has happened.
_BEFORE = 10
_EVENT_DAYS = 21
_SYSTEMS = ["market", "events", "jaffle_shop"]


def build_world(home: Path, days: int, products: int) -> None:
    """Make it, ending today."""
    from flows.events import events
    from flows.jaffle_shop import jaffle_shop
    from flows.transform import transform
    from gondola.cli.market import run_market

    today = clock.today()
    EventWorld(events=6_000, days=_EVENT_DAYS, start=today - timedelta(days=_EVENT_DAYS)).write(home / "events")
    events(str(home / "events"), build=False, return_state=True)
    JaffleShop().write(home / "shop")
    jaffle_shop(str(home / "shop"), build=False)
    world = World(epoch=today - timedelta(days=_BEFORE + days - 1), outages=False, products=products)
    with Sandbox(world=world, day=_BEFORE) as sandbox:
        sandbox.write_stores_file(get_settings().stores_file)
        for day in range(_BEFORE, _BEFORE + days):
            sandbox.set_day(day)
            run_market(sandbox.date, [], [], live=False, build=False)
    transform(_SYSTEMS)


if __name__ == "__main__":
    build_world(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
