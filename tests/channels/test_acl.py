"""The shipped ACL against a real broker, proven by what arrives: mosquitto confirms what it throws away."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from tests.channels.conftest import USERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers import Broker

pytestmark = pytest.mark.real

EVERY_TOPIC = [
    *(
        f"sentinel/v1/{branch}/{what}"
        for branch in ("b17", "b18")
        for what in ("status", "facts", "live", "bare", "blob/abc")
    ),
    *(
        f"sentinel/v1/{b}/{what}/{room}"
        for b in ("b17", "b18")
        for what in ("receipt", "command")
        for room in ("durg", "raipur")
    ),
    "sentinel/v1/rooms/durg/status",
    "sentinel/v1/rooms/raipur/status",
    "sentinel/v1/rooms/durg/facts",
    "sentinel/v1/rooms/durg/live",
    "sentinel/v1/durg/status",
    "sentinel/v1/b17/other",
    "sentinel/v1/b17",
    "sentinel/v1/status",
    "sentinel/v2/b17/facts",
    "b17/facts",
    "$SYS/broker/uptime",
]
MAY_WRITE = {
    "b17": {f"sentinel/v1/b17/{what}" for what in ("status", "facts", "live", "bare", "blob/abc")},
    "room+durg": {
        *(f"sentinel/v1/{branch}/{what}/durg" for branch in ("b17", "b18") for what in ("receipt", "command")),
        "sentinel/v1/rooms/durg/status",
    },
}
MAY_READ = {
    "b17": {
        *(f"sentinel/v1/b17/{what}/{room}" for what in ("receipt", "command") for room in ("durg", "raipur")),
        "sentinel/v1/rooms/durg/status",
        "sentinel/v1/rooms/raipur/status",
    },
    "room+durg": {
        "sentinel/v1/durg/status",  # a branch of that name
        *(
            f"sentinel/v1/{branch}/{what}"
            for branch in ("b17", "b18")
            for what in ("status", "facts", "live", "bare", "blob/abc")
        ),
        "sentinel/v1/rooms/durg/status",
        "sentinel/v1/rooms/raipur/status",
    },
}


@asynccontextmanager
async def client(broker: Broker, user: str, password: str, id_: str | None = None) -> AsyncIterator[aiomqtt.Client]:
    context = ssl.create_default_context(cafile=broker.certificates.ca)
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, identifier=id_, username=user, password=password, tls_context=context
    ) as made:
        yield made


async def heard(client: aiomqtt.Client, last: str) -> set[str]:
    """The topics that arrive before the one that is certainly the last."""
    topics: set[str] = set()
    async with asyncio.timeout(10):
        async for message in client.messages:
            if message.topic.value == last:
                return topics
            topics.add(message.topic.value)
    raise AssertionError


@pytest.mark.parametrize("user", MAY_WRITE)
async def test_each_writes_its_own_topics_and_no_other(broker: Broker, user: str) -> None:
    broker.let_in_a_witness()
    async with client(broker, "witness", "w") as witness, client(broker, user, USERS[user]) as writer:
        await witness.subscribe([("sentinel/#", 1), ("b17/#", 1)])
        for topic in EVERY_TOPIC:
            await writer.publish(topic, "x", qos=1)
        await witness.publish("sentinel/end", "x", qos=1)
        assert await heard(witness, "sentinel/end") == MAY_WRITE[user]


@pytest.mark.parametrize("user", MAY_READ)
async def test_each_hears_what_it_may_and_no_more_even_when_it_asks_for_everything(broker: Broker, user: str) -> None:
    broker.let_in_a_witness()
    end = "sentinel/v1/rooms/end/status"  # everybody may hear how rooms are
    async with client(broker, "witness", "w") as witness, client(broker, user, USERS[user]) as reader:
        await reader.subscribe([("#", 1), ("$SYS/#", 1), ("sentinel/v1/+/+", 1), ("sentinel/v1/b18/facts", 1)])
        for topic in EVERY_TOPIC:
            await witness.publish(topic, "x", qos=1)
        await witness.publish(end, "x", qos=1)
        assert await heard(reader, end) == MAY_READ[user]


async def test_nobody_comes_in_without_a_password_or_with_another_ones(broker: Broker) -> None:
    for user, password in (("b17", "wrong"), ("b17", USERS["b18"]), ("b99", "x"), ("", "")):
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, user, password):
                pass


async def test_one_branch_cannot_throw_another_off_by_coming_in_under_its_id(broker: Broker) -> None:
    async with client(broker, "b17", USERS["b17"], "b17") as branch:
        async with client(broker, "b18", USERS["b18"], "b17") as other:
            await other.publish("sentinel/v1/b18/status", "x", qos=1)
        await branch.publish("sentinel/v1/b17/status", "x", qos=1, timeout=2)
    assert "already connected" not in broker.log()


async def test_a_stranger_on_the_wire_gets_nothing_without_tls(broker: Broker) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", broker.port, username="b17", password=USERS["b17"], timeout=1):
            pass


async def test_a_message_that_is_too_long_is_thrown_away_by_the_broker(broker: Broker) -> None:
    broker.let_in_a_witness()
    async with client(broker, "witness", "w") as witness, client(broker, "room+durg", USERS["room+durg"]) as room:
        await witness.subscribe([("sentinel/#", 1)])
        await room.publish("sentinel/v1/b17/command/durg", b"[" * 200_000, qos=1)
        await witness.publish("sentinel/end", "x", qos=1)
        assert await heard(witness, "sentinel/end") == set()
