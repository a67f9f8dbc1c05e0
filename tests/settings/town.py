"""A small good branch for the tests, stand-in kinds of links, drivers and channels, and a way to break one thing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.described import Described
from sentinel.core.model import Condition, Role, Sight, Text
from sentinel.ports import Secret, Speech, Table
from sentinel.settings.branch import Loaded, load
from sentinel.settings.equipment import PointView, ProfileView, Spoken, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sentinel.settings.said import Reveal


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TcpOptions(_Options):
    kind: Literal["modbus-tcp"]
    host: str
    port: int = 502


class RtuOptions(_Options):
    kind: Literal["modbus-rtu"]
    port: str
    baud: Literal[9600, 19200] = 9600


class PanelOptions(_Options):
    driver: Literal["modbus"]
    profile: str
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    alarm_s: float = 0.1
    counts: dict[str, int] = {}


class StrangerOptions(_Options):
    driver: Literal["stranger"]  # speaks Modbus, and names no points


class SerialOptions(_Options):
    kind: Literal["serial"]
    port: str


class HttpOptions(_Options):
    kind: Literal["http"]
    host: str
    tls: Literal["off", "verify"] = "off"
    username: str = "sentinel"


class PrinterOptions(_Options):
    driver: Literal["printer"]
    alive: float = 30.0
    points: dict[str, str] = {}  # point -> role


class NameOf(_Options):
    hi: str
    en: str


class CameraOf(_Options):
    name: NameOf
    sees: tuple[Sight, ...] = ()
    watches: tuple[str, ...] = ()
    record: Literal["always", "motion"] = "always"


class FootageOf(_Options):
    days: int = 90
    hold_since: str | None = None


class DvrOptions(_Options):
    driver: Literal["dvr"]
    cameras: dict[str, CameraOf]
    footage: FootageOf = FootageOf()


class MqttOptions(_Options):
    kind: Literal["mqtt"]
    path: str
    host: str
    rooms: tuple[str, ...]
    password: Secret | None = None


class MailOptions(_Options):
    kind: Literal["email"]
    path: str
    host: str


class SirenOptions(_Options):
    kind: Literal["siren"]


@dataclass(frozen=True)
class WordOf:
    state: str | None


@dataclass(frozen=True)
class PointOf:
    id: str
    gives: str = "bool"
    table: Table = Table.DISCRETE
    unit: str = ""
    latching: bool = False
    role: Role | None = None
    states: Sequence[tuple[int, str]] = ()
    match: Sequence[WordOf] = ()


@dataclass(frozen=True)
class ProfileOf:
    every: tuple[PointOf, ...]

    def points(self, counts: Mapping[str, int] | None = None) -> Sequence[PointView]:
        if counts:
            raise ValueError("counts.zone: there is no such list")
        return self.every


PROFILES = {
    "di8": ProfileOf((*(PointOf(f"di{n}") for n in range(1, 8)), PointOf("di8", role=Role.SUMMARY))),
    "di8-old": ProfileOf(tuple(PointOf(f"di{n}") for n in range(1, 9))),
    "latcher": ProfileOf((PointOf("di1", latching=True), PointOf("di2"))),
    "fire-panel": ProfileOf(
        (
            PointOf("zone1", "word", states=((0, "quiet"), (1, "fire")), match=(WordOf("fault"), WordOf(None))),
            PointOf("loop", "number"),
        )
    ),
    "meter": ProfileOf((PointOf("volts", "number"),)),
}


def _find(table: dict[str, Any]) -> Any:
    def find(kind: str) -> Any:
        if kind not in table:
            raise LookupError(f'no kind "{kind}"; there are: {", ".join(sorted(table))}')
        return table[kind]

    return find


def _profile(name: str) -> ProfileView:
    if name.startswith("/"):
        raise FileNotFoundError(2, "No such file or directory")
    return PROFILES[name]


QUIET = (("normal", Condition.NORMAL), ("alarm", Condition.ALARM))


def _described(_driver: str, options: BaseModel) -> list[Described] | None:
    if isinstance(options, PrinterOptions):
        return [
            Described(id_, "word", options.alive, Role(role), QUIET, pushed=True)
            for id_, role in options.points.items()
        ]
    if isinstance(options, DvrOptions):
        disks = (("ok", Condition.NORMAL), ("failed", Condition.ALARM))
        found = [Described("disks", "word", 20.0, Role.DISK, disks), Described("drift", "number", 20.0, unit="s")]
        for id_, camera in options.cameras.items():
            name = Text(camera.name.hi, camera.name.en)
            found.append(Described(f"{id_}.video", "word", 20.0, Role.CAMERA_VIDEO, QUIET, name))
        return found
    return None


def _intervals(
    driver: str, device: str, options: BaseModel, profile: ProfileView | None, urgent: Collection[str]
) -> dict[str, float]:
    described = _described(driver, options)
    if described is not None:
        return {f"{device}.{one.id}": one.every_s for one in described}
    if profile is None or not isinstance(options, PanelOptions):
        return {}
    if options.alarm_s < 0:
        raise ValueError(f"{device}: cannot be asked before it answered")
    return {f"{device}.{p.id}": options.alarm_s if p.id in urgent else 1.0 for p in profile.points()}


TABLES = Tables(
    links=_find(
        {
            "modbus-tcp": Spoken(TcpOptions),
            "modbus-rtu": Spoken(RtuOptions),
            "serial": Spoken(SerialOptions, Speech.BYTES),
            "http": Spoken(HttpOptions, Speech.HTTP),
        }
    ),
    drivers=_find(
        {
            "modbus": Spoken(PanelOptions),
            "stranger": Spoken(StrangerOptions),
            "printer": Spoken(PrinterOptions, Speech.BYTES),
            "dvr": Spoken(DvrOptions, Speech.HTTP),
        }
    ),
    channels=_find({"mqtt": MqttOptions, "email": MailOptions, "siren": SirenOptions}),
    profiles=_profile,
    described=_described,
    intervals=_intervals,
)

GOOD = """\
branch:
  id: sbi-1234
  number: 17
  name: {en: Sector 6, hi: सेक्टर 6}
  bank: Bank of Bhilai
  address: Sector 6, Bhilai
  location: {lat: 21.19, lon: 81.35}
  station: {id: bhilai-nagar, name: {en: Bhilai Nagar, hi: भिलाई नगर}}
  account: "C601"
  hours: {open: {mon-fri: 10:00-17:00, sat: 10:00-14:00}, closed_saturdays: [2, 4], holidays: [2027-01-26]}
  own_addresses: ["+91 788 222 0000", branch@bank.example]
