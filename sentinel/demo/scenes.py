"""The scripted scenes of the demo. Each does a thing to the simulated devices and says what must be seen from outside.

The Hindi here is what the letters must say, written down a second time: a scene believes the words it reads, not the
table that they were made from.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from drivers.sim.device import Fault
from sentinel.core.facts import Disposition
from sentinel.core.model import Party, Severity
from sentinel.demo import script
from sentinel.demo.scenes_cctv import camera_covered, disk_failed, duress, retention_short
from sentinel.demo.stage import Scene
from sentinel.gateway.exchange import CommandKind

if TYPE_CHECKING:
    from sentinel.demo.stage import Stage

ROUND_S = 8.0  # of the ladders in branch.yaml
BEHIND_THE_PANEL = frozenset(
    {
        "hold-up-counter", "hold-up-manager", "panic-gate", "strong-room",
        "shutter-front", "panel-tamper", "panel-mains", "hooter",
    }
)  # fmt: skip
ON_THE_BUS = BEHIND_THE_PANEL | {"panel-battery", "server-room"}


async def hold_up(stage: Stage) -> None:
    """Told to the police and the bank's officer off site; shows nowhere in the branch; stops for the police alone."""
    outside, bus = stage.outside, stage.town.bus
    quiet = await script.settled(stage)
    stage.tell("A robber stands at the cash counter. The cashier presses the hidden button.")
    pressed = asyncio.get_running_loop().time()
    bus.set("panel.di1", value=False)
    one = await stage.see("the station's wall has it", lambda: outside.opened("zone:hold-up-counter"), 3)
    letter = await stage.see(
        "the station house officer reads", lambda: outside.mail("sho", "लूट की सूचना: सेक्टर 6 शाखा", one.code), 3
    )
    stage.check(
        "it says where, in Hindi, and that it will repeat",
        holds="कैश काउंटर होल्ड-अप बटन" in letter.body and "दोहराया जाएगा" in letter.body,
    )
    await script.delivered(stage, one)
    stage.check(
        "the branch shows what it showed before: supervised, no incident, no number that moved",
        holds=await outside.shown() == quiet and quiet.zones["hold-up-counter"] == "supervised",
    )

    stage.tell("The button is let go. Somebody in the branch tries to make it go away.")
    bus.set("panel.di1", value=True)
    await stage.see("the room sees the input return", lambda: script.cleared(stage, one), 5)
    stage.check(
        "the incident stays open: a hold-up is closed by a person", holds=outside.opened(one.subject) is not None
    )
    stage.check(
        "an acknowledgement in the branch is told that there is no such incident",
        holds=await outside.acknowledge(one.code, "A. Sharma") == 404,
    )
    await stage.see(
        "nobody has answered: the bank's security officer, off site, is told",
        lambda: outside.mail("security-officer", "लूट की सूचना", one.code),
        6,
    )

    stage.tell(f"{script.OFFICER} at the station answers.")
    await script.answer(stage, one, CommandKind.ACKNOWLEDGE)
    await stage.see(
        "those who were told read who has it", lambda: outside.mail("security-officer", script.OFFICER, one.code), 5
    )
    alarms = script.alarms(stage, one)
    rest_s = max(2.0, pressed + ROUND_S + 2.0 - asyncio.get_running_loop().time())
    await stage.see_nothing(
        "the ladder has stopped: nobody is told again", lambda: script.alarms(stage, one) != alarms, rest_s
    )
    await script.answer(stage, one, CommandKind.DISPATCH)
    await script.answer(stage, one, CommandKind.ARRIVE)
    await script.close(stage, one, Disposition.GENUINE)
    stage.check(
        "from beginning to end no letter went to anybody in the branch",
        holds=outside.mailed() == {"sho", "security-officer"} and outside.told() == outside.mailed() | {"thana"},
    )
    stage.check("and the branch still shows what it showed before", holds=await outside.shown() == quiet)


async def mains_and_battery(stage: Stage) -> None:
    """Faults go to those who mend them, not to the police; when they are over, those who were told are told."""
    outside, bus = stage.outside, stage.town.bus
    stage.tell("The mains fail in Sector 6. The alarm panel runs on its battery.")
    bus.set("panel.di7", value=False)
    mains = await stage.see("the room has a fault", lambda: outside.opened("zone:panel-mains"), 4)
    await stage.see("the branch manager reads", lambda: outside.mail("manager", "खराबी: पैनल की बिजली", mains.code), 3)
    await stage.see(
        "the installer reads, in English",
        lambda: outside.mail("installer", "Fault: Panel mains supply", mains.code),
        3,
    )

    stage.tell("Hours later nobody has come. The battery sinks: 12.4 V, 12.0 V, 11.6 V.")
    for volts in (12.4, 12.0, 11.6):
        bus.set("battery.voltage", volts)
        await asyncio.sleep(0.5)
    battery = await stage.see(
        "below 11.8 V the room has a second fault", lambda: outside.opened("zone:panel-battery"), 6
    )
    await stage.see("the branch manager reads", lambda: outside.mail("manager", "खराबी: पैनल की बैटरी", battery.code), 3)
    await stage.see_branch(
        "the branch shows both, and its two doors as before",
        lambda shown: (
            shown.zones["panel-mains"] == shown.zones["panel-battery"] == "alarm"
            and shown.zones["strong-room"] == shown.zones["shutter-front"] == "normal"
        ),
        3,
    )

    stage.tell("The mains return, and the charger with them.")
    bus.set("panel.di7", value=True)
    bus.set("battery.voltage", 13.2)
    await script.restored(stage, mains, "manager", "पैनल की बिजली")
    await script.restored(stage, battery, "manager", "पैनल की बैटरी")
    await stage.see(
        "the installer too", lambda: outside.mail("installer", "Restored: Panel mains supply", mains.code), 3
    )
    stage.check(
        "the police were not called for a flat battery",
        holds=outside.mailed() == outside.told() == {"manager", "installer"},
    )


