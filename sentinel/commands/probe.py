"""`sentinel probe`: what is there, what it says, what that means. Reads once or listens for a while, and changes nothing.

Either a device of a config (`probe CONFIG DEVICE`), or one that is in no config yet (`--link` with `--profile` for Modbus,
`--driver` for the rest). Do not point it at a serial line that a running daemon owns: two talkers garble each other.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from drivers import DRIVERS, driver
from drivers.links import LINKS
from drivers.links.gate import gate
from sentinel.commands import probe_lines, probe_modbus, probe_recorder
from sentinel.commands.asking import moment, state_folder
from sentinel.commands.check import reveal
from sentinel.commands.probe_modbus import link_of, scan_units
from sentinel.commands.profiles import load_profile
from sentinel.commands.simulate import counts_of, tcp_address
from sentinel.commands.tables import real_tables
from sentinel.core.codes import ROLES
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Speech
from sentinel.settings.branch import load
from sentinel.settings.explain import did_you_mean
from sentinel.settings.problems import Level
from sentinel.settings.secrets import SecretKind, SecretRef

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from drivers import DriverKind
    from drivers.recorder import RecorderOptions

STATE: Final = "/var/lib/sentinel"
LISTEN_S: Final = 60.0  # two heartbeats of a receiver
LINK_HELP: Final = (
    f"Modbus: {probe_modbus.LINK_HELP}; else serial:/dev/ttyUSB0[:9600[:8N1]], tcp:HOST:PORT, http://HOST[:PORT], "
    "https://HOST[:PORT], rtsp://HOST[:PORT]"
)
_SERIAL: Final = re.compile(r"(?P<port>/.+?)(?::(?P<baud>\d+)(?::(?P<bits>[78])(?P<parity>[NEO])(?P<stop>[12]))?)?")
_WEB: Final = re.compile(r"//(?P<host>\[[0-9a-fA-F:.]+\]|[^/:\s]+)(?::(?P<port>\d{1,5}))?/?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="the branch's YAML file")
    parser.add_argument("device", nargs="?", metavar="DEVICE", help="one of its devices")
    parser.add_argument("--link", help=LINK_HELP)
    parser.add_argument("--profile", help="Modbus: a shipped profile's name, or the path of a profile YAML")
    parser.add_argument("--driver", help=f"what else speaks there: {', '.join(sorted(set(DRIVERS) - {'modbus'}))}")
    parser.add_argument("--unit", type=int, default=1, help="Modbus: default %(default)s")
    parser.add_argument("--count", action="append", default=[], metavar="LIST=N", help="points of a list: zone=16")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="Modbus: for one answer")
    parser.add_argument("--scan", action="store_true", help="ask every unit from 1 to 247 whether it is there")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the driver: account=1234"
    )
    parser.add_argument("--channels", default="1", help="rtsp: how many cameras; other recorders say it themselves")
    parser.add_argument("--user", help="the gateway's own account on a recorder, never admin")
    parser.add_argument("--password-env", metavar="VAR", help="the environment variable that holds the password")
    parser.add_argument(
        "--again", action="store_true", help="try a refused password once more now: the account was mended"
    )
    parser.add_argument("--fingerprint", help="https: SHA-256 of the recorder's own certificate")
    parser.add_argument("--seconds", type=float, default=LISTEN_S, help="panels: listen so long (%(default)g)")
    parser.add_argument("--state-dir", default=STATE, help="where refused passwords are remembered (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """0 all well, 1 something is not, 2 the question itself is wrong."""
    try:
        return _probe(args)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        print(f"sentinel probe: {'.'.join(map(str, first['loc']))}: {first['msg']}", file=sys.stderr)
    except (LookupError, ValueError, OSError) as error:
        print(f"sentinel probe: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
    return 2


def _probe(args: argparse.Namespace) -> int:
    if args.config is not None:
        return _of_config(args)
    if args.link is None or (args.profile is None) == (args.driver is None):
        raise ValueError("say CONFIG DEVICE, or --link with --profile (Modbus) or --driver (the rest)")
    return _modbus(args) if args.profile is not None else _other(args)


# --- A device that is in no config ------------------------------------------------------------------------------------


def _modbus(args: argparse.Namespace) -> int:
    profile = load_profile(args.profile)
    kind, written = link_of(args.link, profile, args.timeout)
    made = probe_modbus.made(args.profile, profile, args.unit, counts_of(args.count))

    async def work() -> int:
        link = _link(kind, written, Path())
        try:
            return await (scan_units(link, made, print) if args.scan else probe_modbus.look(link, profile, made))
        finally:
            await link.close()

    return asyncio.run(work())


def _other(args: argparse.Namespace) -> int:
    kind = driver(args.driver)
    link_kind, written = _line(args)
    if LINKS[link_kind].speech is not kind.speech:
        raise ValueError(
            f"--driver {args.driver} speaks {kind.speech}, --link {args.link} carries {LINKS[link_kind].speech}"
        )
    given = _options(args.option)
    if kind.speech is Speech.BYTES:
        if args.password_env is not None:  # a panel's module may want one, of its driver
            given["password"] = SecretRef(SecretKind.ENV, args.password_env)
        options = kind.options.model_validate({"driver": args.driver, **given})
        return _listen(link_kind, written, kind, "device", options, args.seconds, frozenset())
    folder = _state(args.state_dir)

    async def work() -> int:
        link = _link(link_kind, written, folder)
        now = moment(None)
        try:
            await _again(args, LINKS[link_kind].options.model_validate(written), folder)
            count = int(args.channels)
            options = _cameras(kind, args.driver, given, {n: f"camera {n}" for n in range(1, count + 1)})
            who = await probe_recorder.inventory(link, kind, options, now)
            if who is not None and who.channels:
                named = {channel.number: channel.name or f"camera {channel.number}" for channel in who.channels}
                options = _cameras(kind, args.driver, given, named)
            return probe_recorder.report(await probe_recorder.look(link, kind, options, now), options, print)
        except LinkError as error:
            return _refused(error)
        finally:
            await link.close()

    return asyncio.run(work())


def _cameras(kind: DriverKind, name: str, given: dict[str, Any], channels: dict[int, str]) -> RecorderOptions:
    cameras = {}
    for number, said in list(channels.items())[:256]:
        text = probe_recorder.shown(said)[:60]
        cameras[f"ch{number}"] = {"channel": number, "name": {"hi": text, "en": text}}
    options: RecorderOptions = kind.options.model_validate({"driver": name, "cameras": cameras, **given})  # type: ignore[assignment]
    return options


def _line(args: argparse.Namespace) -> tuple[str, dict[str, object]]:
    """The kind of link and its options, for all but Modbus."""
    scheme, _, rest = args.link.partition(":")
    serial = _SERIAL.fullmatch(rest) if scheme == "serial" else None
    web = _WEB.fullmatch(rest) if scheme in {"http", "https", "rtsp"} else None
    if serial is not None:
        line: dict[str, object] = {"port": serial["port"]}
        if serial["baud"]:
            line["baud"] = int(serial["baud"])
        if serial["parity"]:
            line |= {"bits": int(serial["bits"]), "parity": serial["parity"], "stop_bits": int(serial["stop"])}
        return "serial", line
    if scheme == "tcp":
        host, port = tcp_address(rest)
        return "tcp", {"host": host, "port": port}
    if web is None:
        raise ValueError(f"--link {args.link}: write {LINK_HELP}")
    line = {"host": web["host"]} | ({"port": int(web["port"])} if web["port"] else {})
    if args.user is not None or args.password_env is not None:
        secret = SecretRef(SecretKind.ENV, args.password_env) if args.password_env is not None else None
        line |= {"username": args.user, "password": secret}
    if scheme == "https":
        line |= {"tls": "fingerprint", "fingerprint": args.fingerprint} if args.fingerprint else {"tls": "verify"}
    return "rtsp" if scheme == "rtsp" else "http", line


def _options(pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE, the value as YAML would read it, so that lists can be written."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--option {pair}: write NAME=VALUE")
        found[name] = yaml.safe_load(value) if value[:1] in {"[", "{"} else value
    return found


# --- A device of a config ---------------------------------------------------------------------------------------------


def _of_config(args: argparse.Namespace) -> int:
    loaded = load(args.config, real_tables(args.config.parent), reveal)
    if loaded.settings is None:
        for problem in loaded.problems:
            if problem.level is Level.ERROR:
                print(problem)
        raise ValueError(f"{args.config} is no good config")
    settings = loaded.settings
    if args.device not in settings.devices:
        wanted = f"there is no device '{args.device}'; " if args.device else "say which device; "
        raise ValueError(
            wanted + (did_you_mean(args.device, settings.devices) if args.device else ", ".join(settings.devices))
        )
    device = settings.devices[args.device]
    kind, entry = driver(device.driver), settings.links[device.link]
    buttons = {zone.point for zone in settings.zones.values() if ROLES[zone.role].silent}
    if entry.speech is Speech.BYTES:
        return _listen(entry.kind, entry.options, kind, args.device, device.options, args.seconds, buttons)
    folder = _state(settings.gateway.state_dir) if entry.speech is not Speech.MODBUS else Path()

    async def work() -> int:
        link = LINKS[entry.kind].make(entry.options, device.link, folder)
        try:
            if entry.speech is Speech.MODBUS:
                made = kind.build(args.device, device.profile, device.options, ())
                profile: Any = device.profile
                silent = {point.partition(".")[2] for point in buttons if point.startswith(f"{args.device}.")}
                return await probe_modbus.look(link, profile, made, silent)
            await _again(args, entry.options, folder)
            options: Any = device.options
            now = moment(ZoneInfo(settings.branch.time_zone))
            return probe_recorder.report(await probe_recorder.look(link, kind, options, now), options, print)
        except LinkError as error:
            return _refused(error)
        finally:
            await link.close()

    return asyncio.run(work())


# --- Parts ------------------------------------------------------------------------------------------------------------


def _listen(
    link_kind: str, written: Any, kind: DriverKind, device: str, options: Any, seconds: float, buttons: Collection[str]
) -> int:
    silent = {*buttons, *_silent(kind, device, options)}

    async def work() -> int:
        link = _link(link_kind, written, Path())
        return await probe_lines.listen(link, kind.build(device, None, options, ()), seconds, silent, print)

    return asyncio.run(work())


def _silent(kind: DriverKind, device: str, options: Any) -> Collection[str]:
    points = kind.points(options) if kind.points is not None else ()
    return {f"{device}.{point.id}" for point in points if point.role is not None and ROLES[point.role].silent}


def _refused(error: LinkError) -> int:
    print(f"{error.failure}: {probe_recorder.shown(str(error))}")
    if error.failure in {Failure.CREDENTIAL, Failure.LOCKED}:
        print("when the account is mended on the recorder, --again tries once more at once")
    return 1


async def _again(args: argparse.Namespace, line: Any, folder: Path) -> None:
    """Somebody made or mended the account on the recorder and stands before it: half an hour is too long."""
    if args.again and line.username is not None:
        await gate(folder, line.host, line.username).due_now(line.password.read())


def _link(kind: str, written: Any, folder: Path) -> Any:
    options = LINKS[kind].options.model_validate(written) if isinstance(written, dict) else written
    return LINKS[kind].make(options, "", folder)


def _state(wanted: str) -> Path:
    folder, own = state_folder(wanted)
    if not own:
        print(f"note: {wanted} cannot be written: refused passwords are remembered in {folder}", file=sys.stderr)
    return folder
