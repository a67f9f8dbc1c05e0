"""`sentinel journal`: the words an operator reads, and the exit codes a script does."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from sentinel.commands.journal import VERIFY_PATH, add_arguments, run
from sentinel.core.chain import line, parse
from sentinel.journal.store import Store
from sentinel.journal.verify import verify
from tests.journal.samples import opened, signalled, write

if TYPE_CHECKING:
    from pathlib import Path

GOOD = b'{"ok": true, "first_bad_seq": null, "why": ""}'
BAD = b'{"ok": false, "first_bad_seq": 2, "why": "changed"}'


class Daemon:
    """Answers on its socket as the API does; `None` is a daemon that does not run."""

    def __init__(self, body: bytes | None = None) -> None:
        self.body = body
        self.asked: list[str] = []

    def fetch(self, path: str) -> bytes:
        self.asked.append(path)
        if self.body is None:
            raise ConnectionRefusedError("the daemon does not run")
        return self.body


def sentinel_journal(daemon: Daemon, *words: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(word) for word in words]), daemon.fetch)


@pytest.fixture
def stopped(path: Path) -> Path:
    store = Store.open(path)
    write(store, signalled(), opened())
    store.close()
    return path


def test_a_good_file_is_said_to_be_good(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon()
    assert sentinel_journal(daemon, "verify", stopped) == 0
    report = verify(stopped)
    assert capsys.readouterr().out == f"good: 3 facts, epoch {report.epoch}, head {report.head}\n"
    assert daemon.asked == []


def test_a_changed_fact_is_named_and_is_a_finding(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(stopped)
    store._db.execute("DROP TRIGGER fact_never_changes")
    store._db.execute("UPDATE fact SET line = replace(line, 'critical', 'info') WHERE n = 2")
    store.close()
    assert sentinel_journal(Daemon(), "verify", stopped) == 1
    assert capsys.readouterr().out.startswith("bad: fact 2: fact 2 of epoch ")


def test_without_a_file_the_running_daemon_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon(GOOD)
    assert sentinel_journal(daemon, "verify") == 0
    assert daemon.asked == [VERIFY_PATH]
    assert capsys.readouterr().out.startswith("good: every fact")
    assert sentinel_journal(Daemon(BAD), "verify") == 1
    assert capsys.readouterr().out == "bad: fact 2: changed\n"


def test_a_daemon_that_does_not_run_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert sentinel_journal(Daemon(), "verify") == 2
    assert sentinel_journal(Daemon(b"<html>"), "verify") == 2
    assert sentinel_journal(Daemon(b'{"strange": 1}'), "verify") == 2
    assert "does not run" in capsys.readouterr().err


def test_a_file_in_use_or_absent_is_no_verdict(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(path)
    assert sentinel_journal(Daemon(), "verify", path) == 2
    store.close()
    assert sentinel_journal(Daemon(), "verify", path.with_name("none.db")) == 2
    err = capsys.readouterr().err
    assert "leave the file out" in err
    assert "no such journal" in err


def test_an_export_is_the_facts_as_stored(stopped: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.jsonl"
    assert sentinel_journal(Daemon(), "export", stopped, "--out", out) == 0
    lines = out.read_text().splitlines()
    store = Store.open(stopped)
    assert [parse(text) for text in lines] == list(store.replay())
    assert [line(parse(text)) for text in lines] == lines
    assert {json.loads(text)["seq"] for text in lines} == {1, 2, 3}
    store.close()


def test_an_export_never_overwrites_an_older_one(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evidence").write_text("older")
    assert sentinel_journal(Daemon(), "export", stopped, "--out", tmp_path / "evidence") == 2
    assert (tmp_path / "evidence").read_text() == "older"
    assert "evidence" in capsys.readouterr().err


def test_an_export_goes_to_the_terminal_and_no_daemon_is_asked_for_it(
    stopped: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert sentinel_journal(Daemon(), "export", stopped) == 0
    out, err = capfdbinary.readouterr()
    assert out.count(b"\n") == 3
    assert err == b"3 facts\n"
    daemon = Daemon(out)
    with pytest.raises(SystemExit):  # the facts tell of hold-ups: nobody in the branch gets them from the daemon
        sentinel_journal(daemon, "export")
    assert not daemon.asked


def test_an_export_of_a_file_that_is_no_journal_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "minutes").write_bytes(b"minutes of the meeting " * 99)
    assert sentinel_journal(Daemon(), "export", tmp_path / "minutes") == 1
    assert "damaged" in capsys.readouterr().err
