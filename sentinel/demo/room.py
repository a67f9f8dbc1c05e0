"""A small control room: keeps a copy of its branches' facts, confirms them, gives commands. For the demo and the tests.

It believes nothing: every batch must continue the hash chain. It keeps all in memory and answers for one room only.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sentinel.core.chain import GENESIS, chain, parse
from sentinel.core.encoding import canonical, stamp
from sentinel.gateway.exchange import CommandKind
from sentinel.ports import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.channels.mqtt import MqttWire
    from sentinel.core.facts import Recorded

ROOT = "sentinel/v1"
TOPICS = tuple(f"{ROOT}/+/{what}" for what in ("status", "facts", "live", "bare"))
HEARTBEAT_S = 10.0
FETCH_S = 2.0  # a gap is asked for at most this often
MAX_WAITING = 1000  # messages to send; the newest is the loser: the next receipt says the same and more
KEPT = 100  # status, live and bare messages kept of each branch


class BrokenError(Exception):
    """A batch that cannot continue this copy."""


@dataclass(slots=True)
class Copy:
    """One branch as this room knows it."""

    epoch: str = ""
    seq: int = 0
    hash: str = GENESIS
    facts: list[Recorded] = field(default_factory=list)
    statuses: list[dict[str, object]] = field(default_factory=list)
    live: list[dict[str, object]] = field(default_factory=list)
    bare: list[dict[str, object]] = field(default_factory=list)  # told from memory, while no fact could be written
    broken: list[str] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)  # (from, how many), as they came, repeats too

    def take(self, body: dict[str, object] | None) -> bool:
        """Add what continues the chain. True when all of it is held now, False at a gap; BrokenError when it is no copy."""
        match body:
            case {"epoch": str(epoch), "from": int(first), "prev": str(running), "facts": [*lines]}:
                pass
            case _:
                raise BrokenError("not a batch of facts")
        if epoch != self.epoch:
            if first != 1:
                return False
            self.epoch, self.seq, self.hash = epoch, 0, GENESIS
        self.batches.append((first, len(lines)))
        if first > self.seq + 1:
            return False
        self._at(first - 1, running)
        for seq, raw in enumerate(lines, first):
            text = canonical(raw)
            running = chain(running, text)
            if seq <= self.seq:
                self._at(seq, running)
                continue
            recorded = parse(text)
            if (recorded.epoch, recorded.seq) != (epoch, seq):
                raise BrokenError(f"fact {seq} says that it is {recorded.seq} of {recorded.epoch}")
            self.facts.append(recorded)
            self.seq, self.hash = seq, running
        return True

    def _at(self, seq: int, running: str) -> None:
        if seq == self.seq and running != self.hash:
            raise BrokenError(f"the chain differs at {seq}")


class Room:
    """Run it over a wire of its own. `copies` is what it knows, by branch."""

    def __init__(self, wire: MqttWire, room: str) -> None:
        self.copies: dict[str, Copy] = {}
        self.up = False
        self.troubles: list[str] = []
        self._wire, self._room = wire, room
        self._out: asyncio.Queue[tuple[str, dict[str, object]]] = asyncio.Queue(MAX_WAITING)
        self._fetched: dict[str, float] = {}
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wire.run(self, TOPICS), name="room-wire")
            group.create_task(self._keep_sending(), name="room-sending")
            group.create_task(self._keep_beating(), name="room-heartbeat")

    async def until(self, found: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Return when something that came made this true; TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not found():
                self._news.clear()
                await self._news.wait()

    def command(
        self, branch: str, kind: CommandKind, *, name: str, role: str, for_s: float = 60.0, **args: object
    ) -> str:
        """Give a command; its id. Giving it again until its fact comes is the caller's."""
        now = datetime.now(UTC)
        body: dict[str, object] = {
            "id": uuid.uuid4().hex,
            "kind": kind.value,
            "at": stamp(now),
            "until": stamp(now + timedelta(seconds=for_s)),
            "by": {"name": name, "role": role},
            **args,
        }
        self.say(f"{branch}/command/{self._room}", body)
        return str(body["id"])

    def say(self, topic: str, body: dict[str, object]) -> None:
        """Queue a message below the root."""
        with suppress(asyncio.QueueFull):
            self._out.put_nowait((f"{ROOT}/{topic}", body))

    # --- Listener ---

    def will(self) -> tuple[str, str]:
        """The branches watch their rooms."""
        return f"{ROOT}/rooms/{self._room}/status", self._status("offline")

    def changed(self, trouble: str | None) -> None:
        """The wire came up or went down."""
        self.up = trouble is None
        if trouble is None:
            self.say(f"rooms/{self._room}/status", {"state": "online", "at": stamp(datetime.now(UTC))})
            for branch in self.copies:
                self._confirm(branch)
        else:
            self.troubles.append(trouble)
        self._news.set()

    def heard(self, topic: str, body: dict[str, object] | None, retained: bool) -> None:
        """A message of a branch."""
        branch, _, what = topic.removeprefix(f"{ROOT}/").partition("/")
        copy = self.copies.setdefault(branch, Copy())
        if what == "facts":
            self._facts(branch, copy, body)
        elif body is not None and what in ("status", "live", "bare"):
            kept = {"status": copy.statuses, "live": copy.live, "bare": copy.bare}[what]
            kept.append({**body, "retained": retained})
            del kept[:-KEPT]
            if what == "status" and body.get("state") == "online":
                self._confirm(branch)  # a receipt may have been lost
        self._news.set()

    def _facts(self, branch: str, copy: Copy, body: dict[str, object] | None) -> None:
        try:
            if copy.take(body):
                self._confirm(branch)
                return
        except (BrokenError, ValueError) as error:
            copy.broken.append(str(error))
            return
        now = asyncio.get_running_loop().time()
        if now - self._fetched.get(branch, -FETCH_S) >= FETCH_S:
            self._fetched[branch] = now
            begin = copy.seq + 1 if body is not None and body.get("epoch") == copy.epoch else 1
            self.command(branch, CommandKind.FETCH, name=self._room, role="room", **{"from": begin})

    def _confirm(self, branch: str) -> None:
        copy = self.copies[branch]
        if copy.seq:
            self.say(f"{branch}/receipt/{self._room}", {"epoch": copy.epoch, "seq": copy.seq, "hash": copy.hash})

    # --- Tasks ---

    async def _keep_sending(self) -> None:
        while True:
            topic, body = await self._out.get()
            with suppress(ChannelError):
                await self._wire.publish(topic, canonical(body), retain=topic.endswith("/status"))

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if self.up:
                self.say(f"rooms/{self._room}/status", {"state": "online", "at": stamp(datetime.now(UTC))})

    def _status(self, state: str) -> str:
        return canonical({"state": state, "at": stamp(datetime.now(UTC))})
