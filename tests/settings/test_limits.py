"""A channel's limit: how much it may send, never whether a first critical notice leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentinel.commands.tables import real_tables
from sentinel.settings.branch import load
from tests.example import EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = "limit: {count: 60, per: 1h}"


def test_the_examples_limit_is_sixty_letters_an_hour() -> None:
    settings = load(EXAMPLE, real_tables(EXAMPLE.parent)).settings
    assert settings is not None
    limit = settings.channels["mail"].limit
    assert limit is not None
    assert (limit.count, limit.per) == (60, 3600.0)
    assert settings.channels["room"].limit is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("limit: {count: 0, per: 1h}", "channels.mail.limit.count"),
        ("limit: {count: many, per: 1h}", "channels.mail.limit.count"),
        ("limit: {count: 60, per: 0s}", "channels.mail.limit.per"),
        ("limit: {count: 60}", "channels.mail.limit.per"),
        ("limit: 60", "channels.mail.limit"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(written: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "branch.yaml"
    config.write_text(EXAMPLE.read_text(encoding="utf-8").replace(LIMIT, written), encoding="utf-8")
    loaded = load(config, real_tables(tmp_path))
    assert loaded.settings is None
    assert [problem for problem in loaded.problems if f"{said}:" in str(problem)]
