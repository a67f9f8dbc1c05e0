"""What docs/adding-a-device.md and docs/adding-a-protocol.md show works: taken from the page, not written again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.modbus import ModbusDriver, ModbusOptions
from sentinel.commands.profiles import load_profile
from sentinel.commands.tables import real_tables
from sentinel.core.model import Quality
from sentinel.ports import Table
from sentinel.settings.branch import load
from tests.example import EXAMPLE

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    """The guide's profile, written where the guide says."""
    path = tmp_path / "my-panel.yaml"
    path.write_text(blocks("adding-a-device.md", "yaml")[1], encoding="utf-8")
    return path


def test_the_first_look_asks_each_register_alone(tmp_path: Path) -> None:
    path = tmp_path / "look.yaml"
    path.write_text(blocks("adding-a-device.md", "yaml")[0], encoding="utf-8")
    polls = ModbusDriver("d", load_profile(str(path)), ModbusOptions(profile=str(path))).plan()
    assert [(poll.request.address, poll.request.count) for poll in polls] == [(at, 1) for at in range(40, 65)]


def test_the_guides_case_is_what_its_profile_makes_of_its_words(panel: Path) -> None:
    raw, expected = (json.loads(text) for text in blocks("adding-a-device.md", "json"))
    driver = ModbusDriver("d", load_profile(str(panel)), ModbusOptions(profile=str(panel)))
    memory: dict[int, int] = {}
    for step, wanted in zip(raw, expected, strict=True):
        for start, words in step["holding"].items():
            memory.update(enumerate(words, int(start)))
        seen: dict[str, Any] = {}
        for poll in [*driver.plan(), *driver.plan()]:
            ask = poll.request
            assert ask.table is Table.HOLDING
            words = tuple(memory[at] for at in range(ask.address, ask.address + ask.count))
            for reading in driver.decode(poll, words, step["at"]):
                good = reading.quality is Quality.GOOD
                seen[reading.point.removeprefix("d.")] = reading.value if good else f"! {reading.reason}"
        assert {point: seen[point] for point in wanted} == wanted


def test_a_branch_takes_the_guides_device(panel: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for part in re.split(r"^(?=\w)", blocks("adding-a-device.md", "yaml")[2], flags=re.MULTILINE)[1:]:
        head, body = part.split("\n", 1)
        assert f"\n{head}\n" in text
        text = text.replace(f"\n{head}\n", f"\n{head}\n{body}", 1)
    config = panel.with_name("branch.yaml")
    config.write_text(text, encoding="utf-8")
    loaded = load(config, real_tables(config.parent))
    assert loaded.settings is not None, [str(one) for one in loaded.problems]
    assert loaded.settings.zones["fire-hall"].point == "agni.zone3"


@pytest.mark.real
def test_the_guides_protocol_is_a_drivers_package_and_passes_its_own_tests(tmp_path: Path) -> None:
    """A stranger's package, as pip would lay it down; nothing of ours knows its name."""
    page = "adding-a-protocol.md"
    driver, laws, story = blocks(page, "python")
    (entry,) = re.findall(r"^chowkidar = .*$", blocks(page, "toml")[0], re.MULTILINE)
    installed = tmp_path / "sentinel_chowkidar-0.1.dist-info"
    case = tmp_path / "cases" / "a-day-at-the-panel"
    for folder in (installed, case):
        folder.mkdir(parents=True)
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sentinel-chowkidar\nVersion: 0.1\n", encoding="utf-8"
    )
    entries = "[sentinel.drivers]\n" + entry.replace('"', "") + "\n"
    (installed / "entry_points.txt").write_text(entries, encoding="utf-8")
    (tmp_path / "chowkidar.py").write_text(driver, encoding="utf-8")
    (case / "options.json").write_text(blocks(page, "json")[0], encoding="utf-8")
    (case / "talk.txt").write_text(blocks(page, "text")[0], encoding="utf-8")
    (tmp_path / "test_laws.py").write_text(laws, encoding="utf-8")
    stories = tmp_path / "stories"
    stories.mkdir()
    (stories / "conftest.py").write_text("from tests.stories.conftest import *  # noqa: F403", encoding="utf-8")
    (stories / "test_story.py").write_text(story, encoding="utf-8")
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), str(tmp_path)),
        cwd=ROOT, env={**os.environ, "SENTINEL_FAULTS": "20000", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "4 passed" in done.stdout
