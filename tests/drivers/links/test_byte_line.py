"""Lines of bytes on real ptys and sockets: nothing blocks, nothing grows, and what is gone is said to be gone."""

from __future__ import annotations

import asyncio
import os
import time
import tty
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from drivers.links import byte_line
from drivers.links.byte_line import SerialLine, SerialOptions, TcpLine, TcpOptions
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from pathlib import Path


class Panel:
    """The far end of a serial line: unplug it and the port is gone, as with a USB adapter."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)
        self.plugged = True

    def say(self, data: bytes) -> None:
        os.write(self.master, data)

    async def hears(self, size: int) -> bytes:
        heard = b""
        async with asyncio.timeout(5):
            while len(heard) < size:
                try:
                    heard += os.read(self.master, 65536)
                except BlockingIOError:
                    await asyncio.sleep(0.005)
        return heard

    def unplug(self) -> None:
        if self.plugged:
            os.close(self._slave)
            os.close(self.master)
        self.plugged = False


@pytest.fixture
def panels() -> Iterator[list[Panel]]:
    made: list[Panel] = []
    yield made
    for panel in made:
        panel.unplug()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[SerialLine]:
    """A port with a lasting name, which the test makes point somewhere."""
    made = SerialLine(SerialOptions(port=str(tmp_path / "usb-Prolific-if00-port0")), "panel", tmp_path)
    yield made
    await made.close()


def plug(panels: list[Panel], tmp_path: Path) -> Panel:
    panels.append(Panel())
    name = tmp_path / "usb-Prolific-if00-port0"
    name.unlink(missing_ok=True)
    name.symlink_to(panels[-1].path)
    return panels[-1]


async def gone(doing: Awaitable[object]) -> str:
    async with asyncio.timeout(5):
        with pytest.raises(LinkError) as caught:
            await doing
    assert caught.value.failure is Failure.NOT_CONNECTED
    return str(caught.value)


async def test_bytes_go_both_ways_just_as_they_are(line: SerialLine, panels: list[Panel], tmp_path: Path) -> None:
    panel = plug(panels, tmp_path)
    panel.say(b"said before anybody listened")
    await line.open()
    panel.say(bytes(range(256)))
    heard = b""
    while len(heard) < 256:
        heard += await line.receive()
    assert heard == bytes(range(256))
    await line.send(bytes(range(256)))
    assert await panel.hears(256) == bytes(range(256))


async def test_an_adapter_that_comes_back_under_another_name_is_found_again(
    line: SerialLine, panels: list[Panel], tmp_path: Path
) -> None:
    first = plug(panels, tmp_path)
    await line.open()
    waiting = asyncio.create_task(gone(line.receive()))
    await asyncio.sleep(0.01)
    first.unplug()
    assert "panel: " in await waiting
    await gone(line.send(b"\x06"))
    (tmp_path / "usb-Prolific-if00-port0").unlink()
    assert "No such file" in await gone(line.open())
    second = plug(panels, tmp_path)
    assert second.path != first.path or not first.plugged
    await line.open()
    second.say(b"1011           @    \x14")
    assert await line.receive() == b"1011           @    \x14"
    await line.send(b"\x06")
    assert await second.hears(1) == b"\x06"


async def test_what_was_said_before_the_plug_was_pulled_is_still_heard(
    line: SerialLine, panels: list[Panel], tmp_path: Path
) -> None:
    panel = plug(panels, tmp_path)
    await line.open()
    panel.say(b"5011 181234E12101001\x14")
    await asyncio.sleep(0.05)
    panel.unplug()
    await asyncio.sleep(0.05)
    assert await line.receive() == b"5011 181234E12101001\x14"
    await gone(line.receive())


async def test_two_programs_cannot_have_one_port(line: SerialLine, panels: list[Panel], tmp_path: Path) -> None:
    panel = plug(panels, tmp_path)
    await line.open()
    other = SerialLine(SerialOptions(port=panel.path), "other", tmp_path)
    assert "lock" in await gone(other.open())
    await line.close()
    await line.close()
    await other.open()
    await other.close()


async def test_a_panel_that_reads_nothing_does_not_hold_us_up(
    line: SerialLine, panels: list[Panel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_line, "SEND_S", 0.2)
    plug(panels, tmp_path)
    await line.open()
    began = time.monotonic()
    assert "took only" in await gone(line.send(b"x" * 1_000_000))
    assert time.monotonic() - began < 2
    await gone(line.receive())


async def test_a_panel_that_talks_without_end_fills_no_memory_and_loses_nothing_that_was_taken(
    line: SerialLine, panels: list[Panel], tmp_path: Path
) -> None:
    panel = plug(panels, tmp_path)
    await line.open()
    said = 0
    for _ in range(400):
        with suppress(BlockingIOError):
            said += os.write(panel.master, b"0123456789abcdef" * 64)
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert len(line._came) <= byte_line._MOST + byte_line._PIECE
    heard = 0
    while heard < said:
        async with asyncio.timeout(5):
            heard += len(await line.receive())
    panel.say(b"more")
    assert await line.receive() == b"more"


async def test_who_stops_waiting_loses_no_bytes(line: SerialLine, panels: list[Panel], tmp_path: Path) -> None:
    panel = plug(panels, tmp_path)
    await line.open()
    for number in range(20):
        waiting = asyncio.create_task(line.receive())
        await asyncio.sleep(0)
        panel.say(b"%02d" % number)
        if number % 2:
            await asyncio.sleep(0.002)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            assert await waiting == b"%02d" % number
            continue
        async with asyncio.timeout(1):
            assert await line.receive() == b"%02d" % number


async def test_an_opening_that_nobody_waits_for_does_not_keep_the_port(
    line: SerialLine, panels: list[Panel], tmp_path: Path
) -> None:
    panel = plug(panels, tmp_path)
    opening = asyncio.create_task(line.open())
    await asyncio.sleep(0)
    opening.cancel()
    with suppress(asyncio.CancelledError):
        await opening
        await line.close()
    other = SerialLine(SerialOptions(port=panel.path), "other", tmp_path)
    async with asyncio.timeout(5):
        while True:
            with suppress(LinkError):
                await other.open()
                break
            await asyncio.sleep(0.01)
    await other.close()


async def test_what_is_no_serial_port_is_not_connected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for port in (tmp_path / "file", tmp_path, tmp_path / "none", "/dev/null"):
        line = SerialLine(SerialOptions(port=str(port)), "panel", tmp_path)
        await gone(line.open())
        await gone(line.receive())
        await gone(line.send(b"x"))
        await line.close()


# --- TCP ------------------------------------------------------------------------------------------------------------


class Module:
    """A serial server's far end. It keeps who is connected."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.heard = bytearray()
        self.reads = True

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(ConnectionError):
            while self.reads and (came := await reader.read(4096)):
                self.heard += came
            while not self.reads:
                await asyncio.sleep(0.05)
        writer.close()


