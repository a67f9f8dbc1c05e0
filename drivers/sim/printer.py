"""A simulated fire panel's printer port (AFP-2800), for tests and the demo. The daemon never imports this.

It only speaks. Runs on `panel_wire.PanelWire`, which makes it late, garbled, truncated or silent; `lies` prints a
language that no table knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.sim.panel_wire import PanelWire


@dataclass(slots=True)
class PrinterPort:
    """One panel's printer port."""

    lies: bool = False

    def connected(self) -> bytes:
        """Nobody tells a printer port that a printer is there."""
        return b""

    def hear(self, data: bytes) -> bytes:  # noqa: ARG002 it is one-way
        """Nothing is ever answered."""
        return b""

    def print(self, wire: PanelWire, event: str, zone: int, point: str, label: str, stamp: str = "12/08 01:23") -> None:
        """One line: "ALARM", "RESET ALARM", "MAINS FAIL", "FAULT (F01)"."""
        line = f"EREIGNIS {zone} {label}" if self.lies else f":{event} Z{zone:03} {point} {label} {stamp};"
        wire.say(f"{line}\r\n".encode("ascii"))
