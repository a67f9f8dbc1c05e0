"""A simulated panel behind an AlarmDecoder AD2: what its keypad shows in turn, and its radio reports. Bytes for bytes.

Knows no wire: `drivers.sim.panel_wire` puts it on one. What each method returns is what would come by itself;
`beat` is what a keypad shows every few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.text_lines import TextLines

END = b"\r\n"
RAW = "f707000600100{code}8c08020000"  # the panel's own bytes: f7, the keypads it is for, the code, the text's end


@dataclass(slots=True)
class SimulatedAlarmDecoder:
    """One panel of the Ademco kind. `lying`: well-formed lines that cannot be true."""

    mains: bool = True
    battery_low: bool = False
    fire: bool = False
    memory: bool = False
    sounding: bool = False
    armed: str = ""  # "", "away" or "stay"
    faults: dict[int, str] = field(default_factory=dict)  # zone -> FAULT, ALARM or CHECK, shown in turn
    radio: bool = True  # LRR emulation is on
    lying: bool = False
    prefix: str = ""  # "!KPM:" in newer firmware
    _turn: int = 0
    _lines: TextLines = field(default_factory=lambda: TextLines(80))

    def connected(self) -> bytes:
        """Somebody opened the line: it says nothing by itself."""
        self._lines.clear()
        return b""

    def hear(self, data: bytes) -> bytes:
        """It answers C with its settings and V with its version."""
        return b"".join(self._answer(line) for line in self._lines.feed(data))

    def _answer(self, line: bytes) -> bytes:
        match line:
            case b"C":
                radio = "Y" if self.radio else "N"
                return _line(
                    "!CONFIG>ADDRESS=18&CONFIGBITS=ff00&MASK=ffffffff&EXP=NNNNN&REL=NNNN"
                    f"&LRR={radio}&DEDUPLICATE=N&MODE=A&COM=N"
                )
            case b"V":
                return _line("!VER:ffffffff,V2.2a.8.9b,TX;RX;SM;VZ;RF;ZX;RE;AU;3X;CG;DD;MF;LR;KE;MK;CB;DS;ER")
            case _:
                return b""

    def beat(self) -> bytes:
        """The next thing its keypad shows."""
        if self.lying:
            return _line('[99990001000000000A--],zzz,[f7],"FAULT 99999"') + _line("!EXP:99,99,999")
        if not self.faults:
            return self._show("008", self._at_rest())
        zone = sorted(self.faults)[self._turn % len(self.faults)]
        self._turn += 1
        return self._show(f"{zone:03}", f"{self.faults[zone]} {zone:02}", check=self.faults[zone] == "CHECK")

    def _at_rest(self) -> str:
        match self.armed:
            case "away":
                return "ARMED ***AWAY***"
            case "stay":
                return "ARMED ***STAY***"
            case _:
                return "****DISARMED****  READY TO ARM  "

    def _show(self, code: str, text: str, *, check: bool = False) -> bytes:
        ready = not self.faults and not self.armed
        bits = "".join(
            "1" if bit else "0" for bit in (ready, self.armed == "away", self.armed == "stay", False, False)
        )  # 1 to 5
        bits += "0" + "".join(
            "1" if bit else "0"
            for bit in (
                False, self.mains, False, self.memory, self.sounding, self.battery_low, False, self.fire, check, False
            )
        )  # fmt: skip  # beeps, 7 to 16
        return _line(f'{self.prefix}[{bits}0A--],{code},[{RAW.format(code=code)[:24]}],"{text:<32}"')

    def report(self, code: str, number: int = 0, *, restored: bool = False, partition: int = 1) -> bytes:
        """What goes to the station by radio, as Contact ID; nothing when that is off."""
        if not self.radio:
            return b""
        return _line(f"!LRR:{number:03},{partition},CID_{3 if restored else 1}{code},ff")

    def old_report(self, event: str, number: int = 0, partition: int = 1) -> bytes:
        """The same from firmware before 2.2a.8.6: a word."""
        return _line(f"!LRR:{number:03},{partition},{event}")

    def expander(self, address: int, channel: int, value: int) -> bytes:
        """An input of a zone expander."""
        return _line(f"!EXP:{address:02},{channel:02},{value:02}")

    def sensor(self, serial: str, value: int) -> bytes:
        """A radio sensor."""
        return _line(f"!RFX:{serial},{value:02x}")

    def alarm(self, zone: int, code: str = "130") -> bytes:
        """A zone in alarm: the keypad shows it, the siren sounds, the radio reports."""
        self.faults[zone] = "ALARM"
        self.sounding = self.memory = True
        return self.report(code, zone) + self.beat()

    def silent(self, code: str, number: int = 0) -> bytes:
        """A hold-up or a code under threat: only the radio says it."""
        return self.report(code, number)

    def disarm(self) -> bytes:
        """A person ends it all."""
        self.faults.clear()
        self.sounding = self.memory = self.fire = False
        self.armed = ""
        return self.report("401", 1) + self.beat()


def _line(text: str) -> bytes:
    return text.encode("ascii") + END
