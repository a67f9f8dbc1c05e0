"""The gate before an account: one try, then silence until it is due, in every process and beyond a restart."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import gate_file
from drivers.links.gate import FIRST_S, LATER_S, Gate, Times, gate, name_of
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Recorder:
    """Counts logins, good and bad, and notices when two come at once before one was good."""

    password: str = "right"
    locked: bool = False
    takes_s: float = 0.01
    silent: bool = False
    bad: int = 0
    good: int = 0
    inside: int = 0
    crowded: bool = False
    seen: list[str] = field(default_factory=list)


class Clock:
    def __init__(self) -> None:
        self.wall, self.mono = 1_790_000_000.0, 1000.0

    def times(self, boot: str = "boot-1") -> Times:
        return Times(lambda: self.wall, lambda: self.mono, boot)

    def on(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def ask(gate: Gate, recorder: Recorder, password: str = "wrong", endpoint: str = "http") -> str:
    """One exchange as a link makes it; the failure's word, or "ok"."""
    try:
        async with gate.entry(password, endpoint) as entry:
            recorder.inside += 1
            recorder.crowded |= recorder.inside > 1 and not recorder.good
            try:
                await entry.signing()
                recorder.seen.append(endpoint)
                await asyncio.sleep(recorder.takes_s)
                if recorder.silent:
                    raise LinkError(Failure.NO_REPLY, "no reply within 10 s")
                if recorder.locked or password != recorder.password:
                    recorder.bad += 1
                    raise await entry.refused(locked=recorder.locked)
                recorder.good += 1
                await entry.good()
                return "ok"
            finally:
                recorder.inside -= 1
    except LinkError as error:
        return str(error.failure)


def made(tmp_path: Path, clock: Clock, boot: str = "boot-1") -> Gate:
    """A gate as another process, or the next start, makes it."""
    return Gate(tmp_path / "gates" / "one.json", "gateway@dvr", clock.times(boot))


async def test_a_wrong_password_makes_one_failed_login_whoever_asks(tmp_path: Path, clock: Clock) -> None:
    recorder = Recorder()
    daemon, probe = made(tmp_path, clock), made(tmp_path, clock)
    asked = [ask(one, recorder, endpoint=way) for one in (daemon, probe) for way in ("http", "rtsp", "stream") * 10]
    assert set(await asyncio.gather(*asked)) == {"credential"}
    assert recorder.bad == 1
    for _start in range(5):
        assert await ask(made(tmp_path, clock), recorder) == "credential"
    assert recorder.bad == 1


async def test_one_try_alone_after_half_an_hour_then_each_hour(tmp_path: Path, clock: Clock) -> None:
    recorder, one = Recorder(), made(tmp_path, clock)
    tries: list[int] = []
    for minute in range(60 * 5):
        await asyncio.gather(*(ask(one, recorder) for _ in range(3)))
        if recorder.bad > len(tries):
            tries.append(minute)
        clock.on(60)
    assert tries == [0, 30, 90, 150, 210, 270]
    assert recorder.bad == len(tries)


async def test_the_text_says_when_the_next_try_is_and_no_password(tmp_path: Path, clock: Clock) -> None:
    one = made(tmp_path, clock)
    await ask(one, Recorder())
    with pytest.raises(
        LinkError, match=r"gateway@dvr: the password was refused; tried again at \d\d:\d\d UTC"
    ) as caught:
        async with one.entry("wrong", "http"):
            pytest.fail("the wire was touched")
    assert caught.value.failure is Failure.CREDENTIAL
    assert "wrong" not in str(caught.value)


async def test_another_password_is_tried_at_once_and_the_old_one_is_not_tried_again(
    tmp_path: Path, clock: Clock
) -> None:
    recorder, one = Recorder(), made(tmp_path, clock)
    assert await ask(one, recorder) == "credential"
    assert await ask(one, recorder, "right") == "ok"
    assert await ask(one, recorder) == "credential"
    assert await ask(made(tmp_path, clock), recorder) == "credential"
    assert recorder.bad == 1


