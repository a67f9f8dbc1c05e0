"""E-mail against a real SMTP server with STARTTLS and AUTH, and against servers that hang, drop and refuse."""

from __future__ import annotations

import asyncio
import email
import email.policy
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sentinel.channels import channel
from sentinel.channels import email as module
from sentinel.channels.email import EmailChannel, EmailOptions, Security, masked
from sentinel.ports import Attachment, ChannelError, Letter, Sent
from tests.channels.book import Held, letter, unhurried
from tests.servers import MailSink, free_port, mail_sink, make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiosmtpd.smtp import Envelope

pytestmark = pytest.mark.real

TO = "sho.supela@police.example"


def options(port: int, **changes: Any) -> EmailOptions:
    values: dict[str, Any] = {
        "kind": "email",
        "path": "wan",
        "host": "127.0.0.1",
        "port": port,
        "sender": "b17@bank.example",
    }
    return EmailOptions(**{**values, "security": Security.NONE, **changes})


@asynccontextmanager
async def opened(chosen: EmailOptions) -> AsyncIterator[EmailChannel]:
    made = EmailChannel(chosen, "b17")
    yield made
    await made.close()


def parsed(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_the_station_reads_the_letter_in_hindi_over_starttls_with_a_password(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    async with mail_sink(certificates, ("b17", "geheim")) as sink:
        chosen = options(
            sink.port,
            security=Security.STARTTLS,
            ca_file=str(certificates.ca),
            username="b17",
            password=Held("geheim"),
        )
        async with opened(chosen) as mail:
            assert await mail.send(letter()) is Sent.SENT
    assert sink.signed_in == ["b17"]
    assert (sink.letters[0].mail_from, sink.letters[0].rcpt_tos) == ("b17@bank.example", [TO])
    message = parsed(sink.letters[0])
    assert message["Subject"] == "लूट का अलार्म 4821: दुर्ग शाखा"
    assert message["To"] == TO
    assert message["X-Priority"] == "1 (Highest)"
    assert message.get_content().splitlines() == ["लूट का अलार्म दबाया गया।", "Hold-up alarm pressed. Code 4821."]
    content = sink.letters[0].content
    assert isinstance(content, bytes)
    assert content.isascii()  # a server without 8BITMIME carries it too


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    async with mail_sink(certificates, implicit_tls=True) as sink:
        async with opened(options(sink.port, security=Security.TLS, ca_file=str(certificates.ca))) as mail:
            await mail.send(letter())
        assert len(sink.letters) == 1


async def test_a_check_goes_as_far_as_the_password_and_leaves_no_letter(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    secret = {"security": Security.STARTTLS, "ca_file": str(certificates.ca), "username": "b17"}
    async with mail_sink(certificates, ("b17", "geheim")) as sink:
        async with opened(options(sink.port, **secret, password=Held("geheim"))) as mail:
            await mail.check()
        assert sink.signed_in == ["b17"]
        async with opened(options(sink.port, **secret, password=Held("changed in March"))) as mail:
            with pytest.raises(ChannelError, match="refuses our user name or password"):
                await mail.check()
    assert sink.letters == []


@pytest.mark.parametrize("where", ["greeting", "EHLO"])
async def test_a_check_of_a_server_that_hangs_or_drops_fails_within_the_deadline(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 0.4)
    for answer, said in (("", "too slow"), (None, "lost while")):
        async with scripted(**{where: answer}) as port, opened(options(port)) as mail:
            with pytest.raises(ChannelError, match=said):
                await mail.check()


async def test_a_repeat_has_the_same_message_id_and_nothing_else_has() -> None:
    letters = [
        letter(),
        letter(),
        letter(notice="4821-2"),
        letter(seq=2),
        letter(body="another day, the same code"),
        letter(urgent=False, seq=3),
    ]
    async with mail_sink() as sink, opened(options(sink.port)) as mail:
        for each in letters:
            await mail.send(each)
        other = EmailChannel(options(sink.port), "b18")
        await other.send(letter())
        await other.close()
    ids = [str(parsed(envelope)["Message-ID"]) for envelope in sink.letters]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 6
    assert ids[0].startswith("<4821-1.")
    assert ids[0].endswith("@bank.example>")
    assert parsed(sink.letters[5])["X-Priority"] is None


@unhurried
@given(subject=st.text(), body=st.text(), notice=st.text(min_size=1))
def test_no_text_makes_a_header_of_its_own_or_a_letter_that_cannot_be_written(
    subject: str, body: str, notice: str
) -> None:
    made = EmailChannel(options(1), "b17")._message(letter(subject=subject, body=body, notice=notice))
    head, _, _ = made.as_bytes().partition(b"\r\n\r\n")
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        b"from to subject date message-id auto-submitted x-priority importance "
        b"mime-version content-type content-transfer-encoding".split()
    )


async def test_a_subject_cannot_add_a_recipient() -> None:
    async with mail_sink() as sink, opened(options(sink.port)) as mail:
        await mail.send(letter(subject="4821\r\nBcc: thief@example.com\r\n\r\nall is well"))
    message = parsed(sink.letters[0])
    assert message["Bcc"] is None
    assert sink.letters[0].rcpt_tos == [TO]
    assert message["Subject"] == "4821 Bcc: thief@example.com all is well"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "thana",
        "a@b\r\nRCPT TO:<x@y>",
        "a b@c.in",
        "a@b,c@d",
        '"a b"@c.in',
        ".a@b.in",
        "a..b@c.in",
        "a@-b.in",
        "थाना@b.in",
        "a@b@c",
    ],
)
async def test_what_is_no_address_fails_for_good_and_no_server_is_asked(address: str) -> None:
    async with opened(options(free_port())) as mail:
        with pytest.raises(ChannelError) as error:
            await mail.send(letter(address=address))
    assert error.value.permanent


