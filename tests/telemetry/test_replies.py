"""What each answer to a write means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentinel.telemetry.model import Batch
from sentinel.telemetry.parcel import Parcel, packed
from sentinel.telemetry.replies import (
    LONGEST_WAIT_S,
    WORDS,
    Answer,
    BadLines,
    Later,
    Reason,
    Refused,
    Stored,
    TooLarge,
    Verdict,
    judge,
    retry_after_s,
)

NOW = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}


def of(status: int, body: object = b"", **headers: str) -> Verdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge(Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw), NOW)


def bad(status: int, said: object) -> BadLines:
    verdict = of(status, said, content_type="application/json")
    assert isinstance(verdict, BadLines)
    return verdict


def test_only_204_means_that_the_points_are_stored() -> None:
    assert of(204) == Stored()
    for status in (200, 201, 202, 203, 205, 206, 100, 301, 302, 303, 307, 308, 405, 411, 418):
        assert of(status) == Refused(Reason.STRANGER)


def test_a_captive_portals_page_is_no_store_whatever_its_status() -> None:
    page = b"<html>Sign in to RailWire to continue</html>"
    assert of(200, page, content_type="text/html") == Refused(Reason.STRANGER)
    assert of(400, page, content_type="text/html; charset=utf-8") == Refused(Reason.STRANGER)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, Reason.CREDENTIAL), (403, Reason.CREDENTIAL), (404, Reason.NOT_FOUND)],
)
def test_what_a_person_must_mend_is_refused(status: int, reason: Reason) -> None:
    assert of(status) == Refused(reason)


def test_influxdb_1_says_500_of_a_retention_policy_that_is_not_there() -> None:
    assert of(500, {"error": "retention policy not found: nope"}) == Refused(Reason.NOT_FOUND)
    assert of(500, {"error": "timeout"}) == Later(Reason.BROKEN)


def test_a_server_in_trouble_is_asked_again_later() -> None:
    for status in (500, 502, 504, 507, 599):
        assert of(status) == Later(Reason.BROKEN)
    assert of(408) == Later(Reason.SLOW)
    assert of(413) == TooLarge()


def test_a_busy_server_says_how_long_to_wait() -> None:
    assert of(429, retry_after="7") == Later(Reason.BUSY, 7.0)
    assert of(503, retry_after="2.5") == Later(Reason.BUSY, 2.5)
    assert of(503) == Later(Reason.BUSY, None)
    assert of(503, retry_after="soon") == Later(Reason.BUSY, None)
    assert of(429, retry_after="-5") == Later(Reason.BUSY, None)


def test_a_wait_until_a_date_is_measured_by_the_servers_own_clock_when_it_shows_it() -> None:
    until = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert of(503, retry_after=until) == Later(Reason.BUSY, 90.0)
    ahead = format_datetime(NOW + timedelta(seconds=60), usegmt=True)  # its clock is a minute before ours
    assert of(503, retry_after=until, date=ahead) == Later(Reason.BUSY, 30.0)
    assert of(503, retry_after="Thu, 01 Jan 1970 00:00:00 GMT") == Later(Reason.BUSY, 0.0)


ANY_TEXT = st.text(st.characters(), max_size=40)  # surrogates among them: headers may bring some
DATES = st.builds(
    "{}, {} Jan {} {}:{}:{} {}{}".format,
    st.sampled_from(("Mon", "", "xx")),
    st.integers(0, 40),
    st.integers(0, 10**5),
    st.integers(0, 30),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(("+", "-", "")),
    st.integers(0, 10**20),
)


@given(ANY_TEXT | DATES, ANY_TEXT | DATES)
@example("Mon, 01 Jan 2024 00:00:00 +99999999999999", "")
@example("Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359")
def test_no_header_makes_a_wait_longer_than_an_hour_or_raises(told: str, date: str) -> None:
    wait = retry_after_s({"retry-after": told, "date": date}, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT_S


@given(st.integers(100, 599), st.binary(max_size=300), st.sampled_from(["", "text/html", "application/json"]))
def test_every_answer_has_a_verdict_and_only_204_is_stored(status: int, body: bytes, kind: str) -> None:
    verdict = judge(Answer(status, {"content-type": kind}, body), NOW)
    assert isinstance(verdict, Stored) == (status == 204)


@given(st.text(st.characters(), max_size=60))
@example("unable to parse '\ud800': x")
def test_no_words_of_a_server_are_more_than_one_line_that_can_be_kept(words: str) -> None:
    verdict = of(400, {"error": words})
    if isinstance(verdict, BadLines):
        for why in (verdict.why, *(verdict.named or {}).values()):
            assert why.encode().decode() == why


def test_a_long_number_to_wait_is_an_hour() -> None:
    assert of(429, retry_after="999999999999") == Later(Reason.BUSY, 3600.0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "partial write: max-series-per-database limit exceeded: (1000000) dropped=5000"),
        (400, 'partial write: max-values-per-tag limit exceeded (1/1): measurement="m" tag="t" value="v" dropped=1'),
        (422, "failure writing points to database: bucket storage quota exceeded"),
        (400, "partial write: [shard 7] write /var/lib/influxdb/wal/_00001.wal: no space left on device dropped=12"),
        (500, "engine: cache-max-memory-size exceeded: (1073741836/1073741824)"),
        (507, "Disk full"),
    ],
)
def test_a_limit_of_the_server_is_no_fault_of_a_line(status: int, words: str) -> None:
    assert of(status, {"error": words}) == Refused(Reason.LIMIT)


def test_a_server_that_stops_while_it_is_written_to_is_asked_again_and_blames_no_line() -> None:
    assert of(400, {"error": "partial write: engine is closed dropped=5000"}) == Later(Reason.BROKEN)
    assert of(500, {"error": "engine is closed"}) == Later(Reason.BROKEN)


def test_the_name_of_a_zone_that_sounds_like_a_limit_is_no_limit() -> None:
    verdict = bad(
        400, {"error": "unable to parse 'zone,name=quota\\ exceeded,max-values-per-tag=1 x 1': invalid field"}
    )
    assert verdict.certain
    conflict = 'partial write: field type conflict: input field "disk full" on measurement "m" is integer dropped=1'
    assert bad(400, {"error": conflict}).dropped == 1


# --- Words about lines, as the real ones say them ----------------------------------------------------------------------


def test_influxdb_1_counts_what_it_dropped() -> None:
    words = (
        'partial write: field type conflict: input field "v" on measurement "m" is type integer,'
        " already exists as type float dropped=2"
    )
    assert bad(400, {"error": words}) == BadLines(words, certain=True, dropped=2, named={})
    assert bad(400, {"error": "partial write: points beyond retention policy dropped=5000"}).dropped == 5000


def test_influxdb_names_the_lines_that_it_cannot_read() -> None:
    verdict = bad(400, {"error": "unable to parse 'bad': missing fields\nunable to parse 'm v='x' 1': invalid: number"})
    assert verdict.certain
    assert verdict.named == {b"bad": "missing fields", b"m v='x' 1": "invalid: number"}


def test_influxdb_2_has_its_own_envelope() -> None:
    verdict = bad(422, {"code": "invalid", "message": "failure writing points: partial write: dropped=3"})
    assert (verdict.certain, verdict.dropped) == (True, 3)
    verdict = bad(400, {"code": "invalid", "message": "unable to parse 'x': missing fields"})
    assert verdict.named == {b"x": "missing fields"}


def test_a_400_in_other_words_may_be_about_the_request_and_not_about_a_line() -> None:
    assert not bad(400, {"error": "database is required"}).certain
    assert not bad(400, {"error": "unexpected EOF"}).certain
    assert not bad(400, b"cannot read gzipped influx line protocol data").certain
    assert bad(422, b"").why == "status 422"


def test_a_servers_words_are_kept_short_and_on_one_line() -> None:
    verdict = bad(400, {"error": "a\nb\x00\x1b[31m" + "x" * 100_000})
    assert verdict.why.startswith("a b [31mxxx")
    assert len(verdict.why) == WORDS


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_an_envelope_may_hold_anything(said: object) -> None:
    assert isinstance(of(400, said), BadLines)


def test_an_envelope_as_deep_as_the_sea_is_words() -> None:
    assert isinstance(of(400, b"[" * 60_000), BadLines)


# --- Parcels: every line ends once ---------------------------------------------------------------------------------------


def batch(lines: tuple[bytes, ...]) -> Batch:
    return Batch(1, lines, packed(lines))


def lines(count: int) -> tuple[bytes, ...]:
    return tuple(b"measure,point=p%d value=%d %d" % (n % 7, n, 1_780_000_000_000 + n) for n in range(count))


class Store:
    """Judges a piece as a store does that knows its bad lines."""

    def __init__(self, poison: set[bytes], *, most: int, style: str) -> None:
        self.poison, self.most, self.style = poison, most, style
        self.kept: list[bytes] = []
        self.asked = 0

    def post(self, piece: tuple[bytes, ...]) -> Verdict:
        self.asked += 1
        if len(piece) > self.most:
            return TooLarge()
        refused = [line for line in piece if line in self.poison]
        self.kept += [line for line in piece if line not in self.poison]
        if not refused:
            return Stored()
        match self.style:
            case "named":
                return BadLines("cannot parse", certain=True, named=dict.fromkeys(refused, "cannot parse"))
            case "counted":
                return BadLines("partial write", certain=True, dropped=len(refused))
            case "certain":
                return BadLines("unable to parse something", certain=True)
            case _:
                return BadLines("no", certain=False)


def deliver(parcel: Parcel, store: Store) -> bool:
    """Until all is decided; False when it is hopeless."""
    while (piece := parcel.piece()) is not None:
        match store.post(piece):
            case Stored():
                parcel.taken()
            case TooLarge():
                parcel.too_large()
            case BadLines() as verdict:
                parcel.refused(verdict)
        if parcel.hopeless():
            return False
        assert store.asked < 3000
    return True


@given(
    count=st.integers(1, 200),
    bad_ones=st.sets(st.integers(0, 199)),
    most=st.integers(1, 250),
    store_takes=st.integers(1, 300),
    style=st.sampled_from(["named", "counted", "certain", "unsure"]),
)
def test_every_line_is_written_or_poison_exactly_once_or_nothing_is_decided(
    count: int, bad_ones: set[int], most: int, store_takes: int, style: str
) -> None:
    all_lines = lines(count)
    poison = {line for n, line in enumerate(all_lines) if n in bad_ones}
    parcel, store = Parcel(batch(all_lines), most), Store(poison, most=store_takes, style=style)
    decided = deliver(parcel, store)
    if not decided and parcel.written:  # as the writer does: once more from the beginning
        parcel = Parcel(batch(all_lines), most, again=True)
        decided = deliver(parcel, store)
    if decided:
        thrown = {one.line.encode() for one in parcel.poisoned()}
        assert thrown == poison
        assert parcel.written + len(parcel.poisoned()) == count
        assert set(store.kept) == set(all_lines) - poison
    else:
        assert style == "unsure"
        assert not parcel.written, "a store that takes something is given everything"


def test_a_whole_batch_goes_as_the_spool_packed_it() -> None:
    whole = batch(lines(100))
    parcel = Parcel(whole, 5000)
    assert parcel.body() is whole.body
    parcel.halve()
    assert parcel.body() == packed(lines(50))
    assert Parcel(whole, 50).body() == packed(lines(50))


def test_lines_go_in_the_order_in_which_they_were_made() -> None:
    parcel, store = Parcel(batch(lines(1000)), 64), Store(set(), most=40, style="named")
    assert deliver(parcel, store)
    assert store.kept == list(lines(1000))


def test_one_bad_line_among_five_thousand_costs_thirty_requests_at_most() -> None:
    parcel, store = Parcel(batch(lines(5000)), 5000), Store({lines(5000)[3210]}, most=9999, style="certain")
    assert deliver(parcel, store)
    assert len(parcel.poisoned()) == 1
    assert store.asked <= 30


def test_a_series_that_is_bad_as_a_whole_is_found_without_asking_for_each_of_its_points() -> None:
    series = {line for line in lines(4900) if b"point=p3 " in line}
    parcel, store = Parcel(batch(lines(4900)), 5000), Store(series, most=9999, style="counted")
    assert deliver(parcel, store)
    assert len(parcel.poisoned()) == 700
    assert store.asked <= 60


def test_points_beyond_the_retention_policy_are_let_go_with_one_question() -> None:
    parcel, store = Parcel(batch(lines(5000)), 5000), Store(set(lines(5000)), most=9999, style="counted")
    assert deliver(parcel, store)
    assert (store.asked, len(parcel.poisoned()), parcel.written) == (1, 5000, 0)


def test_a_store_that_takes_nothing_in_words_that_are_not_about_lines_costs_no_point() -> None:
    parcel, store = Parcel(batch(lines(5000)), 5000), Store(set(lines(5000)), most=9999, style="unsure")
    assert not deliver(parcel, store)
    assert store.asked < 80
    parcel, store = Parcel(batch(lines(1)), 5000), Store(set(lines(1)), most=9999, style="unsure")
    assert not deliver(parcel, store)


def test_a_single_doubtful_no_is_not_believed() -> None:
    parcel = Parcel(batch(lines(2)), 1)
    parcel.taken()
    parcel.refused(BadLines("unexpected EOF", certain=False))
    assert parcel.piece() == lines(2)[1:]
    parcel.taken()
    assert (parcel.written, parcel.poisoned()) == (2, ())


def test_a_store_for_which_every_line_is_too_large_costs_no_point() -> None:
    parcel, store = Parcel(batch(lines(5000)), 5000), Store(set(), most=0, style="named")
    assert not deliver(parcel, store)
    assert store.asked < 80


def test_a_space_in_a_tag_does_not_end_it() -> None:
    spaced = (b"m,name=a\\ b v=1 1780000000002", b"m,name=a v=1 1780000000001", b"m,name=a\\ b v=2i 1780000000003")
    parcel, store = Parcel(batch(spaced), 10), Store({spaced[2]}, most=9, style="certain")
    assert deliver(parcel, store)
    assert store.kept[-1] in spaced[:2]
    assert [one.line.encode() for one in parcel.poisoned()] == [spaced[2]]
