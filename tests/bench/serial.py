"""From a line that a receiver says to its acknowledgement: the daemon as a process, on a pty, with its journal on this disk.

Fifty Modbus units are polled beside it, with rules on them. The fact is durable before the acknowledgement leaves.
"""

from __future__ import annotations

import os
import select
import statistics
import time
import tty
from typing import TYPE_CHECKING, Any

from tests.bench.daemon import CONFIG, DEVICE, LINK, ZONE, daemon, panel, w1_profile

if TYPE_CHECKING:
    from pathlib import Path

REPORTS, UNITS = 200, 50
BEAT, ACK = b"1011           @    \x14", b"\x06"
RECEIVER = """  intruder:
    name: {en: intruder, hi: उपकरण}
    link: receiver
    driver: contact-id
    account: "C601"
"""


def measure(folder: Path) -> dict[str, Any]:
    """Milliseconds, p50 and p99, over REPORTS burglaries and their restores."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    with panel() as units:
        profile = w1_profile(folder)
        devices = [DEVICE.format(id=f"u{n}", link="w1", profile=profile, unit=n, more="") for n in range(1, UNITS + 1)]
        zones = [
            ZONE.format(id=f"z{n}", point=f"u{n}.r1", role="temperature", wiring="{high: 2000, hysteresis: 1}", more="")
            for n in range(1, UNITS + 1)
        ]
        links = [LINK.format(id="w1", port=units.port), f"  receiver: {{kind: serial, port: {os.ttyname(theirs)}}}"]
        config = folder / "serial-branch.yaml"
        config.write_text(
            CONFIG.format(
                links="\n".join(links), devices=RECEIVER + "\n".join(devices), zones="\n".join(zones),
                mail=9, store=9, folder=folder,
            ),
            encoding="utf-8",
        )  # fmt: skip
        with daemon(config):
            while _ask(ours, BEAT, 1.0) is None:
                pass
            time.sleep(3)
            took = [_ask(ours, _report(n), 4.0) for n in range(REPORTS)]
    os.close(ours)
    os.close(theirs)
    answered = sorted(one * 1000 for one in took if one is not None)
    return {
        "reports": REPORTS,
        "not_acknowledged": REPORTS - len(answered),
        "ack_ms_p50": round(statistics.median(answered), 1),
        "ack_ms_p99": round(answered[min(len(answered) - 1, int(0.99 * len(answered)))], 1),
    }


def _report(number: int) -> bytes:
    time.sleep(0.05)
    return f"5011 18C601{'ER'[number % 2]}13001{number // 2 + 1:03}\x14".encode()


def _ask(line: int, message: bytes, within_s: float) -> float | None:
    """Seconds until the acknowledgement; None when there was none."""
    began = time.monotonic()
    os.write(line, message)
    while (left := began + within_s - time.monotonic()) > 0:
        if select.select([line], [], [], left)[0] and ACK in os.read(line, 64):
            return time.monotonic() - began
    return None
