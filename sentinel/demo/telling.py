"""Tells the demo: what happens, what is seen from outside, and the very words that the station reads. Judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from sentinel.core import words
from sentinel.core.incident import Incident
from sentinel.demo.mail import Mail
from sentinel.gateway.letters import names_of

if TYPE_CHECKING:
    from sentinel.demo.outside import Outside
    from sentinel.demo.record import Tally
    from sentinel.demo.town import Town

MARGIN = "      "
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Teller:
    """Writes to one stream, in colour where that is a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colour = out.isatty()

    def introduces(self, town: Town) -> None:
        """Who is there."""
        branch = town.outside.settings.branch
        self.say(f"\n{self._in('bold', f'{branch.name.en} · {branch.name.hi}')}, {branch.bank}")
        self.say(f"  linked to {branch.station.name.en} · {branch.station.name.hi}")
        self.say(
            "  fire panel on Modbus TCP; alarm panel, sensor and battery monitor on an RS-485 bus (a pty);\n"
            f"  {town.broker}, a mail server, {'a database of measured values, ' if town.sink else ''}"
            "and a control room on loopback; and the daemon itself,\n"
            f"  `sentinel run {town.config}`"
        )
        title = "The branch's own page; open it in a browser and look on:"
        self.say(f"\n  {self._in('bold', title)} {town.page}")
        self.say("\n  ▸ what is done    ✓ what was then seen from outside, and how long it took")

    def invites(self, town: Town) -> None:
        """What a newcomer may try while it runs."""
        ask = f"SENTINEL_SOCKET={town.socket} sentinel"
        self.say(f"\n{self._in('bold', 'The branch keeps running. Its page, in Hindi and English, with its plots:')}")
        self.say(f"  {town.page}")
        self.say(f"\n{self._in('bold', 'In another terminal:')}")
        self.say(f"  {ask} status")
        self.say(f"  {ask} incidents")
        self.say(f"  {ask} ack CODE --by 'Your Name'")
        self.say(f"  {ask} journal verify")
        self.say(f"  sentinel check {town.config}")
        self.say(f"  curl {town.page}api/v1/status")
        self.say(f"  curl '{town.page}api/v1/plot?point=battery.voltage'")
        self.say("\nCtrl-C ends it all.")

    def begins(self, title: str) -> None:
        """A scene."""
        self.say(f"\n{self._in('bold', title)}\n{self._in('dim', '─' * len(title))}")

    def happens(self, what: str) -> None:
        """Something is done in the branch, or by somebody."""
        self.say(f"\n  {self._in('cyan', '▸')} {what}")

    def saw(self, what: str, after_s: float | None) -> None:
        """Seen from outside, so long after it was looked for."""
        late = "" if after_s is None else self._in("dim", f"  {after_s:.1f} s")
        self.say(f"    {self._in('green', '✓')} {what}{late}")

    def missed(self, what: str) -> None:
        """Not as scripted."""
        self.say(f"    {self._in('red', '✗')} {what}")

    def shows(self, found: object, outside: Outside) -> None:
        """The words themselves: a letter as its reader sees it, an incident as its line on the station's wall."""
        match found:
            case Mail():
                self._framed(f"mail to {found.to}", [self._in("bold", found.subject), "", *found.body.splitlines()])
            case Incident():
                self._framed("on the station's wall", [wall_line(found, outside)])
            case _:
                pass

    def ends(self, name: str, *, passed: bool, seconds: float) -> None:
        """The verdict on a scene."""
        verdict = self._in("green", "as scripted") if passed else self._in("red", "NOT as scripted")
        self.say(f"\n  {name}: {verdict}, {seconds:.1f} s")

    def counts(self, tally: Tally, counted_by: str) -> None:
        """The verdict on the telemetry."""
        verdict = self._in("green", "✓") if tally.whole else self._in("red", "✗")
        self.say(
            f"\n  {verdict} telemetry: {tally.points_made} points made, {tally.points_written} counted by {counted_by}, "
            f"{tally.dropped} dropped"
        )

    def say(self, text: str) -> None:
        """As it is."""
        print(text, file=self._out, flush=True)

    def _framed(self, title: str, lines: list[str]) -> None:
        self.say(f"{MARGIN}{self._in('dim', f'┌─ {title}')}")
        for line in lines:
            self.say(f"{MARGIN}{self._in('dim', '│')} {line}".rstrip())
        self.say(f"{MARGIN}{self._in('dim', '└─')}")

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._colour else text


def wall_line(one: Incident, outside: Outside) -> str:
    """One incident as the station reads it, in Hindi: severity, what, branch, where, code, and who has it."""
    branch = outside.settings.branch
    name = names_of(outside.settings).get(one.subject)
    standing = [words.ANSWERS[one.answers[-1].kind].hi] if one.answers else []
    if one.disposition is not None:
        standing = [words.DISPOSITIONS[one.disposition].hi]
    where = one.subject if name is None else name.hi
    severity, what = words.SEVERITIES[one.severity].hi, words.ROLES[one.role].hi
    return " · ".join([severity, what, branch.name.hi, where, f"{branch.number}-{one.code}", *standing])
