"""One connection to a broker that mends itself: JSON in and out over MQTT 3.1.1, by aiomqtt.

It knows no topic's meaning, keeps nothing on disk and never dies. The gateway's uplink runs it; whether a publish
reached a room only that room's receipt can say, for MQTT 3.1.1 has no word for "refused by the ACL".
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import ssl
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from sentinel.channels import ChannelKind
from sentinel.channels.options import Id, SecretField, is_loopback
from sentinel.ports import ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.paho")  # its noise on an abrupt loss is told once, by us, as an edge
_quiet.setLevel(logging.CRITICAL + 1)

CONNECT_S = 12.0  # resolving, TCP (paho: 5 s), TLS (5 s), CONNACK
ANSWER_S = 5.0  # CONNACK, SUBACK
BYE_S = 2.0
# aiomqtt's own time-out is asyncio.wait_for, which on Python 3.11 can swallow a cancel: every deadline here is ours.
NO_TIMEOUT = math.inf
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.5, 15.0
MAX_PAYLOAD = 128 * 1024  # the shipped broker config cuts at the same size
MAX_DEPTH = 16
MAX_HEARD = 1024  # messages waiting to be read; the newest is the loser: rooms repeat commands, receipts are cumulative
MAX_PUBLISHING = 16  # publishes waiting for the broker; one more is refused at once
BAD_CREDENTIAL = (4, 5, 134, 135)  # MQTT 3.1.1 table 3.1, and what paho makes of them


class _ClosedWhenRefused(ssl.SSLSocket):
    """paho leaves the socket of a failed handshake open until it is collected: one more with every try."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (OSError, ValueError):
            self.close()
            raise


class Tls(BaseModel):
    """How the broker proves that it is the broker."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ca_file: str | None = None  # the system's authorities when absent
    insecure: StrictBool = False  # takes any certificate: only while a branch is being set up

    def context(self) -> ssl.SSLContext:
        """OSError when the file is absent, ssl.SSLError when it holds no certificate."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _ClosedWhenRefused
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class MqttOptions(BaseModel):
    """A broker and the control rooms behind it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    kind: Literal["mqtt"]
    path: Id
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[StrictInt, Field(ge=1, le=65535)] = 8883
    username: Annotated[str, Field(min_length=1, max_length=128)] | None = None  # the branch's id when absent
    password: SecretField | None = None
    tls: Tls | None = None
    rooms: Annotated[tuple[Id, ...], Field(min_length=1, max_length=16)]
    keepalive: Annotated[StrictInt, Field(ge=2, le=600)] = 20

    @model_validator(mode="after")
    def _a_password_never_crosses_a_network_in_clear(self) -> Self:
        if self.tls is None and not is_loopback(self.host):
            raise ValueError(
                "tls is missing: without it only a broker on this machine is taken; write tls: {ca_file: ...}"
            )
        if len(set(self.rooms)) != len(self.rooms):
            raise ValueError("rooms: one room is named twice")
        return self


class Trouble(StrEnum):
    """Why there is no connection. The first three want a person: trying again does not mend them."""

    CREDENTIAL = "the broker refuses the user name or password"
    TLS = "TLS fails: the broker's certificate is not trusted, or it speaks none"
    SECRET = "the password or the CA file cannot be read"  # noqa: S105 - a sentence, no password
    REFUSED = "the broker refuses the connection"
    UNREACHABLE = "the broker does not answer"
    LOST = "the connection was lost"


class Listener(Protocol):
    """Who runs the wire. Called in the event loop; none of these may block or raise."""

    def will(self) -> tuple[str, str]:
        """Topic and JSON that the broker publishes, retained, when this connection dies."""

    def heard(self, topic: str, body: dict[str, object] | None, retained: bool) -> None:
        """A message; None where it is no JSON object within the bounds."""

    def changed(self, trouble: str | None) -> None:
        """The connection came up (None), or is down for a reason; called on edges and when the reason changes."""


class MqttWire:
    """The connection. Run it with a listener; publish while it is up."""

    def __init__(self, options: MqttOptions, client_id: str) -> None:
        self.options = options  # the uplink's rooms are in them
        self._client_id = client_id
        self._client: aiomqtt.Client | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._publishing = 0
        self._trouble: Trouble | None = Trouble.UNREACHABLE
        self._told = False

    @property
    def up(self) -> bool:
        """True between the broker's welcome and the loss."""
        return self._client is not None

    async def run(self, listener: Listener, topics: tuple[str, ...]) -> None:
        """Connect, subscribe, listen, and begin anew, until cancelled."""
        waits = backoff()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            trouble = await self._connection(listener, topics)
            self._edge(listener, trouble)
            if loop.time() - began > BACKOFF_LAST_S:
                waits = backoff()
            await asyncio.sleep(next(waits))

    async def publish(
        self, topic: str, payload: str, *, qos: int = 1, retain: bool = False, timeout_s: float = 5.0
    ) -> None:
        """Return after the broker's PUBACK (qos 1) or the write (qos 0); ChannelError, never permanent, otherwise."""
        client = self._client
        if client is None:
            raise ChannelError(f"not connected: {self._trouble}")
        if self._publishing >= MAX_PUBLISHING:
            raise ChannelError("too many messages wait for the broker")
        self._publishing += 1
        try:
            async with asyncio.timeout(timeout_s):
                await client.publish(topic, payload.encode(), qos=qos, retain=retain, timeout=NO_TIMEOUT)
        except (aiomqtt.MqttError, OSError):  # TimeoutError is an OSError
            raise ChannelError(f"the broker did not confirm it within {timeout_s:g} s") from None
        finally:
            self._publishing -= 1

    async def _connection(self, listener: Listener, topics: tuple[str, ...]) -> Trouble:
        """One connection from beginning to end; what ended it."""
        try:
            client = self._new_client(listener.will())
        except (OSError, LookupError, ValueError):  # ssl.SSLError is an OSError; an absent secret a LookupError
            return Trouble.SECRET
        try:
            await self._enter(client)
        except (aiomqtt.MqttError, OSError) as error:
            await self._leave(client)
            return _why_refused(error)
        try:
            async with asyncio.timeout(ANSWER_S):
                await client.subscribe([(topic, 1) for topic in topics], timeout=NO_TIMEOUT)
            self._client = client
            self._edge(listener, None)
            async for message in client.messages:  # always read: it is the first to notice a dead connection
                payload = message.payload if isinstance(message.payload, bytes) else b""
                listener.heard(message.topic.value, json_object(payload), message.retain)
        except (aiomqtt.MqttError, OSError):
            return Trouble.LOST
        finally:
            self._client = None
            await self._leave(client)
        return Trouble.LOST

    async def _enter(self, client: aiomqtt.Client) -> None:
        """Connect. aiomqtt does it in a thread, which cannot be stopped: one that comes too late is closed later."""
        entering = asyncio.create_task(client.__aenter__())
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.shield(entering)
        except (TimeoutError, asyncio.CancelledError):
            entering.add_done_callback(lambda _: self._begin_to_leave(client))
            raise

    async def _leave(self, client: aiomqtt.Client) -> None:
        await asyncio.wait({self._begin_to_leave(client)})  # in its own task: see NO_TIMEOUT

    def _begin_to_leave(self, client: aiomqtt.Client) -> asyncio.Task[None]:
        leaving = asyncio.get_running_loop().create_task(_good_bye(client))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return leaving

    def _new_client(self, will: tuple[str, str]) -> aiomqtt.Client:
        # A new object for each connection: one that is entered again repeats what was in flight, beside our own repeat.
        o = self.options
        password = None if o.password is None else o.password.read()
        return aiomqtt.Client(
            o.host,
            o.port,
            username=o.username or (None if password is None else self._client_id),
            password=password,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,  # nothing is left with the broker that the journal does not know better
            will=aiomqtt.Will(will[0], will[1].encode(), qos=1, retain=True),
            keepalive=o.keepalive,
            timeout=ANSWER_S,
            tls_context=None if o.tls is None else o.tls.context(),
            tls_insecure=True if o.tls is not None and o.tls.insecure else None,
            max_queued_incoming_messages=MAX_HEARD,
            logger=_quiet,
        )

    def _edge(self, listener: Listener, trouble: Trouble | None) -> None:
        if self._told and trouble is self._trouble:
            return
        o = self.options
        if trouble is None:
            log.info("broker %s host=%s port=%d path=%s", "back" if self._told else "connected", o.host, o.port, o.path)
        else:
            log.warning("broker lost: %s host=%s port=%d path=%s", trouble, o.host, o.port, o.path)
        self._told, self._trouble = True, trouble
        listener.changed(trouble)


