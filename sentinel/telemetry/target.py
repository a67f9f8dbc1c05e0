"""Where telemetry goes: the write address of an InfluxDB (or VictoriaMetrics) and how to sign in there.

The secret is read when a request is made; it is in no field, repr, log or error. What an address may be is checked by
`settings.recording`; the recorder makes a target of it, the writer uses it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentinel.ports import Secret

_TOKEN = re.compile(r"[\x21-\x7e]+")  # anything else would end the header, or is a file that holds something else


@dataclass(frozen=True, slots=True)
class Target:
    """`headers` reads the secret now: LookupError when it is not there or cannot be one."""

    url: str  # of a write, with its query; holds no secret
    shown: str  # scheme, host and port, for logs
    headers: Callable[[], Mapping[str, str]]
    ca_file: str | None = None  # the system's authorities when absent


def version_2(
    url: str, *, bucket: str, org: str | None = None, token: Secret | None = None, ca_file: str | None = None
) -> Target:
    """InfluxDB 2 and 3, and VictoriaMetrics; the last two know no organisation, the last needs no token."""

    def headers() -> Mapping[str, str]:
        return {} if token is None else {"Authorization": f"Token {_header_safe(token)}"}

    where = {"org": org, "bucket": bucket, "precision": "ms"}
    return Target(f"{url.rstrip('/')}/api/v2/write?{_query(where)}", _shown(url), headers, ca_file)


def version_1(
    url: str,
    *,
    database: str,
    retention_policy: str | None = None,
    username: str | None = None,
    password: Secret | None = None,
    ca_file: str | None = None,
) -> Target:
    """InfluxDB 1. Without a retention policy the database's default one takes the points."""

    def headers() -> Mapping[str, str]:
        if username is None:
            return {}
        pair = f"{username}:{'' if password is None else password.read()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    where = {"db": database, "rp": retention_policy, "precision": "ms"}
    return Target(f"{url.rstrip('/')}/write?{_query(where)}", _shown(url), headers, ca_file)


def _query(where: Mapping[str, str | None]) -> str:
    return urlencode({key: value for key, value in where.items() if value is not None})


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _header_safe(secret: Secret) -> str:
    value = secret.read()
    if _TOKEN.fullmatch(value) is None:
        raise LookupError(f"{secret} holds no token: one word of printable characters is wanted")
    return value
