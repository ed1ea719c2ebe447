"""Whatever happened to a lake, a plan deletes no row that silver does not hold."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gondola.errors import GondolaError
from storage.compaction import compact
from storage.lake import Lake
from storage.lifecycle import Plan, apply, plan
from storage.policy import Policy, Rule
from tests.storage.market_month import Row, crawl, keys

FIRST = date(2026, 1, 1)

Event = tuple[Any, ...]
days = st.integers(0, 70)
events = st.lists(
    st.one_of(
        st.tuples(st.just("crawl"), days, st.sampled_from(["centro", "norte"]), st.booleans()),
        st.tuples(st.just("compact"), st.integers(40, 400)),
        st.tuples(st.just("apply"), st.integers(40, 900)),
        st.tuples(st.just("kill"), st.integers(40, 400), st.integers(0, 3)),
        st.tuples(
            st.just("lose"),
            st.sampled_from(["silver", "silver", "bronze", "archive", "metadata/compactions", "metadata/runs"]),
            st.integers(0, 99),
        ),
        st.tuples(st.just("swap"), st.just("silver"), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("spoil"), st.sampled_from(["bronze", "silver"]), st.integers(0, 99)),
    ),
    max_size=6,
)
crawls = st.lists(
    st.tuples(st.just("crawl"), days, st.sampled_from(["centro", "norte"]), st.booleans()), min_size=1, max_size=5
)
# Something is compacted first, so that there is something to delete.
histories = st.builds(lambda first, then: [*first, ("compact", 200), *then], crawls, events)
policies = st.builds(
    lambda grace, cool, archive, delete: Policy(
        grace_days=grace,
        rules=(
            Rule(
                name="bronze",
                folder="bronze/market",
                cool_after_days=cool,
                archive_after_days=cool + archive,
                delete_after_days=cool + archive + delete,
            ),
        ),
    ),
    st.integers(0, 3),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 200),
)


class Killed(BaseException):
    pass


def at(day: int) -> datetime:
    return datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(days=day)


def typed_rows(lake: Lake, key: str) -> Counter[Row] | None:
    """The rows of a file without `raw`; None when it can't be read."""
    try:
        table = pq.read_table(io.BytesIO(lake.get(key)))
    except (GondolaError, OSError, pa.ArrowException):
        return None
    names = sorted(name for name in table.column_names if name != "raw")
    return Counter(zip(*(table[name].to_pylist() for name in names), strict=True))


def assert_covered(lake: Lake, made: Plan) -> None:
    """Of every file that would be deleted, each row is in silver that stays."""
    silver: Counter[Row] = Counter()
    for key in keys(lake, "silver"):
        silver |= typed_rows(lake, key) or Counter()
    for step in made.steps:
        assert not step.key.startswith(("silver/", "metadata/", "gold/"))
        if step.action in {"delete", "archive"}:
            rows = typed_rows(lake, step.key)
            # What can't be read is spoilt: nothing is lost with it when the manifest's own runs are in silver.
            assert rows is None or rows <= silver, step


def happen(lake: Lake, spool: Path, policy: Policy, event: Event) -> None:
    kind, *args = event
    if kind == "crawl":
        day, region, record = args
        with suppress(GondolaError):
            crawl(lake, FIRST + timedelta(days=day), skus=3 + day % 4, region=region, record=record)
    elif kind == "compact":
        for due in plan(lake, policy, now=at(args[0])).due:
            with suppress(GondolaError):
                compact(lake, due, now=at(args[0]), spool=spool, threads=1)
    elif kind == "kill":
        killed_compaction(lake, spool, policy, *args)
    elif kind == "apply":
        made = plan(lake, policy, now=at(args[0]))
        assert_covered(lake, made)
        apply(lake, made)
    else:
        damage(lake, kind, *args)


def killed_compaction(lake: Lake, spool: Path, policy: Policy, day: int, puts: int) -> None:
    left = puts
    original = Lake.put_file

    def put_file(self: Lake, *args: Any, **kwargs: Any) -> None:
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        original(self, *args, **kwargs)

    Lake.put_file = put_file  # type: ignore[method-assign]
    try:
        for due in plan(lake, policy, now=at(day)).due:
            compact(lake, due, now=at(day), spool=spool, threads=1)
    except (Killed, GondolaError):
        pass
    finally:
        Lake.put_file = original  # type: ignore[method-assign]


def damage(lake: Lake, kind: str, folder: str, first: int, second: int = 0) -> None:
    found = keys(lake, folder)
    if not found:
        return
    one, other = found[first % len(found)], found[second % len(found)]
    if kind == "lose":
        lake.delete(one)
    elif kind == "swap":
        content = lake.get(one)
        lake.put(one, lake.get(other))
        lake.put(other, content)
    else:
        lake.put(one, lake.get(one)[:-20])


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies, histories, st.integers(201, 1200))
def test_a_plan_never_deletes_what_silver_does_not_hold(policy: Policy, history: list[Event], last: int) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        lake = Lake.open(str(folder / "lake"))
        for event in history:
            happen(lake, folder / "spool", policy, event)
        for day in (last, last + 30, 5000):
            made = plan(lake, policy, now=at(day))
            assert_covered(lake, made)
            apply(lake, made)
    finally:
        shutil.rmtree(folder)
