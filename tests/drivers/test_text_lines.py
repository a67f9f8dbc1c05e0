"""Lines out of bytes in any pieces, and no more kept than one line may be long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.text_lines import TextLines

LONGEST = 20


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"bc", b"x" * 15, b"y" * 30, b"\0"]), max_size=60))
def test_one_byte_at_a_time_gives_the_lines_that_all_at_once_gives(pieces: list[bytes]) -> None:
    whole, slow = TextLines(LONGEST), TextLines(LONGEST)
    data = b"".join(pieces)
    expected = whole.feed(data)
    assert [line for byte in data for line in slow.feed(bytes((byte,)))] == expected
    assert slow.dropped == whole.dropped


def test_a_line_without_an_end_is_not_kept() -> None:
    lines = TextLines(LONGEST)
    for _ in range(10_000):
        assert lines.feed(b"z" * 100) == []
    assert lines.dropped == 1
    assert len(lines._rest) <= LONGEST
    assert lines.feed(b"z\r\nwell\r\n") == [b"well"]


def test_what_was_begun_on_a_lost_line_is_not_continued_on_the_next() -> None:
    lines = TextLines(LONGEST)
    lines.feed(b"60")
    lines.clear()
    assert lines.feed(b"1\r\n") == [b"1"]