@unhurried
@given(address=st.from_regex(module._ADDRESS, fullmatch=True).filter(lambda text: len(text) < 200))
def test_every_address_that_is_taken_can_be_written(address: str) -> None:
    assert EmailChannel(options(1), "b17")._message(letter(address=address)).as_bytes()


async def test_a_wrong_password_is_told_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sentinel.channels.email")
    certificates = make_certificates(tmp_path)
    async with mail_sink(certificates, ("b17", "geheim")) as sink:
        secret = Held("wrong")
        chosen = options(sink.port, security="starttls", ca_file=str(certificates.ca), username="b17", password=secret)
        async with opened(chosen) as mail:
            for _ in range(2):
                with pytest.raises(ChannelError, match="refuses our user name or password: 535") as error:
                    await mail.send(letter())
                assert not error.value.permanent
            object.__setattr__(secret, "value", "geheim")
            await mail.send(letter())
    said = [record.getMessage() for record in caplog.records if record.name == "sentinel.channels.email"]
    assert len(said) == 2
    assert said[0].startswith("mail server lost: the mail server refuses our user name or password")
    assert said[1].startswith("mail server back")
    assert "wrong" not in caplog.text
    assert TO not in caplog.text


async def test_a_server_with_another_ones_certificate_gets_no_password_and_no_letter(tmp_path: Path) -> None:
    async with mail_sink(make_certificates(tmp_path / "a"), ("b17", "geheim")) as sink:
        other = make_certificates(tmp_path / "b")
        chosen = options(sink.port, security="starttls", ca_file=str(other.ca), username="b17", password=Held("geheim"))
        async with opened(chosen) as mail:
            with pytest.raises(
                ChannelError, match="TLS with the mail server fails: CERTIFICATE_VERIFY_FAILED"
            ) as error:
                await mail.send(letter())
    assert not error.value.permanent
    assert not sink.letters
    assert not sink.signed_in


