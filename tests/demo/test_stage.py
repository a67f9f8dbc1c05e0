"""The stage itself: what did not show has not been seen, and time that is up is up."""

from __future__ import annotations

import asyncio
import io
import math
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from sentinel.demo.stage import NotAsScriptedError, Result, Scene, Stage, play
from sentinel.demo.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sentinel.demo.outside import Outside
    from sentinel.demo.town import Town


class EmptyTown:
    """A town where nothing happens."""

    def __init__(self) -> None:
        self.outside = cast("Outside", self)
        self.begun = self.calmed = 0

    def begin(self) -> None:
        self.begun += 1

    async def calm(self) -> None:
        self.calmed += 1


def stage(out: io.StringIO | None = None) -> Stage:
    return Stage(cast("Town", EmptyTown()), Teller(out or io.StringIO()))


async def played(*scripts: Callable[[Stage], Awaitable[None]], limit_s: float = math.inf) -> tuple[list[Result], str]:
    out = io.StringIO()
    scenes = [Scene(f"scene-{number}", "A scene", script) for number, script in enumerate(scripts)]
    deadline = asyncio.get_running_loop().time() + limit_s
    return await play(cast("Town", EmptyTown()), scenes, Teller(out), deadline), out.getvalue()


async def test_what_shows_in_time_is_seen() -> None:
    here = stage()
    looks = iter([None, "", "there"])
    assert await here.see("it shows", lambda: next(looks), 1) == "there"
    assert here.seen == ["it shows"]


async def test_what_does_not_show_in_time_fails_the_scene() -> None:
    with pytest.raises(NotAsScriptedError, match=r"not seen within 0\.1 s: it shows"):
        await stage().see("it shows", lambda: None, 0.1)


async def test_what_shows_and_should_not_fails_the_scene() -> None:
    looks = iter([None, "there"])
    with pytest.raises(NotAsScriptedError, match="not so: nothing shows"):
        await stage().see_nothing("nothing shows", lambda: next(looks), 5)


async def test_nothing_is_seen_only_after_the_whole_time() -> None:
    here, began = stage(), asyncio.get_running_loop().time()
    await here.see_nothing("nothing shows", lambda: None, 0.2)
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert here.seen == ["nothing shows"]


def test_what_must_hold_and_does_not_fails_the_scene() -> None:
    here = stage()
    here.check("one and one is two", holds=True)
    with pytest.raises(NotAsScriptedError, match="not so: nor three"):
        here.check("nor three", holds=False)
    assert here.seen == ["one and one is two"]


async def good(here: Stage) -> None:
    here.check("all is well", holds=True)


async def bad(here: Stage) -> None:
    here.check("all is well", holds=False)


async def endless(_here: Stage) -> None:
    await asyncio.sleep(3600)


async def unanswered(_here: Stage) -> None:
    raise aiohttp.ServerDisconnectedError


async def test_a_scene_that_fails_does_not_keep_the_next_from_being_played() -> None:
    results, said = await played(bad, good)
    assert [(one.name, one.passed, one.seen) for one in results] == [
        ("scene-0", False, ["not so: all is well"]),
        ("scene-1", True, ["all is well"]),
    ]
    assert "scene-0: NOT as scripted" in said
    assert "scene-1: as scripted" in said


async def test_when_the_time_is_up_what_is_left_has_not_passed() -> None:
    results, _ = await played(good, endless, good, limit_s=0.2)
    assert [one.passed for one in results] == [True, False, False]
    assert [one.seen for one in results[1:]] == [["no time left"]] * 2


async def test_a_branch_that_does_not_answer_has_not_passed() -> None:
    results, said = await played(unanswered)
    assert not results[0].passed
    assert "the branch does not answer" in said


async def test_after_a_failure_the_devices_are_put_at_rest_for_the_next_scene() -> None:
    here = EmptyTown()
    scenes = [Scene("a", "A", good), Scene("b", "B", bad)]
    await play(cast("Town", here), scenes, Teller(io.StringIO()), math.inf)
    assert (here.begun, here.calmed) == (2, 1)
