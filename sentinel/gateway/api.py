"""The branch's HTTP API: what `showing` lets out, health, metrics, and the one thing the branch may say: acknowledged.

Every answer to a request of the branch is the same whether a hold-up is open or not (rule 6). openapi.json says what
each answer holds, and the tests hold both to it.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from sentinel.core.model import Via
from sentinel.gateway import metrics, showing, status
from sentinel.gateway.answers import code_in, here
from sentinel.gateway.letters import names_of
from sentinel.journal.errors import JournalUnavailable
from sentinel.telemetry.model import SpoolUnavailable
from sentinel.web.server import HEADERS, Refusal, body, by_socket, refused, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.gateway.app import Gateway

# No control characters, nor those that turn the rest of a line round; joiners stay, Hindi needs them.
NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,80}")
SECONDS = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")
DAY_S = 86_400
MOST, ROWS = 2000, 600  # rows of a plot: at most, and when nobody says


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """All routes of a branch, but for its page and stream."""
    api = _Api(gateway)
    return [
        web.get("/healthz", api.healthz),
        web.get("/metrics", api.metrics),
        web.get("/api/v1/openapi.json", api.openapi),
        web.get("/api/v1/status", api.status),
        web.get("/api/v1/incidents", api.incidents),
        web.post("/api/v1/incidents/{code}/acknowledge", api.acknowledge),
        web.get("/api/v1/incidents/{code}/pictures/{ref}", api.picture),
        web.get("/api/v1/journal/verify", api.verify),
        web.get("/api/v1/points", api.points),
        web.get("/api/v1/plot", api.plot),
    ]


class _Api:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._description = Path(__file__).with_name("openapi.json").read_bytes()

    async def healthz(self, _request: web.Request) -> web.Response:
        health = self._gateway.health()
        return reply({"health": health.word, "reasons": health.reasons}, 200 if health.word == "ok" else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        headers = {**HEADERS, "Content-Type": metrics.CONTENT_TYPE}
        return web.Response(text=metrics.metrics(self._gateway), headers=headers)

    async def openapi(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._description, content_type="application/json", headers=HEADERS)

    async def status(self, _request: web.Request) -> web.Response:
        return reply(status.status(self._gateway))

    async def incidents(self, _request: web.Request) -> web.Response:
        gateway = self._gateway
        return reply(showing.incidents(gateway.desk.state, names_of(gateway.settings), gateway.clock.now()))

    async def acknowledge(self, request: web.Request) -> web.Response:
        given = await body(request)
        who = given.get("by")
        if not isinstance(who, str) or NAME.fullmatch(who) is None:
            raise Refusal(400, "no-name", "say who acknowledges: by, 1 to 80 characters on one line")
        gateway, code = self._gateway, code_in(request.match_info["code"], self._gateway.settings.branch.number)
        incident = gateway.desk.state.open(code)
        if incident is None or incident.silent:
            return refused(404, "no-such-incident", f"no open incident has the code {code}")
        via, name = Via.SOCKET if by_socket(request) else Via.PAGE, await gateway.names.remember(who)
        await gateway.desk.submit(here(via, code, "local", name, secrets.token_hex(8), gateway.clock.now()))
        after = gateway.desk.state.find(code)
        answered = after is not None and len(after.answers) > len(incident.answers)
        if after is None or not answered:
            return refused(409, "refused", "the answer was not taken; see the journal")
        return reply(showing.incident(after, gateway.desk.state, names_of(gateway.settings), gateway.clock.now()))

    async def picture(self, request: web.Request) -> web.Response:
        gateway, ref = self._gateway, request.match_info["ref"]
        code = code_in(request.match_info["code"], gateway.settings.branch.number)
        incident = gateway.desk.state.find(code)
        known = incident is not None and not incident.silent and any(one.ref == ref for one in incident.pictures)
        data = await gateway.pictures.read(ref) if known else None
        if data is None:  # the same for one that was erased, that never was, and of which the branch may not know
            return refused(404, "no-such-picture", "there is no such picture of this incident, or it was erased")
        return web.Response(body=data, content_type="image/jpeg", headers=HEADERS)

    async def verify(self, _request: web.Request) -> web.Response:
        try:
            report = await self._gateway.verify()
        except JournalUnavailable as error:
            return refused(503, "journal-unavailable", str(error))
        # No count and no head: they move when a silent button is pressed.
        return reply({"ok": report.ok, "first_bad_seq": report.first_bad_seq, "why": report.why})

    async def points(self, _request: web.Request) -> web.Response:
        return reply({"points": status.points(self._gateway)})

    async def plot(self, request: web.Request) -> web.Response:
        query, gateway = request.query, self._gateway
        end_s = _moment(query, "to", int(gateway.clock.now().timestamp()))
        begin_s = _moment(query, "from", max(0, end_s - DAY_S))
        if begin_s >= end_s:
            raise Refusal(400, "no-span", "from must be before to")
        most = query.get("most", str(ROWS))
        if re.fullmatch("[0-9]{1,4}", most) is None or not 1 <= int(most) <= MOST:
            raise Refusal(400, "bad-most", f"most is 1 to {MOST}")
        try:
            plot = await gateway.recorder.plot(query.get("point", ""), begin_s, end_s, int(most))
        except LookupError:
            raise Refusal(404, "no-such-point", "point is none of /api/v1/points") from None
        except SpoolUnavailable as error:
            raise Refusal(503, "no-record", f"the record cannot be read now: {error}") from None
        return reply(
            {
                "point": plot.point,
                "step_s": plot.step_s,
                "at": plot.at,
                "low": plot.low,
                "high": plot.high,
                "last": plot.last,
            }
        )


def _moment(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """Seconds since 1970, from those or from ISO 8601 with its zone."""
    given = query.get(name)
    if given is None:
        return otherwise
    if SECONDS.fullmatch(given):
        return int(float(given))
    try:
        when = datetime.fromisoformat(given)
        if when.tzinfo is not None and when.timestamp() >= 0:
            return int(when.timestamp())
    except (ValueError, OverflowError):
        pass
    raise Refusal(400, f"bad-{name}", f"{name} is seconds since 1970, or as 2026-11-23T18:00:00Z (a + is written %2B)")
