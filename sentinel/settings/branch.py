"""A branch's settings: the whole YAML file as frozen values, with everything wrong with it said at once.

Reads the one file and nothing else: an absent device, secret or interface does not matter here. The caller hands in
the tables of links, drivers and channels that exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from sentinel.ports import Speech
from sentinel.settings import checks
from sentinel.settings.deriving import derive
from sentinel.settings.equipment import (
    Channel,
    ChannelForm,
    Device,
    DeviceForm,
    Link,
    LinkForm,
    Summary,
    Zone,
    options_of,
)
from sentinel.settings.explain import did_you_mean, explain
from sentinel.settings.people import Contact, Ladder, Path, PathKind
from sentinel.settings.place import Branch, Gateway, Room
from sentinel.settings.problems import Level, Place, Problem, dotted, exit_code, in_order
from sentinel.settings.recording import Telemetry
from sentinel.settings.secrets import SecretAbsentError, SecretRef
from sentinel.settings.site import ID, REQUIRED, SECTIONS, Settings, nowhere
from sentinel.settings.yaml import Document, YamlError, load_yaml

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Mapping

    from sentinel.ports import Secret
    from sentinel.settings.equipment import ProfileView, Tables
    from sentinel.settings.said import Reveal

ALIKE = 2  # zones that are named of many alike

K = TypeVar("K")
M = TypeVar("M", bound=BaseModel)
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file. `settings` is None exactly when a problem is an error."""

    settings: Settings | None
    problems: tuple[Problem, ...]
    document: Document | None = None  # None when the file is not even YAML

    def problem(self, place: Place, text: str, level: Level) -> Problem:
        """One more thing to say about a place of the file."""
        if self.document is None:
            raise ValueError("there is no document to have places")
        return Problem(self.document.name, self.document.line(place), dotted(place), text, level)

    def absent_secrets(self, level: Level) -> tuple[Problem, ...]:
        """One line for each secret that cannot be read now: a NOTE for `check`, an ERROR for `run`. Reads them all."""
        found: list[Problem] = []
        for place, ref in _secrets((), self.document.data if self.document is not None else {}):
            try:
                ref.read()
            except SecretAbsentError as error:
                found.append(self.problem(place, str(error), level))
        return tuple(found)

    def exit_code(self) -> int:
        """0 good, 1 a finding, 2 a config that must not run."""
        return exit_code(self.problems)


def hidden(_ref: Secret) -> None:
    """Looks at no secret: addresses that are secrets are then compared by their place only."""


def load(path: pathlib.Path, tables: Tables, reveal: Reveal = hidden) -> Loaded:
    """Read, validate and cross-check a config. Never raises for anything that the file or its place can be."""
    try:
        document = load_yaml(path)
    except YamlError as error:
        return Loaded(None, error.problems)
    except OSError as error:
        return Loaded(None, (Problem(path.name, 1, "", f"cannot be read: {error.strerror}"),))
    reader = _Reader(document, tables)
    draft = reader.planned(reader.derived(reader.everything()))
    reader.cross_check(draft, reveal)
    problems = in_order((*reader.problems, *reader.of_derived()))
    good = all(p.level is not Level.ERROR for p in problems)
    return Loaded(draft if good else None, problems, document)


def _secrets(place: Place, data: object) -> Iterator[tuple[Place, SecretRef]]:
    match data:
        case SecretRef():
            yield place, data
        case dict():
            for key, value in data.items():
                yield from _secrets((*place, key), value)
        case list():
            for index, value in enumerate(data):
                yield from _secrets((*place, index), value)


