"""`sentinel status` on one screen: what waits for the database is one line, and what is down says why."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from sentinel.commands.ask import _is_no_finding
from sentinel.web.server import reply
from tests.commands.test_ask import answering
from tests.gateway.contract import schema

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

POINTS = {"made": 10, "written": 10, "waiting": 0, "dropped": 0, "poisoned": 0}
SPOOL = {
    "up": True, "reason": "", "since_s": 5.0, "bytes": 0, "limit_bytes": 1, "days": 30, "oldest_age_s": 0.0,
    "disk_free_bytes": None,
}  # fmt: skip
STORE = {"server": "influx.example:8086", "up": True, "reason": "", "since_s": 5.0, "written_age_s": 1.0}
CARRIED = {"code": "4821", "what": "alarm", "contact": "sho", "state": "sent", "at": "2026-06-01T06:30:00.000Z"}


def shown(telemetry: dict[str, Any], ways: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer of the API as it may be."""
    both = {"hi": "शाखा", "en": "Branch"}
    answer = {
        "branch": {"id": "b", "number": 17, "name": both}, "version": "1", "at": "2026-06-01T06:30:00.000Z",
        "clock": "synced", "health": "ok", "reasons": [], "zones": [], "links": [], "devices": [], "recorders": [], "cameras": [], "places": [], "ways": ways,
        "notices": {}, "incidents": 0, "telemetry": telemetry,
    }  # fmt: skip
    schema("Status").validate(answer)
    return answer


async def printed(path: Path, answer: dict[str, Any]) -> str:
    async def status(_request: web.Request) -> web.Response:
        return reply(answer)

    async with answering(path / "s", [web.get("/api/v1/status", status)]):
        command = [sys.executable, "-m", "sentinel.cli", "status", "--socket", str(path / "s")]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


@pytest.mark.parametrize(
    ("points", "spool", "store", "line"),
    [
        ({}, {}, {}, "  telemetry: 0 points waiting; database influx.example:8086 up"),
        (
            {"waiting": 912},
            {"oldest_age_s": 75.2},
            {"up": False, "reason": "refused"},
            "x telemetry: 912 points waiting, the oldest for 75 s; database influx.example:8086 down, refused",
        ),
        (
            {"dropped": 4, "poisoned": 1},
            {"up": False, "reason": "no-room"},
            {"up": None},
            "x telemetry: 0 points waiting; 4 dropped; 1 poisoned; database influx.example:8086 unknown; spool down, no-room",
        ),
        ({}, {}, None, "  telemetry: no database configured"),
    ],
)
async def test_the_record_is_one_line(
    tmp_path: Path, points: dict[str, int], spool: dict[str, Any], store: dict[str, Any] | None, line: str
) -> None:
    told = {"points": POINTS | points, "spool": SPOOL | spool, "store": None if store is None else STORE | store}
    assert line in (await printed(tmp_path, shown(told, []))).splitlines()


async def test_a_way_out_says_what_it_last_carried_and_why_it_is_down(tmp_path: Path) -> None:
    ways: list[dict[str, Any]] = [
        {"id": "channel:mail", "up": True, "reason": "", "since_s": 60.0, "carried": CARRIED},
        {"id": "room:durg", "up": False, "reason": "silent", "since_s": 60.0, "carried": None},
    ]
    lines = (await printed(tmp_path, shown({"points": POINTS, "spool": SPOOL, "store": None}, ways))).splitlines()
    assert "  channel:mail: up, last carried 4821 to sho at 2026-06-01T06:30:00Z" in lines
    assert "x room:durg: down, silent" in lines


@pytest.mark.parametrize(
    ("state", "reason", "role", "no_finding"),
    [
        ("normal", "", "disk", True),
        ("supervised", "", "hold-up", True),
        ("alarm", "", "disk", False),
        ("unknown", "", "disk", False),
        ("unknown", "no-reply", "camera-picture", False),
        ("unknown", "", "camera-picture", True),  # it is looked at once a day
        ("unknown", "unsupported", "disk", True),  # neither broken nor fine, and never known
        ("alarm", "", "camera-picture", False),
    ],
)
def test_what_a_device_cannot_say_is_no_finding(state: str, reason: str, role: str, *, no_finding: bool) -> None:
    assert _is_no_finding({"state": state, "reason": reason, "role": role}) is no_finding