async def test_a_right_password_that_was_refused_for_a_while_opens_the_gate_for_all(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(password="another")
    one, other = made(tmp_path, clock), made(tmp_path, clock)
    with caplog.at_level(logging.WARNING):
        assert await ask(one, recorder, "right") == "credential"
        recorder.password = "right"
        clock.on(FIRST_S - 1)
        assert await ask(one, recorder, "right") == "credential"
        clock.on(2)
        assert await ask(one, recorder, "right") == "ok"
        assert await ask(other, recorder, "right") == "ok"
    assert [record.getMessage() for record in caplog.records] == [
        "account was refused account=gateway@dvr",
        "account works again account=gateway@dvr",
    ]
    assert not (tmp_path / "gates" / "one.json").exists()


async def test_locked_is_told_apart_from_wrong(tmp_path: Path, clock: Clock) -> None:
    recorder, one = Recorder(locked=True), made(tmp_path, clock)
    assert await ask(one, recorder) == "locked"
    assert await ask(made(tmp_path, clock), recorder) == "locked"
    assert recorder.bad == 1
    recorder.locked = False
    clock.on(FIRST_S + 1)
    assert await ask(one, recorder) == "credential"


async def test_a_person_who_mended_the_account_may_have_one_try_at_once(tmp_path: Path, clock: Clock) -> None:
    recorder, daemon, probe = Recorder(), made(tmp_path, clock), made(tmp_path, clock)
    await ask(daemon, recorder)
    await probe.due_now("wrong")
    assert await ask(probe, recorder) == "credential"
    assert await ask(daemon, recorder) == "credential"
    assert recorder.bad == 2
    recorder.password = "wrong"
    await probe.due_now("wrong")
    assert await ask(probe, recorder) == "ok"
    assert await ask(daemon, recorder) == "ok"
    await probe.due_now("never refused")
    assert recorder.bad == 2


async def test_the_first_contact_is_alone_and_the_others_come_when_it_was_good(tmp_path: Path, clock: Clock) -> None:
    recorder, one = Recorder(), made(tmp_path, clock)
    said = await asyncio.gather(*(ask(one, recorder, "right", way) for way in ("http", "rtsp", "http", "stream") * 5))
    assert set(said) == {"ok"}
    assert not recorder.crowded
    assert recorder.good == 20


async def test_a_recorder_that_is_silent_shuts_nothing_and_costs_one_time_out_for_each_way(
    tmp_path: Path, clock: Clock
) -> None:
    recorder, one = Recorder(silent=True, takes_s=0.02), made(tmp_path, clock)
    said = await asyncio.gather(*(ask(one, recorder, "right", way) for way in ["http"] * 30 + ["rtsp"] * 30))
    assert set(said) == {"no-reply"}
    assert sorted(recorder.seen) == ["http", "rtsp"]
    recorder.silent = False
    assert await ask(one, recorder, "right") == "ok"


async def test_a_due_try_is_used_up_even_if_we_are_killed_in_the_middle(tmp_path: Path, clock: Clock) -> None:
    recorder, one = Recorder(), made(tmp_path, clock)
    await ask(one, recorder)
    clock.on(FIRST_S + 1)
    recorder.takes_s = 10
    task = asyncio.create_task(ask(made(tmp_path, clock), recorder))
    while len(recorder.seen) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    for _start in range(3):
        assert await ask(made(tmp_path, clock), recorder) == "credential"
    assert len(recorder.seen) == 2
    clock.on(LATER_S + 1)
    recorder.takes_s = 0
    await ask(made(tmp_path, clock), recorder)
    assert len(recorder.seen) == 3


async def test_a_password_that_stops_working_shuts_the_gate_once_for_all_who_were_on_their_way(
    tmp_path: Path, clock: Clock
) -> None:
    recorder, one = Recorder(takes_s=0.02), made(tmp_path, clock)
    assert await ask(one, recorder, "right") == "ok"
    recorder.password = "changed"
    await asyncio.gather(*(ask(one, recorder, "right") for _ in range(4)))
    assert recorder.bad == 4  # they were on the wire together
    said = json.loads((tmp_path / "gates" / "one.json").read_text())
    assert said["shut"][0]["due"] == pytest.approx(clock.wall + FIRST_S)
    assert len(said["shut"]) == 1
    assert await ask(one, recorder, "right") == "credential"
    assert recorder.bad == 4


async def test_a_refusal_that_another_program_met_sends_this_one_back_to_going_alone(
    tmp_path: Path, clock: Clock
) -> None:
    recorder, daemon, probe = Recorder(), made(tmp_path, clock), made(tmp_path, clock)
    assert await ask(daemon, recorder, "right") == "ok"
    recorder.password = "changed"
    assert await ask(probe, recorder, "right") == "credential"
    clock.on(FIRST_S + 1)
    said = await asyncio.gather(*(ask(daemon, recorder, "right") for _ in range(4)))
    assert said == ["credential"] * 4
    assert recorder.bad == 2


async def test_neither_a_clock_step_nor_a_boot_without_a_clock_makes_more_tries(tmp_path: Path, clock: Clock) -> None:
    recorder, one = Recorder(), made(tmp_path, clock)
    await ask(one, recorder)
    clock.wall += 86_400 * 365  # the time server answers at last
    assert await ask(one, recorder) == "credential"
    assert await ask(made(tmp_path, clock), recorder) == "credential"
    clock.wall, clock.mono = 5.0, 3.0  # the next boot, in 1970
    after = made(tmp_path, clock, "boot-2")
    assert await ask(after, recorder) == "credential"
    assert recorder.bad == 1
    clock.on(LATER_S + 1)  # never longer away than an hour, for all that the wall clock says
    await ask(after, recorder)
    assert recorder.bad == 2


def damaged() -> list[bytes]:
    good: dict[str, object] = {"version": 1, "salt": "00" * 16, "shut": []}
    shut = {"mark": "00" * 32, "why": "credential", "due": 1.0, "boot": "b", "due_s": 1.0}
    bad = [
        {**good, "version": 2}, {**good, "salt": "zz"}, {**good, "salt": 7}, {**good, "shut": 3}, [], 1, None,
        {**good, "shut": [{**shut, "why": "tired"}]}, {**good, "shut": [{**shut, "due": "soon"}]},
        {**good, "shut": [{**shut, "due_s": True}]}, {**good, "shut": [shut] * 9}, {**good, "shut": [{}]},
    ]  # fmt: skip
    return [b"", b"{", b"\xff\xfe", b"[" * 5000, b" " * 9000, *(json.dumps(one).encode() for one in bad),
            json.dumps({**good, "shut": [{**shut, "due": float("nan")}]}).encode()]  # fmt: skip


@pytest.mark.parametrize("raw", damaged())
async def test_a_damaged_file_costs_one_try_and_is_then_whole(tmp_path: Path, clock: Clock, raw: bytes) -> None:
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "one.json").write_bytes(raw)
    recorder = Recorder()
    for _start in range(3):
        assert await ask(made(tmp_path, clock), recorder) == "credential"
    assert recorder.bad == 1


