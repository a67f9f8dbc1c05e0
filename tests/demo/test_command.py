"""`sentinel demo` as a newcomer and as CI start it: a program of its own, judged by what it prints and leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sentinel.cli import main
from sentinel.demo.broker import free_port
from sentinel.demo.command import NAMES
from sentinel.demo.scenes import SCENES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(200)]


@contextmanager
def folder() -> Iterator[Path]:
    """Short, for a socket's path has 108 characters at most; whatever the demo leaves is left here."""
    with tempfile.TemporaryDirectory(prefix="d-") as name:
        yield Path(name)


async def demo(here: Path, *args: str) -> asyncio.subprocess.Process:
    with (here / "out").open("wb") as out, (here / "err").open("wb") as err:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sentinel.cli", "demo", *args),
            stdout=out,
            stderr=err,
            env={**os.environ, "TMPDIR": str(here)},
        )


async def judged(here: Path, *args: str) -> tuple[int, dict[str, Any]]:
    process = await demo(here, "--headless", *args)
    code = await process.wait()
    return code, json.loads((here / "out").read_text().splitlines()[-1])


async def until_said(here: Path, what: str, within_s: float = 40.0) -> str:
    async with asyncio.timeout(within_s):
        while what not in (said := (here / "out").read_text() + (here / "err").read_text()):
            await asyncio.sleep(0.1)
        return said


def below(process: asyncio.subprocess.Process) -> list[psutil.Process]:
    """Every program that the demo has started."""
    return psutil.Process(process.pid).children(recursive=True)


async def all_gone(programs: list[psutil.Process], within_s: float) -> bool:
    _, left = await asyncio.to_thread(psutil.wait_procs, programs, within_s)
    return not left


async def test_every_scene_comes_out_as_scripted_and_the_last_line_says_so() -> None:
    with folder() as here:
        code, said = await judged(here, "--seconds", "180")
        assert code == 0, (here / "err").read_text()
        assert list(said) == ["scenes", "readings", "facts", "incidents", "notices", "telemetry"]
        assert [list(scene) for scene in said["scenes"]] == [["name", "passed", "seconds", "seen"]] * len(NAMES)
        assert [(scene["name"], scene["passed"]) for scene in said["scenes"]] == [(name, True) for name in NAMES]
        assert all(scene["seconds"] < 25 and len(scene["seen"]) > 8 for scene in said["scenes"])
        assert said["readings"] > 1000
        assert said["facts"] > 100
        assert {one["subject"] for one in said["incidents"]} == {
            "zone:hold-up-counter", "zone:panel-mains", "zone:panel-battery", "zone:smoke-hall", "device:panel", "link:bus",
            "zone:intruder-panel-other-duress", "zone:recorder-gate-video", "zone:recorder-disks", "zone:recorder-footage",
            "coverage:entrance", "coverage:front", "coverage:road",
        }  # fmt: skip
        assert not any(one["open"] for one in said["incidents"])
        assert said["notices"]["room"].keys() <= {"sent", "delivered"}
        assert said["notices"]["mail"].keys() == {"sent"}
        assert list(said["telemetry"]) == ["points_made", "points_written", "dropped"]
        assert said["telemetry"]["points_made"] == said["telemetry"]["points_written"] > 50
        assert said["telemetry"]["dropped"] == 0
        assert {path.name for path in here.iterdir()} == {"out", "err"}, "nothing else is left behind"


async def test_one_scene_can_be_played_alone() -> None:
    with folder() as here:
        code, said = await judged(here, "--scene", "mains-and-battery", "--seconds", "60")
        assert code == 0, (here / "err").read_text()
        assert [scene["name"] for scene in said["scenes"]] == ["mains-and-battery"]


async def test_what_does_not_end_within_the_limit_has_not_passed() -> None:
    with folder() as here:
        began = asyncio.get_running_loop().time()
        code, said = await judged(here, "--seconds", "4")
        assert code == 1
        assert [scene["passed"] for scene in said["scenes"]] == [False] * len(NAMES)
        assert asyncio.get_running_loop().time() - began < 12


async def test_a_daemon_that_dies_in_the_middle_fails_the_scene_and_the_verdict_is_still_printed() -> None:
    with folder() as here:
        process = await demo(here, "--headless", "--scene", "hold-up", "--seconds", "60")
        await until_said(here, "the station house officer reads")
        daemon = next(one for one in below(process) if "run" in one.cmdline())
        daemon.kill()
        assert await process.wait() == 1
        said = json.loads((here / "out").read_text().splitlines()[-1])
        assert [scene["passed"] for scene in said["scenes"]] == [False]
        assert said["incidents"][0]["subject"] == "zone:hold-up-counter", "what the room was told before stays known"


@pytest.mark.parametrize(("number", "tidy"), [(signal.SIGTERM, True), (signal.SIGKILL, False)])
async def test_a_demo_that_is_stopped_or_killed_leaves_no_program_running(
    number: signal.Signals, *, tidy: bool
) -> None:
    with folder() as here:
        process = await demo(here, "--headless", "--scene", "hold-up", "--seconds", "60")
        await until_said(here, "The cashier presses")
        programs = below(process)
        assert len(programs) == 2, "a broker and the daemon"
        process.send_signal(number)
        assert await process.wait() == (130 if tidy else -9)
        assert await all_gone(programs, 10)
        if tidy:
            assert {path.name for path in here.iterdir()} == {"out", "err"}


async def test_for_a_person_it_tells_the_hindi_that_the_station_reads_and_stays_until_ctrl_c() -> None:
    with folder() as here:
        port = free_port()
        process = await demo(here, "--scene", "mains-and-battery", "--port", str(port))
        said = await until_said(here, "Ctrl-C ends it all.")
        assert "खराबी: पैनल की बिजली" in said
        assert "on the station's wall" in said
        assert "\x1b[" not in said, "no colours where nobody sees them"
        socket = next(line for line in said.splitlines() if line.endswith("sentinel status")).split()[0]
        env = {**os.environ, "SENTINEL_SOCKET": socket.partition("=")[2]}
        ask = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sentinel.cli", "status"), stdout=asyncio.subprocess.PIPE, env=env
        )
        printed, _ = await ask.communicate()
        assert ask.returncode == 0
        assert "Sector 6 branch" in printed.decode()

        def page() -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/status", timeout=5) as answer:
                return json.load(answer)

        assert (await asyncio.to_thread(page))["branch"]["number"] == 17
        assert said.count(f"http://127.0.0.1:{port}/\n") == 2, "the page: at the start, and again at the end"
        counted = await until_said(here, "counted by the store")
        assert "✓ telemetry" in counted
        programs = below(process)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert await all_gone(programs, 1)


def test_the_names_that_the_command_takes_are_those_of_the_scenes() -> None:
    assert tuple(scene.name for scene in SCENES) == NAMES


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--port", port]) == 2
    assert "give 1 to 65535" in capsys.readouterr().err
