"""The branch's program: what it is, how it differs from the last one that was told here, and that it is told.

A program that tells somebody less is itself told, and stands until a person closes it. `app` asks at a start and a reload.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal
from sentinel.journal.database import sync_directory
from sentinel.settings.changes import difference
from sentinel.settings.fingerprint import fingerprint

if TYPE_CHECKING:
    from sentinel.core.facts import Change, Fact
    from sentinel.duty.desk import Desk
    from sentinel.settings.fingerprint import Plain
    from sentinel.settings.site import Settings

log = logging.getLogger("sentinel.gateway")


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its hash, itself, and what differs from the last one that was told here."""

    config: str
    plain: Plain
    changes: tuple[Change, ...]
    path: Path  # where the last one is remembered

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it now."""
        path = Path(settings.gateway.state_dir) / "program.json"
        config, plain = fingerprint(settings)
        changes: tuple[Change, ...] = ()
        try:
            changes = difference(json.loads(path.read_text(encoding="utf-8")), plain)
        except (OSError, ValueError):
            log.info("no earlier program to compare with")
        return cls(config, plain, changes, path)

    def tell(self, desk: Desk, said: Fact) -> asyncio.Future[None]:
        """Say the fact that it is in force, and raise the alarm when it is a weaker one. Done when that is durable."""
        told = desk.say(said)
        weaker = [change for change in self.changes if change.weakens]
        if weaker:
            rule = ROLES[Role.PROGRAM]
            reason = f"weakened: {', '.join(change.path for change in weaker)}"[:80]
            told = desk.submit(
                Signal(
                    "gateway:program", Role.PROGRAM, Condition.ALARM, Condition.ALARM, rule.event, rule.severity, reason
                )
            )
        return told

    async def remember(self, desk: Desk, told: asyncio.Future[None]) -> None:
        """Only when it is durable that it was told: until then the next start compares with the one before."""
        await told
        if desk.bare is None:
            await asyncio.to_thread(_keep, self.path, json.dumps(self.plain, ensure_ascii=False))


def _keep(path: Path, text: str) -> None:
    """Replace the file as a whole, durably."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        log.warning("the program cannot be remembered error=%s", error.strerror)
