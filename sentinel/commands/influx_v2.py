"""Sets up InfluxDB 2 by its own client library: buckets, down-sampling tasks, and a token that may only write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import influxdb_client
import urllib3
from influxdb_client.rest import ApiException

from sentinel.commands.setting_up import Report, SetupError

if TYPE_CHECKING:
    from sentinel.commands.setting_up import Wish
    from sentinel.settings.recording import InfluxV2

library: Any = influxdb_client  # it calls itself typed, and mypy finds half of it untyped

ANSWER_MS: Final = 30_000
DAY_S: Final = 86_400

# What ten minutes become: see `influx_v1.SHRUNK`.
_FLUX: Final = """\
import "date"

option task = {{name: {name}, every: {every}, offset: 1m}}

// Whole windows only: a part of one would overwrite the whole.
start = date.truncate(t: -{span}, unit: 1h)
stop = date.truncate(t: now(), unit: 1h)

rows = (measurement, field) =>
    from(bucket: {raw})
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == measurement and r._field == field)

shrink = (tables=<-, fn, field) =>
    tables
        |> aggregateWindow(every: 10m, fn: fn, createEmpty: false, timeSrc: "_start")
        |> set(key: "_field", value: field)
        |> to(bucket: {long}, org: {org})
        |> yield(name: field)

rows(measurement: "measure", field: "value") |> shrink(fn: min, field: "min")
rows(measurement: "measure", field: "value") |> shrink(fn: max, field: "max")
rows(measurement: "measure", field: "value") |> shrink(fn: mean, field: "mean")

// Of a zone the worst is kept: an alarm of a second is not averaged away.
rows(measurement: "zone", field: "state") |> shrink(fn: max, field: "state")
rows(measurement: "zone", field: "quality") |> shrink(fn: max, field: "quality")
"""


def tasks(influx: InfluxV2, wish: Wish) -> dict[str, str]:
    """The tasks' Flux by name: one soon after the fact, one for points that came after an outage."""
    made = {}
    for pace, every, span in (("soon", "1h", "2h"), ("late", "1d", f"{wish.late_days}d")):
        name = f"sentinel {influx.bucket} {pace}"
        made[name] = _FLUX.format(
            name=_text(name),
            every=every,
            span=span,
            raw=_text(influx.bucket),
            long=_text(long_bucket(influx)),
            org=_text(influx.org or ""),
        )
    return made


def long_bucket(influx: InfluxV2) -> str:
    """Where the ten-minute values are."""
    return f"{influx.bucket}-years"


def set_up(influx: InfluxV2, wish: Wish, admin: str) -> Report:
    """Make what is not there. SetupError names the remedy."""
    if influx.org is None:
        raise SetupError("telemetry.influx names no org: InfluxDB 2 needs one; VictoriaMetrics needs no setup at all")
    report = Report()
    try:
        with library.InfluxDBClient(
            url=influx.url,
            token=admin,
            timeout=ANSWER_MS,
            ssl_ca_cert=influx.ca_file,
            retries=False,  # nor redirects: the admin's token goes to the server of the config and to no other
        ) as client:
            org = _organisation(client, influx)
            raw = _bucket(client, org, influx.bucket, wish.raw_days, report)
            _bucket(client, org, long_bucket(influx), wish.years * 365, report)
            for name, flux in tasks(influx, wish).items():
                _task(client, org, name, flux, report)
            _token(client, org, raw, f"sentinel: branch {wish.branch} writes into {influx.bucket}", report)
    except ApiException as error:
        raise SetupError(_words(influx, error)) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise SetupError(
            f"{influx.url} does not answer: {type(error).__name__}. Is the server running, the address right, "
            "and its certificate one of ca_file?"
        ) from None
    except (ValueError, TypeError, AttributeError):  # the client library, of an answer that is not what it expects
        raise SetupError(f"{influx.url} is no InfluxDB 2: its answers are not those of one") from None
    return report


def _organisation(client: Any, influx: InfluxV2) -> str:
    found = client.organizations_api().find_organizations(org=influx.org)
    for org in found:
        if org.name == influx.org:
            return str(org.id)
    raise SetupError(f"there is no organisation '{influx.org}': make it with `influx org create`, or correct org")


def _bucket(client: Any, org: str, name: str, days: int, report: Report) -> str:
    """Its id. One that keeps points for another time is left as it is."""
    api = client.buckets_api()
    for bucket in api.find_buckets(name=name, org_id=org).buckets:
        if bucket.name == name:
            keeps = sum(rule.every_seconds for rule in bucket.retention_rules)
            if keeps == days * DAY_S:
                report.there.append(f"bucket {name}, {days} days")
            else:
                what = f"{keeps / DAY_S:g} days" if keeps else "for ever"
                report.findings.append(
                    f"bucket {name} keeps points {what}, not {days} days: `influx bucket update --id {bucket.id} "
                    f"--retention {days * 24}h` (what is older is deleted), or leave it"
                )
            return str(bucket.id)
    rule = library.BucketRetentionRules(type="expire", every_seconds=days * DAY_S)
    made = api.create_bucket(bucket_name=name, retention_rules=rule, org=org)
    report.made.append(f"bucket {name}, {days} days")
    return str(made.id)


def _task(client: Any, org: str, name: str, flux: str, report: Report) -> None:
    api = client.tasks_api()
    for task in api.find_tasks(name=name, org_id=org):
        if task.name == name:
            if task.flux.strip() == flux.strip():
                report.there.append(f"task {name}")
            else:
                task.flux = flux
                api.update_task(task)
                report.made.append(f"task {name}, anew")
            return
    api.create_task(task_create_request=library.TaskCreateRequest(org_id=org, flux=flux, status="active"))
    report.made.append(f"task {name}")


def _token(client: Any, org: str, bucket: str, words: str, report: Report) -> None:
    """A token is shown when it is made and never again."""
    api = client.authorizations_api()
    for there in api.find_authorizations(org_id=org):
        if there.description == words and there.status == "active":
            report.there.append(
                f"a token, and it is not shown again: when it is lost, `influx auth delete --id {there.id}` and run this anew"
            )
            return
    resource = library.PermissionResource(type="buckets", id=bucket, org_id=org)
    wanted = library.Authorization(org_id=org, permissions=[library.Permission(action="write", resource=resource)])
    wanted.description = words
    made = api.create_authorization(authorization=wanted)
    report.token = str(made.token)
    report.made.append("a token that may write into this bucket and nothing else")


def _words(influx: InfluxV2, error: ApiException) -> str:
    if error.status in (401, 403):
        return f"{influx.url} refuses the admin's token ({error.status}): an all-access token of this organisation is wanted"
    if error.status == 404 and "organization" in str(error.message):
        return f"there is no organisation '{influx.org}': make it with `influx org create`, or correct org"
    if error.status == 404:
        return f"{influx.url} is no InfluxDB 2: it answers 404. For InfluxDB 1 write api: v1"
    return f"{influx.url} says {error.status}: {' '.join(str(error.message or '').split())[:200]}"


def _text(text: str) -> str:
    """A text in Flux; `${` would begin an expression."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
