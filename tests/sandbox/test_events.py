from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gondola.cli import app
from gondola.sandbox.catalogue import gtin13
from gondola.sandbox.events import BROKEN_WAYS, FORMATS, EventWorld, Made, Rates

PLAIN = Rates(late=0, duplicate=0)


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def rows_of(folder: Path) -> list[dict[str, object]]:
    files = sorted(folder.glob("events-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    folder = tmp_path_factory.mktemp("shop")
    return folder, EventWorld(seed=3, events=20_000, days=6, rates=Rates(bad=0.02)).write(folder)


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from gondola.sandbox.events import EventWorld\n"
        "made = EventWorld(seed=4, events=3000, days=3).write(Path(sys.argv[1]), sys.argv[2])\n"
        "import json; print(json.dumps(made.truth))"
    )
    for form in ("jsonl", "parquet"):
        truths = set()
        for hash_seed in ("1", "2"):
            environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
            command = [sys.executable, "-c", script, str(tmp_path / f"{form}{hash_seed}"), form]
            truths.add(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
        assert len(truths) == 1
        assert digest(tmp_path / f"{form}1") == digest(tmp_path / f"{form}2")
    EventWorld(seed=5, events=3000, days=3).write(tmp_path / "other")
    assert digest(tmp_path / "other") != digest(tmp_path / "jsonl1")


def test_every_form_tells_the_same_events(tmp_path: Path) -> None:
    world = EventWorld(seed=6, events=2000, days=2)
    truths = [world.write(tmp_path / form, form).truth for form in FORMATS]
    assert all(truth == truths[0] for truth in truths)
    lines = rows_of(tmp_path / "jsonl")
    array = [
        row for file in sorted((tmp_path / "json").glob("events-*")) for row in json.loads(file.read_text("utf-8"))
    ]
    assert array == lines
    table = pq.read_table(tmp_path / "parquet" / "events-2026-01-01.parquet")
    assert table["event_id"].to_pylist() == [r["event_id"] for r in lines][: table.num_rows]
    assert str(table.schema.field("price").type) == "decimal128(18, 2)"
    world.write(tmp_path / "gz", "csv", compress=True)
    unpacked = gzip.decompress((tmp_path / "gz" / "events-2026-01-02.csv.gz").read_bytes())
    assert unpacked == (tmp_path / "csv" / "events-2026-01-02.csv").read_bytes()


@pytest.mark.parametrize(("events", "days"), [(1, 1), (40, 30), (1000, 1), (5000, 3)])
def test_rows_are_as_many_as_asked_for(tmp_path: Path, events: int, days: int) -> None:
    made = EventWorld(events=events, days=days).write(tmp_path)
    assert made.rows == events
    assert len(rows_of(tmp_path)) == events
    assert len(list(tmp_path.glob("events-*"))) == days
    assert made.truth["distinct_events"] + made.truth["duplicate_rows"] == events


def test_what_goes_wrong_is_in_the_files_and_in_the_truth(made: tuple[Path, Made]) -> None:
    folder, truth = made[0], made[1].truth
    rows = rows_of(folder)
    broken = [row for row in rows if str(row["event_id"]).startswith("b")]
    assert set(truth["broken_rows"]) == set(BROKEN_WAYS)
    assert sum(truth["broken_rows"].values()) == len(broken) == pytest.approx(400, abs=6)
    whole = [row for row in rows if row not in broken]
    ids = [row["event_id"] for row in whole if row["event_id"]]
    copies = len(ids) - len(set(ids))
    assert 0 < copies <= truth["duplicate_rows"]
    late = 0
    for file in sorted(folder.glob("events-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            at = json.loads(line)["event_time"]
            late += at is not None and at[:10] < file.name[7:17] and at[11:13] > "03"
    assert late > 100


def test_people_behave_like_people(made: tuple[Path, Made]) -> None:
    folder, truth = made[0], made[1].truth
    rows = [row for row in rows_of(folder) if not str(row["event_id"]).startswith("b")]
    bots = {*truth["bots"]["flagged_users"], *truth["bots"]["fast_users"]}
    assert bots
    assert {row["user_id"] for row in rows if row["is_bot"]} <= set(truth["bots"]["flagged_users"])
    funnel = {
        step: sum(day[step]["any_order"] for day in truth["funnel"].values())
        for step in ("session", "view", "cart", "checkout", "purchase")
    }
    assert 0.06 < funnel["cart"] / funnel["session"] < 0.14
    assert 0.3 < funnel["checkout"] / funnel["cart"] < 0.6
    assert 0.02 < funnel["purchase"] / funnel["session"] < 0.05
    hours = [datetime.fromisoformat(str(row["event_time"])).hour for row in rows]
    night, evening = sum(hour in {6, 7, 8} for hour in hours), sum(hour in {22, 23, 0} for hour in hours)
    assert evening > 4 * night  # UTC: 3 to 6 at night and 19 to 22 in São Paulo
    assert any(row["session_id"] is None for row in rows)
    assert len({row["utm_source"] for row in rows} - {None}) >= 4
    users: dict[object, set[object]] = {}
    for row in rows:
        users.setdefault(row["user_id"], set()).add(row["device"])
    assert max(map(len, users.values())) > 1


def test_catalogue_and_profiles_are_whole(made: tuple[Path, Made]) -> None:
    products = pq.read_table(made[0] / "products.parquet")
    assert all(gtin == gtin13(gtin[:12]) for gtin in products["gtin"].to_pylist() if not gtin.startswith("2"))
    assert pc.count_distinct(products["product_id"]).as_py() == products.num_rows
    assert products["price"].null_count > 0
    users = pq.read_table(made[0] / "users.parquet")
    assert users.schema.names == ["user_id", "signup_date", "country", "segment"]
    assert users.num_rows == made[1].truth["users"]
    signed_up = dict(zip(users["user_id"].to_pylist(), users["signup_date"].to_pylist(), strict=True))
    for row in rows_of(made[0]):
        if row["event_time"] and row["user_id"] in signed_up and str(row["event_time"]) < "2026-02":
            assert signed_up[row["user_id"]] <= date.fromisoformat(str(row["event_time"])[:10])


def test_the_command_writes_files_and_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    arguments = ["sandbox", "events", "--out", str(tmp_path / "out"), "--events", "500", "--days", "2", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--start", "2026-03-01", "--gzip", "--truth-file", str(truth)])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["rows"] == 500
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "events-2026-03-01.jsonl.gz", "events-2026-03-02.jsonl.gz", "products.parquet", "users.parquet",
    ]  # fmt: skip
    assert json.loads(truth.read_text(encoding="utf-8"))["rows"] == 500
