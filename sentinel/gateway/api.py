"""The branch's HTTP API: what `showing` lets out, health, metrics, and the one thing the branch may say: acknowledged.

Every answer to a request of the branch is the same whether a hold-up is open or not (rule 6).
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from sentinel.gateway import showing, status
from sentinel.gateway.answers import by_socket, code_in
from sentinel.gateway.letters import names_of
from sentinel.web.server import HEADERS, Refusal, body, refused, reply

if TYPE_CHECKING:
    from sentinel.gateway.app import Gateway

NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,80}")


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """All routes of a branch."""
    api = _Api(gateway)
    return [
        web.get("/healthz", api.healthz),
        web.get("/metrics", api.metrics),
        web.get("/api/v1/status", api.status),
        web.get("/api/v1/incidents", api.incidents),
        web.post("/api/v1/incidents/{code}/acknowledge", api.acknowledge),
        web.get("/api/v1/journal/verify", api.verify),
    ]


class _Api:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def healthz(self, _request: web.Request) -> web.Response:
        health = self._gateway.health()
        return reply({"health": health.word, "reasons": health.reasons}, 200 if health.word == "ok" else 503)

    async def status(self, _request: web.Request) -> web.Response:
        return reply(await status.status(self._gateway))

    async def incidents(self, _request: web.Request) -> web.Response:
        gateway = self._gateway
        return reply(showing.incidents(gateway.desk.state, names_of(gateway.settings), gateway.clock.now()))

    async def acknowledge(self, request: web.Request) -> web.Response:
        given = await body(request)
        who = given.get("by")
        if not isinstance(who, str) or NAME.fullmatch(who) is None:
            raise Refusal(400, "no-name", "say who acknowledges: by, 1 to 80 characters on one line")
        gateway, code = self._gateway, code_in(request.match_info["code"])
        incident = gateway.desk.state.incidents.get(code)
        if incident is None or incident.silent:
            return refused(404, "no-such-incident", f"no open incident has the code {code}")
        command = by_socket(code, "local", await gateway.names.remember(who), secrets.token_hex(8), gateway.clock.now())
        await gateway.desk.submit(command)
        after = gateway.desk.state.find(code)
        answered = after is not None and len(after.answers) > len(incident.answers)
        if after is None or not answered:
            return refused(409, "refused", "the answer was not taken; see the journal")
        return reply(showing.incident(after, names_of(gateway.settings), gateway.clock.now()))

    async def verify(self, _request: web.Request) -> web.Response:
        report = await self._gateway.verify()
        # No count and no head: they move when a silent button is pressed.
        return reply({"ok": report.ok, "first_bad_seq": report.first_bad_seq, "why": report.why})

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=exposition(status.figures(self._gateway)), content_type="text/plain", headers=HEADERS)


def exposition(figures: list[tuple[str, dict[str, str], float]]) -> str:
    """Prometheus text format, version 0.0.4."""
    lines: list[str] = []
    seen: set[str] = set()
    for name, labels, value in figures:
        if name not in seen:
            seen.add(name)
            lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
