"""The checks of who is told: paths, ladders, contacts. Each test fails without its check."""

from __future__ import annotations

import pytest

from sentinel.settings.checks import CHECKS
from tests.settings.town import errors, said

FIRST = "      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}]}\n      - {after: 1m"
SHO_SECRET = "note: sho's address is a secret that is absent: not compared with those in the branch"


def first_step(tells: str) -> tuple[str, str]:
    """An edit that replaces the hold-up ladder's first step."""
    return (FIRST, f"      - {{after: 0s, tell: [{tells}]}}\n      - {{after: 1m")


def test_two_paths_on_one_interface_are_an_error() -> None:
    assert "paths.lte: is on eth0 like paths.wan: two paths on one interface are one" in errors(("wwan0", "eth0"))


def test_two_paths_are_believed_only_as_far_as_the_routing_table_is() -> None:
    found = [line for line in said() if "no channel is bound to wwan0 yet" in line]
    assert len(found) == 1
    assert found[0].startswith("paths.lte.interface: note:")
    assert "while wan is up" not in found[0]
    assert "while eth0 is up" in found[0]


@pytest.mark.parametrize("alias", ["eth0.10", "eth0:1"])
def test_a_vlan_or_an_alias_is_no_second_interface(alias: str) -> None:
    assert any("two paths on one interface are one" in e for e in errors(("wwan0", alias)))


def test_a_critical_ladder_without_two_paths_is_an_error() -> None:
    found = errors(("path: lte", "path: wan"))
    assert [e.split(":")[0] for e in found] == ["ladders.hold-up.steps[0]", "ladders.fire.steps[0]"]
    assert all(
        "needs two paths, and has 1: add a channel on another path, or write single_path: accepted" in e for e in found
    )


def test_a_second_path_on_a_later_step_does_not_count() -> None:
    found = errors(
        ("path: lte", "path: wan"),
        ("  room: {kind: mqtt", "  late: {kind: email, path: lte, host: late.example}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", "{late: s@bank.example}"),
        ("security, by: mail", "security, by: late"),
    )
    assert any("ladders.hold-up.steps[0]: a critical ladder's first step needs two paths" in e for e in found)


ONE_PATH = (
    ("path: lte", "path: wan"),
    ("severity: [critical]\n", "severity: [critical]\n    single_path: accepted\n"),
    ("roles: [fire, smoke]\n", "roles: [fire, smoke]\n    single_path: accepted\n"),
)


def test_one_path_can_be_taken_by_name() -> None:
    assert errors(*ONE_PATH) == []
    assert "ladders.hold-up.single_path: note: one path only; accepted until there is a second" in said(*ONE_PATH)


def test_taking_one_path_when_there_are_two_is_a_finding() -> None:
    found = errors(*ONE_PATH[1:])
    assert "ladders.hold-up.single_path: finding: there are two paths now: take it away" in found


def test_a_lamp_in_the_branch_is_no_second_path() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  lamp: {kind: siren, path: local}\n  room: {kind: mqtt"),
        ("path: lte", "path: wan"),
        ("{room: durg}", "{room: durg, lamp: x}"),
        ("{contact: manager, by: mail}]}\n  rest", "{contact: thana, by: lamp}]}\n  rest"),
    )
    assert any("ladders.fire.steps[0]: a critical ladder's first step needs two paths, and has 1" in e for e in found)


def ends(found: list[str]) -> str:
    return next(e.partition("person or server: ")[2] for e in found if "hold-up" in e and "needs two ends" in e)


def test_two_ways_to_one_contact_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: room}, {contact: thana, by: mail}"),
        ("{room: durg}", "{room: durg, mail: t@p.example}"),
    )
    assert ends(found) == "thana by room and thana by mail are one contact"


def test_one_telling_is_one_end() -> None:
    assert ends(errors(first_step("{contact: thana, by: room}"))) == "only thana by room"


def test_two_posts_of_one_person_are_one_end() -> None:
    found = errors(("{room: durg}}", "{room: durg}, persons: [{name: r. verma, from: 2026-02-01}]}"))
    assert ends(found) == "thana by room and sho by mail share a person"


def test_a_person_who_left_before_the_other_came_is_not_shared() -> None:
    assert (
        errors(("{room: durg}}", "{room: durg}, persons: [{name: R. Verma, from: 2025-01-01, until: 2025-12-31}]}"))
        == []
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("room.example", "ROOM.example."), ("2001:db8::1", '"2001:0DB8:0:0::1"'), ("192.0.2.7", "192.0.2.7")],
)
def test_one_server_under_two_spellings_is_one_end(one: str, other: str) -> None:
    found = errors(("host: room.example", f"host: '{one}'"), ("host: mail.example", f"host: {other}"))
    assert ends(found) == f"thana by room and sho by mail share the server {one}"


def test_two_ends_on_one_server_are_one() -> None:
    assert (
        ends(errors(("host: mail.example", "host: Room.example")))
        == "thana by room and sho by mail share the server room.example"
    )


