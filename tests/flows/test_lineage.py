"""dbt's lineage on a Prefect server: each model an asset, with what it is made from and who answers for it."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect.events.worker import EventsWorker

from tests.dbt.market_lake import Crawl, write_crawl
from tests.platform import Platform


def asset_events(api: str, since: datetime) -> list[dict[str, Any]]:
    """Materializations that the server knows of."""
    window = {"since": since.isoformat(), "until": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    asked = {"filter": {"occurred": window, "event": {"prefix": ["prefect.asset."]}}, "limit": 50}
    events: list[dict[str, Any]] = []
    url, body = f"{api}/events/filter", json.dumps(asked).encode()
    while url:
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
            page = json.load(answer)
        events += page["events"]
        url, body = page["next_page"], None
    return events


def names_of(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Model -> what the server knows of its last build."""
    done = [event for event in events if event["event"].endswith("materialization.succeeded")]
    return {event["resource"]["prefect.resource.id"].rsplit("/", 1)[-1]: event for event in done}


def made_from(event: dict[str, Any]) -> set[str]:
    return {
        related["prefect.resource.id"].rsplit("/", 1)[-1]
        for related in event["related"]
        if related["prefect.resource.role"] == "asset"
    }


def test_models_are_assets_with_an_owner_and_what_they_are_made_from(platform: Platform, prefect_api: str) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    started = datetime.now(UTC).replace(microsecond=0)
    rows = [{"sku_id": "1", "product_id": "1", "price": 10, "is_available": True}]
    write_crawl(Path(platform.environment["GONDOLA_LAKE"]), Crawl(started.date(), rows, started))
    platform.transform()
    EventsWorker.drain_all(timeout=20)
    wanted = {"fct_prices_daily", "tru_price", "dim_stores", "fct_store_days", "fct_requests"}
    names: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not wanted <= set(names):
        time.sleep(0.5)
        names = names_of(asset_events(prefect_api, since))
    assert wanted <= set(names)
    fact = names["fct_prices_daily"]
    assert json.loads(fact["resource"]["prefect.asset.owners"]) == ["data"]
    assert "int_market__batch" in made_from(fact)
    assert "bronze_market_products" in made_from(names["stg_vtex__products"]), "the lake is where it all comes from"
    assert "metadata_requests" in made_from(names["fct_requests"])
