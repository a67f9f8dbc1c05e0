"""The pictures of the README, taken from the real page of the demo's branch: `python -m tests.browser.pictures`.

Only the day before is made up: it lies in the record when the daemon starts; and what the cameras show is drawn.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright, expect

from sentinel.demo.broker import installed
from sentinel.demo.town import town
from sentinel.gateway.pictures import RING_S
from sentinel.telemetry.model import Counts, Flush, Keep, Summary
from sentinel.telemetry.store import Store
from tests.browser.conftest import ARGS, CHROMIUM
from tests.pictures.scenes import Scene

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from sentinel.demo.town import Town

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES = 160_000
DAY_MIN = 26 * 60
PHONE = {"viewport": {"width": 390, "height": 1240}}
DESK = {"viewport": {"width": 1200, "height": 1100}, "device_scale_factor": 0.75}  # as wide as a README is shown
COUNTER, VAULT = 2, 3  # channels
METER = {"battery.current": 0.42, "battery.power": 4.9, "battery.energy": 812.0, "climate.humidity": 41.0}


def yesterday(minute: int, last: int) -> dict[str, Summary]:
    """One minute of a day on which the charger failed in the night."""
    hour = (minute * 60 + 5.5 * 3600) / 3600 % 24  # in Bhilai
    noise = ((minute * 7919) % 101) / 101
    left_h = (last - minute) / 60
    volts = 13.2 + 0.05 * noise if left_h > 7 else 11.6 + 0.17 * left_h + 0.03 * noise
    warmth = 28 + 4 * math.sin((hour - 9) / 24 * 2 * math.pi) + 0.3 * noise
    return {
        "battery.voltage": Summary(volts - 0.02, volts + 0.02, volts),
        "climate.temperature": Summary(warmth - 0.1, warmth + 0.1, warmth),
        "climate.humidity": Summary(69 - warmth, 69.6 - warmth, 69.3 - warmth),
        "battery.current": Summary(0.40, 0.44 + 0.05 * noise, 0.42),
        "battery.power": Summary(4.7, 5.0 + 0.4 * noise, 4.9),
        "battery.energy": Summary(812 - left_h * 4.9, 812 - left_h * 4.9, 812 - left_h * 4.9),
        "fire-panel.troubles": Summary(0, 0, 0),
        "recorder.drift": Summary(-1.1 - noise, 0.4 + noise, -0.3),
        "recorder.retention": Summary(120, 120, 120),
    }


def with_a_past(port: int, folder: Path) -> tuple[str, list[str]]:
    """What `town` asks before it starts the daemon: which broker. The record is laid down on the way."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    last = int(time.time()) // 60 - 1
    minutes = {minute: yesterday(minute, last) for minute in range(last - DAY_MIN, last)}
    store = Store(state / "telemetry.db", Keep(30, 512 * 2**20), forward=False, known=Counts())
    store.append(Flush((), 0, last * 60_000, minutes))
    store.close()
    return installed(port, folder)


async def main() -> int:
    """All of them; 1 when one is too big."""
    FOLDER.mkdir(exist_ok=True)
    async with town(choose=with_a_past) as made, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for point, value in METER.items():
            made.bus.set(point, value)
        made.bus.set("battery.voltage", 11.6)
        show(made, people=0)
        phone = await opened(browser, made, "hi", PHONE)
        await expect(phone.locator(".told-list")).to_contain_text("भेजी गई", timeout=20_000)
        await taken(phone, "page-phone-hi.png")
        desk = await opened(browser, made, "en", DESK)
        await desk.locator("#plots").screenshot(path=FOLDER / "page-plots-en.png")
        await asyncio.sleep(RING_S + 2)  # so that there is a picture from before
        show(made, people=1)
        made.bus.set("panel.di4", value=False)
        await expect(phone.locator(".pictures img")).to_have_count(3, timeout=20_000)
        await made.fire.set("fire-panel.zone1", "fire")
        fire = desk.locator(".incident.critical")
        await fire.locator("input").fill("Kavita Verma", timeout=20_000)
        await fire.get_by_role("button", name="Acknowledge").click()
        await expect(fire.locator(".turn")).to_contain_text("the police have still to answer")
        await expect(fire.locator(".told-list")).to_contain_text(re.compile("Zonal security officer.*sent"))
        await desk.locator("h1").hover()
        await taken(desk, "page-desk-en.png")
        blind(made)
        await expect(desk.locator("[data-key='place:strong-room']")).to_contain_text("not in view", timeout=25_000)
        await expect(desk.locator("[data-key='film:recorder.counter']")).to_contain_text("11 days", timeout=15_000)
        recorder = desk.locator("[data-key='film:recorder'] .fact.fault")
        await expect(recorder).to_contain_text("11 days kept", timeout=25_000)
        await desk.locator("#cameras").screenshot(path=FOLDER / "page-cameras-en.png")
        await browser.close()
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.glob("page-*.png"))}
    for name, size in sizes.items():
        print(f"{name} {size // 1000} kB")
    return int(max(sizes.values()) > MOST_BYTES)


def show(made: Town, *, people: int) -> None:
    """What the cameras see: rooms by infrared, and whoever is in them."""
    for number, camera in made.recorder.cameras.items():
        camera.scene = str(number)
        scene = Scene(room=number, people=people, infrared=True, noise=2.0, size=(320, 240))
        made.recorder.pictures[camera.scene] = scene.jpeg()


def blind(made: Town) -> None:
    """The camera of the strong room is torn off, and the finest picture of the counter leaves room for eleven days."""
    made.recorder.cameras[VAULT].online = False
    made.recorder.cameras[COUNTER].kept_days = 11.2


async def opened(browser: Browser, made: Town, lang: str, device: dict[str, Any]) -> Page:
    """The page, fed and with its curves drawn."""
    context = await browser.new_context(**device, reduced_motion="reduce", color_scheme="light")
    page = await context.new_page()
    await page.goto(f"{made.page}?lang={lang}")
    await expect(page.locator("body")).to_have_attribute("data-stream", "live", timeout=10_000)
    await expect(page.locator(".u-over").first).to_be_attached(timeout=10_000)
    return page


async def taken(page: Page, name: str) -> None:
    """What the window shows."""
    await page.evaluate("document.fonts.ready")
    await page.evaluate("scrollTo(0, 0)")
    await page.wait_for_timeout(600)
    await page.screenshot(path=FOLDER / name)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