def test_two_mailboxes_on_one_server_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: other}, {contact: security, by: mail}"),
        ("{room: durg}", "{other: t@bank.example}"),
        ("  room: {kind: mqtt", "  other: {kind: email, path: wan, host: other.example}\n  room: {kind: mqtt"),
        (
            "[{contact: thana, by: room}, {contact: sho, by: mail}, {contact: manager",
            "[{contact: sho, by: mail}, {contact: manager",
        ),
    )
    assert ends(found) == "thana by other and security by mail share the server bank.example"


def test_two_contacts_behind_one_secret_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: other}, {contact: sho, by: mail}"),
        ("{room: durg}", "{other: !credential sho-mail}"),
        ("  room: {kind: mqtt", "  other: {kind: email, path: wan, host: other.example}\n  room: {kind: mqtt"),
        (
            "[{contact: thana, by: room}, {contact: sho, by: mail}, {contact: manager",
            "[{contact: sho, by: mail}, {contact: manager",
        ),
    )
    assert ends(found) == "thana by other and sho by mail have one address"


def test_one_end_on_a_single_path_is_still_a_finding() -> None:
    found = errors(*ONE_PATH, first_step("{contact: thana, by: room}"))
    assert any(
        e.startswith("ladders.hold-up.steps[0]: finding: a critical ladder's first step needs two ends") for e in found
    )


def test_a_role_nobody_is_told_about_is_an_error() -> None:
    found = errors(("  rest:\n    round: 1h", "  rest:\n    severity: [high]\n    round: 1h"))
    assert "zones.battery.role: nobody is told of battery (fault): add it to a ladder" in found
    assert any(e.startswith("ladders: nobody is told of the gateway's own audit, coverage, delivery") for e in found)


def test_the_fault_of_a_hold_up_button_is_told_to_somebody_too() -> None:
    found = errors(("  rest:\n    round: 1h", "  rest:\n    severity: [fault]\n    round: 1h"))
    assert "zones.counter.role: nobody is told of hold-up (high): add it to a ladder" in found
    assert "zones.door.role: nobody is told of intrusion (high): add it to a ladder" in found


def test_an_opening_out_of_hours_is_told_to_somebody() -> None:
    found = errors(("role: intrusion", "role: opening"), ("  rest:\n", "  rest:\n    severity: [fault]\n"))
    assert "zones.door.role: nobody is told of opening (high): add it to a ladder" in found


def test_a_critical_ladder_that_waits_is_an_error() -> None:
    assert "ladders.fire.steps[0].after: a critical ladder starts at once: write 0s" in errors(
        ("      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}, {",
         "      - {after: 5s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}, {")
    )  # fmt: skip


def test_a_critical_ladder_that_begins_without_the_police_is_a_finding() -> None:
    found = errors(("party: police, name", "party: bank, name"), ("    party: police\n", "    party: bank\n"))
    assert any("hold-up.steps[0]: finding: neither the police nor a room is told on the first step" in e for e in found)


def test_a_critical_ladder_comes_round_within_a_quarter_of_an_hour() -> None:
    assert errors(("round: 5m", "round: 15m")) == []
    late = "s is too long before a critical incident is told again: write 15m or less"
    assert errors(("round: 5m", "round: 16m")) == [f"ladders.hold-up.round: finding: 960 {late}"]
    assert errors(("round: 5m", "round: 100h")) == [f"ladders.hold-up.round: 360000 {late}"]


SECOND = "{contact: security, by: mail}"


def test_a_hold_up_ladder_that_tells_somebody_on_site_is_an_error() -> None:
    assert errors((SECOND, "{contact: manager, by: mail}")) == [
        "ladders.hold-up.steps[1].tell[0]: manager is on_site: tell the bank's off-site security officer"
    ]


def test_a_hold_up_ladder_that_tells_a_shared_group_is_an_error() -> None:
    found = errors(("language: en, addresses: {mail: s@", "language: en, shared_group: true, addresses: {mail: s@"))
    assert found == [
        "ladders.hold-up.steps[1].tell[0]: security is a shared group, and who reads it is not known: tell persons"
    ]


def test_a_hold_up_ladder_that_writes_to_the_branch_is_an_error() -> None:
    found = errors(("{mail: s@bank.example}", "{mail: Branch@Bank.Example}"))
    assert found == [
        "ladders.hold-up.steps[1].tell[0]: security by mail is the address of the branch (own_addresses): it rings in the branch"
    ]


def test_the_branch_telephone_is_known_however_it_is_written() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  phone: {kind: siren, path: lte}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", '{phone: "0788-2220000"}'),
        (SECOND, "{contact: security, by: phone}"),
    )
    assert any("security by phone is the address of the branch" in e for e in found)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("m@bank.example", "branch+alarm@bank.example"),
        ("m@bank.example", "m+so@bank.example"),
        ("+९१ ७८८ २२२ ००००", "+91 788 222 0000"),
        ("+91 788 222 0000", "tel:+917882220000"),
        ("+91 788 222 0000", "0788/222/0000"),
    ],
)
def test_another_spelling_of_an_address_in_the_branch_still_rings_in_the_branch(own: str, told: str) -> None:
    found = errors(
        ("+91 788 222 0000", own),
        ("{mail: s@bank.example}", f'{{phone: "{told}"}}'),
        ("  room: {kind: mqtt", "  phone: {kind: siren, path: lte}\n  room: {kind: mqtt"),
        (SECOND, "{contact: security, by: phone}"),
    )
    assert any("security by phone is the address of" in e and "it rings in the branch" in e for e in found)


