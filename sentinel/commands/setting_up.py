"""The values of `sentinel influx setup`: what there should be, what came of it, and why it could not be done."""

from __future__ import annotations

from dataclasses import dataclass, field


class SetupError(Exception):
    """It could not be done; the text names the remedy and no secret."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What there should be."""

    branch: str
    raw_days: int
    years: int
    late_days: int  # points come so late when the branch was cut off; down-sampling looks back as far


@dataclass(slots=True)
class Report:
    """What was made, what was there, what a person should look at. The token is shown once, by the caller."""

    made: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    token: str = ""
