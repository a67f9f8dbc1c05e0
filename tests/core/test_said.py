"""What a recorder's or panel's word says to people: in their language, with its number, within an SMS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import panel as panels
from drivers import recorder as recorders
from sentinel.core import said, words
from sentinel.core.model import Condition, Role, Text
from sentinel.core.words import SHORT_UNITS, render
from tests.core.test_words import slots

if TYPE_CHECKING:
    from collections.abc import Iterator


def texts() -> Iterator[tuple[str, Text]]:
    for role, table in said.SAID.items():
        for word, text in table.items():
            yield f"{role}.{word}", text
    for (role, word), text in said.BARE.items():
        yield f"bare.{role}.{word}", text
    for word, text in said.PANEL.items():
        yield f"panel.{word}", text


TEXTS = list(texts())


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_both_halves_are_there_with_the_same_slots(where: str, text: Text) -> None:
    assert re.search(r"[\u0900-\u0965\u0970-\u097f]", text.hi), where
    assert not re.search(r"[\u0900-\u097f]", text.en), where
    assert text.hi.count("{}") == text.en.count("{}"), where


@pytest.mark.parametrize(
    ("role", "value", "hindi", "english"),
    [
        (Role.RETENTION, "short 11/90", "रिकॉर्डिंग 11 दिन की है, 90 चाहिए", "11 days kept, 90 are required"),
        (Role.CAMERA_RECORDING, "stopped 17-10 04:12", "17-10 04:12 के बाद कुछ रिकॉर्ड नहीं हुआ", "nothing recorded since 17-10 04:12"),
        (Role.CAMERA_RECORDING, "stopped", "रिकॉर्डिंग रुकी है", "recording has stopped"),
        (Role.RECORDER_CLOCK, "wrong +312 s", "घड़ी 312 सेकंड आगे है", "the clock is 312 s fast"),
        (Role.RECORDER_CLOCK, "wrong -5400 s", "घड़ी 90 मिनट पीछे है", "the clock is 90 min slow"),
        (Role.RECORDER_CLOCK, "wrong +86400 s", "घड़ी 24 घंटे आगे है", "the clock is 24 h fast"),
        (Role.RECORDER_CLOCK, "wrong -864000 s", "घड़ी 10 दिन पीछे है", "the clock is 10 days slow"),
        (Role.DISK, "failed 2", "डिस्क 2 खराब है", "disk 2 has failed"),
        (Role.DISK, "failed", "डिस्क खराब है", "a disk has failed"),
        (Role.DISK, "none", "रिकॉर्डर में कोई डिस्क नहीं है", "there is no disk in the recorder"),
        (Role.CAMERA_VIDEO, "lost", "कैमरे से तस्वीर नहीं आ रही", "no picture comes from the camera"),
        (Role.RECORDER_ACCESS, "factory", "कंपनी का मूल खाता काम में है", "the maker's own account is in use"),
        (Role.RECORDER, "changed DS-7616 0420…881", "दूसरा रिकॉर्डर उत्तर दे रहा है: DS-7616 0420…881", "another recorder answers: DS-7616 0420…881"),
        (Role.TAMPER, "trouble 373/5,144/2.7,+3", "पैनल ने खराबी बताई: ज़ोन 5, 2.7, +3", "the panel reports a fault: zone 5, 2.7, +3"),
        (Role.MAINS, "alarm 301", "पैनल ने अलार्म दिया: 301", "the panel reports an alarm: 301"),
        (Role.SMOKE, "bypassed", "पैनल पर यह ज़ोन बंद रखा गया है", "switched off at the panel (bypassed)"),
    ],
)  # fmt: skip
def test_a_word_with_its_detail_is_a_sentence(role: Role, value: str, hindi: str, english: str) -> None:
    assert said.said(role, value, "hi") == hindi
    assert said.said(role, value, "en") == english


def test_a_detail_that_is_not_as_expected_is_shown_and_never_dropped() -> None:
    assert said.said(Role.RETENTION, "short 11", "en") == "fewer days kept than required (11)"
    assert said.said(Role.RECORDER_CLOCK, "wrong a lot", "en") == "the clock is a lot"
    assert said.said(Role.CAMERA_VIDEO, "lost 3", "en") == "no picture comes from the camera (3)"


@pytest.mark.parametrize(
    ("value", "hindi", "english"),
    [
        ("alarm 130/5", "ज़ोन 5", "zone 5"),
        ("alarm 131/7,130/5,130/2.9,133/1,+3", "ज़ोन 7, 5, 2.9", "zone 7, 5, 2.9"),
        ("alarm 110/1:L1D5:STRONG_ROOM", "ज़ोन 1 L1D5 STRONG ROOM", "zone 1 L1D5 STRONG ROOM"),
        ("alarm 110/1:L1D5:STRONG_ROOM,110/2:L1D6:CASH_HALL", "ज़ोन 1 L1D5 STRONG ROOM", "zone 1 L1D5 STRONG ROOM"),
        ("alarm 301", "", ""),
        ("alarm unknown:something", "", ""),
        ("normal", "", ""),
        ("stopped 17-10 04:12", "", ""),
    ],
)
def test_a_letter_names_the_panels_zone_where_many_stand_behind_one_name(value: str, hindi: str, english: str) -> None:
    assert said.where(value, "hi") == hindi
    assert said.where(value, "en") == english


@given(st.text(max_size=300), st.sampled_from(["hi", "en"]))
def test_no_panel_makes_a_place_long(value: str, language: str) -> None:
    assert len(said.where(f"alarm {value}", language)) <= 36


def test_a_word_that_nobody_here_knows_says_nothing() -> None:
    assert said.said(Role.DISK, "sleeping", "hi") == ""
    assert said.said(Role.MAINS, "normal", "hi") == ""


def test_every_word_that_a_recorder_can_say_has_its_sentence() -> None:
    options = recorders.RecorderOptions.model_validate(
        {"driver": "x", "cameras": {"gate": {"channel": 1, "name": {"hi": "गेट", "en": "Gate"}}}}
    )
    meant = [(point.role, word) for point in recorders.points(options) for word, _ in point.means]
    assert len(meant) > 20
    for role, word in meant:
        assert role is not None
        for language in ("hi", "en"):
            assert said.said(role, word, language), (role, word)


def test_every_word_of_a_panel_that_is_a_fault_has_its_sentence() -> None:
    faults = [word for word, condition in panels.WORDS if condition is not Condition.NORMAL]
    assert set(said.PANEL) == set(faults)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_short_form_of_any_fault_fits_two_parts_of_an_sms(language: str) -> None:
    for role, table in said.SAID.items():
        for word in table:
            reason = said.said(role, f"{word} {'x' * 200}", language)
            short = render("trouble", language, {**slots(language), "reason": reason}).short
            assert len(short.encode("utf-16-le")) // 2 <= SHORT_UNITS, short


@given(st.sampled_from(Role), st.text(max_size=200), st.sampled_from(["hi", "en"]))
def test_nothing_that_a_device_says_can_break_a_letter(role: Role, value: str, language: str) -> None:
    assert len(said.said(role, value, language)) < 200


def test_the_body_keeps_the_whole_of_a_long_reason() -> None:
    long = words.reason("x" * 80, "en")
    message = render("trouble", "en", {**slots("en"), "reason": long})
    assert long in message.body
    assert f"{'x' * 41}…" in message.short