async def test_a_socket_carries_bytes_and_is_opened_again(tmp_path: Path) -> None:
    module = Module()
    server = await asyncio.start_server(module, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = TcpLine(TcpOptions(host="127.0.0.1", port=port), "panel", tmp_path)
    await gone(line.receive())
    await gone(line.send(b"x"))
    for _ in range(2):
        await line.open()
        await line.send(b"90")
        while not module.writers:
            await asyncio.sleep(0.005)
        module.writers[-1].write(b"\x00\xff6543D2\r\n")
        assert await line.receive() == b"\x00\xff6543D2\r\n"
        module.writers.pop().close()
        assert "hung up" in await gone(line.receive())
    assert module.heard == b"9090"
    server.close()
    await line.close()
    await line.close()
    assert "no connection" in await gone(line.open())
    bad = TcpLine(TcpOptions(host="a..b", port=1), "panel", tmp_path)
    await gone(bad.open())


async def test_closing_wakes_who_waits_on_a_socket_or_a_port(
    line: SerialLine, panels: list[Panel], tmp_path: Path
) -> None:
    plug(panels, tmp_path)
    server = await asyncio.start_server(Module(), "127.0.0.1", 0)
    tcp = TcpLine(TcpOptions(host="127.0.0.1", port=server.sockets[0].getsockname()[1]), "panel", tmp_path)
    for one in (line, tcp):
        await one.open()
        waiting = asyncio.create_task(gone(one.receive()))
        await asyncio.sleep(0.02)
        await one.close()
        await waiting
    server.close()


async def test_a_module_that_reads_nothing_does_not_hold_us_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_line, "SEND_S", 0.2)
    module = Module()
    module.reads = False
    server = await asyncio.start_server(module, "127.0.0.1", 0, limit=1024)
    line = TcpLine(TcpOptions(host="127.0.0.1", port=server.sockets[0].getsockname()[1]), "panel", tmp_path)
    await line.open()
    assert "takes nothing" in await gone(line.send(b"x" * 50_000_000))
    await line.close()
    server.close()
    module.reads = True
    await asyncio.sleep(0.1)


def test_options_name_the_mistake() -> None:
    with pytest.raises(ValidationError, match="parity"):
        SerialOptions.model_validate({"port": "/dev/ttyUSB0", "parity": "odd"})
    with pytest.raises(ValidationError, match="port"):
        TcpOptions.model_validate({"host": "panel"})
