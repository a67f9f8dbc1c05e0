"""Every folder of `cases`: what a recorder answers, written down, and what each round makes of it.

`case.yaml`: the site's `now`, the device's `options`, `answers` (path below /ISAPI/ -> a file or a status; `otherwise` for
all others, 404 without it), and `expected`: round -> point -> value, or "! reason". Points that are not named are free.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from drivers.hikvision import HikvisionOptions, HikvisionRecorder
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest
from tests.drivers.hikvision.branch import IST, moment, said

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = sorted((Path(__file__).parent / "cases").iterdir())


def read(case: Path) -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load((case / "case.yaml").read_text(encoding="utf-8"))
    return written


def answering(case: Path, written: dict[str, Any]) -> Callable[[HttpRequest], HttpReply]:
    answers, otherwise = written.get("answers", {}), written.get("otherwise", 404)

    def answer(request: HttpRequest) -> HttpReply:
        path = request.target.removeprefix("/ISAPI/").partition("?")[0]
        given = answers.get(path, otherwise)
        return HttpReply(given, {}, b"") if isinstance(given, int) else HttpReply(200, {}, (case / given).read_bytes())

    return answer


def run(dvr: HikvisionRecorder, name: str, now: datetime, answer: Callable[[HttpRequest], HttpReply]) -> dict[str, Any]:
    asking = dvr.assess(name, moment(now))
    questions = next(asking)
    while True:
        try:
            questions = asking.send([answer(question) for question in questions])
        except StopIteration as end:
            return said(end.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_recorder_is_read_as_it_was_written_down(case: Path) -> None:
    written = read(case)
    dvr = HikvisionRecorder("dvr", None, HikvisionOptions.model_validate({"driver": "hikvision", **written["options"]}))
    now = datetime.fromisoformat(written["now"]).astimezone(IST)
    for name, wanted in written["expected"].items():
        found = run(dvr, name, now, answering(case, written))
        shown = {point: f"! {value}" if isinstance(value, Failure) else value for point, value in found.items()}
        assert {point: shown.get(point) for point in wanted} == wanted, name
