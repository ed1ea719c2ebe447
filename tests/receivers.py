"""Receivers of messages for tests: a real HTTP server and a real SMTP server on free ports of this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

__all__ = ["Inbox", "Mailbox", "receive_mail", "receive_webhooks"]


@dataclass(repr=False)  # what was received is not for tracebacks
class Inbox:
    """What a webhook receiver took, and how it answers."""

    address: str = ""
    status: int = 200
    delay_seconds: float = 0
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)  # JSON bodies of those it answered 200
    refused: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        await asyncio.sleep(self.delay_seconds)
        if self.status != 200:
            self.refused += 1
            return web.Response(status=self.status, text="no")
        self.paths.append(request.path_qs)
        self.headers.append(dict(request.headers))
        self.messages.append(body)
        return web.Response(text="ok")

    @property
    def events(self) -> list[tuple[str, str, str]]:
        """(event, rule, subject) of every alert in every message, in order."""
        return [(item["event"], item["rule"], item["subject"]) for body in self.messages for item in body["alerts"]]


@contextmanager
def receive_webhooks() -> Iterator[Inbox]:
    """An HTTP server that keeps every JSON document posted to it."""
    inbox = Inbox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/{path:.*}", inbox.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        inbox.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=20)
    try:
        yield inbox
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()


@dataclass(repr=False)  # what was received is not for tracebacks
class Mailbox:
    """What an SMTP server took."""

    port: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuse: str | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    def authenticate(self, *arguments: Any) -> AuthResult:
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)


@contextmanager
def receive_mail() -> Iterator[Mailbox]:
    """An SMTP server that keeps every mail; it takes any account, and offers no TLS."""
    mailbox = Mailbox(port=free_port())
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        authenticator=mailbox.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
