"""The laws of listening to an AD2: any pieces, any noise, any lie."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.alarmdecoder import AlarmDecoder, AlarmDecoderOptions, points
from drivers.alarmdecoder_state import MOST_ALARMS, MOST_SENSORS, ZONES
from drivers.alarmdecoder_wire import LONGEST, Keypad, decode
from drivers.panel import MOST_SOURCES
from drivers.sim.alarmdecoder import SimulatedAlarmDecoder
from sentinel.core.model import Quality
from tests.drivers.mutations import INPUTS, mutated
from tests.drivers.talk import readings_of, sent

NAME = {"hi": "क", "en": "a"}
CONFIG = {
    "points": {
        "cash": {"role": "hold-up", "zone": 5, "name": NAME},
        "door": {"role": "intrusion", "zone": 1, "name": NAME},
    }
}


def listening() -> AlarmDecoder:
    driver = AlarmDecoder("d", AlarmDecoderOptions.model_validate(CONFIG))
    driver.opened(0.0)
    return driver


def everything_it_says() -> list[bytes]:
    panel = SimulatedAlarmDecoder()
    said = [panel.beat(), panel.hear(b"C\r"), panel.hear(b"V\r"), panel.alarm(5), panel.alarm(1, "131"), panel.beat()]
    said += [
        panel.report(code, number)
        for code in ("110", "121", "122", "301", "302", "401", "570", "602")
        for number in (0, 5)
    ]
    said += [panel.report("122", 5, restored=True), panel.old_report("ALARM_PANIC", 8), panel.old_report("LOWBAT")]
    said += [panel.expander(7, channel, value) for channel in (1, 4) for value in (0, 1, 2)]
    said += [panel.sensor("0180036", value) for value in (0x82, 0x80, 0x00)]
    panel.faults[9], panel.fire, panel.mains, panel.battery_low = "CHECK", True, False, True
    said += [panel.beat() for _ in range(3)]
    panel.prefix = "!KPM:"
    return [*said, panel.beat(), panel.disarm(), b"!Sending.done\r\n", b"!Ready\r\n"]


MESSAGES = everything_it_says()


@given(st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=12)), max_size=40))
def test_one_byte_at_a_time_says_what_all_at_once_says(pieces: list[bytes]) -> None:
    whole, slow = listening(), listening()
    data = b"".join(pieces)
    at_once = whole.feed(data, 1.0)
    one_by_one = [turn for byte in data for turn in slow.feed(bytes((byte,)), 1.0)]
    assert readings_of(one_by_one) == readings_of(at_once)
    assert sent(one_by_one) == sent(at_once) == b""
    assert slow.damaged() == whole.damaged()


@given(st.binary(max_size=LONGEST))
def test_whatever_a_line_holds_it_is_a_message_or_none(line: bytes) -> None:
    decode(line)


@pytest.mark.timeout(3600)
def test_no_noise_throws_and_none_is_kept() -> None:
    rng = random.Random(2)
    driver = listening()
    declared = {f"d.{point.id}" for point in points(AlarmDecoderOptions.model_validate(CONFIG))}
    seen: set[str] = set()
    for number in range(INPUTS):
        now = number / 10
        turns = driver.feed(mutated(rng, MESSAGES), now)
        if not rng.randrange(50):
            turns = [*turns, *driver.tick(now)]
        if not rng.randrange(5000):
            turns = [*turns, *driver.opened(now)]
        seen.update(reading.point for reading in readings_of(turns))
        assert len(sent(turns)) < 20
    state = driver._state
    assert seen <= declared
    assert driver.damaged() > INPUTS // 20
    assert len(driver._lines._rest) <= LONGEST
    assert set(state.faults.zones) <= set(ZONES)
    assert len(state._shown) < 4 * len(ZONES)
    assert len(state._radio) <= MOST_ALARMS
    assert len(state._low) <= MOST_SENSORS
    assert all(len(point.sources) <= MOST_SOURCES for point in driver._panel._points.values())


def test_a_garbled_zone_number_never_alarms_more_than_its_own_lines_zone() -> None:
    """An AD2's lines carry no checksum: the form of a line is all there is, and a wrong form is no line."""
    good = SimulatedAlarmDecoder(faults={5: "ALARM"}).beat().strip()
    assert isinstance(decode(good), Keypad)
    for at in range(len(good)):
        shortened = good[:at] + good[at + 1 :]
        found = decode(shortened)
        assert found is None or found.code == "005"  # type: ignore[union-attr]


def test_a_keypad_that_speaks_keeps_every_point_known() -> None:
    driver, panel = listening(), SimulatedAlarmDecoder()
    driver.feed(panel.hear(b"C\rV\r"), 0.0)
    last = {point.id: 0.0 for point in points(AlarmDecoderOptions.model_validate(CONFIG))}
    for second in range(1, 120):
        turns = [*driver.tick(float(second)), *(driver.feed(panel.beat(), float(second)) if second % 8 == 0 else ())]
        for reading in readings_of(turns):
            assert reading.quality in (Quality.GOOD, Quality.HELD)
            last[reading.point.partition(".")[2]] = second
        if second > 30:
            assert all(second - at <= 15 for at in last.values())


def test_a_silent_panel_is_unknown_though_its_ad2_answers() -> None:
    driver, panel = listening(), SimulatedAlarmDecoder()
    held: list[float] = []
    asked = 0
    for second in range(1, 200):
        turns = driver.tick(float(second))
        question = sent(turns)
        asked += bool(question)
        turns = [*turns, *driver.feed(panel.hear(question), float(second))]
        if second < 10:
            turns = [*turns, *driver.feed(panel.beat(), float(second))]
        held += [float(second) for reading in readings_of(turns) if reading.quality is Quality.HELD]
        if second == 60:
            assert (
                any(reading.quality is Quality.FAILED for reading in readings_of([*driver.tick(61.0)])) or held[-1] < 10
            )
    assert max(held) < 10
    assert 8 <= asked <= 14


def test_the_end_of_a_silent_alarm_touches_no_other_point() -> None:
    driver, panel = listening(), SimulatedAlarmDecoder()
    driver.feed(panel.beat(), 1.0)
    driver.feed(panel.beat(), 7.0)
    assert {r.point for r in readings_of(driver.feed(panel.silent("122", 5), 8.0))} == {"d.cash"}
    assert [(r.point, r.value) for r in readings_of(driver.feed(panel.beat(), 9.0))] == [("d.cash", "normal")]


def test_a_lying_panel_changes_nothing() -> None:
    driver, panel = listening(), SimulatedAlarmDecoder(lying=True)
    assert readings_of(driver.feed(panel.beat(), 1.0)) == []
    assert driver.damaged() == 2


@pytest.mark.parametrize("taken", ["radio", "open-zones", "firmware", "other-fire"])
def test_a_point_of_the_drivers_own_cannot_be_named_again(taken: str) -> None:
    with pytest.raises(ValueError, match="choose another"):
        AlarmDecoderOptions.model_validate({"points": {taken: {"role": "shutter", "zone": 1, "name": NAME}}})


def test_whether_silent_alarms_are_passed_on_is_not_known_before_the_ad2_has_said_so() -> None:
    driver, panel = listening(), SimulatedAlarmDecoder()
    mute = [r for second in range(0, 60, 5) for r in readings_of(driver.feed(panel.beat(), float(second)))]
    assert "d.mains" in {reading.point for reading in mute}
    assert "d.radio" not in {reading.point for reading in mute}
    driver.feed(panel.hear(b"C\r"), 60.0)
    assert "d.radio" in {reading.point for reading in readings_of(driver.feed(panel.beat(), 65.0))}
