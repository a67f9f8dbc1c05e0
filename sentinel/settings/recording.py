"""What is recorded of a branch, for how long the spool keeps it, and the database that it goes to, if there is one."""

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, StrictInt, StringConstraints, Tag, model_validator

from sentinel.ports import Secret
from sentinel.settings.equipment import PointName
from sentinel.settings.explain import did_you_mean
from sentinel.settings.fields import Form, Line, Number
from sentinel.settings.problems import Level
from sentinel.settings.said import Look, Said

if TYPE_CHECKING:
    from sentinel.settings.site import Settings

HERE = ("telemetry", "influx")


def _server(url: str) -> str:
    """A server's address and nothing else: what is added to it is ours, and a secret in it would reach every log."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no address of a server: write https://influx.example:8086") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must begin with https:// (or http:// on this machine)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a user or a password in it: take them out and write them below, as !credential NAME")
    if not host or port == 0 or any(c.isspace() for c in url):
        raise ValueError("is no address of a server: write https://influx.example:8086")
    if not _resolvable(host):
        raise ValueError("names a host that no network can find: an empty or too long part, or a sign that no name has")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError("has a ? or # in it: write the address alone; org, bucket or database stand below")
    return url.rstrip("/")


def _resolvable(host: str) -> bool:
    try:
        return re.fullmatch(rb"[0-9A-Za-z._:%-]{1,253}", host.encode("idna")) is not None
    except UnicodeError:
        return False


Url = Annotated[Line, AfterValidator(_server)]
CaFile = Annotated[str, StringConstraints(strict=True, pattern=r"^/")]


class InfluxV2(Form):
    """What takes `/api/v2/write`: InfluxDB 2 and 3, VictoriaMetrics. The last two know no org."""

    api: Literal["v2"]
    url: Url
    org: Line | None = None
    bucket: Line
    token: Secret | None = None  # VictoriaMetrics on a closed network asks for none
    ca_file: CaFile | None = None  # the system's authorities when absent


class InfluxV1(Form):
    """What takes `/write`: InfluxDB 1, as `apt` gives it to a Pi."""

    api: Literal["v1"]
    url: Url
    database: Line
    retention_policy: Line | None = None  # the database's own default when absent
    username: Line | None = None
    password: Secret | None = None
    ca_file: CaFile | None = None

    @model_validator(mode="after")
    def _who_and_by_what(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: one is missing")
        if self.username is not None and ":" in self.username:  # RFC 7617: it would end there
            raise ValueError("username holds a colon: no server would read it whole")
        return self


def _api(value: object) -> str:
    api = value.get("api") if isinstance(value, dict) else getattr(value, "api", None)
    return f"<{api}>" if api in ("v1", "v2") else "<unknown>"


# Tags come back in the places of pydantic's errors: a tag that is also a key would be taken for that key.
Influx = Annotated[
    Annotated[InfluxV1, Tag("<v1>")] | Annotated[InfluxV2, Tag("<v2>")],
    Discriminator(
        _api,
        custom_error_type="api",
        custom_error_message="says no way to write: add api: v2 (InfluxDB 2 and 3, VictoriaMetrics) or api: v1 (InfluxDB 1)",
    ),
]


class SpoolBounds(Form):
    """How much waits on the card while the database is away; beyond either bound the oldest is dropped and counted."""

    days: Annotated[StrictInt, Field(ge=1, le=366)] = 30
    max_mib: Annotated[StrictInt, Field(ge=1, le=65_536)] = 512


class Telemetry(Form):
    """Everything here may be left out: then minutes are kept for the page's plots, and nothing leaves the branch."""

    spool: SpoolBounds = SpoolBounds()
    # A change of at most so much since the last record is recorded once a minute, with the rest.
    deadband: dict[PointName, Annotated[Number, Field(ge=0)]] = Field(default_factory=dict)
    influx: Influx | None = None


def deadbands_are_of_points(look: Look) -> Iterator[Said]:
    """A deadband that nobody uses is a slip of the pen."""
    for name in look.settings.telemetry.deadband:
        wrong = _no_number(look.settings, name)
        if wrong is not None:
            yield Said(("telemetry", "deadband", name), wrong)


def _no_number(settings: "Settings", name: str) -> str | None:
    id_, _, inside = name.partition(".")
    device = settings.devices.get(id_)
    if device is None:
        return f"there is no device '{id_}'; {did_you_mean(id_, settings.devices)}"
    if device.points is None:
        return None
    point = device.points.get(inside)
    if point is None:
        return f"{id_} has no point '{inside}'; {did_you_mean(inside, device.points)}"
    return None if point.gives == "number" else f"{name} gives a {point.gives}: only a number has a deadband"


def no_secret_crosses_a_network_in_clear(look: Look) -> Iterator[Said]:
    """Whoever listens on the way could write into, or read, the whole district's records."""
    influx = look.settings.telemetry.influx
    secret = None if influx is None else influx.token if isinstance(influx, InfluxV2) else influx.password
    if influx is None or secret is None or urlsplit(influx.url).scheme == "https":
        return
    if not on_this_machine(influx.url):
        yield Said((*HERE, "url"), "the secret goes over the network in clear: write https://", Level.FINDING)


def on_this_machine(url: str) -> bool:
    """What is said to it crosses no network."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def authorities_are_used(look: Look) -> Iterator[Said]:
    """A certificate authority beside http:// protects nothing."""
    influx = look.settings.telemetry.influx
    if influx is not None and influx.ca_file is not None and urlsplit(influx.url).scheme == "http":
        yield Said((*HERE, "ca_file"), "is of no use with http://: write https:// in url", Level.FINDING)
