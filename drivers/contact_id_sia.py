"""SIA's two-letter codes in Contact ID's numbers, as panels' manuals pair them."""

from __future__ import annotations

import re

from drivers.panel import Event, Status

_NEW, _RESTORED = Status.NEW, Status.RESTORED

# new -> (Contact ID, the codes that restore it)
_PAIRS: dict[str, tuple[int, tuple[str, ...]]] = {
    "MA": (100, ("MH", "MR")),
    "QA": (101, ("QH", "QR")),
    "FA": (110, ("FH", "FR")),
    "SA": (113, ("SH", "SR")),
    "KA": (114, ("KH", "KR")),
    "PA": (120, ("PH", "PR")),
    "HA": (122, ("HH", "HR")),
    "BA": (130, ("BH", "BR")),
    "BV": (139, ()),
    "TA": (137, ("TH", "TR")),
    "UA": (140, ("UH", "UR")),
    "GA": (151, ("GH", "GR")),
    "WA": (154, ("WH", "WR")),
    "ZA": (159, ("ZH", "ZR")),
    "FS": (200, ()),
    "AT": (301, ("AR",)),
    "YT": (302, ("YR",)),
    "YM": (302, ()),  # missing; YR restores both
    "YP": (312, ("YQ",)),
    "YW": (305, ()),
    "YG": (306, ()),
    "YX": (330, ("YZ",)),
    "IA": (330, ("IR",)),
    "EX": (330, ()),
    "ET": (333, ("ER",)),
    "YA": (321, ("YH",)),
    "XQ": (344, ("XH",)),
    "YC": (350, ("YK",)),
    "LT": (351, ("LR",)),
    "FT": (373, ("FJ",)),
    "PT": (375, ("PJ",)),
    "HT": (376, ("HJ",)),
    "EA": (374, ()),
    "BT": (380, ("BJ",)),
    "UT": (380, ("UJ",)),
    "TT": (383, ("TJ",)),
    "XT": (384, ("XR",)),
    "NA": (391, ("NS",)),
    "OC": (406, ()),
    "CI": (454, ()),
    "JA": (461, ()),
    "UB": (570, ("UU",)),
    "FB": (571, ("FU",)),
    "BB": (573, ("BU",)),
    "TB": (572, ("TU",)),
    "RX": (601, ()),
    "RP": (602, ()),
    "TS": (607, ("TE",)),
    "TX": (608, ()),
    "JL": (621, ()),
    "JO": (624, ()),
    "JT": (626, ()),
    "LB": (627, ()),
    "LX": (628, ()),
    # Opening is new, closing its restore.
    "OP": (401, ("CL",)),
    "OG": (402, ("CG",)),
    "OA": (403, ("CA",)),
    "OQ": (407, ("CQ",)),
    "OS": (409, ("CS",)),
}

SIA: dict[str, tuple[int, Status]] = {new: (code, _NEW) for new, (code, _) in _PAIRS.items()} | {
    back: (code, _RESTORED) for code, backs in _PAIRS.values() for back in backs
}

_ITEM = re.compile(r"[NO]?(?P<code>[A-Z]{2})(?P<zone>[0-9A-F]{0,4})(?:[*|^].*)?")
_PARTITION = re.compile(r"[NO]?ri(?P<number>[0-9]{1,3})")
_MODIFIER = re.compile(r"[NO]?(?:ti|da|id|pi|lr|va|ph|af|a)[0-9A-Za-z:.\-]*")
_MOST_ITEMS = 20


def sia_events(block: str) -> tuple[tuple[Event, ...], bool]:
    """The events of a block such as "Nri01/BA0005/BB0007", and whether the tables knew all of it."""
    partition, known = 0, True
    events: list[Event] = []
    for item in block.split("/")[:_MOST_ITEMS]:
        if found := _PARTITION.fullmatch(item):
            partition = int(found["number"])
        elif (found := _ITEM.fullmatch(item)) and found["code"] in SIA:
            code, status = SIA[found["code"]]
            zone = int(found["zone"]) if found["zone"].isdecimal() else 0
            events.append(Event(code, status, partition, zone))
        elif not _MODIFIER.fullmatch(item):
            known = False
    return tuple(events), known and bool(events)
