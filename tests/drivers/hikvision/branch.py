"""A recorder of a branch, its simulator on a real socket, and a runner that asks as the link does: four at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aiohttp
from yarl import URL

from drivers.hikvision import DRIVER, HikvisionOptions, HikvisionRecorder
from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimDisk, SimRecorder
from sentinel.core.model import Failure, Quality, Reading
from sentinel.ports import HttpReply, HttpRequest, LinkError, Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Sequence

IST = ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 10, 17, 12, 10, tzinfo=IST)

Ask = "Callable[[HttpRequest], Awaitable[HttpReply | LinkError]]"


def moment(wall: datetime = NOON, at: float = 1000.0, *, synchronised: bool = True) -> Moment:
    return Moment(wall, at, synchronised)


def options(cameras: int = 2, **more: Any) -> HikvisionOptions:
    named = {
        f"cam{n}": {"channel": n, "name": {"hi": f"कैमरा {n}", "en": f"Camera {n}"}, **more.pop(f"cam{n}", {})}
        for n in range(1, cameras + 1)
    }
    made = DRIVER.options.model_validate({"driver": "hikvision", "cameras": named, **more})
    assert isinstance(made, HikvisionOptions)
    return made


def recorder(cameras: int = 2, **more: Any) -> HikvisionRecorder:
    return HikvisionRecorder("dvr", None, options(cameras, **more))


def simulated(cameras: int = 2, *, analogue: bool = False, **more: Any) -> SimRecorder:
    made = {n: SimCamera(f"Camera {n}", analogue=analogue) for n in range(1, cameras + 1)}
    return SimRecorder(made, {1: SimDisk()}, kind="DVR" if analogue else "NVR", now=lambda: NOON, **more)


def said(readings: Sequence[Reading]) -> dict[str, Any]:
    """Each point's value, or why there is none."""
    found: dict[str, Any] = {}
    for reading in readings:
        assert (reading.quality is Quality.FAILED) == (reading.reason is not None)
        found[reading.point.removeprefix("dvr.")] = reading.value if reading.reason is None else reading.reason
    return found


class Wire:
    """Questions to the simulator, by digest, four at once."""

    def __init__(self, session: aiohttp.ClientSession, digest: aiohttp.DigestAuthMiddleware, port: int) -> None:
        self._session, self._digest, self._base = session, digest, f"http://127.0.0.1:{port}"
        self._four = asyncio.Semaphore(4)
        self.asked = 0

    async def ask(self, request: HttpRequest) -> HttpReply | LinkError:
        async with self._four:
            self.asked += 1
            try:
                async with asyncio.timeout(min(request.timeout_s, 0.4)), self._session.request(
                    request.method,
                    URL(self._base + request.target, encoded=True),
                    data=request.body or None,
                    headers={"Content-Type": request.content_type} if request.content_type else None,
                    middlewares=(self._digest,) if request.signed else (),
                ) as response:  # fmt: skip
                    body = await response.content.read(request.most + 1)
                    if response.status == 401 and request.signed:
                        return LinkError(Failure.CREDENTIAL, "refused")
                    return HttpReply(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
            except TimeoutError:
                return LinkError(Failure.NO_REPLY, "no reply")
            except aiohttp.ClientError as error:
                return LinkError(Failure.NOT_CONNECTED, str(error))

    async def run(self, asking: Generator[Sequence[HttpRequest], Sequence[HttpReply | LinkError], Any]) -> Any:
        try:
            questions = next(asking)
            while True:
                answers = await asyncio.gather(*(self.ask(question) for question in questions))
                questions = asking.send(answers)
        except StopIteration as end:
            return end.value

    async def assess(self, it: HikvisionRecorder, name: str, when: Moment | None = None) -> dict[str, Any]:
        return said(await self.run(it.assess(name, when or moment())))


@asynccontextmanager
async def wired(it: SimRecorder) -> AsyncIterator[tuple[SimHikvision, Wire]]:
    simulator = SimHikvision(it)
    port = await simulator.serve()
    digest = aiohttp.DigestAuthMiddleware(it.username, it.password)
    async with aiohttp.ClientSession() as session:
        try:
            yield simulator, Wire(session, digest, port)
        finally:
            await simulator.close()


def ago(**back: float) -> datetime:
    return NOON - timedelta(**back)
