"""What every kind of storage promises, asked of a folder, memory, an S3 server and Azurite alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gondola.errors import ConfigurationError, LakeConflictError, LakeKeyError, LakeUnavailableError, is_transient
from storage.lake import Lake
from tests.backends import (
    AZURITE_KEY,
    ROOT,
    Backend,
    apply_environment,
    azure_connection_string,
    forget_clients,
    free_port,
    only,
    s3_environment,
)

ODD_NAMES = ["maçã e pão", "日本", "a=b", "50%", "a+b", "a&b", "a#b", "it's", 'a"b', "a,b;c:d", "(x) ~!@$"]


def keys(lake: Lake, prefix: str = "", suffix: str = "") -> list[str]:
    return [entry.key for entry in lake.find(prefix, suffix)]


def test_an_empty_lake_has_nothing(lake: Lake) -> None:
    assert lake.find() == []
    assert lake.find("bronze/market") == []
    assert not lake.exists("bronze/market/x.parquet")
    lake.delete("bronze/market/x.parquet")


def test_what_is_put_is_there(lake: Lake) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    lake.put("a/b/one.bin", b"first")
    lake.put("a/b/one.bin", b"the second, longer")
    lake.put("a/empty.bin", b"")

    assert lake.get("a/b/one.bin") == b"the second, longer"
    assert lake.get("a/empty.bin") == b""
    with lake.open_file("a/b/one.bin") as file:
        file.seek(4)
        assert file.read(6) == b"second"
    entries = lake.find("a")
    assert [(entry.key, entry.size) for entry in entries] == [("a/b/one.bin", 18), ("a/empty.bin", 0)]
    assert all(before <= entry.modified <= datetime.now(UTC) + timedelta(seconds=2) for entry in entries)
    lake.delete("a/b/one.bin")
    assert keys(lake) == ["a/empty.bin"]


def test_files_are_put_whole(lake: Lake, tmp_path: Path) -> None:
    # Larger than one part of an upload, and of a size that no block divides.
    data = os.urandom((33 << 20) + 7)
    (tmp_path / "large").write_bytes(data)
    lake.put_file("large.bin", tmp_path / "large")
    assert lake.find()[0].size == len(data)
    assert lake.get("large.bin") == data
    with pytest.raises(LakeConflictError, match=r"large\.bin exists"):
        lake.put_file("large.bin", tmp_path / "large", new=True)
    (tmp_path / "none").touch()
    lake.put_file("none.bin", tmp_path / "none", new=True)
    assert lake.get("none.bin") == b""
    assert (tmp_path / "large").stat().st_size == len(data)


def test_find_knows_folders_from_prefixes(lake: Lake) -> None:
    for key in ("day=1/a.parquet", "day=1/b.json", "day=10/a.parquet", "day=1.txt"):
        lake.put(key, b"x")
    assert keys(lake, "day=1") == ["day=1/a.parquet", "day=1/b.json"]
    assert keys(lake, "day=1", ".parquet") == ["day=1/a.parquet"]
    assert keys(lake, suffix=".parquet") == ["day=1/a.parquet", "day=10/a.parquet"]
    assert keys(lake, "day=1.txt") == []


def test_names_of_all_languages(lake: Lake) -> None:
    for name in ODD_NAMES:
        key = f"{name}/{name}.txt"
        lake.put(key, name.encode(), new=True)
        assert lake.get(key) == name.encode()
        assert lake.exists(key)
        assert keys(lake, name) == [key]
        lake.delete(key)
        assert lake.find() == []


BAD_KEYS = ["", "/etc/passwd", "../outside", "a/../../b", "a//b", "a/", "./a", "a\\b", "a\nb", "a*b", "a?b", "a[1]"]
BAD_KEYS.append("x/.0123456789abcdef0123456789abcdef.tmp")  # the name of an unfinished file


def test_keys_that_leave_the_lake_are_refused(lake: Lake) -> None:
    for key in BAD_KEYS:
        for call in (lake.get, lake.exists, lake.delete, lake.open_file, lambda key: lake.put(key, b"")):
            with pytest.raises(LakeKeyError):
                call(key)
    with pytest.raises(LakeKeyError):
        lake.url("../outside")


def test_what_is_not_there_is_named(lake: Lake) -> None:
    lake.put("folder/file", b"x")
    for key in ("nothing.parquet", "folder"):
        for call in (lake.get, lake.open_file):
            with pytest.raises(LakeKeyError, match=key) as caught:
                call(key)
            assert lake.uri in str(caught.value)
        assert not lake.exists(key)


@only("local", "s3", "azure")
def test_of_many_writers_of_a_new_object_one_wins(lake: Lake) -> None:
    barrier = threading.Barrier(8)

    def claim(number: int) -> int | None:
        barrier.wait()
        try:
            lake.put("claim", str(number).encode(), new=True)
        except LakeConflictError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(claim, range(8)) if number is not None]
    assert [str(number) for number in winners] == [lake.get("claim").decode()]


@only("local", "s3", "azure")
def test_what_others_do_is_seen_at_once(lake: Lake, backend: Backend) -> None:
    lake.put("shared/a", b"1")
    assert keys(lake, "shared") == ["shared/a"]
    foreign(lake, 'lake.put("shared/b", b"2"); lake.put("shared/a", b"longer-now")')
    assert keys(lake, "shared") == ["shared/a", "shared/b"]
    assert lake.get("shared/a") == b"longer-now"
    with lake.open_file("shared/a") as file:
        assert file.read() == b"longer-now"
    foreign(lake, 'lake.delete("shared/a")')
    assert keys(lake, "shared") == ["shared/b"]
    assert not lake.exists("shared/a")


def test_a_failed_upload_leaves_what_was_there(lake: Lake, tmp_path: Path) -> None:
    lake.put("kept", b"old")
    with pytest.raises(FileNotFoundError):
        lake.put_file("kept", tmp_path / "missing")
    assert lake.get("kept") == b"old"
    assert keys(lake) == ["kept"]


@only("local", "s3", "azure")
def test_a_killed_writer_leaves_nothing_visible(lake: Lake, backend: Backend, tmp_path: Path) -> None:
    # The upload is stopped in its middle: the file it reads from is a pipe that nobody fills.
    os.mkfifo(tmp_path / "pipe")
    if backend.name == "local":
        code = 'from pathlib import Path; print("go", flush=True); lake.put_file("dir/killed", Path(sys.argv[2]))'
        process = start(lake, code, str(tmp_path / "pipe"))
        with (tmp_path / "pipe").open("wb") as pipe:
            pipe.write(b"x" * 3_000_000)
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=20)
    else:
        code = 'print("go", flush=True)\nwhile True: lake.put("dir/killed", bytes(60 << 20))'
        process = start(lake, code)
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    process.communicate()
    assert [entry.size for entry in lake.find()] in ([], [60 << 20])
    if lake.is_local:
        leftovers = list(Path(lake.uri).rglob("*.tmp"))
        assert len(leftovers) == 1
        os.utime(leftovers[0], (0, 0))
        assert lake.find() == []
        assert not leftovers[0].exists()


@only("s3", "azure")
def test_a_lake_that_does_not_answer_says_so_soon(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    environment = {
        "s3": s3_environment(f"http://127.0.0.1:{port}"),
        "azure": {"AZURE_STORAGE_CONNECTION_STRING": azure_connection_string(port)},
    }[backend.name]
    apply_environment(monkeypatch, environment)
    forget_clients()
    lake = Lake.open(backend.uri)
    start_time = time.monotonic()
    with pytest.raises(LakeUnavailableError, match="check the network") as caught:
        lake.put("a", b"x")
    assert time.monotonic() - start_time < 8
    assert lake.uri in str(caught.value)
    assert is_transient(caught.value)


@only("azure")
def test_wrong_credentials_are_named_but_not_shown(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "d3Jvbmcga2V5IG9mIHRoZSByaWdodCBzaGFwZSBidXQgd3Jvbmc="
    given = backend.environment["AZURE_STORAGE_CONNECTION_STRING"].replace(AZURITE_KEY, wrong)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", given)
    forget_clients()
    lake = Lake.open(backend.uri)
    for call in (lake.find, lambda: lake.get("a"), lambda: lake.put("a", b""), lambda: lake.exists("a")):
        with pytest.raises(ConfigurationError, match="check AZURE_STORAGE_CONNECTION_STRING") as caught:
            call()
        assert wrong not in str(caught.value)
        assert not is_transient(caught.value)


@only("s3", "azure")
def test_a_missing_bucket_is_no_empty_lake(backend: Backend) -> None:
    lake = Lake.open(backend.uri.replace("//lake/", "//missing/"))
    for call in (lake.find, lambda: lake.get("a"), lambda: lake.put("a", b"")):
        with pytest.raises(ConfigurationError, match="no such bucket or container"):
            call()


@only("azure")
def test_servers_that_fail_for_a_moment_are_asked_again(backend: Backend, lake: Lake) -> None:
    # The SDK's own first wait is 15 s.
    policy = lake._filesystem.service_client._config.retry_policy
    waits = [policy.get_backoff_time({"count": count}) for count in (1, 2, 3)]
    assert 2 < sum(waits) < 8


@only("azure")
def test_every_spelling_of_azure_is_the_same_lake(backend: Backend, lake: Lake) -> None:
    lake.put("a", b"1")
    for scheme in ("abfs", "abfss", "azure"):
        other = Lake.open(backend.uri.replace("az://", f"{scheme}://"))
        assert other.uri == lake.uri
        assert other.get("a") == b"1"


def foreign(lake: Lake, code: str) -> None:
    """Run code on the lake in another process."""
    process = start(lake, code + '; print("go", flush=True)')
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output


def start(lake: Lake, code: str, *arguments: str) -> subprocess.Popen[bytes]:
    program = f"import sys; from storage.lake import Lake; lake = Lake.open(sys.argv[1])\n{code}"
    command = [sys.executable, "-c", program, lake.uri, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    return process
