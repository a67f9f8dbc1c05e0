"""XML from a device: bounded, without entities, by local names only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import xml

BOMB = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]><a>&y;&y;&y;</a>'
FILE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def test_names_are_local_whatever_the_namespace() -> None:
    for space in ("http://www.hikvision.com/ver20/XMLSchema", "urn:psialliance-org"):
        root = xml.parse(f'<A xmlns="{space}" xmlns:s="urn:s"><s:B><C>7</C></s:B></A>'.encode(), "A")
        assert root is not None
        assert xml.number(root, "B/C") == 7


@pytest.mark.parametrize(
    "body",
    [
        BOMB, FILE, b"", b"\0", b"<", b"<a>", b"{}", b"<html><body>login</body></html>", b"<a></b>", b"<s:a/>",
        b"<!DOCTYPE html><html></html>", "<a/>".encode("utf-16"), b"<a>" * 70_000, b"<a>&lol;</a>", b"<a/><a/>",
    ],
)  # fmt: skip
def test_what_is_no_proper_answer_is_none(body: bytes) -> None:
    assert xml.parse(body, "a") is None


def test_a_name_in_a_wrong_charset_does_not_hide_the_rest() -> None:
    root = xml.parse(
        b'\xef\xbb\xbf<?xml version="1.0" encoding="GB2312"?><a><b>\xc9\xe3\xcf\xf1</b><c> 1 </c></a>\0\r\n', "a"
    )
    assert xml.number(root, "c") == 1


def test_nesting_is_no_way_to_bring_it_down() -> None:
    deep = b"<a>" * 29_000 + b"</a>" * 29_000
    assert xml.parse(deep, "a") is not None


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("-7", -7), (" 7\n", 7), ("", None), ("7.5", None), ("9" * 15, 10**15 - 1), ("9" * 400_000, None),
     ("²", None), ("٧", None), ("0x7", None), ("1e3", None), ("-", None), ("--7", None)],
)  # fmt: skip
def test_a_number_is_a_plain_one_or_none(text: str, number: int | None) -> None:
    assert xml.number(xml.parse(f"<a><b>{text}</b></a>".encode()), "b") == number


def test_a_text_is_one_line_and_bounded() -> None:
    names = xml.parse("<a><b>क्\u200dष\x7f\u202e\u2028शाखा</b></a>".encode())
    assert xml.word(names, "b") == "क्\u200dष शाखा"
    root = xml.parse(b"<a><b> one\n  line </b><c>" + b"x" * 100_000 + b"</c></a>")
    assert xml.word(root, "b") == "one line"
    assert len(xml.word(root, "c")) == 120
    assert xml.word(root, "d") == xml.word(None, "b") == ""


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_element_or_none(body: bytes) -> None:
    xml.parse(body)
    xml.parse(b"<a>" + body + b"</a>")
