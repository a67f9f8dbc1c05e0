"""The demo's own store: it takes what InfluxDB takes, refuses the rest, and counts a point once."""

from __future__ import annotations

import gzip

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point

from sentinel.demo.sink import DATABASE, LineError, Sink, parse, sink

AT = 1_900_000_000_000
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\\"), min_size=1)
VALUE = st.one_of(st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), NAME)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "zone state=0i 1900000000000",
        "zone,branch=b,role=hold-up state=4i,quality=0i 1900000000000",
        'a\\ b\\,c,t\\=a\\ g=v\\,a\\ l f\\=1=-1.5e-3,g=true,h="say \\"no\\", or a = b" 1900000000000',
        "measure,name=सर्वर\\ कक्ष value=28.1 1900000000000",
    ],
)  # fmt: skip
def test_a_line_that_influxdb_takes_is_taken(line: str) -> None:
    assert parse(line) == (line.replace("\\ ", "\0").split(" ")[0].replace("\0", "\\ "), AT)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "zone",
        "zone state=0i",
        "zone 1900000000000",
        "zone state=0i 1900000000",
        "zone state=0i 1900000000000000000",
        "zone state=0i  1900000000000",
        " zone state=0i 1900000000000",
        ",a=b state=0i 1900000000000",
        "zone,branch= state=0i 1900000000000",
        "zone,=b state=0i 1900000000000",
        "zone,branch state=0i 1900000000000",
        "zone,b=1,a=1 state=0i 1900000000000",
        "zone,a=1,a=1 state=0i 1900000000000",
        "zone, state=0i 1900000000000",
        "zone state= 1900000000000",
        "zone state=nan 1900000000000",
        "zone state=inf 1900000000000",
        "zone state=yes 1900000000000",
        "zone state=1.5i 1900000000000",
        "zone state=9223372036854775808i 1900000000000",
        "zone state=1i,state=2i 1900000000000",
        "zone state=1i, 1900000000000",
        'zone state="open 1900000000000',
        'zone state="a\nb" 1900000000000',
        "zone state=1i 1900000000000 ",
        "zone state=1i -190000000000",
        "#zone state=1i 1900000000000",  # a comment, which the real one passes over without a word
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(LineError):
        parse(line)


@given(
    NAME.filter(lambda name: not name.startswith("#")),
    st.dictionaries(NAME, NAME, max_size=4),
    st.dictionaries(NAME, VALUE, min_size=1, max_size=4),
)
def test_whatever_the_official_client_writes_is_read(
    measurement: str, tags: dict[str, str], fields: dict[str, object]
) -> None:
    point = Point(measurement).time(AT, "ms")  # type: ignore[no-untyped-call]
    for key, tag in tags.items():
        point.tag(key, tag)
    for key, value in fields.items():
        point.field(key, value)
    assert parse(point.to_line_protocol())[1] == AT


def test_the_same_series_and_time_is_one_point_however_often_it_comes() -> None:
    kept = Sink()
    for series, at in (("a,t=1", 1), ("a,t=1", 1), ("a,t=1", 2), ("a,t=2", 1)):
        kept.keep(series, at)
    assert kept.count == 3


async def post(session: aiohttp.ClientSession, port: int, path: str, body: bytes, **query: str) -> int:
    url, packed = f"http://127.0.0.1:{port}{path}", {"Content-Encoding": "gzip"}
    async with session.post(url, params=query, data=gzip.compress(body, 1), headers=packed) as answer:
        assert answer.headers["X-Influxdb-Version"]
        return answer.status


@pytest.mark.real
async def test_over_http_a_body_is_taken_whole_or_not_at_all() -> None:
    good, bad = b"a v=1i 1900000000000\na v=1i 1900000000001\n", b"a v=2i 1900000000002\na v=nan 1900000000003"
    async with sink() as here, aiohttp.ClientSession() as session:
        assert await post(session, here.port, "/write", good, db=DATABASE, precision="ms") == 204
        assert await post(session, here.port, "/api/v2/write", good, org="o", bucket=DATABASE, precision="ms") == 204
        assert (here.count, here.refused) == (2, [])
        assert await post(session, here.port, "/write", bad, db=DATABASE, precision="ms") == 400
        assert await post(session, here.port, "/write", b"\xff", db=DATABASE, precision="ms") == 400
        assert await post(session, here.port, "/write", good, db=DATABASE, precision="ns") == 400
        assert await post(session, here.port, "/write", good, db=DATABASE) == 400
        assert await post(session, here.port, "/write", good, db="other", precision="ms") == 404
        assert (here.count, len(here.refused)) == (2, 5)
        async with session.get(f"http://127.0.0.1:{here.port}/ping") as answer:
            assert answer.status == 204
