"""The outbox: send, then mark; loudest first; nothing holds back the first notice of a critical incident."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.core import facts
from sentinel.core.authority import Command, CommandKind
from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Party, Role, Via
from sentinel.duty.outbox import Limit
from sentinel.journal.errors import JournalUnavailable, Reason
from sentinel.ports import ChannelError, Letter, Sent
from tests.core.branch import signal
from tests.duty.house import DOOR, FIRE, HOLD_UP, MAINS, FakePhone, House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sentinel.core.facts import Fact
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.thread import Journal
    from tests.fakes import FakeClock


@pytest.fixture
async def house(journal: Journal, clock: FakeClock) -> AsyncIterator[House]:
    made = House(journal, clock)
    yield made
    await made.close()


def of(house: House, kind: type[Fact]) -> list[Fact]:
    return [one.fact for one in house.record if isinstance(one.fact, kind)]


def states(house: House, channel: str) -> list[NoticeState]:
    found = [n for one in house.desk.state.incidents.values() for n in one.notices.values() if n.channel == channel]
    return [notice.state for notice in found]


async def test_a_notice_leaves_within_a_moment_of_being_durable_and_is_marked_after(house: House) -> None:
    phone = FakePhone()
    house.add("mail", phone)
    await asyncio.sleep(0.5)
    began = asyncio.get_running_loop().time()
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(0.2)
    assert phone.began[0][0] - began < 0.05
    assert states(house, "mail") == [NoticeState.SENT]


async def test_a_channel_that_knows_of_the_delivery_says_so(house: House) -> None:
    house.add("mail", FakePhone(gives=Sent.DELIVERED))
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(1)
    assert states(house, "mail") == [NoticeState.DELIVERED]


async def test_a_hold_up_overtakes_everything_that_waits(house: House) -> None:
    phone = FakePhone(takes_s=10)
    house.add("mail", phone)
    for number in range(10):
        await house.desk.submit(signal(f"m{number}", Role.MAINS, Condition.ALARM))
    await asyncio.sleep(1)
    assert len(phone.began) == 3  # the lane's senders are all busy with faults
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(0.1)
    assert phone.began[-1][1].startswith(house.incident("zone:holdup").code)


async def test_a_limit_holds_back_faults_and_never_the_first_notice_of_a_hold_up(house: House) -> None:
    phone = FakePhone(takes_s=0.01)
    house.add("mail", phone, limit=Limit(2, 60.0))
    for number in range(5):
        await house.desk.submit(signal(f"m{number}", Role.MAINS, Condition.ALARM))
    await asyncio.sleep(10)
    assert len(phone.done) == 2
    await house.desk.submit(HOLD_UP, FIRE)
    await asyncio.sleep(1)
    assert len(phone.done) == 4
    await asyncio.sleep(130)
    assert len(phone.done) > 6


async def test_tries_on_a_dead_channel_do_not_use_up_what_its_limit_allows(house: House) -> None:
    phone = FakePhone(takes_s=0.01, down=ChannelError("lost"))
    house.add("mail", phone, limit=Limit(3, 3600.0))
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(50)
    assert len(phone.began) > 3
    phone.down = None
    await house.desk.submit(MAINS)
    await asyncio.sleep(30)
    assert len(phone.done) == 2


async def test_a_temporary_failure_is_tried_again_soon_and_told_once_a_reason(house: House) -> None:
    phone = FakePhone(down=ChannelError("lost"))
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(30)
    gaps = [b[0] - a[0] for a, b in zip(phone.began, phone.began[1:], strict=False)]
    assert gaps[0] < 2.5
    assert all(gap < 26 for gap in gaps)
    assert len(of(house, facts.NoticeDelayed)) == 1
    assert house.health == [("mail", False)]
    phone.down = ChannelError("another reason")
    await asyncio.sleep(30)
    assert len(of(house, facts.NoticeDelayed)) == 2
    phone.down = None
    await asyncio.sleep(30)
    assert house.health[:2] == [("mail", False), ("mail", True)]
    assert states(house, "mail")[0] is NoticeState.SENT


async def test_a_server_that_asks_for_patience_gets_it(house: House) -> None:
    phone = FakePhone(trouble=[ChannelError("later", retry_after_s=40.0)])
    house.add("mail", phone)
    await house.desk.submit(MAINS)
    await asyncio.sleep(60)
    assert 31 < phone.began[1][0] - phone.began[0][0] < 50


async def test_a_server_that_asks_for_a_year_is_tried_again_within_minutes(house: House) -> None:
    phone = FakePhone(trouble=[ChannelError("later", retry_after_s=3e7)])
    house.add("mail", phone)
    await house.desk.submit(MAINS)
    await asyncio.sleep(400)
    assert len(phone.done) >= 1


async def test_a_send_that_fails_just_after_the_clock_was_set_is_tried_again_in_seconds_not_in_ten_years(
    house: House, clock: FakeClock
) -> None:
    house.desk.stepped = house.clock.stepped
    house.desk.stepped()
    phone = FakePhone(takes_s=0.9, down=ChannelError("lost"))
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(0.5)
    clock.step(clock.wall() + timedelta(days=3650))
    await asyncio.sleep(5)
    assert of(house, facts.ClockStepped)
    phone.down = None
    await asyncio.sleep(30)
    assert phone.done, "the first notice left"


async def test_a_permanent_failure_is_a_fact_and_is_not_tried_again(house: House) -> None:
    phone = FakePhone(trouble=[ChannelError("no such mailbox", permanent=True)])
    house.add("mail", phone)
    await house.desk.submit(MAINS)
    await asyncio.sleep(60)
    (failed,) = of(house, facts.NoticeFailed)
    assert isinstance(failed, facts.NoticeFailed)
    assert failed.reason == "no such mailbox"
    assert len(phone.began) == 1


async def test_a_channel_that_never_answers_is_given_up_after_its_time_and_tried_again(house: House) -> None:
    phone = FakePhone(takes_s=10_000)
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(35)
    assert [n.reason for n in house.incident("zone:holdup").notices.values() if n.channel == "mail"] == [
        "the channel did not answer"
    ]
    assert len(phone.began) == 2


async def test_a_notice_withdrawn_in_mid_send_that_left_all_the_same_counts_as_sent(house: House) -> None:
    phone = FakePhone(takes_s=5)
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(1)
    await house.desk.submit(dispatched(house))
    assert states(house, "mail") == [NoticeState.WITHDRAWN]
    await asyncio.sleep(5)
    assert states(house, "mail")[0] is NoticeState.SENT


async def test_a_notice_withdrawn_in_mid_send_that_failed_is_not_tried_again(house: House) -> None:
    phone = FakePhone(takes_s=5, trouble=[ChannelError("lost")])
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(1)
    await house.desk.submit(dispatched(house))
    await asyncio.sleep(60)
    assert len(phone.began) == 1
    assert states(house, "mail")[0] is NoticeState.WITHDRAWN


async def test_a_crash_between_send_and_mark_repeats_the_letter_under_the_same_code(house: House) -> None:
    phone = FakePhone(answers_s=0.1)
    house.outbox.add("mail", phone)
    lane = asyncio.create_task(house.outbox.run("mail"))
    await asyncio.sleep(0.05)
    house.desk.submit(HOLD_UP)
    while not phone.done:
        await asyncio.sleep(0)
    lane.cancel()  # sent, not marked
    await asyncio.gather(lane, return_exceptions=True)
    await house.journal.release_all(house.clock.now())
    house.add("mail", phone)
    await asyncio.sleep(1)
    first, second = (notice for _, notice in phone.done)
    assert first == second


async def test_a_lease_that_ran_out_goes_back_and_the_letter_is_sent(house: House) -> None:
    phone = FakePhone(trouble=[RuntimeError("a fault of the program")])
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(59)
    (first,) = (notice for _, notice in phone.began)
    await asyncio.sleep(3)
    assert phone.done[0][1] == first


async def test_what_a_lane_was_sending_when_it_ended_is_sent_at_once_by_the_next_one(house: House) -> None:
    await house.desk.submit(HOLD_UP)
    (taken,) = await house.journal.take(["mail"], house.clock.now(), 60.0, 3)
    phone = FakePhone()
    house.add("mail", phone)
    await asyncio.sleep(2)
    assert phone.done[0][1] == taken.notice


async def test_an_address_that_is_a_secret_and_not_there_is_a_delay_that_is_told(house: House) -> None:
    def letter(row: OutboxRow) -> Letter | None:
        raise LookupError("credential sho-mail is absent")

    house.outbox._letter = letter
    house.add("mail", FakePhone())
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(5)
    (delayed,) = of(house, facts.NoticeDelayed)
    assert isinstance(delayed, facts.NoticeDelayed)
    assert delayed.reason == "no address: credential sho-mail is absent"
    assert house.health == [("mail", False)]


async def test_a_contact_without_an_address_is_a_failure_that_is_told(house: House) -> None:
    house.outbox._letter = lambda _row: None
    house.add("mail", FakePhone())
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(1)
    assert {fact.reason for fact in of(house, facts.NoticeFailed) if isinstance(fact, facts.NoticeFailed)} == {
        "no address for this contact"
    }


async def test_a_fault_of_the_program_in_one_send_is_seen_and_stops_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    phone = FakePhone(trouble=[ZeroDivisionError("x"), ZeroDivisionError("x")])
    house.add("mail", phone)
    await house.desk.submit(HOLD_UP, FIRE, DOOR)
    await asyncio.sleep(2)
    assert caplog.text.count("send fell channel=mail") == 2
    assert ("mail", False) in house.health
    assert len(phone.done) == 1


async def test_while_the_journal_gives_no_rows_the_lane_waits_and_lives(house: House) -> None:
    signs: list[float] = []
    phone = FakePhone()
    house.add("mail", phone, alive=lambda: signs.append(0.0))
    house.journal._failure = JournalUnavailable(Reason.SLOW, "no answer")
    await asyncio.sleep(5)
    assert len(signs) >= 4


def dispatched(house: House) -> Command:
    code = house.incident("zone:holdup").code
    until = house.clock.now().replace(year=2099)
    return Command("c1", CommandKind.DISPATCH, code, "district-room", "", Party.POLICE, Via.ROOM, until)
