"""Plays a scene: does things at the simulated devices, looks from outside, and tells both as it goes.

`see` waits for something to show within its time and fails the scene when it does not. It never asks the daemon
whether all went well; see outside.py for what counts.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sentinel.demo.outside import Outside, Shown
    from sentinel.demo.telling import Teller
    from sentinel.demo.town import Town

LOOK_S = 0.05
T = TypeVar("T")


class NotAsScriptedError(Exception):
    """Something did not show, or showed and should not have."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A script with a name and a title."""

    name: str
    title: str
    play: Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """How a scene came out, as --headless prints it."""

    name: str
    passed: bool
    seconds: float
    seen: list[str]


@dataclass(slots=True)
class Stage:
    """What a script has in hands."""

    town: Town
    teller: Teller
    seen: list[str] = field(default_factory=list)

    @property
    def outside(self) -> Outside:
        """The view from outside."""
        return self.town.outside

    def tell(self, what: str) -> None:
        """What happens now, before it does."""
        self.teller.happens(what)

    async def see(self, what: str, look: Callable[[], T | None], within_s: float) -> T:
        """Look until there is something; that, or NotAsScriptedError."""
        began = asyncio.get_running_loop().time()
        while not (found := look()):
            if asyncio.get_running_loop().time() - began > within_s:
                raise NotAsScriptedError(f"not seen within {within_s:g} s: {what}")
            await asyncio.sleep(LOOK_S)
        self._saw(what, asyncio.get_running_loop().time() - began)
        self.teller.shows(found, self.outside)
        return found

    async def see_branch(self, what: str, wanted: Callable[[Shown], bool], within_s: float) -> Shown:
        """Ask the branch until it shows this."""
        began = asyncio.get_running_loop().time()
        while not wanted(shown := await self.outside.shown()):
            if asyncio.get_running_loop().time() - began > within_s:
                raise NotAsScriptedError(f"the branch does not show within {within_s:g} s: {what}")
            await asyncio.sleep(LOOK_S)
        self._saw(what, asyncio.get_running_loop().time() - began)
        return shown

    async def see_nothing(self, what: str, look: Callable[[], object], for_s: float) -> None:
        """Look for so long, and find nothing."""
        until = asyncio.get_running_loop().time() + for_s
        while asyncio.get_running_loop().time() < until:
            if look():
                raise NotAsScriptedError(f"not so: {what}")
            await asyncio.sleep(LOOK_S)
        self._saw(what, for_s)

    def check(self, what: str, *, holds: bool) -> None:
        """Something that must be so now."""
        if not holds:
            raise NotAsScriptedError(f"not so: {what}")
        self._saw(what, None)

    def _saw(self, what: str, after_s: float | None) -> None:
        self.seen.append(what)
        self.teller.saw(what, after_s)


async def play(town: Town, scenes: Sequence[Scene], teller: Teller, deadline: float) -> list[Result]:
    """All of them in order. What does not end before `deadline` (the loop's time) has not passed."""
    return [await _play(town, scene, teller, deadline) for scene in scenes]


async def _play(town: Town, scene: Scene, teller: Teller, deadline: float) -> Result:
    began = asyncio.get_running_loop().time()
    stage = Stage(town, teller)
    if began >= deadline:
        return Result(scene.name, passed=False, seconds=0.0, seen=["no time left"])
    teller.begins(scene.title)
    town.outside.begin()
    trouble = ""
    try:
        async with asyncio.timeout_at(None if deadline == math.inf else deadline) as limit:
            await scene.play(stage)
    except NotAsScriptedError as error:
        trouble = str(error)
    except TimeoutError:
        trouble = "no time left" if limit.expired() else "the branch does not answer in time"
    except aiohttp.ClientError as error:
        trouble = f"the branch does not answer: {error}"
    if trouble:
        stage.seen.append(trouble)
        teller.missed(trouble)
        await town.calm()
    seconds = asyncio.get_running_loop().time() - began
    teller.ends(scene.name, passed=not trouble, seconds=seconds)
    return Result(scene.name, not trouble, round(seconds, 1), stage.seen)
