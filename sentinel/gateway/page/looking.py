"""From the daemon as it is now to the page's values. This file and `cases` are all of the page that looks into the gateway.

Rule 6 is `showing`'s: zones pass through it, incidents and notices come from what it calls visible, and nothing else of
the desk is read.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sentinel
from sentinel.core import labels, words
from sentinel.core.model import Condition, LimitSense, Text
from sentinel.gateway import cctv, showing, status
from sentinel.gateway.card import ROOM_BYTES
from sentinel.gateway.letters import names_of
from sentinel.gateway.page.cases import Cases
from sentinel.gateway.page.parts import number, size
from sentinel.gateway.page.values import (
    CamerasView,
    CameraView,
    CurveView,
    DeviceView,
    FigureView,
    FindingView,
    HeadView,
    IncidentsView,
    LinkView,
    Live,
    PlaceView,
    RecorderView,
    RoomView,
    SystemView,
    WayView,
    ZoneView,
)
from sentinel.settings.equipment import cameras_of
from sentinel.telemetry.model import SpoolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sentinel.core import detect
    from sentinel.core.incident import Incident, Notice
    from sentinel.core.model import Severity, Value
    from sentinel.gateway.app import Gateway
    from sentinel.gateway.series import RecordedPoint
    from sentinel.gateway.ways import Way
    from sentinel.telemetry.model import Plot

DAY_S, ROWS, PLOTS_S = 86_400, 240, 0.5  # of a first paint: a small drawing, or none
OPEN = 20  # cards, the worst; the rest is counted
CLOSED = 8  # of the last closed: fewer than the state keeps, so that what is hidden among them leaves no gap
SLIP = timedelta(seconds=1)  # between two clocks; more is a step


class Looker:
    """Looks at one gateway. Holds only what makes a moment stay the same moment, though it is known by its age."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._zero = gateway.clock.now() - timedelta(seconds=gateway.clock.monotonic())
        self._began: dict[str, datetime] = {}
        self._cases = Cases(gateway)
        self._found: dict[str, tuple[object, FindingView]] = {}  # of recorders; ids of the config, so it stays small

    def wall(self, monotonic: float) -> datetime:
        """When that was, by the wall clock; a step moves it, jitter does not."""
        clock = self._gateway.clock
        zero = clock.now() - timedelta(seconds=clock.monotonic())
        if abs(zero - self._zero) > SLIP:
            self._zero = zero
        return self._zero + timedelta(seconds=monotonic)

    def _past(self, age_s: float) -> datetime:
        return self.wall(self._gateway.clock.monotonic() - age_s)

    def _since(self, key: str, age_s: float) -> datetime:
        """When something began whose age is known: the same moment each time, whatever lies between two looks."""
        at, before = self._past(age_s), self._began.get(key)
        if before is None or abs(at - before) > SLIP:
            self._began[key] = at
        return self._began[key]

    # --- Sections --------------------------------------------------------------------------------------------------

    def head(self) -> HeadView:
        """Who, where, how, and what is open."""
        gateway = self._gateway
        branch, health = gateway.settings.branch, gateway.health()
        counts: dict[Severity, int] = {}
        for one in showing.visible(gateway.desk.state):
            counts[one.severity] = counts.get(one.severity, 0) + 1
        return HeadView(
            bank=branch.bank,
            branch=branch.name.text(),
            station=branch.station.name.text(),
            rooms=tuple(
                RoomView(way.subject.partition(":")[2], way.up, self.wall(way.since))
                for way in gateway.ways.view()
                if way.subject.startswith("room:")
            ),
            health=health.word,
            clock=gateway.clock.synchronised(),
            reasons=tuple(health.reasons),
            open=tuple(counts.items()),
        )

    def incidents(self) -> IncidentsView:
        """What is open, and the last closed."""
        state, names = self._gateway.desk.state, names_of(self._gateway.settings)
        open_ = showing.visible(state)
        return IncidentsView(
            tuple(self._cases.incident(one, names) for one in open_[:OPEN]),
            tuple(self._cases.incident(one, names) for one in showing.closed(state)[:CLOSED]),
            max(0, len(open_) - OPEN),
            showing.complete(state),
        )

    def zones(self) -> tuple[ZoneView, ...]:
        """Every zone and summary, in the order of the config; those of recorders stand with their cameras."""
        filmed = tuple(f"{id_}." for id_, device in self._gateway.settings.devices.items() if cameras_of(device))
        views = self._gateway.sensing.view()
        return tuple(self._zone(view) for view in views if not view.zone.point.startswith(filmed))

    def cameras(self) -> CamerasView:
        """The places that must be seen, every recorder, every camera."""
        settings = self._gateway.settings
        found = cctv.recorders(self._gateway)
        names = {camera.id: camera.name for one in found for camera in one.cameras}
        return CamerasView(
            tuple(
                PlaceView(
                    place.sight,
                    place.seen,
                    place.sight in settings.branch.not_seen_accepted,
                    tuple(names[id_] for id_ in place.cameras if id_ in names),
                )
                for place in self._gateway.coverage.view()
            ),
            tuple(
                RecorderView(
                    one.id,
                    one.name,
                    " · ".join(part for part in (one.model, one.firmware) if part),
                    self._findings(one.zones),
                    tuple(self._camera(camera) for camera in one.cameras),
                )
                for one in found
            ),
        )

    def _camera(self, camera: cctv.CameraNow) -> CameraView:
        return CameraView(
            camera.id,
            camera.name,
            camera.sees,
            camera.mode,
            self._findings(camera.zones),
            _figure(f"point:{camera.id}.oldest", camera.oldest_d),
            _figure(f"point:{camera.id}.gap", camera.gap_s),
            camera.required_d,
        )

    def _findings(self, views: Iterable[detect.ZoneView]) -> tuple[FindingView, ...]:
        return tuple(self._finding(view) for view in views)

    def _finding(self, view: detect.ZoneView) -> FindingView:
        """Made anew only when something happened to it: a recorder has a hundred, and each is looked at every second."""
        of = f"zone:{view.zone.id}"
        opened = [
            None if one is None else one.again_at or one.opened_at for one in map(self._open, (of, f"{of}/trouble"))
        ]
        key = (view.condition, view.value, view.reason, view.unknown, *opened, view.zone)
        before = self._found.get(view.zone.id)
        if before is not None and before[0] == key:
            return before[1]
        said = cctv.said_of(view)
        plain = said["en"] in (words.CONDITIONS[view.condition].en, words.SUPERVISED.en)
        made = FindingView(self._zone(view), Text(said["hi"], said["en"]), not plain and not view.unknown)
        self._found[view.zone.id] = key, made
        return made

    def links(self) -> tuple[LinkView, ...]:
        """Every line with its devices."""
        settings, zones = self._gateway.settings, self._gateway.desk.policy.zones
        devices: dict[str, list[DeviceView]] = {link: [] for link in settings.links}
        for view in self._gateway.sensing.devices():
            if view.id not in settings.devices or view.link not in devices:
                continue  # in the middle of a reload it may not be there any more
            behind = [zone for zone in zones if zone.point.partition(".")[0] == view.id]
            open_ = self._open(f"device:{view.id}/trouble") or self._open(f"link:{view.link}/trouble")
            devices[view.link].append(
                DeviceView(
                    view.id,
                    settings.devices[view.id].name.text(),
                    view.up,
                    None if view.up else open_.opened_at if open_ else self._since(f"device:{view.id}", view.age_s),
                    "" if view.up else view.reason,
                    tuple(zone.name for zone in behind),
                )
            )
        return tuple(self._link(link, tuple(behind)) for link, behind in devices.items())

    def ways(self) -> tuple[WayView, ...]:
        """Each channel, and each room at its end."""
        found = {way.subject: way for way in self._gateway.ways.view()}
        last = status.carried(self._gateway)
        rows: list[WayView] = []
        for id_, channel in self._gateway.settings.channels.items():
            rooms = [way for way in found.values() if way.behind == f"channel:{id_}"]
            here = [found[f"channel:{id_}"]] if f"channel:{id_}" in found else []
            rows += [
                self._way(way, channel.kind, channel.path, last[way.subject][1] if way.subject in last else None)
                for way in here + rooms
            ]
        return tuple(rows)

    def system(self) -> SystemView:
        """Journal, clock, version, and where the record stands."""
        gateway, record = self._gateway, self._gateway.recorder.view()
        bare = gateway.desk.bare
        return SystemView(
            server=record.server,
            store_up=record.store_up,
            store_since=self._since("store", record.store_since_s),
            store_reason=record.store_reason,
            spool_up=record.spool_up,
            spool_since=self._since("spool", record.spool_since_s),
            spool_reason=status.plainly(record.spool_reason),
            journal_reason="" if bare is None else str(bare.reason),
            disk=None if record.disk_free_bytes is None else record.disk_free_bytes >= ROOM_BYTES,
            clock=gateway.clock.synchronised(),
            version=sentinel.__version__,
        )

    def live(self) -> Live:
        """Ages, latencies, counts and measured numbers, as they are now."""
        gateway = self._gateway
        ages: dict[str, float | None] = {}
        there = gateway.clock.now().astimezone(ZoneInfo(gateway.settings.branch.time_zone))
        said: dict[str, str] = {"now": f"{there:%d-%m-%Y %H:%M:%S}"}
        for view in gateway.sensing.view():
            ages[f"zone:{view.zone.id}"] = self._past(view.age_s).timestamp()
            value = showing.zone(view)["value"]
            if _is_number(value):
                said[f"value:{view.zone.id}"] = f"{number(value)} {self._unit(view.zone.point)}".strip()
        for device in gateway.sensing.devices():
            ages[f"device:{device.id}"] = self._past(device.age_s).timestamp()
        for name, poller in gateway.plant.pollers.items():
            said[f"latency:{name}"] = f"{poller.stats.latency_s * 1000:.0f} ms"
            said[f"errors:{name}"] = str(poller.stats.failed)
        for point in status.points(gateway):
            key, value, age_s = f"point:{point['id']}", point["value"], point["age_s"]
            said[key] = "–" if value is None else f"{number(value)} {point['unit']}".strip()
            # What failed just now is as old as the last that its device said.
            believed = age_s is not None and value is not None
            ages[key] = self._past(age_s).timestamp() if believed else ages.get(f"device:{point['device']}")
        written_s = gateway.recorder.view().written_age_s
        ages["written"] = None if written_s is None else self._past(written_s).timestamp()
        return Live(ages, said | self._record())

    def _record(self) -> dict[str, str]:
        record = self._gateway.recorder.view()
        counts, free = record.counts, record.disk_free_bytes
        return {
            "counts:made": f"{counts.made:,}",
            "counts:written": f"{counts.written:,}",
            "counts:waiting": f"{counts.waiting:,}",
            "counts:dropped": f"{counts.dropped:,}",
            "counts:poisoned": f"{counts.poisoned:,}",
            "counts:bytes": f"{size(counts.bytes)} / {size(record.limit_bytes)}",
            "disk-free": "–" if free is None else size(free),
        }

    def points(self) -> tuple[CurveView, ...]:
        """Each recorded number, without its curve."""
        return tuple(_curve(point, None, DAY_S) for point in self._plotted())

    async def curves(self) -> tuple[CurveView, ...]:
        """Each recorded number over its last day; without its curve where the record cannot be read in time."""
        recorder, end_s = self._gateway.recorder, int(self._gateway.clock.now().timestamp())
        drawn: dict[str, Plot] = {}
        with suppress(TimeoutError, LookupError, SpoolUnavailable):
            async with asyncio.timeout(PLOTS_S):
                for point in self._plotted():
                    drawn[point.point] = await recorder.plot(point.point, end_s - DAY_S, end_s, ROWS)
        return tuple(_curve(point, drawn.get(point.point), end_s) for point in self._plotted())

    def _plotted(self) -> list[RecordedPoint]:
        """Of a recorder, how far back it goes and how wrong its clock is; each camera's figures stand with the camera."""
        filmed = {id_ for id_, device in self._gateway.settings.devices.items() if cameras_of(device)}
        kept = ("retention", "drift")
        points = self._gateway.recorder.points()
        return [one for one in points if one.device not in filmed or one.point.partition(".")[2] in kept]

    # --- Their parts -----------------------------------------------------------------------------------------------

    def _zone(self, view: detect.ZoneView) -> ZoneView:
        shown = showing.zone(view)
        zone, state = view.zone, shown["state"]
        of = f"zone:{zone.id}" if state == Condition.ALARM else f"zone:{zone.id}/trouble"
        open_ = self._open(of)
        since = None if open_ is None else open_.again_at or open_.opened_at
        if state == Condition.UNKNOWN:
            since = self._since(f"zone:{zone.id}", view.age_s)
        label = labels.STATES.get((zone.role, Condition(state))) if state in list(Condition) else None
        return ZoneView(
            id=zone.id,
            name=zone.name,
            role=zone.role,
            point=zone.point,
            state=state,
            label=label or Text(shown["label"]["hi"], shown["label"]["en"]),
            reason=shown["reason"],
            since=since,
            stale=view.unknown,
            measured=_is_number(shown["value"]),
            limits=self._limits(zone.sense, zone.point) if isinstance(zone.sense, LimitSense) else "",
        )

    def _limits(self, sense: LimitSense, point: str) -> str:
        both = [number(limit) for limit in (sense.low, sense.high) if limit is not None]
        return f"{' / '.join(both)} {self._unit(point)}".strip()

    def _unit(self, point: str) -> str:
        device, _, name = point.partition(".")
        found = self._gateway.settings.devices.get(device)  # None: in the middle of a reload
        points = {} if found is None else found.points or {}
        return str(getattr(points.get(name), "unit", ""))

    def _open(self, key: str) -> Incident | None:
        """The open incident of this key, where the branch may see it."""
        state = self._gateway.desk.state
        one = state.incidents.get(state.by_key.get(key, ""))
        return None if one is None or one.silent else one

    def _link(self, id_: str, devices: tuple[DeviceView, ...]) -> LinkView:
        lost = self._open(f"link:{id_}/trouble")
        up = False if lost else _all_of(device.up for device in devices)
        return LinkView(
            id_,
            self._gateway.settings.links[id_].kind,
            up,
            None if lost is None else lost.opened_at,
            "" if lost is None else lost.reason,
            devices,
        )

    def _way(self, way: Way, kind: str, path: str, last: Notice | None) -> WayView:
        return WayView(
            id=way.subject.partition(":")[2],
            room=way.subject.startswith("room:"),
            kind=kind,
            path=path,
            up=way.up,
            since=self.wall(way.since),
            reason="" if way.up else way.reason,
            last=None if last is None else self._cases.notice(last),
        )


def _curve(point: RecordedPoint, plot: Plot | None, end_s: int) -> CurveView:
    last = point.point.rpartition(".")[2]
    what = labels.MEASURES.get(last, Text(last, last))
    name = point.name if point.zone else Text(f"{point.name.hi}: {what.hi}", f"{point.name.en}: {what.en}")
    rows = () if plot is None else tuple(zip(plot.at, plot.low, plot.high, strict=True))
    step_s = 60 if plot is None else plot.step_s
    return CurveView(point.point, name, point.unit, point.low, point.high, rows, step_s, end_s - DAY_S, end_s)


def _figure(key: str, number: cctv.Number) -> FigureView:
    return FigureView(key, None if number.value is None else int(number.value), number.cannot)


def _is_number(value: Value | None) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all_of(ups: Iterable[bool | None]) -> bool | None:
    known = set(ups)
    return True if True in known else None if None in known or not known else False