async def test_a_server_that_forgot_starttls_gets_nothing_in_clear() -> None:
    async with mail_sink() as sink, opened(options(sink.port, security="starttls")) as mail:
        with pytest.raises(ChannelError, match="cannot do what STARTTLS needs"):
            await mail.send(letter())
    assert not sink.letters


# --- Servers that behave badly -----------------------------------------------------------------------------------------


@asynccontextmanager
async def scripted(**answers: str | None) -> AsyncIterator[int]:
    """A server that answers each verb as told; None drops the connection, "" says nothing for ever."""
    said: dict[str, str | None] = {
        "greeting": "220 mail.test\r\n",
        "EHLO": "250 mail.test\r\n",
        "MAIL": "250 ok\r\n",
        "RCPT": "250 ok\r\n",
        "DATA": "354 go on\r\n",
        "QUIT": "221 bye\r\n",
        "dot": "250 kept\r\n",
        **answers,
    }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            verb = "greeting"
            while (answer := said.get(verb, "502 what?\r\n")) is not None:
                writer.write(answer.encode())
                await writer.drain()
                if verb == "DATA" and answer.startswith("354"):
                    await reader.readuntil(b"\r\n.\r\n")
                    verb = "dot"
                    continue
                verb = (await reader.readuntil(b"\r\n")).decode()[:4].upper()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answers", "permanent", "said"),
    [
        ({"RCPT": f"550 5.1.1 <{TO}> no such user\r\n"}, True, "the mailbox was refused: 550 5.1.1"),
        ({"RCPT": f"553 bad {TO}\r\n"}, True, "the mailbox was refused: 553"),
        ({"RCPT": f"450 4.2.0 <{TO}> try later\r\n"}, False, "the mailbox was refused: 450 4.2.0"),
        ({"RCPT": "421 closing\r\n"}, False, "the mailbox was refused: 421"),
        ({"dot": "554 5.7.1 looks like spam\r\n"}, True, "the letter was refused: 554 5.7.1"),
        ({"dot": "451 4.3.0 disk\r\n"}, False, "the letter was refused: 451 4.3.0"),
        ({"MAIL": "530 5.7.0 sign in first\r\n"}, False, "refuses us while sending: 530 5.7.0"),
        ({"DATA": "503 no\r\n"}, True, "the letter was refused: 503"),
        ({"greeting": "554 go away\r\n"}, False, "does not greet: 554"),
        ({"greeting": None}, False, "lost while connecting"),
        ({"EHLO": None}, False, "lost while sending"),
        ({"RCPT": None}, False, "lost while sending"),
        ({"dot": None}, False, "lost while sending"),
        ({"greeting": "garbage\r\n"}, False, "the mail server"),
        ({"greeting": "2" * 100_000}, False, "the mail server"),
    ],
)
async def test_each_failure_says_whether_trying_again_can_help_and_never_the_address(
    answers: dict[str, str | None], permanent: bool, said: str
) -> None:
    async with scripted(**answers) as port, opened(options(port)) as mail:
        with pytest.raises(ChannelError) as error:
            await mail.send(letter())
    assert said in str(error.value)
    assert error.value.permanent is permanent
    assert "sho.supela" not in str(error.value)


@pytest.mark.parametrize("where", ["greeting", "EHLO", "RCPT", "dot"])
async def test_a_server_that_hangs_is_cut_off_at_the_deadline(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 0.4)
    async with scripted(**{where: ""}) as port, opened(options(port)) as mail:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ChannelError, match="too slow") as error:
            await mail.send(letter())
        assert asyncio.get_running_loop().time() - began < 1.5
        assert not error.value.permanent


async def test_a_server_that_drips_holds_no_thread_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 0.5)
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"220-still here\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            gone.set()
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, opened(options(server.sockets[0].getsockname()[1])) as mail:
        with pytest.raises(ChannelError, match="too slow"):
            await mail.send(letter())
        await asyncio.wait_for(gone.wait(), 3)  # the session was ended, not forgotten


