"""A simulated DSC panel behind an IT-100 (serial) or an Envisalink (TPI): its state, and what it says of it. Bytes for bytes.

Knows no wire: `drivers.sim.panel_wire` puts it on one. What each method returns is what the panel would send by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.it100_wire import LONGEST, decode, encode
from drivers.text_lines import TextLines

ACK, BAD_CHECKSUM, SYSTEM_ERROR, LOGIN = "500", "501", "502", "505"
REFUSED, ACCEPTED, PROMPT = "0", "1", "3"
NOT_SUPPORTED = "022"  # of 502
TROUBLES = {
    "battery": ("800", "801"), "mains": ("802", "803"), "bell": ("806", "807"), "phone": ("810", "811"),
    "phone-2": ("812", "813"), "tamper": ("829", "830"), "fire-trouble": ("842", "843"),
}  # fmt: skip
KEYS = {"fire": ("621", "622"), "ambulance": ("623", "624"), "police": ("625", "626")}


@dataclass(slots=True)
class SimulatedZone:
    """One input of the panel."""

    partition: int = 1
    open: bool = False


class SimulatedIt100:
    """One panel. `lying`: well-formed messages that cannot be true."""

    def __init__(
        self,
        variant: str = "it100",
        *,
        password: str = "user",  # noqa: S107 every Envisalink's own at first
        zones: int = 8,
        partitions: tuple[int, ...] = (1,),
    ) -> None:
        self.variant, self.password = variant, password
        self.zones = {number: SimulatedZone() for number in range(1, zones + 1)}
        self.partitions = dict.fromkeys(partitions, "650")  # what each would say of itself
        self.troubles: set[str] = set()
        self.lying = False
        self.logins = 0  # how often somebody tried a password
        self._signed_in = variant == "it100"
        self._lines = TextLines(LONGEST)

    def connected(self) -> bytes:
        """Somebody opened the line: the TPI asks who it is."""
        self._lines.clear()
        if self.variant == "it100":
            return b""
        self._signed_in = False
        return encode(LOGIN, PROMPT)

    def hear(self, data: bytes) -> bytes:
        """What it answers."""
        return b"".join(self._answer(line) for line in self._lines.feed(data))

    def _answer(self, line: bytes) -> bytes:
        frame = decode(line)
        if frame is None:
            return encode(BAD_CHECKSUM)
        ack = encode(ACK, frame.command)
        if frame.command == "005" and self.variant == "tpi":
            self.logins += 1
            self._signed_in = frame.data == self.password
            return ack + encode(LOGIN, ACCEPTED if self._signed_in else REFUSED)
        if not self._signed_in:
            return b""
        match frame.command:
            case "000":
                return ack
            case "001":
                return ack + self.status()
            case _:
                return encode(SYSTEM_ERROR, NOT_SUPPORTED)

    def status(self) -> bytes:
        """The answer to 001: every zone, every partition, and of the troubles only whether there are any."""
        if self.lying:
            return encode("609", "000") + encode("610", "999") + encode("654", "9") + encode("652", "1x")
        zones = (encode("609" if zone.open else "610", f"{number:03}") for number, zone in self.zones.items())
        partitions = (
            encode(said, f"{number}{'0' if said == '652' else ''}") for number, said in self.partitions.items()
        )
        leds = (encode("840" if self.troubles else "841", str(number)) for number in self.partitions)
        return b"".join((*zones, *partitions, *leds))

    def open_zone(self, number: int) -> bytes:
        """The input is disturbed; no alarm by itself."""
        self.zones[number].open = True
        return encode("609", f"{number:03}")

    def close_zone(self, number: int) -> bytes:
        """It is at rest again."""
        self.zones[number].open = False
        return encode("610", f"{number:03}")

    def alarm(self, number: int) -> bytes:
        """The zone opens and its partition goes into alarm."""
        opened, zone = self.open_zone(number), self.zones[number]
        self.partitions[zone.partition] = "654"
        return opened + encode("601", f"{zone.partition}{number:03}") + encode("654", str(zone.partition))

    def alarm_over(self, number: int) -> bytes:
        """The zone is at rest, the panel takes its alarm back; the partition stays in alarm until it is disarmed."""
        return self.close_zone(number) + encode("602", f"{self.zones[number].partition}{number:03}")

    def zone_tamper(self, number: int, *, on: bool = True) -> bytes:
        """Somebody opens the sensor, or shuts it again."""
        return encode("603" if on else "604", f"{self.zones[number].partition}{number:03}")

    def zone_fault(self, number: int, *, on: bool = True) -> bytes:
        """A short circuit, a lost radio sensor."""
        return encode("605" if on else "606", f"{number:03}")

    def arm(self, partition: int = 1) -> bytes:
        """Away."""
        self.partitions[partition] = "652"
        return encode("652", f"{partition}0")

    def disarm(self, partition: int = 1) -> bytes:
        """By a user's code."""
        self.partitions[partition] = "650"
        return encode("750", f"{partition}0001") + encode("655", str(partition)) + encode("650", str(partition))

    def duress(self) -> bytes:
        """A code was typed under threat. There is no restore."""
        return encode("620", "0000")

    def key(self, name: str, *, on: bool = True) -> bytes:
        """The F, A or P key of a keypad."""
        return encode(KEYS[name][not on])

    def aux_input(self, *, on: bool = True) -> bytes:
        """The two-wire smoke or auxiliary input."""
        return encode("631" if on else "632")

    def trouble(self, name: str, *, on: bool = True) -> bytes:
        """One of TROUBLES, and the LED when it changes."""
        before = bool(self.troubles)
        (self.troubles.add if on else self.troubles.discard)(name)
        said = encode(TROUBLES[name][not on])
        if before is not bool(self.troubles):
            said += b"".join(encode("840" if on else "841", str(number)) for number in self.partitions)
        return said
