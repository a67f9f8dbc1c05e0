"""What the words of recorders and panels say to people, in both languages: "short 11/90" -> "11 days kept, 90 are required".

A word may carry a detail after a blank; a detail that is not as expected is shown as it came, never dropped. Called
where a fault's reason is written: letters, the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sentinel.core import words
from sentinel.core.codes import ROLES
from sentinel.core.model import Role, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.core.incident import Incident, State

MOST = 60  # characters of a detail; a panel's may name many zones

# role -> word -> what it says. Slots are the detail's parts; a word with a detail and no slot for it has it added.
SAID: Mapping[Role, Mapping[str, Text]] = {
    Role.CAMERA_VIDEO: {
        "ok": Text("तस्वीर आ रही है", "the picture comes in"),
        "lost": Text("कैमरे से तस्वीर नहीं आ रही", "no picture comes from the camera"),
        "offline": Text("कैमरा रिकॉर्डर से जुड़ा नहीं है", "the camera does not answer the recorder"),
    },
    Role.CAMERA_RECORDING: {
        "proved": Text("रिकॉर्डिंग हो रही है, फ़ाइल देखकर जाँची", "recording, proved by a file"),
        "now": Text("रिकॉर्डर के अनुसार रिकॉर्डिंग हो रही है", "recording, by the recorder's own word"),
        "stopped": Text("{} के बाद कुछ रिकॉर्ड नहीं हुआ", "nothing recorded since {}"),
        "off": Text("रिकॉर्डिंग बंद रखी गई है", "recording is switched off"),
    },
    Role.CAMERA_PICTURE: {
        "ok": Text("दृश्य ठीक है", "the view is good"),
        "black": Text("तस्वीर काली है", "the picture is black"),
        "frozen": Text("तस्वीर रुकी हुई है", "the picture stands still"),
        "covered": Text("कैमरा ढका हुआ है", "the camera is covered"),
        "moved": Text("कैमरे की दिशा बदल गई है", "the camera was turned"),
    },
    Role.DISK: {
        "ok": Text("डिस्क ठीक है", "disks are good"),
        "failed": Text("डिस्क {} खराब है", "disk {} has failed"),
        "missing": Text("डिस्क {} नहीं मिल रही", "disk {} is missing"),
        "read-only": Text("डिस्क {} पर लिखा नहीं जा रहा", "disk {} cannot be written"),
        "unformatted": Text("डिस्क {} फ़ॉर्मैट नहीं है", "disk {} is not formatted"),
        "none": Text("रिकॉर्डर में कोई डिस्क नहीं है", "there is no disk in the recorder"),
    },
    Role.RETENTION: {
        "kept": Text("पूरे दिनों की रिकॉर्डिंग है", "kept as long as required"),
        "short": Text("रिकॉर्डिंग {} दिन की है, {} चाहिए", "{} days kept, {} are required"),
        "none": Text("कोई रिकॉर्डिंग नहीं मिली", "no recording was found"),
    },
    Role.RECORDER_ACCESS: {
        "ok": Text("पासवर्ड से सुरक्षित", "guarded by a password"),
        "open": Text("बिना पासवर्ड के सबके लिए खुला है", "open to anybody, without a password"),
        "factory": Text("कंपनी का मूल खाता काम में है", "the maker's own account is in use"),
    },
    Role.RECORDER_CLOCK: {
        "right": Text("घड़ी सही है", "the clock is right"),
        "wrong": Text("घड़ी {} है", "the clock is {}"),
    },
    Role.RECORDER: {
        "same": Text("वही रिकॉर्डर है", "the same recorder"),
        "changed": Text("दूसरा रिकॉर्डर उत्तर दे रहा है: {}", "another recorder answers: {}"),
    },
}
BARE: Mapping[tuple[Role, str], Text] = {  # the same words without a detail
    (Role.CAMERA_RECORDING, "stopped"): Text("रिकॉर्डिंग रुकी है", "recording has stopped"),
    (Role.DISK, "failed"): Text("डिस्क खराब है", "a disk has failed"),
    (Role.DISK, "missing"): Text("डिस्क नहीं मिल रही", "a disk is missing"),
    (Role.DISK, "read-only"): Text("डिस्क पर लिखा नहीं जा रहा", "a disk cannot be written"),
    (Role.DISK, "unformatted"): Text("डिस्क फ़ॉर्मैट नहीं है", "a disk is not formatted"),
    (Role.RETENTION, "short"): Text("रिकॉर्डिंग के दिन कम हैं", "fewer days kept than required"),
    (Role.RECORDER_CLOCK, "wrong"): Text("घड़ी गलत है", "the clock is wrong"),
    (Role.RECORDER, "changed"): Text("दूसरा रिकॉर्डर उत्तर दे रहा है", "another recorder answers"),
}
PANEL: Mapping[str, Text] = {  # a panel's words, whatever the point means
    "alarm": Text("पैनल ने अलार्म दिया", "the panel reports an alarm"),
    "trouble": Text("पैनल ने खराबी बताई", "the panel reports a fault"),
    "bypassed": Text("पैनल पर यह ज़ोन बंद रखा गया है", "switched off at the panel (bypassed)"),
}
FAST = Text("{} आगे", "{} fast")
SLOW = Text("{} पीछे", "{} slow")
SECONDS, MINUTES, HOURS, DAYS = (
    Text("{} सेकंड", "{} s"),
    Text("{} मिनट", "{} min"),
    Text("{} घंटे", "{} h"),
    Text("{} दिन", "{} days"),
)
ZONE = Text("ज़ोन {}", "zone {}")
_DRIFT = re.compile(r"([+-]?)(\d{1,9}) s")
# "130/5,131/2.7,+3": event/partition.zone; a printer's also name detector and place, "110/1:L1D5:STRONG_ROOM".
_EVENT = r"\d{3}(?:/[\d.]{1,8})?(?::[\w./-]{1,24}){0,2}"
_EVENTS = re.compile(rf"{_EVENT}(?:,{_EVENT})*(?:,\+\d+)?")
PLACES, LONG = 3, 30  # what a letter names at most, and in how many characters; the page has them all


SENSELESS = "senseless-value"  # the reason of a word that is no normal and no alarm


def fault(state: State, incident: Incident, language: str) -> str:
    """Why an incident's fault is one, as its people read it: the point's own words, else the reason, else its role's."""
    if (own := own_words(state, incident)) is not None:
        return own.of(language)
    if incident.reason:
        return words.reason(incident.reason, language)
    return f"{words.ROLES[incident.role].of(language)} ({ROLES[incident.role].event})"


