"""The commands of an IT-100 and of the TPI, in Contact ID's numbers. Tables only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUND_THE_CLOCK, BURGLARY, SENSOR_TAMPER, SENSOR_FAULT, LOW_BATTERY = 120, 130, 144, 380, 384
DURESS, VAGUE, PROGRAMMING, ARMING = 121, 300, 627, 401

# Command -> code, and whether it is a restore. IT-100 developer's guide, TPI programmer's document; 620 is the TPI's.
PANEL: Mapping[str, tuple[int, bool]] = {
    "621": (110, False), "622": (110, True),  # F key
    "623": (100, False), "624": (100, True),  # A key
    "625": (120, False), "626": (120, True),  # P key
    "631": (111, False), "632": (111, True),  # two-wire smoke or auxiliary input
    "658": (461, False),  # keypad locked: too many wrong codes
    "659": (455, False), "672": (455, False),  # failed to arm
    "680": (PROGRAMMING, False),
    "816": (622, False),  # event log three quarters full: recorded
}  # fmt: skip
TROUBLES: Mapping[str, tuple[int, bool]] = {
    "800": (302, False), "801": (302, True),
    "802": (301, False), "803": (301, True),
    "806": (321, False), "807": (321, True),
    "810": (351, False), "811": (351, True),
    "812": (352, False), "813": (352, True),
    "814": (354, False),  # failed to reach its station: no restore of its own, the LED goes out
    "829": (145, False), "830": (145, True),
    "842": (373, False), "843": (373, True),
    "896": (330, False), "897": (330, True),  # keybus
}  # fmt: skip
# Bits of TPI 849; 4 and 5 are said by zone, 7 is its clock.
VERBOSE = {0: VAGUE, 1: 301, 2: 351, 3: 354, 6: LOW_BATTERY}
OF_A_ZONE: Mapping[str, tuple[int, bool]] = {
    "603": (SENSOR_TAMPER, False), "604": (SENSOR_TAMPER, True),
    "605": (SENSOR_FAULT, False), "606": (SENSOR_FAULT, True),
    "821": (LOW_BATTERY, False), "822": (LOW_BATTERY, True),
}  # fmt: skip
OPENINGS = {"700": True, "701": True, "702": True, "750": False, "751": False}
# Labels, LEDs, virtual keypad, thermostat, chime, delays, time, bypass, PGM: nothing that a person must be told.
_ASIDES = frozenset(
    {
        "510", "511", "550", "560", "561", "562", "570", "580", "615", "616", "656", "657", "660", "663", "664", "670",
        "671", "673", "674", "815", "825", "826", "827", "828", "831", "832", "833", "900", "901", "902", "903", "904",
        "905", "906", "907", "908", "912", "921", "922",
    }
)  # fmt: skip
KNOWN = frozenset(
    {
        "601", "602", "609", "610", "620", "650", "651", "652", "653", "654", "655", "840", "841", "849",
        *PANEL, *TROUBLES, *OF_A_ZONE, *OPENINGS, *_ASIDES,
    }
)  # fmt: skip
ALARM_CODES = (100, 110, 111, ROUND_THE_CLOCK, DURESS, BURGLARY)
