"""Conversations with panels, written down: what came, when, what was answered, and what each point then said.

`options.json`: what an operator would write. `talk.txt`, line by line:
    @12       it is now second 12: the driver is told that time has passed
    open      the line was opened (again)
    < text    the panel says this
    > text    among what the driver sent since the last @, < or open
    > -       it sent nothing
    = point word with its detail     the last word of the point; "held"; "! reason" when it could not be read; "-": none yet
    again point                      that word was a new activation
    damaged 3                        so many messages were not understood so far
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sentinel.core.model import Quality, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sentinel.ports import Conversation, Turn


def shown(reading: Reading) -> str:
    if reading.quality is Quality.HELD:
        return "held"
    return f"! {reading.reason}" if reading.quality is Quality.FAILED else str(reading.value)


def readings_of(turns: Iterable[Turn]) -> list[Reading]:
    return [reading for turn in turns for reading in turn.readings]


def sent(turns: Iterable[Turn]) -> bytes:
    return b"".join(turn.send for turn in turns)


def play(case: Path, make: Callable[[dict[str, Any]], Conversation], encode: Callable[[str], bytes]) -> None:
    """Play a case; AssertionError names the line that was not kept."""
    conversation = make(json.loads((case / "options.json").read_text()))
    now, words, renewed, answered = 0.0, dict[str, str](), set[str](), b""

    def take(turns: Sequence[Turn]) -> None:
        nonlocal answered
        answered = sent(turns)
        renewed.clear()
        for reading in readings_of(turns):
            point = reading.point.partition(".")[2]
            words[point] = shown(reading)
            renewed.update([point] if reading.again else [])

    for number, line in enumerate((case / "talk.txt").read_text().splitlines(), 1):
        where, text = f"{case.name}/talk.txt:{number}: {line}", line[2:]
        match line[:1]:
            case "" | "#":
                continue
            case "@":
                now = float(line[1:])
                take(conversation.tick(now))
            case "<":
                take(conversation.feed(encode(text), now))
            case ">":
                assert (not answered) if text == "-" else encode(text) in answered, (where, answered)
            case "=":
                point, _, word = text.partition(" ")
                assert words.get(point, "-") == word, (where, words.get(point))
            case _:
                command, _, rest = line.partition(" ")
                assert command in ("open", "again", "damaged"), where
                if command == "open":
                    take(conversation.opened(now))
                elif command == "again":
                    assert rest in renewed, (where, renewed)
                else:
                    assert conversation.damaged() == int(rest), (where, conversation.damaged())
