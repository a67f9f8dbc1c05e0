"""What people read: both languages whole, every word there, short enough for two SMS, and nothing to stumble over."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest

from sentinel.core import words
from sentinel.core.codes import ROLES
from sentinel.core.decide import FOLLOW_UPS
from sentinel.core.facts import AnswerKind, Disposition
from sentinel.core.model import Condition, Failure, Party, Role, Severity, Sight, Text
from sentinel.core.words import SHORT_UNITS, WORDS, reason, render
from sentinel.telemetry.replies import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVANAGARI = re.compile(r"[\u0900-\u097f]")
FIGURES = re.compile(r"[\u0966-\u096f]")
# Of the rules, and of the record's own card.
OTHERS = {
    "silent",
    "senseless-value",
    "trouble",
    "bypassed",
    "flapping",
    "before",
    "failed",
    "",
    "card",
    "no-room",
    "damaged",
    "dark",
    "no-camera",
}
TABLES: dict[str, tuple[Mapping[Any, Text], set[Any]]] = {
    "roles": (words.ROLES, set(Role)),
    "severities": (words.SEVERITIES, set(Severity)),
    "conditions": (words.CONDITIONS, set(Condition)),
    "dispositions": (words.DISPOSITIONS, set(Disposition)),
    "answers": (words.ANSWERS, set(AnswerKind)),
    "parties": (words.PARTIES, set(Party)),
    "sights": (words.SIGHTS, set(Sight)),
    "reasons": (words.REASONS, {*Failure, *Reason, *OTHERS}),
}
TEXTS = [
    *(
        (f"{id_}.{part}", text)
        for id_, one in WORDS.items()
        for part, text in (("subject", one.subject), ("body", one.body), ("short", one.short))
    ),
    *((f"{name}.{key}", text) for name, (table, _) in TABLES.items() for key, text in table.items() if key != ""),
    ("again", words.AGAIN),
    ("test", words.TEST),
    ("somebody", words.SOMEBODY),
    ("hides", words.HIDES),
    ("supervised", words.SUPERVISED),
    *((f"own.{subject}", text) for subject, text in words.OWN.items()),
]


def slots(language: str) -> dict[str, str]:
    """A branch with long names, as they really are."""
    hindi = language == "hi"
    longest = max(words.ROLES.values(), key=lambda text: len(text.of(language))).of(language)
    return {
        "again": "",  # never of a test: what goes into alarm anew is none
        "test": words.TEST.of(language),
        "role": longest,
        "branch": "भारतीय बैंक सेक्टर-6, भिलाई" if hindi else "Indian Bank Sector-6, Bhilai",
        "address": "सेंट्रल एवेन्यू, सेक्टर-6, भिलाई, दुर्ग" if hindi else "Central Avenue, Sector-6, Bhilai, Durg",
        "zone": "कैश काउंटर का बटन" if hindi else "Cash counter button",
        "time": "02:14, 23-11-2026",
        "code": "17-4821",
        "severity": words.SEVERITIES[Severity.CRITICAL].of(language),
        "reason": max((text.of(language) for text in words.REASONS.values()), key=len),
        "hides": words.HIDES.of(language).format(zones="x"),
        "lost": "लाइन dvr (रिकॉर्डर)" if hindi else "line dvr (recorder)",
        "pictures": "12",
        "by": "उप निरीक्षक राम कुमार वर्मा, थाना सेक्टर-6" if hindi else "SI Ram Kumar Verma, Sector-6 police station",
        "disposition": max((text.of(language) for text in words.DISPOSITIONS.values()), key=len),
    }


def names_in(template: str) -> list[str]:
    """The slots of a text."""
    return sorted({name for _, name, _, _ in Formatter().parse(template) if name is not None})


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_no_text_lacks_a_half(where: str, text: Text) -> None:
    bare_hi, bare_en = (re.sub(r"{\w+}", "", half) for half in (text.hi, text.en))
    assert DEVANAGARI.search(bare_hi), f"{where} is not Hindi"
    assert not DEVANAGARI.search(bare_en), f"{where} is not English"
    assert re.search("[A-Za-z]", bare_en), f"{where} has no English"


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_both_halves_say_the_same_things(where: str, text: Text) -> None:
    assert names_in(text.hi) == names_in(text.en), where
    assert text.hi.count("\n") == text.en.count("\n"), where


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_figures_are_the_ones_on_the_telephone(where: str, text: Text) -> None:
    assert not FIGURES.search(text.hi), where


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_word_of_the_code_has_a_word_for_people(name: str) -> None:
    table, members = TABLES[name]
    assert set(table) == members


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"reasons"}))
@pytest.mark.parametrize("language", ["hi", "en"])
def test_no_two_things_have_one_name(name: str, language: str) -> None:
    table, _ = TABLES[name]
    said = [text.of(language) for text in table.values()]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("id_", sorted(WORDS))
@pytest.mark.parametrize("language", ["hi", "en"])
def test_a_short_form_fits_two_parts_of_an_sms(id_: str, language: str) -> None:
    given = slots(language)
    anew = given | {"test": "", "again": words.AGAIN.of(language)}
    short = max((render(id_, language, one).short for one in (given, anew)), key=len)
    assert len(short.encode("utf-16-le")) // 2 <= SHORT_UNITS, short


@pytest.mark.parametrize("id_", sorted(WORDS))
@pytest.mark.parametrize("language", ["hi", "en"])
def test_every_form_says_the_code_by_which_it_is_answered(id_: str, language: str) -> None:
    message = render(id_, language, slots(language))
    for form in (message.subject, message.body, message.short):
        assert "17-4821" in form
        assert "{" not in form


@pytest.mark.parametrize("id_", ["alarm", "bare", "confirmed"])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_an_alarm_says_what_where_when_and_which_branch_in_every_form(id_: str, language: str) -> None:
    given = slots(language)
    message = render(id_, language, given)
    for form in (message.body, message.short):
        for slot in ("role", "branch", "zone", "time"):
            assert given[slot] in form
    assert given["role"] in message.subject
    assert given["branch"] in message.subject
    assert given["address"] in message.body


@pytest.mark.parametrize("id_", ["alarm", "trouble", "restored"])
@pytest.mark.parametrize("language", ["hi", "en"])
def test_a_test_says_so_first(id_: str, language: str) -> None:
    message = render(id_, language, slots(language))
    for form in (message.subject, message.body, message.short):
        assert form.startswith(words.TEST.of(language))


def test_the_words_that_deciding_asks_for_are_there() -> None:
    assert {"alarm", "trouble", "mistake", "bare", *FOLLOW_UPS} == set(WORDS)


def test_a_fault_names_why_and_what_cannot_be_known() -> None:
    given = slots("en")
    body = render("trouble", "en", given).body
    assert given["reason"] in body
    assert given["hides"] in body
    assert "fault" not in render("trouble", "en", {**given, "severity": "high"}).body.split("Fault: ")[1].split("\n")[0]


def test_a_slot_that_the_caller_forgot_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(KeyError):
        render("alarm", "hi", {"role": "x"})


def test_a_reason_without_words_is_shown_as_it_is() -> None:
    assert reason("E42", "hi") == "E42"
    assert reason("no-reply", "hi") == "कोई उत्तर नहीं"
    assert reason("no-reply", "en") == "no reply"


def test_any_language_but_hindi_is_english() -> None:
    assert Text("हाँ", "yes").of("hi") == "हाँ"
    assert Text("हाँ", "yes").of("en") == Text("हाँ", "yes").of("mr") == "yes"


def test_what_a_hold_up_zone_shows_in_the_branch_is_no_condition() -> None:
    for language in ("hi", "en"):
        assert words.SUPERVISED.of(language) not in {text.of(language) for text in words.CONDITIONS.values()}
    assert any(rule.silent for rule in ROLES.values())
