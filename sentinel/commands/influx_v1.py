"""Sets up InfluxDB 1: database, retention policies, continuous queries, and a user that may only write."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sentinel.commands.setting_up import Report, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sentinel.commands.setting_up import Wish
    from sentinel.settings.recording import InfluxV1

    Ask = Callable[[str], list[dict[str, Any]]]  # a statement -> the series of its answer

ANSWER_S: Final = 30.0
ANSWER_BYTES: Final = 4 * 2**20
RAW: Final = "raw"
LONG: Final = "years"

# measurement -> what ten minutes of it become. Of a zone the worst is kept: an alarm of a second is not averaged away.
SHRUNK: Final = {
    "measure": 'min("value") AS "min", max("value") AS "max", mean("value") AS "mean"',
    "zone": 'max("state") AS "state", max("quality") AS "quality"',
}

_QUERY: Final = (
    "CREATE CONTINUOUS QUERY {name} ON {database} RESAMPLE {resample} BEGIN SELECT {what} "
    "INTO {database}.{long}.{measurement} FROM {database}.{raw}.{measurement} GROUP BY time(10m), * END"
)


def fresh(influx: InfluxV1, wish: Wish) -> Iterator[str]:
    """What a server is told on which there is nothing yet."""
    raw = influx.retention_policy or RAW
    yield _database(influx.database, raw, wish.raw_days)
    yield _policy(influx.database, LONG, _long_days(wish))
    yield from queries(influx.database, raw, wish).values()


def queries(database: str, raw: str, wish: Wish) -> dict[str, str]:
    """The continuous queries by name: one soon after the fact, one for points that came after an outage."""
    made = {}
    for measurement, what in SHRUNK.items():
        for pace, resample in (("soon", "EVERY 10m FOR 2h"), ("late", f"EVERY 1d FOR {wish.late_days}d")):
            name = f"sentinel_{measurement}_{pace}"
            made[name] = _QUERY.format(
                name=_name(name),
                database=_name(database),
                resample=resample,
                what=what,
                long=_name(LONG),
                raw=_name(raw),
                measurement=_name(measurement),
            )
    return made


def set_up(influx: InfluxV1, wish: Wish, admin: tuple[str, str] | None) -> Report:
    """Make what is not there. SetupError names the remedy."""

    def ask(statement: str) -> list[dict[str, Any]]:
        return _asked(influx, admin, statement)

    report = Report()
    raw = _policies(influx, wish, ask, report)
    _queries(influx.database, queries(influx.database, raw, wish), ask, report)
    if influx.username is not None and influx.password is not None:
        _user(influx.database, influx.username, influx.password.read, ask, report)
    return report


def _policies(influx: InfluxV1, wish: Wish, ask: Ask, report: Report) -> str:
    """Database and retention policies; the name of the one that the branch writes to."""
    database = influx.database
    raw = influx.retention_policy or RAW
    if database in _column(ask("SHOW DATABASES"), "name"):
        report.there.append(f"database {database}")
    else:
        ask(_database(database, raw, wish.raw_days))
        report.made.append(f"database {database}, whose points are kept for {wish.raw_days} days in {raw}")
    there = {row["name"]: row for row in _rows(ask(f"SHOW RETENTION POLICIES ON {_name(database)}"))}
    if influx.retention_policy is None:  # points go where they went before
        raw = next((name for name, row in there.items() if row["default"]), RAW)
    for name, days in ((raw, wish.raw_days), (LONG, _long_days(wish))):
        if name not in there:
            ask(_policy(database, name, days))
            report.made.append(f"retention policy {name}, {days} days")
        elif (hours := _hours(there[name]["duration"])) != days * 24:
            keeps = f"{hours / 24:g} days" if hours else "for ever"
            report.findings.append(
                f"retention policy {name} keeps points {keeps}, not {days} days: ALTER RETENTION POLICY "
                f"{_name(name)} ON {_name(database)} DURATION {days}d (what is older is deleted), or leave it"
            )
        elif f"in {name}" not in "".join(report.made):
            report.there.append(f"retention policy {name}, {days} days")
    return raw


def _queries(database: str, wanted: dict[str, str], ask: Ask, report: Report) -> None:
    there = {
        row["name"]: row["query"]
        for series in ask("SHOW CONTINUOUS QUERIES")
        if series.get("name") == database
        for row in _rows([series])
    }
    for name, query in wanted.items():
        if name in there and _plain(there[name]) == _plain(query):
            report.there.append(f"continuous query {name}")
            continue
        if name in there:  # it cannot be altered
            ask(f"DROP CONTINUOUS QUERY {_name(name)} ON {_name(database)}")
        ask(query)
        report.made.append(f"continuous query {name}")


def _user(database: str, user: str, password: Callable[[], str], ask: Ask, report: Report) -> None:
    """One that may write into this database and read nothing."""
    users = {row["user"]: row["admin"] for row in _rows(ask("SHOW USERS"))}
    if user not in users:
        ask(f"CREATE USER {_name(user)} WITH PASSWORD {_text(password())}")
        report.made.append(f"user {user}")
    if users.get(user):
        report.findings.append(f"user {user} is an admin: a branch should write and nothing else")
        return
    grants = {row["database"]: row["privilege"] for row in _rows(ask(f"SHOW GRANTS FOR {_name(user)}"))}
    if grants.get(database) in (None, "NO PRIVILEGES"):
        ask(f"GRANT WRITE ON {_name(database)} TO {_name(user)}")
        report.made.append(f"the right of {user} to write into {database}")
    elif grants[database] == "WRITE":
        report.there.append(f"user {user}, who may write into {database}")
    else:
        report.findings.append(f"user {user} has {grants[database]} on {database}: WRITE is enough")


# --- InfluxQL ----------------------------------------------------------------------------------------------------------


def _database(database: str, raw: str, days: int) -> str:
    return f"CREATE DATABASE {_name(database)} WITH DURATION {days}d REPLICATION 1 NAME {_name(raw)}"


def _policy(database: str, name: str, days: int) -> str:
    return f"CREATE RETENTION POLICY {_name(name)} ON {_name(database)} DURATION {days}d REPLICATION 1"


def _long_days(wish: Wish) -> int:
    return wish.years * 365


def _name(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _plain(query: str) -> str:
    """Without the quotes that the server leaves out when it shows a query."""
    return query.replace('"', "")


def _hours(duration: str) -> float:
    """Of "2160h0m0s", as 1.6 writes it; 0 is for ever."""
    return float(duration.partition("h")[0]) if "h" in duration else 0.0


def _rows(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(zip(one["columns"], row, strict=True)) for one in series for row in one.get("values", [])]


def _column(series: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in _rows(series)]


# --- HTTP --------------------------------------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The admin's password goes to the server of the config and to no other."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _asked(influx: InfluxV1, admin: tuple[str, str] | None, statement: str) -> list[dict[str, Any]]:
    """The series of the answer. The statement goes in the body: addresses are logged."""
    request = urllib.request.Request(  # noqa: S310 - the settings take http and https only
        f"{influx.url}/query", data=urlencode({"q": statement}).encode(), method="POST"
    )
    if admin is not None:
        pair = base64.b64encode(f"{admin[0]}:{admin[1]}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
    try:
        context = ssl.create_default_context(cafile=influx.ca_file)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )
        with opener.open(request, timeout=ANSWER_S) as answer:
            status, body = answer.status, answer.read(ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(ANSWER_BYTES)
    except (OSError, HTTPException) as error:  # URLError is an OSError
        why = getattr(error, "reason", None) or type(error).__name__
        raise SetupError(
            f"{influx.url} does not answer: {why}. Is the server running, and the address right?"
        ) from None
    return _series(influx.url, status, body)


def _series(url: str, status: int, body: bytes) -> list[dict[str, Any]]:
    if status in (401, 403):
        raise SetupError(
            f"{url} refuses us ({status}): give --admin-user NAME, and the password in {_ADMIN} or by --admin-secret"
        )
    try:
        said = json.loads(body)
        result = said["results"][0] if status == 200 else said
        error = result.get("error")
        series = result.get("series", [])
    except (ValueError, TypeError, LookupError, AttributeError):
        raise SetupError(f"{url} is no InfluxDB 1: it answers {status}, and not as one. For 2 write api: v2") from None
    if status != 200 or error is not None:
        raise SetupError(f"{url} says: {error or status}")
    if not isinstance(series, list):
        raise SetupError(f"{url} is no InfluxDB 1")
    return series


_ADMIN: Final = "INFLUX_ADMIN_PASSWORD"
