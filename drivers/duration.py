"""Durations as people write them in YAML: "100ms", "5s", "3m", "1h", or plain seconds. For pydantic models."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(value: object) -> object:
    """Seconds of a written duration; anything else goes on to pydantic as it is, except a text it cannot mean."""
    if not isinstance(value, str):
        return value
    found = _WRITTEN.fullmatch(value)
    if found is None:
        raise ValueError(f'"{value}" is no duration; write 100ms, 5s, 3m or 1h')
    return float(found[1]) * _UNITS[found[2]]


Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(gt=0, le=86400),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": f"^{_WRITTEN.pattern}$"}, {"type": "number", "exclusiveMinimum": 0}]}
    ),
]
