"""Where alerts go: Prefect notification blocks, made from the alerts file and the variables it names.

Slack, Discord, Teams, PagerDuty and any webhook are Prefect's Custom Webhook block in the form each of them reads.
Prefect's blocks of those names can't be pointed at a test receiver, and its PagerDuty block opens incidents only.
"""

from __future__ import annotations

import logging
import os
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import get_current_settings
from prefect.types import SecretDict

from gondola.alerts.notify import Message, Send
from gondola.alerts.policy import AlertsFile, Channel, ChannelKind
from gondola.errors import ConfigurationError, DeliveryError
from tasks.email import SmtpEmail

__all__ = ["Block", "Channels", "block_name", "make_block", "open_channels"]

Block = CustomWebhookNotificationBlock | SmtpEmail

_SECONDS = 10
_LONGEST = {ChannelKind.SLACK: 39_000, ChannelKind.DISCORD: 1_990, ChannelKind.TEAMS: 20_000}
_LONGEST_SUBJECT = 200
# A value that is one placeholder is replaced as a whole. Text around a placeholder would be searched for others again,
# and dbt's messages are full of braces.
_FORMS: dict[ChannelKind, dict[str, Any]] = {
    ChannelKind.SLACK: {"text": "{{body}}"},
    ChannelKind.DISCORD: {"content": "{{body}}"},
    ChannelKind.TEAMS: {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {"type": "TextBlock", "text": "{{subject}}", "weight": "Bolder", "wrap": True},
                        {"type": "TextBlock", "text": "{{body}}", "wrap": True},
                    ],
                },
            }
        ],
    },
    ChannelKind.PAGERDUTY: {
        "routing_key": "{{address}}",
        "event_action": "{{action}}",
        "dedup_key": "{{incident}}",
        "payload": {
            "summary": "{{subject}}",
            "severity": "{{severity}}",
            "source": "gondola",
            "custom_details": {"text": "{{body}}", "alerts": "{{alerts}}"},
        },
    },
    ChannelKind.WEBHOOK: {
        "source": "gondola",
        "subject": "{{subject}}",
        "text": "{{body}}",
        "severity": "{{severity}}",
        "test": "{{test}}",
        "alerts": "{{alerts}}",
    },
}


class Channels:
    """The channels that can be used now, and why the others can't."""

    def __init__(self, blocks: Mapping[str, Block], off: Mapping[str, str]) -> None:
        """Use `open_channels`."""
        self._blocks = blocks
        self.off = dict(off)

    @property
    def on(self) -> frozenset[str]:
        """Names of those that can be used."""
        return frozenset(self._blocks)

    @property
    def send(self) -> Send:
        """What delivers a message."""
        return lambda channel, message: _deliver(channel, self._blocks[channel.name], message)


def open_channels(policy: AlertsFile) -> Channels:
    """Make every channel whose address is known.

    An address comes from the variable that the file names or, where that is unset, from the block that
    `save_channels` left on the Prefect server.

    Args:
        policy: The alerts file.
    """
    blocks: dict[str, Block] = {}
    off: dict[str, str] = {}
    for channel in policy.channels:
        try:
            block = make_block(channel) or _saved(channel)
        except ConfigurationError as error:
            off[channel.name] = str(error)
            continue
        if block is None:
            off[channel.name] = f"{channel.variable} is not set"
        else:
            blocks[channel.name] = block
    return Channels(blocks, off)


def block_name(channel: Channel) -> str:
    """The name of a channel's block on the server."""
    return f"gondola-{channel.name}"


def make_block(channel: Channel, environment: Mapping[str, str] | None = None) -> Block | None:
    """The block of a channel.

    Args:
        channel: The channel.
        environment: Holds the variables; the process's own by default.

    Returns:
        The block, or None where the channel's variable is not set.

    Raises:
        ConfigurationError: The address can't be used, or a header's variable is not set.
    """
    environment = os.environ if environment is None else environment
    address = environment.get(channel.variable, "").strip()
    if not address:
        return None
    secrets: dict[str, Any] = {"address": address}
    for header, variable in channel.header_variables.items():
        if not environment.get(variable):
            message = f"{variable}, which holds header {header}, is not set"
            raise ConfigurationError(message)
        secrets[_header_key(header)] = environment[variable]
    return _make(channel, secrets)