class _Reader:
    """Goes through the file entry by entry, so that one broken entry hides no other's fault."""

    def __init__(self, document: Document, tables: Tables) -> None:
        self.document, self.tables = document, tables
        self.problems: list[Problem] = []
        self.broken: set[str] = set()  # sections that are not whole: what they lack is not to be judged
        self.behind: dict[str, str] = {}  # zone that nobody wrote -> the device that describes it
        self.grouped: dict[tuple[str, str, Level], list[str]] = {}  # what is said of such zones: device, text -> ids

    def say(self, place: Place, text: str, level: Level = Level.ERROR) -> None:
        if len(place) > 1 and place[0] in ("zones", "summaries") and place[1] in self.behind:
            id_ = str(place[1])
            self.grouped.setdefault((self.behind[id_], text, level), []).append(id_)
            if level is Level.ERROR:
                self.broken.add("devices")
            return
        if level is Level.ERROR and place:
            self.broken.add(str(place[0]))
        line = self.document.line(place)
        self.problems.append(Problem(self.document.name, line, dotted(place), text, level))

    def of_derived(self) -> Iterator[Problem]:
        """What is wrong with zones that stand in no line of the file, once for all alike, at their device's line."""
        for (device, text, level), ids in self.grouped.items():
            place: Place = ("devices", device)
            more = f" and {len(ids) - ALIKE} more" if len(ids) > ALIKE else ""
            said = f"{', '.join(ids[:ALIKE])}{more}: {text}"
            yield Problem(self.document.name, self.document.line(place), dotted(place), said, level)

    def derived(self, draft: Settings) -> Settings:
        """With the zones that drivers describe."""
        made = derive(draft)
        for device, text in made.faults:
            self.say(("devices", device), text)
        self.behind = made.behind
        if not made.settings.zones and not self.broken & {"zones", "devices"}:
            self.say(("zones",), "is required")
        return made.settings

    def everything(self) -> Settings:
        for key in self.document.data:
            if key not in SECTIONS:
                self.say((key,), f"is not known here; {did_you_mean(key, SECTIONS)}")
        for section in REQUIRED:
            if not self.document.data.get(section):
                self.say((section,), "is required")
        return Settings(
            branch=self.single("branch", Branch) or nowhere(),
            gateway=self.single("gateway", Gateway) or Gateway(),
            rooms=self.each("rooms", self.form(Room)),
            paths=self.each("paths", self.path),
            links=self.each("links", self.link),
            devices=self.each("devices", self.device),
            zones=self.each("zones", self.form(Zone)),
            summaries=self.each("summaries", self.form(Summary)),
            contacts=self.each("contacts", self.form(Contact)),
            ladders=self.each("ladders", self.form(Ladder)),
            channels=self.each("channels", self.channel),
            telemetry=self.single("telemetry", Telemetry) or Telemetry(),
            polled={},
        )

    def planned(self, draft: Settings) -> Settings:
        """With how often each point would be read: the drivers say, once it is known which points are urgent."""
        polled: dict[str, float] = {}
        for id_, device in draft.devices.items():
            urgent = draft.urgent_points(id_) & (device.points.keys() if device.points is not None else set())
            try:
                polled.update(self.tables.intervals(device.driver, id_, device.options, device.profile, urgent))
            except ValueError as error:
                self.say(("devices", id_), str(error))
        return replace(draft, polled=polled)

    def cross_check(self, draft: Settings, reveal: Reveal) -> None:
        declared = {
            section: frozenset(entries) for section, entries in self.document.data.items() if isinstance(entries, dict)
        }
        for said in checks.references(draft, declared):
            self.say(said.place, said.text, said.level)
        for said in checks.meaning(draft, frozenset(self.broken), reveal):
            self.say(said.place, said.text, said.level)

    def single(self, section: str, model: type[M]) -> M | None:
        raw = self.document.data.get(section)
        return None if raw is None else self.validate((section,), raw, model)

    def each(self, section: str, read: Callable[[Place, Any], E | None]) -> Mapping[str, E]:
        entries = self.document.data.get(section)
        if entries is None:
            return {}
        if not isinstance(entries, dict):
            self.say((section,), "must be a list of `id: ...` entries")
            return {}
        found: dict[str, E] = {}
        for id_, raw in entries.items():
            if not ID.fullmatch(id_):
                self.say((section, id_), "is no id: small letters, digits and dashes, a letter first, at most 40")
            elif (entry := read((section, id_), raw)) is not None:
                found[id_] = entry
        return found

    def validate(self, place: Place, raw: object, model: type[M]) -> M | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for where, reason in explain(error, place, lambda p: p in self.document.marks, model):
                self.say(where, reason)
            return None

    def form(self, model: type[M]) -> Callable[[Place, Any], M | None]:
        return lambda place, raw: self.validate(place, raw, model)

    def path(self, place: Place, raw: Any) -> Path | None:
        """A path called by its kind need not repeat it."""
        if isinstance(raw, dict) and "kind" not in raw:
            if place[-1] not in list(PathKind):
                self.say(place, f"is no kind of path by its name: add kind: {' or '.join(PathKind)}")
                return None
            raw = {"kind": place[-1], **raw}
        return self.validate(place, raw, Path)

    def envelope(self, place: Place, raw: Any, form: type[M]) -> M | None:
        """The part of an entry that every kind has."""
        own = {k: v for k, v in raw.items() if k in form.model_fields} if isinstance(raw, dict) else raw
        return self.validate(place, own, form)

    def kind(self, place: Place, key: str, raw: Any, find: Callable[[str], K]) -> K | None:
        """What the entry says it is."""
        if not isinstance(raw, dict) or not isinstance(raw.get(key), str):
            return None  # the envelope says so
        try:
            return find(raw[key])
        except LookupError as error:
            self.say((*place, key), str(error.args[0] if error.args else error))
            return None

    def options(self, place: Place, raw: Any, form: type[BaseModel], model: type[BaseModel]) -> BaseModel | None:
        """The part of an entry that its kind declares."""
        return self.validate(place, options_of(raw, form.model_fields, model), model)

    def link(self, place: Place, raw: Any) -> Link | None:
        form = self.envelope(place, raw, LinkForm)
        kind = self.kind(place, "kind", raw, self.tables.links)
        options = self.options(place, raw, LinkForm, kind.options) if kind else None
        return Link(form.kind, options, kind.speech) if form and kind and options else None

    def channel(self, place: Place, raw: Any) -> Channel | None:
        form = self.envelope(place, raw, ChannelForm)
        kind = self.kind(place, "kind", raw, self.tables.channels)
        options = self.options(place, raw, ChannelForm, kind) if kind else None
        return Channel(form.kind, form.path, options, form.limit) if form and options else None

    def device(self, place: Place, raw: Any) -> Device | None:
        form = self.envelope(place, raw, DeviceForm)
        kind = self.kind(place, "driver", raw, self.tables.drivers)
        options = self.options(place, raw, DeviceForm, kind.options) if kind else None
        name = raw.get("profile") if isinstance(raw, dict) and kind and kind.speech is Speech.MODBUS else None
        profile = self.profile(place, name) if isinstance(name, str) else None
        if form is None or kind is None or options is None or (isinstance(name, str) and profile is None):
            return None
        device = Device(form.name, form.link, form.driver, options, profile, None, kind.speech)
        try:
            if profile is not None:
                points = profile.points(getattr(options, "counts", None))
                return replace(device, points={point.id: point for point in points})
            described = self.tables.described(form.driver, options)
        except ValueError as error:
            self.say(place, str(error))
            return None
        if described is None:
            return device
        own = {point.id: point for point in described}
        return replace(device, points=own, described=own)

    def profile(self, place: Place, name: str) -> ProfileView | None:
        try:
            return self.tables.profiles(name)
        except OSError as error:
            self.say((*place, "profile"), f"there is no profile '{name}': {error.strerror}")
        except (LookupError, ValueError) as error:
            reason = str(error.args[0] if error.args else error).replace("\n", "; ")
            self.say((*place, "profile"), f"'{name}' is no good profile: {reason}")
        return None
