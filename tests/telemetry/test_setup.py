"""`sentinel influx setup`: on a real InfluxDB 1.6, and on what keeps InfluxDB 2's rules, with its own client library."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from sentinel.cli import main
from sentinel.duty.clock import utc_now
from sentinel.telemetry.parcel import packed
from sentinel.telemetry.replies import Reason, Refused, Stored
from sentinel.telemetry.target import version_1
from sentinel.telemetry.wire import Wire
from tests.stores import Influx, Victoria

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

EXAMPLE = Path(__file__).parents[2] / "config" / "branch.example.yaml"
SHIPPED = Path(__file__).parents[2] / "config" / "influxdb"


def config(folder: Path, influx: str) -> Path:
    """The example's branch with another database."""
    text = EXAMPLE.read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^  influx:\n(?:    .*\n)+", influx, text)
    assert count == 1
    path = folder / "branch.yaml"
    path.write_text(changed, encoding="utf-8")
    return path


def v1(url: str, more: str = "") -> str:
    return f"  influx:\n    api: v1\n    url: {url}\n    database: durg\n{more}"


def v2(url: str, more: str = "    org: durg\n") -> str:
    return f"  influx:\n    api: v2\n    url: {url}\n    bucket: branches\n    token: !env WRITE_TOKEN\n{more}"


def set_up(path: Path, *more: str) -> int:
    return main(["influx", "setup", str(path), *more])


# --- InfluxDB 1 ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def influx(tmp_path: Path) -> AsyncIterator[Influx]:
    server = Influx(tmp_path / "influx")
    await server.start()
    yield server
    server.stop()


async def everything(server: Influx) -> list[Any]:
    """All that a setup could change."""
    return [
        await server.query(what)
        for what in (
            "SHOW DATABASES",
            'SHOW RETENTION POLICIES ON "durg"',
            "SHOW CONTINUOUS QUERIES",
            "SHOW USERS",
        )
    ]


@pytest.mark.real
async def test_influxdb_1_gets_database_policies_and_queries_once(
    tmp_path: Path, influx: Influx, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, v1(influx.url))
    assert await asyncio.to_thread(set_up, path) == 0
    policies = (await influx.query('SHOW RETENTION POLICIES ON "durg"'))[0]["values"]
    assert [(row[0], row[1], row[4]) for row in policies] == [
        ("raw", "2160h0m0s", True),
        ("years", "26280h0m0s", False),
    ]
    queries = [row for one in await influx.query("SHOW CONTINUOUS QUERIES") for row in one.get("values", [])]
    assert sorted(name for name, _ in queries) == [
        "sentinel_measure_late",
        "sentinel_measure_soon",
        "sentinel_zone_late",
        "sentinel_zone_soon",
    ]
    assert "RESAMPLE EVERY 1d FOR 31d" in dict(queries)["sentinel_measure_late"], "as far back as the spool reaches"
    before = await everything(influx)
    capsys.readouterr()
    assert await asyncio.to_thread(set_up, path) == 0
    assert await everything(influx) == before
    assert "made" not in capsys.readouterr().err


@pytest.mark.real
async def test_ten_minute_values_are_made_also_of_points_that_come_days_late(tmp_path: Path, influx: Influx) -> None:
    path = config(tmp_path, v1(influx.url))
    window = int(time.time()) // 600 * 600 - 10 * 86_400  # whole, and ten days ago
    assert await asyncio.to_thread(set_up, path) == 0
    lines = [f"measure,point=a value={value} {(window + 60 * n) * 1000}" for n, value in enumerate((5.0, 1.0, 6.0))]
    lines += [f"zone,zone=door state={state}i,quality=0i {(window + n) * 1000}" for n, state in enumerate((0, 1, 0))]
    async with Wire(version_1(influx.url, database="durg")) as wire:
        assert await wire.send(packed([line.encode() for line in lines]), utc_now) == Stored()
    influx.stop()  # a query that was never run is run at the start, and then each day
    await influx.start()
    async with asyncio.timeout(20):
        while not (rows := await influx.query('SELECT * FROM "years"."measure"', "durg")):
            await asyncio.sleep(0.1)
        while not (worst := await influx.query('SELECT * FROM "years"."zone"', "durg")):
            await asyncio.sleep(0.1)
    assert rows[0]["columns"] == ["time", "max", "mean", "min", "point"]
    assert rows[0]["values"] == [[window * 1000, 6, 4, 1, "a"]]
    assert worst[0]["columns"] == ["time", "quality", "state", "zone"]
    assert worst[0]["values"] == [[window * 1000, 0, 1, "door"]]


