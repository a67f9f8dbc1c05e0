"""One small branch for the tests of the core, and `Life`: decide, record, evolve, with the time in the test's hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from sentinel.core import facts
from sentinel.core.authority import Command, CommandKind
from sentinel.core.codes import ROLES
from sentinel.core.decide import Event, Report, Tick, decide, next_due
from sentinel.core.facts import ClockQuality, Disposition, Fact, Recorded
from sentinel.core.incident import Incident, NoticeState, State, evolve
from sentinel.core.model import (
    Condition,
    Contact,
    ContactSense,
    Device,
    Ladder,
    Party,
    Policy,
    Role,
    Sense,
    Severity,
    Step,
    Target,
    Text,
    Via,
    Zone,
)
from sentinel.core.signal import Signal

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

THANA = Target("thana", "mail", "wan", "hi", Party.POLICE)
ROOM = Target("room", "mqtt", "wan", "hi", Party.ROOM)
MANAGER = Target("manager", "sms", "sim", "en", Party.BANK, on_site=True)
OFFICER = Target("officer", "sms", "sim", "en", Party.BANK)
DISTRICT = Target("district", "mail", "wan", "hi", Party.POLICE)
SERVICE = Target("service", "mail", "wan", "en", Party.SERVICE)

LOUD = Ladder("loud", (Step(0, (THANA, ROOM)), Step(60, (MANAGER, OFFICER)), Step(120, (DISTRICT,))), 300)
QUIET = Ladder("quiet", (Step(0, (SERVICE, MANAGER)), Step(3600, (OFFICER,))), 86400)

CONTACTS = (
    Contact("thana", Party.POLICE, False, "hi"),
    Contact("district", Party.POLICE, False, "hi"),
    Contact("room", Party.ROOM, False, "hi"),
    Contact("manager", Party.BANK, True, "en"),
    Contact("officer", Party.BANK, False, "en"),
    Contact("service", Party.SERVICE, False, "en"),
)


def zone(id_: str, role: Role, sense: Sense | None = None, *, point: str = "", stale_after_s: float = 3.0) -> Zone:
    """A zone with the delays that its role asks for; normally open unless told otherwise."""
    rule = ROLES[role]
    sense = sense or ContactSense(alarm_when=True)
    name = Text(f"ज़ोन {id_}", f"Zone {id_}")
    return Zone(
        id_, point or f"panel.{id_}", role, name, sense, rule.on_delay_s, rule.off_delay_s, stale_after_s=stale_after_s
    )


ZONES = (
    zone("holdup", Role.HOLD_UP),
    zone("duress", Role.DURESS),
    zone("fire", Role.FIRE),
    zone("door", Role.INTRUSION),
    zone("mains", Role.MAINS),
)
PANEL = Device("panel", "bus", Text("पैनल", "Panel"), tuple(one.point for one in ZONES))
POLICY = Policy(
    branch="sbi-bhilai",
    number=17,
    zones=ZONES,
    devices=(PANEL,),
    contacts=CONTACTS,
    ladders=tuple(
        (role, severity, LOUD if severity in (Severity.CRITICAL, Severity.HIGH) else QUIET)
        for role in Role
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.FAULT)
    ),
    room_grants=(("district-room", (Party.POLICE,)),),
)


def signal(id_: str, role: Role, condition: Condition, of: Condition | None = None) -> Signal:
    """A zone's signal as detection makes it."""
    of = of or condition
    rule = ROLES[role]
    alarm = of is Condition.ALARM
    return Signal(
        subject=f"zone:{id_}",
        role=role,
        condition=condition,
        of=of,
        event=rule.event if alarm else rule.trouble_event,
        severity=rule.severity if alarm else rule.trouble_severity,
        reason="" if alarm else "silent",
    )


def alarm(id_: str, role: Role) -> Signal:
    """The zone goes into alarm."""
    return signal(id_, role, Condition.ALARM)


def over(id_: str, role: Role) -> Signal:
    """The zone's alarm is over."""
    return signal(id_, role, Condition.NORMAL, Condition.ALARM)


def trouble(id_: str, role: Role) -> Signal:
    """The zone cannot be believed."""
    return signal(id_, role, Condition.TROUBLE)


def mended(id_: str, role: Role) -> Signal:
    """The zone can be believed again."""
    return signal(id_, role, Condition.NORMAL, Condition.TROUBLE)


