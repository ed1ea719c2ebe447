"""Open alerts over time: what opens, what closes, and what each channel has still to be told.

Pure functions of the state before, the rules' verdicts and the present. An alert is one episode of (rule, subject).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from gondola.alerts.policy import Rule, Rules, Severity
from gondola.alerts.rules import Finding, Verdict

__all__ = ["Alert", "Event", "Said", "addressed", "advance", "due", "settled", "told"]

_OFF_FOR_A_WHILE = timedelta(days=7)


class Event(StrEnum):
    """What a message says of an alert."""

    OPENED = "opened"
    REMINDER = "reminder"
    CLOSED = "closed"


class Said(BaseModel):
    """What one channel was told of an alert, and when."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    opened: AwareDatetime | None = None
    reminded: AwareDatetime | None = None
    closed: AwareDatetime | None = None


class Alert(BaseModel):
    """One episode in which something was wrong."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    rule: str
    subject: str
    severity: Severity
    since: AwareDatetime  # when it became wrong
    opened_at: AwareDatetime  # when a check saw it first
    well_since: AwareDatetime | None = None  # seen well, but not for long enough yet
    closed_at: AwareDatetime | None = None
    closed_as: str | None = None  # "recovered" or "no longer watched"
    what: str
    todo: str
    link: str | None = None
    channels: dict[str, Said] = {}  # every channel that was on while it was open

    @property
    def is_open(self) -> bool:
        """Whether the episode goes on."""
        return self.closed_at is None


def advance(
    alerts: Collection[Alert], verdicts: Mapping[str, Verdict], rules: Rules, now: datetime
) -> tuple[Alert, ...]:
    """The alerts after a check: new ones opened, those that are over closed, the others with their present text.

    Args:
        alerts: Those before.
        verdicts: What each rule says.
        rules: The rules, which say how long a subject must be well.
        now: The present.
    """
    policies = rules.by_name()
    findings = {(f.rule, f.subject): f for verdict in verdicts.values() for f in verdict.findings}
    result: list[Alert] = []
    for alert in alerts:
        if not alert.is_open:
            result.append(alert)
        elif finding := findings.pop((alert.rule, alert.subject), None):
            result.append(_goes_on(alert, finding))
        else:
            result.append(_maybe_over(alert, verdicts.get(alert.rule), policies.get(alert.rule), now))
    result += [Alert(**_fields(finding), since=finding.since, opened_at=now) for finding in findings.values()]
    return tuple(result)


def due(
    alerts: Collection[Alert], channel: str, rules: Collection[str], policies: Mapping[str, Rule], now: datetime
) -> list[tuple[Event, Alert]]:
    """What a channel has to be told now.

    Args:
        alerts: The alerts after `advance`.
        channel: A channel that is on.
        rules: The rules whose alerts go to it.
        policies: The rules by name, which say when a reminder is due.
        now: The present.
    """
    events: list[tuple[Event, Alert]] = []
    reminders: list[tuple[timedelta, timedelta, Alert]] = []
    for alert in alerts:
        said = alert.channels.get(channel)
        if alert.rule in rules and alert.is_open:
            if said is None or said.opened is None:
                events.append((Event.OPENED, alert))
            elif (after := policies[alert.rule].remind_after) is not None:
                reminders.append((now - (said.reminded or said.opened), after, alert))
        elif said is not None and not alert.is_open:
            # A channel that was out of reach for a whole episode is told both, in one message.
            events += [(Event.OPENED, alert)] if said.opened is None else []
            events += [(Event.CLOSED, alert)] if said.closed is None else []
    if any(age >= after for age, after, _ in reminders):
        # Those that would follow within half their time come along, so that reminders do not trickle in.
        events += [(Event.REMINDER, alert) for age, after, alert in reminders if age * 2 >= after]
    return events


def told(
    alerts: Collection[Alert], channel: str, events: Collection[tuple[Event, Alert]], now: datetime
) -> tuple[Alert, ...]:
    """The alerts after a channel took a message with these events."""
    fields = {Event.OPENED: "opened", Event.REMINDER: "reminded", Event.CLOSED: "closed"}
    said: dict[tuple[str, str, datetime], dict[str, datetime]] = {}
    for event, alert in events:
        said.setdefault((alert.rule, alert.subject, alert.opened_at), {})[fields[event]] = now
    return tuple(
        _with_said(alert, channel, update)
        if (update := said.get((alert.rule, alert.subject, alert.opened_at)))
        else alert
        for alert in alerts
    )


def addressed(alerts: Collection[Alert], channel: str, rules: Collection[str]) -> tuple[Alert, ...]:
    """The alerts with a channel that is on noted in those which it has to hear of, come what may."""
    return tuple(_with_said(alert, channel, {}) if alert.is_open and alert.rule in rules else alert for alert in alerts)


def settled(
    alerts: Collection[Alert], declared: Collection[str], on: Collection[str], now: datetime
) -> tuple[Alert, ...]:
    """The alerts without those that are over and of which nobody has to be told any more.

    Args:
        alerts: The alerts after everybody that could be reached was told.
        declared: Every channel of the alerts file.
        on: Those that could be used; one that is off here may be on where another check runs, for a week.
        now: The present.
    """
    return tuple(alert for alert in alerts if alert.closed_at is None or _waits(alert, declared, on, now))


def _waits(alert: Alert, declared: Collection[str], on: Collection[str], now: datetime) -> bool:
    assert alert.closed_at is not None  # noqa: S101 - asked of alerts that are over
    untold = [name for name, said in alert.channels.items() if said.closed is None and name in declared]
    return any(name in on for name in untold) or (bool(untold) and now - alert.closed_at <= _OFF_FOR_A_WHILE)


def _with_said(alert: Alert, channel: str, update: Mapping[str, datetime]) -> Alert:
    said = alert.channels.get(channel, Said()).model_copy(update=dict(update))
    return alert.model_copy(update={"channels": alert.channels | {channel: said}})


def _goes_on(alert: Alert, finding: Finding) -> Alert:
    since = min(alert.since, finding.since)
    return alert.model_copy(update=_fields(finding) | {"since": since, "well_since": None})


def _maybe_over(alert: Alert, verdict: Verdict | None, policy: Rule | None, now: datetime) -> Alert:
    if verdict is None or policy is None or (verdict.watched is not None and alert.subject not in verdict.watched):
        return alert.model_copy(update={"closed_at": now, "closed_as": "no longer watched"})
    if alert.subject not in verdict.well:
        return alert  # the rule can't tell: silence is no recovery
    well_since = alert.well_since or now
    if now - well_since < timedelta(minutes=policy.settle_minutes):
        return alert.model_copy(update={"well_since": well_since})
    return alert.model_copy(update={"closed_at": now, "closed_as": "recovered"})


def _fields(finding: Finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in ("rule", "subject", "severity", "what", "todo", "link")}