@pytest.mark.real
async def test_what_an_operator_changed_is_named_and_left_alone(
    tmp_path: Path, influx: Influx, capsys: pytest.CaptureFixture[str]
) -> None:
    await influx.query('CREATE DATABASE "durg"')
    path = config(tmp_path, v1(influx.url))
    assert await asyncio.to_thread(set_up, path) == 1
    said = capsys.readouterr().err
    assert "look at: retention policy autogen keeps points for ever, not 90 days: ALTER RETENTION POLICY" in said
    queries = [row for one in await influx.query("SHOW CONTINUOUS QUERIES") for row in one.get("values", [])]
    assert all("durg.autogen." in query for _, query in queries), "points go where they went before"
    assert await asyncio.to_thread(set_up, path, "--years", "5") == 1
    assert "retention policy years keeps points 1095 days, not 1825 days" in capsys.readouterr().err
    # a query of another age is made anew
    assert await asyncio.to_thread(set_up, config(tmp_path, v1(influx.url, "    retention_policy: raw90\n"))) == 0
    queries = [row for one in await influx.query("SHOW CONTINUOUS QUERIES") for row in one.get("values", [])]
    assert len(queries) == 4
    assert all("durg.raw90." in query for _, query in queries)


@pytest.mark.real
async def test_a_server_with_users_gets_one_that_may_only_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Influx(tmp_path / "influx", auth=True)
    await server.start()
    try:
        first = aiohttp.ClientSession()
        async with (
            first,
            first.post(
                f"{server.url}/query", data={"q": "CREATE USER root WITH PASSWORD 'r00t' WITH ALL PRIVILEGES"}
            ) as answer,
        ):
            assert answer.status == 200
        server.headers = {"Authorization": aiohttp.encode_basic_auth("root", "r00t")}
        monkeypatch.setenv("BRANCH_PASSWORD", 'it\'s a \\ "pass"')
        path = config(tmp_path, v1(server.url, "    username: b-17\n    password: !env BRANCH_PASSWORD\n"))
        assert await asyncio.to_thread(set_up, path) == 2
        assert "--admin-user" in capsys.readouterr().err
        assert await asyncio.to_thread(set_up, path, "--admin-user", "root") == 2
        assert "!env INFLUX_ADMIN_PASSWORD is absent" in capsys.readouterr().err
        (tmp_path / "admin").write_text("r00t\n")
        arguments = ("--admin-user", "root", "--admin-secret", f"!file {tmp_path}/admin")
        assert await asyncio.to_thread(set_up, path, *arguments) == 0
        shown = capsys.readouterr()
        assert "r00t" not in shown.out + shown.err
        assert "pass" not in (shown.out + shown.err).replace("password", "")
        branch = version_1(server.url, database="durg", username="b-17", password=Env("BRANCH_PASSWORD"))
        point = b"m v=1 %d" % (time.time() * 1000)
        async with Wire(branch) as wire:
            assert await wire.send(packed([point]), utc_now) == Stored()
        await server.query("CREATE DATABASE raipur")
        other = version_1(server.url, database="raipur", username="b-17", password=Env("BRANCH_PASSWORD"))
        async with Wire(other) as wire:
            assert await wire.send(packed([point]), utc_now) == Refused(Reason.CREDENTIAL)
        before = await everything(server)
        assert await asyncio.to_thread(set_up, path, *arguments) == 0
        assert await everything(server) == before
        assert "user b-17, who may write into durg" in capsys.readouterr().err
    finally:
        server.stop()


@pytest.mark.real
async def test_what_is_no_influxdb_1_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(set_up, config(tmp_path, v1("http://127.0.0.1:9"))) == 2
    assert "does not answer" in capsys.readouterr().err
    server = Victoria(tmp_path / "victoria")
    await server.start()
    try:
        assert await asyncio.to_thread(set_up, config(tmp_path, v1(f"{server.url}/nothing-here"))) == 2
        assert "is no InfluxDB 1" in capsys.readouterr().err
        assert await asyncio.to_thread(set_up, config(tmp_path, v2(server.url, ""))) == 2
    finally:
        server.stop()


