"""What the config promises of cameras: which places are seen, how long footage is kept, whose account is used."""

from __future__ import annotations

import pytest

from drivers import recorder as drivers_recorder
from sentinel.core.model import Sight
from sentinel.settings.changes import difference
from sentinel.settings.fingerprint import fingerprint
from sentinel.settings.seeing import FACTORY, SUGGESTED
from tests.settings.test_deriving import LINES, MUST, recorder
from tests.settings.town import changed, errors, loaded, said


def with_recorder(*edits: tuple[str, str], inside: str = "", camera: str = "") -> list[str]:
    return said(LINES, recorder(inside, camera), *edits)


def test_a_place_that_no_camera_sees_is_a_finding_in_those_words() -> None:
    found = with_recorder(("  own_addresses:", "  must_see: [road, back]\n  own_addresses:"))
    assert (
        "branch.must_see: finding: no camera sees the back: add back to what a camera sees, "
        "or take it with not_seen_accepted: [back]" in found
    )
    assert not any("the road" in line for line in found)


def test_a_place_that_the_bank_leaves_unseen_is_a_note_until_a_camera_sees_it() -> None:
    seen = ("  own_addresses:", "  must_see: [road, back]\n  not_seen_accepted: [back]\n  own_addresses:")
    assert "branch.must_see: note: no camera sees the back (accepted)" in with_recorder(seen)
    now = with_recorder(seen, ("sees: [road]", "sees: [road, back]"))
    assert "branch.not_seen_accepted: finding: a camera sees the back now: take back away" in now


def test_what_is_accepted_and_was_never_asked_for_is_a_slip() -> None:
    odd = ("  own_addresses:", "  must_see: [road]\n  not_seen_accepted: [atm]\n  own_addresses:")
    assert "branch.not_seen_accepted: finding: atm is not in must_see: take it away" in with_recorder(odd)


def test_a_branch_with_a_recorder_says_what_must_be_seen() -> None:
    [found] = [line for line in with_recorder() if "must_see" in line]
    assert found.startswith(
        "branch: finding: must_see is missing: nobody notices a side without a camera; write must_see: ["
    )
    assert "left, right, road" in found


def test_a_branch_without_cameras_is_not_asked() -> None:
    assert not any("must_see" in line for line in said())


def test_every_kind_of_site_has_its_suggestion() -> None:
    for places in SUGGESTED.values():
        assert Sight.ENTRANCE in places
        assert Sight.ROAD in places


def test_a_camera_watches_zones_that_exist() -> None:
    found = with_recorder(MUST, camera=", watches: [counter, dor]")
    assert "devices.dvr.cameras.gate.watches[1]: there is no zone 'dor'; did you mean 'door'?" in found
    assert not any("watches[0]" in line for line in found)


@pytest.mark.parametrize("account", sorted(FACTORY - {"888888", "666666"}))
def test_the_maker_s_own_account_is_a_finding(account: str) -> None:
    found = with_recorder(MUST, ("host: 192.0.2.20", f"host: 192.0.2.20, username: {account}"))
    assert any("make an operator account of the gateway's own" in line for line in found)


def test_the_accounts_are_those_that_the_drivers_know() -> None:
    assert FACTORY == drivers_recorder.FACTORY


@pytest.mark.parametrize(
    ("host", "told"),
    [("192.168.1.64", False), ("10.4.0.9", False), ("dvr", False), ("dvr.local", False), ("169.254.1.1", False),
     ("8.8.8.8", True), ("dvr.bank.example", True), ("2001:4860::8888", True)],
)  # fmt: skip
def test_a_recorder_beyond_the_building_is_asked_over_tls(host: str, told: bool) -> None:
    found = with_recorder(MUST, ("host: 192.0.2.20", f'host: "{host}"'))
    assert any("nothing on the way is encrypted" in line for line in found) is told
    safe = with_recorder(MUST, ("host: 192.0.2.20", f'host: "{host}", tls: verify'))
    assert not any("encrypted" in line for line in safe)


def test_an_odd_number_of_days_is_a_note() -> None:
    assert "devices.dvr.footage.days: note: 60 days; banks and police ask for 30, 90 or 180" in with_recorder(
        MUST, inside=", footage: {days: 60}"
    )
    assert not any("footage" in line for line in with_recorder(MUST, inside=", footage: {days: 180}"))


def test_a_good_recorder_leaves_nothing_to_say() -> None:
    assert errors(LINES, recorder(), MUST) == []


# --- Weakenings -----------------------------------------------------------------------------------------------------

HELD = ", footage: {days: 90, hold_since: 2026-08-01}"
FULL = ", watches: [door]"


def weakened(old: tuple[tuple[str, str], ...], new: tuple[tuple[str, str], ...]) -> set[str]:
    prints = []
    for edits in (old, new):
        result = loaded(changed(LINES, *edits))
        assert result.settings is not None, result.problems
        prints.append(fingerprint(result.settings)[1])
    return {change.path for change in difference(prints[0], prints[1]) if change.weakens}


GOOD = (recorder(HELD, FULL), MUST)


@pytest.mark.parametrize(
    ("new", "path"),
    [
        ((recorder(HELD, FULL), ("  own_addresses:", "  must_see: []\n  own_addresses:")), "branch.must_see"),
        (
            (
                recorder(HELD, FULL),
                ("  own_addresses:", "  must_see: [road]\n  not_seen_accepted: [road]\n  own_addresses:"),
            ),
            "branch.not_seen_accepted",
        ),
        ((recorder(HELD.replace("90", "30"), FULL), MUST), "devices.dvr.options.footage.days"),
        ((recorder(", footage: {days: 90}", FULL), MUST), "devices.dvr.options.footage.hold_since"),
        ((recorder(HELD.replace("08", "09"), FULL), MUST), "devices.dvr.options.footage.hold_since"),
        ((recorder(HELD, ""), MUST), "devices.dvr.options.cameras.gate.watches"),
        ((recorder(HELD, FULL + ", record: motion"), MUST), "devices.dvr.options.cameras.gate.record"),
        (
            ((recorder()[0], recorder(HELD, FULL)[1].replace("sees: [road]", "sees: [back]")), MUST),
            "devices.dvr.options.cameras.gate.sees",
        ),
        (
            ((recorder()[0], recorder(HELD, FULL)[1].replace("gate: {", "other: {")), MUST),
            "devices.dvr.options.cameras.gate",
        ),
        ((MUST,), "devices.dvr"),
    ],
)
def test_less_seen_or_kept_is_told_as_a_change_that_weakens(new: tuple[tuple[str, str], ...], path: str) -> None:
    assert path in weakened(GOOD, new)


def test_more_seen_and_kept_weakens_nothing() -> None:
    more = (recorder(HELD.replace("90", "180").replace("08", "07"), ", watches: [door, counter]"), MUST)
    assert weakened(GOOD, more) == set()
