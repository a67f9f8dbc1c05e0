"""The one event stream of a page: named sections as they change, and a ping each second that proves the rest is fresh.

Sections are rendered once a second for each language that somebody watches, and for nobody not at all. A viewer gets
every section whole, then what changed; one that comes back with the id of its last event gets exactly what it missed.
When rendering fails there is no ping either: a page that is not fed says so itself (assets/stream.js).
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from sentinel.web.language import LANGUAGES
from sentinel.web.server import ENDLESS, HEADERS, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger("sentinel.web")

VIEWERS = 32  # the next one is refused
WAITING = 16  # messages that wait for one viewer; one more and it is cut
SLOW_S = 10.0  # for handing one message to a viewer's connection
LOOK_S = 5.0  # so often a viewer with nothing to read is looked at whether it is still there
RING = 512  # events that a viewer may have missed, in each language
RING_BYTES = 256 * 1024
RETRY_MS = 1000
JSON = ""  # the "language" of programs: values instead of HTML

_ID = re.compile(r"(.{1,80})-([0-9]{1,15})")


class _Viewer:
    """One connection, and what waits to be written to it."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._writing = False
        self._over = False

    def offer(self, message: bytes) -> None:
        """Queue a message; one that does not keep up is cut, and comes back for what it missed."""
        if len(self._waiting) >= WAITING and not self._over:
            log.info("viewer cut: too slow")
            self.leave()
        if not self._over:
            self._waiting.append(message)
            self._news.set()

    def leave(self) -> None:
        """Come to an end now: with the next message when it reads, at once when it does not."""
        self._over = True
        self._news.set()
        if self._writing and isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()

    async def write_to(self, response: web.StreamResponse) -> None:
        """Until it leaves, is cut or is told to. ConnectionError or TimeoutError when the line is what ended it."""
        while not self._over and not self._transport.is_closing():
            if self._waiting:
                message = b"".join(self._waiting)
                self._waiting.clear()
                self._writing = True
                async with asyncio.timeout(SLOW_S):
                    await response.write(message)
                self._writing = False
            self._news.clear()
            if not self._waiting and not self._over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._news.wait()


class _Channel:
    """One language: its sections as they were last rendered, the events since, and who watches."""

    def __init__(self, name: str) -> None:
        self.viewers: set[_Viewer] = set()
        self.coming: dict[_Viewer, str] = {}
        self.rendered_at = float("-inf")
        self._name = name
        self._number = 0
        self._oldest = 0  # the last event that the ring has forgotten
        self._texts: dict[str, bytes] = {}
        self._ring: deque[tuple[int, bytes]] = deque()
        self._ring_bytes = 0

    def sections(self) -> list[str]:
        """All that were ever shown."""
        return list(self._texts)

    def put(self, section: str, text: bytes) -> None:
        """Take a section as it is now, and tell the viewers when it is another."""
        if self._texts.get(section) == text:
            return
        self._texts[section] = text
        self._number += 1
        event = self._event(text)
        self._ring.append((self._number, event))
        self._ring_bytes += len(event)
        while len(self._ring) > RING or self._ring_bytes > RING_BYTES:
            self._oldest, gone = self._ring.popleft()
            self._ring_bytes -= len(gone)
        for viewer in self.viewers:
            viewer.offer(event)

    def welcome(self) -> list[_Viewer]:
        """Bring those who came up to now; from here on they are told what changes."""
        came = list(self.coming)
        for viewer, last in self.coming.items():
            viewer.offer(self._since(last))
        self.viewers.update(came)
        self.coming.clear()
        return came

    def _since(self, last: str) -> bytes:
        found = _ID.fullmatch(last)
        if found is not None and found[1] == self._name and self._oldest <= int(found[2]) <= self._number:
            return b"".join(event for number, event in self._ring if number > int(found[2]))
        # Only the end carries an id: who is cut off in the middle must not seem to have it all.
        *parts, end = self._texts.values() or [None]
        return b"".join(_message("section", text) for text in parts if text) + (
            b"" if end is None else self._event(end)
        )

    def _event(self, text: bytes) -> bytes:
        return f"id: {self._name}-{self._number}\n".encode() + _message("section", text)


