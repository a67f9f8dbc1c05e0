"""What can be known of a branch from outside the daemon: mailboxes, the control room's copy of the facts, the API.

The scenes are judged by this and nothing else. It believes the copy, whose chain the room has proved, and what the
branch shows to anybody who asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from sentinel.core.facts import NoticeQueued
from sentinel.core.incident import State, evolve
from sentinel.core.model import Role

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.core.facts import Recorded
    from sentinel.core.incident import Incident, NoticeState
    from sentinel.demo.mail import Mail, Mailboxes
    from sentinel.demo.room import Room
    from sentinel.settings.site import Settings

ASK_S = 5.0
# What moves with time alone: ages, counts of reads and of what is recorded, and what a recorder's files amount to.
_MOVING = re.compile(
    r"sentinel_((zone|device)_age_seconds|read\w*|slots_skipped_total|telemetry_(points|waiting|oldest|spool_bytes)\w*"
    r"|recorder_(drift|retention)\w*|camera_(gap|oldest)\w*)\b"
)
AGES = ("age_s", "since_s")
FOOTAGE = ("drift_s", "retention_days", "oldest_days", "gap_s")
WELL = ("normal", "supervised")


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the branch shows of itself, but for what time alone moves: two of these are equal or something moved."""

    zones: dict[str, str]
    status: dict[str, Any]
    incidents: dict[str, Any]
    health: dict[str, Any]
    metrics: tuple[str, ...]


def _is_unjudged(zone: dict[str, Any]) -> bool:
    """What a camera shows is looked at once a day: unknown until then, and in no scene's way."""
    return bool(zone["role"] == Role.CAMERA_PICTURE and zone["state"] == "unknown")


