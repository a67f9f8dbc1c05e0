"""A whole branch for the crash tests: simulated panel, broker, control room, mail sink, and the real daemon as a process.

The daemon is the only part that is killed. Everything around it stays and remembers what it was told.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drivers.sim.device import SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.channels.mqtt import MqttOptions, MqttWire
from sentinel.commands.ask import ask
from sentinel.commands.profiles import load_profile
from sentinel.demo.room import Copy, Room
from sentinel.settings.secrets import SecretKind, SecretRef
from tests.servers import Broker, mail_sink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from email.message import EmailMessage
    from pathlib import Path

    from tests.servers import MailSink

BRANCH = "kill-branch"
CODE = re.compile(r"\b17-(\d{4})\b")
ZONES = {
    "hold-up": ("di1", "hold-up"),
    "panic": ("di2", "panic"),
    "smoke": ("di3", "smoke"),
    "vault": ("di4", "vault"),
    "shutter": ("di5", "shutter"),
    "mains": ("di7", "mains"),
}
CONFIG = """
branch:
  id: {branch}
  number: 17
  name: {{en: Kill branch, hi: परीक्षा शाखा}}
  bank: Shivnath Bank
  kind: atm-lobby
  address: Sector 6, Bhilai
  location: {{lat: 21.19, lon: 81.35}}
  station: {{id: bhilai, name: {{en: Bhilai Nagar, hi: थाना भिलाई नगर}}}}
  account: "C601"
paths: {{wan: {{interface: eth0}}}}
links: {{line: {{kind: modbus-tcp, host: 127.0.0.1, port: {panel_port}}}}}
devices:
  panel:
    name: {{en: Panel, hi: पैनल}}
    link: line
    driver: modbus
    profile: waveshare-relay-di8
    poll: {{alarm: 50ms, other: 100ms}}
zones:
{zones}
rooms: {{durg: {{may_speak_for: [police]}}}}
contacts:
  thana: {{party: police, name: {{en: Station, hi: थाना}}, language: hi, addresses: {{room: durg}}}}
  sho: {{party: police, name: {{en: SHO, hi: थाना प्रभारी}}, language: en, addresses: {{mail: sho@thana.example}}}}
ladders:
  all:
    single_path: accepted
    round: {round}
    steps:
      - {{after: 0s, tell: [{{contact: thana, by: room}}, {{contact: sho, by: mail}}]}}
channels:
  room:
    kind: mqtt
    path: wan
    host: localhost
    port: {broker_port}
    password: !env KILL_BRANCH_PASSWORD
    tls: {{ca_file: {ca}}}
    rooms: [durg]
  mail: {{kind: email, path: wan, host: 127.0.0.1, port: {mail_port}, security: none, sender: branch@bank.example}}
gateway: {{state_dir: {state}, socket: {socket}, page_port: null, clock: trusted}}
"""


@dataclass
class Branch:
    """Everything around the daemon, and the daemon's process while it runs."""

    folder: Path
    config: Path
    state: Path
    panel: Simulator
    room: Room
    sink: MailSink
    process: subprocess.Popen[bytes] | None = None
    spoken: list[str] = field(default_factory=list)

    def start(self, **env: str) -> None:
        """Run the daemon, with more in its environment."""
        log = (self.folder / "daemon.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "sentinel.cli", "run", str(self.config)],
            stderr=log,
            env={"KILL_BRANCH_PASSWORD": "b", "PATH": "/usr/bin:/bin", **env},
        )
        log.close()

    def log(self) -> str:
        """What the daemon wrote."""
        return (self.folder / "daemon.log").read_text()

    def kill(self) -> None:
        """As a power cut does."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()[-4000:]
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    async def stop(self) -> None:
        """Orderly; it must be over within 5 s."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                assert await asyncio.to_thread(self.process.wait, 5) == 0
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGABRT)  # faulthandler writes where every thread stands
                await asyncio.to_thread(self.process.wait, 5)
                raise AssertionError(f"no orderly stop within 5 s\n{self.log()[-6000:]}") from None

    async def press(self, zone: str, pressed: bool) -> None:
        """Set a zone's contact."""
        await self.panel.set(f"panel.{ZONES[zone][0]}", pressed)

    async def ask(self, url: str) -> tuple[int, Any]:
        """The daemon's own API."""
        return await asyncio.to_thread(ask, str(self.folder / "s"), "GET", url)

    async def until(self, true: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
        """Wait for something that is seen from outside."""
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"never came: {what}\n{self.log()[-3000:]}") from None

    @property
    def copy(self) -> Copy:
        """What the room knows of the branch."""
        return self.room.copies.setdefault(BRANCH, Copy())

    def letters(self) -> list[EmailMessage]:
        """All mail so far."""
        made = []
        for envelope in self.sink.letters:
            raw = envelope.original_content or b""
            made.append(email.message_from_bytes(raw, policy=email.policy.default))
        return made

    def codes_in_mail(self) -> list[str]:
        """The incident code of each letter, in the order they came."""
        return [found[1] for letter in self.letters() if (found := CODE.search(letter["Subject"]))]


@asynccontextmanager
async def branch(folder: Path, *, state: Path | None = None, round_: str = "2s") -> AsyncIterator[Branch]:
    """A branch with its surroundings; the daemon is not yet started."""
    panel = Simulator(SimulatedDevice("panel", load_profile("waveshare-relay-di8")))
    panel_port = await panel.serve_tcp()
    broker = Broker(folder, {BRANCH: "b", "room+durg": "r"})
    await broker.start()
    (folder / "room-password").write_text("r")
    options = MqttOptions.model_validate(
        {
            "kind": "mqtt",
            "path": "wan",
            "host": "localhost",
            "port": broker.port,
            "username": "room+durg",
            "password": SecretRef(SecretKind.FILE, str(folder / "room-password")),
            "tls": {"ca_file": str(broker.certificates.ca)},
            "rooms": ["durg"],
        }
    )
    room = Room(MqttWire(options, "room-durg"), "durg")
    task = asyncio.create_task(room.run(), name="room")
    async with mail_sink() as sink:
        made = Branch(folder, folder / "branch.yaml", state or folder / "state", panel, room, sink)
        made.config.write_text(
            CONFIG.format(
                branch=BRANCH,
                panel_port=panel_port,
                zones="\n".join(_zone(name, *of) for name, of in ZONES.items()),
                round=round_,
                broker_port=broker.port,
                mail_port=sink.port,
                ca=broker.certificates.ca,
                state=made.state,
                socket=folder / "s",
            ),
            encoding="utf-8",
        )
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.process.kill()
                made.process.wait(10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await panel.close()
            broker.stop()


def _zone(name: str, point: str, role: str) -> str:
    accept = ", accept: [cut-wire-reads-normal]" if role in ("hold-up", "panic", "smoke") else ""
    delays = "on_delay: 0s, off_delay: 100ms"
    names = f"name: {{en: {name}, hi: क्षेत्र {name}}}"
    return f"  {name}: {{point: panel.{point}, role: {role}, {names}, wiring: {{contact: normally-open}}, {delays}{accept}}}"


def journal_lines(path: Path) -> list[dict[str, Any]]:
    """Every fact of a stopped journal, as stored."""
    out = subprocess.run(
        [sys.executable, "-m", "sentinel.cli", "journal", "export", str(path)], capture_output=True, check=True
    )
    return [json.loads(line) for line in out.stdout.splitlines()]
