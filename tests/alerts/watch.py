"""A watch for tests: checks at chosen moments, with channels in memory that can be out of reach."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gondola.alerts.check import CheckReport, check
from gondola.alerts.facts import FlowRun, PrefectFacts
from gondola.alerts.notify import Message
from gondola.alerts.policy import AlertsFile, Channel
from gondola.errors import DeliveryError
from gondola.sources.stores import Store
from storage.lake import Lake

CHANNELS = [{"name": name, "kind": "webhook", "variable": name.upper()} for name in ("a", "b")]


def alerts_file(**rules: Any) -> AlertsFile:
    """A file with two channels, and no reminders where nothing else is said."""
    quiet = {name: {"remind_hours": 0} | rules.pop(name, {}) for name in ("run_failed", "stale_store")}
    return AlertsFile.model_validate({"channels": CHANNELS, "rules": quiet | rules})


def prefect_of(now: datetime, **states: str) -> PrefectFacts:
    """Deployments by name, each with the state of its last run."""
    runs = [FlowRun(run_id=name, deployment=name, state=s, due_at=now, ended_at=now) for name, s in states.items()]
    return PrefectFacts(frozenset(states), tuple(runs), ())


@dataclass
class Watch:
    """Everything a check needs, and what came of it."""

    spool: Path
    lake: Lake = field(default_factory=lambda: Lake.open(f"memory://{uuid.uuid4().hex}"))
    policy: AlertsFile = field(default_factory=alerts_file)
    stores: Sequence[Store] = ()
    on: Collection[str] = ("a", "b")
    down: set[str] = field(default_factory=set)
    after_sending: Callable[[], None] = lambda: None
    sent: list[tuple[str, Message]] = field(default_factory=list)

    def send(self, channel: Channel, message: Message) -> None:
        if channel.name in self.down:
            raise DeliveryError(f"channel {channel.name} is down")
        self.sent.append((channel.name, message))
        self.after_sending()

    def check(self, now: datetime, prefect: PrefectFacts | str = "no server") -> CheckReport:
        return check(
            self.lake,
            self.policy,
            self.stores,
            prefect=prefect,
            on=self.on,
            send=self.send,
            spool=self.spool,
            now=now,
        )

    def events(self, channel: str) -> list[tuple[str, str]]:
        """(event, subject) of every alert a channel was told of, in order."""
        return [(i["event"], i["subject"]) for name, m in self.sent if name == channel for i in m.alerts]

    def take(self) -> list[tuple[str, Message]]:
        """What was sent since the last call."""
        taken, self.sent = self.sent, []
        return taken
