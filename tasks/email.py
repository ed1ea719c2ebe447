"""E-mail over SMTP as a Prefect notification block; Prefect itself brings one for SendGrid only."""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from prefect.blocks.abstract import NotificationBlock
from pydantic import Field, SecretStr

from gondola.errors import ConfigurationError, DeliveryError

__all__ = ["SmtpEmail"]

_PORTS = {"smtp": 587, "smtps": 465}
_FORM = "smtps://user:password@host:465?from=gondola@example.com&to=a@example.com,b@example.com"


class SmtpEmail(NotificationBlock):
    """Sends e-mail through an SMTP server."""

    _block_type_name = "Gondola SMTP e-mail"
    _block_type_slug = "gondola-smtp-email"

    url: SecretStr = Field(title="SMTP address", description=f"Server, account, sender and recipients: {_FORM}")

    @classmethod
    def checked(cls, url: str, *, variable: str) -> Self:
        """A block for an address that can be used.

        Args:
            url: The address, as `smtps://` (TLS) or `smtp://` (TLS by STARTTLS where the server offers it).
            variable: Where it came from, for the message.

        Raises:
            ConfigurationError: It can't be used. The message does not show it, as it holds a password.
        """
        try:
            parts = urlsplit(url)
            usable = parts.scheme in _PORTS and parts.port != 0 and bool(parts.hostname)
            usable = usable and bool(_option(parts, "from") and _option(parts, "to"))
        except ValueError:
            usable = False
        if not usable:
            message = f"{variable} must look like {_FORM} (special characters as %XX)"
            raise ConfigurationError(message)
        return cls(url=SecretStr(url))

    def send(self, body: str, subject: str | None = None, *, timeout_seconds: float = 10) -> None:
        """Send one e-mail to all recipients.

        Raises:
            DeliveryError: The server offers no TLS for the password, or refuses a recipient.
            smtplib.SMTPException: The server refuses the message.
            OSError: The server can't be reached.
        """
        parts = urlsplit(self.url.get_secret_value())
        host = parts.hostname or ""
        mail = _mail(parts, body, subject)
        context = ssl.create_default_context()
        port = parts.port or _PORTS[parts.scheme]
        server = (
            smtplib.SMTP_SSL(host, port, timeout=timeout_seconds, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=timeout_seconds)
        )
        with server:
            if parts.scheme == "smtp":
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=context)
                elif parts.password and not _is_loopback(host):
                    message = "the server offers no TLS, so the password was not sent"
                    raise DeliveryError(message)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            if refused := server.send_message(mail):
                message = f"{len(refused)} of the recipients were refused"
                raise DeliveryError(message)

    async def notify(self, body: str, subject: str | None = None) -> None:
        """`send`, for automations."""
        await asyncio.to_thread(self.send, body, subject)


def _mail(parts: SplitResult, body: str, subject: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = " ".join((subject or "Gondola").split())
    mail["From"] = _option(parts, "from")
    mail["To"] = _option(parts, "to")
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="gondola.invalid")
    mail.set_content(body)
    return mail


def _option(parts: SplitResult, name: str) -> str:
    # A plus stands for itself in an e-mail address.
    values = parse_qs(parts.query.replace("+", "%2B")).get(name, [""])
    return ", ".join(part.strip() for part in ",".join(values).split(",") if part.strip())


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
