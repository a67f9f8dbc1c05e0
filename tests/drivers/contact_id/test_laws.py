"""Whatever comes down the line: no exception, no growth, and nothing depends on how it was cut into pieces.

SENTINEL_FAULTS sets how many mutated inputs there are (`make faults`: a million); the ordinary run has 100,000.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contact_id import ACK, NAK, ContactId, ContactIdOptions
from drivers.contact_id_wire import MOST, Format, Frames
from drivers.panel import MOST_SOURCES
from sentinel.core.model import Quality, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentinel.ports import Turn

FAULTS = int(os.environ.get("SENTINEL_FAULTS", "100000"))
MESSAGES = [
    b"5011 181234E12101001\x14",
    b"5011 181234R13001005\x14",
    b"5011 180075E11003004\x14",
    b"5011 181234P12201002\x14",
    b"1011           @    \x14",
    b"1011      1234 C1128\x14",
    b"3011      1234BA0005\x14",
    b"S011[#1234|Nri01/BA0005/HA0002]\x14",
    b"80111234 1555 5555 9\x14",
    b"0011 PHONE LINE 1 FAIL\x14",
    b"\n11 1234 18 E130 01 C005\r",
    b"\n00 OKAY @\r",
    b"\x01a011 123418113001005\x14",
]


def driver(format_: Format = Format.MLR2) -> ContactId:
    made = ContactId("panel", ContactIdOptions(account="1234", format=format_))
    made.opened(0.0)
    return made


def readings(turns: Sequence[Turn]) -> list[Reading]:
    return [reading for turn in turns for reading in turn.readings]


@given(
    st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=40)), max_size=20),
    st.sampled_from(Format),
)
def test_one_byte_at_a_time_is_the_same_as_all_at_once(pieces: list[bytes], format_: Format) -> None:
    data = b"".join(pieces)
    whole, slow = driver(format_), driver(format_)
    expected = list(whole.feed(data, 1.0))
    assert [turn for byte in data for turn in slow.feed(bytes((byte,)), 1.0)] == expected
    assert slow.damaged() == whole.damaged()


@given(st.lists(st.sampled_from(MESSAGES), max_size=20), st.sampled_from(Format))
def test_every_reading_is_of_a_point_that_was_described(messages: list[bytes], format_: Format) -> None:
    from drivers.contact_id import DRIVER

    assert DRIVER.points is not None
    known = {f"panel.{one.id}": one for one in DRIVER.points(ContactIdOptions(account="1234", format=format_))}
    for reading in readings(driver(format_).feed(b"".join(messages), 1.0)):
        words = dict(known[reading.point].means)
        if words and reading.quality is Quality.GOOD:
            assert str(reading.value).partition(" ")[0] in words


@given(
    st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=40)), max_size=20).map(b"".join),
    st.sampled_from(Format),
)
def test_each_frame_gets_one_answer_and_only_what_was_understood_is_acknowledged(noise: bytes, format_: Format) -> None:
    for turn in driver(format_).feed(noise, 1.0):
        assert (turn.send, turn.acknowledge) in {(ACK, b""), (NAK, b""), (b"", ACK), (b"", b"")}
        assert turn.send != NAK or not turn.readings
        assert not turn.acknowledge or turn.within_s < 4.0  # the receiver's own patience


def mutated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(MESSAGES))
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = bytes((rng.randrange(256),))
            case 1:
                del data[at : at + rng.randint(1, 4)]
            case 2 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 3:
                data[at:at] = rng.choice(MESSAGES)
            case _:
                data[at:at] = bytes(rng.choices(b"0123456789ABCDEFR@# \x14\r\n", k=rng.randint(1, 8)))
    return bytes(data)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("format_", list(Format))
def test_damaged_input_breaks_nothing_and_fills_nothing(format_: Format) -> None:
    rng, line, now = random.Random(f"{format_}"), driver(format_), 0.0
    for _ in range(FAULTS // len(Format)):
        now += rng.choice((0.0, 0.1, 3.0))
        for turn in (*line.feed(mutated(rng), now), *line.tick(now)):
            assert all(len(str(reading.value)) < 600 for reading in turn.readings)
    assert line.damaged() > 0
    assert len(line._frames._rest) <= MOST
    assert len(line._refused) <= MOST
    assert all(len(point.sources) <= MOST_SOURCES for point in line._panel._points.values())


def test_a_frame_without_an_end_is_not_kept() -> None:
    frames = Frames(Format.MLR2)
    for _ in range(1000):
        assert frames.feed(b"5" * 1000, 1.0) == []
    assert frames.lost == 1
    assert len(frames._rest) <= MOST
    assert frames.feed(b"\x14" + MESSAGES[0], 1.0) == [MESSAGES[0][:-1]]


def test_what_was_begun_on_a_lost_line_is_not_continued_on_the_next() -> None:
    line = driver()
    line.feed(b"5011 181234E1", 1.0)
    line.opened(2.0)
    assert [turn.acknowledge for turn in line.feed(MESSAGES[0], 2.0)] == [ACK]