class Stream:
    """The stream of one daemon. `boot` is another at every start, so that nobody resumes from another life.

    `sections(lang)` gives {id: the element with that id} for "hi" and "en", and {id: JSON value} for ""; instead of either
    a coroutine function that makes it when its turn has come. `pulse` gives what each ping says besides `at`, and `now`
    that: epoch seconds of the clock that all times on the page come from.
    """

    def __init__(
        self,
        boot: str,
        sections: Callable[[str], Mapping[str, object]],
        pulse: Callable[[], Mapping[str, object]],
        now: Callable[[], float],
        every_s: float = 1.0,
    ) -> None:
        self._sections = sections
        self._pulse = pulse
        self._every_s = every_s
        self._now = now
        self._channels = {lang: _Channel(f"{boot}{lang}") for lang in (JSON, *LANGUAGES)}
        self._came = asyncio.Event()

    def watching(self) -> int:
        """How many viewers there are."""
        return sum(len(channel.viewers) + len(channel.coming) for channel in self._channels.values())

    def routes(self, path: str = "/api/v1/stream") -> list[web.RouteDef]:
        """The stream at its place. It has no head without a body."""
        return [web.get(path, self.handle, allow_head=False)]

    async def run(self) -> None:
        """Feed the viewers. What rendering raises goes up; the viewers stay, unfed, until it runs again."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._came.wait()
            self._came.clear()
            if round_is_due := loop.time() >= due:
                due = loop.time() + self._every_s
            fed: list[_Viewer] = []
            for lang, channel in self._channels.items():
                old = loop.time() - channel.rendered_at >= self._every_s
                if (round_is_due and channel.viewers) or (channel.coming and old):
                    await self._render(lang, channel)
                    channel.rendered_at = loop.time()
                fed += channel.welcome()
                fed += channel.viewers if round_is_due else ()
            if fed:
                ping = _message("ping", _json({"at": round(self._now(), 3), **self._pulse()}))
                for viewer in set(fed):
                    viewer.offer(ping)

    async def _render(self, lang: str, channel: _Channel) -> None:
        sections = self._sections(lang)
        for section in {
            **dict.fromkeys(channel.sections()),
            **sections,
        }:  # one that is gone is emptied, not left standing
            value = sections.get(section)
            if inspect.iscoroutinefunction(value):
                value = await value()
            shown = {"value": value} if lang == JSON else {"html": "" if value is None else str(value)}
            channel.put(section, _json({"id": section, **shown}))
            await asyncio.sleep(0)  # alarms come before pages

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET ?lang=hi|en, or none for JSON. Resumes after `Last-Event-ID`, or `?after=` where headers cannot be set."""
        channel = self._channels.get(request.query.get("lang", JSON))
        transport = request.transport
        if channel is None:
            raise Refusal(400, "no-such-language", "lang is hi or en; leave it out for JSON")
        if self.watching() >= VIEWERS or transport is None:
            raise Refusal(503, "too-many-viewers", f"{VIEWERS} pages are open already; close one")
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        viewer = _Viewer(transport)
        endless = request.app[ENDLESS]
        endless.add(viewer.leave)
        channel.coming[viewer] = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        try:
            await response.prepare(request)
            viewer.offer(f"retry: {RETRY_MS}\n\n".encode())
            self._came.set()
            with suppress(ConnectionError, TimeoutError):
                await viewer.write_to(response)
        finally:
            viewer.leave()  # a line that does not take a message will not take an end either
            endless.discard(viewer.leave)
            channel.coming.pop(viewer, None)
            channel.viewers.discard(viewer)
        return response


def _json(value: Mapping[str, object]) -> bytes:
    """One line of strict JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _message(event: str, data: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
