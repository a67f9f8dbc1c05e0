"""The record of a branch through outages of its database and its card; and that no alarm waits for it or shows in it."""

from __future__ import annotations

import itertools
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sentinel.core.model import Role, Severity
from sentinel.telemetry.model import Flush
from tests.fakes import MONDAY_NOON, FakeStore, Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALARM = ["0:00 mail manager alarm", "0:00 mail sho alarm", "0:00 room thana alarm"]
PAGE = Path(__file__).parents[2] / "docs" / "telemetry.md"
BEFORE_MS = round((MONDAY_NOON - timedelta(days=10)).timestamp() * 1000)


@pytest.fixture
async def store() -> AsyncIterator[FakeStore]:
    async with FakeStore() as made:
        yield made


def balanced(story: Story) -> bool:
    counts = story.gateway.recorder.view().counts
    return counts.made == counts.written + counts.waiting + counts.dropped + counts.poisoned


async def all_there(story: Story, *stores: FakeStore) -> None:
    """Everything that left for the database is in it (or in the one before it), once."""
    await story.seconds(13)
    counts = story.gateway.recorder.view().counts
    assert balanced(story)
    assert counts.dropped == counts.poisoned == 0
    assert sum(store.count for store in stores) == counts.written > 0
    assert not any(store.refused for store in stores)


async def test_what_the_branch_measures_is_in_the_database_within_a_quarter_of_a_minute(store: FakeStore) -> None:
    async with Story(store=store) as story:
        story.press("server-room")
        await story.seconds(30)
        temperatures = [line for line in store.of("measure") if "point=climate.temperature" in line]
        assert any("role=temperature" in line and "value=43" in line for line in temperatures)
        assert len([line for line in store.of("zone") if "zone=server-room" in line]) >= 1
        assert {line.split(",")[2].split(" ")[0] for line in store.of("link")} == {"link=bus", "link=fire"}
        assert len(store.of("gateway")) >= 1
        await all_there(story, store)


async def test_a_quarter_of_an_hour_without_the_database_costs_no_point_and_disturbs_nobody(store: FakeStore) -> None:
    async with Story(store=store) as story:
        await store.go()
        story.mark()
        await story.minutes(15)
        view = story.gateway.recorder.view()
        assert (view.store_up, view.store_reason, view.server) == (False, "unreachable", f"127.0.0.1:{store.port}")
        assert view.counts.waiting > 300
        assert story.letters() == []  # it passes by itself
        await store.come()
        await story.minutes(2)
        assert story.gateway.recorder.view().store_up is True
        await all_there(story, store)


async def test_while_ten_days_are_drained_a_button_is_told_as_fast_as_ever(store: FakeStore) -> None:
    await store.go()
    async with Story(store=store) as story:
        recorder = story.gateway.recorder
        for day in range(10):
            lines = tuple(
                f"measure,branch=b,point=p{point} value={minute} {BEFORE_MS + (day * 1440 + minute) * 60_000}"
                for minute in range(1440)
                for point in range(2)
            )
            await recorder._spool.append(Flush(lines, BEFORE_MS, BEFORE_MS + (day + 1) * 86_400_000, {}))
        assert recorder.view().counts.waiting >= 28_800
        await store.come()
        while recorder.view().counts.written == 0:
            await story.seconds(0.5)
        story.mark()
        story.press("panic-gate")
        await story.seconds(3)
        assert story.letters() == ALARM
        await story.minutes(1)
        assert recorder.view().counts.written > 28_800
        await all_there(story, store)


async def test_a_token_that_is_refused_is_one_fault_and_over_when_it_is_mended(store: FakeStore) -> None:
    store.answers = 401
    async with Story(store=store) as story:
        story._zero = 0.0
        await story.minutes(20)
        incident = story.incident()
        assert (incident.key, incident.role, incident.severity) == (
            "telemetry:store/trouble",
            Role.TELEMETRY,
            Severity.FAULT,
        )
        assert incident.reason == "credential"
        assert [line.partition(" ")[2] for line in story.letters()] == [
            "mail installer trouble",
            "mail manager trouble",
        ]
        assert "Fault: Database of measured values" in story.texts("installer")[0]
        assert "token or password is refused" in story.texts("installer")[0]
        assert store.asked < 12  # asked now and then, not each second
        store.answers = 204
        await story.minutes(6)
        await all_there(story, store)
        assert story.subjects() == ["telemetry:store/trouble"]  # it may come again: well is who was well for a while
        await story.minutes(15)
        assert story.subjects() == []
        assert [line.partition(" ")[2] for line in story.letters()][2:] == [
            "mail installer restored",
            "mail manager restored",
        ]
        await all_there(story, store)


