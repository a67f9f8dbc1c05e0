"""One gate for one account on one device, whatever protocol, port or program: a refused password is not said again.

Recorders lock an account, or our address, after a few bad logins. So who signs in goes through `entry`: the first after a
start goes alone, everybody else waits until the password is known to be good. A refused one shuts the gate, in a file
that every process reads and that outlives a restart: one try alone after 30 minutes, then each hour; another password is
tried at once. The gate never sends anything itself and never keeps or logs a password. Called by the links that sign in.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import ipaddress
import logging
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from drivers.links import gate_file
from drivers.links.gate_file import Kept, Shut
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

log = logging.getLogger(__name__)

FIRST_S: Final = 1800.0  # recorders unlock after 5 to 30 minutes
LATER_S: Final = 3600.0
OTHERS_S: Final = 30.0  # how long another process may take for its own first contact; an exchange ends sooner
_AGAIN_S: Final = 0.05


def _boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks a gate goes by. Monotonic time is one for all processes of a boot."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    boot: str = ""


def gate(folder: Path, host: str, account: str) -> Gate:
    """This process's gate for the account: all its links share one. `folder` is the state's."""
    path = folder / "gates" / f"{name_of(host, account)}.json"
    found = _GATES.get(path)
    if found is None:
        found = _GATES[path] = Gate(path, f"{account}@{host}", Times(boot=_boot_id()))
    return found


def name_of(host: str, account: str) -> str:
    """The same for every way to write one address. Two names for one device are two gates."""
    plain = host.strip("[]").rstrip(".").casefold()
    with suppress(ValueError):
        plain = str(ipaddress.ip_address(plain))
    return hashlib.sha256(f"{plain}\0{account}".encode()).hexdigest()[:32]


class Gate:
    """See the module. `who` is how messages call it."""

    def __init__(self, path: Path, who: str, times: Times) -> None:
        self._path, self._who, self._times = path, who, times
        self._turn = asyncio.Lock()  # whoever is alone has it
        self._saving = asyncio.Lock()
        self._key = os.urandom(16)
        self._proven = b""  # the tag of the password that is known to be good
        self._marked = ("", b"", "")  # salt, tag, mark: the slow hash is made once
        self._kept = gate_file.fresh()
        self._seen: tuple[int, ...] | None = ()  # the file's signature when it was read; None: there was none
        self._unlockable = False
        self._failed: dict[str, LinkError] = {}  # by endpoint: how the last lonely try ended that got no verdict

    @asynccontextmanager
    async def entry(self, password: str, endpoint: str) -> AsyncIterator[Entry]:
        """Stay inside for one exchange, and say how it ended. LinkError without asking while the gate is shut.

        1. Shut and not due: CREDENTIAL or LOCKED at once, saying when the next try is.
        2. The password is known to be good: go on.
        3. Else wait for the turn to go alone, in this process and among all. Who waited while the same endpoint did not
           answer somebody else shares that failure: thirty questions do not take thirty time-outs.
        """
        tag = self._tag(password)
        if await self._must_be_due(password, tag) is not None:
            self._proven = b""  # refused to another process, while this one had nothing to ask
        async with AsyncExitStack() as stack:
            alone = False
            if self._proven != tag:
                before = self._failed.get(endpoint)
                await stack.enter_async_context(self._turn)
                since = self._failed.get(endpoint)
                if self._proven == tag:  # somebody proved it meanwhile
                    await stack.aclose()
                elif since is not None and since is not before:
                    raise LinkError(since.failure, str(since))
                else:
                    await stack.enter_async_context(self._only_process())
                    alone = True
            shut = await self._must_be_due(password, tag)
            entry = Entry(self, password, tag, shut, alone)
            try:
                yield entry
            except LinkError as error:
                if alone and error.failure not in {Failure.CREDENTIAL, Failure.LOCKED}:
                    self._failed[endpoint] = error
                raise

    async def due_now(self, password: str) -> None:
        """A person mended the account on the device: a password that was refused may be tried once more at once."""
        tag = self._tag(password)
        shut = await self._remembered(password, tag)
        if shut is not None:
            await self.shut(Entry(self, password, tag, shut, alone=False), shut.why, 0.0)

    # --- For Entry ----------------------------------------------------------------------------------------------------

    async def works(self, entry: Entry) -> None:
        """The password is good."""
        if self._proven == entry.tag:
            return
        self._proven = entry.tag
        self._failed.clear()
        if await self._remembered(entry.password, entry.tag) is not None:
            log.warning("account works again account=%s", self._who)
            await self._change(entry, lambda kept, mark: kept.without(mark))

    async def doubt(self) -> None:
        """The next one goes alone again."""
        self._proven = b""

    async def shut(self, entry: Entry, why: Failure, wait_s: float) -> None:
        """Refused, or about to be tried: nobody asks for `wait_s`."""

        def having(kept: Kept, mark: str) -> Kept:
            now_s = self._times.monotonic()
            return kept.having(Shut(mark, why, self._times.wall() + wait_s, self._times.boot, now_s + wait_s))

        await self._change(entry, having)

    async def refused(self, entry: Entry, why: Failure) -> LinkError:
        """Shut the gate; what to raise. Another's verdict that came while this one was out is not counted twice."""
        self._proven = b""
        known = await self._remembered(entry.password, entry.tag)
        if known is None or known == entry.shut or entry.signed_when_shut:
            said = "is locked" if why is Failure.LOCKED else "was refused"
            if known is None or known.why is not why:
                log.warning("account %s account=%s", said, self._who)
            await self.shut(entry, why, FIRST_S if entry.shut is None else LATER_S)
            known = await self._remembered(entry.password, entry.tag)
        return self._closed(known) if known is not None else LinkError(why, f"{self._who}: the password was refused")

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _tag(self, password: str) -> bytes:
        """By which a password is known again in this process, without being kept."""
        return hmac.digest(self._key, password.encode("utf-8", "surrogatepass"), "sha256")

    async def _must_be_due(self, password: str, tag: bytes) -> Shut | None:
        """What is remembered of a password that may be tried; LinkError when it may not."""
        shut = await self._remembered(password, tag)
        if shut is not None and self._times.monotonic() < shut.due_s:
            self._proven = b""
            raise self._closed(shut)
        return shut

    def _closed(self, shut: Shut) -> LinkError:
        wait_s = shut.due_s - self._times.monotonic()
        at = datetime.fromtimestamp(round((self._times.wall() + wait_s) / 60) * 60, UTC)
        why = "the account is locked" if shut.why is Failure.LOCKED else "the password was refused"
        return LinkError(shut.why, f"{self._who}: {why}; tried again at {at:%H:%M} UTC, or with another password")

    async def _remembered(self, password: str, tag: bytes) -> Shut | None:
        self._refresh()
        if not self._kept.shuts:
            return None
        return self._kept.of(await self._mark(password, tag))

    async def _mark(self, password: str, tag: bytes) -> str:
        salt, known, mark = self._marked
        if (salt, known) != (self._kept.salt, tag):
            salt = self._kept.salt
            mark = await asyncio.to_thread(gate_file.mark, password, salt)
            self._marked = (salt, tag, mark)
        return mark

    def _refresh(self) -> None:
        """Read the file if it is another than before. One that cannot be read is as good as none: one try, then known."""
        seen = self._signature()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            kept = gate_file.load(self._path)
        except FileNotFoundError:
            kept = gate_file.fresh()
        except (OSError, ValueError) as error:
            log.warning("what was refused is forgotten: %s account=%s", error, self._who)
            kept = gate_file.fresh()
        self._kept = Kept(kept.salt, tuple(self._of_this_boot(shut) for shut in kept.shuts))

    def _of_this_boot(self, shut: Shut) -> Shut:
        """Its time on this boot's clock. Never longer away than an hour, whatever a wrong wall clock made of it."""
        now_s = self._times.monotonic()
        left_s = shut.due_s - now_s if shut.boot == self._times.boot else shut.due - self._times.wall()
        return replace(shut, boot=self._times.boot, due_s=now_s + min(max(left_s, 0.0), LATER_S))

    def _signature(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    async def _change(self, entry: Entry, change: Callable[[Kept, str], Kept]) -> None:
        """Remember it here and on the card. Where the card takes nothing it is remembered for as long as we run."""
        async with AsyncExitStack() as stack:
            if not entry.alone:
                await stack.enter_async_context(self._only_process())
            await stack.enter_async_context(self._saving)  # after the other: whoever is alone has that one already
            self._refresh()
            kept = change(self._kept, await self._mark(entry.password, entry.tag))
            try:
                await asyncio.shield(asyncio.to_thread(gate_file.save, self._path, kept))
            except OSError as error:
                log.warning("what was refused cannot be kept: %s account=%s", error, self._who)
            self._kept, self._seen = kept, self._signature()

    @asynccontextmanager
    async def _only_process(self) -> AsyncIterator[None]:
        """Alone among all processes. A card that takes no lock file, or a stopped one, leaves us alone in this one only."""
        path = self._path.with_suffix(".lock")
        lock = -1
        try:
            gate_file.make_folder(path.parent)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            gate_file.hand_over(path)
        except OSError as error:
            if not self._unlockable:
                log.warning("no lock among processes: %s account=%s", error, self._who)
            self._unlockable = True
        try:
            until = time.monotonic() + OTHERS_S
            while lock >= 0:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:  # stopped in the middle: it must not make the daemon blind
                        log.warning("another program keeps the gate: going on without it account=%s", self._who)
                        break
                    await asyncio.sleep(_AGAIN_S)
            yield
        finally:
            if lock >= 0:
                os.close(lock)


@dataclass(slots=True)
class Entry:
    """One exchange inside the gate."""

    _gate: Gate
    password: str
    tag: bytes
    shut: Shut | None  # the password was refused before, and is due
    alone: bool
    signed_when_shut: bool = False

    async def signing(self) -> None:
        """The password is about to be used on the wire. A due try is used up before: no crash may repeat it."""
        if self.shut is not None and not self.signed_when_shut:
            self.signed_when_shut = True
            await self._gate.shut(self, self.shut.why, LATER_S)

    async def good(self) -> None:
        """The device took the password."""
        await self._gate.works(self)

    async def doubt(self) -> None:
        """A use of the password failed that may have other reasons: leave, and come again alone."""
        await self._gate.doubt()

    async def refused(self, *, locked: bool) -> LinkError:
        """The device refused the right answer to its question, or says that it locked the account. Raise what this gives."""
        return await self._gate.refused(self, Failure.LOCKED if locked else Failure.CREDENTIAL)


_GATES: Final[WeakValueDictionary[Path, Gate]] = WeakValueDictionary()