async def test_a_card_that_takes_nothing_still_means_one_try_a_start(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "gates").write_text("no folder")
    recorder, one = Recorder(), made(tmp_path, clock)
    for _ in range(5):
        assert await ask(one, recorder) == "credential"
    assert recorder.bad == 1


async def test_a_program_that_was_stopped_in_the_middle_does_not_make_the_others_blind(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.links.gate.OTHERS_S", 0.2)
    (tmp_path / "gates").mkdir()
    with (tmp_path / "gates" / "one.lock").open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        assert await ask(made(tmp_path, clock), Recorder(), "right") == "ok"


async def test_the_file_is_for_us_alone_and_holds_no_password(tmp_path: Path, clock: Clock) -> None:
    await ask(made(tmp_path, clock), Recorder(), "Sentinel@1234")
    path = tmp_path / "gates" / "one.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_text()
    assert "Sentinel@1234" not in text
    assert "gateway" not in text
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["one.json", "one.lock"]


async def test_all_links_of_a_process_share_one_gate_however_the_address_is_written(tmp_path: Path) -> None:
    one = gate(tmp_path, "DVR.Branch.example.", "gateway")
    assert gate(tmp_path, "dvr.branch.example", "gateway") is one
    assert gate(tmp_path, "dvr.branch.example", "other") is not one
    assert name_of("2001:DB8::1", "a") == name_of("[2001:db8:0::1]", "a")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=8, unique=True))
def test_only_the_last_few_refused_passwords_are_remembered_and_each_is_known_again(
    tmp_path_factory: pytest.TempPathFactory, passwords: list[str]
) -> None:
    path = tmp_path_factory.mktemp("g") / "gates" / "one.json"
    kept = gate_file.fresh()
    for number, _ in enumerate(passwords):
        shut = gate_file.Shut(f"{number:064x}", Failure.CREDENTIAL, 1.0, "b", 1.0)
        kept = kept.having(shut)
    gate_file.save(path, kept)
    if passwords:
        assert gate_file.load(path) == kept
        assert len(kept.shuts) <= gate_file.MOST
        assert kept.of(f"{len(passwords) - 1:064x}") is not None
    else:
        assert not path.exists()
