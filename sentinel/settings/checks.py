"""The cross checks, in one table: each with the sections it needs whole, so that one slip is not told as ten.

Pure. `references` says which names lead nowhere; `meaning` says what the config as a whole would do to people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.settings import recording, seeing, telling, wires
from sentinel.settings.references import references
from sentinel.settings.said import Look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from sentinel.settings.said import Check, Reveal, Said
    from sentinel.settings.site import Settings

__all__ = ["meaning", "references"]

_WHO = frozenset({"zones", "contacts", "ladders", "channels", "paths"})

CHECKS: tuple[tuple[Check, frozenset[str]], ...] = (
    (wires.one_talker_a_line, frozenset()),
    (wires.drivers_speak_as_their_links, frozenset()),
    (wires.one_device_a_conversation, frozenset()),
    (wires.one_device_a_unit, frozenset()),
    (wires.units_that_a_serial_line_has, frozenset()),
    (wires.one_zone_a_point, frozenset()),
    (wires.one_id_a_zone, frozenset()),
    (wires.summaries_stay_summaries, frozenset()),
    (wires.zones_are_inputs, frozenset()),
    (wires.critical_contacts_are_seen_in_time, frozenset({"devices", "zones"})),
    (wires.ages_outlast_the_polls, frozenset({"devices", "zones"})),
    (wires.critical_zones_are_missed_soon, frozenset({"devices", "zones"})),
    (wires.panels_that_fall_silent_are_missed_soon, frozenset({"devices", "zones"})),
    (wires.cut_wires_are_seen, frozenset()),
    (wires.other_words_are_known, frozenset()),
    (wires.words_mean_what_they_say, frozenset()),
    (wires.silent_buttons_do_not_wait, frozenset()),
    (wires.limits_suit_the_role, frozenset()),
    (telling.paths_are_apart, frozenset()),
    (telling.everything_is_told_to_somebody, frozenset({"ladders"})),
    (telling.critical_ladders_have_two_paths, _WHO),
    (telling.critical_ladders_reach_two_ends, _WHO),
    (telling.critical_ladders_start_at_once, _WHO),
    (telling.critical_ladders_come_round, _WHO),
    (telling.hold_ups_stay_silent, frozenset({"ladders"})),
    (telling.rooms_can_answer_for_whom_they_tell, frozenset()),
    (telling.secret_mailboxes_are_mailboxes, frozenset()),
    (telling.everybody_is_used, _WHO),
    (seeing.places_are_seen, frozenset({"branch", "devices"})),
    (seeing.cameras_watch_zones, frozenset({"devices", "zones"})),
    (seeing.recorders_are_asked_as_themselves, frozenset()),
    (seeing.recorders_are_near_or_behind_tls, frozenset()),
    (seeing.footage_is_kept_as_long_as_it_is_asked_for, frozenset()),
    (recording.deadbands_are_of_points, frozenset({"devices"})),
    (recording.no_secret_crosses_a_network_in_clear, frozenset()),
    (recording.authorities_are_used, frozenset()),
)


def meaning(settings: Settings, broken: AbstractSet[str], reveal: Reveal) -> Iterator[Said]:
    """What every check says whose sections are whole."""
    look = Look(settings, reveal)
    for check, needs in CHECKS:
        if not needs & broken:
            yield from check(look)