def own_words(state: State, incident: Incident) -> Text | None:
    """What the point itself says of what is wrong, where its word is one that is known here."""
    if incident.closed_at is not None or incident.reason not in ("", SENSELESS):
        return None
    value = state.values.get(incident.key, "")
    text = Text(*(said(incident.role, value, language) for language in ("hi", "en")))
    return text if text.hi else None


def said(role: Role, value: str, language: str) -> str:
    """What a point's value says in the reader's language; "" for a word that nobody here knows."""
    word, _, detail = value.partition(" ")
    detail = detail.strip()[:MOST]
    text = SAID.get(role, {}).get(word)
    if text is None:
        return _panel(word, detail, language)
    template = text.of(language)
    parts = _parts(role, detail, language)
    if "{" not in template:
        return f"{template} ({detail})" if detail else template
    if template.count("{}") == len(parts):
        return template.format(*parts)
    bare = BARE[role, word].of(language)
    return f"{bare} ({detail})" if detail else bare


def _parts(role: Role, detail: str, language: str) -> list[str]:
    if not detail:
        return []
    if role is Role.RETENTION:
        return detail.split("/")
    if role is Role.RECORDER_CLOCK and (drift := _DRIFT.fullmatch(detail)):
        direction = SLOW if drift[1] == "-" else FAST
        return [direction.of(language).format(span(int(drift[2]), language))]
    return [detail]


def span(seconds: int, language: str) -> str:
    """A time that passed, as people say it: 312 s, 90 min, 3 days."""
    for longest, unit, one in ((600, SECONDS, 1), (180 * 60, MINUTES, 60), (48 * 3600, HOURS, 3600)):
        if seconds <= longest:
            return unit.of(language).format(seconds // one)
    return DAYS.of(language).format(seconds // 86_400)


def where(value: str, language: str) -> str:
    """Which of a panel's zones are in alarm behind a point that may have several, the newest first; "" of other points."""
    word, _, detail = value.partition(" ")
    places = _places(detail) if word == "alarm" else []
    several = ", ".join(places[:PLACES])
    named = several if len(several) <= LONG else places[0][:LONG]
    return ZONE.of(language).format(named) if named else ""


def _panel(word: str, detail: str, language: str) -> str:
    text = PANEL.get(word)
    if text is None:
        return ""
    if places := _places(detail):
        detail = ZONE.of(language).format(", ".join(places))
    return f"{text.of(language)}: {detail}" if detail else text.of(language)


def _places(detail: str) -> list[str]:
    """The zones of a panel's detail; empty when it names none."""
    if not _EVENTS.fullmatch(detail):
        return []
    found = dict.fromkeys(
        " ".join((event.partition("/")[2], *place)).replace("_", " ").strip() if event[0] != "+" else event
        for event, *place in (one.split(":") for one in detail.split(","))
    )
    return [one for one in found if one] if any(one and one[0] != "+" for one in found) else []