def test_a_secret_address_is_compared_once_it_is_there() -> None:
    note = f"ladders.hold-up.steps[0].tell[1]: {SHO_SECRET}"
    assert note in said()
    assert note not in said(reveal=lambda _: "sho@police.example")
    assert any("sho by mail is the address of the branch" in e for e in said(reveal=lambda _: "BRANCH@bank.example"))


def test_a_hold_up_ladder_that_sounds_a_siren_is_an_error() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  siren: {kind: siren, path: local}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", "{siren: relay}"),
        (SECOND, "{contact: security, by: siren}"),
    )
    assert any("siren sounds in the branch: a hold-up is silent" in e for e in found)


def test_the_address_of_somebody_on_site_under_another_name_is_an_error() -> None:
    (found,) = errors(("{mail: s@bank.example}", "{mail: M@bank.example}"))
    assert found.startswith(
        "ladders.hold-up.steps[1].tell[0]: security by mail is the address of manager, who is on_site"
    )


PERSON = "persons: [{name: A. Rao, from: 2026-01-01%s}], "


def test_a_person_on_site_who_holds_another_post_too_is_an_error() -> None:
    found = errors(("on_site: true, ", "on_site: true, " + PERSON % ""), ("hi: सुरक्षा}, ", "hi: सुरक्षा}, " + PERSON % ""))
    assert found == ["ladders.hold-up.steps[1].tell[0]: security and manager, who is on_site, are one person"]


def test_a_person_who_left_the_branch_may_hold_another_post() -> None:
    left = PERSON % ", until: 2026-03-31"
    came = PERSON.replace("2026-01-01", "2026-04-01") % ""
    assert errors(("on_site: true, ", "on_site: true, " + left), ("hi: सुरक्षा}, ", "hi: सुरक्षा}, " + came)) == []


def test_a_station_that_cannot_answer_through_its_room_is_a_finding() -> None:
    assert errors(("may_speak_for: [police]", "may_speak_for: []")) == [
        "rooms.durg: finding: thana is told here and cannot answer from here: write may_speak_for: [police]"
    ]


def test_a_contact_told_twice_in_one_step_is_an_error() -> None:
    found = errors((SECOND, f"{SECOND}, {SECOND}"))
    assert "ladders.hold-up.steps[1]: tell: one contact is told twice by one channel: keep one" in found


def test_the_fire_ladder_may_tell_whoever_is_there() -> None:
    assert not any("on_site" in line for line in errors())


def test_a_later_ladder_of_a_hold_up_is_held_to_the_same_silence() -> None:
    found = errors(
        ("roles: [hold-up, duress]", "roles: [duress]"), ("roles: [fire, smoke]", "roles: [fire, smoke, hold-up]")
    )
    assert "ladders.fire.steps[0].tell[2]: manager is on_site: tell the bank's off-site security officer" in found


def test_the_catch_all_ladder_is_held_to_it_when_a_hold_up_falls_through() -> None:
    found = errors(("roles: [hold-up, duress]", "roles: [duress]"))
    assert any(e.startswith("ladders.rest.steps[0].tell[0]: manager is on_site") for e in found)


def test_a_contact_on_no_ladder_is_noted() -> None:
    lines = said((SECOND, "{contact: sho, by: mail}"))
    assert "contacts.security: note: is on no ladder and will never be told" in lines


def test_a_ladder_that_comes_too_late_is_a_finding() -> None:
    found = errors(
        (
            "channels:\n",
            "  late:\n    round: 1h\n    steps: [{after: 0s, tell: [{contact: sho, by: mail}]}]\nchannels:\n",
        )
    )
    assert found == ["ladders.late: finding: comes too late: the ladders above it take everything it names"]


@pytest.mark.parametrize("address", ["सुरक्षा@bank.example", "a..b@bank.example"])
def test_a_mailbox_that_the_channel_would_refuse_is_refused_before_it_runs(address: str) -> None:
    assert errors(("s@bank.example", address)) == [
        "contacts.security.addresses.mail: is no mailbox: write name@server.example"
    ]


def test_a_secret_that_holds_no_mailbox_is_an_error_that_does_not_quote_it() -> None:
    wrong = "contacts.sho.addresses.mail: the secret there holds no mailbox: name@server.example"
    assert wrong in said(reveal=lambda _: "0771-2221234")
    assert not any("2221234" in line for line in said(reveal=lambda _: "0771-2221234"))
    assert wrong not in said(reveal=lambda _: "sho@police.example \n")


def test_every_check_is_in_the_table_once() -> None:
    names = [check.__name__ for check, _ in CHECKS]
    assert len(names) == len(set(names)) == 36
