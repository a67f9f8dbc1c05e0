"""Contact ID's event codes by class: to which catch-all point an event belongs that no entry of the config names.

After SIA DC-05 as panels' manuals use it (field notes in docs/codes.md). No code belongs nowhere: an unknown one is
`other-trouble`. Panels that speak other languages are translated into these numbers by their drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.model import Role, Text


class Kind(StrEnum):
    """The catch-all points, by id."""

    HOLD_UP = "other-hold-up"
    DURESS = "other-duress"
    HELP = "other-help"
    FIRE = "other-fire"
    BURGLARY = "other-burglary"
    TAMPER = "other-tamper"
    ENVIRONMENT = "other-environment"
    FIRE_TROUBLE = "fire-trouble"
    MAINS = "mains"
    BATTERY = "battery"
    SIREN = "siren"
    REPORTING = "reporting"
    TROUBLE = "other-trouble"
    BYPASS = "other-bypass"
    ARMED = "armed"
    TEST = "test"
    EVENT = "other-event"


@dataclass(frozen=True, slots=True)
class CatchAll:
    """What a catch-all point means. Without a role it is only recorded."""

    role: Role | None
    name: Text


CATCH_ALLS: dict[Kind, CatchAll] = {  # named as things: what their alarm means, the role says
    Kind.HOLD_UP: CatchAll(Role.HOLD_UP, Text("पैनल का होल्ड-अप बटन", "panel's hold-up button")),
    Kind.DURESS: CatchAll(Role.DURESS, Text("पैनल का दबाव कोड", "panel's duress code")),
    Kind.HELP: CatchAll(Role.PANIC, Text("पैनल का मदद बटन", "panel's help button")),
    Kind.FIRE: CatchAll(Role.FIRE, Text("पैनल का फायर सेंसर", "panel's fire detector")),
    Kind.BURGLARY: CatchAll(Role.INTRUSION, Text("पैनल का घुसपैठ सेंसर", "panel's intrusion sensor")),
    Kind.TAMPER: CatchAll(Role.TAMPER, Text("पैनल का छेड़छाड़ सेंसर", "panel's tamper contact")),
    Kind.ENVIRONMENT: CatchAll(Role.TEMPERATURE, Text("पैनल का पानी या ताप सेंसर", "panel's water or heat sensor")),
    Kind.FIRE_TROUBLE: CatchAll(
        Role.FIRE_FAULT, Text("पैनल के फायर सेंसरों की हालत", "state of the panel's fire detectors")
    ),
    Kind.MAINS: CatchAll(Role.MAINS, Text("पैनल की बिजली", "panel's mains")),
    Kind.BATTERY: CatchAll(Role.BATTERY, Text("पैनल की बैटरी", "panel's battery")),
    Kind.SIREN: CatchAll(Role.SIREN, Text("पैनल का सायरन", "panel's siren")),
    Kind.REPORTING: CatchAll(Role.PANEL_FAULT, Text("पैनल की सूचना लाइन", "panel's own reporting line")),
    Kind.TROUBLE: CatchAll(Role.PANEL_FAULT, Text("पैनल की हालत", "state of the panel")),
    Kind.BYPASS: CatchAll(Role.PANEL_FAULT, Text("पैनल में बंद रखे ज़ोन", "zones bypassed at the panel")),
    Kind.ARMED: CatchAll(Role.ARMED, Text("पैनल का पहरा", "panel's arming")),
    Kind.TEST: CatchAll(None, Text("पैनल की जाँच", "panel's test")),
    Kind.EVENT: CatchAll(None, Text("पैनल की अन्य सूचना", "other event of the panel")),
}

# (first, last, class): the first row that holds the code wins.
_ROWS: tuple[tuple[int, int, Kind], ...] = (
    (100, 109, Kind.HELP),  # medical, personal emergency
    (110, 119, Kind.FIRE),
    (121, 121, Kind.DURESS),
    (124, 125, Kind.DURESS),  # access and egress under duress
    (120, 129, Kind.HOLD_UP),  # the siren or its silence is the panel's affair: told as silent
    (137, 137, Kind.TAMPER),
    (130, 140, Kind.BURGLARY),
    (141, 142, Kind.TAMPER),  # the sensors' own bus is cut or shorted
    (143, 143, Kind.TROUBLE),
    (144, 145, Kind.TAMPER),
    (146, 146, Kind.BURGLARY),  # silent burglary
    (147, 149, Kind.TROUBLE),
    (151, 151, Kind.FIRE),  # gas
    (155, 155, Kind.BURGLARY),  # foil break
    (156, 156, Kind.TROUBLE),
    (162, 162, Kind.FIRE),  # carbon monoxide
    (150, 169, Kind.ENVIRONMENT),
    (170, 199, Kind.BURGLARY),  # not assigned: an alarm all the same
    (200, 209, Kind.FIRE_TROUBLE),
    (301, 301, Kind.MAINS),
    (302, 302, Kind.BATTERY),
    (309, 309, Kind.BATTERY),
    (311, 311, Kind.BATTERY),
    (320, 329, Kind.SIREN),
    (341, 341, Kind.TAMPER),
    (344, 344, Kind.TAMPER),  # radio jammed
    (350, 359, Kind.REPORTING),
    (373, 373, Kind.FIRE_TROUBLE),
    (383, 383, Kind.TAMPER),
    (385, 387, Kind.FIRE_TROUBLE),  # smoke sensitivity, intrusion of dust
    (392, 393, Kind.FIRE_TROUBLE),  # drift, maintenance due
    (300, 399, Kind.TROUBLE),
    (406, 406, Kind.EVENT),  # cancelled by a user
    (400, 409, Kind.ARMED),
    (423, 423, Kind.BURGLARY),  # door forced
    (441, 442, Kind.ARMED),
    (450, 452, Kind.ARMED),  # early, late, by exception
    (453, 455, Kind.TROUBLE),  # failed to open, to close, to arm by itself
    (456, 456, Kind.ARMED),
    (461, 461, Kind.TAMPER),  # wrong codes
    (400, 499, Kind.EVENT),
    (500, 599, Kind.BYPASS),
    (627, 628, Kind.TROUBLE),  # somebody is in its programming
    (600, 699, Kind.TEST),
)

# These have no restore: they stand for a while and are over.
MOMENTARY = frozenset({305, 306, 307, 374, 378, 423, 453, 454, 455, 461, 627, 628})


def kind(code: int) -> Kind:
    """The class of an event code."""
    return next((name for first, last, name in _ROWS if first <= code <= last), Kind.TROUBLE)
