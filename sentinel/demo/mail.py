"""A mail server on loopback that keeps what it takes: the mailboxes of everybody who is told in the demo."""

from __future__ import annotations

import asyncio
import email
import email.policy
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

with warnings.catch_warnings():  # aiosmtpd 1.4.6 still asks for things that Python deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEPT = 1000  # letters; the oldest is the loser


@dataclass(frozen=True, slots=True)
class Mail:
    """One letter in one mailbox, as its owner reads it."""

    to: str
    subject: str
    body: str


@dataclass(slots=True)
class Mailboxes:
    """All of them. `number` counts what came, so that a watcher knows what is new."""

    port: int = 0
    refusing: str = ""  # an SMTP answer to every letter instead, as "451 4.3.0 mailbox full"
    mails: list[Mail] = field(default_factory=list)
    number: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        """Put the letter into the mailbox of each recipient."""
        if self.refusing:
            return self.refusing
        content = envelope.content
        message = email.message_from_bytes(content if isinstance(content, bytes) else b"", policy=email.policy.default)
        part = message.get_body(("plain",))
        text = "" if part is None else str(part.get_content()).strip()
        for to in envelope.rcpt_tos:
            self.mails.append(Mail(to, str(message["Subject"]), text))
            self.number += 1
        del self.mails[:-KEPT]
        return "250 2.0.0 kept"

    def since(self, number: int) -> list[Mail]:
        """What came after the first `number`."""
        fresh = self.number - number
        return self.mails[-fresh:] if fresh > 0 else []


@asynccontextmanager
async def mailboxes() -> AsyncIterator[Mailboxes]:
    """Open until the block is left."""
    boxes = Mailboxes()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(boxes, hostname="mail.demo"), "127.0.0.1", 0)
    boxes.port = server.sockets[0].getsockname()[1]
    try:
        yield boxes
    finally:
        server.close()
        await server.wait_closed()
