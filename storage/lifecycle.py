"""What is to become of the lake's files now, and doing it. Nothing is deleted that silver does not cover."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from gondola.errors import LakeKeyError
from storage.compaction import DueMonth
from storage.digest import digest_runs
from storage.duck import connect
from storage.lake import Entry, Lake
from storage.layout import Kind, MarketBronze, MarketMonth, MarketSilver, Metadata, Quarantine, parse
from storage.manifests import CompactedRun, count_manifests, read_manifests
from storage.policy import BRONZE, LOGS, Policy, Rule
from storage.tiers import ARCHIVE, ARCHIVE_FOLDER, COOL, HOT, open_tiers

__all__ = ["Held", "Outcome", "Plan", "Step", "apply", "plan"]

DELETE = "delete"
_SILVER = "silver/market/offers"
_KILLED_CRAWL = "no run record: left by a crawl that was killed"
_KILLED_COMPACTION = "no manifest names it: left by a compaction that was killed"
_FOREIGN = "not of the lake's layout"
_IN_GRACE = "its grace period lasts: a build may still be reading it"
_CHANGED = "it is not the file that was compacted: its size has changed"
_NO_MONTH = "its month file is missing or of another size"


@dataclass(frozen=True, order=True)
class Step:
    """One thing to do with one file."""

    rule: str
    action: str  # delete, cool or archive
    key: str
    bytes: int
    silver: str | None = None  # what must be whole for it to be deleted
    copy: str | None = None  # what must be there for it to be deleted


@dataclass(frozen=True, order=True)
class Held:
    """A file that is left alone although its rule would act, or that no rule can act on."""

    rule: str
    key: str
    bytes: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """What applying the policy now would do."""

    now: datetime
    due: tuple[DueMonth, ...]  # to be compacted
    steps: tuple[Step, ...]
    held: tuple[Held, ...]
    covers: Mapping[str, tuple[CompactedRun, ...]] = field(default_factory=dict, repr=False)  # by key of silver

    def totals(self) -> list[dict[str, Any]]:
        """Files and bytes by rule and action, and what is withheld by reason."""
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for due in self.due:
            _count(sums["bronze", "compact", ""], len(due.sources), due.bytes)
        for step in self.steps:
            _count(sums[step.rule, step.action, ""], 1, step.bytes)
        for held in self.held:
            _count(sums[held.rule, "withheld", held.reason], 1, held.bytes)
        return [
            {"rule": rule, "action": action, "files": files, "bytes": size, "reason": reason or None}
            for (rule, action, reason), (files, size) in sums.items()
        ]


@dataclass(frozen=True)
class Outcome:
    """What was done, and what was withheld at the last moment."""

    done: tuple[Step, ...]
    held: tuple[Held, ...]


def plan(lake: Lake, policy: Policy, *, now: datetime, logs: Lake | None = None) -> Plan:
    """Find out what the policy asks for now. Silver of what would be deleted is read and compared with its manifest.

    Args:
        lake: Whose files.
        policy: The rules.
        now: The present.
        logs: The folder of the logs, as a lake.

    Raises:
        LakeUnavailableError: The lake does not answer.
    """
    planner = _Planner(lake, policy, now)
    for rule in policy.rules:
        if rule.folder == BRONZE:
            planner.bronze(rule)
        elif rule.folder != LOGS:
            planner.diary(rule)
        elif logs is not None:
            planner.logs(rule, logs)
    covers = {step.silver: planner.by_silver[step.silver] for step in planner.steps if step.silver}
    return Plan(now, tuple(sorted(planner.due)), tuple(planner.steps), tuple(planner.held), covers)


def apply(
    lake: Lake, plan: Plan, *, logs: Lake | None = None, progress: Callable[[int, int], None] = lambda *_: None
) -> Outcome:
    """Do a plan's steps: deletions, then moves between tiers. Its months are compacted by `storage.compaction`.

    Silver is read once more right before what it covers is deleted. Killed at any point, the next plan has the rest.

    Args:
        lake: Whose files.
        plan: What to do.
        logs: The folder of the logs, as a lake.
        progress: Is told the steps done and all steps.

    Raises:
        LakeUnavailableError: The lake does not answer.
        ConfigurationError: The storage refuses a tier.
    """
    done: list[Step] = []
    held: list[Held] = []
    cover = _Cover(lake, plan.covers)
    tiers = open_tiers(lake)
    moves = [step for step in plan.steps if step.action != DELETE]
    for step in plan.steps:
        if step.action != DELETE:
            continue
        reason = cover.missing(step.silver) if step.silver else None
        if reason is None and step.copy and not cover.exists(step.copy):
            reason = _NO_MONTH
        if reason:
            held.append(Held(step.rule, step.key, step.bytes, reason))
        else:
            (logs if step.rule == LOGS and logs else lake).delete(step.key)
            done.append(step)
        progress(len(done) + len(held), len(plan.steps))
    if moves:
        tiers.prepare()
    for step in moves:
        tiers.move(step.key, step.action)
        done.append(step)
        progress(len(done) + len(held), len(plan.steps))
    return Outcome(tuple(done), tuple(held))


class _Cover:
    """Whether silver holds, now, the rows that its manifest says; asked once for each file."""

    def __init__(self, lake: Lake, by_silver: Mapping[str, Sequence[CompactedRun]]) -> None:
        self._lake = lake
        self._by_silver = by_silver
        self._known: dict[str, str | None] = {}
        self._there: dict[str, bool] = {}

    def missing(self, key: str) -> str | None:
        """Why a file of silver does not cover its runs; None when it does."""
        if key not in self._known:
            self._known[key] = self._check(key)
        return self._known[key]

    def exists(self, key: str) -> bool:
        if key not in self._there:
            self._there[key] = self._lake.exists(key)
        return self._there[key]

    def _check(self, key: str) -> str | None:
        wanted = {run.run_id: run.silver_digest for run in self._by_silver[key]}
        try:
            with connect(self._lake.uri) as connection:
                found = digest_runs(connection, [self._lake.url(key)])
        except duckdb.Error:
            return f"silver does not cover it: {key} is missing or can't be read"
        if wanted != {run: digest.typed for run, digest in found.items()}:
            return f"silver does not cover it: {key} does not hold the rows of its manifest"
        return None


class _Planner:
    """Collects a plan, rule by rule."""

    def __init__(self, lake: Lake, policy: Policy, now: datetime) -> None:
        self.due: list[DueMonth] = []
        self.steps: list[Step] = []
        self.held: list[Held] = []
        self.by_silver: dict[str, tuple[CompactedRun, ...]] = {}
        self._lake = lake
        self._now = now
        self._today = now.date()
        self._grace = timedelta(days=policy.grace_days)

    def diary(self, rule: Rule) -> None:
        """Files that no table is built from a second time go by their day."""
        for entry in self._lake.find(rule.folder):
            fields = _parse(entry.key)
            if not isinstance(fields, Metadata | Quarantine):
                self.held.append(Held(rule.name, entry.key, entry.size, _FOREIGN))
            elif _is_older(self._today, fields.started_at.date(), rule.delete_after_days):
                self.steps.append(Step(rule.name, DELETE, entry.key, entry.size))

    def logs(self, rule: Rule, logs: Lake) -> None:
        """Log files go by their last change."""
        self.steps += [
            Step(LOGS, DELETE, entry.key, entry.size)
            for entry in logs.find()
            if _is_older(self._today, entry.modified.date(), rule.delete_after_days)
        ]

    def bronze(self, rule: Rule) -> None:
        """Small files are compacted, then deleted; month files change tiers, then go; silver stays."""
        runs = read_manifests(self._lake)
        by_silver: dict[str, list[CompactedRun]] = defaultdict(list)
        for run in runs:
            by_silver[run.silver_key].append(run)
        self.by_silver = {key: tuple(members) for key, members in by_silver.items()}
        cover = _Cover(self._lake, self.by_silver)
        entries = {
            entry.key: entry for folder in (BRONZE, ARCHIVE_FOLDER + BRONZE) for entry in self._lake.find(folder)
        }
        small: dict[str, MarketBronze] = {}
        months: dict[str, MarketMonth] = {}
        for key, entry in entries.items():
            fields = _parse(key)
            if isinstance(fields, MarketBronze):
                small[key] = fields
            elif isinstance(fields, MarketMonth):
                months[key] = fields
            else:
                self.held.append(Held(rule.name, key, entry.size, _FOREIGN))
        self._small_files(rule, entries, small, runs, cover)
        self._month_files(rule, entries, months, {run.bronze_key: run for run in runs}, cover)
        self._leftover_silver(rule)

    def _small_files(
        self,
        rule: Rule,
        entries: Mapping[str, Entry],
        small: Mapping[str, MarketBronze],
        runs: Sequence[CompactedRun],
        cover: _Cover,
    ) -> None:
        compacted = {run.source_key: run for run in runs}
        recorded = {
            entry.key.rpartition("/")[2].removesuffix(".parquet")
            for entry in self._lake.find("metadata/runs/system=market", ".parquet")
        }
        waiting: dict[tuple[str, str, date], list[Entry]] = defaultdict(list)
        for key, fields in small.items():
            run = compacted.get(key)
            month = fields.business_date.replace(day=1)
            is_due = _is_older(self._today, _last_day(month), rule.cool_after_days)
            if run is not None:
                self._replaced(rule, entries, entries[key], run, cover)
            elif is_due and fields.run_id not in recorded:
                self.held.append(Held(rule.name, key, entries[key].size, _KILLED_CRAWL))
            elif is_due:
                waiting[fields.supermarket, fields.region, month].append(entries[key])
        before = count_manifests(self._lake) if waiting else {}
        self.due = [
            DueMonth(*where, number=before.get(where, 0), sources=tuple(sources)) for where, sources in waiting.items()
        ]

    def _replaced(
        self, rule: Rule, entries: Mapping[str, Entry], entry: Entry, run: CompactedRun, cover: _Cover
    ) -> None:
        """A small file whose rows a compaction took over."""
        copy = next(
            (
                key
                for key in (run.bronze_key, ARCHIVE_FOLDER + run.bronze_key)
                if key in entries and entries[key].size == run.bronze_bytes
            ),
            None,
        )
        if self._now < run.compacted_at + self._grace:
            reason: str | None = _IN_GRACE
        elif entry.size != run.source_bytes:
            reason = _CHANGED
        elif copy is None and not _is_older(self._today, run.business_date, rule.delete_after_days):
            reason = _NO_MONTH
        else:
            reason = cover.missing(run.silver_key)
        if reason:
            self.held.append(Held(rule.name, entry.key, entry.size, reason))
        else:
            self.steps.append(Step(rule.name, DELETE, entry.key, entry.size, run.silver_key, copy))

    def _month_files(
        self,
        rule: Rule,
        entries: Mapping[str, Entry],
        months: Mapping[str, MarketMonth],
        named: Mapping[str, CompactedRun],
        cover: _Cover,
    ) -> None:
        tiers = open_tiers(self._lake)
        now_in = tiers.read() if months else {}
        for key, fields in months.items():
            entry, run = entries[key], named.get(key.removeprefix(ARCHIVE_FOLDER))
            if run is None:
                self.held.append(Held(rule.name, key, entry.size, _KILLED_COMPACTION))
                continue
            last = _last_day(fields.month)
            is_over = _is_older(self._today, last, rule.delete_after_days)
            wanted = ARCHIVE if _is_older(self._today, last, rule.archive_after_days) else COOL
            is_there = now_in.get(key, HOT) in {wanted, ARCHIVE}
            if not is_over and (is_there or tiers.is_asked(key, wanted)):
                continue
            # What is archived can't be read by the models: both ways lead away from them, and need silver.
            reason = cover.missing(run.silver_key) if is_over or wanted == ARCHIVE else None
            if reason:
                self.held.append(Held(rule.name, key, entry.size, reason))
            elif is_over:
                self.steps.append(Step(rule.name, DELETE, key, entry.size, run.silver_key))
            else:
                self.steps.append(Step(rule.name, wanted, key, entry.size))

    def _leftover_silver(self, rule: Rule) -> None:
        for entry in self._lake.find(_SILVER):
            if not isinstance(_parse(entry.key), MarketSilver):
                self.held.append(Held(rule.name, entry.key, entry.size, _FOREIGN))
            elif entry.key not in self.by_silver:
                self.held.append(Held(rule.name, entry.key, entry.size, _KILLED_COMPACTION))


def _parse(key: str) -> Kind | None:
    try:
        return parse(key)
    except LakeKeyError:
        return None


def _last_day(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _is_older(today: date, day: date, days: int | None) -> bool:
    return days is not None and day + timedelta(days=days) < today


def _count(total: list[int], files: int, size: int) -> None:
    total[0] += files
    total[1] += size
