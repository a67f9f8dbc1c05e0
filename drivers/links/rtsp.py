"""Looks at a stream: is it there, has it video, do packets flow. Keeps no picture; through the account's gate.

Each look is a connection of its own: connect, OPTIONS, DESCRIBE, and where frames are asked for SETUP and PLAY inside the
same TCP connection. Made by the composition root through `LINKS`.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from drivers.digest import challenge
from drivers.links import account
from drivers.links.account import AccountOptions
from drivers.links.gate import gate
from drivers.links.locked import locked
from drivers.links.presence import Presence
from drivers.links.rtsp_wire import LIMIT, Answer, Wire, base, channel_of, video
from drivers.links.signing import Signer
from drivers.links.stats import LinkStats, Tally
from sentinel.core.model import Failure
from sentinel.ports import LinkError, RtspReply, RtspRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from drivers.digest import Challenge
    from drivers.links.gate import Entry

AT_ONCE: Final = 4  # a look makes the recorder start a stream
MOST_WAITING: Final = 1024  # the newest look is the loser
CONNECT_S: Final = 5.0
DENIED_S: Final = 3600.0  # a stream that the account may not look at is asked for again so often
FRESH: Final = 2  # nonces in a row that may be called too old


class RtspOptions(AccountOptions):
    """A camera's or recorder's streaming port and the account on it."""

    kind: Literal["rtsp"] = "rtsp"
    port: Annotated[int, Field(ge=1, le=65535)] = 554


class RtspLink:
    """ports.Link[RtspRequest, RtspReply]. The name is for the log."""

    def __init__(self, options: RtspOptions, name: str, folder: Path) -> None:
        self._options = options
        self._host = options.host.strip("[]")
        self._base = f"rtsp://{f'[{self._host}]' if ':' in self._host else self._host}:{options.port}"
        self._name = name or self._base
        self._endpoint = f"rtsp:{options.port}"
        self._gate = gate(folder, options.host, options.username) if options.username is not None else None
        self._single_use = False
        self._known = b"", ""  # the tag of a password, and a stream that was described for it
        self._denied: dict[str, float] = {}  # target -> until when it is not asked for; as many as there are cameras
        self._presence = Presence(self._name, random.Random().random)  # noqa: S311 - jitter, no secret
        self._tally = Tally()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._closed = False

    async def read(self, request: RtspRequest, timeout_s: float | None = None) -> RtspReply:
        """What was seen. `timeout_s` is for all but the watching itself, which takes `frames_s` more."""
        if self._waiting >= MOST_WAITING:
            raise LinkError(Failure.NO_REPLY, f"{self._name}: {MOST_WAITING} looks wait already")
        if not account.TARGET.fullmatch(request.target):
            raise LinkError(Failure.REFUSED, f"{self._name}: not to be asked: {request.target!r}")
        self._waiting += 1
        try:
            async with self._turns:
                self._tally.requests += 1
                begun = time.monotonic()
                reply = await self._look(request, timeout_s or request.timeout_s)
                self._tally.answered(time.monotonic() - begun)
                return reply
        except LinkError as error:
            self._tally.failures[error.failure] += 1
            raise
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Hang up; looks that are out fail with NOT_CONNECTED."""
        self._closed = True
        for writer in self._open:
            writer.transport.abort()

    def stats(self) -> LinkStats:
        """The counters now."""
        return self._tally.snapshot()

    async def _look(self, request: RtspRequest, timeout_s: float) -> RtspReply:
        """The gate is waited at first: who is not let in touches no wire."""
        url = self._base + request.target
        if self._denied.get(request.target, 0.0) > time.monotonic():
            return RtspReply(403, video=False, packets=0)
        async with AsyncExitStack() as hang_up:
            if self._gate is None or self._options.password is None:
                look = await self._connect(hang_up, "", timeout_s)
                described = await self._describe(look, url, None)
            else:
                password = account.read(self._options.password)
                async with self._gate.entry(password, self._endpoint) as entry:
                    look = await self._connect(hang_up, password, timeout_s)
                    described = await self._describe(look, url, entry)
            if described.status == 401:
                self._denied[request.target] = time.monotonic() + DENIED_S
                return RtspReply(403, video=False, packets=0)
            if described.status != 200:
                return RtspReply(described.status, video=False, packets=0)
            track = video(described, url)
            if track is None or not request.frames_s:
                return RtspReply(200, video=track is not None, packets=0)
            whole = base(described, url)
            return RtspReply(200, video=True, packets=await self._watch(look, track, whole, request.frames_s))

    async def _connect(self, hang_up: AsyncExitStack, password: str, timeout_s: float) -> _Look:
        deadline = asyncio.get_running_loop().time() + timeout_s
        if self._closed:
            raise self._fault(Failure.NOT_CONNECTED, "is closed")
        wait_s = self._presence.wait_s(time.monotonic())
        if wait_s:
            raise self._fault(Failure.NOT_CONNECTED, f"{self._presence.why}; tried again in {wait_s:.1f} s")
        try:
            async with asyncio.timeout(min(CONNECT_S, timeout_s)):
                reader, writer = await asyncio.open_connection(self._host, self._options.port, limit=LIMIT)
        except (OSError, UnicodeError) as error:  # TimeoutError too, and a host name that cannot be one
            now = time.monotonic()
            if not self._presence.wait_s(now):
                self._presence.failed("no connection", now)
            raise self._fault(Failure.NOT_CONNECTED, f"no connection: {error}") from error
        self._tally.connects += 1
        self._open.add(writer)
        hang_up.push_async_callback(self._hang_up, writer)
        signer = Signer(self._options.username or "", single_use=self._single_use)
        return _Look(Wire(reader, writer), signer, password, deadline, timeout_s)

    async def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()

    async def _describe(self, look: _Look, url: str, entry: Entry | None) -> Answer:
        """The description, or the status that was given for it: 401 to an account that is good for other streams."""
        first = await self._ask(look, "OPTIONS", url, {})
        self._presence.works(time.monotonic())
        if entry is not None and locked(first.status, first.body):
            raise await entry.refused(locked=True)
        for again in range(FRESH + 1):
            header = look.signer.header(look.password, "DESCRIBE", url)
            if header is not None and entry is not None:
                await entry.signing()
            answer = await self._ask(look, "DESCRIBE", url, {"Accept": "application/sdp", **_signed(header)})
            if entry is not None and locked(answer.status, answer.body):
                raise await entry.refused(locked=True)
            if answer.status != 401:
                if header is not None and entry is not None:
                    await entry.good()
                    if answer.status == 200 and self._known[0] != entry.tag:
                        self._known = entry.tag, url
                return answer
            if entry is None:
                raise self._fault(Failure.CREDENTIAL, "it wants an account, and the config names none")
            offered = challenge(answer.headers.get("www-authenticate", ()))
            if header is not None and not (offered is not None and offered.stale and again < FRESH):
                if offered is not None and await self._is_good(look, url, offered, entry):
                    await entry.good()
                    return answer
                raise await entry.refused(locked=False)
            if offered is None:
                raise self._fault(
                    Failure.REFUSED, "takes passwords only in clear, or says nothing that can be answered"
                )
            look.signer.begin(offered)
        raise self._fault(Failure.BAD_REPLY, "calls every nonce too old")

    async def _is_good(self, look: _Look, url: str, offered: Challenge, entry: Entry) -> bool:
        """Whether the account is still given what it was given before. Recorders say 401 to a wrong password and to a camera
        that the account may not see, and do not say which."""
        tag, known = self._known
        if tag != entry.tag or known == url:
            return False
        look.signer.begin(offered)
        header = look.signer.header(look.password, "DESCRIBE", known)
        answer = await self._ask(look, "DESCRIBE", known, {"Accept": "application/sdp", **_signed(header)})
        return answer.status == 200

    async def _watch(self, look: _Look, track: str, whole: str, frames_s: float) -> int:
        """RTP packets of the video in `frames_s`."""
        asked = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        up = await self._begin(look, "SETUP", track, asked)
        channel = channel_of(up.header("transport"))
        session = {"Session": up.header("session").partition(";")[0][:200]}
        await self._begin(look, "PLAY", whole, {**session, "Range": "npt=0.000-"})
        packets = 0
        with self._faults(look), suppress(OSError, asyncio.IncompleteReadError):  # the time is over, or they hung up
            async with asyncio.timeout(frames_s):
                while True:
                    on, rtp = await look.wire.packet()
                    packets += rtp and on == channel
        with suppress(OSError):
            look.wire.say("TEARDOWN", whole, session)
        return packets

    async def _begin(self, look: _Look, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """Asked with the nonce there is, and once more with another: some take each only once."""
        for again in (False, True):
            header = look.signer.header(look.password, method, url)
            answer = await self._ask(look, method, url, {**headers, **_signed(header)})
            offered = challenge(answer.headers.get("www-authenticate", ()))
            if answer.status != 401 or offered is None or again:
                break
            look.signer.single_use |= header is not None and not offered.stale
            self._single_use = look.signer.single_use
            look.signer.begin(offered)
        if answer.status != 200:
            raise self._fault(Failure.REFUSED, f"{answer.status} to {method}")
        return answer

    async def _ask(self, look: _Look, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        with self._faults(look):
            async with asyncio.timeout_at(look.deadline):
                return await look.wire.ask(method, url, headers)

    @contextmanager
    def _faults(self, look: _Look) -> Iterator[None]:
        """What can go wrong on an open connection, as LinkError."""
        try:
            yield
        except TimeoutError:
            raise self._fault(Failure.NO_REPLY, f"no reply within {look.timeout_s:g} s") from None
        except asyncio.IncompleteReadError:
            raise self._fault(Failure.NOT_CONNECTED, "the other end hung up") from None
        except OSError as error:
            raise self._fault(Failure.NOT_CONNECTED, f"the other end hung up: {error}") from error
        except (asyncio.LimitOverrunError, ValueError) as error:
            raise self._fault(Failure.BAD_REPLY, f"no RTSP: {type(error).__name__}") from error

    def _fault(self, failure: Failure, why: str) -> LinkError:
        return LinkError(failure, f"{self._name}: {why}")


@dataclass(slots=True)
class _Look:
    """One connection and what is said on it."""

    wire: Wire
    signer: Signer
    password: str = field(repr=False)
    deadline: float
    timeout_s: float


def _signed(header: str | None) -> dict[str, str]:
    return {} if header is None else {"Authorization": header}
