"""The makers' own library listens to the wire that we listen to, and says what it made of it, one JSON line each.

    python -m tests.drivers.alarmdecoder.judge HOST PORT

A process of its own: it reads in threads, and its ways with them are its own affair. Ends when its input does.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from alarmdecoder import AlarmDecoder  # type: ignore[import-untyped]
from alarmdecoder.devices import SocketDevice  # type: ignore[import-untyped]


def main(host: str, port: int) -> None:
    """Print what happens until nobody listens any more."""
    judge = AlarmDecoder(SocketDevice(interface=(host, port)), ignore_lrr_states=False)

    def say(what: str, **details: Any) -> None:
        print(json.dumps({"what": what, **details}), flush=True)

    judge.on_power_changed += lambda _, status: say("mains", on=status)
    judge.on_alarm += lambda _, zone: say("alarm", zone=zone)
    judge.on_low_battery += lambda _, status: say("battery", low=status)
    judge.on_fire += lambda _, status: say("fire", on=status)
    judge.on_panic += lambda _, status: say("panic", on=status)
    judge.on_arm += lambda _, stay: say("armed", stay=stay)
    judge.on_disarm += lambda _: say("disarmed")
    judge.on_zone_fault += lambda _, zone: say("open", zone=zone)
    judge.on_zone_restore += lambda _, zone: say("shut", zone=zone)
    judge.on_config_received += lambda _: say("config", radio=judge.emulate_lrr, address=judge.address)
    judge.on_message += lambda _, message: say("keypad", text=message.text, mains=message.ac_power)
    judge.on_lrr_message += lambda _, message: say(
        "radio", code=f"{message.event_code:x}", status=message.event_status, number=int(message.event_data)
    )
    judge.on_expander_message += lambda _, message: say("expander", value=message.value)
    judge.on_rfx_message += lambda _, message: say("sensor", serial=message.serial_number, low=message.battery)
    judge.open()
    sys.stdin.read()
    judge.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
