"""One answer comes from one version, whatever is published meanwhile; versions nobody needs are closed."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gondola.errors import LakeKeyError
from gondola.serving.reads import (
    BusyError,
    CursorError,
    NotBuiltError,
    Page,
    PublishedCopies,
    Snapshot,
    VersionGoneError,
    products,
)
from gondola.settings import Settings
from tests.serving.versions import publish_version, settings_for

BRANDS = "select distinct brand from market.dim_products"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


def brands(snapshot: Snapshot) -> list[str]:
    return [row["brand"] for row in snapshot.rows(BRANDS)]


def test_nothing_published_is_said(settings: Settings) -> None:
    with PublishedCopies(settings) as copies:
        assert copies.version() is None
        with pytest.raises(LakeKeyError, match="nothing is published"), copies.snapshot():
            pass


def test_a_snapshot_stays_on_its_version_and_the_next_is_new(settings: Settings) -> None:
    publish_version(settings, 1)
    with PublishedCopies(settings) as copies:
        with copies.snapshot() as old:
            for number in range(2, 8):
                publish_version(settings, number)
                with copies.snapshot() as new:
                    assert (brands(old), brands(new)) == (["v1"], [f"v{number}"])
        assert old.version.published_at is not None
        with copies.snapshot("20260205T000006000000Z") as pinned:
            assert brands(pinned) == ["v6"]
        with pytest.raises(VersionGoneError, match="begin again"), copies.snapshot("20260205T000002000000Z"):
            pass


def test_versions_without_readers_are_closed(settings: Settings) -> None:
    with PublishedCopies(settings) as copies:
        for number in range(1, 9):
            publish_version(settings, number)
            with copies.snapshot() as snapshot:
                brands(snapshot)
        assert len(copies._open) == 3


def test_a_version_can_not_be_a_path(settings: Settings) -> None:
    publish_version(settings, 1)
    with PublishedCopies(settings) as copies:
        for name in ("../gondola", "x' as y; --", "a/b"):
            with pytest.raises(VersionGoneError), copies.snapshot(name):
                pass


def test_readers_write_nothing_and_read_no_files(settings: Settings) -> None:
    publish_version(settings, 1)
    with PublishedCopies(settings) as copies, copies.snapshot() as snapshot:
        for sql in (
            "select * from '/etc/passwd'",
            "copy (select 1) to '/tmp/x'",
            "create table gondola.main.t (i int)",
        ):
            with pytest.raises(Exception, match=r"not in the published|disabled|read-only"):
                snapshot.table(sql)
        with pytest.raises(NotBuiltError, match="run the system that brings it"):
            snapshot.table("select * from events.fct_funnel")
        assert (snapshot.has_schema("market"), snapshot.has_schema("events")) == (True, False)


def test_a_question_takes_no_longer_than_allowed(settings: Settings) -> None:
    publish_version(settings, 1)
    with PublishedCopies(settings, time_limit=timedelta(seconds=0.3)) as copies, copies.snapshot() as snapshot:
        with pytest.raises(BusyError, match="took longer"):
            snapshot.table("select count(*) from range(10000000000) a (i), range(1000) b (j) where i + j = 7")
        assert brands(snapshot) == ["v1"]


def test_a_question_takes_no_more_memory_than_allowed(settings: Settings) -> None:
    publish_version(settings, 1)
    small = settings.model_copy(update={"transform_memory": "50MB"})
    with PublishedCopies(small) as copies, copies.snapshot() as snapshot:
        with pytest.raises(BusyError, match="memory"):
            snapshot.table("select hash(i), repeat('x', 100) || i as t from range(5000000) t (i) order by 1")
        assert brands(snapshot) == ["v1"]


def test_pages_hold_every_row_once_while_versions_change(settings: Settings) -> None:
    publish_version(settings, 1, products=40)
    seen: list[str] = []
    cursor: str | None = None
    with PublishedCopies(settings) as copies:
        for turn in range(100):
            page = Page(7, cursor)
            with copies.snapshot(page.version) as snapshot:
                answer = products.search(snapshot, "arroz", page=page)
            assert answer.version.name == "20260205T000001000000Z"
            seen += answer.rows["sku_id"].to_pylist()
            cursor = answer.next_cursor
            if cursor is None:
                break
            publish_version(settings, turn + 2, products=10, keep=20)
    assert len(seen) == len(set(seen)) == 40


def test_a_cursor_of_another_question_is_refused(settings: Settings) -> None:
    publish_version(settings, 1)
    with PublishedCopies(settings) as copies, copies.snapshot() as snapshot:
        cursor = products.search(snapshot, "arroz", page=Page(3)).next_cursor
        with pytest.raises(CursorError, match="another question"):
            products.search(snapshot, "arroz 1", page=Page(3, cursor))
        for broken in ("", "x", "bnVsbA", "WzEsMiwzXQ", "é", cursor[:-3] if cursor else ""):
            with pytest.raises(CursorError):
                Page(3, broken).start(snapshot, {})


@pytest.mark.slow
def test_fifty_readers_while_a_build_swaps(settings: Settings) -> None:
    """No error and no mixed versions: what one snapshot says twice is of one version."""
    publish_version(settings, 1, products=3000)
    stop = threading.Event()
    problems: list[str] = []
    versions: set[str] = set()

    def read(copies: PublishedCopies) -> None:
        try:
            while not stop.is_set():
                with copies.snapshot() as snapshot:
                    first = brands(snapshot)
                    answer = products.search(snapshot, "arroz", page=Page(50))
                found = {*first, *answer.rows["brand"].to_pylist()}
                prices = {f"v{int(price)}" for price in answer.rows["lowest_price"].to_pylist()}
                if len(found) != 1 or prices != found:
                    problems.append(f"mixed: {found} {prices}")
                versions.update(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            problems.append(repr(error))

    with PublishedCopies(settings) as copies:
        readers = [threading.Thread(target=read, args=(copies,)) for _ in range(50)]
        for reader in readers:
            reader.start()
        for number in range(2, 30):
            publish_version(settings, number, products=3000)
        stop.set()
        for reader in readers:
            reader.join(timeout=120)
    assert not problems, problems[:3]
    assert len(versions) > 5
