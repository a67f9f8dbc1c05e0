"""Incidents and notices as the page shows them: in the names of people, posts and channels. Called by `looking` only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sentinel.core import labels, ladder, words
from sentinel.core.facts import PictureMoment
from sentinel.core.incident import NoticeState
from sentinel.core.model import Party, Text
from sentinel.core.said import own_words
from sentinel.gateway.page.values import AnswerView, IncidentView, NoticeView, PictureView
from sentinel.settings.equipment import cameras_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sentinel.core.incident import Answer, Incident, Notice, Picture
    from sentinel.gateway.app import Gateway

    _Alike = tuple[Notice, int, datetime | None]

OLD = timedelta(minutes=30)  # an answer that was given so long ago
SORTED = 100  # incidents whose notices are kept sorted
PICTURES = 12  # on a card, the newest; the rest is counted
MOMENT = timedelta(seconds=30)  # in which a notice leaves where nothing keeps it


class Cases:
    """Asks one gateway for its settings and for names beside the chain."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._sorted: dict[str, tuple[Mapping[str, Notice], list[_Alike]]] = {}  # immutable, so the same is the same

    def incident(self, one: Incident, names: Mapping[str, Text]) -> IncidentView:
        """One incident. Never called for a silent one: `showing` has taken it out."""
        now = self._gateway.clock.now()
        standing = ladder.standing(one, now)
        due = ladder.due_in(self._gateway.desk.state, one, now)
        steps = one.ladder.steps
        step = steps[due.rungs % len(steps)] if steps and due.next_at is not None else None
        return IncidentView(
            code=one.code,
            name=names.get(one.subject, Text(one.subject, one.subject)),
            role=one.role,
            severity=one.severity,
            alarm=not one.key.endswith("/trouble"),
            test=one.test,
            reason=one.reason,
            said=own_words(self._gateway.desk.state, one),
            hides=tuple(names[f"zone:{zone}"] for zone in one.hides if f"zone:{zone}" in names),
            opened_at=one.opened_at,
            again_at=one.again_at,
            active=one.active,
            answers=tuple(self._answer(answer) for answer in one.answers),
            standing=None if standing is None else self._answer(standing),
            old=standing is not None and now - standing.at >= OLD,
            police_owe=bool(one.answers)
            and standing is None
            and not any(ladder.stops(answer, one.severity) for answer in one.answers),
            notices=self._notices(one),
            next_at=None if one.closed_at else due.next_at,
            next_who=()
            if step is None
            else tuple((self._post(t.contact), self._channel(t.channel)) for t in step.targets),
            closed_at=one.closed_at,
            disposition=None if one.disposition is None else words.DISPOSITIONS[one.disposition],
            closed_by=self._person(one.closed_by, one.closed_name) if one.closed_by else None,
            pictures=self._pictures(one),
            more_pictures=max(0, len(one.pictures) - PICTURES),
        )

    def _pictures(self, one: Incident) -> tuple[PictureView, ...]:
        newest = sorted(one.pictures, key=lambda picture: picture.at)[-PICTURES:]
        return tuple(
            PictureView(self._camera(picture), picture.moment is PictureMoment.BEFORE, picture.at, picture.ref)
            for picture in newest
        )

    def _camera(self, picture: Picture) -> Text:
        id_, _, name = picture.camera.partition(".")
        device = self._gateway.settings.devices.get(id_)
        camera = None if device is None else cameras_of(device).get(name)  # None: the config has lost it since
        return Text(picture.camera, picture.camera) if camera is None else Text(camera.name.hi, camera.name.en)

    def _answer(self, answer: Answer) -> AnswerView:
        by = self._person(answer.by, answer.name)
        party = words.PARTIES[answer.party]
        both = by if answer.party is Party.BANK else Text(f"{by.hi} ({party.hi})", f"{by.en} ({party.en})")
        return AnswerView(words.ANSWERS[answer.kind], both, answer.at, answer.until)

    def _person(self, by: str, name: str) -> Text:
        post = labels.THE_BRANCH if by == "local" else self._post(by)
        person = self._gateway.names.reveal(name) if name else ""
        return Text(f"{person}, {post.hi}", f"{person}, {post.en}") if person else post

    def _post(self, id_: str) -> Text:
        contact = self._gateway.settings.contacts.get(id_)
        if contact is not None:
            return contact.name.text()
        if id_ in self._gateway.settings.rooms:
            return Text(labels.ROOM.hi.format(id_), labels.ROOM.en.format(id_))
        return Text(id_, id_) if id_ else words.SOMEBODY

    def _channel(self, id_: str) -> Text:
        """What people call it, where there is but one of its kind."""
        channels = self._gateway.settings.channels
        kinds = [channel.kind for channel in channels.values()]
        alone = id_ in channels and kinds.count(channels[id_].kind) == 1
        return labels.BY.get(channels[id_].kind, Text(id_, id_)) if alone else Text(id_, id_)

    def _notices(self, one: Incident) -> tuple[NoticeView, ...]:
        """By contact, channel and message, in the order in which they were first told. Sorted anew when one came."""
        before = self._sorted.get(one.code)
        if before is None or before[0] is not one.notices:
            if len(self._sorted) >= SORTED:
                self._sorted.clear()
            before = self._sorted[one.code] = (one.notices, _sorted(one.notices.values()))
        return tuple(self.notice(newest, times, first) for newest, times, first in before[1])

    def _got(self, notice: Notice) -> NoticeState:
        """How far it got. One that is still to be sent is on its way while nothing keeps it, and for a moment."""
        if not notice.live:
            return notice.state
        contact = self._gateway.settings.contacts.get(notice.contact)
        room = "" if contact is None else contact.addresses.get(notice.channel, "")
        by = (f"channel:{notice.channel}", f"room:{room}")
        down = any(way.up is False and way.subject in by for way in self._gateway.ways.view())
        waits = notice.reason or down or self._gateway.clock.now() - notice.at > MOMENT
        return NoticeState.PENDING if waits else NoticeState.SENDING

    def notice(self, notice: Notice, times: int = 1, first: datetime | None = None) -> NoticeView:
        """One notice, which stands for so many that left."""
        return NoticeView(
            self._post(notice.contact),
            self._channel(notice.channel),
            notice.words,
            self._got(notice),
            notice.at,
            notice.reason,
            times,
            first,
            notice.party is Party.POLICE,
        )


def _sorted(notices: Iterable[Notice]) -> list[_Alike]:
    """The newest of each contact, channel and message, how many of them left, and when the first did.

    One that was not needed any more says less than the one before it, which was.
    """
    found: dict[tuple[str, str, str], list[Notice]] = {}
    for notice in notices:
        found.setdefault((notice.contact, notice.channel, notice.words), []).append(notice)
    rows: list[_Alike] = []
    for alike in found.values():
        newest = next((one for one in reversed(alike) if one.state is not NoticeState.WITHDRAWN), alike[-1])
        left = [one.at for one in alike if one.told]
        rows.append((newest, len(left), min(left, default=None)))
    return rows
