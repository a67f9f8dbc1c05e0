"""Questions and answers as bytes, with pymodbus as the independent witness."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import register_message as registers

from drivers.links import mbap, rtu
from drivers.links.pdu import RefusedError, answer, reading, writing
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Write

if TYPE_CHECKING:
    import random

ASKING: dict[Table, type[ModbusPDU]] = {
    Table.COIL: bits.ReadCoilsRequest,
    Table.DISCRETE: bits.ReadDiscreteInputsRequest,
    Table.HOLDING: registers.ReadHoldingRegistersRequest,
    Table.INPUT: registers.ReadInputRegistersRequest,
}
BIT_TABLES = (Table.COIL, Table.DISCRETE)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    table = draw(st.sampled_from(Table))
    count = draw(st.integers(1, 2000 if table in BIT_TABLES else 125))
    return Request(draw(st.integers(1, 247)), table, draw(st.integers(0, 65536 - count)), count)


def pdu_of(message: ModbusPDU) -> bytes:
    return bytes((message.function_code,)) + message.encode()


def with_crc(body: bytes) -> bytes:
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


@given(requests())
def test_a_read_is_asked_in_the_bytes_that_pymodbus_would_send(request_: Request) -> None:
    theirs = ASKING[request_.table](address=request_.address, count=request_.count)
    assert reading(request_).pdu == pdu_of(theirs)


@given(st.integers(0, 65000), st.lists(st.integers(0, 65535), min_size=1, max_size=123))
def test_registers_are_written_in_the_bytes_that_pymodbus_would_send(address: int, values: list[int]) -> None:
    one = len(values) == 1
    kind = registers.WriteSingleRegisterRequest if one else registers.WriteMultipleRegistersRequest
    theirs = kind(address=address, registers=values)
    assert writing(Write(9, Table.HOLDING, address, tuple(values))).pdu == pdu_of(theirs)


@given(st.integers(0, 63000), st.lists(st.booleans(), min_size=1, max_size=1968))
def test_coils_are_written_in_the_bytes_that_pymodbus_would_send(address: int, values: list[bool]) -> None:
    kind = bits.WriteSingleCoilRequest if len(values) == 1 else bits.WriteMultipleCoilsRequest
    theirs = kind(address=address, bits=values)
    assert writing(Write(9, Table.COIL, address, tuple(map(int, values)))).pdu == pdu_of(theirs)


@given(requests(), st.randoms(use_true_random=False))
def test_an_honest_reply_means_what_pymodbus_says_and_has_exactly_the_words_asked_for(
    request_: Request, rng: random.Random
) -> None:
    question = reading(request_)
    pdu = question.opening + bytes(rng.randrange(256) for _ in range(question.size - 2))
    words = answer(question, pdu)
    theirs = DecodePDU(is_server=False).decode(pdu)
    assert theirs is not None
    said = theirs.bits if request_.table in BIT_TABLES else theirs.registers
    assert words == tuple(map(int, said))[: request_.count]
    assert len(words) == request_.count


@given(requests(), st.binary(max_size=260))
def test_any_other_bytes_are_a_failure_and_never_a_value(request_: Request, noise: bytes) -> None:
    question = reading(request_)
    if len(noise) == question.size and noise.startswith(question.opening):
        return
    with pytest.raises(LinkError):
        answer(question, noise)


@given(requests(), st.integers(1, 255))
def test_an_exception_is_told_as_a_refusal(request_: Request, code: int) -> None:
    question = reading(request_)
    with pytest.raises(RefusedError) as caught:
        answer(question, bytes((question.pdu[0] | 0x80, code)))
    assert caught.value.failure is (Failure.NO_REPLY if code in {10, 11} else Failure.REFUSED)


@pytest.mark.parametrize(
    "bent",
    [
        Request(256, Table.HOLDING, 0, 1),
        Request(1, Table.HOLDING, 0, 0),
        Request(1, Table.HOLDING, 0, 126),
        Request(1, Table.COIL, 0, 2001),
        Request(1, Table.COIL, 65535, 2),
        Request(1, Table.INPUT, -1, 1),
    ],
)
def test_what_modbus_cannot_ask_is_refused_before_it_is_sent(bent: Request) -> None:
    with pytest.raises(ValueError, match="not in"):
        reading(bent)


@pytest.mark.parametrize(
    "bent",
    [
        Write(1, Table.INPUT, 0, (1,)),
        Write(1, Table.COIL, 0, (2,)),
        Write(1, Table.HOLDING, 0, (65536,)),
        Write(1, Table.HOLDING, 0, ()),
    ],
)
def test_what_modbus_cannot_write_is_refused_before_it_is_sent(bent: Write) -> None:
    with pytest.raises(ValueError, match=r"not|cannot"):
        writing(bent)


@pytest.mark.parametrize(
    "write",
    [
        Write(3, Table.COIL, 7, (1,)),
        Write(3, Table.COIL, 7, (1, 0, 1)),
        Write(3, Table.HOLDING, 7, (500,)),
        Write(3, Table.HOLDING, 7, (500, 600)),
    ],
)
def test_a_write_is_believed_only_on_its_own_echo(write: Write) -> None:
    question = writing(write)
    assert answer(question, question.pdu[:5]) == ()
    for at in range(5):
        bent = bytearray(question.pdu[:5])
        bent[at] ^= 1
        with pytest.raises(LinkError):
            answer(question, bytes(bent))


@given(st.binary(max_size=300))
def test_the_checksum_is_the_one_that_pymodbus_computes(body: bytes) -> None:
    assert body + rtu.crc(body) == with_crc(body)


ASKED = Request(7, Table.HOLDING, 16, 3)
GOOD = with_crc(bytes((7, 3, 6)) + struct.pack(">3H", 1, 2, 3))


def test_a_serial_reply_fed_byte_by_byte_is_an_answer_at_its_last_byte_and_not_before() -> None:
    question = reading(ASKED)
    assert [rtu.decode(question, GOOD[:end]) for end in range(len(GOOD))] == [None] * len(GOOD)
    assert rtu.decode(question, GOOD) == (1, 2, 3)


@pytest.mark.parametrize("junk", [b"\x00", b"\xff\xff", b"\x07", b"\x07\x03", b"\x00\x07\x00\xff"])
def test_up_to_four_bytes_that_a_transceiver_throws_are_passed_over(junk: bytes) -> None:
    assert rtu.decode(reading(ASKED), junk + GOOD) == (1, 2, 3)


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (bytes(5) + GOOD, "the line says"),
        (GOOD + b"\x00", "after its reply"),
        (GOOD[:-1] + bytes((GOOD[-1] ^ 1,)), "wrong checksum"),
        (b"\x08" + GOOD[1:], "the line says"),
        (with_crc(bytes((7, 4, 6)) + bytes(6)), "the line says"),
        (with_crc(bytes((7, 3, 4)) + bytes(4)), "the line says"),
        (with_crc(bytes((7, 0x83, 2))), "exception 2"),
        (bytes((7, 0x83, 2, 0, 0)), "wrong checksum"),
    ],
)
def test_a_serial_reply_that_is_not_the_answer_fails_at_once_and_says_why(came: bytes, why: str) -> None:
    with pytest.raises(LinkError, match=why):
        rtu.decode(reading(ASKED), came)


def numbered(number: int, unit: int, pdu: bytes, protocol: int = 0) -> bytes:
    return struct.pack(">HHHB", number, protocol, len(pdu) + 1, unit) + pdu


PDU = GOOD[1:-2]


def test_a_tcp_reply_fed_byte_by_byte_is_an_answer_at_its_last_byte_and_not_before() -> None:
    whole = numbered(41, 7, PDU)
    assert [mbap.decode(reading(ASKED), 41, whole[:end]) for end in range(len(whole))] == [None] * len(whole)
    assert mbap.decode(reading(ASKED), 41, whole) == (1, 2, 3)


@pytest.mark.parametrize("number", [0, 40, 42, 65535])
def test_a_tcp_reply_to_another_transaction_is_passed_over_and_ours_still_counts(number: int) -> None:
    stray = numbered(number, 7, PDU)
    assert mbap.decode(reading(ASKED), 41, stray) is None
    assert mbap.decode(reading(ASKED), 41, stray + numbered(41, 7, PDU)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (numbered(41, 8, PDU), "unit 8 answers for unit 7"),
        (numbered(41, 7, PDU, protocol=1), "no Modbus TCP header"),
        (struct.pack(">HHHB", 41, 0, 1, 7), "no Modbus TCP header"),
        (struct.pack(">HHHB", 41, 0, 300, 7), "no Modbus TCP header"),
        (numbered(41, 7, PDU) + b"\x00", "after its reply"),
        (numbered(41, 7, PDU[:-2]), "not of 8"),
        (numbered(41, 7, b"\x04" + PDU[1:]), "begins 04"),
        (numbered(41, 7, b"\x83\x06"), "device busy"),
    ],
)
def test_a_tcp_reply_that_is_not_the_answer_fails_at_once_and_says_why(came: bytes, why: str) -> None:
    with pytest.raises(LinkError, match=why):
        mbap.decode(reading(ASKED), 41, came)
