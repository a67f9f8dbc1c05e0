"""The event stream over a real port, read as a browser reads it: what comes first, what after, and after a gap."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from sentinel.web import server as module_server
from sentinel.web import stream as module
from sentinel.web.stream import Stream
from tests.web.serving import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.real

EVERY_S = 0.02


@dataclass
class Branch:
    """What is to be seen, and how often somebody looked."""

    shown: dict[str, Any] = field(default_factory=lambda: {"zones": "all quiet", "ways": "all up"})
    looks: list[str] = field(default_factory=list)
    fails: bool = False
    falls: int = 0

    def sections(self, lang: str) -> Mapping[str, object]:
        self.looks.append(lang)
        if self.fails:
            raise KeyError("a section that cannot be rendered")
        return (
            self.shown if lang == "" else {id_: f'<p id="{id_}">{lang} {text}</p>' for id_, text in self.shown.items()}
        )

    def pulse(self) -> Mapping[str, object]:
        return {"health": "ok"}


@dataclass(frozen=True)
class Event:
    """One event as the browser has it: its id is the last that came, its own or an earlier one."""

    kind: str
    data: Any
    id: str
    own: bool


class Reader:
    """One connection."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last = ""

    async def next(self) -> Event:
        kind, data, own = "", "", False
        async with asyncio.timeout(5):
            async for raw in self.answer.content:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = value
                elif name == "id":
                    self.last, own = value, True
                elif name == "" and kind:
                    return Event(kind, json.loads(data), self.last, own)
        raise EOFError

    async def sections(self, until: int) -> list[Event]:
        """The next so many sections, whatever pings are between them."""
        found: list[Event] = []
        while len(found) < until:
            event = await self.next()
            if event.kind == "section":
                found.append(event)
        return found

    async def ping(self) -> Any:
        while (event := await self.next()).kind != "ping":
            pass
        return event.data

    async def silent_for(self, seconds: float) -> bool:
        """True when nothing at all came in that time, once what was on its way is read."""
        for _ in range(10):
            try:
                async with asyncio.timeout(seconds):
                    await self.next()
            except TimeoutError:
                return True
        return False

    async def nothing_but_pings(self, pings: int) -> None:
        assert [(await self.next()).kind for _ in range(pings)] == ["ping"] * pings


