"""Notices by e-mail: one SMTP session a letter, in a worker thread that is cut off at the deadline.

Never logs or raises a whole address, nor the server's own words, which often repeat it. The outbox calls it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from sentinel.channels import ChannelKind
from sentinel.channels.options import Id, SecretField, is_loopback
from sentinel.ports import ChannelError, Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.ports import Letter

log = logging.getLogger(__name__)

TOTAL_S = 20.0  # for the whole letter; another path is told within 30 s
STEP_S = 10.0  # for one answer of the server
REPLY_BYTES = 16 * 1024  # of one answer; RFC 5321 wants 512 a line, and real ones have a dozen lines
PICTURES_BYTES = (
    400_000  # with one letter; what goes beyond stays in the branch, and the letter says how many there are
)
SESSIONS = 4  # letters on their way at once; more wait their turn within their own deadline

# Addresses as mail servers everywhere take them: no quoted local parts, no comments, no address lists, no line ends.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = rf"{_ATOM}(?:\.{_ATOM}){{0,15}}@{_LABEL}(?:\.{_LABEL}){{0,15}}"
_ADDRESS = re.compile(ADDRESS)
_POLICY = SMTP.clone(cte_type="7bit")  # the server may not take 8BITMIME; base64 or quoted-printable always passes


class Security(StrEnum):
    """How the session is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # only to a server on this machine


class EmailOptions(BaseModel):
    """A mail server that takes our letters."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    kind: Literal["email"]
    path: Id
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[StrictInt, Field(ge=1, le=65535)] = 587
    security: Security = Security.STARTTLS
    ca_file: str | None = None  # the system's authorities when absent
    username: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    password: SecretField | None = None
    sender: Annotated[str, Field(pattern=f"^{ADDRESS}$")]

    @model_validator(mode="after")
    def _nothing_crosses_a_network_in_clear(self) -> Self:
        if self.security is Security.NONE and not is_loopback(self.host):
            raise ValueError("security: none is only for a server on this machine; write starttls or tls")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: one is missing")
        return self


class EmailChannel:
    """Sends letters. Each has its own session, so a server that hangs on one does not hold up the next."""

    def __init__(self, options: EmailOptions, branch: str) -> None:
        self._options, self._branch = options, branch
        self._threads = ThreadPoolExecutor(SESSIONS, thread_name_prefix="email")
        self._trouble: str | None = None

    async def send(self, letter: Letter) -> Sent:
        """SENT when the server took the letter for the recipient; ChannelError otherwise, within TOTAL_S."""
        if _ADDRESS.fullmatch(letter.address) is None:
            raise ChannelError(f"{masked(letter.address)} is no e-mail address", permanent=True)
        await self._talk(letter.address, partial(self._message, letter))
        return Sent.SENT

    async def check(self) -> None:
        """Connect, sign in and leave, with no letter; ChannelError when that does not work, within TOTAL_S."""
        await self._talk("", None)

    async def _talk(self, to: str, message: Callable[[], EmailMessage] | None) -> None:
        session = _Session(self._options)
        work = asyncio.get_running_loop().run_in_executor(self._threads, session.talk, to, message)
        try:
            done, _ = await asyncio.wait({work}, timeout=TOTAL_S)
        finally:
            session.cut()
            work.cancel()  # nothing happens when it is over
        trouble = work.exception() if done else ChannelError(f"the mail server was too slow: over {TOTAL_S:g} s")
        if isinstance(trouble, ChannelError) and not trouble.permanent:
            self._edge(str(trouble))
        if trouble is not None:
            raise trouble
        self._edge(None)

    async def close(self) -> None:
        """Take no more letters. Sessions under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _message(self, letter: Letter) -> EmailMessage:
        domain = self._options.sender.rpartition("@")[2]
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._options.sender
        message["To"] = letter.address
        message["Subject"] = " ".join(letter.subject.split())  # no line end can begin a header of its own
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{self._identity(letter)}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
        if letter.urgent:
            message["X-Priority"] = "1 (Highest)"
            message["Importance"] = "high"
        message.set_content(letter.body)
        left = PICTURES_BYTES
        for one in letter.attachments:
            data = one.read()
            if data is not None and len(data) <= left:
                left -= len(data)
                message.add_attachment(data, maintype="image", subtype="jpeg", filename=one.name)
        return message

    def _identity(self, letter: Letter) -> str:
        """The same for a repeat of a notice, and for nothing else: many mailboxes swallow an id that they have seen.

        The notice's own id is not enough: other branches use the same ones, and so does this one with a new journal.
        """
        whole = "\n".join((self._branch, letter.notice, str(letter.seq), letter.address, letter.subject, letter.body))
        return f"{quote(letter.notice, safe='')[:40]}.{hashlib.sha256(whole.encode()).hexdigest()[:32]}"

    def _edge(self, trouble: str | None) -> None:
        if trouble == self._trouble:
            return
        o = self._options
        if trouble is None:
            log.info("mail server back host=%s port=%d path=%s", o.host, o.port, o.path)
        else:
            log.warning("mail server lost: %s host=%s port=%d path=%s", trouble, o.host, o.port, o.path)
        self._trouble = trouble