class Outside:
    """The view on one branch. `begin` draws a line: what came before it does not count for a scene."""

    def __init__(self, settings: Settings, boxes: Mailboxes, room: Room, socket: Path) -> None:
        self.settings = settings
        self.branch = settings.branch.id
        self.boxes = boxes
        self.room = room
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket)), timeout=aiohttp.ClientTimeout(total=ASK_S)
        )
        self._state = State()
        self._folded = self._from_fact = self._from_mail = 0

    async def close(self) -> None:
        """Ask no more."""
        await self._session.close()

    def begin(self) -> None:
        """From here on."""
        self._from_fact, self._from_mail = len(self._all()), self.boxes.number

    # --- Mailboxes -------------------------------------------------------------------------------------------------

    def mails(self, to: str) -> list[Mail]:
        """What a contact's mailbox has got since the line."""
        address = self.settings.contacts[to].addresses["mail"]
        return [mail for mail in self.boxes.since(self._from_mail) if mail.to == address]

    def mailed(self) -> set[str]:
        """Everybody whose mailbox has got something since the line: contacts, and addresses that are nobody's."""
        owners = {contact.addresses.get("mail"): id_ for id_, contact in self.settings.contacts.items()}
        return {owners.get(mail.to, mail.to) for mail in self.boxes.since(self._from_mail)}

    def mail(self, to: str, begins: str, code: str) -> Mail | None:
        """The first letter to this contact about this code whose subject begins so."""
        said = f"{self.settings.branch.number}-{code}"
        found = (mail for mail in self.mails(to) if mail.subject.startswith(begins) and said in mail.body)
        return next(found, None)

    # --- The room's copy -------------------------------------------------------------------------------------------

    def facts(self) -> list[Recorded]:
        """Since the line."""
        return self._all()[self._from_fact :]

    def held(self) -> int:
        """How many facts the room's copy has."""
        return len(self._all())

    def state(self) -> State:
        """What the room's copy amounts to."""
        for recorded in self._all()[self._folded :]:
            self._state = evolve(self._state, recorded)
            self._folded += 1
        return self._state

    def incidents(self) -> list[Incident]:
        """All that the room knows of: open ones, then closed ones, newest first."""
        state = self.state()
        return [*state.incidents.values(), *state.recent]

    def opened(self, subject: str) -> Incident | None:
        """The open incident of this subject."""
        return next((one for one in self.state().incidents.values() if one.subject == subject), None)

    def notice(self, code: str, contact: str, channel: str) -> NoticeState | None:
        """How far the first notice to this contact got."""
        found = self.state().find(code)
        notices = () if found is None else found.notices.values()
        return next((one.state for one in notices if (one.contact, one.channel) == (contact, channel)), None)

    def told(self) -> set[str]:
        """The contacts for whom a notice was queued since the line."""
        return {one.fact.contact for one in self.facts() if isinstance(one.fact, NoticeQueued)}

    def notices(self) -> dict[str, dict[str, int]]:
        """{channel: {state: how many}} over everything."""
        found: dict[str, dict[str, int]] = {}
        for incident in self.incidents():
            for notice in incident.notices.values():
                counts = found.setdefault(notice.channel, {})
                counts[notice.state] = counts.get(notice.state, 0) + 1
        return found

    def _all(self) -> list[Recorded]:
        copy = self.room.copies.get(self.branch)
        return [] if copy is None else copy.facts

    # --- The branch's API ------------------------------------------------------------------------------------------

    async def ask(self, url: str) -> tuple[int, Any]:
        """A GET on the branch's socket: status and JSON."""
        async with self._session.get(f"http://branch{url}") as answer:
            return answer.status, await answer.json()

    async def acknowledge(self, code: str, by: str) -> int:
        """Somebody in the branch says that they have seen it; the HTTP status."""
        url = f"http://branch/api/v1/incidents/{code}/acknowledge"
        async with self._session.post(url, json={"by": by}) as answer:
            return answer.status

    async def shown(self) -> Shown:
        """Everything that the branch shows, at this moment."""
        _, status = await self.ask("/api/v1/status")
        _, incidents = await self.ask("/api/v1/incidents")
        _, health = await self.ask("/healthz")
        del status["at"]
        for part in ("zones", "devices", "ways"):
            status[part] = [{key: one[key] for key in one if key not in AGES} for one in status[part]]
        for part in ("recorders", "cameras"):
            status[part] = [{key: one[key] for key in one if key not in FOOTAGE} for one in status[part]]
        status["links"] = [link["id"] for link in status["links"]]
        record = status.pop("telemetry")
        status["record"] = [(one["up"], one["reason"]) for one in (record["spool"], record["store"])]
        zones = {zone["id"]: str(zone["state"]) for zone in status["zones"] if not _is_unjudged(zone)}
        return Shown(zones, status, incidents, health, tuple(await self._metrics()))

    async def readings(self) -> int:
        """How many readings the branch has taken since its start."""
        async with self._session.get("http://branch/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("sentinel_readings_total"))

    async def points(self) -> dict[str, int]:
        """How many points of telemetry were made, written, dropped, as the branch says."""
        _, status = await self.ask("/api/v1/status")
        points: dict[str, int] = status["telemetry"]["points"]
        return points

    async def page(self, port: int) -> str:
        """The branch's page as a browser gets it. aiohttp.ClientError where it does not open."""
        timeout = aiohttp.ClientTimeout(total=ASK_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.get(f"http://127.0.0.1:{port}/") as answer,
        ):
            return await answer.text()

    async def _metrics(self) -> list[str]:
        async with self._session.get("http://branch/metrics") as answer:
            return [line for line in (await answer.text()).splitlines() if not _MOVING.match(line)]

    async def is_ready(self) -> bool:
        """The branch answers, every zone is well, disk and database were tried, and the room holds all of its facts."""
        try:
            shown = await self.shown()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
        copy = self.room.copies.get(self.branch)
        heard = copy is not None and copy.seq > 0 and not copy.broken
        tried = all(up is not None for up, _ in shown.status["record"])
        return heard and tried and bool(shown.zones) and all(state in WELL for state in shown.zones.values())
