"""openapi.json as a judge: which operations there are, and whether an answer is what the file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

import sentinel.gateway

FILE = Path(sentinel.gateway.__file__).with_name("openapi.json")
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def operations() -> set[tuple[str, str]]:
    """(method, path) of all that the file knows."""
    return {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}


def schema(name: str) -> Draft202012Validator:
    """A judge of values of one schema."""
    return judge({"$ref": f"#/components/schemas/{name}"})


def judge(wanted: dict[str, Any]) -> Draft202012Validator:
    """A judge by any schema that refers into the file."""
    return Draft202012Validator({**wanted, "components": DOCUMENT["components"]}, format_checker=FormatChecker())


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> str:
    """Whether this answer is documented and as documented; the operation's path, or "" where there is none."""
    known = path_of(path)
    operation = DOCUMENT["paths"].get(known, {}).get(method.lower())
    if operation is None:
        assert status in (404, 405, 421, 403), f"{method} {path}: {status} of no operation"
        schema("Error").validate(json.loads(body))
        return ""
    answer = operation["responses"].get(str(status), operation["responses"]["default"])
    if answer is operation["responses"]["default"]:
        assert status >= 400, f"{method} {path}: {status} is not documented"
    answer = DOCUMENT["components"]["responses"]["Error"] if "$ref" in answer else answer
    plain = content_type.partition(";")[0]
    assert plain in answer["content"], f"{method} {path}: {status} is {plain}"
    if plain == "application/json":
        judge(answer["content"][plain]["schema"]).validate(json.loads(body))
    return known


def path_of(path: str) -> str:
    """The file's path that a real one is of."""
    parts = path.partition("?")[0].split("/")
    for known in DOCUMENT["paths"]:
        wanted = known.split("/")
        if len(wanted) == len(parts) and all(
            one[:1] == "{" or one == two for one, two in zip(wanted, parts, strict=True)
        ):
            return str(known)
    return ""