class _Session(smtplib.SMTP):
    """One letter's session, run in a thread; `cut` ends it from another one."""

    def __init__(self, options: EmailOptions) -> None:
        self._options = options
        self._wanted = True
        super().__init__(local_hostname=options.sender.rpartition("@")[2], timeout=STEP_S)  # a name: asks no DNS
        self._host = options.host  # smtplib's starttls checks the certificate against this

    def talk(self, to: str, message: Callable[[], EmailMessage] | None) -> None:
        """The whole session, with or without a letter, which is made here: its pictures come from the card. ChannelError says what went wrong, without the address."""
        o = self._options
        step = "connecting"
        try:
            code, _ = self.connect(o.host, o.port)
            if code != 220:
                raise ChannelError(f"the mail server does not greet: {code}")
            self._go_on()
            if o.security is Security.STARTTLS:
                step = "STARTTLS"
                self.starttls(context=_tls(o))
            self._go_on()
            if o.username is not None and o.password is not None:
                step = "signing in"
                self.login(o.username, o.password.read())
            self._go_on()
            step = "sending"
            if message is None:
                self.ehlo_or_helo_if_needed()
            else:
                self.send_message(message(), from_addr=o.sender, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise ChannelError(f"the mailbox was refused: {_codes(code, words)}", permanent=code >= 500) from None
        except smtplib.SMTPAuthenticationError as error:
            code, words = error.smtp_code, _bytes(error.smtp_error)
            raise ChannelError(f"the mail server refuses our user name or password: {_codes(code, words)}") from None
        except smtplib.SMTPDataError as error:
            code, words = error.smtp_code, _bytes(error.smtp_error)
            raise ChannelError(f"the letter was refused: {_codes(code, words)}", permanent=code >= 500) from None
        except smtplib.SMTPResponseException as error:  # of the greeting, EHLO, or the sender: not this letter's fault
            code, words = error.smtp_code, _bytes(error.smtp_error)
            raise ChannelError(f"the mail server refuses us while {step}: {_codes(code, words)}") from None
        except ssl.SSLError as error:
            raise ChannelError(f"TLS with the mail server fails: {error.reason}") from None
        except smtplib.SMTPNotSupportedError:
            raise ChannelError(f"the mail server cannot do what {step} needs") from None
        except LookupError:
            raise ChannelError("the mail password cannot be read") from None
        except (OSError, ValueError, AttributeError) as error:  # the last two: smtplib on a socket that was just cut
            raise ChannelError(f"the mail server was lost while {step}: {type(error).__name__}") from None
        else:
            with suppress(smtplib.SMTPException, OSError, ChannelError):
                self.quit()
        finally:
            self.close()

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, which collects an answer of any length; whoever answers before TLS could fill the memory."""
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = REPLY_BYTES
        return super().getreply()

    def cut(self) -> None:
        """End it now: the thread's wait for the server returns at once, and no further step begins."""
        self._wanted = False
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's own, which is not for two threads

    def _go_on(self) -> None:
        if not self._wanted:
            raise ChannelError("nobody waits for this letter any more")

    def _get_socket(
        self, host: str, port: int, timeout: float
    ) -> socket.socket:  # smtplib's hook; SMTP_SSL uses it too
        plain = socket.create_connection((host, port), timeout)
        if self._options.security is not Security.TLS:
            return plain
        return _tls(self._options).wrap_socket(plain, server_hostname=host)


class _Answers:
    """The server's lines, as much as one answer may have. `left` is set anew before each."""

    def __init__(self, lines: BinaryIO) -> None:
        self.left = REPLY_BYTES
        self.close = lines.close
        self._lines = lines

    def readline(self, size: int) -> bytes:
        """The next line; ChannelError when the answer is too long."""
        line = self._lines.readline(min(size, self.left + 1))
        self.left -= len(line)
        if self.left < 0:
            raise ChannelError(f"the mail server's answer is over {REPLY_BYTES // 1024} KiB")
        return line


def _tls(options: EmailOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode()


def _codes(code: int, words: bytes) -> str:
    """The reply's numbers only: "550 5.1.1". Its text may quote the address."""
    enhanced = re.match(rb"[245]\.\d{1,3}\.\d{1,3}", words)
    return f"{code} {enhanced.group().decode()}" if enhanced else str(code)


def masked(address: str) -> str:
    """What a log may say of an address: its first letter and its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if local and domain.isascii() and domain.isprintable() else "***"


CHANNEL = ChannelKind(EmailOptions, EmailChannel)
