"""One lake onto another, whatever they are: whole, checked, and right after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gondola.errors import ConfigurationError, LakeKeyError, LakeUnavailableError
from storage import copy as copying
from storage.copy import CopyReport, copy_lake, plan_copy
from storage.lake import Lake
from tests.backends import ROOT, Backend, apply_environment, fresh_backend

RECORD = "metadata/runs/system=market/year=2026/month=02/day=05/bistek-default-20260205T120000Z.parquet"
BRONZE = "bronze/market/supermarket=bistek/region=default/year=2026/month=02/day=05/run_20260205T120000Z.parquet"
OBJECTS = {
    BRONZE: os.urandom((9 << 20) + 3),
    "bronze/market/supermarket=bistek/region=default/year=2026/month=02/day=06/run_20260206T120000Z.parquet": b"b"
    * 70_000,
    "gold/market/dim_products/data.parquet": b"gold",
    "gold/market/_manifest.json": b"{}",
    "quarantine/market/year=2026/month=02/day=05/bistek-default-20260205T120000Z.parquet": b"",
    RECORD: b"record",
}
BESIDE = {"warehouse/gondola.duckdb": b"not of the lake", "logs/gondola.json": b"neither"}


def fill(lake: Lake, objects: dict[str, bytes] = OBJECTS) -> Lake:
    for key, data in objects.items():
        lake.put(key, data)
    return lake


def content(lake: Lake) -> dict[str, bytes]:
    return {entry.key: lake.get(entry.key) for entry in lake.find()}


@pytest.fixture
def local(tmp_path: Path) -> Lake:
    return fill(Lake.open(str(tmp_path / "source")), OBJECTS | BESIDE)


def to(source: Lake, destination: Lake, tmp_path: Path, **options: bool) -> CopyReport:
    return copy_lake(source, destination, tmp_path / "spool", threads=3, **options)


@pytest.mark.parametrize(
    ("one", "other"),
    [("local", "local"), ("local", "s3"), ("s3", "azure"), ("azure", "local"), ("memory", "s3"), ("azure", "memory")],
)
def test_a_copy_is_the_same_and_the_next_one_does_nothing(
    one: str, other: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends = [fresh_backend(request, name, tmp_path / str(place)) for place, name in enumerate((one, other))]
    apply_environment(monkeypatch, backends[0].environment | backends[1].environment)
    source, destination = (Lake.open(backend.uri) for backend in backends)
    fill(source, OBJECTS | BESIDE)
    plan = plan_copy(source, destination)
    assert (plan.objects, plan.present, plan.bytes) == (6, 0, sum(map(len, OBJECTS.values())))
    seen: list[str] = []
    report = copy_lake(source, destination, tmp_path / "spool", on_object=lambda entry: seen.append(entry.key))
    assert (report.status, report.copied, report.skipped, report.bytes_copied) == ("complete", 6, 0, plan.bytes)
    assert seen[-1] == RECORD, "what makes the others count comes last"
    assert content(destination) == OBJECTS
    assert plan_copy(source, destination).present == 6
    again = to(source, destination, tmp_path)
    assert (again.status, again.copied, again.skipped) == ("complete", 0, 6)
    assert list((tmp_path / "spool").iterdir()) == []


def test_other_content_is_a_conflict_and_nothing_is_committed(local: Lake, tmp_path: Path) -> None:
    destination = Lake.open(str(tmp_path / "to"))
    destination.put(BRONZE, OBJECTS[BRONZE][:-1] + b"?")  # of the same size: damaged, or of another run
    report = to(local, destination, tmp_path)
    assert (report.status, report.conflicts, report.uncommitted) == ("failed", [BRONZE], 2)
    assert not destination.exists(RECORD)
    assert destination.get(BRONZE)[-1:] == b"?"
    healed = to(local, destination, tmp_path, overwrite=True)
    assert (healed.status, healed.copied, healed.skipped) == ("complete", 3, 3)
    assert content(destination) == OBJECTS


def test_an_object_that_vanishes_is_said_and_nothing_is_committed(
    local: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = local.find

    def find(prefix: str = "", suffix: str = "") -> list[copying.Entry]:
        entries = listed(prefix, suffix)
        local.delete(BRONZE)
        return entries

    monkeypatch.setattr(local, "find", find)
    destination = Lake.open(str(tmp_path / "to"))
    report = to(local, destination, tmp_path)
    assert (report.status, report.vanished, report.uncommitted) == ("failed", [BRONZE], 2)
    assert not destination.exists(RECORD)
    assert to(local, destination, tmp_path).status == "complete", "run again it is what the source has become"


def test_bytes_that_come_back_otherwise_are_not_left_there(
    local: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Lake.open(str(tmp_path / "to"))
    put_file = destination.put_file

    def put(key: str, path: Path, *, new: bool = False) -> None:
        if key == BRONZE:
            path.write_bytes(b"cut short")
        put_file(key, path, new=new)

    with monkeypatch.context() as patched:
        patched.setattr(destination, "put_file", put)
        with pytest.raises(LakeUnavailableError, match="other bytes came back"):
            to(local, destination, tmp_path)
    assert not destination.exists(BRONZE)
    assert not destination.exists(RECORD)
    assert to(local, destination, tmp_path).status == "complete"
    assert content(destination) == OBJECTS


@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/", "a")])
def test_a_lake_is_not_copied_into_itself(one: str, other: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one lies within the other"):
        to(Lake.open(str(tmp_path / one)), Lake.open(f"{tmp_path}/{other}"), tmp_path)
    copy_lake(Lake.open("memory://a"), Lake.open("memory://ab"), tmp_path / "spool")


def test_a_key_that_cannot_be_on_a_lake_stops_the_copy(local: Lake, tmp_path: Path) -> None:
    (Path(local.uri) / "bronze" / "odd[1].parquet").write_bytes(b"?")
    with pytest.raises(LakeKeyError, match="odd"):
        to(local, Lake.open(str(tmp_path / "to")), tmp_path)


COPY = """
import sys
from pathlib import Path
from storage.copy import copy_lake
from storage.lake import Lake
print("begun", flush=True)
copy_lake(Lake.open(sys.argv[1]), Lake.open(sys.argv[2]), Path(sys.argv[3]), threads=2)
"""


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_killed_in_the_middle_and_run_again(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend: Backend = fresh_backend(request, kind, tmp_path / "to")
    apply_environment(monkeypatch, backend.environment)
    source, destination = Lake.open(str(tmp_path / "source")), Lake.open(backend.uri)
    runs = {f"metadata/runs/system=market/{n}.parquet": b"r" for n in range(3)}
    fill(source, {f"bronze/market/{n}.parquet": os.urandom(1 << 20) for n in range(120)} | runs)
    process = subprocess.Popen(
        [sys.executable, "-c", COPY, source.uri, destination.uri, str(tmp_path / "spool")],
        env=os.environ | backend.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while len(destination.find("bronze")) < 10:
            assert process.poll() is None, "it was done before it could be killed"
            assert time.monotonic() < deadline
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    there = content(destination)
    assert 10 <= len(there) < 120
    assert all(source.get(key) == data for key, data in there.items()), "what is there is whole"
    assert not [key for key in there if key.startswith("metadata")]
    report = to(source, destination, tmp_path)
    assert (report.status, report.skipped + report.copied) == ("complete", 123)
    assert report.skipped >= len(there)
    assert content(destination) == content(source)


MEASURE = """
import resource, sys
from pathlib import Path
from storage.copy import copy_lake
from storage.lake import Lake
copy_lake(Lake.open(sys.argv[1]), Lake.open(sys.argv[2]), Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_large_object_does_not_sit_in_memory(tmp_path: Path) -> None:
    source = Lake.open(str(tmp_path / "source"))
    peaks = []
    for size in (1 << 20, 400 << 20):
        with (tmp_path / "large").open("wb") as file:
            file.truncate(size)
        source.put_file(f"bronze/market/{size}.parquet", tmp_path / "large")
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, source.uri, str(tmp_path / "to"), str(tmp_path / "spool")],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 100, f"{peaks} MB"