async def smoke(stage: Stage) -> None:
    """A fire zone is critical: told at once on both ways, latched, stopped and closed by the police alone."""
    outside, fire = stage.outside, stage.town.fire
    stage.tell("A waste-paper basket smoulders in the banking hall. The fire panel reports its zone 1.")
    began = asyncio.get_running_loop().time()
    await fire.set("fire-panel.zone1", "fire")
    one = await stage.see("the station's wall has it", lambda: outside.opened("zone:smoke-hall"), 4)
    stage.check("as critical", holds=one.severity is Severity.CRITICAL)
    await stage.see("the station house officer reads", lambda: outside.mail("sho", "आग: धुआँ", one.code), 3)
    await script.delivered(stage, one)
    await stage.see("the branch manager too", lambda: outside.mail("manager", "आग: धुआँ", one.code), 3)
    await stage.see_branch("the branch shows it", lambda shown: shown.zones["smoke-hall"] == "alarm", 3)

    stage.tell("The basket is carried out, the smoke clears, the panel is normal again.")
    await fire.set("fire-panel.zone1", "normal")
    await stage.see("the room sees the input return", lambda: script.cleared(stage, one), 8)
    stage.check("latched: it stays open until a person closes it", holds=outside.opened(one.subject) is not None)

    stage.tell("The manager acknowledges in the branch.")
    stage.check(
        "the answer is taken",
        holds=await outside.acknowledge(f"{outside.settings.branch.number}-{one.code}", "Manager") == 200,
    )
    await stage.see("and recorded as the bank's", lambda: script.answered(stage, one, Party.BANK), 3)
    alarms = script.alarms(stage, one, "sho")
    await stage.see(
        "it stops nothing: the station is told again",
        lambda: script.alarms(stage, one, "sho") > alarms,
        began + 2 * ROUND_S - asyncio.get_running_loop().time(),
    )

    stage.tell(f"{script.OFFICER} answers, sends a party, and the party closes it on the spot.")
    await script.answer(stage, one, CommandKind.ACKNOWLEDGE)
    await script.answer(stage, one, CommandKind.DISPATCH)
    await script.answer(stage, one, CommandKind.ARRIVE)
    await script.close(stage, one, Disposition.GENUINE)
    await stage.see("the manager reads how it ended", lambda: outside.mail("manager", "मामला बंद (असली)", one.code), 3)


async def device_unplugged(stage: Stage) -> None:
    """A dead device, then a dead line, is one incident; what lies behind it is unknown, and never normal."""
    outside, bus = stage.outside, stage.town.bus
    stage.tell("The panel's input board loses its supply. It answers no more; its neighbours on the bus do.")
    bus.fault("panel", Fault.SILENT)
    await script.goes_dark(stage, "device:panel", "अलार्म पैनल इनपुट", BEHIND_THE_PANEL)
    shown = await outside.shown()
    stage.check(
        "its neighbours are read as before",
        holds=shown.zones["panel-battery"] == shown.zones["server-room"] == "normal",
    )
    stage.tell("The board has its supply again.")
    bus.fault("panel", None)
    await script.comes_back(stage, "device:panel", "अलार्म पैनल इनपुट")

    stage.tell("Somebody pulls the RS-485 adapter out of the box: three devices are gone at once.")
    await bus.pull()
    await script.goes_dark(stage, "link:bus", "", ON_THE_BUS)
    stage.tell("And puts it back.")
    await bus.plug()
    await script.comes_back(stage, "link:bus", "")


SCENES = (
    Scene("hold-up", "Hold-up: told outside, silent inside", hold_up),
    Scene("mains-and-battery", "Mains and battery: a fault for those who mend it", mains_and_battery),
    Scene("smoke", "Smoke: latched until the police close it", smoke),
    Scene("duress", "Duress: a code at the keypad, heard by nobody in the branch", duress),
    Scene("camera-covered", "Camera covered: the road is not seen any more", camera_covered),
    Scene("disk-failed", "Disk failed: told by its number before footage is missed", disk_failed),
    Scene("retention-short", "Retention short: 11 days are kept, 90 are asked for", retention_short),
    Scene("device-unplugged", "Device unplugged: unknown is not normal", device_unplugged),
)
