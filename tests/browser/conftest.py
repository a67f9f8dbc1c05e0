"""Debian's Chromium by Playwright, for all tests of the pages: a fresh browser for each test, nothing kept, nothing outside.

`browser_page` is one empty page; `open_page(**context)` makes more: a phone, by night, without JavaScript. At the end of
a test every page must have been without a mistake: no error in a script, nothing that the policy of the page refused,
nothing asked of any host but this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
DESK = {"width": 1280, "height": 900}


class OpenPage(Protocol):
    """Options are those of Playwright's `new_context`."""

    async def __call__(self, **context: Any) -> Page:
        """A page of its own, as in a private window."""


class Mistakes:
    """What the pages of one test did wrong."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "violates" in message.text:
            self.found.append(f"policy: {message.text}")

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.hostname not in ("127.0.0.1", "::1"):
            self.found.append(f"asked outside: {request.url}")


@pytest.fixture
def mistakes() -> Mistakes:
    """A test that makes one on purpose looks at `found` and clears it."""
    return Mistakes()


@pytest.fixture
async def open_page(tmp_path: Path, mistakes: Mistakes) -> AsyncIterator[OpenPage]:
    contexts: list[BrowserContext] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGS, headless=True, timeout=30_000, downloads_path=tmp_path
        )  # with a new user data folder, removed at the end

        async def make(**context: Any) -> Page:
            made = await browser.new_context(**({"viewport": DESK, "service_workers": "block"} | context))
            contexts.append(made)
            page = await made.new_page()
            page.set_default_timeout(15_000)
            mistakes.watch(page)
            return page

        try:
            yield make
        finally:
            for context in contexts:
                await context.close()
            await browser.close()
    assert not mistakes.found


@pytest.fixture
async def browser_page(open_page: OpenPage) -> Page:
    return await open_page()
