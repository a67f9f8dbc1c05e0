"""Mailboxes, programs and the telling: the demo's small parts, for real."""

from __future__ import annotations

import asyncio
import io
import signal
import smtplib
import sys
from email.message import EmailMessage
from typing import TYPE_CHECKING

import psutil
import pytest

from sentinel.demo import child as children
from sentinel.demo import mail as mails
from sentinel.demo.child import child
from sentinel.demo.mail import Mail, Mailboxes, mailboxes
from sentinel.demo.telling import Teller

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def post(port: int, *to: str, subject: str = "लूट की सूचना", body: str = "कैश काउंटर") -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "branch@bank.example", ", ".join(to)
    message.set_content(body)
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        server.send_message(message)


async def test_a_letter_is_in_the_mailbox_of_each_who_got_it_as_they_read_it() -> None:
    async with mailboxes() as boxes:
        await asyncio.to_thread(post, boxes.port, "a@thana.example", "b@thana.example")
        assert boxes.mails == [Mail(to, "लूट की सूचना", "कैश काउंटर") for to in ("a@thana.example", "b@thana.example")]
        assert boxes.since(1) == boxes.mails[1:]
        assert boxes.since(2) == []


async def test_mailboxes_that_refuse_keep_nothing() -> None:
    async with mailboxes() as boxes:
        boxes.refusing = "451 4.3.0 no room left"
        with pytest.raises(smtplib.SMTPDataError):
            await asyncio.to_thread(post, boxes.port, "a@thana.example")
        assert boxes.mails == []


async def test_old_letters_go_and_new_ones_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "KEPT", 2)
    async with mailboxes() as boxes:
        for number in range(4):
            await asyncio.to_thread(post, boxes.port, "a@thana.example", subject=str(number))
        assert [one.subject for one in boxes.mails] == ["2", "3"]
        assert [one.subject for one in boxes.since(3)] == ["3"]
        assert Mailboxes().since(0) == []


async def test_a_program_is_ended_when_the_demo_leaves_it(tmp_path: Path) -> None:
    async with child("sleeper", ["sh", "-c", "echo good night; exec sleep 60"], tmp_path / "log") as running:
        process = psutil.Process(running.process.pid)
        while "good night" not in running.last_words():
            await asyncio.sleep(0.02)
    assert not running.running
    assert not process.is_running()


async def test_a_program_that_does_not_want_to_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "STOP_S", 0.3)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
    async with child("stubborn", [sys.executable, "-c", stubborn], tmp_path / "log") as running:
        while "here" not in running.last_words():
            await asyncio.sleep(0.02)
    assert running.process.returncode == -signal.SIGKILL


async def test_a_program_that_ended_by_itself_is_no_trouble(tmp_path: Path) -> None:
    async with child("brief", ["true"], tmp_path / "log") as running:
        await running.process.wait()
    assert running.process.returncode == 0


async def test_a_program_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    orphan = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sentinel.demo.tether", "1", "touch", str(tmp_path / "started"))
    )
    await orphan.wait()
    assert not (tmp_path / "started").exists()


class Terminal(io.StringIO):
    """Somebody looks on."""

    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals() -> None:
    plain, coloured = io.StringIO(), Terminal()
    for out in (plain, coloured):
        Teller(out).saw("the letter", 0.26)
        Teller(out).happens("a button is pressed")
        Teller(out).missed("the letter")
    assert plain.getvalue() == "    ✓ the letter  0.3 s\n\n  ▸ a button is pressed\n    ✗ the letter\n"
    assert "\x1b[32m✓\x1b[0m" in coloured.getvalue()
