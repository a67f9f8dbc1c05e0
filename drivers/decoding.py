"""Words -> value for one point, worked out once per point so that the hot path is one call. Pure; never raises.

`drivers.modbus` calls the decoders; `drivers.sim` writes the inverse.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from drivers.points import BIT_TABLES, Kind, Match, Order, Point
from sentinel.core.model import Failure, Value
from sentinel.ports import Words

Decoder = Callable[[Words, int], Value | Failure]
"""(words of the block, index of the point's first word) -> the value, or why there is none."""

_SWAPS_WORDS = (Order.CDAB, Order.DCBA)
_SWAPS_BYTES = (Order.BADC, Order.DCBA)


def decoder(point: Point) -> Decoder:
    """How this point is read."""
    if point.kind is Kind.BOOL:
        return _boolean(point)
    raw = _raw(point)
    if point.match:
        return _matched(raw, point.match)
    if point.states:
        return _named(raw, point)
    return _number(raw, point)


def _boolean(point: Point) -> Decoder:
    if point.table in BIT_TABLES:
        if point.active_low:
            return lambda words, i: not words[i]
        return lambda words, i: bool(words[i])
    mask, wanted = 1 << (point.bit or 0), not point.active_low
    return lambda words, i: bool(words[i] & mask) is wanted


def _raw(point: Point) -> Callable[[Words, int], int | float]:
    """The plain number in the words, before scale and meaning."""
    match point.kind:
        case Kind.I16:
            return lambda words, i: words[i] - 65536 if words[i] & 0x8000 else words[i]
        case Kind.U32:
            return _pair(point.order)
        case Kind.I32:
            pair = _pair(point.order)

            def signed(words: Words, i: int) -> int:
                number = pair(words, i)
                return number - 0x1_0000_0000 if number & 0x8000_0000 else number

            return signed
        case Kind.F32:
            pair, pack, unpack = _pair(point.order), struct.Struct(">I").pack, struct.Struct(">f").unpack
            return lambda words, i: float(unpack(pack(pair(words, i)))[0])
        case _:
            if point.mask is None:
                return lambda words, i: words[i]
            mask, shift = point.mask, point.shift
            return lambda words, i: (words[i] & mask) >> shift


def _pair(order: Order) -> Callable[[Words, int], int]:
    first, second = (1, 0) if order in _SWAPS_WORDS else (0, 1)
    if order not in _SWAPS_BYTES:
        return lambda words, i: words[i + first] << 16 | words[i + second]

    def swapped(words: Words, i: int) -> int:
        high, low = words[i + first], words[i + second]
        return (high & 0xFF) << 24 | (high >> 8) << 16 | (low & 0xFF) << 8 | low >> 8

    return swapped


def _matched(raw: Callable[[Words, int], int | float], lines: tuple[Match, ...]) -> Decoder:
    def state(words: Words, i: int) -> Value | Failure:
        word = int(raw(words, i))
        for line in lines:
            if word & line.mask == line.equals:
                return Failure.RANGE if line.state is None else line.state
        return Failure.RANGE

    return state


def _named(raw: Callable[[Words, int], int | float], point: Point) -> Decoder:
    meanings: dict[int | float, str] = {number: word for number, word in point.states if number not in point.absent}
    return lambda words, i: meanings.get(raw(words, i), Failure.RANGE)


def _number(raw: Callable[[Words, int], int | float], point: Point) -> Decoder:
    absent, scaled = _absent_raw(point), _scaled(point)
    low, high = point.limits or (-math.inf, math.inf)
    finite = point.kind is not Kind.F32

    def number(words: Words, i: int) -> Value | Failure:
        plain = raw(words, i)
        if plain in absent or not (finite or math.isfinite(plain)):
            return Failure.RANGE
        value = scaled(plain)
        return value if low <= value <= high else Failure.RANGE

    return number


def _absent_raw(point: Point) -> frozenset[int]:
    """Sentinels are written as the manual prints them (65535, 0x8000); a signed point meets them as negatives."""
    width = 16 * point.words
    if point.kind in (Kind.I16, Kind.I32):
        return frozenset(n - (1 << width) if n >> (width - 1) & 1 else n for n in point.absent)
    return frozenset(point.absent)


def _scaled(point: Point) -> Callable[[int | float], int | float]:
    scale, offset = point.scale, point.offset
    if scale == 1 and offset == 0:
        return lambda plain: plain
    divisor = round(1 / scale)
    # 235 / 10 is the double nearest to 23.5; 235 * 0.1 is not. A person reads these.
    if divisor > 1 and math.isclose(divisor * scale, 1, rel_tol=1e-12):
        if offset == 0:
            return lambda plain: plain / divisor
        return lambda plain: round(plain / divisor + offset, 9)
    return lambda plain: round(plain * scale + offset, 9)