class Env:
    """A secret in the environment."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self) -> str:
        return os.environ[self._name]


# --- InfluxDB 2 ----------------------------------------------------------------------------------------------------------


class Influx2:
    """The part of InfluxDB 2's API that a setup uses, with its rules: names are unique, ids must be of something."""

    def __init__(self) -> None:
        self.admin = "admin-token"
        self.orgs = {"0000000000000001": "durg"}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.writes = 0  # requests that changed something
        self.page: bytes | None = None  # what a stranger answers to everything
        self._ids = iter(range(0x10, 0xFFF))

    def answer(self, method: str, url: str, token: str | None, body: Any) -> tuple[int, Any]:
        path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
        if token != f"Token {self.admin}":
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        if method in ("POST", "PATCH"):
            self.writes += 1
        match method, path.split("/")[3:]:
            case "GET", ["orgs"]:
                found = [{"id": i, "name": n} for i, n in self.orgs.items() if n == query["org"]]
                if not found:
                    return 404, {"code": "not found", "message": f'organization name "{query["org"]}" not found'}
                return 200, {"orgs": found}
            case "GET", ["buckets"]:
                assert query["orgID"] in self.orgs
                return 200, {"buckets": [b for b in self.buckets.values() if b["name"] == query["name"]]}
            case "POST", ["buckets"]:
                if any(b["name"] == body["name"] for b in self.buckets.values()):
                    return 422, {"code": "conflict", "message": f"bucket with name {body['name']} already exists"}
                assert body["orgID"] in self.orgs
                assert all(r["type"] == "expire" and r["everySeconds"] >= 3600 for r in body["retentionRules"])
                return 201, self._kept(self.buckets, {**body, "type": "user"})
            case "GET", ["tasks"]:
                return 200, {"tasks": [t for t in self.tasks.values() if t["name"] == query["name"]]}
            case "POST", ["tasks"]:
                option = re.search(r'option task = \{name: "([^"]+)", every: (\d+[mhd]), offset: 1m\}', body["flux"])
                if option is None:
                    return 400, {"code": "invalid", "message": "missing task options"}
                about = {"name": option[1], "every": option[2], "flux": body["flux"], "status": body["status"]}
                return 201, self._kept(self.tasks, {**about, "orgID": body["orgID"]})
            case "PATCH", ["tasks", id_]:
                self.tasks[id_]["flux"] = body["flux"]
                return 200, self.tasks[id_]
            case "GET", ["authorizations"]:
                hidden = [{**one, "token": ""} for one in self.tokens.values()]
                return 200, {"authorizations": hidden}
            case "POST", ["authorizations"]:
                for permission in body["permissions"]:
                    assert permission["resource"]["id"] in self.buckets
                made = {**body, "status": "active", "token": f"secret-{len(self.tokens)}=="}
                return 201, self._kept(self.tokens, made)
        return 404, {"code": "not found", "message": "path not found"}

    def _kept(self, where: dict[str, dict[str, Any]], what: dict[str, Any]) -> dict[str, Any]:
        id_ = f"{next(self._ids):016x}"
        where[id_] = {**what, "id": id_}
        return where[id_]


@contextmanager
def influx2() -> Iterator[tuple[Influx2, str]]:
    """The fake and its address."""
    fake = Influx2()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fake.page is not None:
                status, body, kind = 200, fake.page, "text/html"
            else:
                body_in = json.loads(raw) if raw else None
                status, said = fake.answer(self.command, self.path, self.headers.get("Authorization"), body_in)
                body, kind = json.dumps(said).encode(), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_influxdb_2_gets_buckets_tasks_and_a_token_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFLUX_ADMIN_TOKEN", "admin-token")
    with influx2() as (fake, url):
        path = config(tmp_path, v2(url))
        assert set_up(path) == 0
        shown = capsys.readouterr()
        assert shown.out == "secret-0==\n", "the token, once, and nothing else"
        assert "secret-0" not in shown.err
        assert "admin-token" not in shown.out + shown.err
        assert {b["name"]: b["retentionRules"][0]["everySeconds"] for b in fake.buckets.values()} == {
            "branches": 90 * 86_400,
            "branches-years": 3 * 365 * 86_400,
        }
        assert [(t["name"], t["every"], t["status"]) for t in fake.tasks.values()] == [
            ("sentinel branches soon", "1h", "active"),
            ("sentinel branches late", "1d", "active"),
        ]
        (token,) = fake.tokens.values()
        raw = next(id_ for id_, bucket in fake.buckets.items() if bucket["name"] == "branches")
        assert token["permissions"] == [
            {"action": "write", "resource": {"type": "buckets", "id": raw, "orgID": "0000000000000001"}}
        ]
        before = fake.writes
        assert set_up(path) == 0
        assert fake.writes == before
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "made" not in shown.err
        assert "not shown again" in shown.err


