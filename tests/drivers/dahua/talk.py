"""Drives an assessment: over a real socket, as the HTTP link does, or from a table of answers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp
from yarl import URL

from drivers.dahua import DahuaOptions, DahuaRecorder
from drivers.sim.dahua_recorder import Recorder, SimCamera
from sentinel.core.model import Failure, Reading, Value
from sentinel.ports import HttpReply, HttpRequest, LinkError, Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

T = TypeVar("T")
IST = timezone(timedelta(hours=5, minutes=30))
NOW = datetime(2026, 10, 17, 14, 20, 5, tzinfo=IST)
DAY = timedelta(days=1)


def moment(wall: datetime = NOW, *, synchronised: bool = True) -> Moment:
    return Moment(wall, 1000.0, synchronised)


def options(count: int = 2, **more: Any) -> DahuaOptions:
    cameras = {f"ch{n}": {"channel": n, "name": {"hi": f"कैमरा {n}", "en": f"camera {n}"}} for n in range(1, count + 1)}
    return DahuaOptions.model_validate({"driver": "dahua", "cameras": cameras} | more)


def recorder(count: int = 2, **more: Any) -> DahuaRecorder:
    return DahuaRecorder("dvr", None, options(count, **more))


def simulated(count: int = 2, **more: Any) -> Recorder:
    return Recorder([SimCamera(f"CAM {n}") for n in range(1, count + 1)], now=lambda: NOW, **more)


def values(readings: Sequence[Reading]) -> dict[str, Value | Failure | None]:
    """By point without the device: the value, or why there is none."""
    return {reading.point.removeprefix("dvr."): reading.reason or reading.value for reading in readings}


def play(job: Generator[Sequence[HttpRequest], Sequence[Any], T], answer: Callable[[HttpRequest], Any]) -> T:
    """The whole assessment, each question answered by `answer`."""
    try:
        questions = next(job)
        while True:
            questions = job.send([answer(question) for question in questions])
    except StopIteration as stop:
        value: T = stop.value
        return value


class Talk:
    """The least that an HTTP link is: digest, deadlines, a few questions at a time."""

    def __init__(self, port: int, username: str = "sentinel", password: str = "right", width: int = 4) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._auth = aiohttp.DigestAuthMiddleware(username, password)
        self._width = asyncio.Semaphore(width)
        self._session: aiohttp.ClientSession | None = None
        self.asked = 0
        self.impatient = ""  # questions that hold this text are given up after 50 ms: they will not be answered

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def ask(self, request: HttpRequest) -> HttpReply | LinkError:
        assert self._session
        self.asked += 1
        headers = {"Content-Type": request.content_type} if request.content_type else {}
        timeout_s = 0.05 if self.impatient and self.impatient in request.target else request.timeout_s
        try:
            async with (
                self._width,
                asyncio.timeout(timeout_s),
                self._session.request(
                    request.method,
                    URL(self._base + request.target, encoded=True),
                    data=request.body or None,
                    headers=headers,
                    middlewares=(self._auth,) if request.signed else (),
                ) as reply,
            ):
                body = await reply.content.read(request.most)
                if reply.status == 401:
                    return LinkError(Failure.CREDENTIAL, "refused")
                return HttpReply(reply.status, {k.lower(): v for k, v in reply.headers.items()}, body)
        except TimeoutError:
            return LinkError(Failure.NO_REPLY, "no reply")
        except aiohttp.ClientError as error:
            return LinkError(Failure.NOT_CONNECTED, str(error))

    async def stream(self, target: str) -> aiohttp.ClientResponse:
        assert self._session
        return await self._session.get(URL(self._base + target, encoded=True), middlewares=(self._auth,))

    async def run(self, job: Generator[Sequence[HttpRequest], Sequence[Any], T]) -> T:
        try:
            questions = next(job)
            while True:
                questions = job.send(await asyncio.gather(*(self.ask(question) for question in questions)))
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            job.close()