async def test_one_hanging_letter_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 1.0)
    async with mail_sink() as sink:
        taken = asyncio.Event()
        first = True
        plain = sink.handle_DATA

        async def slow(self: MailSink, *given: Any) -> str:
            nonlocal first
            if first:
                first = False
                taken.set()
                await asyncio.sleep(1.5)
            return await plain(*given)

        monkeypatch.setattr(MailSink, "handle_DATA", slow)
        async with opened(options(sink.port)) as mail:
            hanging = asyncio.create_task(mail.send(letter()))
            await taken.wait()
            await asyncio.wait_for(mail.send(letter(notice="4822-1")), 0.9)
            with pytest.raises(ChannelError):
                await hanging


async def test_nobody_there_is_temporary() -> None:
    async with opened(options(free_port())) as mail:
        with pytest.raises(ChannelError, match="lost while connecting: ConnectionRefusedError") as error:
            await mail.send(letter())
    assert not error.value.permanent


async def test_an_answer_without_end_fills_no_memory_whoever_gives_it() -> None:
    for where, code in (("greeting", 220), ("EHLO", 250), ("dot", 250)):
        endless = f"{code}-{'x' * 500}\r\n" * 4000
        async with scripted(**{where: endless}) as port, opened(options(port)) as mail:
            with pytest.raises(ChannelError, match="answer is over 16 KiB") as refused:
                await mail.send(letter())
            assert not refused.value.permanent
    async with scripted(QUIT="221-bye\r\n" * 4000) as port, opened(options(port)) as mail:
        assert await mail.send(letter()) is Sent.SENT  # it was taken before: no reason to write again


def test_a_log_shows_no_whole_address() -> None:
    assert masked(TO) == "s***@police.example"
    assert masked("thana") == "***"
    assert masked("a@b\r\nx") == "***"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "mail.example", "security": "none"}, "only for a server on this machine"),
        ({"username": "a"}, "go together"),
        ({"password": "hunter2", "username": "a"}, "a secret never stands here"),
        ({"sender": "a@b\nBcc: c@d"}, "sender"),
        ({"security": "ssl"}, "security"),
        ({"port": 0}, "port"),
        ({"sendr": 1}, "sendr"),
    ],
)
def test_a_wrong_option_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    good = {"kind": "email", "path": "wan", "host": "mail.example", "sender": "b17@bank.example"}
    assert isinstance(channel("email").options(**good), EmailOptions)
    with pytest.raises(ValidationError, match=said):
        channel("email").options(**{**good, **changes})


def test_only_built_in_kinds_have_a_channel() -> None:
    with pytest.raises(LookupError, match="there are: email, mqtt"):
        channel("pigeon")
    assert isinstance(letter(), Letter)


async def test_pictures_go_with_the_letter_as_many_as_it_carries_and_those_that_are_gone_do_not() -> None:
    small = b"\xff\xd8\xff" + bytes(range(256)) * 200 + b"\xff\xd9"
    given_ = (
        Attachment("17-4821-dvr.ch1.jpg", lambda: small),
        Attachment("17-4821-dvr.ch2.jpg", lambda: None),  # erased meanwhile
        Attachment("17-4821-dvr.ch3.jpg", lambda: bytes(module.PICTURES_BYTES)),  # too large for what is left
        Attachment("17-4821-dvr.ch4.jpg", lambda: small),
    )
    async with mail_sink() as sink, opened(options(sink.port)) as mail:
        assert await mail.send(letter(attachments=given_)) is Sent.SENT
    message = parsed(sink.letters[0])
    body = message.get_body(("plain",))
    assert body is not None
    assert "4821" in message["Subject"]
    carried = list(message.iter_attachments())
    assert [one.get_filename() for one in carried] == ["17-4821-dvr.ch1.jpg", "17-4821-dvr.ch4.jpg"]
    assert [one.get_content() for one in carried] == [small, small]
    assert {one.get_content_type() for one in carried} == {"image/jpeg"}
