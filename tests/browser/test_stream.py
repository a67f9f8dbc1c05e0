"""The stream's module in a real browser: how a page stays fresh, what it keeps, and how it says that it is not fresh."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import htpy as h
import pytest
from aiohttp import web

from sentinel.web import ages, document
from sentinel.web.assets import ASSETS, AssetBook
from sentinel.web.server import page
from sentinel.web.stream import Stream
from tests.web.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from playwright.async_api import Page

    from sentinel.web.language import Language
    from tests.browser.conftest import Mistakes, OpenPage

pytestmark = pytest.mark.real

EVERY_S = 0.1


@dataclass
class Branch:
    """A page with one section that a test writes, and one that never changes."""

    inside: h.Node = "first"
    ages: dict[str, float | None] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    lang: Language = "en"
    fails: bool = False

    def sections(self, _lang: str) -> Mapping[str, h.Element]:
        if self.fails:
            raise KeyError("cannot be rendered")
        return {"zones": h.section(id="zones")[self.inside], "ways": h.section(id="ways")["all up"]}

    def pulse(self) -> Mapping[str, object]:
        return {"ages": self.ages, "live": self.live}


class House:
    """A served branch whose server can be stopped and started at the same port."""

    def __init__(self, folder: Path, branch: Branch) -> None:
        self.branch = branch
        self.book = AssetBook(ASSETS)
        self.url = ""
        self.port = 0
        self.lives = 0
        self.watching: Callable[[], int] = int
        self._folder = folder
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stop.clear()
        self.lives += 1
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._live(ready))
        async with asyncio.timeout(10):
            await ready.wait()

    async def stop(self) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task

    async def _live(self, ready: asyncio.Event) -> None:
        stream = Stream(f"life{self.lives}", self.branch.sections, self.branch.pulse, time.time, EVERY_S)
        self.watching = stream.watching

        async def supervised() -> None:
            while True:
                try:
                    await stream.run()
                except KeyError:
                    await asyncio.sleep(EVERY_S)

        routes = [web.get("/", self._page), *self.book.routes(), *stream.routes()]
        async with serving(self._folder, routes, supervised, port=self.port) as served:
            self.url, self.port = served.url, served.server.port or 0
            ready.set()
            await self._stop.wait()

    async def _page(self, _request: web.Request) -> web.Response:
        sections = self.branch.sections("en").values()
        return page(
            document.page(
                "x",
                self.branch.lang,
                [h.header(".bar")[document.sign(self.branch.lang)], h.main[list(sections)]],
                scripts=[self.book.url("stream.js")],
                styles=[self.book.url("base.css")],
            )
        )


@asynccontextmanager
async def served(folder: Path, branch: Branch) -> AsyncIterator[House]:
    house = House(folder, branch)
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with served(tmp_path, Branch()) as one:
        yield one


async def until(shown: Page, state: str) -> None:
    await shown.wait_for_selector(f"body[data-stream={state}]")


async def says(shown: Page, text: str, where: str = "#zones") -> None:
    await shown.wait_for_function(
        "([where, text]) => document.querySelector(where)?.innerText === text", arg=[where, text]
    )


async def cut_is_seen(shown: Page) -> bool:
    return bool(await shown.locator(".cut p").is_visible())


# --- Fresh -----------------------------------------------------------------------------------------------------------------


async def test_a_page_is_a_still_picture_first_and_then_live_and_shows_what_changes(
    house: House, browser_page: Page
) -> None:
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    assert await browser_page.locator(".sign-word:visible").inner_text() == "Live"
    assert await browser_page.locator(".sign-age").inner_text() == "0 s"
    house.branch.inside = "second & <b>third</b>"
    await says(browser_page, "second & <b>third</b>")
    assert not await cut_is_seen(browser_page)


async def test_ages_tick_from_the_clock_of_the_server_and_not_of_the_viewer(house: House, open_page: OpenPage) -> None:
    now = time.time()
    house.branch.inside = h.p[
        ages.age(now - 3600 * 5 - 1, None, "en"), " ", ages.age(now - 47, None, "en", as_clock=True), " ",
        ages.age(None, None, "en", key="a"), " ", ages.age(None, None, "en", key="b"), " ", h.span(data_live="v"),
    ]  # fmt: skip
    house.branch.ages = {"a": now - 130, "b": None}
    house.branch.live = {"v": "13.2 V"}
    shown = await open_page()
    await shown.clock.install(time=now + 7200)  # two hours fast
    await shown.goto(house.url)
    await until(shown, "live")
    first = await shown.locator("#zones").inner_text()
    assert first.startswith("5 h 00:4")
    assert first.endswith(" 2 min – 13.2 V")
    house.branch.live, house.branch.ages = {"v": "13.1 V"}, {"a": now - 1, "b": now - 90000 * 3}
    await shown.wait_for_function("() => document.querySelector('#zones').innerText.endsWith(' s 3 d 13.1 V')")


@pytest.mark.parametrize("lang", ["hi", "en"])
async def test_the_browser_says_an_age_as_the_server_said_it(
    tmp_path: Path, browser_page: Page, lang: Language
) -> None:
    now = time.time()
    spans = [-7200.0, 0.2, 7.5, 59.5, 60.5, 3599.5, 3600.5, 47.5 * 3600, 48.5 * 3600, 200 * 86400 + 5]
    branch = Branch(lang=lang)
    branch.inside = [
        h.p[ages.age(now - one, None, lang), "|", ages.age(now - one, None, lang, as_clock=True)] for one in spans
    ]
    async with served(tmp_path, branch) as house:
        await browser_page.goto(house.url)
        await until(browser_page, "live")
        lines = await browser_page.locator("#zones p").all_inner_texts()
        passed = time.time() - now
    for line, span in zip(lines, spans, strict=True):
        said = {f"{ages.words(span + late, lang)}|{ages.clock(span + late, lang)}" for late in range(int(passed) + 2)}
        assert line in said


async def test_what_a_person_does_on_the_page_is_not_disturbed_by_what_changes(
    house: House, browser_page: Page
) -> None:
    def inside(number: int) -> h.Node:
        new = h.li(data_key="new")["a new row above"] if number else None
        return [
            h.ul[
                new, h.li(data_key="b")[h.input("#name", value="", placeholder=f"n{number}")], h.li(data_key="c")["c"]
            ],
            h.details[h.summary[f"more {number}"], h.p[f"inside {number}"]],
            h.div("#box", tabindex="0")[[h.p[f"{row} of {number}"] for row in range(60)]],
        ]

    house.branch.inside = inside(0)
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    await browser_page.click("summary")
    await browser_page.locator("#name").press_sequentially("कविता")
    await browser_page.evaluate(
        """() => {
            const box = document.querySelector("#box");
            box.className = "tall";
            const input = document.querySelector("#name");
            input.setSelectionRange(1, 3);
            scrollTo(0, 200);
            window.was = { box, input, top: scrollY };
        }"""
    )
    house.branch.inside = inside(1)
    await browser_page.wait_for_selector("text=inside 1")
    kept: dict[str, Any] = await browser_page.evaluate(
        """() => {
            const input = document.querySelector("#name");
            return {
                same: input === was.input && document.querySelector("#box") === was.box,
                value: input.value, focused: document.activeElement === input,
                selection: [input.selectionStart, input.selectionEnd],
                open: document.querySelector("details").open, first: document.querySelector("li").textContent,
                placeholder: input.placeholder, scrolled: scrollY > 0 && was.top > 0,
            };
        }"""
    )
    assert kept == {
        "same": True, "value": "कविता", "focused": True, "selection": [1, 3], "open": True,
        "first": "a new row above", "placeholder": "n1", "scrolled": True,
    }  # fmt: skip


async def test_rows_that_change_places_keep_the_focus_of_who_is_on_one(house: House, browser_page: Page) -> None:
    def rows(order: str) -> h.Node:
        return h.ul[[h.li(data_key=one)[h.button(id=one)[one]] for one in order]]

    house.branch.inside = rows("abcde")
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    await browser_page.focus("#d")
    for order in ("edcba", "d", "xdy", "badec"):
        house.branch.inside = rows(order)
        await browser_page.wait_for_function("text => document.querySelector('#zones').textContent === text", arg=order)
        assert await browser_page.evaluate("document.activeElement.id") == "d", order


async def test_any_page_becomes_exactly_what_was_sent(house: House, browser_page: Page) -> None:
    shapes: list[h.Node] = [
        h.p["one"], [h.p["one"], h.p["two"]], [h.p(class_="x")["two"]], h.div[h.p["deep", h.b["er"]], "tail"], "text", None,
        [h.span["a"], "b", h.span["c"]], [h.span["c"], "b"], h.table[h.tbody[h.tr[h.td["1"], h.td["2"]]]],
        h.svg(viewBox="0 0 4 4")[h.path(d="M0 0h4")], [h.i(id="i")["x"], h.b(id="b")["y"]], [h.b(id="b")["y"], h.i(id="i")["z"]],
        [h.u(id="i")["other tag"], h.b(id="b", hidden=True)["y"]], h.details(open=True)[h.summary["s"], "t"],
    ]  # fmt: skip
    await browser_page.goto(house.url)
    for shape in (*shapes, *reversed(shapes)):
        house.branch.inside = shape
        wanted = str(h.section(id="zones")[shape])
        await browser_page.wait_for_function(
            """wanted => {
                const template = document.createElement("template");
                template.innerHTML = wanted;
                return document.querySelector("#zones").isEqualNode(template.content.firstElementChild);
            }""",
            arg=wanted,
        )


async def test_the_inside_of_a_plot_is_its_own(house: House, browser_page: Page) -> None:
    house.branch.inside = [h.h2["one"], h.div("#plot", data_own=True, data_url="/a")]
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    await browser_page.evaluate("document.querySelector('#plot').append('drawn here')")
    house.branch.inside = [h.h2["two"], h.div("#plot", data_own=True, data_url="/b")]
    await browser_page.wait_for_selector("text=two")
    assert await browser_page.locator("#plot").inner_text() == "drawn here"
    assert await browser_page.locator("#plot").get_attribute("data-url") == "/b"


# --- Not fresh ---------------------------------------------------------------------------------------------------------------


async def test_a_stream_that_falls_silent_is_late_after_five_seconds_and_cut_after_ten(
    house: House, browser_page: Page
) -> None:
    await browser_page.clock.install()
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    house.branch.fails = True  # the connection stands, nothing comes
    await asyncio.sleep(2 * EVERY_S)
    began = time.monotonic()
    await browser_page.clock.fast_forward(4000)
    if time.monotonic() - began < 0.7:
        assert await browser_page.get_attribute("body", "data-stream") == "live"
    await browser_page.clock.fast_forward(1000)
    await until(browser_page, "late")
    assert not await cut_is_seen(browser_page)
    await browser_page.clock.fast_forward(5000)
    await until(browser_page, "cut")
    assert await cut_is_seen(browser_page)
    text = await browser_page.locator(".cut p").inner_text()
    assert document.CUT_LONG.hi in text
    assert document.CUT_LONG.en in text
    assert text.endswith(("10 s", "11 s", "12 s"))
    assert await browser_page.locator(".sign-word:visible").inner_text() == "Cut off"
    house.branch.fails = False
    await until(browser_page, "live")
    assert not await cut_is_seen(browser_page)


async def ten_times_faster(shown: Page) -> None:
    """What the style sheet times by itself."""
    browser = await shown.context.new_cdp_session(shown)
    await browser.send("Animation.enable")
    await browser.send("Animation.setPlaybackRate", {"playbackRate": 10})


async def test_the_page_hatches_by_itself_even_when_its_script_has_died(house: House, browser_page: Page) -> None:
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    await ten_times_faster(browser_page)
    await asyncio.sleep(2)  # twenty seconds for the style sheet: the pings hold it back
    assert not await cut_is_seen(browser_page)
    await browser_page.evaluate("() => { for (let id = 0; id < 9999; id++) { clearInterval(id); } }")
    await house.stop()
    await browser_page.locator(".cut p").wait_for(state="visible")
    assert await browser_page.locator(".sign-word:visible").count() == 0  # nothing says live
    assert await browser_page.get_attribute("body", "data-stream") == "live"  # which the script would have mended
    await house.start()


async def test_a_still_picture_that_nothing_refreshes_hatches_too(house: House, open_page: OpenPage) -> None:
    shown = await open_page(reduced_motion="reduce")
    await shown.route("**/stream.js*", lambda route: route.abort())
    await shown.goto(house.url)
    await ten_times_faster(shown)
    assert not await cut_is_seen(shown)
    await shown.locator(".cut p").wait_for(state="visible")


async def test_a_page_comes_back_by_itself_after_the_daemon_was_away_and_is_whole_again(
    house: House, browser_page: Page
) -> None:
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    await house.stop()
    house.branch.inside = "after the restart"
    await asyncio.sleep(2.5)  # some tries are refused
    await house.start()
    await says(browser_page, "after the restart")
    await until(browser_page, "live")


async def test_a_connection_that_stands_but_says_nothing_is_made_anew(house: House, browser_page: Page) -> None:
    asked: list[str] = []
    browser_page.on("request", lambda request: asked.append(request.url) if "/stream?" in request.url else None)
    await browser_page.clock.install()
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    house.branch.fails = True
    await asyncio.sleep(2 * EVERY_S)
    await browser_page.clock.fast_forward(16_000)
    async with asyncio.timeout(5):
        while len(asked) < 2:
            await asyncio.sleep(0.05)
    assert asked[0].endswith("&after=")
    assert asked[1].endswith("&after=life1en-2")


async def test_a_tab_that_nobody_sees_gives_its_place_back_and_is_fed_again_when_it_is_seen(
    house: House, browser_page: Page
) -> None:
    await browser_page.clock.install()
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    turn = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await browser_page.evaluate(turn, True)
    await browser_page.clock.fast_forward(30_000)
    assert house.watching() > 0  # a glance at another tab costs nothing
    await browser_page.clock.fast_forward(31_000)
    async with asyncio.timeout(5):
        while house.watching():
            await asyncio.sleep(0.02)
    await browser_page.clock.fast_forward(3600_000)
    assert house.watching() == 0
    house.branch.inside = "an hour later"
    await browser_page.evaluate(turn, False)
    await says(browser_page, "an hour later")
    await until(browser_page, "live")


async def test_a_page_that_is_refused_a_place_tries_again_and_is_cut_meanwhile(
    house: House, browser_page: Page
) -> None:
    await browser_page.clock.install()
    await browser_page.route("**/api/v1/stream*", lambda route: route.fulfill(status=503, body="full"))
    await browser_page.goto(house.url)
    await until(browser_page, "still")
    await browser_page.clock.fast_forward(10_000)
    await until(browser_page, "cut")
    assert await cut_is_seen(browser_page)
    await browser_page.unroute("**/api/v1/stream*")
    await browser_page.clock.fast_forward(15_000)
    await until(browser_page, "live")


async def test_a_section_that_cannot_be_shown_cuts_the_page_and_not_only_itself(
    house: House, browser_page: Page, mistakes: Mistakes
) -> None:
    await browser_page.clock.install()
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    wrong = 'event: section\ndata: {"id":"zones","html":"<p>no id</p>"}\n\nevent: ping\ndata: {"at":1}\n\n'
    await browser_page.route(
        "**/api/v1/stream*", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=wrong)
    )
    await house.stop()
    async with asyncio.timeout(10):
        while not mistakes.found:
            await asyncio.sleep(0.05)
    await browser_page.clock.fast_forward(10_000)
    await until(browser_page, "cut")
    assert await browser_page.locator("#zones").inner_text() == "first"
    assert set(mistakes.found) == {"script: section zones is no single element with that id"}
    mistakes.found.clear()
    await browser_page.unroute("**/api/v1/stream*")
    await house.start()
    await browser_page.clock.fast_forward(15_000)
    await until(browser_page, "live")


async def test_without_javascript_the_page_is_whole_and_asks_again_by_itself(house: House, open_page: OpenPage) -> None:
    shown = await open_page(java_script_enabled=False)
    await shown.goto(house.url)
    assert await shown.locator("#zones").inner_text() == "first"
    assert await shown.locator(".sign-word:visible").inner_text() == "Still picture"
    house.branch.inside = "second"
    await shown.get_by_text("second").wait_for()
    assert not await cut_is_seen(shown)


# --- The look ------------------------------------------------------------------------------------------------------------------


async def test_both_scripts_are_drawn_in_the_fonts_that_we_ship(house: House, browser_page: Page) -> None:
    house.branch.inside = h.p["स्ट्रांग रूम, क्ष त्र ज्ञ ₹ 4821 Strong room"]
    await browser_page.goto(house.url)
    await until(browser_page, "live")
    loaded = await browser_page.evaluate(
        "document.fonts.ready.then(fonts => [...fonts].filter(one => one.status === 'loaded').map(one => one.family))"
    )
    assert sorted(one.strip('"') for one in loaded) == ["Noto Sans", "Noto Sans Devanagari"]


async def test_what_a_finger_must_hit_is_large_enough_and_a_key_s_place_is_seen(
    house: House, open_page: OpenPage
) -> None:
    shown = await open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    house.branch.inside = [
        h.button["ok"], h.details[h.summary["more"]], document.languages("hi"), h.input(aria_label="name"), h.a(".button", href="#")["go"],
    ]  # fmt: skip
    await shown.goto(house.url)
    await until(shown, "live")
    for one in await shown.locator("#zones :is(button, summary, .languages a, input, .button)").all():
        box = await one.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    await shown.keyboard.press("Tab")
    assert await shown.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


async def test_critical_flashes_once_or_twice_a_second_and_not_for_who_asked_for_stillness(
    house: House, open_page: OpenPage
) -> None:
    house.branch.inside = h.span(".mark.critical.full")[document.shape("octagon")]
    flashes = []
    for motion in ("no-preference", "reduce"):
        shown = await open_page(reduced_motion=motion)
        await shown.goto(house.url)
        flashes.append(
            await shown.evaluate(
                """() => document.querySelector(".mark .shape").getAnimations().map(one => {
                    const { duration, direction } = one.effect.getTiming();
                    return 1000 / (direction === "alternate" ? 2 * duration : duration);
                })"""
            )
        )
    assert len(flashes[0]) == 1
    assert 1 <= flashes[0][0] <= 2
    assert flashes[1] == []
