"""The section of the record: database, spool, journal, disk, clock, version. Counts and bytes come with the pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htpy import Element, div, fragment, h2, li, span, strong, ul

from sentinel.core import labels, words
from sentinel.gateway.page.devices import shape_of
from sentinel.gateway.page.parts import lasting, mark, moving, read_ago

if TYPE_CHECKING:
    from datetime import datetime

    from htpy import Fragment, Node

    from sentinel.core.model import Text
    from sentinel.gateway.page.values import Reader, SystemView

COUNTS = (("made", labels.MADE), ("written", labels.WRITTEN), ("waiting", labels.WAITING))
LOSSES = (("dropped", labels.DROPPED), ("poisoned", labels.REFUSED))


def show(system: SystemView, reader: Reader) -> Fragment:
    """One row each."""
    journal = labels.JOURNAL_BAD if system.journal_reason else labels.JOURNAL_GOOD
    clock = labels.CLOCK_GOOD if system.clock else labels.CLOCK_BAD
    return fragment[
        h2[reader.say(labels.SYSTEM)],
        ul(class_="rows")[
            _store(system, reader),
            _row(labels.SPOOL, system.spool_up, system.spool_since, system.spool_reason, _spool(reader), reader),
            _row(
                labels.JOURNAL,
                not system.journal_reason,
                None,
                "",
                reader.say(journal).format(system.journal_reason),
                reader,
            ),
            _row(labels.CLOCK, True if system.clock else None, None, "", reader.say(clock), reader),
            _row(
                labels.DISK_FREE, system.disk, None, "", moving("disk-free", reader), reader, quiet=system.disk is True
            ),
            _row(labels.VERSION, True, None, "", f"Sentinel {system.version}", reader, quiet=True),
        ],
    ]


def _store(system: SystemView, reader: Reader) -> Element:
    if not system.server:
        return _row(labels.STORE, True, None, "", reader.say(labels.NO_STORE), reader, quiet=True)
    return _row(
        labels.STORE,
        system.store_up,
        system.store_since,
        system.store_reason,
        [system.server, " · ", _written(reader)],
        reader,
    )


def _written(reader: Reader) -> Node:
    return [reader.say(labels.WRITTEN), " ", moving("counts:written", reader), " · ", read_ago("written", reader)]


def _spool(reader: Reader) -> Node:
    said: list[Node] = []
    for key, text in (*COUNTS, *LOSSES):
        said += [reader.say(text), " ", moving(f"counts:{key}", reader), " · "]
    return [*said, moving("counts:bytes", reader)]


def _row(
    name: Text,
    up: bool | None,
    since: datetime | None,
    reason: str,
    about: Node,
    reader: Reader,
    *,
    quiet: bool = False,
) -> Element:
    shape = shape_of(up)
    low = labels.NO_ROOM if name is labels.DISK_FREE else labels.DOWN
    word = reader.say(labels.UP if up else labels.NOT_KNOWN if up is None else low)
    return li(class_=f"row {shape} {'normal' if up else 'hatched' if up is None else 'lost'}")[
        mark(shape, "line"),
        div(class_="what")[strong[reader.say(name)], span(class_="about")[about]],
        div(class_="state")[
            not quiet and strong[word],
            span(class_="about")[
                since is not None and [lasting(since, reader), " "],
                reason and span(class_="why")[words.reason(reason, reader.lang)],
            ],
        ],
    ]
