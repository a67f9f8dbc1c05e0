"""Outbox row -> letter: the words in the contact's language, the address looked up now, not when the row was made.

Names come from the settings, people's names from beside the chain; neither was in the fact. Returns None when
nobody can be addressed, which fails the row visibly. Never called for anybody but the row's own contact.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from sentinel.core import said, words
from sentinel.core.facts import PictureMoment
from sentinel.core.incident import LONG_AGO
from sentinel.core.model import Severity, Text
from sentinel.ports import Attachment, Letter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sentinel.core.incident import Answer, Incident, State
    from sentinel.settings.site import Settings

TIME = "%H:%M, %d-%m-%Y"
PICTURED = frozenset({"alarm", "confirmed", "pictures"})  # letters that carry pictures, where the channel can
ATTACHED = 8  # cameras
SOON = timedelta(seconds=2)  # between the signal and the fact, and a clock that was set a little


class Wanted(Protocol):
    """What a letter is made of: an outbox row, or the fact that queued a notice."""

    @property
    def notice(self) -> str:
        """Its id."""

    @property
    def code(self) -> str:
        """The incident's."""

    @property
    def contact(self) -> str:
        """Whom."""

    @property
    def channel(self) -> str:
        """By what."""

    @property
    def language(self) -> str:
        """hi or en."""

    @property
    def words(self) -> str:
        """Id of the message."""

    @property
    def priority(self) -> int:
        """0 and 1 are critical."""


def names_of(settings: Settings) -> Mapping[str, Text]:
    """What people call each subject that can have an incident."""
    found = dict(words.OWN)
    for kind, entries in (("zone", settings.zones), ("zone", settings.summaries), ("device", settings.devices)):
        for id_, entry in entries.items():
            found[f"{kind}:{id_}"] = Text(entry.name.hi, entry.name.en)
    for id_ in settings.links:
        behind = [device.name for device in settings.devices.values() if device.link == id_]
        found[f"link:{id_}"] = Text(
            f"लाइन {id_} ({', '.join(name.hi for name in behind)})",
            f"line {id_} ({', '.join(name.en for name in behind)})",
        )
    for id_, channel in settings.channels.items():
        found[f"channel:{id_}"] = Text(f"{id_} ({channel.path})", f"{id_} ({channel.path})")
    for id_, contact in settings.contacts.items():
        for way in contact.addresses:
            said = Text(f"{contact.name.hi} ({way})", f"{contact.name.en} ({way})")
            found[f"delivery:{id_}/{way}"] = found[f"delivery:{id_}/{way}/quiet"] = said
    for sight, place in words.SIGHTS.items():
        found[f"coverage:{sight}"] = place
    for id_ in settings.rooms:
        found[f"room:{id_}"] = Text(f"नियंत्रण कक्ष {id_}", f"control room {id_}")
    return found


