"""One message for all that a channel has to be told at once: text for people, a list for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gondola.alerts.episodes import Alert, Event
from gondola.alerts.policy import Channel

__all__ = ["Message", "Send", "compose", "duration", "trial_message"]

_ZONE = ZoneInfo("America/Sao_Paulo")
_MOST_ALERTS = 20  # of one kind in one message
_HEADS = {Event.OPENED: "OPENED", Event.REMINDER: "STILL OPEN", Event.CLOSED: "OVER"}
_WORDS = {Event.OPENED: "opened", Event.REMINDER: "still open", Event.CLOSED: "over"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is sent."""

    subject: str
    body: str
    severity: str  # critical, warning or info
    alerts: tuple[dict[str, Any], ...]  # JSON types; one for each alert in the message
    all_over: bool  # nothing that this channel hears of is open any more
    test: bool = False


Send = Callable[[Channel, Message], None]
"""Delivers a message to a channel, or raises `DeliveryError`."""


def compose(events: Sequence[tuple[Event, Alert]], *, still_open: int, now: datetime) -> Message:
    """Bring events together in one message.

    Args:
        events: What the channel has to be told; one at least.
        still_open: Alerts of this channel that are open after them.
        now: The present.
    """
    ordered = sorted(events, key=lambda event: (event[1].severity, event[1].rule, event[1].subject, event[1].opened_at))
    sections = {kind: [alert for event, alert in ordered if event is kind] for kind in Event}
    worst = [alert.severity for kind in (Event.OPENED, Event.REMINDER) for alert in sections[kind]]
    body = "\n\n".join(_section(kind, alerts, now) for kind, alerts in sections.items() if alerts)
    body += f"\n\n{still_open or 'No'} alert{'s' * (still_open != 1)} open. All of them: gondola alerts list"
    return Message(
        subject=_subject(sections),
        body=body,
        severity=min(worst, default="info"),  # "critical" comes before "warning", and that before nothing
        alerts=tuple(_document(event, alert) for event, alert in ordered),
        all_over=still_open == 0,
    )


def trial_message(channel: str, now: datetime) -> Message:
    """A message that says it is none.

    Args:
        channel: The channel it goes to.
        now: The present.
    """
    body = (
        f"TEST. This is a test of the channel {channel!r}, sent at {_moment(now)} by: gondola alerts test\n"
        "Nothing is wrong, and there is nothing to do."
    )
    return Message("Gondola: TEST of alerts", body, "info", (), all_over=False, test=True)


def duration(length: timedelta) -> str:
    """A length of time as people say it."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def _subject(sections: dict[Event, list[Alert]]) -> str:
    alerts = [alert for of_kind in sections.values() for alert in of_kind]
    counts = ", ".join(f"{len(of_kind)} {_WORDS[kind]}" for kind, of_kind in sections.items() if of_kind)
    if len(alerts) == 1:
        return f"Gondola: {counts.partition(' ')[2]}: {alerts[0].rule} {alerts[0].subject}"
    rules = ", ".join(dict.fromkeys(alert.rule for alert in alerts))
    return f"Gondola: {counts} ({rules})"


def _section(kind: Event, alerts: Sequence[Alert], now: datetime) -> str:
    lines = [_HEADS[kind]]
    rule = None
    for alert in alerts[:_MOST_ALERTS]:
        if kind is not Event.CLOSED and alert.rule != rule:
            # What to do is the same for all alerts of a rule, so it is said once.
            lines.append(f"[{alert.severity}] {alert.rule}. What to do: {alert.todo}")
            rule = alert.rule
        lines += _over(alert) if kind is Event.CLOSED else _wrong(alert, now)
    if len(alerts) > _MOST_ALERTS:
        lines.append(f"- and {len(alerts) - _MOST_ALERTS} more")
    return "\n".join(lines)


def _wrong(alert: Alert, now: datetime) -> list[str]:
    lines = [f"- {alert.what}", f"  since {_moment(alert.since)} ({duration(now - alert.since)})"]
    return [*lines, f"  {alert.link}"] if alert.link else lines


def _over(alert: Alert) -> list[str]:
    closed_at = alert.closed_at or alert.opened_at
    return [
        f"- {alert.rule} {alert.subject}: {alert.closed_as}, after {duration(closed_at - alert.since)}",
        f"  it was: {alert.what}",
    ]


def _moment(moment: datetime) -> str:
    # Whoever acts on it looks at a clock of the stores' zone; the offset makes it one moment for everybody.
    return f"{moment.astimezone(_ZONE):%Y-%m-%d %H:%M %Z}"


def _document(event: Event, alert: Alert) -> dict[str, Any]:
    fields = {"rule", "subject", "severity", "since", "opened_at", "closed_at", "closed_as", "what", "todo", "link"}
    return {"event": event.value} | alert.model_dump(mode="json", include=fields)