class House:
    """A branch, its stream, and a server; `reader` opens connections to it."""

    def __init__(self, served: Served, branch: Branch, stream: Stream, session: aiohttp.ClientSession) -> None:
        self.url = f"{served.url}/api/v1/stream"
        self.served, self.branch, self.stream, self.session = served, branch, stream, session

    @asynccontextmanager
    async def reader(self, lang: str = "hi", last: str = "", after: str = "") -> AsyncIterator[Reader]:
        query = {name: text for name, text in (("lang", lang), ("after", after)) if text}
        headers = {"Last-Event-ID": last} if last else {}
        async with self.session.get(self.url, params=query, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield Reader(answer)

    async def watched_by(self, number: int) -> None:
        async with asyncio.timeout(5):
            while self.stream.watching() != number:
                await asyncio.sleep(0.005)

    async def rounds(self, number: int) -> None:
        await asyncio.sleep(EVERY_S * (number + 0.5))


@asynccontextmanager
async def house(folder: Path, boot: str = "boot", every_s: float = EVERY_S) -> AsyncIterator[House]:
    branch = Branch()
    stream = Stream(boot, branch.sections, branch.pulse, lambda: 1794000000.12345, every_s)

    async def supervised() -> None:  # as `duty.supervise` does
        while True:
            try:
                await stream.run()
            except KeyError:
                branch.falls += 1
                await asyncio.sleep(EVERY_S)

    async with serving(folder, stream.routes(), supervised) as served, aiohttp.ClientSession() as session:
        yield House(served, branch, stream, session)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as one:
        yield one


# --- What comes ----------------------------------------------------------------------------------------------------------


async def test_a_viewer_sees_everything_first_then_what_changes_and_pings_all_the_time(here: House) -> None:
    async with here.reader() as reader:
        zones, ways = await reader.sections(2)
        assert zones.data == {"id": "zones", "html": '<p id="zones">hi all quiet</p>'}
        assert ways.data == {"id": "ways", "html": '<p id="ways">hi all up</p>'}
        assert await reader.ping() == {"at": 1794000000.123, "health": "ok"}
        await reader.nothing_but_pings(3)
        here.branch.shown["zones"] = "शटर खुला <b>अभी</b>\nपंक्ति\u2028दो"
        (changed,) = await reader.sections(1)
        assert changed.data == {"id": "zones", "html": f'<p id="zones">hi {here.branch.shown["zones"]}</p>'}
        await reader.nothing_but_pings(3)


async def test_a_program_gets_values_and_each_reader_its_own_language(here: House) -> None:
    here.branch.shown["zones"] = [{"id": "vault", "state": "normal"}]
    async with here.reader("") as program, here.reader("en") as person:
        assert (await program.sections(1))[0].data == {"id": "zones", "value": [{"id": "vault", "state": "normal"}]}
        assert (await person.sections(1))[0].data["html"].startswith('<p id="zones">en ')


async def test_a_section_that_is_gone_is_emptied_and_not_left_standing(here: House) -> None:
    async with here.reader() as reader, here.reader("") as program:
        await reader.sections(2)
        await program.sections(2)
        del here.branch.shown["ways"]
        assert (await reader.sections(1))[0].data == {"id": "ways", "html": ""}
        assert (await program.sections(1))[0].data == {"id": "ways", "value": None}


async def test_a_ping_comes_each_round_and_the_first_one_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, every_s=0.5) as here, here.reader() as reader:
        began = time.monotonic()
        await reader.ping()
        assert time.monotonic() - began < 0.4
        await reader.ping()
        second = time.monotonic()
        await reader.ping()
        assert time.monotonic() - second == pytest.approx(0.5, abs=0.3)


async def test_nobody_is_rendered_for_when_nobody_watches(here: House) -> None:
    await here.rounds(5)
    assert here.branch.looks == []
    async with here.reader("hi") as reader:
        await reader.sections(2)
    await here.watched_by(0)
    here.branch.looks.clear()
    await here.rounds(5)
    assert here.branch.looks == []


async def test_twenty_viewers_of_one_language_cost_one_rendering_a_round(tmp_path: Path) -> None:
    async with house(tmp_path, every_s=0.5) as here, AsyncExitStack() as open_:
        began = time.monotonic()
        readers = [await open_.enter_async_context(here.reader()) for _ in range(20)]
        for reader in readers:
            assert len(await reader.sections(2)) == 2
        assert set(here.branch.looks) == {"hi"}
        assert len(here.branch.looks) <= (time.monotonic() - began) / 0.5 + 2


# --- After a gap -----------------------------------------------------------------------------------------------------------


async def test_who_comes_back_gets_exactly_what_was_missed(here: House) -> None:
    async with here.reader() as witness, here.reader() as reader:
        await witness.sections(2)
        await reader.sections(2)
        for number in range(10):
            here.branch.shown["zones"] = number
            seen = (await witness.sections(1))[0]
            if number < 4:
                last = (await reader.sections(1))[0]
                assert last == seen
            if number == 4:
                reader.answer.close()
                await here.watched_by(1)
        missed = [f'<p id="zones">hi {number}</p>' for number in range(4, 10)]
        for how in ({"last": last.id}, {"after": last.id}, {"last": last.id, "after": "boothi-1"}):
            async with here.reader(**how) as again:
                assert [event.data["html"] for event in await again.sections(6)] == missed
                await again.nothing_but_pings(2)


async def test_who_missed_nothing_gets_nothing_again(here: House) -> None:
    async with here.reader() as reader:
        last = (await reader.sections(2))[-1].id
    async with here.reader(last=last) as again:
        await again.nothing_but_pings(3)


