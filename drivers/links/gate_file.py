"""What is remembered of refused passwords, on the card: one small file an account on a device. Blocking; called by `gate`.

Holds when the next try is due and a slow, salted hash of each refused password, never a password. No file: nothing is
refused. What cannot be read is nothing, said by ValueError or OSError.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sentinel.core.model import Failure

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 4  # refused passwords that are remembered; the oldest is the loser
_LONGEST: Final = 8192  # bytes of a file
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Shut:
    """One refused password. Within one boot `due_s` counts, which no clock step moves; after it `due`."""

    mark: str
    why: Failure  # CREDENTIAL or LOCKED
    due: float  # wall seconds
    boot: str
    due_s: float  # monotonic seconds of that boot


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is remembered for one account."""

    salt: str
    shuts: tuple[Shut, ...] = ()

    def of(self, mark: str) -> Shut | None:
        """What is remembered of this password."""
        return next((shut for shut in self.shuts if shut.mark == mark), None)

    def without(self, mark: str) -> Kept:
        """As if this password had never been refused."""
        return Kept(self.salt, tuple(shut for shut in self.shuts if shut.mark != mark))

    def having(self, shut: Shut) -> Kept:
        """With this one, in the place of an older one of the same password."""
        return Kept(self.salt, (*self.without(shut.mark).shuts, shut)[-MOST:])


def fresh() -> Kept:
    """Nothing remembered yet."""
    return Kept(os.urandom(16).hex())


def mark(password: str, salt: str) -> str:
    """A hash by which a password is known again. About 20 ms on a Pi: whoever steals the card does not guess quickly."""
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=bytes.fromhex(salt), n=2**12, r=8, p=1, dklen=32).hex()


def load(path: Path) -> Kept:
    """What the file says. FileNotFoundError when nothing is refused; ValueError when it is damaged."""
    with path.open("rb") as opened:
        raw = opened.read(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise ValueError("is too long")
    try:
        found: Any = json.loads(raw)
        if found["version"] != _VERSION:
            raise ValueError("is of another version")
        kept = Kept(_hex(found["salt"], 16), tuple(_shut(one) for one in found["shut"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"is damaged: {type(error).__name__}") from None
    if len(kept.shuts) > MOST:
        raise ValueError("remembers too many")
    return kept


def save(path: Path, kept: Kept) -> None:
    """Replace the file in one step, or take it away when nothing is refused. OSError when the card does not take it."""
    if not kept.shuts:
        path.unlink(missing_ok=True)
        return
    make_folder(path.parent)
    said = {"version": _VERSION, "salt": kept.salt, "shut": [asdict(shut) for shut in kept.shuts]}
    beside = path.with_suffix(f".{os.getpid()}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as opened:
            json.dump(said, opened)
            opened.flush()
            os.fsync(opened.fileno())
        hand_over(beside)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def make_folder(folder: Path) -> None:
    """The folder of all gates, for the daemon's eyes alone."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        hand_over(folder)


def hand_over(path: Path) -> None:
    """What root made for the daemon is the daemon's: a probe by an installer must not lock it out of its own state."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _shut(one: Any) -> Shut:
    why = Failure(one["why"])
    if why not in {Failure.CREDENTIAL, Failure.LOCKED}:
        raise ValueError(f"{why} is no reason")
    return Shut(_hex(one["mark"], 32), why, _number(one["due"]), str(one["boot"])[:64], _number(one["due_s"]))


def _hex(value: Any, size: int) -> str:
    if not isinstance(value, str) or len(bytes.fromhex(value)) != size:
        raise ValueError("holds no hash where one should be")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("holds no time where one should be")
    return float(value)
