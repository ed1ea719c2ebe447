"""One check: what is wrong now, what of that is news, and who is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from loguru import logger

from gondola.alerts.episodes import Alert, Event, addressed, advance, due, settled, told
from gondola.alerts.facts import PrefectFacts, read_facts
from gondola.alerts.notify import Send, compose
from gondola.alerts.policy import AlertsFile, Channel
from gondola.alerts.rules import judge
from gondola.alerts.state import StateFile
from gondola.errors import DeliveryError
from gondola.sources.stores import Store
from storage.lake import Lake
from storage.layout import make_run_id
from storage.records import AlertRecord, RecordWriter

__all__ = ["CheckReport", "check"]


@dataclass(slots=True)
class CheckReport:
    """What a check came to."""

    checked: bool = True  # False: another check was under way, or took over
    opened: tuple[Alert, ...] = ()
    closed: tuple[Alert, ...] = ()
    open: tuple[Alert, ...] = ()
    sent: dict[str, int] = field(default_factory=dict)  # channel -> alerts in its message
    failed: dict[str, str] = field(default_factory=dict)  # channel -> why it did not take its message
    skipped: dict[str, str] = field(default_factory=dict)  # rule -> why it could not look
    off: dict[str, str] = field(default_factory=dict)  # channel -> why it can't be used


def check(
    lake: Lake,
    policy: AlertsFile,
    stores: Sequence[Store],
    *,
    prefect: PrefectFacts | str,
    on: Collection[str],
    send: Send,
    spool: Path,
    now: datetime,
) -> CheckReport:
    """Look at everything, tell every channel what is news to it, and remember that it was told.

    A message counts as sent when the state that says so is written. A check that is killed in between sends that one
    message again; nothing else is ever sent twice, and nothing is lost.

    Args:
        lake: Where records and the state are.
        policy: The alerts file.
        stores: The stores file's stores.
        prefect: What Prefect's server says, or why it says nothing.
        on: Names of the channels that can be used.
        send: Delivers a message to a channel.
        spool: A local folder for files while they are written.
        now: The present.

    Returns:
        What was opened, closed and sent; with `checked` false when another check is under way, which will do it all.

    Raises:
        LakeUnavailableError: The lake does not answer; the next check finds the same alerts.
        UnknownNameError: A rule names a store that does not exist.
    """
    policy.check_stores([store.id for store in stores])
    file = StateFile.take_turn(lake, now)
    if file is None:
        return CheckReport(checked=False)
    try:
        return _check(file, lake, policy, stores, prefect=prefect, on=on, send=send, spool=spool, now=now)
    except Exception:
        with suppress(Exception):  # the next check need not wait for the turn to run out
            file.put(file.state.model_copy(update={"turn_until": None}))
        raise


def _check(
    file: StateFile,
    lake: Lake,
    policy: AlertsFile,
    stores: Sequence[Store],
    *,
    prefect: PrefectFacts | str,
    on: Collection[str],
    send: Send,
    spool: Path,
    now: datetime,
) -> CheckReport:
    state = file.state
    facts = read_facts(lake, stores, now=now, known_since=state.known_since, prefect=prefect)
    verdicts = judge(facts, policy.rules)
    policies = policy.rules.by_name()
    report = CheckReport(skipped={name: v.skipped for name, v in verdicts.items() if v.skipped})
    state = state.model_copy(
        update={
            "alerts": advance(state.alerts, verdicts, policy.rules, now),
            "known_since": {place.scope: state.known_since.get(place.scope, now) for place in facts.regions},
            "failing": {},
        }
    )
    channels = [channel for channel in policy.channels if channel.name in on]
    heard = {c.name: frozenset(rule for rule in policies if c in policy.channels_of(rule)) for c in channels}
    for name, rules in heard.items():
        state = state.model_copy(update={"alerts": addressed(state.alerts, name, rules)})
    report.opened = tuple(alert for alert in state.alerts if alert.is_open and alert.opened_at == now)
    report.closed = tuple(alert for alert in state.alerts if alert.closed_at == now)
    for channel in channels:
        rules = heard[channel.name]
        events = due(state.alerts, channel.name, rules, policies, now)
        if not events:
            continue
        still_open = sum(alert.is_open and alert.rule in rules for alert in state.alerts)
        try:
            send(channel, compose(events, still_open=still_open, now=now))
        except DeliveryError as error:
            logger.error("{}; it is tried again at the next check", error)
            report.failed[channel.name] = str(error)
            continue
        state = state.model_copy(update={"alerts": told(state.alerts, channel.name, events, now)})
        _record(lake, file.number + 1, channel, events, spool=spool, now=now)
        if not file.put(state):
            return _overtaken(report)
        report.sent[channel.name] = len(events)
    alerts = settled(state.alerts, [channel.name for channel in policy.channels], on, now)
    last = {"alerts": alerts, "failing": report.failed, "turn_until": None, "checked_at": now}
    report.open = tuple(alert for alert in alerts if alert.is_open)
    return report if file.put(state.model_copy(update=last)) else _overtaken(report)


def _overtaken(report: CheckReport) -> CheckReport:
    logger.warning("this check took so long that another one took over; it goes on from here")
    report.checked = False
    return report


def _record(
    lake: Lake, number: int, channel: Channel, events: Sequence[tuple[Event, Alert]], *, spool: Path, now: datetime
) -> None:
    # Named after the state that it comes just before, so that two messages of one second do not meet.
    run_id = make_run_id("alerts", str(number), started_at=now)
    fields = ("rule", "subject", "since", "opened_at", "closed_at", "what", "todo", "link")
    with RecordWriter(lake, "alerts", run_id, spool) as records:
        for event, alert in events:
            values = {name: getattr(alert, name) for name in fields}
            records.add(
                AlertRecord(
                    sent_at=now, channel=channel.name, event=event.value, severity=alert.severity.value, **values
                )
            )
        records.commit()
