"""How a camera looked when it looked well: learnt once, for each kind of hour, and not from a camera that was turned away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentinel.pictures.frame import UnreadableError
from sentinel.pictures.judge import Seen
from sentinel.pictures.references import References
from tests.pictures.scenes import Scene

if TYPE_CHECKING:
    from pathlib import Path

ROOM = Scene(room=7)


def test_the_first_good_picture_is_the_reference_also_after_a_start(tmp_path: Path) -> None:
    assert References(tmp_path).look("dvr.ch1", ROOM.jpeg(), lit=True)[0] is Seen.OK
    again = References(tmp_path)
    assert again.look("dvr.ch1", ROOM.at(5, people=2).jpeg(), lit=True)[0] is Seen.OK
    assert again.look("dvr.ch1", ROOM.at(6, shift=(150, 60)).jpeg(), lit=True)[0] is Seen.MOVED


def test_what_is_covered_from_the_start_is_never_learnt(tmp_path: Path) -> None:
    one = References(tmp_path)
    assert one.look("dvr.ch1", ROOM.at(1, cover="cloth", noise=3.0).jpeg(), lit=True)[0] is not Seen.OK
    assert one.look("dvr.ch1", ROOM.jpeg(), lit=True)[0] is Seen.OK


def test_day_and_night_have_their_own(tmp_path: Path) -> None:
    one = References(tmp_path)
    for lit, infrared in ((True, False), (False, True), (False, False)):
        assert one.look("dvr.ch1", ROOM.at(3, infrared=infrared).jpeg(), lit=lit)[0] is Seen.OK
    assert len(list(tmp_path.iterdir())) == 3


def test_a_camera_that_was_turned_before_its_first_night_is_not_learnt_by_heart(tmp_path: Path) -> None:
    one = References(tmp_path)
    one.look("dvr.ch1", ROOM.jpeg(), lit=True)
    elsewhere = Scene(room=2000, infrared=True)
    assert one.look("dvr.ch1", elsewhere.jpeg(), lit=False)[0] is None
    assert len(list(tmp_path.iterdir())) == 1


def test_each_camera_has_its_own(tmp_path: Path) -> None:
    one = References(tmp_path)
    for number in range(4):
        assert one.look(f"dvr.ch{number}", Scene(room=number).jpeg(), lit=True)[0] is Seen.OK
    assert one.look("dvr.ch0", Scene(room=1).jpeg(), lit=True)[0] is Seen.MOVED


def test_a_reference_that_was_damaged_is_none(tmp_path: Path) -> None:
    one = References(tmp_path)
    one.look("dvr.ch1", ROOM.jpeg(), lit=True)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert one.look("dvr.ch1", ROOM.at(2).jpeg(), lit=True)[0] is Seen.OK


def test_a_card_that_takes_nothing_costs_the_reference_and_not_the_look(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert References(file / "folder").look("dvr.ch1", ROOM.jpeg(), lit=True)[0] is Seen.OK


def test_what_is_no_picture_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        References(tmp_path).look("dvr.ch1", b"busy", lit=True)
