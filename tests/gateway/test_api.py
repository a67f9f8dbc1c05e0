"""The API on its real socket and port: JSON in every case, nothing to be changed by TCP, nothing to be learnt of a hold-up."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from sentinel.gateway import status
from tests.fakes import Story


async def test_a_healthy_branch_says_so(story: Story) -> None:
    assert await story.ask("GET", "/healthz") == (200, {"health": "ok", "reasons": []})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nothing", None, 404, "not-found"),
        ("DELETE", "/api/v1/status", None, 405, "method-not-allowed"),
        ("POST", "/api/v1/incidents/1/acknowledge", {}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": ""}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": "a\nb"}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": "\ud800"}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": "Kavi\u202etac"}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": "क्\u200dष"}, 404, "no-such-incident"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": 7}, 400, "no-name"),
        ("POST", "/api/v1/incidents/1/acknowledge", ["by"], 400, "not-an-object"),
        ("POST", "/api/v1/incidents/1/acknowledge", {"by": "Kavita"}, 404, "no-such-incident"),
    ],
)
async def test_every_error_is_json_of_one_form(
    story: Story, method: str, path: str, body: Any, status: int, code: str
) -> None:
    got, answer = await story.ask(method, path, body)
    assert got == status
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


async def test_a_body_that_is_no_json_is_refused_as_such(story: Story) -> None:
    async with story.session() as session:
        url = "http://localhost/api/v1/incidents/1/acknowledge"
        async with session.post(url, data=b"\xff\xfe{") as reply:
            assert reply.status == 400
            assert (await reply.json())["error"]["code"] == "not-json"
        async with session.post(url, data=b"x" * 100_000) as reply:
            assert reply.status == 413
            assert "error" in await reply.json()


async def test_an_acknowledgement_is_taken_and_one_for_a_closed_incident_is_not(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(2)
    code = story.incident().code
    status, shown = await story.ask("POST", f"/api/v1/incidents/{code}/acknowledge", {"by": "Kavita Verma"})
    assert (status, shown["state"], shown["answers"][0]["via"]) == (200, "open", "socket")
    await story.answer("close", "panic-gate", disposition="genuine")
    assert (await story.ask("POST", f"/api/v1/incidents/{code}/acknowledge", {"by": "x"}))[0] == 404
    _, listed = await story.ask("GET", "/api/v1/incidents")
    assert [one["disposition"] for one in listed["recent"]] == ["genuine"]


async def test_the_journal_can_be_proved_over_the_socket(story: Story) -> None:
    _, report = await story.ask("GET", "/api/v1/journal/verify")
    assert report == {"ok": True, "first_bad_seq": None, "why": ""}  # a count would move with a silent button


async def test_a_point_that_is_not_read_any_more_has_no_value_and_says_so(story: Story) -> None:
    async def shown() -> dict[str, Any]:
        _, got = await story.ask("GET", "/api/v1/points")
        return next(one for one in got["points"] if one["id"] == "battery.voltage")

    fresh = await shown()
    assert (fresh["quality"], fresh["unit"], fresh["zone"], fresh["low"]) == ("good", "V", "panel-battery", 11.8)
    assert fresh["value"] > 11.8
    assert fresh["age_s"] < 6
    story.silence("battery")
    await story.seconds(30)
    gone = await shown()
    assert (gone["quality"], gone["value"]) == ("failed", None)


async def test_a_plot_shows_what_a_point_did_and_stays_within_what_was_asked(story: Story) -> None:
    for volts in (12.0, 13.0, 12.5):
        story.release("panel-battery", volts)
        await story.minutes(1)
    _, plot = await story.ask("GET", "/api/v1/plot?point=battery.voltage")
    assert min(plot["low"]) == pytest.approx(12.0)
    assert plot["last"][-1] == pytest.approx(12.5)
    now = int(story.clock.wall().timestamp())
    _, plot = await story.ask("GET", f"/api/v1/plot?point=battery.voltage&from={now - 120}&to={now}&most=1")
    assert len(plot["at"]) <= 1
    _, plot = await story.ask(
        "GET", "/api/v1/plot?point=battery.voltage&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
    )
    assert plot["at"] == []


async def test_a_moment_is_the_same_in_seconds_and_in_words(story: Story) -> None:
    now = story.clock.wall().replace(microsecond=0)
    words, seconds = now.isoformat().replace("+", "%2B"), int(now.timestamp())
    place = "/api/v1/plot?point=battery.voltage&from=1&to="
    assert await story.ask("GET", f"{place}{words}") == await story.ask("GET", f"{place}{seconds}")


async def test_a_way_shows_since_when_it_is_so_and_what_it_last_carried(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(10)
    code = story.incident().code
    _, status = await story.ask("GET", "/api/v1/status")
    ways = {way["id"]: way for way in status["ways"]}
    assert all(way["up"] and way["since_s"] > 5 for way in ways.values())
    assert ways["channel:mail"]["carried"]["code"] == ways["room:durg"]["carried"]["code"] == code
    assert ways["room:durg"]["carried"]["contact"] == "thana"
    assert ways["channel:mail"]["carried"]["state"] == "sent"
    story.mail.down = True
    await story.minutes(3)
    _, status = await story.ask("GET", "/api/v1/status")
    mail = next(way for way in status["ways"] if way["id"] == "channel:mail")
    assert not mail["up"]
    assert mail["carried"]["at"] == ways["channel:mail"]["carried"]["at"], "what it carried while it could"


async def test_nothing_on_the_stream_moves_when_a_silent_button_is_pressed() -> None:
    async def seen(*, pressed: bool) -> list[dict[str, object]]:
        async with Story() as story:
            if pressed:
                story.press("hold-up-counter")
            found = []
            for _ in range(60):
                await story.seconds(5)
                found.append(status.sections(story.gateway))
            assert bool(story.mail.letters) is pressed
            return found

    assert await seen(pressed=True) == await seen(pressed=False)


async def test_over_tcp_only_loopback_is_answered_and_only_our_own_page_may_acknowledge() -> None:
    branch = Story(edits={"  page_port: null ": f"  page_port: {_free_port()} "})
    async with branch as story, aiohttp.ClientSession() as session:
        root = f"http://127.0.0.1:{story.gateway.server.port}"
        async with session.get(f"{root}/api/v1/status") as reply:
            assert reply.status == 200
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
        for host in ("evil.example", f"evil.example:{story.gateway.server.port}", "10.0.0.1", ""):
            async with session.get(f"{root}/api/v1/status", headers={"Host": host}) as reply:
                assert reply.status == 421, host
                assert (await reply.json())["error"]["code"] == "wrong-host"
        story.press("panic-gate")
        await story.seconds(2)
        url = f"{root}/api/v1/incidents/{story.incident().code}/acknowledge"
        strange: list[dict[str, str]] = [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}]
        for headers in strange:
            async with session.post(url, json={"by": "robber"}, headers=headers) as reply:
                assert reply.status == 403
                assert (await reply.json())["error"]["code"] == "not-this-page"
        assert not story.incident().answers
        async with session.post(url, json={"by": "Kavita"}, headers={"Sec-Fetch-Site": "same-origin"}) as reply:
            assert reply.status == 200
        assert len(story.incident().answers) == 1


async def test_a_number_that_is_none_is_shown_as_failed(story: Story) -> None:
    latest = story.gateway.sensing.latest
    for value in (float("nan"), float("inf")):
        latest["battery.voltage"] = replace(latest["battery.voltage"], value=value)
        shown = {one["id"]: one for one in status.points(story.gateway)}["battery.voltage"]
        assert (shown["value"], shown["quality"]) == (None, "failed")


async def test_in_the_middle_of_a_reload_that_drops_a_device_the_branch_still_answers(story: Story) -> None:
    left = {id_: one for id_, one in story.settings.devices.items() if id_ != "climate"}
    story.gateway.settings = replace(story.settings, devices=left)
    code, shown = await story.ask("GET", "/api/v1/status")
    assert code == 200
    assert "climate" not in [one["id"] for one in shown["devices"]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
