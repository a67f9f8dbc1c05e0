"""The look's promises about colour, held to the style sheet itself: text at 7:1, marks at 3:1, by day and by night."""

from __future__ import annotations

import re

import pytest

from sentinel.web.assets import ASSETS
from sentinel.web.document import SHAPES, STROKES

CSS = (ASSETS / "base.css").read_text(encoding="utf-8")
LEVELS = ("critical", "high", "fault", "unknown", "test")


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT, DARK = (colours(block) for block in re.findall(r"^ *:root \{\n(.*?)\}", CSS, re.DOTALL | re.MULTILINE)[:2])


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *((ink, on) for ink in ("ink", "soft") for on in ("ground", "paper")),
    *((f"{level}-ink", on) for level in LEVELS for on in ("ground", "paper", f"{level}-ground")),
    *(("ink", f"{level}-ground") for level in LEVELS),
    *((ink, "stripe") for ink in ("ink", "unknown-ink")),
    ("on-bar", "bar"), ("soft-on-bar", "bar"), ("on-do", "do"), ("on-alarm", "alarm"),
]  # fmt: skip
MARKS = [
    *((f"{level}-edge", on) for level in LEVELS for on in ("paper", f"{level}-ground")),
    ("focus", "ground"),
    ("do", "paper"),
]


@pytest.mark.parametrize(("ink", "on"), TEXT)
def test_what_is_written_can_be_read_at_seven_to_one(ink: str, on: str) -> None:
    least = 6.0 if on == "stripe" else 7.0  # between two stripes the ground is the full one
    assert contrast(LIGHT[ink], LIGHT[on]) >= least, f"light: {contrast(LIGHT[ink], LIGHT[on]):.2f}"
    assert contrast(DARK[ink], DARK[on]) >= least, f"dark: {contrast(DARK[ink], DARK[on]):.2f}"


@pytest.mark.parametrize(("mark", "on"), MARKS)
def test_a_mark_is_seen_at_three_to_one(mark: str, on: str) -> None:
    assert contrast(LIGHT[mark], LIGHT[on]) >= 3, f"light: {contrast(LIGHT[mark], LIGHT[on]):.2f}"
    assert contrast(DARK[mark], DARK[on]) >= 3, f"dark: {contrast(DARK[mark], DARK[on]):.2f}"


def test_day_and_night_have_the_same_names() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_every_colour_that_is_used_is_there() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)", CSS))
    assert used - LIGHT.keys() == {"level", "edge", "level-ink", "level-ground"} & used


def test_the_four_levels_are_told_apart_by_shape_and_not_by_colour_alone() -> None:
    assert {"octagon", "triangle", "diamond", "dot"} <= SHAPES.keys()
    assert {"ring", "test"} <= STROKES.keys()
    assert len(set(SHAPES.values())) == len(SHAPES)


def test_nothing_flashes_for_who_asked_for_stillness_but_a_page_that_is_cut_still_hatches() -> None:
    still = CSS.partition("@media (prefers-reduced-motion: reduce) {")[2].partition("\n}")[0]
    assert ".mark.critical.full .shape { animation: none; }" in still
    assert ".cut" not in still
