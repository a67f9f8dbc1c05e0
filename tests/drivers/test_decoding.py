"""Words to values and back: every type and order, and what must never come out as a value."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.decoding import decoder
from drivers.points import Certainty, Kind, Match, Order, Point, Source
from drivers.profile import shipped
from drivers.sim.encoding import encode
from sentinel.commands.profiles import load_profile
from sentinel.core.model import Failure, Value
from sentinel.ports import Table, Words

SOURCE = Source("a manual", Certainty.HIGH)
WORD = st.integers(0, 65535)
PLAIN = Point("p", Table.INPUT, 0, Kind.U16, SOURCE)


def read(point: Point, *words: int) -> Value | Failure:
    return decoder(point)(words, 0)


@given(kind=st.sampled_from([Kind.U16, Kind.I16, Kind.U32, Kind.I32]), order=st.sampled_from(Order), data=st.data())
def test_an_integer_comes_back_as_it_was_written(kind: Kind, order: Order, data: st.DataObject) -> None:
    bits = 16 * kind.words
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind in (Kind.I16, Kind.I32) else (0, 2**bits - 1)
    number = data.draw(st.integers(low, high))
    point = replace(PLAIN, kind=kind, order=order if kind.words == 2 else Order.ABCD)
    assert read(point, *encode(point, number, (0,) * kind.words)) == number


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False), order=st.sampled_from(Order))
def test_a_float_comes_back_as_it_was_written(number: float, order: Order) -> None:
    point = replace(PLAIN, kind=Kind.F32, order=order)
    assert read(point, *encode(point, number, (0, 0))) == number


@given(raw=st.integers(-32768, 32767), scale=st.sampled_from([0.1, 0.01, 0.001, 0.5, 2.0, 0.25]),
       offset=st.sampled_from([0.0, -40.0, 0.5]))  # fmt: skip
def test_a_scaled_value_comes_back_as_it_was_written(raw: int, scale: float, offset: float) -> None:
    point = replace(PLAIN, kind=Kind.I16, scale=scale, offset=offset)
    value = read(point, raw & 0xFFFF)
    assert not isinstance(value, Failure | str)
    assert math.isclose(value, raw * scale + offset, abs_tol=1e-8)
    assert encode(point, value, (0,)) == (raw & 0xFFFF,)


@given(before=WORD, bit=st.integers(0, 15), value=st.booleans(), active_low=st.booleans())
def test_a_bit_of_a_register_comes_back_and_leaves_its_neighbours_alone(
    before: int, bit: int, value: bool, active_low: bool
) -> None:
    point = replace(PLAIN, kind=Kind.BOOL, bit=bit, active_low=active_low)
    (word,) = encode(point, value, (before,))
    assert read(point, word) is value
    assert (word ^ before) & ~(1 << bit) == 0


@given(before=WORD, index=st.integers(0, 7), value=st.sampled_from(["normal", "alarm", "trouble", "disabled"]))
def test_a_zone_packed_in_two_bits_comes_back_and_leaves_the_other_zones_alone(
    before: int, index: int, value: str
) -> None:
    point = load_profile("generic-zone-panel").points({"field": 8})[-8 + index]
    (word,) = encode(point, value, (before,))
    assert read(point, word) == value
    assert (word ^ before) & ~(point.mask or 0) == 0


@given(name=st.sampled_from(shipped()), words=st.tuples(WORD, WORD))
def test_no_words_at_all_make_a_decoder_raise_or_give_what_it_should_not(name: str, words: Words) -> None:
    for point in load_profile(name).points():
        value = read(point, *words)
        if isinstance(value, Failure):
            assert value is Failure.RANGE
        elif point.gives == "bool":
            assert isinstance(value, bool)
        elif point.gives == "word":
            assert isinstance(value, str)
        else:
            assert isinstance(value, int | float)
            assert math.isfinite(value)
            assert point.limits is None or point.limits[0] <= value <= point.limits[1]


@given(words=st.tuples(WORD, WORD), kind=st.sampled_from(Kind), order=st.sampled_from(Order))
def test_no_words_make_any_type_raise(words: Words, kind: Kind, order: Order) -> None:
    point = replace(PLAIN, kind=kind, order=order, bit=3 if kind is Kind.BOOL else None)
    value = read(point, *words)
    assert isinstance(value, Failure) or not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order.ABCD, (0x4366, 0x8000)),  # 230.5 V as an SDM meter sends it
        (Order.CDAB, (0x8000, 0x4366)),
        (Order.BADC, (0x6643, 0x0080)),
        (Order.DCBA, (0x0080, 0x6643)),
    ],
)
def test_the_four_ways_of_sending_two_hundred_and_thirty_and_a_half_volts(order: Order, words: Words) -> None:
    assert read(replace(PLAIN, kind=Kind.F32, order=order), *words) == 230.5


def test_the_examples_of_the_temperature_sensors_manual() -> None:
    temperature, humidity = load_profile("xy-md02").points()
    assert read(temperature, 0x0131) == 30.5
    assert read(temperature, 0xFF33) == -20.5
    assert read(humidity, 0x0222) == 54.6


def test_a_clone_that_sends_hundredths_is_never_taken_at_its_word() -> None:
    temperature, humidity = load_profile("xy-md02").points()
    assert read(temperature, 3050) is Failure.RANGE
    assert read(humidity, 5460) is Failure.RANGE


def test_the_low_word_of_the_battery_meters_power_comes_first() -> None:
    power = next(p for p in load_profile("pzem-017").points() if p.id == "power")
    assert read(power, 0x86A0, 0x0001) == 10000.0


@pytest.mark.parametrize("word", [0x7FC0, 0x7F80, 0xFF80, 0x7FFF])
def test_a_float_that_is_no_number_is_a_failure(word: int) -> None:
    assert read(replace(PLAIN, kind=Kind.F32), word, 0) is Failure.RANGE
    assert not math.isfinite(struct.unpack(">f", word.to_bytes(2) + b"\0\0")[0])


def test_a_sentinel_means_that_nothing_is_there() -> None:
    assert read(replace(PLAIN, absent=(65535,)), 65535) is Failure.RANGE
    assert read(replace(PLAIN, absent=(65535,)), 65534) == 65534


def test_both_ends_of_the_limits_are_still_good() -> None:
    point = replace(PLAIN, kind=Kind.I16, scale=0.1, limits=(-40, 85))
    assert [read(point, raw & 0xFFFF) for raw in (-401, -400, 850, 851)] == [Failure.RANGE, -40, 85, Failure.RANGE]


def test_a_signed_sentinel_may_be_written_as_the_manual_prints_it() -> None:
    assert read(replace(PLAIN, kind=Kind.I16, absent=(0x8000,)), 0x8000) is Failure.RANGE
    assert read(replace(PLAIN, kind=Kind.I32, absent=(0x7FFFFFFF,)), 0x7FFF, 0xFFFF) is Failure.RANGE


def test_a_number_that_the_list_of_states_does_not_know_is_never_normal() -> None:
    assert read(replace(PLAIN, states=((0, "normal"), (1, "alarm"))), 2) is Failure.RANGE


def test_a_listed_state_that_is_also_the_sentinel_is_absent() -> None:
    assert read(replace(PLAIN, states=((0, "normal"), (3, "gone")), absent=(3,)), 3) is Failure.RANGE


def test_the_first_line_of_a_status_word_that_applies_decides() -> None:
    point = replace(PLAIN, match=(Match(2, 2, "alarm"), Match(1, 1, "normal"), Match(4, 4, None)))
    assert [read(point, word) for word in (3, 2, 1, 4, 0)] == [
        "alarm", "alarm", "normal", Failure.RANGE, Failure.RANGE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (0x1400, "normal"),  # enabled, inactive
        (0x0C10, "fire"),
        (0x0D10, "fire"),  # its alarm is acknowledged: still a fire
        (0x2C10, "fire"),  # with a trouble: the alarm is louder
        (0x0E10, "fire"),  # disabled while active
        (0x0C71, "non-fire"),
        (0x0CAB, "active"),  # an event that the manual does not list is still an activation
        (0x5400, "prealarm"),
        (0x3400, "trouble"),
        (0x1200, "disabled"),
        (0x00FF, Failure.RANGE),  # not programmed
        (0xFFFF, Failure.RANGE),
        (0x0000, Failure.RANGE),  # nothing said is not normal
        (0x0400, Failure.RANGE),  # enabled, but neither active nor inactive
    ],
)
def test_a_fire_panels_status_word_is_read_as_the_manual_prints_it(word: int, state: str | Failure) -> None:
    zone = next(p for p in load_profile("honeywell-cgw-mb").points() if p.id == "zone1")
    assert read(zone, word) == state


def test_what_a_point_cannot_mean_cannot_be_simulated() -> None:
    bit = replace(PLAIN, kind=Kind.BOOL, bit=0)
    states = replace(PLAIN, states=((0, "normal"),))
    wrong: list[tuple[Point, Value, str]] = [
        (PLAIN, 65536, "does not fit u16"), (PLAIN, -1, "does not fit u16"), (PLAIN, "x", "is not a number"),
        (PLAIN, True, "is not a number"), (bit, 1, "is not true or false"), (states, "alarm", "none of normal"),
        (replace(PLAIN, kind=Kind.I16), 40000, "does not fit i16"), (replace(PLAIN, kind=Kind.F32), 1e39, "f32"),
        (replace(PLAIN, mask=0x0C, shift=2), 4, "does not fit mask"),
        (replace(PLAIN, match=(Match(1, 1, "normal"), Match(4, 4, None))), "alarm", "none of normal"),
    ]  # fmt: skip
    for point, value, reason in wrong:
        with pytest.raises(ValueError, match=reason):
            encode(point, value, (0,) * point.words)
