"""Pictures on the card: whole or not at all, for nobody else's eyes, never more than their share, gone on time."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.pictures import atomic
from sentinel.pictures.ring import BIGGEST, Ring
from sentinel.pictures.shelf import Shelf, sealed
from sentinel.pictures.shot import Shot

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def shelf(tmp_path: Path, **bounds: int) -> Shelf:
    return Shelf(tmp_path / "pictures", **{"left": 0, **bounds})  # type: ignore[arg-type]


def put(one: Shelf, data: bytes, at: datetime, held: set[str] | None = None) -> str:
    """Its reference."""
    it = sealed(data)
    one.keep(it, at, held or set())
    return it.ref


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "pictures").iterdir()}


def test_a_file_is_named_by_its_own_hash_and_is_for_nobody_else(tmp_path: Path) -> None:
    one = shelf(tmp_path)
    ref = put(one, b"picture", NOON)
    path = tmp_path / "pictures" / ref
    assert hashlib.sha256(path.read_bytes()).hexdigest() == ref
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert one.read(ref) == b"picture"


def test_a_reference_says_nothing_of_its_picture_to_whoever_has_the_same_one(tmp_path: Path) -> None:
    one = shelf(tmp_path)
    refs = {put(one, b"picture", NOON) for _ in range(5)}
    assert len(refs) == 5
    assert hashlib.sha256(b"picture").hexdigest() not in refs


def test_a_picture_that_was_changed_on_the_card_is_not_shown(tmp_path: Path) -> None:
    one = shelf(tmp_path)
    ref = put(one, b"picture", NOON)
    (tmp_path / "pictures" / ref).write_bytes(b"another one")
    assert one.read(ref) is None


@pytest.mark.parametrize("ref", ["", "../journal.db", "a" * 63, "A" * 64, "a" * 64, "." * 64])
def test_only_a_reference_opens_a_file(tmp_path: Path, ref: str) -> None:
    assert shelf(tmp_path).read(ref) is None


def test_after_ninety_days_a_picture_is_erased_unless_it_is_held(tmp_path: Path) -> None:
    one = shelf(tmp_path)
    old, held = put(one, b"old", NOON), put(one, b"held", NOON)
    new = put(one, b"new", NOON + timedelta(days=60))
    one.trim(NOON + timedelta(days=91), held={held})
    assert files(tmp_path) == {held, new}
    assert one.read(old) is None
    assert one.erased == 1


def test_after_a_start_it_is_known_what_lies_there_and_what_was_half_written_is_gone(tmp_path: Path) -> None:
    ref = put(shelf(tmp_path), b"old", NOON)
    (tmp_path / "pictures" / f".{'b' * 64}{atomic.PARTIAL}").write_bytes(b"half")
    again = shelf(tmp_path)
    again.trim(NOON + timedelta(days=1))
    assert again.bytes == 16 + 3
    assert files(tmp_path) == {ref}
    again.trim(NOON + timedelta(days=91))
    assert files(tmp_path) == set()


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100), st.booleans()), max_size=30))
@settings(deadline=None, max_examples=40)
def test_it_never_takes_more_than_its_share_and_the_oldest_that_is_not_held_goes_first(
    tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[int, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    one, held, kept = shelf(folder, most=1000), set[str](), dict[str, int]()
    for size, day, hold in given_:
        before = dict(kept)
        ref = put(one, bytes(size), NOON + timedelta(days=day), held)
        kept[ref] = day
        gone = set(kept) - files(folder)
        left = set(before) - gone
        for lost in gone:
            assert lost in held or all(kept[lost] <= kept[other] for other in left - held)
            assert lost not in held or not left - held
            del kept[lost]
        held |= {ref} if hold else set()
        assert one.bytes == sum(path.stat().st_size for path in (folder / "pictures").iterdir()) <= 1000


def test_a_picture_larger_than_the_shelf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room"):
        put(shelf(tmp_path, most=100), bytes(200), NOON)


def test_a_card_that_is_nearly_full_belongs_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shelf(tmp_path, left=1_000_000)
    ref = put(one, b"old", NOON)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1_000_000))
    with pytest.raises(OSError, match="no room"):
        put(one, b"new", NOON)
    assert one.read(ref) is None  # it made what room it could


def test_a_card_that_takes_nothing_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shelf(tmp_path)
    ref = put(one, b"old", NOON)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        put(one, b"new", NOON)
    assert files(tmp_path) == {ref}
    assert one.bytes == 16 + 3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=60))
def test_the_short_memory_is_bounded_and_knows_the_newest_of_each_camera(put: list[tuple[str, int]]) -> None:
    ring, newest = Ring(each=2, most=1000), dict[str, Shot]()
    for number, (camera, size) in enumerate(put):
        newest[camera] = Shot(camera, NOON + timedelta(seconds=number), bytes(size))
        ring.put(newest[camera])
        assert ring.newest(camera) is newest[camera]
        assert ring.bytes <= 1000
    ring.keep_only({"a"})
    assert ring.newest("b") is None
    assert ring.bytes <= 800
    ring.put(Shot("a", NOON, bytes(BIGGEST + 1)))
    assert ring.newest("a") is newest.get("a") or len(newest) > 1
