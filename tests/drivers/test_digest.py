"""Digest: the RFCs' own examples, what recorders really send, another client as judge, and headers that nobody should send."""

from __future__ import annotations

import re

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from drivers.digest import Algorithm, Challenge, challenge, offers_basic

RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def only(*headers: str) -> Challenge:
    found = challenge(headers)
    assert found is not None
    return found


def response(header: str) -> str:
    found = re.search(r'response="([0-9a-f]+)"', header)
    assert found
    return found[1]


def test_the_example_of_rfc_2617() -> None:
    answer = only(RFC_2617).answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", 1, "0a4f113b")
    assert response(answer) == "6629fae49393a05397450978507c4ef1"
    assert answer == (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41", qop=auth, nc=00000001, cnonce="0a4f113b"'
    )


@pytest.mark.parametrize(
    ("algorithm", "right"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, right: str) -> None:
    answer = only(RFC_7616.format(algorithm)).answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", 1, CNONCE)
    assert response(answer) == right
    assert f"algorithm={algorithm}" in answer


@pytest.mark.parametrize(
    ("algorithm", "qop"),
    [(algorithm, 'qop="auth", ') for algorithm in Algorithm] + [(Algorithm.MD5, ""), (Algorithm.SHA_256, "")],
)
async def test_another_client_gives_the_same_answer(algorithm: Algorithm, qop: str) -> None:
    header = f'Digest realm="IP Camera(E1518)", {qop}nonce="4d54", algorithm={algorithm}, opaque="x"'
    judge = aiohttp.DigestAuthMiddleware("gateway", "pä ss:word")
    judge._challenge = {"realm": "IP Camera(E1518)", "nonce": "4d54", "algorithm": str(algorithm), "opaque": "x"}
    if qop:
        judge._challenge["qop"] = "auth"
    theirs = await judge._encode("GET", URL("http://dvr/ISAPI/System/time?a=1"), b"")
    cnonce = re.search(r'cnonce="([^"]+)"', theirs)
    ours = only(header).answer(
        "gateway", "pä ss:word", "GET", "/ISAPI/System/time?a=1", 1, cnonce[1] if cnonce else "unused"
    )
    assert response(ours) == response(theirs)


def test_of_several_challenges_the_strongest_is_taken() -> None:
    md5, sha = RFC_7616.format("MD5"), RFC_7616.format("SHA-256")
    assert only(md5, sha).algorithm is Algorithm.SHA_256
    assert only(f"{md5}, {sha}").algorithm is Algorithm.SHA_256
    assert only(f'Basic realm="x", {md5}').algorithm is Algorithm.MD5
    assert only('Digest realm="a", nonce="old"', 'Digest realm="a", nonce="new", qop="auth"').nonce == "new"
    assert only('Digest realm="a", nonce="1"', 'Digest realm="b", nonce="2"').nonce == "1"


def test_what_a_recorder_and_an_rtsp_server_really_send() -> None:
    recorder = only('Digest qop="auth", realm="IP Camera(E1518)", nonce="4d54456c", stale="FALSE"')
    assert (recorder.realm, recorder.qop, recorder.stale, recorder.named) == ("IP Camera(E1518)", True, False, False)
    assert "algorithm" not in recorder.answer("a", "b", "GET", "/", 1, "c")
    plain = only('Digest realm="GStreamer RTSP Server", nonce="0d3a"')
    assert not plain.qop
    assert "nc=" not in plain.answer("a", "b", "DESCRIBE", "rtsp://x/y", 1, "c")
    assert only('Digest realm=x,nonce=a==,stale=true,algorithm="md5"').stale


def test_a_realm_with_commas_quotes_and_hindi_is_said_back_as_it_came() -> None:
    found = only(r'Digest realm="शाखा \"17\", gate \\ 2", nonce="n"')
    assert found.realm == 'शाखा "17", gate \\ 2'
    answer = found.answer("a", "b", "GET", "/", 1, "c")
    assert r'realm="शाखा \"17\", gate \\ 2"' in answer
    assert only(answer.replace("Digest username", 'Digest x="y", username')).realm == found.realm


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Digest",
        'Basic realm="x"',
        'Digest realm="x"',  # no nonce
        'Digest nonce="x"',  # no realm
        'Digest realm="x", nonce=""',
        'Digest realm="x", nonce="n", algorithm=SHA-512-256',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x", nonce="n", nonce="m"',
        'Digest realm="x", nonce="n',
        'Digest realm="x\r\nHost: evil", nonce="n"',
        'Digest realm="x\udce9", nonce="n"',
        'Digest realm="x", nonce="' + "n" * 10_000 + '"',
        "NTLM TlRMTVNTUAAB==",
    ],
)
def test_what_is_no_proper_challenge_is_none(header: str) -> None:
    assert challenge([header]) is None


def test_a_broken_challenge_spoils_no_other() -> None:
    assert only('Digest realm="x", nonce="n", nonce="m"', RFC_2617).realm == "testrealm@host.com"
    assert only(f'Digest realm="x", nonce="n", nonce="m", {RFC_2617}').realm == "testrealm@host.com"
    assert only(f"Negotiate abc==, {RFC_2617}").realm == "testrealm@host.com"


def test_basic_is_seen_and_never_chosen() -> None:
    assert offers_basic(['Basic realm="x"'])
    assert offers_basic([f'{RFC_2617}, BASIC realm="x"'])
    assert not offers_basic([RFC_2617, 'Digest realm="Basic", nonce="n"'])


def test_the_same_header_comes_apart_quickly_however_bad_it_is() -> None:
    for evil in ('"' * 4000, "\\" * 4000, "a" * 4000, "a=" * 2000, ", " * 2000, 'a="\\' * 1000, "Digest " * 500):
        assert challenge([f"Digest {evil}"] * 100) is None


@given(st.lists(st.text(max_size=300), max_size=4))
def test_no_header_makes_it_fall(headers: list[str]) -> None:
    challenge(headers)
    offers_basic(headers)


@given(st.text(alphabet=st.sampled_from('Digest realm="x",nonce=\\ \t=,"'), max_size=120))
def test_no_nearly_right_header_makes_it_fall(header: str) -> None:
    found = challenge([header])
    if found is not None:
        found.answer("a", "b", "GET", "/", 1, "c").encode()


@given(
    realm=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40),
    nonce=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40),
)
def test_whatever_can_be_quoted_comes_back_whole(realm: str, nonce: str) -> None:
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (realm, nonce)]
    found = only(f'Digest realm="{quoted[0]}", nonce="{quoted[1]}"')
    assert (found.realm, found.nonce) == (realm, nonce)
