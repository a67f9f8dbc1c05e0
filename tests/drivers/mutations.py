"""Bytes as a bad line makes them of good ones. How many are tried: SENTINEL_FAULTS (`make faults`: a million)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

INPUTS = int(os.environ.get("SENTINEL_FAULTS", "100000"))


def mutated(rng: random.Random, messages: Sequence[bytes]) -> bytes:
    """One message of the list, or two run together, with up to four things wrong with it."""
    data = bytearray(rng.choice(messages))
    if not rng.randrange(8):
        data += rng.choice(messages)
    for _ in range(rng.randrange(5)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1 if data:
                del data[at % len(data)]
            case 2:
                data[at:at] = rng.randbytes(rng.randrange(4))
            case 3:
                del data[at:]
            case 4:
                data[at:at] = data[:at]
            case 5 if data:
                data[at % len(data)] = rng.choice(b'0123456789ABCDEF,:[]"!_- \r\n\0')
            case _:
                data[at:at] = bytes((rng.randrange(256),)) * rng.choice((1, 2, 700))
    return bytes(data)
