"""The conversation on a serial line, step by step: what is heard unasked, what is thrown away, what a lost port does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.links.pdu import reading
from drivers.links.rtu import crc
from drivers.links.rtu_talk import LaterError, Talk
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Words
from tests.fakes_wire import Fault, Rascal, VirtualLine, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 0.1
HOLD_S = 0.2
A = Request(1, Table.HOLDING, 0, 10)
LIKE_A = Request(1, Table.HOLDING, 100, 10)
NEIGHBOUR = Request(2, Table.HOLDING, 0, 10)


def talk_on(line: VirtualLine) -> Talk:
    return Talk("bus", lambda: line, HOLD_S, line.clock)


def ask(talk: Talk, request: Request, *, patient: bool = True) -> Words:
    return talk.ask(request, reading(request), TIMEOUT_S, patient=patient)


def a_copy_is_coming(line: VirtualLine) -> None:
    """The next reply comes a second time, later."""
    line.rascal.chance, line.rascal.faults = 1.0, (Fault.DUPLICATE,)


def honest(line: VirtualLine) -> None:
    line.rascal.chance = 0.0


def copied_line() -> tuple[VirtualLine, Talk]:
    """A line on which unit 1 has just said something that nobody asked for."""
    for seed in range(50):
        line = VirtualLine(Rascal(0, TIMEOUT_S, seed=seed))
        talk = talk_on(line)
        a_copy_is_coming(line)
        try:
            ask(talk, A)
        except LinkError:  # the copy came with the reply: a tail
            continue
        honest(line)
        line.now += 1
        return line, talk
    pytest.fail("no copy came late")


def test_a_unit_that_talked_out_of_turn_is_left_alone_before_its_next_question() -> None:
    line, talk = copied_line()
    with pytest.raises(LaterError):
        ask(talk, A)
    assert talk.wait_s(A) == pytest.approx(HOLD_S)
    assert talk.tally.late_frames == 1
    assert verdict(NEIGHBOUR, ask(talk, NEIGHBOUR), line.rascal.serial) == "right"
    line.now += HOLD_S
    assert verdict(A, ask(talk, A), line.rascal.serial) == "right"


def test_patience_ends_with_a_failed_read() -> None:
    _, talk = copied_line()
    with pytest.raises(LinkError, match="out of turn"):
        ask(talk, A, patient=False)


def test_a_neighbours_late_frame_costs_the_question_nothing() -> None:
    line, talk = copied_line()
    assert verdict(NEIGHBOUR, ask(talk, NEIGHBOUR), line.rascal.serial) == "right"
    assert talk.guard.held_s(1, line.now) > 0


def test_after_silence_one_more_question_is_asked_and_its_answer_thrown_away() -> None:
    line = VirtualLine(Rascal(1, TIMEOUT_S, faults=(Fault.SILENT,)))
    talk = talk_on(line)
    with pytest.raises(LinkError):
        ask(talk, A)
    honest(line)
    line.now += talk.wait_s(LIKE_A)
    asked = line.rascal.serial
    assert verdict(LIKE_A, ask(talk, LIKE_A), line.rascal.serial) == "right"
    assert line.rascal.serial == asked + 2


def test_a_unit_that_refuses_the_read_between_is_not_in_step_and_is_asked_another_way() -> None:
    line = VirtualLine(Rascal(0, TIMEOUT_S))
    talk = talk_on(line)
    ask(talk, A)
    line.rascal.chance, line.rascal.faults = 1.0, (Fault.EXCEPTION,)
    with pytest.raises(LinkError, match="not in step") as caught:
        ask(talk, LIKE_A)
    assert caught.value.failure is Failure.BAD_REPLY
    honest(line)
    assert verdict(LIKE_A, ask(talk, LIKE_A), line.rascal.serial) == "right"


class Flaky:
    """A port that goes when it is used."""

    def __init__(self) -> None:
        self.closed = False

    def settle(self) -> bytes:
        return b""

    def exchange(
        self, frame: bytes, size: int, timeout_s: float, decode: Callable[[bytes], Words | None]
    ) -> tuple[Words, int]:
        assert crc(frame[:-2]) == frame[-2:]
        raise OSError("unplugged")

    def close(self) -> None:
        self.closed = True


def test_a_port_that_goes_at_every_use_is_opened_less_and_less_often() -> None:
    opened: list[Flaky] = []
    now = 0.0

    def opener() -> Flaky:
        opened.append(Flaky())
        return opened[-1]

    talk = Talk("bus", opener, HOLD_S, lambda: now)
    for step in range(1000):
        now = step / 10
        with pytest.raises(LinkError) as caught:
            ask(talk, A)
        assert caught.value.failure is Failure.NOT_CONNECTED
        assert talk.wait_s(A) == 0  # nobody waits for a line that is not there
    assert 5 < len(opened) < 20
    assert all(port.closed for port in opened)
    assert talk.tally.failures[Failure.NOT_CONNECTED] == 1000
