"""Names and numbers lie beside the chain: found again by reference, erased on time, and the chain stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core.facts import ClockQuality
from sentinel.journal.store import Mark, Store
from sentinel.journal.verify import verify
from tests.journal.samples import BOOT, answered, later, signalled, write

if TYPE_CHECKING:
    from pathlib import Path

NAME = "उप-निरीक्षक आर. यादव"


def test_a_name_is_found_again_by_its_reference(store: Store) -> None:
    ref = store.aside(NAME, "name")
    assert store.reveal(ref) == NAME
    assert store.reveal("00000000:" + "0" * 64) is None


def test_the_same_name_has_one_reference_and_another_kind_another(store: Store) -> None:
    ref = store.aside(NAME, "name")
    assert store.aside(NAME, "name") == ref
    assert store.aside(NAME, "text") != ref


def test_a_reference_gives_nothing_away_and_differs_in_every_branch(store: Store, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other.db")
    assert store.aside("+91 98100 00000", "number")[9:] != other.aside("+91 98100 00000", "number")[9:]
    other.close()


def test_erasing_a_name_leaves_the_chain_whole(store: Store, path: Path) -> None:
    ref = store.aside(NAME, "name")
    write(store, signalled(), answered(ref))
    assert store.erase(ref)
    assert not store.erase(ref)
    assert store.reveal(ref) is None
    assert store.aside(NAME, "name") != ref, "whoever comes back later cannot be tied to before"
    store.close()
    report = verify(path)
    assert report.ok, report.why


def test_an_erased_number_is_nowhere_in_the_files_any_more(store: Store, path: Path) -> None:
    number = "+91 98111 22233"
    ref = store.aside(number, "number")
    kept = store.aside("+91 98444 55566", "number")
    write(store, signalled(), answered(ref), answered(kept))
    store.erase(ref)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert number.encode() not in files
    assert b"98444 55566" in files


def test_a_name_goes_when_the_last_fact_that_had_it_is_pruned(store: Store, path: Path) -> None:
    old, both = store.aside("A. Old", "name"), store.aside("B. Both", "name")
    unused = store.aside("C. Not yet", "name")
    write(store, answered(old), answered(both))
    write(store, answered(both))
    sealed = store.seal(Mark(store.head().epoch, 3), None, at=later(1), boot=BOOT, clock=ClockQuality.SYNCED)
    assert sealed is not None
    assert [store.reveal(ref) for ref in (old, both, unused)] == [None, "B. Both", "C. Not yet"]
    store.close()
    assert verify(path).ok