@dataclass
class Life:
    """A branch lived through: every fact is recorded, evolved and kept."""

    policy: Policy = POLICY
    now: datetime = NOON
    boot: str = "boot-1"
    clock: ClockQuality = ClockQuality.SYNCED
    state: State = field(default_factory=lambda: State(epoch="e1", clock=ClockQuality.SYNCED, boot="boot-1"))
    records: list[Recorded] = field(default_factory=list)
    ids: count[int] = field(default_factory=count)

    def do(self, event: Event) -> tuple[Fact, ...]:
        """Decide, then live with it."""
        said = decide(self.state, self.policy, event, self.now)
        self.say(*said)
        return said

    def say(self, *said: Fact) -> None:
        """Facts that nobody decides."""
        for fact in said:
            one = Recorded("e1", self.state.seq + 1, self.now, self.boot, self.clock, late=False, fact=fact)
            self.records.append(one)
            self.state = evolve(self.state, one)

    def wait(self, **span: float) -> tuple[Fact, ...]:
        """Let time pass as the desk does: from deadline to deadline, each at its moment."""
        end = self.now + timedelta(**span)
        said: tuple[Fact, ...] = ()
        while (due := next_due(self.state, self.now)) is not None and due <= end:
            self.now = max(self.now, due)
            ticked = self.do(Tick())
            assert ticked or next_due(self.state, self.now) != due, "the desk would spin"
            said += ticked
        self.now = end
        return said + self.do(Tick())

    def command(
        self,
        kind: CommandKind,
        code: str,
        *,
        by: str,
        via: Via,
        claims: Party = Party.OTHER,
        name: str = "",
        disposition: Disposition | None = None,
        until: datetime | None = None,
        id_: str = "",
    ) -> tuple[Fact, ...]:
        """Somebody asks for something, with an id of its own."""
        until = until or self.now + timedelta(minutes=5)
        id_ = id_ or f"c{next(self.ids)}"
        return self.do(Command(id_, kind, code, by, name, claims, via, until, disposition))

    def police(
        self, kind: CommandKind, code: str, *, disposition: Disposition | None = None, by: str = "thana-1"
    ) -> tuple[Fact, ...]:
        """The station's own account says so."""
        return self.command(kind, code, by=by, via=Via.STATION, claims=Party.POLICE, disposition=disposition)

    def press(self, id_: str = "holdup", role: Role = Role.HOLD_UP) -> Incident:
        """An alarm; the incident that it opened or that was open."""
        one = alarm(id_, role)
        self.do(one)
        return self.state.incidents[self.state.by_key[one.key]]

    def incident(self, code: str) -> Incident:
        """The incident, open or closed."""
        found = self.state.find(code)
        assert found is not None
        return found

    def deliver(self, code: str) -> None:
        """Every waiting notice of this incident leaves and arrives."""
        for notice in list(self.incident(code).notices.values()):
            if notice.live:
                self.do(Report(notice.id, NoticeState.SENT, 1))
                self.do(Report(notice.id, NoticeState.DELIVERED, 1))

    def reboot(self, *, clock: ClockQuality = ClockQuality.SYNCED, **off: float) -> tuple[Fact, ...]:
        """Power goes and comes back."""
        self.now += timedelta(**off)
        self.boot = f"boot-{int(self.boot.removeprefix('boot-')) + 1}"
        self.clock = clock
        self.say(facts.Started("0.1.0", "c0ffee", ()))
        return self.do(Tick())

    def step_clock(self, seconds: float) -> None:
        """The wall clock jumps, and the jump is told."""
        self.now += timedelta(seconds=seconds)
        self.say(facts.ClockStepped(seconds))

    def without_ids(self) -> State:
        """The state, for comparing lives that took another number of facts."""
        return replace(self.state, seq=0)


def queued(said: tuple[Fact, ...]) -> list[facts.NoticeQueued]:
    """The notices among the facts."""
    return [fact for fact in said if isinstance(fact, facts.NoticeQueued)]


def told(said: tuple[Fact, ...]) -> set[str]:
    """Who is to be told."""
    return {notice.contact for notice in queued(said)}


def refused(said: tuple[Fact, ...]) -> str:
    """Why the command did nothing, or ""."""
    return next((fact.reason for fact in said if isinstance(fact, facts.CommandRefused)), "")
