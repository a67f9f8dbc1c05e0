"""The table that everybody reads: agreed codes, what latches, what is silent; and the page that publishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentinel.core import words
from sentinel.core.codes import ROLES, RoleRule, is_critical
from sentinel.core.model import Role, Severity

PAGE = Path(__file__).parents[2] / "docs" / "codes.md"
CRITICAL = {
    Role.HOLD_UP,
    Role.DURESS,
    Role.PANIC,
    Role.FIRE,
    Role.SMOKE,
    Role.HEAT,
    Role.CALL_POINT,
}
# From the tables of panels' manuals (Ademco, DSC, HAI), not from the code.
AGREED = {
    Role.HOLD_UP: (122, "HA", "HH"),
    Role.DURESS: (121, "HA", "HH"),
    Role.PANIC: (120, "PA", "PH"),
    Role.FIRE: (110, "FA", "FH"),
    Role.SMOKE: (111, "FA", "FH"),
    Role.HEAT: (114, "KA", "KH"),
    Role.CALL_POINT: (115, "FA", "FH"),
    Role.INTRUSION: (130, "BA", "BH"),
    Role.VAULT: (133, "BA", "BH"),
    Role.TAMPER: (137, "TA", "TR"),
    Role.MAINS: (301, "AT", "AR"),
    Role.BATTERY: (302, "YT", "YR"),
    Role.FIRE_FAULT: (373, "FT", "FJ"),
    Role.PATH: (350, "YC", "YK"),
    Role.RECORDER_CLOCK: (626, "JT", "JT"),
}


def row(role: Role, rule: RoleRule) -> str:
    """One role as the published page shows it."""
    traits = [word for word, true in (("latched", rule.latching), ("silent in the branch", rule.silent)) if true]
    return (
        f"| `{role}` | {words.ROLES[role].en} | {words.ROLES[role].hi} | {rule.event or '-'} | "
        f"{f'{rule.sia}/{rule.sia_restore}' if rule.sia else '-'} | {rule.severity} | {', '.join(traits) or '-'} | "
        f"{rule.on_delay_s:g} / {rule.off_delay_s:g} | {rule.trouble_event} ({rule.trouble_severity}) |"
    )


def test_every_role_has_its_row() -> None:
    assert set(ROLES) == set(Role)


def test_the_published_page_says_what_the_code_does() -> None:
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert table == [row(role, rule) for role, rule in ROLES.items()]


@pytest.mark.parametrize("role", sorted(AGREED))
def test_the_codes_are_those_that_receivers_understand(role: Role) -> None:
    rule = ROLES[role]
    assert (rule.event, rule.sia, rule.sia_restore) == AGREED[role]


def test_what_is_critical_is_agreed_and_all_of_it_is_latched() -> None:
    assert {role for role in Role if is_critical(role)} == CRITICAL
    assert {role for role, rule in ROLES.items() if rule.latching} == CRITICAL


def test_hold_up_and_duress_are_silent_and_nothing_else_is() -> None:
    assert {role for role, rule in ROLES.items() if rule.silent} == {Role.HOLD_UP, Role.DURESS}


def test_hold_up_and_duress_are_never_debounced() -> None:
    assert ROLES[Role.HOLD_UP].on_delay_s == ROLES[Role.DURESS].on_delay_s == ROLES[Role.PANIC].on_delay_s == 0


def test_no_critical_alarm_waits_for_longer_than_a_contact_is_closed() -> None:
    assert max(ROLES[role].on_delay_s for role in CRITICAL) <= 0.4


def test_a_critical_point_that_cannot_be_believed_is_high() -> None:
    assert {ROLES[role].trouble_severity for role in CRITICAL} == {Severity.HIGH}


@pytest.mark.parametrize("role", sorted(role for role in Role if role is not Role.MEASURE))
def test_every_code_is_one_that_the_protocols_can_carry(role: Role) -> None:
    rule = ROLES[role]
    assert 100 <= rule.event <= 999
    assert 100 <= rule.trouble_event <= 999
    for code in (rule.sia, rule.sia_restore):
        assert len(code) == 2
        assert code.isascii()
        assert code.isupper()


@pytest.mark.parametrize("role", sorted(Role))
def test_delays_are_short_and_no_restore_is_quicker_than_it_can_be_seen(role: Role) -> None:
    rule = ROLES[role]
    assert 0 <= rule.on_delay_s <= 60
    assert 0 <= rule.off_delay_s <= 60
    assert rule.severity is not Severity.CRITICAL or rule.off_delay_s >= 1
