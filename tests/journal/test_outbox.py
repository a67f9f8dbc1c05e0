"""The outbox follows the facts, and no order of facts and worker's steps makes a row that cannot be."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.core.facts import ClockStepped, NoticeDelayed, NoticeDelivered, NoticeFailed, NoticeSent, NoticeWithdrawn
from sentinel.core.incident import NoticeState
from sentinel.journal.store import Store
from sentinel.journal.verify import verify
from tests.journal.samples import NOON, later, opened, queued, states, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.core.facts import Fact

N = "4821-1"


def take(store: Store, at: float = 0.0, limit: int = 10) -> list[str]:
    return [row.notice for row in store.take(["mqtt", "email"], later(at), 30, limit)]


def test_a_queued_notice_waits_with_all_that_sending_needs(store: Store) -> None:
    *_, record = write(store, opened(), queued())
    (row,) = store.live()
    assert (row.notice, row.epoch, row.seq) == (N, record.epoch, record.seq)
    assert (row.code, row.contact, row.channel, row.path, row.language) == ("4821", "station", "mqtt", "wan", "hi")
    assert (row.words, row.args, row.party, row.priority) == ("alarm", (("zone", "नकद काउंटर"),), "police", 0)
    assert (row.state, row.attempt, row.next_at, row.lease_until, row.error) == (NoticeState.PENDING, 0, NOON, None, "")


def test_the_loudest_leaves_first_and_then_the_oldest(store: Store) -> None:
    write(store, queued("1-1", priority=3), queued("2-1", priority=1), queued("3-1", priority=1))
    assert take(store, limit=2) == ["2-1", "3-1"]
    assert take(store) == ["1-1"]
    assert take(store) == []


def test_no_limit_holds_a_first_critical_notice_back(store: Store) -> None:
    write(store, queued("1-1", priority=1), *(queued(f"2-{n}") for n in range(5)))
    assert take(store, limit=0) == [f"2-{n}" for n in range(5)]
    assert take(store, limit=1) == ["1-1"]


def test_only_the_asked_channels_are_taken(store: Store) -> None:
    write(store, queued("1-1", channel="sms"), queued("2-1", channel="email"))
    assert take(store) == ["2-1"]


def test_taking_is_a_lease_and_counts_an_attempt(store: Store) -> None:
    write(store, queued())
    (row,) = store.take(["mqtt"], NOON, 30, 1)
    assert (row.state, row.attempt, row.next_at, row.lease_until) == (NoticeState.SENDING, 1, None, later(30))


def test_an_attempt_that_failed_is_due_again_later(store: Store) -> None:
    write(store, queued())
    take(store)
    assert store.postpone(N, later(60), "no answer")
    assert not store.postpone(N, later(90), "again"), "it is not leased any more"
    assert take(store, 59) == []
    assert store.live()[0].error == "no answer"
    assert take(store, 60) == [N]
    assert store.live()[0].attempt == 2


def test_a_lease_that_ran_out_goes_back(store: Store) -> None:
    write(store, queued())
    take(store)
    assert store.release_expired(later(29)) == 0
    assert store.release_expired(later(30)) == 1
    assert take(store, 30) == [N]


def test_after_a_crash_everything_is_due_at_once(store: Store) -> None:
    write(store, *(queued(f"{n}-1", priority=1) for n in (1, 2, 3)))
    assert take(store, limit=2) == ["1-1", "2-1"]
    store.postpone("1-1", later(9_000_000), "the clock was wrong")
    assert store.release_all(later(5)) == 3
    assert take(store, 5) == ["1-1", "2-1", "3-1"]


def test_a_clock_that_steps_makes_all_that_waits_due_at_once_and_gives_leases_a_minute(store: Store) -> None:
    write(store, queued("1-1"), queued("2-1"))
    take(store)
    store.postpone("1-1", later(60), "busy")
    write(store, ClockStepped(-3600.0), at=later(-3600))
    assert take(store, -3600) == ["1-1"]
    assert store.release_expired(later(60 - 3600)) == 2
    assert take(store, 60 - 3600) == ["1-1", "2-1"]


def test_what_was_set_on_the_new_time_before_the_step_was_written_does_not_step_again(store: Store) -> None:
    by_s = 3.2e8
    write(store, queued("1-1"), queued("2-1"))
    take(store, by_s)
    store.postpone("1-1", later(by_s + 2), "busy")
    write(store, ClockStepped(by_s), at=later(by_s + 1))
    assert take(store, by_s + 1) == ["1-1"]
    assert store.release_expired(later(by_s + 1 + 60)) == 2


def test_a_row_is_given_back_by_name_whatever_it_waits_for(store: Store) -> None:
    write(store, queued("1-1"), queued("2-1"), queued("3-1"), NoticeSent("3-1", 1))
    take(store)
    store.postpone("1-1", later(9_000_000), "the clock was wrong")
    assert [store.release(notice, later(1)) for notice in ("1-1", "2-1", "3-1")] == [True, True, False]
    assert take(store, 1) == ["1-1", "2-1"]


def test_a_withdrawn_notice_does_not_leave(store: Store) -> None:
    write(store, queued(), NoticeWithdrawn(N, "answered"))
    assert take(store) == []
    assert states(store) == {N: "withdrawn"}


def test_a_notice_withdrawn_while_it_was_being_sent_is_sent_if_it_left(store: Store) -> None:
    write(store, queued())
    take(store)
    write(store, NoticeWithdrawn(N, "answered"))
    assert states(store) == {N: "withdrawn"}
    assert not store.postpone(N, later(60), "no answer"), "a failed send does not bring it back"
    assert states(store) == {N: "withdrawn"}
    write(store, NoticeSent(N, 1))
    assert states(store) == {N: "sent"}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([NoticeSent(N, 1)], "sent"),
        ([NoticeSent(N, 1), NoticeDelivered(N)], "delivered"),
        ([NoticeDelivered(N)], "delivered"),
        ([NoticeSent(N, 1), NoticeFailed(N, 1, "bounced")], "failed"),
        ([NoticeSent(N, 1), NoticeWithdrawn(N, "closed")], "sent"),
        ([NoticeDelivered(N), NoticeSent(N, 1)], "delivered"),
        ([NoticeDelivered(N), NoticeFailed(N, 1, "late")], "delivered"),
        ([NoticeFailed(N, 1, "no such number")], "failed"),
        ([NoticeFailed(N, 1, "no such number"), NoticeDelivered(N)], "failed"),
        ([NoticeFailed(N, 1, "no such number"), NoticeSent(N, 1)], "failed"),
        ([NoticeFailed(N, 1, "no such number"), NoticeWithdrawn(N, "closed")], "failed"),
        ([NoticeWithdrawn(N, "answered"), NoticeDelivered(N)], "delivered"),
        ([NoticeWithdrawn(N, "answered"), NoticeFailed(N, 1, "late")], "withdrawn"),
        ([NoticeDelayed(N, 1, "busy")], "pending"),
        ([NoticeSent("9999-9", 1), NoticeDelivered("9999-9"), NoticeDelayed("9999-9", 1, "?")], "pending"),
    ],
)
def test_late_and_impossible_facts_are_kept_and_the_row_stays_sensible(
    store: Store, path: Path, facts: list[Fact], state: str
) -> None:
    write(store, queued())
    records = write(store, *facts)
    assert [record.fact for record in records] == facts
    assert states(store) == {N: state}
    store.close()
    report = verify(path)
    assert report.ok, report.why


def test_a_delay_is_shown_and_changes_nothing_else(store: Store) -> None:
    write(store, queued())
    take(store)
    write(store, NoticeDelayed(N, 1, "broker away"))
    (row,) = store.live()
    assert (row.state, row.error) == (NoticeState.SENDING, "broker away")


def test_why_it_failed_and_when_it_was_final_is_kept(store: Store) -> None:
    write(store, queued())
    write(store, NoticeFailed(N, 2, "no such mailbox"), at=later(7))
    (row,) = store.rows_of("4821")
    assert (row.error, row.done_at, row.next_at, row.lease_until) == ("no such mailbox", later(7), None, None)


def test_a_code_that_comes_back_after_months_gets_its_own_notice(store: Store) -> None:
    write(store, queued(), NoticeSent(N, 1))
    write(store, queued(contact="post"), at=later(90 * 86_400))
    assert states(store) == {N: "pending"}
    assert store.live()[0].contact == "post"


def test_a_row_whose_channel_left_goes_by_another_at_once(store: Store) -> None:
    write(store, queued(channel="telex"))
    store.take(["telex"], NOON, 3_600, 1)
    assert store.reroute(N, "email", "lte", later(1))
    (row,) = store.live()
    assert (row.channel, row.path, row.state, row.next_at) == ("email", "lte", NoticeState.PENDING, later(1))
    write(store, NoticeSent(N, 1))
    assert not store.reroute(N, "mqtt", "wan", later(2))


def test_a_row_that_was_lost_is_made_again_from_its_fact(store: Store, path: Path) -> None:
    write(store, opened(), queued(), queued("4821-11"))
    kept = store.live()[0]
    store._db.execute("DELETE FROM outbox WHERE notice = ?", (N,))
    assert store.requeue(N, later(9))
    assert not store.requeue(N, later(10)), "it is there"
    assert not store.requeue("4821-9", later(9)), "no fact ever queued it"
    again = {row.notice: row for row in store.live()}[N]
    assert again == replace(kept, next_at=later(9))
    store.close()
    assert verify(path).ok


def test_what_is_handed_over_awaits_its_receipt(store: Store) -> None:
    write(store, queued("1-1"), queued("2-1"), queued("3-1", channel="email"))
    write(store, *(NoticeSent(f"{n}-1", 1) for n in (1, 2, 3)), NoticeDelivered("1-1"))
    assert [row.notice for row in store.awaiting("mqtt")] == ["2-1"]


def test_notices_are_counted_by_channel_and_state(store: Store) -> None:
    write(store, queued("1-1"), queued("1-2"), queued("1-3", channel="email"), NoticeSent("1-1", 1))
    assert store.counts() == {"mqtt": {"pending": 1, "sent": 1}, "email": {"pending": 1}}


def test_old_final_rows_are_forgotten_and_live_ones_never(store: Store, path: Path) -> None:
    write(store, queued("1-1"), queued("2-1"), queued("3-1"), NoticeFailed("1-1", 1, "?"))
    write(store, NoticeFailed("2-1", 1, "?"), at=later(100))
    assert store.prune_outbox(later(50)) == 1
    assert states(store) == {"2-1": "failed", "3-1": "pending"}
    write(store, queued("4-1"), NoticeDelivered("1-1"))
    store.close()
    assert verify(path).ok, "a fact about a forgotten row is only a fact"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'sending'",
        "state = 'sent'",
        "next_at = NULL",
        "lease_until = 1.0",
        "done_at = 1.0",
        "state = 'lost'",
        "attempt = -1",
        "args = 'not json'",
        "state = 'sending', next_at = NULL, lease_until = 1.0",
        "state = 'sent', next_at = NULL",
        "priority = 'high'",
    ],
)
def test_the_table_itself_refuses_a_row_that_cannot_be(store: Store, change: str) -> None:
    write(store, queued())
    with pytest.raises(sqlite3.IntegrityError):
        store._db.execute(f"UPDATE outbox SET {change}")


# --- The law ---------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["1-1", "1-2", "2-1"])
FACTS = st.one_of(
    NAMES.map(queued),
    NAMES.map(lambda n: NoticeSent(n, 1)),
    NAMES.map(NoticeDelivered),
    NAMES.map(lambda n: NoticeFailed(n, 1, "refused")),
    NAMES.map(lambda n: NoticeDelayed(n, 1, "busy")),
    NAMES.map(lambda n: NoticeWithdrawn(n, "answered")),
    st.floats(-7_200, 7_200).map(ClockStepped),
)
SECONDS = st.integers(0, 7_200)
Worker = tuple[str, "Callable[[Store], object]"]


def step(name: str, do: Callable[[Store], object]) -> Worker:
    return name, do


WORKER = st.one_of(
    SECONDS.map(lambda s: step(f"take at {s}", lambda store: store.take(["mqtt"], later(s), 30, 2))),
    st.tuples(NAMES, SECONDS).map(
        lambda p: step(f"postpone {p}", lambda store: store.postpone(p[0], later(p[1]), "busy"))
    ),
    SECONDS.map(lambda s: step(f"expire at {s}", lambda store: store.release_expired(later(s)))),
    SECONDS.map(lambda s: step(f"restart at {s}", lambda store: store.release_all(later(s)))),
    NAMES.map(lambda n: step(f"reroute {n}", lambda store: store.reroute(n, "mqtt", "lte", NOON))),
)
# Where a final state may still go by a later word: forward only. Being queued anew is a new notice.
FORWARD = {
    "sent": {"sent", "delivered", "failed"},
    "withdrawn": {"withdrawn", "sent", "delivered"},
    "delivered": {"delivered"},
    "failed": {"failed"},
}


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(FACTS, WORKER), max_size=25))
def test_no_order_of_events_makes_an_impossible_row_or_takes_a_final_word_back(events: list[Fact | Worker]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.db"
        store = Store.open(path)
        store.reserve.free()
        for event in events:
            before = states(store)
            if isinstance(event, tuple):
                event[1](store)
            else:
                write(store, event)
            after = states(store)
            assert before.keys() <= after.keys(), "no notice is lost"
            for notice, was in before.items():
                if event != queued(notice):
                    assert after[notice] in FORWARD.get(was, set(NoticeState)), event
                    assert was not in FORWARD or after[notice] not in {"pending", "sending"}
        store.close()
        report = verify(path)
        assert report.ok, report.why
