"""What came from other makers: unchanged, named with its source, and with its licence beside it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from sentinel.web.assets import ASSETS, TYPES

OURS = {"README.md", "base.css", "stream.js"}
ROWS = [
    tuple(cell.strip().strip("`") for cell in line.split("|")[1:-1])
    for line in (ASSETS / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def test_every_file_is_ours_or_is_written_down() -> None:
    assert {path.name for path in ASSETS.iterdir()} == OURS | {row[0] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_vendored_file_is_the_one_that_was_recorded(row: tuple[str, ...]) -> None:
    name, _, source, _, digest = row
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == digest
    assert re.match(r"npm `(@[a-z-]+/)?[a-z-]+@\d+\.\d+\.\d+`, `", source)


@pytest.mark.parametrize("row", [row for row in ROWS if row[3]], ids=lambda row: row[0])
def test_a_vendored_file_has_its_licence_beside_it(row: tuple[str, ...]) -> None:
    kind, _, file = row[3].replace("`", "").partition(", ")
    text = (ASSETS / file).read_text(encoding="utf-8")
    assert {"MIT": "The MIT License", "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1"}[kind] in text
    assert "Copyright" in text


def test_no_page_can_load_a_file_whose_kind_is_not_served() -> None:
    assert {path.suffix for path in ASSETS.iterdir()} - set(TYPES) == {".md"}


def test_what_is_installed_has_the_files_and_their_licences_too() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["setuptools"]["package-data"]["*"]
    assert [path.name for path in ASSETS.iterdir() if not any(fnmatch(path.name, one) for one in packed)] == []