def backoff(rng: random.Random | None = None) -> Iterator[float]:
    """Seconds to wait before each try: doubling to the cap, each between half and whole, so that branches spread."""
    rng = rng or random.Random()  # noqa: S311 - it spreads reconnects, it guards nothing
    wait = BACKOFF_FIRST_S
    while True:
        yield wait * rng.uniform(0.5, 1.0)
        wait = min(wait * 2, BACKOFF_LAST_S)


def json_object(payload: bytes) -> dict[str, object] | None:
    """The JSON object in these bytes, or None: too long, too deep, not UTF-8, a key twice, NaN, or no object."""
    if len(payload) > MAX_PAYLOAD:
        return None
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        return None
    return value if isinstance(value, dict) and _shallow(value, MAX_DEPTH) else None


def _shallow(value: object, levels: int) -> bool:
    """True when nothing is nested deeper than this."""
    if isinstance(value, dict):
        return levels > 0 and all(_shallow(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_shallow(item, levels - 1) for item in value)
    return True


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _why_refused(error: Exception) -> Trouble:
    """What a failed connect means. aiomqtt wraps the OSError and keeps it only as the context."""
    if isinstance(error, MqttConnectError):
        code = getattr(error.rc, "value", error.rc)
        return Trouble.CREDENTIAL if code in BAD_CREDENTIAL else Trouble.REFUSED
    return Trouble.TLS if isinstance(error.__context__, ssl.SSLError) else Trouble.UNREACHABLE


async def _good_bye(client: aiomqtt.Client) -> None:
    """Say good-bye and close the socket; also after a connect that failed half-way, which aiomqtt leaves open."""
    with suppress(aiomqtt.MqttError, OSError):
        async with asyncio.timeout(BYE_S):
            await client.__aexit__(None, None, None)


CHANNEL = ChannelKind(MqttOptions, MqttWire)
