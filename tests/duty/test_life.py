"""Supervision, progress, the watchdog, signals, and the clock of a machine without a battery."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.duty.clock import SystemClock, boot_id, kernel_synchronised
from sentinel.duty.service import feed_watchdog, notify, on_signals, watchdog_period_s
from sentinel.duty.supervise import Fallen, Progress, supervise
from tests.fakes import MONDAY_NOON, FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# --- Supervision ----------------------------------------------------------------------------------------------------


async def test_a_task_that_falls_is_seen_counted_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise ValueError(f"fall {runs}")
        await asyncio.Event().wait()

    fallen = Fallen()
    task = asyncio.create_task(supervise("poller bus", work, fallen))
    await asyncio.sleep(30)
    task.cancel()
    assert runs == 4
    assert fallen.counts == {"poller bus": 3}
    assert fallen.last == "poller bus: ValueError"
    assert fallen.lately() == ["poller bus"]
    assert caplog.text.count("Traceback") == 3


def test_ten_minutes_after_a_fall_nobody_is_accused_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    fallen = Fallen()
    fallen.note("web", "OSError")
    assert fallen.lately() == ["web"]
    monkeypatch.setattr("sentinel.duty.supervise.SHOWN_S", -1.0)
    assert fallen.lately() == []
    assert fallen.counts == {"web": 1}


async def test_a_task_that_falls_at_once_each_time_is_started_ever_more_rarely() -> None:
    starts: list[float] = []

    async def work() -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ValueError

    task = asyncio.create_task(supervise("x", work, Fallen()))
    await asyncio.sleep(60)
    task.cancel()
    gaps = [round(after - before) for before, after in itertools.pairwise(starts)]
    assert gaps[:4] == [1, 2, 5, 10]
    assert set(gaps[4:]) == {10}


async def test_a_task_that_ends_by_itself_is_started_again() -> None:
    ends = 0

    async def work() -> None:
        nonlocal ends
        ends += 1

    task = asyncio.create_task(supervise("x", work, Fallen()))
    await asyncio.sleep(5)
    task.cancel()
    assert ends >= 2


# --- Watchdog -------------------------------------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "n"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        yield listening


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest.mark.real
async def test_a_part_that_stands_still_stops_the_feeding_and_is_named(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress()
    desk, _poller = progress.expect("desk", 0.2), progress.expect("poller bus", 0.2)
    task = asyncio.create_task(feed_watchdog(progress, 0.05))
    await asyncio.sleep(0.1)
    assert set(heard(manager)) == {"WATCHDOG=1"}
    for _ in range(8):
        await asyncio.sleep(0.05)
        desk()
    heard(manager)
    desk()
    await asyncio.sleep(0.15)
    assert heard(manager) == []
    assert progress.stuck() == ["poller bus"]
    progress.forget("poller bus")
    desk()
    await asyncio.sleep(0.1)
    task.cancel()
    assert "WATCHDOG=1" in heard(manager)
    assert caplog.text.count("no progress, watchdog not fed parts=poller bus") == 1


def test_what_is_said_to_the_manager_arrives_as_it_was_said(manager: socket.socket) -> None:
    assert notify("READY=1", "STATUS=branch x")
    assert heard(manager) == ["READY=1\nSTATUS=branch x"]


def test_without_a_manager_nothing_is_said_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("READY=1")


def test_the_watchdog_is_fed_twice_as_often_as_asked_and_only_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    assert watchdog_period_s() is None
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    assert watchdog_period_s() == 10.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_period_s() is None


# --- Signals --------------------------------------------------------------------------------------------------------


@pytest.mark.real
async def test_sigterm_stops_and_sighup_reloads() -> None:
    stops: list[str] = []
    reloads = asyncio.Event()
    off = on_signals(stops.append, reloads.set)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(2):
            await reloads.wait()
        assert stops == []
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(2):
            while not stops:
                await asyncio.sleep(0.01)
        assert stops == ["SIGTERM"]
    finally:
        off()


# --- The clock ------------------------------------------------------------------------------------------------------


async def test_time_is_never_earlier_than_the_last_fact_and_goes_on_from_there() -> None:
    machine = FakeClock(datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    clock = machine.system()
    clock.keep_after(MONDAY_NOON)
    assert clock.now() >= MONDAY_NOON
    await asyncio.sleep(90)
    assert MONDAY_NOON + timedelta(seconds=89) < clock.now() < MONDAY_NOON + timedelta(seconds=91)
    assert not clock.synchronised()


async def test_a_step_is_found_once_and_a_small_correction_is_none() -> None:
    machine = FakeClock()
    clock = machine.system()
    assert clock.stepped() == 0.0
    await asyncio.sleep(500)
    assert clock.stepped() == 0.0
    machine.step(machine.wall() + timedelta(seconds=1.5))
    assert clock.stepped() == 0.0
    machine.step(machine.wall() - timedelta(hours=3))
    assert clock.stepped() == pytest.approx(-10_800, abs=0.01)
    assert clock.stepped() == 0.0


async def test_a_step_behind_the_last_fact_is_no_step_at_all() -> None:
    machine = FakeClock(synced=False)
    clock = machine.system()
    clock.keep_after(machine.wall())
    clock.stepped()
    machine.step(machine.wall() - timedelta(days=400), synced=False)
    assert clock.stepped() == pytest.approx(0.0, abs=0.01)
    assert clock.now() >= MONDAY_NOON


async def test_a_clock_that_the_installer_vouches_for_is_believed_without_a_time_server() -> None:
    machine = FakeClock(synced=False)
    assert machine.system(trusted=True).synchronised()


def test_this_machine_has_a_boot_a_clock_and_an_opinion_of_it() -> None:
    assert boot_id() == boot_id()
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert kernel_synchronised() in (True, False)
