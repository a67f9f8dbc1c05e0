"""Telling from memory: again and again until it left, never what was taken back, bounded with a stated loser."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from sentinel.core.decide import Report
from sentinel.core.facts import NoticeQueued
from sentinel.core.incident import NoticeState
from sentinel.core.model import Party
from sentinel.duty.memory import HELD, MemoryOutbox
from sentinel.ports import ChannelError, Letter
from tests.duty.house import FakePhone

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from sentinel.core.decide import Event


def queued(notice: str, *, loud: bool = True) -> NoticeQueued:
    priority = 0 if loud else 3
    return NoticeQueued(
        notice, notice.partition("-")[0], "sho", "mail", "wan", "hi", Party.POLICE, "alarm", (), priority, 0
    )


def letter(fact: NoticeQueued) -> Letter | None:
    return Letter(fact.notice, fact.contact, "somewhere", fact.code, "s", "b", urgent=True, seq=0)


class Memory:
    """One, with a phone at its end."""

    def __init__(self, phone: FakePhone, make: Callable[[NoticeQueued], Letter | None] = letter) -> None:
        self.reports: list[Report] = []
        self.outbox = MemoryOutbox(lambda name: phone if name == "mail" else None, make, self._submit)

    def _submit(self, event: Event) -> asyncio.Future[None]:
        assert isinstance(event, Report)
        self.reports.append(event)
        return asyncio.get_running_loop().create_future()


async def test_it_is_sent_until_it_leaves_and_then_reported_once() -> None:
    phone = FakePhone(trouble=[ChannelError("lost"), ChannelError("lost")])
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(60)
    assert len(phone.done) == 1
    assert memory.reports == [Report("1000-1", NoticeState.SENT, 3)]


async def test_what_was_taken_back_is_not_begun_again() -> None:
    phone = FakePhone(down=ChannelError("lost"))
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(1)
    memory.outbox.withdraw("1000-1")
    phone.down = None
    await asyncio.sleep(60)
    assert phone.done == []


async def test_a_mailbox_that_refuses_for_good_is_left_alone() -> None:
    phone = FakePhone(down=ChannelError("550", permanent=True))
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(60)
    assert len(phone.began) == 1
    assert memory.reports == [Report("1000-1", NoticeState.FAILED, 1, "550")]


async def test_a_send_that_falls_is_a_notice_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory(FakePhone(trouble=[RuntimeError("a channel's own slip")]))
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(60)
    assert memory.reports == [Report("1000-1", NoticeState.FAILED, 0, "RuntimeError")]
    assert "a channel's own slip" in caplog.text


async def test_a_channel_that_left_the_settings_fails_its_notices() -> None:
    memory = Memory(FakePhone())
    memory.outbox.tell(replace(queued("1000-1"), channel="gone"))
    await asyncio.sleep(1)
    assert [one.state for one in memory.reports] == [NoticeState.FAILED]


async def test_the_same_notice_handed_in_twice_is_one_letter() -> None:
    phone = FakePhone()
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-1"))
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(5)
    assert len(phone.done) == 1


async def test_an_address_that_comes_back_is_used() -> None:
    phone, there = FakePhone(), False

    def make(fact: NoticeQueued) -> Letter | None:
        if not there:
            raise LookupError("credential absent")
        return letter(fact)

    memory = Memory(phone, make)
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(7)
    there = True
    await asyncio.sleep(7)
    assert len(phone.done) == 1


async def test_too_many_lose_the_oldest_that_is_not_critical(caplog: pytest.LogCaptureFixture) -> None:
    phone = FakePhone(down=ChannelError("lost"))
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-0", loud=True))
    for number in range(HELD):
        memory.outbox.tell(queued(f"2000-{number}", loud=False))
    memory.outbox.tell(queued("3000-0", loud=True))
    await asyncio.sleep(6)
    phone.down = None
    await asyncio.sleep(6)
    left = {notice for _, notice in phone.done}
    assert {"1000-0", "3000-0"} <= left
    assert not {"2000-0", "2000-1"} & left
    assert caplog.text.count("one is dropped") == 2
    assert [one.notice for one in memory.reports if one.state is NoticeState.FAILED] == ["2000-0", "2000-1"]


async def test_when_the_journal_is_back_nothing_is_sent_from_memory_any_more() -> None:
    phone = FakePhone(down=ChannelError("lost"))
    memory = Memory(phone)
    memory.outbox.tell(queued("1000-1"))
    await asyncio.sleep(1)
    memory.outbox.stop()
    phone.down = None
    await asyncio.sleep(30)
    assert phone.done == []
