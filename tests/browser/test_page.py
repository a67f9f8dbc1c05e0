"""The branch's page in a real browser, with the real daemon behind it: what people see, hear of in time, and never see."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import expect

from tests.browser.branch import Branch, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Page, Response

    from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("page"), pytest.mark.timeout(180)]

SECTIONS = ("head", "incidents", "zones", "ways", "devices", "cameras", "telemetry", "plots")
PHONE = {"width": 360, "height": 740}
SEVEN_TO_ONE = {
    "runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]},
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}
SEEN_S = 5_000  # ms: from a contact to the eye


@pytest.fixture(scope="module")
def town() -> Iterator[Branch]:
    with running() as branch:
        yield branch


@pytest.fixture
async def branch(town: Branch) -> Branch:
    """At rest."""
    await town.calm()
    return town


@pytest.fixture
async def alarmed(town: Branch) -> Branch:
    """A fire that nobody answered, a shutter that opened, a battery that is low; as the test before may have left it."""
    zones = ("smoke-hall", "shutter-front", "panel-battery")
    if town.open_zones() != set(zones):
        await town.calm()
        await town.fire("zone1", "fire")
        town.set("panel.di5", value=False)
        town.set("battery.voltage", 11.6)
        for zone in zones:
            await town.opened(zone)
    return town


async def see(page: Page, branch: Branch, lang: str = "en") -> None:
    """Open the page and wait until it is fed."""
    await page.goto(f"{branch.url}/?lang={lang}")
    await expect(page.locator("body")).to_have_attribute("data-stream", "live", timeout=10_000)


def row(page: Page, key: str) -> Any:
    return page.locator(f"[data-key='{key}']")


# --- First paint ------------------------------------------------------------------------------------------------------


async def test_without_javascript_the_page_is_whole(branch: Branch, open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False)
    await page.goto(f"{branch.url}/?lang=en")
    for section in SECTIONS:
        await expect(page.locator(f"#{section}")).to_be_visible()
    await expect(page.locator("h1")).to_have_text("Shivnath Bank Sector 6 branch")
    await expect(page.locator("#incidents")).to_contain_text("Nothing is open")
    await expect(row(page, "zone:shutter-front")).to_contain_text("normal")
    await expect(row(page, "zone:panel-battery")).to_contain_text(re.compile(r"13\.2 V.*good.*[0-9] s ago", re.DOTALL))
    await expect(row(page, "zone:hold-up-counter")).to_contain_text("supervised")
    await expect(row(page, "link:bus")).to_contain_text("ms")
    await expect(row(page, "way:durg")).to_contain_text("connected")
    await expect(page.locator("#telemetry")).to_contain_text("made")
    await expect(row(page, "place:road")).to_contain_text(re.compile(r"Road\s*in view\s*Gate camera"))
    await expect(row(page, "film:recorder.counter")).to_contain_text("120 days kept, 90 required")
    await expect(page.locator("#plots figure")).to_have_count(9)
    await expect(page.locator("form.answer")).to_have_count(0)
    assert await page.locator("noscript").count() == 1  # it loads again by itself


async def test_without_javascript_an_open_incident_says_how_it_can_be_answered(
    branch: Branch, open_page: OpenPage
) -> None:
    branch.set("panel.di5", value=False)
    one = await branch.opened("shutter-front")
    page = await open_page(java_script_enabled=False)
    await page.goto(f"{branch.url}/?lang=en")
    await expect(page.locator(".incident form")).to_be_hidden()
    await expect(page.locator(".elsewhere")).to_have_text(
        f"To answer, on this machine: sentinel ack {one.code} --by NAME"
    )


async def test_the_page_is_in_the_branchs_own_language_until_somebody_chooses(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page(locale="en-IN")
    await page.goto(branch.url)
    await expect(page.locator("html")).to_have_attribute("lang", "hi")
    await expect(page.locator("#zones h2")).to_contain_text("अलार्म और सेंसर")
    await page.get_by_role("link", name="EN", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#zones h2")).to_contain_text("Alarms and sensors")
    await page.goto(branch.url)  # it was remembered
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_hindi_is_drawn_with_the_font_that_comes_with_the_page(branch: Branch, open_page: OpenPage) -> None:
    page = await open_page()
    await see(page, branch, "hi")
    drawn = await page.evaluate(
        """async () => {
          await document.fonts.ready;
          const width = (family, text = "स्ट्रांग रूम का दरवाज़ा") => {
            const span = document.createElement("span");
            Object.assign(span.style, { fontFamily: family, fontSize: "100px", position: "absolute", whiteSpace: "nowrap" });
            span.textContent = text;
            document.body.append(span);
            const found = span.getBoundingClientRect().width;
            span.remove();
            return found;
          };
          const own = getComputedStyle(document.body).fontFamily;
          return {
            loaded: [...document.fonts].filter((f) => f.status === "loaded").map((f) => f.family.replaceAll('"', "")),
            known: document.fonts.check('16px "Noto Sans Devanagari"', "स्ट्रां"),
            own: width(own), alone: width('"Noto Sans Devanagari"'), other: width("monospace"),
            spelt: width(own, "स्ट्रांग रूम का दरवाज़ा".replaceAll("\u094d", "\u094d\u200c")),
          };
        }"""
    )
    assert set(drawn["loaded"]) >= {"Noto Sans", "Noto Sans Devanagari"}
    assert drawn["known"]
    assert abs(drawn["own"] - drawn["alone"]) < 40  # the spaces are the Latin font's
    assert abs(drawn["own"] - drawn["other"]) > 40
    assert drawn["own"] < drawn["spelt"]  # conjuncts are joined, not spelt out with a virama each


# --- What happens shows by itself ------------------------------------------------------------------------------------


async def test_a_battery_that_sinks_shows_without_a_reload_and_who_was_told(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await see(page, branch)
    await page.evaluate("window.sameDocument = true")
    branch.set("battery.voltage", 11.6)
    battery = row(page, "zone:panel-battery")
    await expect(battery).to_have_class(re.compile(r"\bfault\b.*\balarm\b"), timeout=SEEN_S)
    await expect(battery).to_contain_text("11.6 V low")
    assert await page.locator("#zones li").first.get_attribute("data-key") == "zone:panel-battery"
    card = page.locator(".incident.fault")
    await expect(card).to_contain_text("Nobody has answered yet")
    await expect(card.locator(".told-list")).to_contain_text(
        re.compile("Branch manager · e-mail.*sent"), timeout=SEEN_S
    )
    await expect(card.locator(".next")).to_contain_text("Zonal security officer · e-mail")
    await expect(page.locator(".tally")).to_contain_text("1 fault")
    await expect(row(page, "way:mail")).to_contain_text(re.compile("fault → .* sent"))
    branch.set("battery.voltage", 13.2)
    await expect(page.locator("#incidents")).to_contain_text("Nothing is open", timeout=10_000)
    await page.locator(".recent summary").click()
    await expect(page.locator(".recent li").first).to_contain_text("restored by itself")
    assert await page.evaluate("window.sameDocument")


async def test_the_branch_acknowledges_a_fire_by_the_button_and_the_police_are_still_told(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await see(page, branch)
    await branch.fire("zone1", "fire")
    card = page.locator(".incident.critical")
    await expect(card).to_have_class(re.compile(r"\bfull\b"), timeout=SEEN_S)
    await expect(card.locator(".does")).to_contain_text("The police are still told, until they answer themselves")
    await card.locator("input").fill("Kavita Verma")
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card.locator(".outcome")).to_have_text("Recorded.")
    await expect(card.locator(".turn")).to_contain_text(
        re.compile("Kavita Verma, the branch: acknowledged .*the police have still to answer"), timeout=SEEN_S
    )
    await expect(card).to_have_class(re.compile(r"\bfull\b"))  # it is still somebody's turn
    await card.locator(".timeline summary").click()
    await expect(card.locator(".timeline")).to_contain_text("Kavita Verma")
    await expect(card.locator(".told-list li").first).to_contain_text(
        re.compile(r"Station desk.* · [2-9] times"), timeout=15_000
    )
    assert await card.locator(".timeline").get_attribute("open") is not None  # what was opened stays open
    answers = [one for one in (await branch.opened("smoke-hall")).answers if one.party == "bank"]
    assert [one.via for one in answers] == ["page"]


async def test_an_answer_that_is_not_taken_says_so(branch: Branch, open_page: OpenPage) -> None:
    page = await open_page()
    await see(page, branch)
    branch.set("panel.di5", value=False)
    card = page.locator(".incident.high")
    await card.locator("input").fill("Kavita Verma", timeout=SEEN_S)
    await page.route("**/acknowledge", lambda route: route.abort())
    await card.get_by_role("button", name="Acknowledge").click()
    await expect(card.locator(".outcome")).to_have_text("The answer was not taken; try again.")
    await expect(card.locator("input")).to_have_value("Kavita Verma")
    await expect(card.get_by_role("button", name="Acknowledge")).to_be_enabled()


async def test_an_answer_without_a_name_is_asked_for_one(alarmed: Branch, open_page: OpenPage) -> None:
    page = await open_page()
    await see(page, alarmed)
    fire = page.locator(".incident.critical")
    await fire.locator("input").fill("   ")
    await fire.get_by_role("button", name="Acknowledge").click()
    await expect(fire.locator(".outcome")).to_have_text("Write your name.")


async def test_where_the_script_of_the_button_did_not_come_it_says_how_else_to_answer(
    alarmed: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await page.route("**/assets/page.js*", lambda route: route.abort())
    await see(page, alarmed)
    fire = page.locator(".incident.critical")
    await expect(fire.locator("form")).to_be_hidden()
    await expect(fire.locator(".elsewhere")).to_contain_text("sentinel ack")


async def test_on_paper_stand_the_date_and_every_timeline_and_no_sign_of_life(
    alarmed: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await see(page, alarmed)
    await page.emulate_media(media="print")
    await expect(page.locator("[data-live='now']")).to_have_text(re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d"))
    await expect(page.locator(".sign")).to_be_hidden()
    await expect(page.locator(".incident.critical .timeline li").first).to_be_visible()


async def test_whoever_does_not_see_the_page_hears_of_what_opens(branch: Branch, open_page: OpenPage) -> None:
    page = await open_page()
    await see(page, branch)
    await expect(page.locator("[role=alert]")).to_have_text("")
    branch.set("panel.di5", value=False)
    one = await branch.opened("shutter-front")
    await expect(page.locator("[role=alert]")).to_have_text(re.compile(f"Shutter open code.*{one.code}"))


async def test_a_line_that_is_unplugged_hatches_what_is_behind_it_and_none_of_it_reads_normal(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await see(page, branch)
    await branch.unplug()
    hold_up = row(page, "zone:hold-up-counter")
    await expect(hold_up).to_have_class(re.compile(r"\bunknown\b.*\bhatched\b"), timeout=20_000)
    await expect(hold_up).to_contain_text(re.compile("unknown.*for [0-9]+ s.*the line is gone", re.DOTALL))
    behind = page.locator("#zones li.hatched")
    await expect(behind).to_have_count(10, timeout=20_000)
    assert all("normal" not in text for text in await behind.all_inner_texts())
    await expect(row(page, "link:bus").locator("li").first).to_contain_text("lost", timeout=20_000)
    await expect(row(page, "device:panel")).to_contain_text("Unknown because of it: Hold-up button cash counter")
    await expect(page.locator(".incident .hides")).to_contain_text("Front shutter")
    await branch.unplug(back=True)
    await expect(behind).to_have_count(0, timeout=20_000)
    await expect(hold_up).to_contain_text("supervised")


# --- Rule 6 ------------------------------------------------------------------------------------------------------------

STILL = """() => {
  const copy = document.body.cloneNode(true);
  for (const moving of copy.querySelectorAll("[data-age], [data-live], [data-at], .sign-age, .cut-age, .canvas")) moving.remove();
  return copy.innerHTML;
}"""


class Wire:
    """Everything that comes to a page, but for what moves with time alone: ages, latencies, counts of lines."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.pings: list[dict[str, Any]] = []
        self.sections: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("request", lambda request: self.asked.append(request.url.partition("?")[0]))

    async def listen(self, page: Page) -> None:
        """A second ear on the stream, in the page itself."""
        await page.expose_function("heard", self._heard)
        await page.evaluate(
            """() => {
              const source = new EventSource("/api/v1/stream?lang=en");
              for (const kind of ["section", "ping"])
                source.addEventListener(kind, (event) => window.heard(kind, event.data));
            }"""
        )
        await until(lambda: len(self.pings) >= 2, 10)
        self.sections.clear()
        self.pings.clear()
        self.asked.clear()

    def _heard(self, kind: str, data: str) -> None:
        if kind == "ping":
            self.pings.append(json.loads(data))
        else:
            self.sections.append(data)


