"""InfluxDB line protocol: the head of a series once, its fields each time. Pure; the sampler is its only caller.

The text is the one of influxdb-client's own `Point`, except where that text can leave its line or its series in one of
the stores (InfluxDB 1, 2, 3, VictoriaMetrics), which disagree about what a backslash escapes:
- A backslash in a name or a tag becomes "/": before a comma or at the end it would swallow the separator.
- Line ends, tabs and all other control characters become a space, in names, tags and texts alike: VictoriaMetrics ends
  the line there, quoted or not. A half of a surrogate pair, which has no bytes in UTF-8, becomes "?".
- A measurement that begins with "#" would be a comment, and begins with "_" instead. A quote in a field's name becomes
  "'", because VictoriaMetrics would begin a text there.
- A field without a name is left out, and so is a whole number beyond 64 bits: the store would refuse the line for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_TEXT = str.maketrans({**_CONTROLS, **dict.fromkeys(range(0xD800, 0xE000), "?")})
_QUOTED = str.maketrans({"\\": r"\\", '"': r"\""})
_NAME = str.maketrans({"\\": "/"})
_KEY = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_INT64 = 1 << 63


def head(measurement: str, tags: Mapping[str, str]) -> str:
    """The part of a line that names the series: to be made once a series. Tags are sorted, empty ones left out."""
    name = _clean(measurement)
    if not name:
        raise ValueError("a measurement has a name")
    if name.startswith("#"):
        name = "_" + name[1:]
    pairs = {_clean(key): _clean(value) for key, value in tags.items()}
    return name.translate(_MEASUREMENT) + "".join(
        f",{key.translate(_KEY)}={value.translate(_KEY)}" for key, value in sorted(pairs.items()) if key and value
    )


def fields(values: Mapping[str, bool | int | float | str]) -> str:
    """The values of a line by name. What no store takes (NaN, infinity) is left out; "" when nothing is left."""
    pairs = {_clean(name).replace('"', "'"): _value(value) for name, value in values.items()}
    return ",".join(f"{key.translate(_KEY)}={text}" for key, text in sorted(pairs.items()) if key and text)


def line(head: str, fields: str, at_ms: int) -> str:
    """One point, without a line end. `fields` must not be empty."""
    return f"{head} {fields} {at_ms}"


def number(value: float) -> str:
    """A finite float field: the shortest text that gives the same number back."""
    text = repr(value)
    return text.removesuffix(".0")


def _value(value: bool | float | str) -> str:
    if isinstance(value, str):
        return f'"{value.translate(_TEXT).translate(_QUOTED)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i" if -_INT64 <= value < _INT64 else ""
    return number(value) if math.isfinite(value) else ""


def _clean(name: str) -> str:
    return name.translate(_TEXT).translate(_NAME)