paths:
  wan: {interface: eth0}
  lte: {interface: wwan0}
  local: {}
links:
  bus: {kind: modbus-rtu, port: /dev/ttyUSB0}
  fire: {kind: modbus-tcp, host: 192.0.2.10}
devices:
  panel: {name: {en: Panel, hi: पैनल}, link: bus, driver: modbus, profile: di8, unit: 1}
  smoke: {name: {en: Fire panel, hi: अग्नि पैनल}, link: fire, driver: modbus, profile: fire-panel, unit: 1}
  meter: {name: {en: Battery, hi: बैटरी}, link: bus, driver: modbus, profile: meter, unit: 2}
zones:
  counter: {point: panel.di1, role: hold-up, name: {en: Counter, hi: काउंटर}, wiring: {contact: normally-closed}}
  door: {point: panel.di2, role: intrusion, name: {en: Door, hi: दरवाज़ा}, wiring: {contact: normally-open}}
  hall: {point: smoke.zone1, role: smoke, name: {en: Hall, hi: हॉल}, wiring: {states: {quiet: normal, fire: alarm}}}
  battery: {point: meter.volts, role: battery, name: {en: Battery, hi: बैटरी}, wiring: {low: 11.5, hysteresis: 0.3}}
summaries:
  hooter: {point: panel.di8, name: {en: Hooter, hi: हूटर}, wiring: {contact: normally-open}}
rooms:
  durg: {may_speak_for: [police]}
contacts:
  thana: {party: police, name: {en: Station, hi: थाना}, language: hi, addresses: {room: durg}}
  sho:
    party: police
    name: {en: Officer, hi: थाना प्रभारी}
    language: hi
    persons: [{name: R. Verma, from: 2026-01-01}]
    addresses: {mail: !credential sho-mail}
  manager: {party: bank, name: {en: Manager, hi: प्रबंधक}, language: en, on_site: true, addresses: {mail: m@bank.example}}
  security: {party: bank, name: {en: Security, hi: सुरक्षा}, language: en, addresses: {mail: s@bank.example}}
ladders:
  hold-up:
    roles: [hold-up, duress]
    severity: [critical]
    round: 5m
    steps:
      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}]}
      - {after: 1m, tell: [{contact: security, by: mail}]}
  fire:
    roles: [fire, smoke]
    severity: [critical]
    round: 5m
    steps:
      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}, {contact: manager, by: mail}]}
  rest:
    round: 1h
    steps:
      - {after: 0s, tell: [{contact: manager, by: mail}]}
channels:
  room: {kind: mqtt, path: wan, host: room.example, rooms: [durg], password: !credential mqtt}
  mail: {kind: email, path: lte, host: mail.example}
gateway: {state_dir: /tmp/sentinel}
"""


def changed(*edits: tuple[str, str]) -> str:
    """The good branch with some words changed; each must be there."""
    text = GOOD
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def loaded(text: str = GOOD, reveal: Reveal | None = None, tables: Tables = TABLES) -> Loaded:
    """What comes of a text as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "branch.yaml")
        path.write_text(text, encoding="utf-8")
        return load(path, tables, reveal) if reveal else load(path, tables)


def said(*edits: tuple[str, str], reveal: Reveal | None = None) -> list[str]:
    """Everything that is said of the good branch with some words changed, without file and line."""
    return [str(p).split(": ", 1)[1] for p in loaded(changed(*edits), reveal).problems]


def errors(*edits: tuple[str, str]) -> list[str]:
    """The errors and findings among it."""
    return [line for line in said(*edits) if "note: " not in line]
