"""What becomes of a file over two years, on every kind of storage."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.asyn import sync

from storage.compaction import compact
from storage.lake import Lake
from storage.layout import Metadata
from storage.lifecycle import apply, plan
from storage.manifests import read_manifests
from storage.policy import Policy, Rule
from storage.tiers import open_tiers
from tests.backends import Backend, only
from tests.contract.test_compaction import JANUARY, NOW, POLICY, compact_due, held, january
from tests.storage.market_month import crawl, keys, rows_of

JANUARY_ENDS = date(2026, 1, 31)


def at_age(days: int) -> datetime:
    """The moment when January is older than so many days."""
    return datetime.combine(JANUARY_ENDS + timedelta(days=days + 1), NOW.timetz())


def run(lake: Lake, now: datetime) -> Counter[str]:
    return Counter(step.action for step in apply(lake, plan(lake, POLICY, now=now)).done)


def tier_of(lake: Lake, key: str) -> str:
    """What the storage itself says of an object, asked by its own client."""
    with lake.native(key) as (filesystem, path):
        if lake.uri.startswith("s3://"):
            return str(filesystem.get_tags(path).get("gondola-tier", "hot"))
        if lake.uri.startswith("az://"):
            container, _, name = path.partition("/")

            async def ask() -> Any:
                async with filesystem.service_client.get_blob_client(container, name) as client:
                    return (await client.get_blob_properties()).blob_tier

            return str(sync(filesystem.loop, ask)).lower()
        return "archive" if key.startswith("archive/") else "cool"


def test_two_years_of_a_month(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    before = rows_of(lake, small)
    assert run(lake, at_age(89)) == Counter()
    compact_due(lake, tmp_path, at_age(90))
    has_tiers = lake.uri.startswith(("s3://", "az://"))
    assert run(lake, at_age(90)) == (Counter(cool=1) if has_tiers else Counter())
    assert run(lake, at_age(91)) == Counter(delete=3)
    (month,) = keys(lake, "bronze")
    assert tier_of(lake, month) == "cool"
    assert rows_of(lake, [month]) == before
    assert run(lake, at_age(364)) == Counter()
    assert run(lake, at_age(365)) == Counter(archive=1)
    assert run(lake, at_age(365)) == Counter(), "once is enough"
    if has_tiers:
        assert tier_of(lake, month) == "archive"
    else:
        assert keys(lake, "bronze") == []
        assert keys(lake, "archive") == [f"archive/{month}"]
        assert rows_of(lake, [f"archive/{month}"]) == before
    assert run(lake, at_age(729)) == Counter()
    assert run(lake, at_age(730)) == Counter(delete=1)
    assert keys(lake, "bronze") == keys(lake, "archive") == []
    (silver,) = keys(lake, "silver")
    assert sum(rows_of(lake, [silver]).values()) == 60
    assert len(keys(lake, "metadata/runs")) == 3
    assert len(keys(lake, "metadata/compactions")) == 1
    assert run(lake, at_age(5000)) == Counter()


@pytest.mark.parametrize(
    ("backend", "damage"),
    [
        ("local", "lost"),
        ("s3", "lost"),
        ("azure", "other rows"),
        ("local", "other rows"),
        ("local", "truncated"),
        ("memory", "truncated"),
    ],
    indirect=["backend"],
)
def test_nothing_goes_that_silver_does_not_cover(lake: Lake, tmp_path: Path, damage: str) -> None:
    small = january(lake)
    compact_due(lake, tmp_path)
    crawl(lake, JANUARY, region="norte", skus=7)
    compact_due(lake, tmp_path)
    silver, other = (
        next(r.silver_key for r in read_manifests(lake) if region in r.run_id) for region in ("centro", "norte")
    )
    content = lake.get(silver)
    if damage == "lost":
        lake.delete(silver)
    else:
        lake.put(silver, content[:-9] if damage == "truncated" else lake.get(other))
    for now in (NOW + timedelta(days=1), at_age(365), at_age(730)):
        made = plan(lake, POLICY, now=now)
        assert not [step for step in made.steps if "centro" in step.key and step.action != "cool"]
        assert all("silver does not cover it" in held(made)[key] for key in small)
        apply(lake, made)
    assert set(small) <= set(keys(lake, "bronze"))
    lake.put(silver, content)
    run(lake, at_age(730))
    assert keys(lake, "bronze") == []


@only("local")
def test_silver_is_asked_again_right_before_the_deletion(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    compact_due(lake, tmp_path)
    made = plan(lake, POLICY, now=NOW + timedelta(days=1))
    (silver,) = keys(lake, "silver")
    lake.delete(silver)
    outcome = apply(lake, made)
    assert outcome.done == ()
    assert sorted(item.key for item in outcome.held) == small


@only("local")
def test_small_files_wait_for_a_month_file_that_is_lost(lake: Lake, tmp_path: Path) -> None:
    """Silver would cover them, but the store's own bytes would be gone before their time."""
    small = january(lake)
    compact_due(lake, tmp_path)
    (month,) = {run.bronze_key for run in read_manifests(lake)}
    made = plan(lake, POLICY, now=NOW + timedelta(days=1))
    content = lake.get(month)
    lake.delete(month)
    assert apply(lake, made).done == ()
    again = plan(lake, POLICY, now=NOW + timedelta(days=1))
    assert {held(again)[key] for key in small} == {"its month file is missing or of another size"}
    lake.put(month, content[1:])
    assert not plan(lake, POLICY, now=NOW + timedelta(days=1)).steps


