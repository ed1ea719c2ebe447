"""Channels against real receivers: the form each service reads, failures that are said, secrets that are not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from prefect.blocks.notifications import CustomWebhookNotificationBlock

from deployments.channels import save_channels
from gondola.alerts.episodes import Alert, Event
from gondola.alerts.notify import Message, compose, trial_message
from gondola.alerts.policy import AlertsFile, Severity, load_alerts
from gondola.errors import ConfigurationError, DeliveryError
from gondola.settings import Settings
from tasks.channels import Channels, open_channels
from tests.alerts.makers import HOUR, NOW
from tests.platform import Platform
from tests.receivers import Inbox, Mailbox, receive_mail, receive_webhooks

MARKER = "S3CR3T-marker"
ALERT = Alert(
    rule="build_failed",
    subject="systems=market",
    severity=Severity.CRITICAL,
    since=NOW,
    opened_at=NOW,
    # dbt's messages hold braces, shelves hold ampersands and accents, and somebody may plant a placeholder.
    what="Açaí & <pão>: {{ ref('x') }} {{address}} {{ nothing }}",
    todo="gondola transform",
    link="http://ui/runs/flow-run/1",
)
OPENED = compose([(Event.OPENED, ALERT)], still_open=1, now=NOW + HOUR)
OVER = compose(
    [(Event.CLOSED, ALERT.model_copy(update={"closed_at": NOW + HOUR, "closed_as": "recovered"}))],
    still_open=0,
    now=NOW + HOUR,
)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receive_webhooks() as receiver:
        yield receiver


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receive_mail() as receiver:
        yield receiver


def file_of(kind: str, **more: Any) -> AlertsFile:
    return AlertsFile.model_validate({"channels": [{"name": "one", "kind": kind, "variable": "ONE", **more}]})


def send(policy: AlertsFile, message: Message = OPENED) -> None:
    channels = open_channels(policy)
    assert channels.off == {}
    channels.send(policy.channels[0], message)


@pytest.mark.parametrize("kind", ["slack", "discord", "teams", "webhook"])
def test_the_form_each_service_reads(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("ONE", f"{inbox.address}/services/{MARKER}")
    send(file_of(kind))
    (body,) = inbox.messages
    assert inbox.paths == [f"/services/{MARKER}"]
    assert MARKER not in json.dumps(body), "a planted placeholder is not filled in"
    if kind == "slack":
        assert body == {"text": body["text"]}
        assert "Açaí &amp; &lt;pão&gt;: {{ ref('x') }} {{address}} {{ nothing }}" in body["text"]
        assert body["text"].startswith("Gondola: opened: build_failed systems=market\n\n")
    elif kind == "discord":
        assert ALERT.what in body["content"]
    elif kind == "teams":
        (card,) = body["attachments"]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert [block["text"] for block in card["content"]["body"]] == [OPENED.subject, OPENED.body]
    else:
        assert (body["subject"], body["text"], body["severity"]) == (OPENED.subject, OPENED.body, "critical")
        assert body["test"] is False
        assert body["alerts"] == [
            {
                "event": "opened",
                "rule": "build_failed",
                "subject": "systems=market",
                "severity": "critical",
                "since": "2026-02-20T12:00:00Z",
                "opened_at": "2026-02-20T12:00:00Z",
                "closed_at": None,
                "closed_as": None,
                "what": ALERT.what,
                "todo": ALERT.todo,
                "link": ALERT.link,
            }
        ]


def test_a_message_a_person_can_act_on() -> None:
    assert OPENED.body == (
        "OPENED\n"
        "[critical] build_failed. What to do: gondola transform\n"
        "- Açaí & <pão>: {{ ref('x') }} {{address}} {{ nothing }}\n"
        "  since 2026-02-20 09:00 -03 (60 min)\n"
        "  http://ui/runs/flow-run/1\n\n"
        "1 alert open. All of them: gondola alerts list"
    )
    assert OVER.body.startswith("OVER\n- build_failed systems=market: recovered, after 60 min\n  it was: Açaí")
    assert OVER.subject == "Gondola: over: build_failed systems=market"


def test_discord_takes_2000_characters(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", inbox.address)
    send(file_of("discord"), Message("s" * 300, "b" * 5000, "info", (), all_over=False))
    assert len(inbox.messages[0]["content"]) <= 2000


def test_pagerduty_opens_one_incident_and_resolves_it(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", MARKER)
    policy = file_of("pagerduty", endpoint=f"{inbox.address}/v2/enqueue")
    for message in (OPENED, OVER, trial_message("one", NOW)):
        send(policy, message)
    opened, over, trial = inbox.messages
    assert inbox.paths == ["/v2/enqueue"] * 3
    assert {body["routing_key"] for body in inbox.messages} == {MARKER}
    assert (opened["event_action"], over["event_action"], trial["event_action"]) == ("trigger", "resolve", "trigger")
    assert opened["dedup_key"] == over["dedup_key"] != trial["dedup_key"]
    assert opened["payload"] == {
        "summary": OPENED.subject,
        "severity": "critical",
        "source": "gondola",
        "custom_details": {"text": OPENED.body, "alerts": list(OPENED.alerts)},
    }
    assert over["payload"]["severity"] == "info"


def test_a_webhook_with_a_secret_header(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = file_of("webhook", header_variables={"Authorization": "TOKEN"})
    monkeypatch.setenv("ONE", inbox.address)
    assert open_channels(policy).off == {"one": "TOKEN, which holds header Authorization, is not set"}
    monkeypatch.setenv("TOKEN", f"Bearer {MARKER}")
    send(policy)
    assert inbox.headers[0]["Authorization"] == f"Bearer {MARKER}"


def test_mail_over_smtp(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    to = "ops+alerts@example.com,boss@example.com"
    monkeypatch.setenv("ONE", f"smtp://me%40x:pa%3Ass@127.0.0.1:{mailbox.port}?from=gondola@example.com&to={to}")
    send(file_of("email"))
    (mail,) = mailbox.mails
    assert mailbox.logins == [("me@x", "pa:ss")]
    assert mailbox.recipients == [["ops+alerts@example.com", "boss@example.com"]]
    assert (mail["Subject"], mail["From"]) == (OPENED.subject, "gondola@example.com")
    assert mail.get_content().splitlines() == OPENED.body.splitlines()


def test_a_password_is_not_sent_in_clear_to_another_machine(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.email._is_loopback", lambda _host: False)
    monkeypatch.setenv("ONE", f"smtp://me:{MARKER}@127.0.0.1:{mailbox.port}?from=a@b.c&to=d@e.f")
    with pytest.raises(DeliveryError, match="no TLS"):
        send(file_of("email"))
    assert mailbox.logins == []


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("slack", f"hooks.slack.com/{MARKER}"),
        ("email", f"smtp://me:{MARKER}@host?from=a@b.c"),
        ("email", f"smtp://me:{MARKER}@host:nonsense?from=a@b.c&to=d@e.f"),
        ("email", f"https://{MARKER}"),
    ],
)
def test_an_address_that_cannot_be_used_is_off_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, kind: str, address: str
) -> None:
    monkeypatch.setenv("ONE", address)
    (reason,) = open_channels(file_of(kind)).off.values()
    assert "ONE must" in reason
    assert MARKER not in reason


def test_no_secret_is_shown_anywhere(
    inbox: Inbox,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines: list[str] = []
    handler = logger.add(lines.append, level="TRACE", diagnose=True, backtrace=False)
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "prefect", "smtplib"):
        caplog.set_level(logging.DEBUG, logger=name)
    failures: list[BaseException] = []

    def try_to(policy: AlertsFile) -> None:
        channels = open_channels(policy)
        logger.info("channels {} {}", channels.on, vars(channels))
        try:
            channels.send(policy.channels[0], OPENED)
        except DeliveryError as error:
            logger.exception("not sent")
            failures.append(error)

    try:
        monkeypatch.setenv("ONE", f"{inbox.address}/{MARKER}")
        monkeypatch.setenv("TOKEN", MARKER)
        hook = file_of("webhook", header_variables={"X-Token": "TOKEN"})
        try_to(hook)
        inbox.status = 500
        try_to(hook)
        inbox.status = 302
        try_to(hook)
        for address in (f"http://127.0.0.1:1/{MARKER}", f"http://{MARKER}.invalid/", f"https://a:{MARKER}/"):
            monkeypatch.setenv("ONE", address)
            try_to(hook)
        monkeypatch.setenv("ONE", MARKER)
        try_to(file_of("pagerduty", endpoint="http://127.0.0.1:1/"))
        mailbox.refuse = f"554 {MARKER} is spam"
        monkeypatch.setenv("ONE", f"smtp://{MARKER}:{MARKER}@127.0.0.1:{mailbox.port}?from=a@b.c&to=d@e.f")
        try_to(file_of("email"))
        monkeypatch.setenv("ONE", f"smtp://{MARKER}:{MARKER}@127.0.0.1:1?from=a@b.c&to=d@e.f")
        try_to(file_of("email"))
    finally:
        logger.remove(handler)
    assert len(inbox.messages) == 1
    assert [str(error).partition(";")[0] for error in failures] == [
        "channel one (webhook) did not take the message: it answered 500",
        "channel one (webhook) did not take the message: it answered 302",
        "channel one (webhook) did not take the message: ConnectError",
        "channel one (webhook) did not take the message: ConnectError",
        "channel one (webhook) did not take the message: InvalidURL",
        "channel one (pagerduty) did not take the message: ConnectError",
        "channel one (email) did not take the message: SMTPDataError 554",
        "channel one (email) did not take the message: ConnectionRefusedError",
    ]
    captured = capfd.readouterr()
    # The receivers, too, log in this process; what they took is theirs to show.
    logged = [record.getMessage() for record in caplog.records if record.name not in {"aiohttp.access", "mail.log"}]
    shown = "\n".join([*lines, *logged, captured.out, captured.err, *map(repr, failures)])
    assert "not sent" in shown
    assert MARKER not in shown


def test_channels_are_kept_as_blocks_on_the_server(
    platform: Platform, inbox: Inbox, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(
        "channels:\n"
        "  - {name: hook, kind: webhook, variable: HOOK, header_variables: {X-Token: TOKEN}}\n"
        "  - {name: mail, kind: email, variable: MAIL}\n"
        "  - {name: chat, kind: slack, variable: CHAT}\n"
    )
    settings = Settings.load(alerts_file=path)
    mail = f"smtp://u:{MARKER}@127.0.0.1:{mailbox.port}?from=a@b.c&to=d@e.f"
    here = {"HOOK": f"{inbox.address}/old", "TOKEN": MARKER, "MAIL": mail}
    save_channels(settings, environment=here)
    done = save_channels(settings, environment=here | {"HOOK": f"{inbox.address}/new"})
    assert (done.saved, done.off) == ({"hook": "gondola-hook", "mail": "gondola-mail"}, {"chat": "CHAT is not set"})

    # A worker knows none of the variables.
    policy = load_alerts(path)
    channels = open_channels(policy)
    assert (channels.on, channels.off) == ({"hook", "mail"}, {"chat": "CHAT is not set"})
    for channel in policy.channels[:2]:
        channels.send(channel, OPENED)
    assert (inbox.paths, inbox.headers[0]["X-Token"]) == (["/new"], MARKER)
    assert len(mailbox.mails) == 1

    # The block is one that automations can use, and shows its secrets to nobody.
    saved: Any = CustomWebhookNotificationBlock.load("gondola-hook", _sync=True)  # type: ignore[call-arg]
    saved.notify("by an automation", "subject", _sync=True)
    assert (inbox.messages[-1]["text"], inbox.messages[-1]["alerts"]) == ("by an automation", [])
    assert MARKER not in repr(saved)

    # What is set here wins over what the server keeps.
    monkeypatch.setenv("HOOK", f"{inbox.address}/here")
    monkeypatch.setenv("TOKEN", "t")
    open_channels(policy).send(policy.channels[0], OPENED)
    assert inbox.paths[-1] == "/here"


def test_a_block_is_not_made_of_an_address_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("channels: [{name: a, kind: teams, variable: A}]")
    with pytest.raises(ConfigurationError, match="A must hold an address"):
        save_channels(Settings.load(alerts_file=tmp_path / "a.yaml"), environment={"A": MARKER})


def test_nothing_is_on_where_nothing_is_set() -> None:
    channels: Channels = open_channels(file_of("slack"))
    assert (channels.on, channels.off) == (frozenset(), {"one": "ONE is not set"})
