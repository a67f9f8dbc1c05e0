"""What the page says: both languages whole, the same slots in both, and no promise that the ladder does not keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

import pytest

from sentinel.core import labels, words
from sentinel.core.facts import AnswerKind
from sentinel.core.incident import NoticeState
from sentinel.core.ladder import EXPIRY
from sentinel.core.model import Role, Severity, Text
from sentinel.core.words import WORDS

TEXTS = [
    (f"{name}.{key}" if key is not None else name, text)
    for name, value in vars(labels).items()
    if name.isupper()
    for key, text in (value.items() if isinstance(value, Mapping) else [(None, value)])
    if isinstance(text, Text)
]


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[name for name, _ in TEXTS])
def test_every_label_is_there_in_both_languages_with_the_same_slots(name: str, text: Text) -> None:
    assert text.hi.strip(), name
    assert text.en.strip(), name
    assert re.search(r"[\u0900-\u097f]", text.hi), "no Hindi in it"
    assert not re.search(r"[\u0900-\u097f]", text.en), "Hindi in the English"
    assert not re.search(r"[\u0966-\u096f]", text.hi), "figures are 0-9 in both languages"
    assert slots(text.hi) == slots(text.en)


def slots(text: str) -> list[str]:
    return sorted(name or "" for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_no_state_of_a_notice_and_no_message_is_without_its_word() -> None:
    assert set(labels.NOTICES) == set(NoticeState)
    assert set(labels.MESSAGES) == set(WORDS)
    assert set(labels.WHAT_IT_DOES) == set(Severity)


def test_what_a_zone_is_is_never_said_in_the_words_of_its_alarm() -> None:
    """A quiet hold-up button is no robbery."""
    assert set(labels.KINDS) == set(Role)
    for role in (Role.HOLD_UP, Role.DURESS, Role.FIRE, Role.SMOKE, Role.HEAT, Role.CALL_POINT, Role.SUMMARY):
        assert labels.KINDS[role].hi != words.ROLES[role].hi
        assert labels.KINDS[role].en != words.ROLES[role].en
    assert labels.KINDS[Role.HOLD_UP] == Text("होल्ड-अप बटन", "Hold-up button")


def test_the_button_promises_what_the_ladder_keeps() -> None:
    """15 minutes of a break-in, 24 hours of a fault; of a fire, that the police are told all the same."""
    high = EXPIRY[AnswerKind.ACKNOWLEDGED, Severity.HIGH]
    fault = EXPIRY[AnswerKind.ACKNOWLEDGED, Severity.FAULT]
    assert high is not None
    assert fault is not None
    for lang in ("hi", "en"):
        assert str(int(high.total_seconds() // 60)) in labels.WHAT_IT_DOES[Severity.HIGH].of(lang)
        assert str(int(fault.total_seconds() // 3600)) in labels.WHAT_IT_DOES[Severity.FAULT].of(lang)
    assert "पुलिस को सूचना जाती रहेगी" in labels.WHAT_IT_DOES[Severity.CRITICAL].hi
    assert "police are still told" in labels.WHAT_IT_DOES[Severity.CRITICAL].en