def test_the_token_goes_into_a_new_file_that_nobody_else_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFLUX_ADMIN_TOKEN", "admin-token")
    old = os.umask(0)
    try:
        with influx2() as (fake, url):
            path, kept = config(tmp_path, v2(url)), tmp_path / "token"
            assert set_up(path, "--token-file", str(kept)) == 0
            assert kept.read_text() == "secret-0==\n"
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            assert "secret" not in (shown := capsys.readouterr()).out + shown.err
            assert set_up(path, "--token-file", str(kept)) == 2, "an older token is never written over"
            assert set_up(path, "--token-file", str(tmp_path / "other")) == 0
            assert not (tmp_path / "other").exists(), "no empty file in the place of a token"
            assert len(fake.tokens) == 1
            assert set_up(path, "--token-file", str(tmp_path / "no" / "folder")) == 2
    finally:
        os.umask(old)


def test_a_bucket_of_other_retention_is_named_and_an_older_task_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFLUX_ADMIN_TOKEN", "admin-token")
    with influx2() as (fake, url):
        path = config(tmp_path, v2(url))
        assert set_up(path) == 0
        next(iter(fake.buckets.values()))["retentionRules"] = []
        next(iter(fake.tasks.values()))["flux"] += "\n// of a year ago"
        capsys.readouterr()
        assert set_up(path) == 1
        said = capsys.readouterr().err
        assert "look at: bucket branches keeps points for ever, not 90 days: `influx bucket update" in said
        assert "made: task sentinel branches soon, anew" in said
        assert "of a year ago" not in next(iter(fake.tasks.values()))["flux"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"admin": "another"}, "refuses the admin's token (401)"),
        ({"orgs": {"0000000000000001": "raipur"}}, "there is no organisation 'durg'"),
        ({"page": b"<html>Sign in"}, "is no InfluxDB 2"),
        ({"page": b'{"orgs": null}'}, "is no InfluxDB 2"),
        ({"page": b"[]"}, "is no InfluxDB 2"),
    ],
    ids=["token", "org", "portal", "null", "list"],
)
def test_what_goes_wrong_on_influxdb_2_names_the_remedy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    words: str,
) -> None:
    monkeypatch.setenv("INFLUX_ADMIN_TOKEN", "admin-token")
    with influx2() as (fake, url):
        for name, value in change.items():
            setattr(fake, name, value)
        assert set_up(config(tmp_path, v2(url))) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert "admin-token" not in shown.err + shown.out


def test_a_server_that_is_not_there_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFLUX_ADMIN_TOKEN", "admin-token")
    assert set_up(config(tmp_path, v2("http://127.0.0.1:9"))) == 2
    assert "does not answer" in capsys.readouterr().err


# --- The command ---------------------------------------------------------------------------------------------------------


def test_a_secret_in_an_argument_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = config(tmp_path, v2("http://127.0.0.1:9"))
    done = subprocess.run(
        [sys.executable, "-m", "sentinel.cli", "influx", "setup", path, "--admin-secret", "hush-hush"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "never stands here" in done.stderr
    assert "hush-hush" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "influx",
    [
        v2("http://influx.example:8086"),
        v1("http://10.1.2.3:8086", "    username: b17\n    password: !env WRITE_PASSWORD\n"),
    ],
    ids=["v2", "v1"],
)
def test_an_admins_secret_does_not_cross_a_network_in_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, influx: str
) -> None:
    for name in ("INFLUX_ADMIN_TOKEN", "WRITE_TOKEN", "WRITE_PASSWORD"):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("somebody is spoken to"))
    assert set_up(config(tmp_path, influx)) == 2
    said = capsys.readouterr().err
    assert "in clear: write https://, or run this on the server itself" in said
    assert "hush-hush" not in said


def test_without_a_database_in_the_config_there_is_nothing_to_set_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_up(config(tmp_path, "")) == 2
    assert "names no database" in capsys.readouterr().err


def test_an_absent_secret_is_named_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("INFLUX_ADMIN_TOKEN", raising=False)
    assert set_up(config(tmp_path, v2("http://127.0.0.1:9"))) == 2
    assert "!env INFLUX_ADMIN_TOKEN is absent" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("api", "files"),
    [("v1", ["influxdb1.influxql"]), ("v2", ["influxdb2-soon.flux", "influxdb2-late.flux"])],
)
def test_the_shipped_files_are_what_the_command_would_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], api: str, files: list[str]
) -> None:
    influx = v1("http://127.0.0.1:9") if api == "v1" else v2("http://127.0.0.1:9")
    assert set_up(config(tmp_path, influx), "--print") == 0
    shipped = "\n".join((SHIPPED / file).read_text(encoding="utf-8") for file in files)
    assert capsys.readouterr().out.strip() == shipped.strip()
