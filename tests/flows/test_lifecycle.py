"""The lifecycle flow under Prefect, and the command: what is due is done, what fails is said and stops nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from storage.lake import Lake
from tests.platform import Platform
from tests.storage.market_month import crawl, keys, rows_of

# Old enough to be compacted and young enough to stay.
OLD = (datetime.now(UTC).date() - timedelta(days=200)).replace(day=5)
MONTH = f"{OLD:%Y-%m}"


@pytest.fixture
def old_lake(platform: Platform) -> Lake:
    lake = Lake.open(platform.environment["GONDOLA_LAKE"])
    for day in range(3):
        crawl(lake, OLD.replace(day=5 + day))
    crawl(lake, OLD, region="norte")
    crawl(lake, OLD, hour=20, record=False)
    return lake


async def test_the_flow_compacts_and_goes_on_past_a_month_that_can_not_be(platform: Platform, old_lake: Lake) -> None:
    from flows.lifecycle import lifecycle

    crawl(old_lake, OLD, region="sul", written=99)
    before = rows_of(old_lake, [key for key in keys(old_lake, "bronze") if "norte" in key])
    state = lifecycle(return_state=True)
    assert state.is_failed()
    assert f"alfa/sul {MONTH}" in state.message
    report = await state.aresult(raise_on_failure=False)
    assert report.status == "failed"
    assert {item.name: item.files for item in report.compacted} == {
        f"alfa/centro {MONTH}": 3,
        f"alfa/norte {MONTH}": 1,
    }
    assert "its run's record tells of 99" in report.failures[f"alfa/sul {MONTH}"]
    (month,) = [key for key in keys(old_lake, "bronze") if "norte" in key and "compacted" in key]
    assert rows_of(old_lake, [month]) == before
    async with get_client() as client:
        (artifact, *_) = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["lifecycle"]))
        )
    table = json.loads(artifact.data)
    assert {"bronze", "withheld"} <= {value for row in table for value in row.values()}


def test_the_command_shows_a_plan_and_applies_it(platform: Platform, old_lake: Lake, prefect_api: str) -> None:
    before = keys(old_lake, "")
    planned = platform.command("lifecycle", "plan", "--json")
    assert planned.code == 0, planned.err
    assert {item["name"]: item["files"] for item in planned.document["compact"]} == {
        f"alfa/centro {MONTH}": 3,
        f"alfa/norte {MONTH}": 1,
    }
    assert keys(old_lake, "") == before, "a plan changes nothing"
    assert "left by a crawl that was killed" in platform.command("lifecycle", "plan").out
    applied = platform.command("lifecycle", "apply", "--json", PREFECT_API_URL=prefect_api)
    assert applied.code == 0, applied.err
    assert applied.document["status"] == "complete"
    assert [item["rows"] for item in applied.document["compacted"]] == [60, 20]
    assert len(keys(old_lake, "silver")) == 2
    assert platform.command("lifecycle", "policy").document == {"rules": []}
    bad = platform.home / "bad.yaml"
    bad.write_text("rules: [{name: x, folder: gold, delete_after_days: 1}]")
    refused = platform.command("lifecycle", "plan", GONDOLA_LIFECYCLE_FILE=str(bad))
    assert refused.code == 2
    assert "rules[x].folder" in " ".join(refused.err.split())
