"""The skeleton of a page and the ages on it, as text."""

from __future__ import annotations

import re

import htpy as h
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.web import ages, document
from sentinel.web.language import LANGUAGES, Language


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_whole_in_its_language_and_has_nothing_inline(lang: Language) -> None:
    text = document.page(
        "शाखा",
        lang,
        h.main[document.sign(lang)],
        scripts=["/assets/a.js?1", "/assets/b.js?2"],
        styles=["/assets/a.css?3"],
    )
    assert text.startswith(f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">')
    assert "width=device-width, initial-scale=1" in text
    assert re.findall(r"<script[^>]*>[^<]*</script>", text) == [
        '<script type="module" src="/assets/a.js?1"></script>',
        '<script type="module" src="/assets/b.js?2"></script>',
    ]
    assert "style=" not in text
    assert "<style" not in text
    assert " on" not in re.sub(r">[^<]*<", "><", text)  # no handler


def test_what_people_wrote_cannot_become_markup() -> None:
    text = document.page("</title><script>", "en", h.main[h.p(title='"><script>')["<script>alert(1)</script>"]])
    assert "<script>" not in text


def test_until_the_stream_speaks_a_page_is_a_still_picture_and_without_script_it_asks_again_before_it_hatches() -> None:
    text = document.page("x", "en", None)
    assert 'data-stream="still"' in text
    assert '<noscript><meta http-equiv="refresh" content="8"></noscript>' in text
    assert document.AGAIN_S < 10


def test_a_page_that_is_cut_says_so_in_both_languages_whichever_it_is_in() -> None:
    for lang in LANGUAGES:
        text = document.page("x", lang, None)
        assert document.CUT_LONG.hi in text
        assert document.CUT_LONG.en in text


@pytest.mark.parametrize("name", [*document.SHAPES, *document.STROKES])
def test_every_shape_is_drawn_on_the_page_and_silent_to_who_cannot_see_it(name: str) -> None:
    assert f'<symbol id="shape-{name}"' in document.page("x", "en", None)
    assert 'aria-hidden="true"' in str(document.shape(name))
    assert f'href="#shape-{name}"' in str(document.shape(name))


def test_the_way_to_the_other_language_says_which_one_this_is() -> None:
    text = str(document.languages("hi"))
    assert '<a href="?lang=hi" lang="hi" hreflang="hi" aria-current="true">हिं</a>' in text
    assert '<a href="?lang=en" lang="en" hreflang="en">EN</a>' in text


@pytest.mark.parametrize(
    ("seconds", "hindi", "english", "clock"),
    [
        (-7200, "–", "–", "–"),  # the clock was set back: it did not begin just now
        (-3, "–", "–", "–"),
        (-1.5, "0 सेकंड", "0 s", "00:00"),
        (0.9, "0 सेकंड", "0 s", "00:00"),
        (59.99, "59 सेकंड", "59 s", "00:59"),
        (60, "1 मिनट", "1 min", "01:00"),
        (3599, "59 मिनट", "59 min", "59:59"),
        (3792, "1 घंटे", "1 h", "1:03:12"),
        (47 * 3600 + 3599, "47 घंटे", "47 h", "47:59:59"),
        (48 * 3600, "2 दिन", "2 d", "2 d"),
        (90 * 86400, "90 दिन", "90 d", "90 d"),
    ],
)
def test_an_age_is_said_in_the_words_of_the_branch(seconds: float, hindi: str, english: str, clock: str) -> None:
    assert ages.words(seconds, "hi") == hindi
    assert ages.words(seconds, "en") == english
    assert ages.clock(seconds, "en") == clock


@given(st.floats(0, 1e8), st.floats(0, 1e6))
def test_what_is_older_never_reads_younger(seconds: float, more: float) -> None:
    order = ["s", "min", "h", "d"]

    def size(text: str) -> tuple[int, int]:
        number, unit = text.split(" ")
        return order.index(unit), int(number)

    assert size(ages.words(seconds, "en")) <= size(ages.words(seconds + more, "en"))


def test_an_age_that_nobody_knows_is_a_dash_and_never_a_zero() -> None:
    assert str(ages.age(None, 100.0, "en")) == '<time class="age">–</time>'
    assert str(ages.age(None, 100.0, "en", key="zone:a")) == '<time class="age" data-age="zone:a">–</time>'


def test_at_first_paint_an_age_is_written_and_in_the_stream_it_is_left_to_the_browser() -> None:
    assert str(ages.age(40.0, 100.0, "hi")) == '<time class="age" data-at="40.000">1 मिनट</time>'
    assert (
        str(ages.age(40.0, None, "hi", as_clock=True)) == '<time class="age" data-at="40.000" data-as="clock"></time>'
    )
    assert str(ages.age(40.0, 100.0, "hi", key="k")) == '<time class="age" data-at="40.000" data-age="k">1 मिनट</time>'


def test_what_is_read_each_second_does_not_change_its_section_each_second() -> None:
    assert str(ages.age(40.0, None, "en", key="k")) == str(ages.age(41.0, None, "en", key="k"))
