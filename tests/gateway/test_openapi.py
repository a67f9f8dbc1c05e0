"""openapi.json and the code say the same: no route, field or error is in the one and not in the other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError

from sentinel.gateway.api import routes
from tests.fakes import Story
from tests.gateway.contract import DOCUMENT, check, operations, path_of, schema
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


PLACES = re.compile("^/(api/|healthz$|metrics$)")
ACKNOWLEDGE = "/api/v1/incidents/{code}/acknowledge"


async def asked(story: Story, method: str, path: str, **more: Any) -> tuple[int, Any]:
    """One request of the real server; its answer is held to the file."""
    async with story.session() as session, session.request(method, f"http://localhost{path}", **more) as answer:
        body = await answer.read()
        check(method, path, answer.status, answer.headers["Content-Type"], body)
        return answer.status, json.loads(body) if "json" in answer.content_type else body.decode()


async def test_every_route_is_in_the_file_and_the_file_has_no_other(story: Story) -> None:
    served = {(route.method, route.path) for route in story.gateway.server._routes if PLACES.match(route.path)}
    assert served == operations()
    assert {(route.method, route.path) for route in routes(story.gateway)} <= served


def test_only_what_changes_nothing_can_be_asked_by_get_and_only_one_thing_changes_anything() -> None:
    assert {path for method, path in operations() if method != "GET"} == {ACKNOWLEDGE}


async def test_the_file_is_served_as_it_is(story: Story) -> None:
    assert await asked(story, "GET", "/api/v1/openapi.json") == (200, DOCUMENT)


def test_every_object_in_the_file_is_closed_and_every_field_is_promised() -> None:
    def objects(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "properties" in value and value.get("type") == "object":
                yield value
            for inner in value.values():
                yield from objects(inner)

    found = list(objects(DOCUMENT["components"]["schemas"]))
    assert len(found) > 20
    for one in found:
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_every_schema_is_used_and_every_operation_says_what_other_refusals_look_like() -> None:
    text = json.dumps(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name
        schema(name).check_schema(DOCUMENT["components"]["schemas"][name])
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Error"}
    identities = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(identities) == len(set(identities))


def test_a_field_that_nobody_wrote_down_would_be_noticed() -> None:
    good = {"health": "ok", "reasons": []}
    schema("Health").validate(good)
    with pytest.raises(ValidationError, match="Additional properties"):
        schema("Health").validate({**good, "mood": "fair"})
    with pytest.raises(ValidationError, match="required"):
        schema("Health").validate({"health": "ok"})


# --- Every answer of a branch to which much has happened ---------------------------------------------------------------


async def quiet(_story: Story) -> None:
    """Nothing has happened."""


async def eventful(story: Story) -> None:
    """Told, answered, closed, stale, down: as many kinds of values as a branch can show."""
    story.press("panic-gate")
    await story.seconds(5)
    await story.answer("acknowledge", "panic-gate")
    story.press("hold-up-counter")
    await story.seconds(5)
    await story.answer("close", "panic-gate", disposition="genuine")
    story.press("panic-gate")
    story.mail.down = True
    story.silence("panel")
    await story.minutes(2)


async def bare(story: Story) -> None:
    """The card takes nothing any more."""
    await story.gateway.journal.close()
    story.press("smoke-hall")
    await story.seconds(5)


async def spool_dead(story: Story) -> None:
    """The card under the record alone is dead."""
    story.card.dead = True
    await story.seconds(20)


BATTERY = "/api/v1/plot?point=battery.voltage"
ASKED = {
    ("GET", "/healthz"): 200,
    ("GET", "/metrics"): 200,
    ("GET", "/api/v1/status"): 200,
    ("GET", "/api/v1/incidents"): 200,
    ("GET", "/api/v1/journal/verify"): 200,
    ("GET", "/api/v1/points"): 200,
    ("GET", BATTERY): 200,
    ("GET", f"{BATTERY}&from=0&to=9999999999&most=2000"): 200,
    ("GET", f"{BATTERY}&from=2026-06-01T00:00:00Z&to=2026-06-01T12:00:00Z"): 200,
    ("GET", f"{BATTERY}&from=2026-06-01T05:30:00%2B05:30&to=1780315200.5"): 200,
    ("GET", f"{BATTERY}&from=5&to=5"): 400,
    ("GET", f"{BATTERY}&from=yesterday"): 400,
    ("GET", f"{BATTERY}&to=2026-06-01T12:00:00"): 400,
    ("GET", f"{BATTERY}&most=0"): 400,
    ("GET", f"{BATTERY}&most=2001"): 400,
    ("GET", "/api/v1/plot"): 404,
    ("GET", "/api/v1/plot?point=panel.di1"): 404,
    ("GET", "/api/v1/nothing"): 404,
    ("PUT", "/api/v1/status"): 405,
    ("POST", "/api/v1/points"): 405,
    ("GET", "/api/v1/incidents/1/acknowledge"): 405,
    ("GET", f"/api/v1/incidents/1/pictures/{'a' * 64}"): 404,
}
WHEN_BARE = ASKED | {("GET", "/healthz"): 503, ("GET", "/api/v1/journal/verify"): 503}
WITHOUT_A_SPOOL = ASKED | {
    request: 503 for request, status in ASKED.items() if request[1].startswith(BATTERY) and status == 200
}


@pytest.mark.parametrize(
    ("what", "wanted"), [(quiet, ASKED), (eventful, ASKED), (bare, WHEN_BARE), (spool_dead, WITHOUT_A_SPOOL)]
)
async def test_every_answer_is_as_the_file_says(
    story: Story, what: Callable[[Story], Awaitable[None]], wanted: dict[tuple[str, str], int]
) -> None:
    await what(story)
    assert {(method, path): (await asked(story, method, path))[0] for method, path in wanted} == wanted


def test_every_operation_is_asked_in_these_tests() -> None:
    elsewhere = {("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/stream"), ("POST", ACKNOWLEDGE)}
    assert {(method, path_of(path)) for method, path in ASKED} >= operations() - elsewhere


async def test_over_the_port_a_refusal_has_the_same_form() -> None:
    async with Story(edits={"  page_port: null ": f"  page_port: {free_port()} "}) as story, ClientSession() as session:
        for method, path, headers, wanted in (
            ("GET", "/api/v1/status", {}, 200),
            ("GET", "/api/v1/status", {"Host": "evil.example"}, 421),
            ("POST", "/api/v1/incidents/1/acknowledge", {}, 403),
            ("DELETE", "/api/v1/status", {}, 405),
        ):
            url = f"http://127.0.0.1:{story.gateway.server.port}{path}"
            async with session.request(method, url, headers=headers) as answer:
                assert answer.status == wanted
                check(method, path, answer.status, answer.headers["Content-Type"], await answer.read())


async def test_an_acknowledgement_is_taken_also_while_no_fact_can_be_written(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(2)
    code = story.incident().code
    await bare(story)
    status, shown = await asked(story, "POST", ACKNOWLEDGE.format(code=code), json={"by": "Kavita Verma"})
    assert (status, len(shown["answers"])) == (200, 1)


async def test_an_acknowledgement_is_answered_as_the_file_says(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(2)
    path = ACKNOWLEDGE.format(code=f"17-{story.incident().code}")
    assert (await asked(story, "POST", path, json={"by": "Kavita Verma"}))[0] == 200
    assert (await asked(story, "POST", path, json={}))[0] == 400
    assert (await asked(story, "POST", path, json=[]))[0] == 400
    assert (await asked(story, "POST", path, data=b"{"))[0] == 400
    assert (await asked(story, "POST", path, data=b"x" * 100_000))[0] == 413
    assert (await asked(story, "POST", ACKNOWLEDGE.format(code="0"), json={"by": "x"}))[0] == 404


# --- The stream ----------------------------------------------------------------------------------------------------------


async def events(story: Story, query: str, until: str) -> list[tuple[str, Any]]:
    """(event, data) of the stream until this event has come."""
    found: list[tuple[str, Any]] = []
    name = ""
    async with story.session() as session, session.get(f"http://localhost/api/v1/stream{query}") as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                found.append((name, json.loads(value)))
                if name == until:
                    return found
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("what", [quiet, eventful])
async def test_what_a_program_hears_on_the_stream_is_as_the_file_says(
    story: Story, what: Callable[[Story], Awaitable[None]]
) -> None:
    await what(story)
    heard = await events(story, "", "ping")
    sections = {data["id"]: data["value"] for name, data in heard if name == "section"}
    assert sections.keys() == {"head", "incidents", "zones", "devices", "cameras", "ways", "telemetry"}
    for name, data in heard:
        schema("SectionEvent" if name == "section" else "PingEvent").validate(data)
    _, status = await asked(story, "GET", "/api/v1/status")
    assert [zone["state"] for zone in sections["zones"]] == [zone["state"] for zone in status["zones"]]


async def test_what_the_page_hears_is_as_the_file_says(story: Story) -> None:
    for name, data in await events(story, "?lang=hi", "ping"):
        schema("HtmlEvent" if name == "section" else "PingEvent").validate(data)


async def test_a_language_that_nobody_speaks_here_is_refused_as_the_file_says(story: Story) -> None:
    assert (await asked(story, "GET", "/api/v1/stream?lang=xx"))[0] == 400


# --- Whatever is asked, never a 500 ------------------------------------------------------------------------------------


WORD = st.one_of(
    st.text(max_size=40),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.datetimes().map(lambda when: when.isoformat()),
    st.datetimes(timezones=st.timezones()).map(lambda when: when.isoformat()),
    st.sampled_from(["battery.voltage", "9" * 400, "1e999", "0x10", "٣", "+1", "-0", "0001-01-01T00:00:00+14:00"]),
)
ASKING = st.dictionaries(st.sampled_from(["point", "from", "to", "most", "x"]), WORD)
SAYING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["by", "who", ""]), inner, max_size=3),
    max_leaves=4,
)


WITHIN_ONE_STORY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@WITHIN_ONE_STORY
@given(query=ASKING, point=st.booleans())
async def test_whatever_is_asked_of_a_plot_it_is_answered(story: Story, query: dict[str, str], point: bool) -> None:
    params = {"point": "battery.voltage", **query} if point else query
    assert (await asked(story, "GET", "/api/v1/plot", params=params))[0] in (200, 400, 404)


@WITHIN_ONE_STORY
@given(code=st.text(min_size=1, max_size=20) | st.none(), said=SAYING)
async def test_whatever_is_said_about_whatever_code_it_is_answered(
    story: Story, code: str | None, said: object
) -> None:
    if not story.subjects():
        story.press("panic-gate")
        await story.seconds(2)
    place = quote(story.incident().code if code is None else code, safe="")
    got, _ = await asked(story, "POST", ACKNOWLEDGE.format(code=place), json=said)
    assert got in (200, 400, 404)
