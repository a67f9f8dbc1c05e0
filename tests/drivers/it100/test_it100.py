"""The laws of the conversation with a DSC panel: any pieces, any noise, any lie."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.it100 import It100, It100Options, points
from drivers.it100_codes import KNOWN
from drivers.it100_state import PARTITIONS, ZONES
from drivers.it100_wire import LONGEST, Frame, decode, encode
from drivers.panel import MOST_SOURCES
from drivers.sim.it100 import SimulatedIt100
from sentinel.core.model import Quality
from tests.drivers.it100.test_cases import Password
from tests.drivers.mutations import INPUTS, mutated
from tests.drivers.talk import readings_of, sent

NAME = {"hi": "क", "en": "a"}
CONFIG = {
    "points": {
        "cash": {"role": "hold-up", "zone": 5, "name": NAME},
        "door": {"role": "intrusion", "zone": 1, "name": NAME},
        "smoke": {"role": "smoke", "zone": 2, "partition": 2, "name": NAME},
    }
}
FRAMES = [Frame(command, data) for command in sorted(KNOWN) for data in ("", "1", "10", "005", "1005", "10001", "02")]
MESSAGES = [encode(frame.command, frame.data) for frame in FRAMES] + [encode(c, d) for c, d in (
    ("500", "000"), ("500", "001"), ("501", ""), ("502", "017"), ("505", "1"), ("505", "3"), ("999", "12"),
)]  # fmt: skip


def conversation(variant: str = "it100", **options: object) -> It100:
    password = {"password": Password()} if variant == "tpi" else {}
    return It100("d", It100Options.model_validate({**CONFIG, "variant": variant, **password, **options}))


# --- Frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "command", "data"),
    [
        (b"6543D2", "654", "3"), (b"00090", "000", ""), (b"00191", "001", ""), (b"02011F4", "020", "11"),
        (b"0601C7", "060", "1"), (b"0602C8", "060", "2"), (b"50000025", "500", "000"), (b"601100159", "601", "1001"),
        (b"60900130", "609", "001"), (b"61000128", "610", "001"), (b"6501CC", "650", "1"), (b"6551D1", "655", "1"),
        (b"80098", "800", ""), (b"8029A", "802", ""), (b"8039B", "803", ""), (b"8069E", "806", ""),
    ],
)  # fmt: skip
def test_a_frame_of_the_makers_guide_is_read_and_written_as_it_stands_there(
    wire: bytes, command: str, data: str
) -> None:
    assert decode(wire) == Frame(command, data)
    assert encode(command, data) == wire + b"\r\n"


@given(st.sampled_from(MESSAGES), st.data())
def test_one_wrong_byte_never_makes_another_frame(message: bytes, draw: st.DataObject) -> None:
    line = message.strip()
    at = draw.draw(st.integers(0, len(line) - 1))
    bent = line[:at] + bytes((draw.draw(st.integers(0, 255)),)) + line[at + 1 :]
    assert decode(bent) in (None, decode(line))  # the same only where a hex digit became a small letter


# --- Any pieces, any noise -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["it100", "tpi"])
@given(pieces=st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=12)), max_size=40))
def test_one_byte_at_a_time_says_what_all_at_once_says(variant: str, pieces: list[bytes]) -> None:
    whole, slow = conversation(variant), conversation(variant)
    data = b"".join(pieces)
    whole.opened(0.0)
    slow.opened(0.0)
    at_once = whole.feed(data, 1.0)
    one_by_one = [turn for byte in data for turn in slow.feed(bytes((byte,)), 1.0)]
    assert readings_of(one_by_one) == readings_of(at_once)
    assert sent(one_by_one) == sent(at_once)
    assert slow.damaged() == whole.damaged()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("variant", ["it100", "tpi"])
def test_no_noise_throws_and_none_is_kept(variant: str) -> None:
    rng = random.Random(variant)
    panel = conversation(variant)
    declared = {f"d.{point.id}" for point in points(panel._options)}
    panel.opened(0.0)
    seen: set[str] = set()
    for number in range(INPUTS // 2):
        now = number / 10
        turns = panel.feed(mutated(rng, MESSAGES), now)
        if not rng.randrange(50):
            turns = [*turns, *panel.tick(now)]
        if not rng.randrange(5000):
            turns = [*turns, *panel.opened(now)]
        seen.update(reading.point for reading in readings_of(turns))
        assert len(sent(turns)) < 200
    assert seen <= declared
    assert panel.damaged() > INPUTS // 20
    assert len(panel._lines._rest) <= LONGEST
    assert set(panel._state._zones) <= set(ZONES)
    assert set(panel._state._partitions) <= set(PARTITIONS)
    assert all(len(point.sources) <= MOST_SOURCES for point in panel._panel._points.values())
    assert all(len(zone.troubles) <= 3 for zone in panel._state._zones.values())


# --- The simulated panel, as it is and as it should not be ------------------------------------------------------------


class Talk:
    """The driver and the simulator on a line without a delay."""

    def __init__(self, variant: str = "it100") -> None:
        self.panel = SimulatedIt100(variant)
        self.driver = conversation(variant)
        self.now = 0.0
        self.words: dict[str, str] = {}
        self.held: set[str] = set()

    def take(self, turns: object) -> None:
        for turn in turns:  # type: ignore[attr-defined]
            for reading in turn.readings:
                id_ = reading.point.partition(".")[2]
                if reading.quality is Quality.GOOD:
                    self.words[id_] = str(reading.value).partition(" ")[0]
                elif reading.quality is Quality.HELD:
                    self.held.add(id_)
                else:
                    self.words[id_] = f"! {reading.reason}"
            if turn.send and (answer := self.panel.hear(turn.send)):
                self.hear(answer)

    def hear(self, data: bytes) -> None:
        self.take(self.driver.feed(data, self.now))

    def open(self) -> None:
        self.take(self.driver.opened(self.now))
        self.hear(self.panel.connected())

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.take(self.driver.tick(self.now))


@pytest.mark.parametrize("variant", ["it100", "tpi"])
def test_every_point_is_read_or_held_while_the_panel_is_there(variant: str) -> None:
    talk = Talk(variant)
    talk.open()
    talk.wait(30)
    assert {point.id for point in points(talk.driver._options)} - talk.held - set(talk.words) == set()
    assert not [word for word in talk.words.values() if word.startswith("!")]
    assert talk.driver.damaged() == 0


def test_a_button_still_pressed_when_the_line_comes_back_is_told() -> None:
    talk = Talk()
    talk.open()
    talk.wait(12)
    talk.panel.alarm(5)  # nobody hears it: the line is cut
    talk.wait(60)
    talk.open()
    talk.wait(3)
    assert talk.words["cash"] == "alarm"


def test_a_second_opening_never_says_well_before_the_panel_was_asked() -> None:
    talk = Talk()
    talk.open()
    talk.wait(12)
    talk.held.clear()
    talk.take(talk.driver.opened(talk.now))  # the line is there and answers nothing
    talk.words.clear()
    talk.panel = SimulatedIt100("tpi")  # deaf to us
    talk.panel.connected()
    talk.wait(9)
    assert not talk.held
    assert not talk.words


def test_a_lying_panel_changes_nothing() -> None:
    talk = Talk()
    talk.open()
    talk.wait(12)
    before = dict(talk.words)
    talk.panel.lying = True
    talk.hear(talk.panel.status())
    assert {id_: talk.words[id_] for id_ in before} == before
    assert talk.driver.damaged() == 4


def test_a_wrong_password_is_tried_once_in_half_an_hour_however_often_the_line_comes_back() -> None:
    talk = Talk("tpi")
    talk.panel.password = "another"
    for _ in range(100):
        talk.open()
        talk.wait(17)
    assert talk.panel.logins == 1
    talk.wait(100)
    talk.open()
    talk.wait(1)
    assert talk.panel.logins == 2
    assert talk.words["access"] == "refused"
    assert talk.words["cash"] == "! credential"


def test_another_password_is_tried_at_once() -> None:
    talk = Talk("tpi")
    talk.panel.password = "another"
    talk.open()
    password = talk.driver._options.password
    assert isinstance(password, Password)
    password.value = "another"
    talk.open()
    assert talk.panel.logins == 2
    assert talk.words["access"] == "ok"


def test_a_password_that_cannot_be_read_is_told() -> None:
    talk = Talk("tpi")
    password = talk.driver._options.password
    assert isinstance(password, Password)
    password.value = ""
    talk.open()
    talk.wait(6)
    assert talk.panel.logins == 0
    assert talk.words["access"] == "absent"
    assert talk.words["cash"] == "! credential"


def test_the_password_stands_in_no_text_of_the_driver() -> None:
    driver = conversation("tpi", password=Password("very-secret"))
    driver.opened(0.0)
    turns = [*driver.feed(encode("505", "3"), 0.0), *driver.feed(encode("505", "0"), 0.0)]
    assert "very-secret" not in repr([turn.readings for turn in turns])
    assert "very-secret" not in repr(vars(driver))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"variant": "tpi"}, "needs a password"),
        ({"password": Password()}, "it100 has none"),
        ({"variant": "tpi", "password": "user"}, "a secret never stands here"),
        ({"variant": "tpi", "password": Password(), "points": {"access": {"zone": 1, "role": "shutter", "name": NAME}}}, "choose another"),
        ({"points": {"cash": {"role": "hold-up", "name": NAME}}}, "say which events it takes"),
    ],
)  # fmt: skip
def test_what_an_operator_writes_wrong_is_refused_in_words(written: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        It100Options.model_validate(written)


@pytest.mark.parametrize("read_back", [True, False])
def test_an_alarm_that_was_only_read_back_is_no_new_press(read_back: bool) -> None:
    """It may stand since before a restart, and was told then."""
    panel = conversation()
    panel.opened(0.0)
    calm = b"".join(encode(*one) for one in (("500", "001"), ("610", "001"), ("610", "005"), ("610", "002")))
    said = readings_of(panel.feed(calm + encode("654" if read_back else "650", "1") + encode("841", "1"), 0.0))
    said += readings_of(panel.tick(2.0)) + readings_of(panel.feed(encode("500", "000"), 2.0))
    said += readings_of(panel.feed(b"" if read_back else encode("654", "1"), 3.0))
    said += readings_of(panel.tick(8.0))
    (told,) = (one for one in said if str(one.value).startswith("alarm"))
    assert (told.point, told.again) == ("d.other-hold-up", not read_back)