def _make(channel: Channel, secrets: Mapping[str, Any]) -> Block:
    if channel.kind is ChannelKind.EMAIL:
        return SmtpEmail.checked(secrets["address"], variable=channel.variable)
    # The address itself is a value that the block fills in, as only its values are secret.
    at_address = "{{address}}" if channel.kind is not ChannelKind.PAGERDUTY else channel.endpoint
    if at_address != channel.endpoint and not str(secrets["address"]).startswith(("https://", "http://")):
        message = f"{channel.variable} must hold an address such as https://…"
        raise ConfigurationError(message)
    nothing = {"alerts": [], "severity": "info", "action": "trigger", "incident": f"gondola-{channel.name}"}
    return CustomWebhookNotificationBlock(
        name=block_name(channel),
        url=at_address,
        json_data=_FORMS[channel.kind],
        headers={header: "{{" + _header_key(header) + "}}" for header in channel.header_variables},
        timeout=_SECONDS,
        secrets=SecretDict(nothing | {"test": False} | dict(secrets)),
    )


def _saved(channel: Channel) -> Block | None:
    """The channel with the secrets of its block on the server, if there is a server and a block."""
    if not get_current_settings().api.url:
        return None
    kind: Any = SmtpEmail if channel.kind is ChannelKind.EMAIL else CustomWebhookNotificationBlock
    try:
        block: Block = kind.load(block_name(channel), _sync=True)
    except ValueError:
        return None  # nobody saved it
    except httpx.HTTPError as error:
        message = f"{channel.variable} is not set, and the Prefect server does not answer ({type(error).__name__})"
        raise ConfigurationError(message) from None
    if isinstance(block, SmtpEmail):
        return block
    # Only its secrets: the form is this version's own.
    return _make(channel, block.secrets.get_secret_value())


def _deliver(channel: Channel, block: Block, message: Message) -> None:
    body = f"{message.subject}\n\n{message.body}" if channel.kind in {ChannelKind.SLACK, ChannelKind.DISCORD} else ""
    body = _cut(body or message.body, _LONGEST.get(channel.kind))
    if channel.kind is ChannelKind.SLACK:  # in its texts these three begin links and mentions
        body = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    subject = _cut(message.subject, _LONGEST_SUBJECT)
    try:
        with _no_addresses_in_logs():
            if isinstance(block, SmtpEmail):
                block.send(body, subject, timeout_seconds=_SECONDS)
                return
            values = {
                "alerts": list(message.alerts),
                "severity": message.severity,
                "test": message.test,
                # One incident for as long as anything is open: it is resolved by the message that ends it.
                "action": "resolve" if message.all_over else "trigger",
                "incident": f"gondola-{channel.name}" + ("-test" if message.test else ""),
            }
            block.secrets = SecretDict(block.secrets.get_secret_value() | values)
            block.notify(body, subject, _sync=True)  # type: ignore[call-arg]
    except Exception as error:  # noqa: BLE001 - whatever a channel does, the others are told
        # Nothing of the client's own message: it shows addresses, and addresses are the secrets.
        reason = f"channel {channel.name} ({channel.kind.value}) did not take the message: {_reason(error)}"
        message_text = f"{reason}; check {channel.variable}, then: gondola alerts test --channel {channel.name}"
        raise DeliveryError(message_text) from None


def _reason(error: Exception) -> str:
    if isinstance(error, DeliveryError):
        return str(error)
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answered {error.response.status_code}"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"no answer in {_SECONDS} s"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def _header_key(header: str) -> str:
    return "header_" + "".join(c if c.isalnum() else "_" for c in header.lower())


@contextmanager
def _no_addresses_in_logs() -> Iterator[None]:
    """Silence the HTTP client: it logs the address of every request."""
    names = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
