"""The branch daemon, put together: the only place of the gateway that knows everyone.

    wires -> pollers -> sensing -> desk -> journal -> outbox -> channels -> people
                                     ^                  '-> uplink -> rooms
                                     '--- answers: rooms, socket

Order of the start: wires first (a button pressed while the journal is replayed waits in `sensing`), then the
journal, then what speaks. A journal that cannot be opened starts bare mode; a file that is not ours stops the start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sentinel
from sentinel.channels.mqtt import MqttWire
from sentinel.core import facts
from sentinel.duty.auditor import Auditor
from sentinel.duty.desk import Desk
from sentinel.duty.memory import MemoryOutbox
from sentinel.duty.outbox import Outbox
from sentinel.duty.service import feed_watchdog, notify, on_signals, watchdog_period_s
from sentinel.duty.supervise import Fallen, Progress, supervise
from sentinel.duty.upkeep import Upkeep, restore
from sentinel.gateway.api import routes
from sentinel.gateway.coverage import Coverage
from sentinel.gateway.exits import Exits
from sentinel.gateway.letters import LetterBook
from sentinel.gateway.looking_on import LookingOn
from sentinel.gateway.names import Names
from sentinel.gateway.page.routes import Page
from sentinel.gateway.pictures import Pictures
from sentinel.gateway.plant import Plant
from sentinel.gateway.program import Program
from sentinel.gateway.recording import Around, Recorder
from sentinel.gateway.sensing import Sensing
from sentinel.gateway.telling import Inbox
from sentinel.gateway.ways import Ways
from sentinel.gateway.world import World
from sentinel.journal.errors import JournalUnavailable
from sentinel.journal.thread import Journal
from sentinel.settings.hours import is_open
from sentinel.settings.policy import policy
from sentinel.settings.problems import Level
from sentinel.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sentinel.core.facts import NoticeQueued, Recorded
    from sentinel.core.incident import State
    from sentinel.core.model import Reading
    from sentinel.core.signal import Signal
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.verify import Report
    from sentinel.ports import Channel, Letter
    from sentinel.settings.branch import Loaded
    from sentinel.settings.site import Settings

log = logging.getLogger("sentinel.gateway")

DRAIN_S = 3.0  # what is being sent may end; an orderly stop is over within 5 s
LEAVE_S = 1.0  # what was cancelled is over within this
SILENT_S = 30.0  # a part without a sign of life for so long is stuck
AUDITOR_SILENT_S = 180.0
PORT_S = 15.0  # for the page's port after a start
JOURNAL_SILENT_S = 120.0  # a thread that the card holds for so long: bare mode tells it at once, a restart may mend it


@dataclass(frozen=True, slots=True)
class Health:
    """One word for the heartbeat and /healthz, and why."""

    word: str  # ok, impaired, bare
    reasons: list[str]


class Gateway:
    """One branch. Make it inside the running loop; `load` reads the config again for a reload."""

    def __init__(self, settings: Settings, load: Callable[[], Loaded], world: World | None = None) -> None:
        self.settings = settings
        self._world = world or World()
        self.clock = self._world.clock(settings.gateway.clock == "trusted")
        self.progress = Progress()
        self.fallen = Fallen()
        self.journal = Journal(Path(settings.gateway.state_dir) / "journal.db")
        boot = self._world.boot()
        self.desk = Desk(self.journal, self.clock, boot, policy(settings))
        self.names = Names(self.journal)
        self.ways = Ways(self.desk.submit, self.clock, self._closed_now)
        self.sensing = Sensing(self.clock, self.desk.submit, self, lambda: self.desk.bare is not None)
        self.sensing.told = self._signalled
        self.coverage = Coverage(settings, self.sensing.view, self._state, self.desk.submit)
        self.upkeep = Upkeep(self.journal, self.desk, self.clock, boot)
        self.auditor = Auditor(self.desk, self.journal, self.clock)
        self.outbox = Outbox(self.journal, self.desk.submit, self._letter, self.clock)
        self.inbox = Inbox(self.desk, self.journal, self.names, self.ways, self.clock, self._room_of)
        self.exits = Exits(self, self._heartbeat)
        self.plant = Plant(settings, self.sensing, self.clock, self._world.link)
        self.pictures = Pictures(self, Path(settings.gateway.state_dir) / "pictures")
        self.looking_on = LookingOn(self, Path(settings.gateway.state_dir) / "references")
        self.page = Page(self)
        self.server = Server(
            [*routes(self), *self.page.routes()], Path(settings.gateway.socket), settings.gateway.page_port
        )
        self._load = load
        self._began = self.clock.monotonic()
        self._page_port = settings.gateway.page_port
        self.recorder = self._recorder(settings)
        self._letters = LetterBook(settings, self._state, self.names.reveal, self.pictures.shelf.read)
        self._memory = MemoryOutbox(self.outbox.channel, self._letter_from_memory, self.desk.submit)
        self._plant_task: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._blind = False  # the journal could not be read at the start: nobody knows what stood before
        self._stop, self._reload = asyncio.Event(), asyncio.Event()
        self.outbox.on_health = self.exits.lane_health
        self.outbox.silent = self._of_a_silent_incident
        self.desk.listeners.append(self._recorded)
        self.desk.from_memory = self._memory.tell
        self.desk.withdrawn = self._memory.withdraw
        self.desk.written_again = self._written_again
        self.desk.stepped = self.clock.stepped

    # --- Life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. JournalRefused when the journal file is not ours to use."""
        off = on_signals(self._asked_to_stop, self._reload.set)
        began = self.clock.monotonic()
        try:
            self._plant_task = self._poll()
            self.sensing.alive = self.progress.expect("sensing", SILENT_S)
            self._start("sensing", self.sensing.run)
            self._start("web", self.server.run)
            self._start("page", self.page.run)
            await self._wake_up(began)
            self.auditor.alive = self.progress.expect("auditor", AUDITOR_SILENT_S)
            self._start("auditor", self.auditor.run)
            self.ways.alive = self.progress.expect("ways", SILENT_S)
            self._start("ways", self.ways.run)
            self.coverage.alive = self.progress.expect("coverage", SILENT_S)
            self._start("coverage", self.coverage.run)
            self.progress.watch("inbox", lambda: self.inbox.busy_s() > SILENT_S)
            self._start("inbox", self.inbox.run)
            self._start("pictures", self.pictures.run)
            self._start("looking on", self.looking_on.run)
            self._start("reload", self._keep_reloading)
            self._start("upkeep", self.upkeep.run)
            self._start("reroute", self.exits.keep_rerouting)
            if (period_s := watchdog_period_s()) is not None:
                self._start("watchdog", lambda: feed_watchdog(self.progress, period_s))
            notify("READY=1", f"STATUS=branch {self.settings.branch.id}")
            log.info("running branch=%s version=%s", self.settings.branch.id, sentinel.__version__)
            await self._stop.wait()
            notify("STOPPING=1")
            await self._go_down()
        finally:
            off()
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._leave(*self._tasks)
                    await self._leave(*self._plant_tasks())
                    await self.exits.abandon()
                    await self.recorder.abandon()
            self._memory.stop()
            self.pictures.close()
            self.looking_on.close()
            await self.journal.close()

    def _start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(supervise(name, work, self.fallen), name=name))

    def _poll(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.plant.run(self.progress, self.fallen), name="plant")

    def _plant_tasks(self) -> list[asyncio.Task[None]]:
        return [] if self._plant_task is None else [self._plant_task]

    @staticmethod
    async def _leave(*tasks: asyncio.Task[None]) -> None:
        """Cancel these and wait until they are over, for so long at most: a task that stays is no reason to hang."""
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LEAVE_S)
            for task in late:
                log.error("task does not stop task=%s", task.get_name())

    async def _wake_up(self, began: float) -> None:
        """Open and replay the journal, say that we are here, and begin to detect."""
        try:
            head = await self.journal.open()
            if head.at is not None:
                self.clock.keep_after(head.at)
            self.desk.state = await restore(self.journal)
            await self.journal.release_all(self.clock.now())
            await self.names.learn(self.desk.state)
        except JournalUnavailable as error:
            self.desk.begin_bare(error)
            self._blind = True
        self.clock.stepped()  # steps are counted from here
        program = Program.of(self.settings)
        told = program.tell(self.desk, facts.Started(sentinel.__version__, program.config, program.changes))
        self._tasks.append(asyncio.create_task(program.remember(self.desk, told), name="program"))
        await self._open_ways(self.settings)
        self.progress.watch("journal", lambda: self.journal.stalled_s(self.clock.monotonic()) > JOURNAL_SILENT_S)
        self.desk.alive = self.progress.expect("desk", SILENT_S)
        self._start("desk", self.desk.run)
        self._detect_from(began)
        self.recorder.open(self.progress, self.fallen)

    def _detect_from(self, began: float) -> None:
        policy, conditions = self.desk.policy, self.desk.state.conditions
        self.sensing.start(policy.zones, policy.devices, conditions, began, blind=self._blind)

    def _written_again(self) -> None:
        """Bare mode has ended. What stood before a start that could not read the journal is known now."""
        self._memory.stop()
        if self._blind:
            self._blind = False
            self._detect_from(self.clock.monotonic())

    def _asked_to_stop(self, reason: str) -> None:
        log.info("stopping reason=%s", reason)
        self._stop.set()

    async def _go_down(self) -> None:
        """Say so, let what is being sent end, and go; what is left is in the journal."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._leave(*self._plant_tasks())
                recorded = asyncio.create_task(self.recorder.close(), name="last flush")  # beside what is told
                await self.desk.say(facts.Stopping("asked"))
                await self.upkeep.save()
                await self.exits.close()
                (slip,) = await asyncio.gather(recorded, return_exceptions=True)
                if isinstance(slip, Exception):
                    log.error("the last flush of the record fell", exc_info=slip)

    # --- Reload ----------------------------------------------------------------------------------------------------

    async def _keep_reloading(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                await self._reload_now()
            finally:
                notify("READY=1")

    async def _reload_now(self) -> None:
        """Take a valid config; keep the old one when it is not. Either is a fact."""
        loaded = await asyncio.to_thread(self._load)
        if loaded.settings is None:
            errors = [problem for problem in loaded.problems if problem.level is Level.ERROR]
            log.error("reload refused errors=%d", len(errors))
            for problem in errors:
                log.error("%s", problem)
            await self.desk.say(facts.ReloadRefused(len(errors)))
            return
        old, new = self.settings, loaded.settings
        program = Program.of(new)
        self.settings = new
        self._letters = LetterBook(new, self._state, self.names.reveal, self.pictures.shelf.read)
        self.coverage.load(new)
        self.desk.policy = policy(new)
        told = program.tell(self.desk, facts.Reloaded(program.config, program.changes))
        await program.remember(self.desk, told)
        if (old.channels, old.rooms) != (new.channels, new.rooms):
            await self.exits.close()
            await self._open_ways(new)
        if (old.links, old.devices, old.zones, old.summaries) != (new.links, new.devices, new.zones, new.summaries):
            await self._leave(*self._plant_tasks())
            self.plant = Plant(new, self.sensing, self.clock, self._world.link)
            self._plant_task = self._poll()
            self._detect_from(self.clock.monotonic())
        if _record_of(old) != _record_of(new):
            await self._record_anew(new)
        if old.gateway != new.gateway:
            log.warning("gateway: changes take effect at the next start")
        log.info("reloaded changes=%d", len(program.changes))

    # --- Ways out --------------------------------------------------------------------------------------------------

    async def _open_ways(self, settings: Settings) -> None:
        channels: dict[str, Channel] = {}
        wires: dict[str, MqttWire] = {}
        for name, entry in settings.channels.items():
            made = self._world.channel(entry, settings.branch.id)
            if isinstance(made, MqttWire):
                wires[name] = made
            else:
                channels[name] = made
        await self.exits.open(settings, channels, wires)

    def _of_a_silent_incident(self, row: OutboxRow) -> bool:
        incident = self.desk.state.find(row.code)
        return incident is None or incident.silent  # whose letter it was is not known any more: say nothing

    def _room_of(self, contact: str, channel: str) -> str:
        entry = self.settings.contacts.get(contact)
        address = None if entry is None else entry.addresses.get(channel)
        return address if isinstance(address, str) else ""

    def _letter(self, row: OutboxRow) -> Letter | None:
        # The uplink knows the numbers of this epoch only. A notice of an earlier one is told by its words.
        return self._letters.letter(row, row.seq if row.epoch == self.journal.head().epoch else 0)

    def _letter_from_memory(self, fact: NoticeQueued) -> Letter | None:
        return self._letters.letter(fact, 0, from_memory=True)

    def _recorded(self, records: list[Recorded]) -> None:
        self.recorder.recorded(records)
        self.exits.recorded(records)
        self.pictures.recorded(records)  # last: what has to leave is on its way

    def take(self, readings: Sequence[Reading]) -> None:
        """ports.TelemetrySink: what the rooms see live, and the record."""
        self.recorder.take(readings)
        self.exits.take(readings)
        self.looking_on.take(readings)

    def _signalled(self, signals: Sequence[Signal]) -> None:
        self.recorder.signals(signals)

    # --- The record ------------------------------------------------------------------------------------------------

    def _recorder(self, settings: Settings) -> Recorder:
        around = Around(
            zones=self.sensing.view,
            latest=lambda: self.sensing.latest,
            links=lambda: {name: poller.stats for name, poller in self.plant.pollers.items()},
            state=self._state,
            health=lambda: self.health().word,
            began=self._began,
            pictures=lambda: self.pictures.shelf.bytes,
        )
        path = Path(settings.gateway.state_dir) / "telemetry.db"
        return Recorder(settings, path, self._world, self.clock, around, self.desk.submit)

    async def _record_anew(self, settings: Settings) -> None:
        """Under the new names; what the old one still holds goes over. Readings go to the new one from now on."""
        old, self.recorder = self.recorder, self._recorder(settings)
        try:
            self.recorder.inherit(await old.close())
        finally:
            self.recorder.open(self.progress, self.fallen)

    # --- What others ask -------------------------------------------------------------------------------------------

    def _state(self) -> State:
        return self.desk.state

    def _closed_now(self) -> bool:
        branch = self.settings.branch
        return not is_open(branch.opening(), branch.kind, self.clock.now())

    def health(self) -> Health:
        """How the daemon itself is; of what it watches it says nothing."""
        if self.desk.bare is not None:
            return Health("bare", [f"journal: {self.desk.bare.reason}"])
        reasons = [] if self.sensing.started else ["starting"]
        reasons += [f"no progress: {part}" for part in self.progress.stuck()]
        reasons += [f"fell: {task}" for task in self.fallen.lately()]
        if self.desk.dropped:
            reasons.append(f"desk: gave up {self.desk.dropped} events")
        if self._page_port is not None and self.server.port is None and self._began + PORT_S < self.clock.monotonic():
            reasons.append(f"page: port {self._page_port} is held by another program")
        reasons += sorted({f"audit: {finding.what}" for finding in self.auditor.findings if not finding.silent})
        return Health("impaired" if reasons else "ok", reasons)

    def _heartbeat(self) -> str | None:
        stuck = self.progress.stuck()
        return None if "desk" in stuck or "sensing" in stuck else self.health().word

    async def verify(self) -> Report:
        """Prove the journal, now."""
        return await self.journal.verify()


def _record_of(settings: Settings) -> tuple[object, ...]:
    """What the record is made of: names, numbers and where they go."""
    return settings.branch, settings.links, settings.devices, settings.zones, settings.summaries, settings.telemetry