async def test_nothing_on_the_page_or_on_its_wire_moves_when_the_hold_up_button_is_pressed(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    wire = Wire(page)
    await see(page, branch)
    await wire.listen(page)
    before = await page.evaluate(STILL)
    branch.set("panel.di1", value=False)
    one = await branch.opened("hold-up-counter")
    assert one.silent
    heard = len(wire.pings)
    await until(lambda: len(wire.pings) >= heard + 8, 20)  # the ladder goes on: told, delivered, told again
    branch.set("panel.di1", value=True)
    await until(lambda: len(wire.pings) >= heard + 12, 20)
    assert await page.evaluate(STILL) == before
    assert wire.sections == []
    assert wire.said == []
    assert set(wire.asked) <= {f"{branch.url}/api/v1/plot"}  # each minute, by the clock
    assert {tuple(ping) for ping in wire.pings} == {("at", "ages", "live")}
    assert len({(*ping["ages"], *ping["live"]) for ping in wire.pings}) == 1
    moved = {key for ping in wire.pings for key, said in ping["live"].items() if said != wire.pings[0]["live"][key]}
    assert {key.partition(":")[0] for key in moved} <= {"latency", "counts", "disk-free", "now"}
    assert not {ping["live"]["errors:bus"] for ping in wire.pings} - {wire.pings[0]["live"]["errors:bus"]}
    assert all(max(ping["at"] - at for at in ping["ages"].values() if at is not None) < 70 for ping in wire.pings)


async def test_a_page_that_is_opened_during_a_hold_up_is_the_page_of_a_quiet_branch(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page(java_script_enabled=False)

    async def bytes_of(url: str) -> str:
        answer: Response | None = await page.goto(url)
        assert answer is not None
        html = re.sub(
            r'<time class="age"[^>]*>[^<]*</time>|<span class="moving"[^>]*>[^<]*</span>', "", await answer.text()
        )
        return re.sub(r"<svg class=\"sparkline\".*?</svg>|<p class=\"nothing\">[^<]*</p>", "", html)

    for lang in ("hi", "en"):
        quiet = await bytes_of(f"{branch.url}/?lang={lang}")
        branch.set("panel.di1", value=False)
        await branch.opened("hold-up-counter")
        assert await bytes_of(f"{branch.url}/?lang={lang}") == quiet
        await branch.calm()


# --- Stale looks stale ---------------------------------------------------------------------------------------------------


async def test_a_daemon_that_hangs_hatches_the_page_within_ten_seconds_and_one_that_comes_back_mends_it(
    branch: Branch, open_page: OpenPage
) -> None:
    page = await open_page()
    await see(page, branch)
    frame = page.locator(".cut")
    await expect(frame).to_be_hidden()
    branch.send(signal.SIGSTOP)
    try:
        await expect(frame).to_be_visible(timeout=11_500)  # 10 s after the last ping, which was up to a second before
        await expect(page.locator("body")).to_have_attribute("data-stream", "cut")
        await expect(frame).to_contain_text("संपर्क टूटा")
        await expect(frame).to_contain_text("Cut off")
    finally:
        branch.send(signal.SIGCONT)
    await expect(page.locator("body")).to_have_attribute("data-stream", "live", timeout=20_000)
    await expect(frame).to_be_hidden()


# --- Cameras -----------------------------------------------------------------------------------------------------------


async def test_a_camera_that_goes_blind_takes_its_places_out_of_view_before_the_eyes_of_whoever_looks(
    branch: Branch, open_page: OpenPage
) -> None:
    page, phone = await open_page(), await open_page(viewport=PHONE, color_scheme="dark")
    await see(page, branch)
    await see(phone, branch, "hi")
    await expect(row(page, "place:road")).to_have_class("place-seen calm")
    branch.town.recorder.cameras[1].online = False
    await expect(row(page, "place:road")).to_contain_text("not in view", timeout=25_000)
    await expect(row(page, "film:recorder.gate")).to_contain_text("the camera does not answer the recorder")
    await expect(row(page, "place:back")).to_contain_text(re.compile("Back.*in view", re.DOTALL))
    await expect(row(phone, "place:road")).to_contain_text("नज़र में नहीं")
    await expect(row(phone, "film:recorder.gate")).to_contain_text("कैमरा रिकॉर्डर से जुड़ा नहीं है")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for one in (page, phone):
        found = await Axe().run(one, context={"include": [["#cameras"]]}, options=SEVEN_TO_ONE)
        assert found.violations_count == 0, found.generate_report()
    branch.town.recorder.cameras[1].online = True
    await expect(row(page, "place:road")).to_have_class("place-seen calm", timeout=25_000)


async def test_what_the_camera_saw_stands_on_the_card_for_everybody_and_has_its_place_before_it_comes(
    branch: Branch, open_page: OpenPage
) -> None:
    branch.set("panel.di4", value=False)
    one = await branch.opened("strong-room")
    for context in ({}, {"viewport": PHONE, "color_scheme": "dark"}):
        page = await open_page(**context)
        await see(page, branch)
        strip = page.locator(f"#i{one.code} .pictures")
        first = strip.locator("img").first
        await expect(first).to_have_attribute("alt", "Picture from Strong room camera", timeout=15_000)
        await expect(strip).to_contain_text(re.compile(r"Strong room camera\s*(before|after) · [0-9:]{8}"))
        await first.scroll_into_view_if_needed()
        await expect(first).to_have_js_property("complete", value=True)
        await expect(first).not_to_have_js_property("naturalWidth", 0)
        width, height = await first.evaluate("one => [one.clientWidth, one.clientHeight]")
        assert abs(width / height - 4 / 3) < 0.05  # whatever it shows, or nothing yet
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for options in (SEVEN_TO_ONE, None):
            found = await Axe().run(page, context={"include": [["#incidents"]]}, options=options)
            assert found.violations_count == 0, found.generate_report()
    await page.goto(f"{branch.url}/?lang=hi")
    await expect(first).to_have_attribute("alt", "स्ट्रांग रूम का कैमरा: तस्वीर")
    async with page.context.expect_page() as opened:
        await first.click()
    assert (await opened.value).url.startswith(f"{branch.url}/api/v1/incidents/{one.code}/pictures/")


# --- Curves ------------------------------------------------------------------------------------------------------------


async def test_a_curve_can_be_looked_at_closely_and_over_longer_spans(branch: Branch, open_page: OpenPage) -> None:
    page = await open_page()
    await see(page, branch)
    plot = page.locator("[data-point='battery.voltage']")
    await expect(plot).to_contain_text("limit 11.8 V")
    await until(lambda: _recorded(branch), 40)
    await page.reload()
    drawing = plot.locator(".u-over")
    await expect(drawing).to_be_visible(timeout=10_000)
    await drawing.hover()
    box = await drawing.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10)
    await expect(plot.locator(".readout")).to_contain_text(re.compile(r"[0-9:]+ · lowest [0-9.]+ · highest 13\.2 V"))
    async with page.expect_request(lambda request: "/api/v1/plot" in request.url):
        await page.get_by_role("button", name="7 days").click()
    await expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="24 h")).to_have_attribute("aria-pressed", "false")
    await asyncio.sleep(0.5)  # what it was drawn anew from is there


