"""A daemon that has just been started says what it does not know yet, never that nothing is open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sentinel.journal.thread import Journal

if TYPE_CHECKING:
    import pytest

    from sentinel.journal.store import Head
    from tests.fakes import Story


async def said(story: Story) -> dict[str, Any]:
    """What the branch answers now."""
    _, shown = await story.ask("GET", "/api/v1/incidents")
    _, status = await story.ask("GET", "/api/v1/status")
    _, metrics = await story.ask("GET", "/metrics")
    return {
        "health": await story.ask("GET", "/healthz"),
        "open": len(shown["open"]),
        "complete": shown["complete"],
        "count": status["incidents"],
        "metric": next(line for line in metrics.splitlines() if line.startswith("sentinel_incidents_open")).split()[1],
    }


async def test_until_the_journal_was_read_nobody_is_told_that_nothing_is_open(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.press("smoke-hall")
    await story.seconds(10)
    real, read = Journal.open, asyncio.Event()

    async def slowly(self: Journal) -> Head:
        await read.wait()
        return await real(self)

    monkeypatch.setattr(Journal, "open", slowly)
    await story.restart(cut_power=True)
    starting = {"health": "impaired", "reasons": ["starting"]}
    assert await said(story) == {
        "health": (503, starting),
        "open": 0,
        "complete": False,
        "count": None,
        "metric": "NaN",
    }
    assert story.gateway.page.sections("")["head"]["reasons"] == ["starting"]  # type: ignore[index]
    for lang, nothing, starts in (
        ("en", "Nothing is open", "was open before is not known yet"),
        ("hi", "कोई मामला खुला नहीं है", "पता नहीं"),
    ):
        shown = str(story.gateway.page.sections(lang)["incidents"])
        assert nothing not in shown
        assert starts in shown
    read.set()
    await story.seconds(10)
    ok = {"health": "ok", "reasons": []}
    assert await said(story) == {"health": (200, ok), "open": 1, "complete": True, "count": 1, "metric": "1"}


async def test_a_start_without_the_card_does_not_say_that_nothing_is_open(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(10)
    await story.power_off()
    story.release("smoke-hall")
    card = story.state_dir.rename(story.home / "pulled")
    story.state_dir.write_text("no card", encoding="utf-8")
    await story.boot()
    await story.seconds(20)
    without = await said(story)
    assert (without["health"][0], without["complete"]) == (503, False)
    page = str(story.gateway.page.sections("en")["incidents"])
    assert "Nothing is open" not in page
    assert "was open before is not known yet" in page
    story.state_dir.unlink()
    card.rename(story.state_dir)
    await story.minutes(2)
    back = await said(story)
    assert (back["health"][0], back["complete"]) == (200, True)
    assert any(one.subject == "zone:smoke-hall" for one in story.open())