class LetterBook:
    """Makes letters. `state` and `reveal` (a name beside the chain) are asked each time."""

    def __init__(
        self,
        settings: Settings,
        state: Callable[[], State],
        reveal: Callable[[str], str],
        picture: Callable[[str], bytes | None] = lambda _ref: None,
    ) -> None:
        self._settings = settings
        self._state = state
        self._reveal = reveal
        self._picture = picture  # what lies beside the journal; read off the loop
        self._names = names_of(settings)
        self._zone = ZoneInfo(settings.branch.time_zone)

    def letter(self, row: Wanted, seq: int, *, from_memory: bool = False) -> Letter | None:
        """The letter, or None when its contact has no address on this channel any more. `seq` of the queueing fact.

        Nor is there one of a hold-up for a contact who is on site by now, whenever its row was made.
        """
        contact = self._settings.contacts.get(row.contact)
        address = None if contact is None else contact.addresses.get(row.channel)
        incident = self._state().find(row.code)
        if contact is None or address is None or incident is None:
            return None
        if incident.silent and contact.on_site:
            return None
        where = address if isinstance(address, str) else address.read()
        about = "bare" if from_memory and row.words == "alarm" else row.words
        message = words.render(about, row.language, self._slots(incident, row.language, about))
        return Letter(
            notice=row.notice,
            contact=row.contact,
            address=where,
            code=self._code(incident),
            subject=message.subject,
            body=message.body,
            urgent=incident.severity is Severity.CRITICAL and row.priority <= 1,
            seq=seq,
            attachments=tuple(self._attached(incident)) if row.words in PICTURED else (),
        )

    def _attached(self, incident: Incident) -> Iterator[Attachment]:
        """Of each camera the first since the last activation, which is the small one; else the newest there is."""
        since = incident.signalled_at - SOON
        for camera in list(dict.fromkeys(one.camera for one in incident.pictures))[:ATTACHED]:
            own = [one for one in incident.pictures if one.camera == camera]
            fresh = [one for one in own if one.moment is PictureMoment.AFTER and one.at >= since]
            one = min(fresh, key=lambda one: one.at) if fresh else max(own, key=lambda one: one.at)
            when = one.at.astimezone(self._zone).strftime("%Y%m%d-%H%M%S")
            yield Attachment(f"{self._code(incident)}-{camera}-{when}.jpg", partial(self._picture, one.ref))

    def _code(self, incident: Incident) -> str:
        return f"{self._settings.branch.number}-{incident.code}"

    def _slots(self, incident: Incident, language: str, about: str) -> Mapping[str, str]:
        branch = self._settings.branch
        answer = _answer(incident, about)
        when = _when(incident, answer, about)
        hidden = ", ".join(
            self._names[f"zone:{zone}"].of(language) for zone in incident.hides if f"zone:{zone}" in self._names
        )
        return {
            "test": words.TEST.of(language) if incident.test else "",
            "again": "" if incident.again_at is None else words.AGAIN.of(language),
            "role": words.ROLES[incident.role].of(language),
            "branch": branch.name.hi if language == "hi" else branch.name.en,
            "address": branch.address,
            "zone": self._where(incident, language),
            "time": when.astimezone(self._zone).strftime(TIME),
            "code": self._code(incident),
            "severity": words.SEVERITIES[incident.severity].of(language),
            "reason": said.fault(self._state(), incident, language),
            "hides": words.HIDES.of(language).format(zones=hidden) if hidden else "",
            "lost": self._lost(incident, language),
            "pictures": str(len(incident.pictures)),
            "by": self._by(*_speaker(incident, answer, about), language),
            "disposition": ""
            if incident.disposition is None
            else words.DISPOSITIONS[incident.disposition].of(language),
        }

    def _where(self, incident: Incident, language: str) -> str:
        """The zone as people here call it, and the panel's own number where several stand behind it."""
        name = self._names.get(incident.subject)
        text = incident.subject if name is None else name.of(language)
        numbers = said.where(self._state().values.get(incident.key, ""), language)
        return f"{text} ({numbers})" if numbers else text

    def _lost(self, incident: Incident, language: str) -> str:
        """What confirmed it, as people here call it."""
        name = self._names.get(incident.confirmed_by)
        return incident.confirmed_by if name is None else name.of(language)

    def _by(self, by: str, name: str, language: str) -> str:
        person = self._reveal(name) if name else ""
        post = self._settings.contacts.get(by)
        title = (
            (by or words.SOMEBODY.of(language))
            if post is None
            else (post.name.hi if language == "hi" else post.name.en)
        )
        return f"{person}, {title}" if person else title


def _answer(incident: Incident, about: str) -> Answer | None:
    """The answer that a letter of this kind is about: the last of its own kind, though others came since."""
    return next((one for one in reversed(incident.answers) if about == f"answered.{one.kind}"), None)


def _speaker(incident: Incident, answer: Answer | None, about: str) -> tuple[str, str]:
    """Who the letter says did it: an id and the reference to a name; nothing where nobody is known."""
    if answer is not None:
        return answer.by, answer.name
    return (incident.closed_by, incident.closed_name) if about == "closed" else ("", "")


def _when(incident: Incident, answer: Answer | None, about: str) -> datetime:
    if answer is not None:
        return answer.at
    if about in ("closed", "restored") and incident.closed_at is not None:
        return incident.closed_at
    if incident.again_at is not None:
        return incident.again_at
    return incident.opened_at if incident.opened_at != LONG_AGO else incident.armed_at
