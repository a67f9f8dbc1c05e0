"""Profiles: what may be written, what is refused and why, and that every shipped one is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from drivers.points import BIT_TABLES, Certainty, Kind
from drivers.profile import SHIPPED, profile_from, profile_path, schema, shipped
from sentinel.commands.profiles import load_profile
from sentinel.core.model import Role
from sentinel.settings.yaml import load_yaml

CARD = Path(__file__).parent.parent.parent / "docs" / "drivers" / "modbus.md"
ISSUE = {"waveshare-relay-di8", "xy-md02", "pzem-017", "honeywell-cgw-mb", "generic-zone-panel"}


def written(*points: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A small profile as parsed YAML."""
    point = {"id": "p", "table": "input", "address": 0, "type": "u16"}
    head = {"maker": "m", "model": "x", "summary": "s", "source": "the manual", "certainty": "high"}
    return {**head, "points": [{**point, **p} for p in points or ({},)], **rest}


def refused(data: object) -> str:
    with pytest.raises(ValidationError) as caught:
        profile_from(data)
    return str(caught.value)


def test_the_profiles_of_the_issue_are_shipped() -> None:
    assert set(shipped()) >= ISSUE


def test_the_schema_beside_the_profiles_is_the_one_of_the_code() -> None:
    assert (SHIPPED / "schema.json").read_text() == schema(), "run: python -m drivers.profile --schema"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_stands_on_the_drivers_card_as_sure_as_it_is(name: str) -> None:
    (row,) = [line for line in CARD.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    profile = load_profile(name)
    assert row.split(" | ")[3] == profile.source.certainty
    assert (row.split(" | ")[2].startswith("-")) is not bool(profile.identity)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_passes_the_strict_loader_and_the_schema(name: str) -> None:
    data = load_yaml(profile_path(name)).data
    jsonschema.validate(data, json.loads(schema()))
    assert profile_from(data).points()


@pytest.mark.parametrize("name", shipped())
def test_every_number_of_a_shipped_profile_has_a_source_and_a_certainty(name: str) -> None:
    profile = load_profile(name)
    sources = [profile.source, *(check.source for check in profile.identity)]
    sources += [part.source for part in (*profile.points(),)] + [part.source for part in profile.test_commands]
    assert all(len(source.text) > 10 and source.certainty in Certainty for source in sources)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_tells_a_measured_value_its_unit_and_its_limits(name: str) -> None:
    for point in load_profile(name).points():
        if point.gives == "number" and point.id != "troubles":
            assert point.unit, point.id
            assert point.limits or point.id == "energy", point.id


def test_the_templates_numbers_are_said_to_be_nobodys() -> None:
    assert load_profile("generic-zone-panel").source.certainty is Certainty.UNCONFIRMED


def test_a_point_without_a_source_of_its_own_has_the_profiles() -> None:
    plain, own = profile_from(written({"id": "a"}, {"id": "b", "certainty": "low", "source": "a forum"})).points()
    assert (plain.source.text, plain.source.certainty) == ("the manual", Certainty.HIGH)
    assert (own.source.text, own.source.certainty) == ("a forum", Certainty.LOW)


def test_a_zone_list_is_written_once_and_becomes_its_zones() -> None:
    zone = {"id": "zone", "table": "discrete", "type": "bool", "repeat": {"count": 3, "max": 8, "step": 2}}
    profile = profile_from(written(zone))
    assert [(p.id, p.address) for p in profile.points()] == [("zone1", 0), ("zone2", 2), ("zone3", 4)]
    assert len(profile.points({"zone": 8})) == 8
    assert profile.points({"zone": 0}) == ()


def test_a_panel_cannot_be_given_more_zones_than_it_has() -> None:
    zone = {"id": "zone", "table": "discrete", "type": "bool", "repeat": {"count": 3, "max": 8, "step": 1}}
    with pytest.raises(ValueError, match=r"counts\.zone: 9 is not from 0 to 8"):
        profile_from(written(zone)).points({"zone": 9})


def test_a_count_for_a_list_that_is_not_there_names_the_lists_that_are() -> None:
    with pytest.raises(ValueError, match=r"counts\.zones: .*its lists: di, relay, mode"):
        load_profile("waveshare-relay-di8").points({"zones": 3})


def test_packed_zone_fields_walk_through_the_word_and_into_the_next() -> None:
    field = {"id": "z", "table": "holding", "address": 5, "mask": 3, "repeat": {"count": 9, "bits": 2}}
    points = profile_from(written(field)).points()
    assert [(p.address, p.mask, p.shift) for p in points[:2]] == [(5, 0b11, 0), (5, 0b1100, 2)]
    assert [(p.address, p.mask, p.shift) for p in points[7:]] == [(5, 0xC000, 14), (6, 0b11, 0)]


def test_bits_of_a_register_walk_too() -> None:
    bit = {"id": "t", "type": "bool", "bit": 14, "repeat": {"count": 3, "bits": 1}}
    assert [(p.address, p.bit) for p in profile_from(written(bit)).points()] == [(0, 14), (0, 15), (1, 0)]


def test_addresses_are_those_of_the_protocol_not_of_the_manual() -> None:
    zones = {point.id: point for point in load_profile("honeywell-cgw-mb").points({"zone": 2000})}
    assert zones["zone1"].address == 408001 - 400001
    assert zones["zone2000"].address == 410000 - 400001


def test_a_manuals_hexadecimal_number_may_be_written_as_it_is_printed() -> None:
    profile = profile_from(written({"address": "0x8000", "absent": ["0x7FFF"], "enum": {"0xFF": "on"}}))
    assert profile.points()[0].address == 0x8000
    assert (profile.points()[0].absent, profile.points()[0].states) == ((0x7FFF,), ((255, "on"),))


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"id": "identity"}, "kept for the device's own check"),
        ({"id": "Zone 1"}, "should match pattern"),
        ({"table": "coil"}, "a coil or discrete input is a bool"),
        ({"table": "coil", "type": "bool", "bit": 1}, "has no bit"),
        ({"type": "bool"}, "needs its bit"),
        ({"bit": 3}, "only a bool has a bit"),
        ({"active_low": True}, "only a bool is active_low"),
        ({"type": "i16", "mask": 3}, "only a u16 has mask and shift"),
        ({"mask": 1, "shift": 4}, "no bit at or above the shift"),
        ({"enum": {"1": "a"}, "match": [{"mask": 1, "equals": 1, "state": "a"}]}, "either enum or match"),
        ({"type": "i16", "enum": {"1": "a"}}, "states are read from a u16 or u32"),
        ({"mask": 3, "match": [{"mask": 1, "equals": 1, "state": "a"}]}, "match reads the whole u16"),
        ({"enum": {"1": "a"}, "scale": 0.1}, "states have no scale"),
        ({"type": "bool", "bit": 0, "scale": 0.1}, "a bool is only a bool"),
        ({"type": "f32", "absent": [0]}, "use limits"),
        ({"order": "CDAB"}, "only 32-bit types have an order"),
        ({"limits": [5, 1]}, "limits are \\[low, high\\]"),
        ({"repeat": {"count": 2, "bits": 2}}, "needs a bit or a mask"),
        ({"repeat": {"count": 2}}, "moves on by step addresses or by bits"),
        ({"repeat": {"count": 5, "max": 4, "step": 1}}, "count 5 is above max 4"),
        ({"match": [{"mask": 1, "equals": 3, "state": "a"}]}, "bits outside mask"),
        ({"match": [{"mask": 1, "equals": 1}]}, "either state or absent"),
        ({"address": 65535, "type": "u32"}, "above 65535"),
        ({"address": 65536}, "less than or equal to 65535"),
        ({"scale": 0}, "greater than 0"),
        ({"interval": "0s"}, "greater than 0"),
        ({"interval": "often"}, "is no duration"),
        ({"adress": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_contradiction_in_a_point_is_refused_with_its_reason(point: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        profile_from(written(point))


def test_a_name_given_twice_is_refused_even_when_a_list_makes_it() -> None:
    listed = {"id": "z", "repeat": {"count": 2, "step": 1}}
    assert "z2: the name is given twice" in refused(written(listed, {"id": "z2", "address": 9}))


def test_a_list_must_fit_even_at_its_longest() -> None:
    listed = {"id": "z", "repeat": {"count": 2, "max": 9, "step": 1}}
    assert "z9: the name is given twice" in refused(written(listed, {"id": "z9", "address": 90}))
    assert "address 65536 is above 65535" in refused(written({**listed, "address": 65530}))


def test_an_identity_check_says_one_thing() -> None:
    check = {"table": "holding", "address": 1}
    assert "either equals or range" in refused(written(identity=[check]))
    assert "either equals or range" in refused(written(identity=[{**check, "equals": 1, "range": [0, 2]}]))


def test_a_device_that_gives_one_register_a_time_cannot_have_wide_points() -> None:
    assert "needs 2" in refused(written({"type": "u32"}, limits={"max_registers": 1}))


def test_durations_are_written_as_people_say_them() -> None:
    spans = ["250ms", "2s", "1.5m", "1h", 7]
    points = [{"id": f"p{i}", "interval": span} for i, span in enumerate(spans)]
    assert [p.interval_s for p in profile_from(written(*points)).points()] == [0.25, 2, 90, 3600, 7]


def test_a_users_own_profile_is_taken_by_its_path(tmp_path: Path) -> None:
    own = tmp_path / "my-panel.yaml"
    own.write_text((SHIPPED / "generic-zone-panel.yaml").read_text().replace("maker: any", "maker: Ravel"))
    assert load_profile(str(own)).maker == "Ravel"


def test_a_wrong_name_of_a_profile_is_told_with_the_right_one() -> None:
    with pytest.raises(LookupError, match="did you mean 'xy-md02'"):
        load_profile("xy-md2")


def test_faults_in_a_users_profile_come_with_their_lines(tmp_path: Path) -> None:
    own = tmp_path / "p.yaml"
    own.write_text((SHIPPED / "xy-md02.yaml").read_text().replace("type: i16", "type: i17"))
    with pytest.raises(ValueError, match=r"p\.yaml:\d+: points\[0\]\.type: is not known; did you mean 'i16'"):
        load_profile(str(own))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_profile(str(tmp_path / "none.yaml"))


def test_the_hold_up_board_warns_that_inputs_work_relays_as_it_leaves_the_factory() -> None:
    modes = [p for p in load_profile("waveshare-relay-di8").points() if p.id.startswith("mode")]
    assert len(modes) == 8
    assert all(("linkage" in dict(p.states).values()) and p.kind is Kind.U16 for p in modes)


def test_roles_that_a_profile_suggests_exist_and_bits_stay_bits() -> None:
    for name in shipped():
        for point in load_profile(name).points():
            assert point.role is None or point.role in Role
            assert (point.table in BIT_TABLES) <= (point.kind is Kind.BOOL)
