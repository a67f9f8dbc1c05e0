"""From the contact that closes to the fact that is durable, and on to the channel: the gateway in this process, under load.

The panel is a process of its own. Fifty more units are polled each second on a second line, with rules on them; the
mail server refuses everything, so that the outbox is busy retrying.
"""

from __future__ import annotations

import asyncio
import logging
import random
import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sentinel.commands.tables import real_tables
from sentinel.core.authority import Command, CommandKind
from sentinel.core.facts import Disposition, NoticeQueued, Signalled
from sentinel.core.model import Party, Via
from sentinel.gateway.app import Gateway
from sentinel.ports import ChannelError
from sentinel.settings.branch import load
from tests.bench.daemon import CONFIG, DEVICE, LINK, ZONE, button_profile, panel, w1_profile

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.core.facts import Recorded
    from sentinel.ports import Letter, Sent

PRESSES = 150
POLL_MS = 100


def measure(folder: Path) -> dict[str, Any]:
    """Milliseconds, p50 and p99, over PRESSES presses at random phases of the poll."""
    logging.disable(logging.CRITICAL)  # the refusals are meant
    return asyncio.run(_measure(folder))


async def close(gateway: Gateway) -> None:
    """An officer closes it, so that the next press opens an incident of its own."""
    until = gateway.clock.now() + timedelta(minutes=1)
    code = gateway.desk.state.by_key["zone:button"]
    await gateway.desk.submit(
        Command(
            f"bench-{code}", CommandKind.CLOSE, code, "bench", "", Party.POLICE, Via.STATION, until, Disposition.TEST
        )
    )


async def _measure(folder: Path) -> dict[str, Any]:
    with panel() as buttons, panel() as others:
        profile = w1_profile(folder)
        devices = [
            DEVICE.format(
                id="panel",
                link="buttons",
                profile=button_profile(folder),
                unit=1,
                more=f", poll: {{alarm: {POLL_MS}ms}}",
            )
        ]
        devices += [
            DEVICE.format(id=f"u{unit}", link="line", profile=profile, unit=unit, more="") for unit in range(1, 51)
        ]
        accept = ", off_delay: 100ms, accept: [cut-wire-reads-normal]"
        zones = [
            ZONE.format(id="button", point="panel.di1", role="hold-up", wiring="{contact: normally-open}", more=accept)
        ]
        zones += [
            ZONE.format(
                id=f"z{unit}", point=f"u{unit}.r1", role="temperature", wiring="{high: 1, hysteresis: 1}", more=""
            )
            for unit in range(1, 51)
        ]
        config = folder / "contact.yaml"
        config.write_text(
            CONFIG.format(
                links="\n".join(
                    [LINK.format(id="buttons", port=buttons.port), LINK.format(id="line", port=others.port)]
                ),
                devices="\n".join(devices),
                zones="\n".join(zones),
                mail=9,
                store=9,  # nobody there: every point waits in the spool
                folder=folder,
            ),
            encoding="utf-8",
        )
        loaded = load(config, real_tables(folder))
        assert loaded.settings is not None, loaded.problems
        gateway = Gateway(loaded.settings, lambda: loaded)
        durable: asyncio.Queue[float] = asyncio.Queue()
        queued: dict[str, float] = {}
        handed: list[float] = []

        def seen(records: list[Recorded]) -> None:
            now = time.perf_counter()
            for one in records:
                fact = one.fact
                if isinstance(fact, Signalled) and fact.subject == "zone:button" and fact.condition == "alarm":
                    durable.put_nowait(now)
                if isinstance(fact, NoticeQueued) and fact.priority == 0:
                    queued[fact.notice] = now

        gateway.desk.listeners.append(seen)
        running = asyncio.create_task(gateway.run())
        buttons.set(0, False)
        await asyncio.sleep(3)
        channel = gateway.outbox.channel("mail")
        assert channel is not None

        async def refuse(letter: Letter) -> Sent:
            if letter.notice in queued:
                handed.append((time.perf_counter() - queued.pop(letter.notice)) * 1000)
            raise ChannelError("the bench refuses all mail")

        channel.send = refuse  # type: ignore[method-assign]
        times = []
        for _ in range(PRESSES):
            await asyncio.sleep(random.uniform(0.5, 0.5 + POLL_MS / 1000))
            pressed = time.perf_counter()
            buttons.set(0, True)
            times.append((await asyncio.wait_for(durable.get(), 5) - pressed) * 1000)
            buttons.set(0, False)
            await close(gateway)
        gateway._stop.set()
        await running
    ordered = sorted(times)
    first = sorted(handed)
    return {
        "poll_ms": POLL_MS,
        "contact_to_durable_ms_p50": round(statistics.median(ordered), 1),
        "contact_to_durable_ms_p99": round(ordered[int(len(ordered) * 0.99)], 1),
        "aim_ms_p99": POLL_MS + 20,
        "durable_to_channel_ms_p50": round(statistics.median(first), 1) if first else None,
        "durable_to_channel_ms_max": round(first[-1], 1) if first else None,
        "presses": len(times),
    }
