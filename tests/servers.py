"""Real servers for the tests: a mosquitto on the shipped config and ACL, and a mail server with STARTTLS and AUTH.

They listen on 127.0.0.1 only and are ended by their own process id. A server that is missing fails the test.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import shutil
import signal
import socket
import ssl
import subprocess
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

with warnings.catch_warnings():  # aiosmtpd 1.4.6 still asks for things that Python deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONFIG = Path(__file__).parent.parent / "config"


def free_port() -> int:
    """A port on loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- Certificates ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority of our own, and a certificate for 127.0.0.1 and localhost that it signed."""

    ca: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """For a server of the test."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Fresh ones, valid for an hour."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name("Test district CA"), _name("localhost")
    ca = _builder(ca_name, ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    server = _builder(name, ca_name, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        critical=False,
    )
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    made.ca.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(server.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
    return builder.not_valid_after(now + dt.timedelta(hours=1))


# --- Mosquitto ---------------------------------------------------------------------------------------------------------


class Broker:
    """A mosquitto with TLS, passwords and ACL as `config/` ships them; only the places of files and the port differ."""

    def __init__(self, folder: Path, users: Mapping[str, str]) -> None:
        self.port = free_port()
        self.certificates = make_certificates(folder / "tls")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords = passwords = folder / "passwd"
        passwords.touch(mode=0o600)
        for user, password in users.items():
            self._enter(user, password)
        here = {
            "password_file": passwords,
            "acl_file": folder / "acl",
            "listener": f"{self.port} 127.0.0.1",
            "cafile": self.certificates.ca,
            "certfile": self.certificates.certificate,
            "keyfile": self.certificates.key,
            "persistence_location": f"{folder}/",
        }
        lines = []
        for line in (CONFIG / "mosquitto.conf").read_text().splitlines():
            word = line.partition(" ")[0]
            lines.append(f"{word} {here.pop(word)}" if word in here else line)
        assert not here, f"the shipped mosquitto.conf says nothing of {sorted(here)}"
        (folder / "mosquitto.conf").write_text("\n".join([*lines, "user root", f"log_dest file {folder}/log", ""]))
        shutil.copy(CONFIG / "mosquitto.acl", folder / "acl")
        (folder / "acl").chmod(0o600)

    async def start(self) -> None:
        """Run it, and return when it takes connections."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        assert program is not None, "mosquitto is not installed: apt-get install mosquitto"
        self._process = subprocess.Popen(
            [program, "-c", self._folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while True:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    def kill(self) -> None:
        """As a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def signal(self, which: signal.Signals) -> None:
        """SIGSTOP makes a broker that is there and says nothing."""
        assert self._process is not None
        self._process.send_signal(which)

    def stop(self) -> None:
        """Orderly, at the end of a test."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "log").read_text()

    def let_in_a_witness(self) -> None:
        """One more user, `witness` with password `w`, who may say and hear everything."""
        self._enter("witness", "w")
        with (self._folder / "acl").open("a") as acl:
            acl.write("\nuser witness\ntopic readwrite #\n")
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def _enter(self, user: str, password: str) -> None:
        subprocess.run(["mosquitto_passwd", "-b", self._passwords, user, password], check=True, capture_output=True)


# --- Mail --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class MailSink:
    """A mail server that keeps what it takes."""

    port: int
    letters: list[Envelope] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the letter."""
        self.letters.append(envelope)
        return "250 2.0.0 kept"


@asynccontextmanager
async def mail_sink(
    certificates: Certificates | None = None, login: tuple[str, str] | None = None, *, implicit_tls: bool = False
) -> AsyncIterator[MailSink]:
    """With certificates STARTTLS (or TLS from the first byte) is required, with a login AUTH is."""
    sink = MailSink(free_port())

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        good = isinstance(given, LoginPassword) and login == (given.login.decode(), given.password.decode())
        if good:
            sink.signed_in.append(given.login.decode())
        return AuthResult(success=good, handled=good)

    context = None if certificates is None else certificates.server_context()

    def protocol() -> SMTP:
        return SMTP(
            sink,
            hostname="mail.test",
            tls_context=None if implicit_tls else context,
            require_starttls=context is not None and not implicit_tls,
            authenticator=check if login else None,
            auth_required=login is not None,
            auth_require_tls=not implicit_tls,
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", sink.port, ssl=context if implicit_tls else None
    )
    async with server:
        yield sink
