"""The inverse of `drivers.decoding`: a value in engineering units -> words. Only simulators and tests need it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from drivers.points import BIT_TABLES, Kind, Order, Point

if TYPE_CHECKING:
    from sentinel.core.model import Value


def encode(point: Point, value: Value, before: tuple[int, ...]) -> tuple[int, ...]:
    """The words with `value` written into them; `before` are the words that are there now. ValueError: cannot be."""
    if point.kind is Kind.BOOL:
        return (_bit(point, value, before[0]),)
    raw = _match_word(point, value) if point.match else _raw(point, value)
    width = 16 * point.words
    if point.kind in (Kind.I16, Kind.I32):
        if not -(1 << width - 1) <= raw < 1 << width - 1:
            raise ValueError(f"{point.id}: {value} does not fit {point.kind}")
        raw &= (1 << width) - 1
    if point.mask is not None:
        return (_field(point, value, raw, before[0]),)
    if not 0 <= raw < 1 << width:
        raise ValueError(f"{point.id}: {value} does not fit {point.kind}")
    return (raw,) if point.words == 1 else _pair(raw, point.order)


def _bit(point: Point, value: Value, before: int) -> int:
    if not isinstance(value, bool):
        raise ValueError(f"{point.id}: {value} is not true or false")  # noqa: TRY004 the caller shows one kind of error
    high = value is not point.active_low
    if point.table in BIT_TABLES:
        return int(high)
    mask = 1 << (point.bit or 0)
    return before | mask if high else before & ~mask


def _field(point: Point, value: Value, raw: int, before: int) -> int:
    mask = point.mask or 0
    if raw << point.shift & ~mask or raw < 0:
        raise ValueError(f"{point.id}: {value} does not fit mask 0x{mask:04X}")
    return before & ~mask | raw << point.shift


def _match_word(point: Point, value: Value) -> int:
    """A word for which the line with this state is the first that applies."""
    for line in point.match:
        if line.state == value and next(m for m in point.match if line.equals & m.mask == m.equals) is line:
            return line.equals
    states = ", ".join(dict.fromkeys(m.state for m in point.match if m.state))
    raise ValueError(f"{point.id}: {value} is none of {states}")


def _raw(point: Point, value: Value) -> int:
    if point.states:
        for number, word in point.states:
            if word == value:
                return number
        raise ValueError(f"{point.id}: {value} is none of {', '.join(word for _, word in point.states)}")
    if isinstance(value, str | bool):
        raise ValueError(f"{point.id}: {value} is not a number")  # noqa: TRY004 the caller shows one kind of error
    plain = (value - point.offset) / point.scale
    if point.kind is not Kind.F32:
        return round(plain)
    try:
        return int.from_bytes(struct.pack(">f", plain))
    except OverflowError as error:
        raise ValueError(f"{point.id}: {value} does not fit f32") from error


def _pair(raw: int, order: Order) -> tuple[int, int]:
    high, low = raw >> 16, raw & 0xFFFF
    if order in (Order.BADC, Order.DCBA):
        high, low = (high & 0xFF) << 8 | high >> 8, (low & 0xFF) << 8 | low >> 8
    return (low, high) if order in (Order.CDAB, Order.DCBA) else (high, low)