async def test_a_fault_of_the_database_outlives_a_restart_and_is_told_as_over_once(store: FakeStore) -> None:
    store.answers = 404
    async with Story(store=store) as story:
        await story.minutes(2)
        assert story.subjects() == ["telemetry:store/trouble"]
        await story.restart(cut_power=True)
        store.answers = 204
        story.mark()
        await story.minutes(22)
        assert story.subjects() == []
        assert [line.partition(" ")[2] for line in story.letters()] == [
            "mail installer restored",
            "mail manager restored",
        ]


@pytest.mark.parametrize("fault", ["dead", "hangs", "full"])
async def test_a_button_is_told_at_once_though_the_record_cannot_be_written(store: FakeStore, fault: str) -> None:
    async with Story(store=store) as story:
        story.card.dead, story.card.hangs = fault == "dead", fault == "hangs"
        story.card.free_bytes = 0 if fault == "full" else story.card.free_bytes
        await story.seconds(13)
        story.mark()
        story.press("panic-gate")
        await story.seconds(2)
        assert story.letters() == ALARM
        assert story.gateway.health().word == "ok"  # it is told as a fault of the branch, the daemon is well
        await story.minutes(2)
        assert "telemetry:spool/trouble" in story.subjects()
        assert "recorder" not in story.gateway.progress.stuck()
        story.card.dead, story.card.hangs, story.card.free_bytes = False, False, 2**30
        await story.minutes(2)
        assert "telemetry:spool/trouble" not in story.subjects()
        assert any("zone=panic-gate" in line and "state=1i" in line for line in store.of("zone"))
        await all_there(story, store)


async def test_an_orderly_stop_loses_nothing_and_is_over_in_time(store: FakeStore) -> None:
    async with Story(store=store) as story:
        await story.seconds(20)
        story.press("server-room")
        await story.seconds(2)
        assert await story.stop() < 5
        await story.boot()
        await story.seconds(15)
        assert any("point=climate.temperature" in line and "value=43" in line for line in store.of("measure"))
        await all_there(story, store)


async def test_a_stop_with_a_card_that_hangs_is_over_in_time_too(store: FakeStore) -> None:
    async with Story(store=store) as story:
        story.card.hangs = True
        await story.seconds(5)
        assert await story.stop() < 5


async def test_a_power_cut_costs_at_most_fifteen_seconds_of_the_record(store: FakeStore) -> None:
    async with Story(store=store) as story:
        await store.go()
        await story.seconds(50)
        await story.restart(cut_power=True)
        await store.come()
        await story.minutes(2)
        times = sorted(int(line.rpartition(" ")[2]) for line in store.lines)
        off = max(after - before for before, after in itertools.pairwise(times))
        assert off <= 60_000  # a line a minute of each; most of them within the second of the boot
        assert balanced(story)


async def test_a_reload_that_changes_what_is_recorded_loses_no_line(store: FakeStore) -> None:
    async with Story(store=store) as story:
        await store.go()
        story.press("server-room")
        await story.seconds(20)
        await story.reload({"spool: {days: 30, max_mib: 512}": "spool: {days: 7, max_mib: 64}"})
        view = story.gateway.recorder.view()
        assert (view.days, view.limit_bytes) == (7, 64 * 2**20)
        await store.come()
        await story.minutes(2)
        values = [line for line in store.of("measure") if "point=climate.temperature" in line]
        assert any("value=43" in line for line in values)
        await all_there(story, store)
        assert story.gateway.fallen.counts == {}


def slip(*_: object) -> None:
    raise ZeroDivisionError


def spoil(recorder: Any) -> None:
    """Its sampler takes no reading any more: a slip of the program."""
    recorder._sampler.take = slip


async def test_a_slip_of_the_old_record_at_a_reload_keeps_neither_the_new_one_shut_nor_the_branch_down(
    store: FakeStore,
) -> None:
    async with Story(store=store) as story:
        await story.seconds(20)
        spoil(story.gateway.recorder)
        await story.reload({"spool: {days: 30, max_mib: 512}": "spool: {days: 7, max_mib: 64}"})
        assert set(story.gateway.fallen.counts) >= {"reload"}
        written = store.count
        await story.minutes(2)
        view = story.gateway.recorder.view()
        assert (view.spool_up, view.days) == (True, 7)
        assert store.count > written
        spoil(story.gateway.recorder)
        assert await story.stop() < 5  # and the daemon ends in order