async def test_what_changed_while_nobody_watched_is_not_missed_either(here: House) -> None:
    async with here.reader() as reader:
        last = (await reader.sections(2))[-1].id
    await here.watched_by(0)
    here.branch.shown["ways"] = "lte is down"
    await here.rounds(3)
    async with here.reader(last=last) as again:
        assert [event.data["id"] for event in await again.sections(1)] == ["ways"]
        await again.nothing_but_pings(2)


async def test_who_was_cut_off_in_the_middle_of_the_whole_does_not_seem_to_have_it(here: House) -> None:
    async with here.reader() as reader:
        first, last = await reader.sections(2)
    assert (first.own, last.own) == (False, True)
    async with here.reader(last=first.id) as again:
        assert len(await again.sections(2)) == 2


async def test_another_life_of_the_daemon_begins_with_the_whole(tmp_path: Path) -> None:
    async with house(tmp_path, boot="first") as before, before.reader() as reader:
        last = (await reader.sections(2))[-1].id
    async with house(tmp_path, boot="second") as after, after.reader(last=last) as again:
        assert [event.data["id"] for event in await again.sections(2)] == ["zones", "ways"]


async def test_what_the_ring_has_forgotten_comes_whole(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RING", 3)
    async with here.reader() as reader:
        await reader.sections(2)
        ids = []
        for number in range(6):
            here.branch.shown["zones"] = number
            ids.append((await reader.sections(1))[0].id)
    async with here.reader(last=ids[0]) as again:
        assert [event.data["id"] for event in await again.sections(2)] == ["zones", "ways"]
    async with here.reader(last=ids[2]) as again:
        assert [event.id for event in await again.sections(3)] == ids[3:]


async def test_the_ring_is_bounded_in_bytes_too(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RING_BYTES", 1000)
    async with here.reader() as reader:
        await reader.sections(2)
        here.branch.shown["zones"] = "x" * 600
        last = (await reader.sections(1))[0].id
        here.branch.shown["zones"] = "y" * 600
        await reader.sections(1)
    async with here.reader(last=last) as again:
        assert (
            len((await again.sections(1))[0].data["html"]) > 600
        )  # the newest is there, though it fills the ring alone


@pytest.mark.parametrize(
    "last",
    [
        "boothi-999", "boothi--1", "boothi-", "boothi", "-2", "booten-2", "boot-2", "boothi-2-2", "boothi-٢", "boothi-2.0",
        "boothi-" + "9" * 400, "x" * 4000, "boothi-2 ", "'; DROP TABLE facts; --", "boothi-1e0", "\u00ff\u00fe",
    ],
)  # fmt: skip
async def test_an_id_that_we_never_gave_gets_the_whole(here: House, last: str) -> None:
    async with here.reader() as reader:
        await reader.sections(2)
        async with here.reader(after=last) as again:
            assert [event.data["id"] for event in await again.sections(2)] == ["zones", "ways"]
        if last.isascii():
            async with here.reader(last=last.strip() + "!") as again:
                assert [event.data["id"] for event in await again.sections(2)] == ["zones", "ways"]


# --- When something is wrong -----------------------------------------------------------------------------------------------


async def test_when_a_section_cannot_be_rendered_nothing_pretends_to_be_fresh_and_nobody_is_thrown_out(
    here: House,
) -> None:
    async with here.reader() as reader:
        await reader.sections(2)
        here.branch.fails = True
        async with asyncio.timeout(5):
            while here.branch.falls < 3:  # it goes up, to whom starts it again
                await here.rounds(1)
        assert here.stream.watching() == 1
        assert await reader.silent_for(5 * EVERY_S)
        here.branch.fails = False
        here.branch.shown["zones"] = "and on"
        assert (await reader.sections(1))[0].data["html"] == '<p id="zones">hi and on</p>'


async def test_a_value_that_is_no_json_is_a_fall_and_not_a_broken_message(here: House) -> None:
    here.branch.shown["zones"] = float("nan")

    def refuse(_: str) -> Mapping[str, object]:
        return here.branch.shown

    stream = Stream("boot", refuse, dict, float, EVERY_S)
    async with serving(here.served.socket.parent / "other", stream.routes()) as served:
        run = asyncio.create_task(stream.run())
        async with here.session.get(f"{served.url}/api/v1/stream"):
            with pytest.raises(ValueError, match="Out of range float"):
                await run


@asynccontextmanager
async def sleeper(here: House) -> AsyncIterator[socket.socket]:
    """Somebody who asks for the stream and then reads nothing."""
    loop = asyncio.get_running_loop()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        await loop.sock_connect(slow, ("127.0.0.1", here.served.server.port))
        await loop.sock_sendall(slow, b"GET /api/v1/stream?lang=hi HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        yield slow


async def test_a_viewer_that_does_not_read_is_cut_and_the_others_see_nothing_of_it(here: House) -> None:
    async with here.reader() as reader:
        await reader.sections(2)
        async with sleeper(here):
            await here.watched_by(2)
            for number in range(200):
                here.branch.shown["zones"] = f"{number} " + "x" * 200_000
                assert (await reader.sections(1))[0].data["html"].startswith(f'<p id="zones">hi {number} ')
                if here.stream.watching() == 1:
                    break
            assert here.stream.watching() == 1
        assert (await reader.ping())["health"] == "ok"


async def test_one_message_that_is_never_taken_ends_the_viewer_too_and_is_not_kept_for_it(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOW_S", 0.1)
    monkeypatch.setattr(module, "WAITING", 10_000)
    here.branch.shown["zones"] = "x" * 20_000_000
    async with sleeper(here) as slow:
        await here.watched_by(1)
        await here.watched_by(0)
        got = 0
        with suppress(ConnectionResetError):
            while part := await asyncio.get_running_loop().sock_recv(slow, 1_000_000):
                got += len(part)
        assert got < 20_000_000


async def test_a_viewer_that_leaves_is_noticed(here: House) -> None:
    async with here.reader() as reader:
        await reader.ping()
        assert here.stream.watching() == 1
    await here.watched_by(0)


async def test_a_viewer_that_leaves_is_noticed_even_while_nothing_is_sent(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.05)
    here.branch.fails = True
    async with here.reader():
        await here.watched_by(1)
    await here.watched_by(0)


async def test_one_viewer_too_many_is_told_so_and_comes_in_when_another_leaves(here: House) -> None:
    async with asyncio.timeout(20):
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            answers = [await session.get(here.url) for _ in range(module.VIEWERS)]
            async with session.get(here.url) as refused:
                assert refused.status == 503
                assert (await refused.json())["error"]["code"] == "too-many-viewers"
            answers.pop().close()
            await here.watched_by(module.VIEWERS - 1)
            async with session.get(here.url) as again:
                assert again.status == 200
            for answer in answers:
                answer.close()


@pytest.mark.parametrize(
    ("method", "query", "status"), [("HEAD", "", 405), ("GET", "?lang=fr", 400), ("GET", "?lang=", 200)]
)
async def test_only_what_is_a_stream_is_asked_for_as_one(here: House, method: str, query: str, status: int) -> None:
    async with here.session.request(method, here.url + query) as answer:
        assert answer.status == status
        kind = "text/event-stream" if status == 200 else "application/json"
        assert answer.content_type == kind
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_when_the_daemon_stops_every_stream_ends_at_once(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with house(tmp_path) as here:
            answers = [await session.get(here.url) for _ in range(3)]
            await here.watched_by(3)
            await here.rounds(2)
            began = time.monotonic()
        assert time.monotonic() - began < module_server.SHUTDOWN_S
        for answer in answers:
            async with asyncio.timeout(1):
                await answer.content.read()  # to its proper end
