"""Injected faults, all kinds, in virtual time: no wrong value is ever taken for right.

SENTINEL_FAULTS sets how many are injected here in all (`make faults`: a million); the ordinary run has 30,000.
"""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from drivers.links.pdu import reading
from drivers.links.rtu import decode
from drivers.links.rtu_talk import LaterError, Talk
from sentinel.ports import LinkError, Request, Table
from tests.fakes_wire import HARMLESS, SERIAL_FAULTS, Fault, Rascal, VirtualLine, verdict

pytestmark = pytest.mark.real

FAULTS = int(os.environ.get("SENTINEL_FAULTS", "30000"))
TIMEOUT_S = 0.1

EQUAL = [Request(unit, Table.HOLDING, address, 10) for unit in (1, 2, 3, 4) for address in (0, 100, 200)]
DISTINCT = [Request(unit, Table.HOLDING, 100 * (n - 5), n) for unit in (1, 2, 3, 4) for n in (5, 6, 7)]
BITS = [Request(unit, Table.DISCRETE, address, 32) for unit in (1, 2, 3, 4) for address in (0, 100)]
ONE_UNIT = [Request(1, Table.INPUT, address, 3) for address in (0, 100, 200)]
SINGLES = [Request(unit, Table.HOLDING, 100 * at, 1) for unit in (1, 2) for at in range(3)] + DISTINCT
MIXED = EQUAL + BITS + ONE_UNIT

UNORDERED = tuple(fault for fault in SERIAL_FAULTS if fault is not Fault.VERY_LATE)


def live_through(rascal: Rascal, blocks: list[Request], faults: int) -> Counter[str]:
    """Ask random blocks, as a poller does that waits for nobody, until so many faults were injected."""
    line = VirtualLine(rascal)
    talk = Talk("virtual", lambda: line, hold_s=2 * TIMEOUT_S, clock=line.clock)
    rng = random.Random(rascal.seed)
    seen: Counter[str] = Counter()
    while rascal.injected < faults:
        request = rng.choice(blocks)
        wait_s = talk.wait_s(request)
        if wait_s and rng.random() < 0.9:
            line.now += 0.001
            continue
        line.now += wait_s
        try:
            words = talk.ask(request, reading(request), TIMEOUT_S, patient=True)
        except LaterError:
            seen["later"] += 1
        except LinkError as error:
            seen[error.failure] += 1
        else:
            seen[verdict(request, words, rascal.serial)] += 1
    return seen


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("blocks", "chance"),
    [
        (EQUAL, 0.1),
        (DISTINCT, 0.1),
        (BITS, 0.2),
        (ONE_UNIT, 0.1),
        (SINGLES, 0.1),
        (MIXED, 0.05),
        (MIXED, 0.5),
        (MIXED, 1.0),
    ],
    ids=["equal", "distinct", "bits", "one unit", "singles", "mixed", "half bad", "all bad"],
)
def test_no_fault_of_a_serial_line_makes_another_value_pass(blocks: list[Request], chance: float) -> None:
    rascal = Rascal(chance, TIMEOUT_S, seed=len(blocks))
    seen = live_through(rascal, blocks, FAULTS // 16)
    assert seen["wrong"] == 0, (seen, rascal.kinds)
    assert seen["right"] > 0
    assert seen["stale"] * 100 <= rascal.injected, seen


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", SERIAL_FAULTS)
def test_each_kind_of_fault_alone_makes_no_other_value_pass(fault: Fault) -> None:
    rascal = Rascal(0.2, TIMEOUT_S, faults=(fault,), seed=7)
    seen = live_through(rascal, MIXED, FAULTS // 4 // len(SERIAL_FAULTS))
    assert seen["wrong"] == 0, seen
    if fault in HARMLESS:
        assert set(seen) == {"right"}


@pytest.mark.timeout(3600)
def test_bent_frames_never_decode_to_other_words_than_the_units_own() -> None:
    """The decoder alone, byte by byte as well: not yet, a failure, or the true words."""
    rng = random.Random(3)
    rascal = Rascal(1.0, TIMEOUT_S, seed=3)
    for _ in range(FAULTS // 4):
        request = rng.choice(MIXED + DISTINCT)
        question = reading(request)
        frame = bytes((request.unit,)) + question.pdu + b"\0\0"
        came = b"".join(piece.data or b"" for piece in rascal.reply(frame, 0.0))
        step = rng.choice((1, 7, 300))
        for end in range(step, len(came) + step, step):
            try:
                words = decode(question, came[:end])
            except LinkError:
                break
            if words is not None:
                assert verdict(request, words, rascal.serial) == "right"
                break