async def test_a_reload_that_names_another_database_sends_there_what_waits(store: FakeStore) -> None:
    async with Story(store=store) as story, FakeStore() as other:
        await store.go()
        await story.seconds(30)
        story.store = other
        await story.reload({})
        await story.minutes(1)
        assert story.gateway.recorder.view().server == f"127.0.0.1:{other.port}"
        assert other.count > 50
        await all_there(story, store, other)


async def test_without_a_database_the_branch_keeps_its_own_plots_and_has_no_fault(story: Story) -> None:
    story.press("server-room")
    await story.seconds(30)
    begin = int(MONDAY_NOON.timestamp())
    plot = await story.gateway.recorder.plot("climate.temperature", begin, begin + 60)
    assert plot.high[0] == 43.0
    assert story.gateway.recorder.view().store_up is None
    assert story.gateway.recorder.view().counts.made == 0
    assert {one.key for one in story.open()} <= {"zone:server-room"}


def table_of(lines: list[str]) -> set[str]:
    """Every measurement with its tags and fields, as docs/telemetry.md has it."""
    tags, fields = dict[str, set[str]](), dict[str, set[str]]()
    for line in lines:
        series, values, _ = line.rsplit(" ", 2)
        name, *pairs = series.split(",")
        tags.setdefault(name, set()).update(pair.partition("=")[0] for pair in pairs)
        fields.setdefault(name, set()).update(pair.partition("=")[0] for pair in values.split(","))
    return {f"| `{name}` | {', '.join(sorted(tags[name]))} | {', '.join(sorted(fields[name]))} |" for name in tags}


async def test_the_page_of_what_is_recorded_says_what_leaves(store: FakeStore) -> None:
    async with Story(store=store, whole=True) as story:
        story.press("panic-gate")
        story.silence("climate")
        await story.minutes(2)
        page = PAGE.read_text(encoding="utf-8").splitlines()
        assert table_of(store.lines) == {line for line in page if line.startswith("| `")}


# --- Rule 6 -----------------------------------------------------------------------------------------------------------


async def record_of(*, pressed: bool) -> list[tuple[str, int]]:
    """Every line of five minutes, with its time; in one of them a hold-up button is pressed, answered and closed."""
    story = Story(store=FakeStore())  # away: what would be sent is on the card
    async with story:
        await story.seconds(20.5)
        if pressed:
            story.press("hold-up-counter")
        await story.seconds(40)
        if pressed:
            await story.answer("acknowledge", "hold-up-counter")
            story.release("hold-up-counter")
            await story.answer("close", "hold-up-counter", disposition="genuine")
            story.press("hold-up-manager")
        await story.seconds(80 - (4 if pressed else 0))
        story.press("panic-gate")
        await story.seconds(60)
        recorder = story.gateway.recorder
        async with recorder._flushing:
            await recorder._flush_now()
        batch = await recorder._spool.read(1_000_000)
        assert batch is not None
        lines = [line.decode() for line in batch.lines]
    return [(line.rpartition(" ")[0], int(line.rpartition(" ")[2])) for line in lines]


async def test_a_hold_up_changes_no_line_of_the_record_nor_when_it_is_made() -> None:
    quiet = await record_of(pressed=False)
    held_up = await record_of(pressed=True)
    assert [line for line, _ in held_up] == [line for line, _ in quiet]
    assert len(quiet) > 100
    assert any(line.startswith("incident,") and "role=panic" in line for line, _ in quiet)
    assert not any("hold-up" in line and "state=4i" not in line and "state=3i" not in line for line, _ in quiet)
    # A turn of the loop is a microsecond in a story: the clocks of two runs agree to that.
    assert all(abs(a - b) <= 20 for (_, a), (_, b) in zip(quiet, held_up, strict=True))


# --- The page's port --------------------------------------------------------------------------------------------------


async def test_a_page_that_cannot_be_served_is_a_reason_why_the_daemon_is_not_well() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with Story(edits={"  page_port: null ": f"  page_port: {port} "}) as story:
            assert story.gateway.health().word == "ok"  # it has only just begun
            await story.seconds(20)
            assert story.gateway.health().reasons == [f"page: port {port} is held by another program"]
            _, status = await story.ask("GET", "/api/v1/status")
            assert (status["health"], status["reasons"]) == ("impaired", story.gateway.health().reasons)
            other.close()
            await story.seconds(15)
            assert story.gateway.health().word == "ok"