@only("s3")
def test_rules_of_others_stay_in_the_bucket(lake: Lake, backend: Backend, tmp_path: Path) -> None:
    bucket = "lake"
    foreign = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 7},
    }

    def rules() -> dict[str, Any]:
        with lake.native("x") as (filesystem, _):
            answer = filesystem.call_s3("get_bucket_lifecycle_configuration", Bucket=bucket)
        return {rule["ID"]: rule for rule in answer["Rules"]}

    with lake.native("x") as (filesystem, _):
        filesystem.call_s3(
            "put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration={"Rules": [foreign]}
        )
    neighbour = Lake.open(f"{backend.uri}-neighbour")
    for one in (lake, neighbour, lake):
        open_tiers(one).prepare()
    found = rules()
    assert found["theirs"] == foreign
    assert len(found) == 7
    root = backend.uri.removeprefix("s3://lake/")
    cool, archive = found[f"gondola-cool-{root}"], found[f"gondola-archive-{root}"]
    assert cool["Filter"]["And"]["Prefix"] == f"{root}/bronze/market/"
    assert cool["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}]
    assert archive["Filter"]["And"]["Tags"] == [{"Key": "gondola-tier", "Value": "archive"}]
    assert archive["Transitions"] == [{"Days": 1, "StorageClass": "GLACIER"}]
    assert not [rule for rule in found.values() if "Expiration" in rule and rule["ID"] != "theirs"], (
        "we delete, no cloud"
    )


@only("s3")
def test_a_file_that_s3_has_archived_can_still_go(lake: Lake, tmp_path: Path) -> None:
    january(lake)
    compact_due(lake, tmp_path)
    run(lake, at_age(365))
    (month,) = {item.bronze_key for item in read_manifests(lake)}
    with lake.native(month) as (filesystem, path):
        bucket, _, name = path.partition("/")
        filesystem.call_s3(
            "copy_object", Bucket=bucket, Key=name, CopySource={"Bucket": bucket, "Key": name}, StorageClass="GLACIER"
        )
    assert run(lake, at_age(400)) == Counter()
    run(lake, at_age(730))
    assert keys(lake, "bronze") == []


@only("azure")
def test_the_policy_for_azure_never_archives(lake: Lake, backend: Backend) -> None:
    document = open_tiers(lake).document(POLICY)
    (rule,) = document["rules"]
    folder = backend.uri.removeprefix("az://")
    assert rule["definition"]["filters"] == {"blobTypes": ["blockBlob"], "prefixMatch": [f"{folder}/bronze/market/"]}
    assert rule["definition"]["actions"] == {"baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": 90}}}


def test_diaries_go_by_their_day_and_the_ledger_stays(lake: Lake) -> None:
    policy = Policy(rules=(Rule(name="requests", folder="metadata/requests", delete_after_days=90),))
    run_id = crawl(lake, JANUARY).run_id
    old = Metadata("requests", "market", run_id).key
    young = Metadata("requests", "market", "alfa-centro-20260201T000000Z").key
    strange = "metadata/requests/notes.txt"
    for key in (old, young, strange):
        lake.put(key, b"x")
    made = plan(lake, policy, now=datetime.combine(date(2026, 4, 2), NOW.timetz()))
    assert [step.key for step in made.steps] == [old]
    assert held(made) == {strange: "not of the lake's layout"}
    apply(lake, made)
    assert keys(lake, "metadata/requests") == [strange, young]
    assert len(keys(lake, "metadata/runs")) == 1


@only("local")
def test_old_logs_go_by_their_last_change(lake: Lake, tmp_path: Path) -> None:
    policy = Policy(rules=(Rule(name="logs", folder="logs", delete_after_days=30),))
    logs = Lake.open(str(tmp_path / "logs"))
    logs.put("gondola.2026-01-01.jsonl.gz", b"x")
    modified = logs.find()[0].modified
    assert not plan(lake, policy, now=modified + timedelta(days=30), logs=logs).steps
    made = plan(lake, policy, now=modified + timedelta(days=31), logs=logs)
    apply(lake, made, logs=logs)
    assert logs.find() == []


@only("local")
def test_an_interrupted_move_to_the_archive_is_ended(lake: Lake, tmp_path: Path) -> None:
    january(lake)
    compact_due(lake, tmp_path)
    run(lake, NOW + timedelta(days=1))
    (month,) = keys(lake, "bronze")
    lake.put(f"archive/{month}", lake.get(month))  # killed between the copy and the deletion
    assert run(lake, at_age(365)) == Counter(archive=1)
    assert keys(lake, "bronze") == []
    assert keys(lake, "archive") == [f"archive/{month}"]


def test_a_plan_says_files_and_bytes(lake: Lake, tmp_path: Path) -> None:
    small = january(lake)
    sizes = {entry.key: entry.size for entry in lake.find()}
    made = plan(lake, POLICY, now=NOW)
    total = sum(sizes[key] for key in small)
    assert made.totals() == [{"rule": "bronze", "action": "compact", "files": 3, "bytes": total, "reason": None}]
    for due in made.due:
        compact(lake, due, now=NOW, spool=tmp_path, threads=1)
    (line,) = [row for row in plan(lake, POLICY, now=NOW).totals() if row["action"] == "withheld"]
    assert (line["files"], line["bytes"]) == (3, total)
    assert "grace" in line["reason"]