async def _recorded(branch: Branch) -> bool:
    _, found = await branch.ask("/api/v1/plot?point=battery.voltage")
    return bool(found["at"])


# --- For everybody -------------------------------------------------------------------------------------------------------


async def test_a_quiet_page_can_be_read_by_everybody(branch: Branch, open_page: OpenPage) -> None:
    await readable(branch, open_page)


async def test_on_a_small_phone_nothing_runs_out_of_the_screen(alarmed: Branch, open_page: OpenPage) -> None:
    page = await open_page(viewport=PHONE)
    for lang in ("hi", "en"):
        await see(page, alarmed, lang)
        await expect(page.locator(".incident")).to_have_count(3)
        await expect(page).to_have_title(re.compile(r"^\(3\) Shivnath Bank"))
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], lang


async def test_an_alarmed_page_can_be_read_by_everybody(alarmed: Branch, open_page: OpenPage) -> None:
    await readable(alarmed, open_page)


async def readable(branch: Branch, open_page: OpenPage) -> None:
    for lang in ("hi", "en"):
        for scheme in ("light", "dark"):
            page = await open_page(color_scheme=scheme, reduced_motion="reduce")
            await see(page, branch, lang)
            await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            found = await Axe().run(page)
            assert found.violations_count == 0, f"{lang} {scheme}: {found.generate_report()}"
            await page.context.close()


async def test_what_matters_stands_at_seven_to_one(alarmed: Branch, open_page: OpenPage) -> None:
    for scheme in ("light", "dark"):
        page = await open_page(color_scheme=scheme, reduced_motion="reduce")
        await see(page, alarmed)
        parts = [["#head"], ["#incidents"], ["#zones"], ["#cameras"]]
        found = await Axe().run(page, context={"include": parts}, options=SEVEN_TO_ONE)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
        await page.context.close()
