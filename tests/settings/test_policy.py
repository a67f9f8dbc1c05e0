"""The settings as core gets them: delays from the roles, senses from the wiring, ladders by role and severity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentinel.core.codes import ROLES
from sentinel.core.model import (
    BandSense,
    Condition,
    ContactSense,
    LimitSense,
    Party,
    Policy,
    Role,
    Severity,
    StateSense,
    Zone,
)
from sentinel.settings.policy import policy
from sentinel.settings.wiring import ContactWiring
from tests.settings.town import changed, loaded

if TYPE_CHECKING:
    from sentinel.settings.site import Settings


def settings(*edits: tuple[str, str]) -> Settings:
    result = loaded(changed(*edits))
    assert result.settings is not None, result.problems
    return result.settings


def made(*edits: tuple[str, str]) -> Policy:
    return policy(settings(*edits))


def zone(id_: str, *edits: tuple[str, str]) -> Zone:
    return next(z for z in made(*edits).zones if z.id == id_)


def test_the_branch_is_known_by_its_id_and_number() -> None:
    assert (made().branch, made().number) == ("sbi-1234", 17)


@pytest.mark.parametrize(
    ("contact", "active_low", "alarm_when"),
    [
        ("normally-open", False, True),
        ("normally-open", True, False),
        ("normally-closed", False, False),
        ("normally-closed", True, True),
    ],
)
def test_a_contact_alarms_when_it_leaves_its_rest(contact: str, active_low: bool, alarm_when: bool) -> None:
    wiring = ContactWiring.model_validate({"contact": contact, "active_low": active_low})
    assert wiring.sense() == ContactSense(alarm_when)


@pytest.mark.parametrize("active_low", [False, True])
def test_a_cut_wire_looks_like_an_open_contact_on_every_board(active_low: bool) -> None:
    """A cut wire is an open circuit: the input then reads what `active_low` makes of no current."""
    cut_value = active_low
    for contact in ("normally-open", "normally-closed"):
        wiring = ContactWiring.model_validate({"contact": contact, "active_low": active_low})
        sense = wiring.sense()
        assert isinstance(sense, ContactSense)
        assert (wiring.cut_reads() is Condition.ALARM) == (sense.alarm_when is cut_value)


def test_each_wiring_becomes_its_sense() -> None:
    assert zone("counter").sense == ContactSense(alarm_when=False)
    assert zone("hall").sense == StateSense((("quiet", Condition.NORMAL), ("fire", Condition.ALARM)))
    assert zone("battery").sense == LimitSense(11.5, None, 0.3)
    bands = "{bands: [{low: 400, high: 600, means: normal}, {low: 100, high: 300, means: alarm}], cut: 1023}"
    edits = (("point: smoke.zone1", "point: smoke.loop"), ("{states: {quiet: normal, fire: alarm}}", bands))
    assert zone("hall", *edits).sense == BandSense(((400.0, 600.0, Condition.NORMAL), (100.0, 300.0, Condition.ALARM)))


def test_delays_that_are_not_written_are_the_role_own() -> None:
    for z in made().zones:
        assert (z.on_delay_s, z.off_delay_s) == (ROLES[z.role].on_delay_s, ROLES[z.role].off_delay_s)
    assert zone("counter").on_delay_s == 0


def test_delays_that_are_written_count_even_when_they_are_nothing() -> None:
    door = zone("door", ("role: intrusion", "on_delay: 0s, off_delay: 250ms, stale_after: 1m, role: intrusion"))
    assert (door.on_delay_s, door.off_delay_s, door.stale_after_s) == (0, 0.25, 60)


def test_a_value_grows_stale_after_some_missed_reads_and_never_at_once() -> None:
    assert zone("counter").stale_after_s == 10
    assert zone("battery").stale_after_s == 10
    assert all(z.stale_after_s >= 2 * settings().polled[z.point] for z in made().zones)


def test_a_summary_reaches_core_as_a_summary() -> None:
    hooter = zone("hooter")
    assert (hooter.role, hooter.point) == (Role.SUMMARY, "panel.di8")


def test_names_keep_both_languages() -> None:
    assert (zone("counter").name.hi, zone("counter").name.en) == ("काउंटर", "Counter")


def test_every_point_of_a_device_dies_with_it() -> None:
    devices = {d.id: d for d in made().devices}
    assert set(devices["panel"].points) == {f"panel.di{n}" for n in range(1, 9)}
    assert devices["smoke"].link == "fire"


def test_a_device_without_a_profile_has_the_points_that_zones_use() -> None:
    log = ("  meter: {", "  log: {name: {en: Log, hi: लॉग}, link: fire, driver: stranger}\n  meter: {")
    vault = (
        "zones:\n",
        "zones:\n  v: {point: log.z1, role: vault, name: {en: V, hi: व}, wiring: {contact: normally-open}}\n",
    )
    assert next(d for d in made(log, vault).devices if d.id == "log").points == ("log.z1",)


def ladder_of(policy_: Policy, role: Role, severity: Severity) -> str:
    return next(ladder.id for r, s, ladder in policy_.ladders if (r, s) == (role, severity))


def test_the_first_ladder_that_takes_an_incident_is_climbed() -> None:
    made_ = made()
    assert ladder_of(made_, Role.HOLD_UP, Severity.CRITICAL) == "hold-up"
    assert ladder_of(made_, Role.HOLD_UP, Severity.HIGH) == "rest"
    assert ladder_of(made_, Role.SMOKE, Severity.CRITICAL) == "fire"
    assert ladder_of(made_, Role.JOURNAL, Severity.HIGH) == "rest"
    pairs = [(role, severity) for role, severity, _ in made_.ladders]
    assert len(pairs) == len(set(pairs))


def test_a_target_carries_what_deciding_needs_and_no_address() -> None:
    made_ = made()
    fire = next(ladder for _, _, ladder in made_.ladders if ladder.id == "fire")
    station, officer, manager = fire.steps[0].targets
    assert (station.contact, station.channel, station.path, station.party) == ("thana", "room", "wan", Party.POLICE)
    assert (officer.channel, officer.path, officer.on_site) == ("mail", "lte", False)
    assert (manager.on_site, manager.language) == (True, "en")
    assert fire.round_s == 300
    assert "@" not in repr(made_)


def test_a_room_speaks_only_for_whom_it_may() -> None:
    assert made().room_grants == (("durg", (Party.POLICE,)),)


def test_critical_and_high_points_are_asked_first() -> None:
    assert settings().urgent_points("panel") == {"di1", "di2"}
    assert settings().urgent_points("smoke") == {"zone1"}
    assert settings().urgent_points("meter") == frozenset()
    assert settings().polled["panel.di1"] == 0.1
    assert settings().polled["panel.di3"] == 1.0
