"""The scenes of the recorder and of the panel that reports by itself. As `scenes`; the Hindi is what the letters must say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.panel import Status
from sentinel.core.facts import Disposition
from sentinel.core.model import Severity
from sentinel.demo import script
from sentinel.gateway.exchange import CommandKind

if TYPE_CHECKING:
    from sentinel.demo.stage import Stage

DURESS, GATE, KEPT_DAYS, SHORT_DAYS = 121, 1, 120.0, 11.2
SEEN_BY_THE_GATE = ("coverage:entrance", "coverage:front", "coverage:road")


async def duress(stage: Stage) -> None:
    """A panel tells it by its serial line: acknowledged when it is on the card; the police know, and the branch shows nothing."""
    outside, panel = stage.outside, stage.town.panel
    quiet = await script.settled(stage)
    stage.tell(
        "At opening time a man stands behind the manager. He types the alarm's code, with its last digit one higher."
    )
    known = len(panel.acknowledged)
    panel.report(DURESS, zone=3)
    one = await stage.see("the station's wall has it", lambda: outside.opened("zone:intruder-panel-other-duress"), 5)
    await stage.see(
        "the station house officer reads", lambda: outside.mail("sho", "दबाव में खोला गया: सेक्टर 6 शाखा", one.code), 3
    )
    await stage.see(
        "the panel has its acknowledgement: it was on the card before", lambda: len(panel.acknowledged) > known, 3
    )
    await script.delivered(stage, one)
    stage.check(
        "the branch shows what it showed before: supervised, no incident, no number that moved",
        holds=await outside.shown() == quiet and quiet.zones["intruder-panel-other-duress"] == "supervised",
    )

    stage.tell(f"{script.OFFICER} at the station sends a party in plain clothes.")
    for kind in (CommandKind.ACKNOWLEDGE, CommandKind.DISPATCH, CommandKind.ARRIVE):
        await script.answer(stage, one, kind)
    panel.report(DURESS, Status.RESTORED, zone=3)
    await stage.see("the room sees the panel's restore", lambda: script.cleared(stage, one), 5)
    await script.close(stage, one, Disposition.GENUINE)
    stage.check(
        "from beginning to end no letter went to anybody in the branch",
        holds=outside.mailed() <= {"sho", "security-officer"} and "manager" not in outside.told(),
    )


async def camera_covered(stage: Stage) -> None:
    """The only camera of the road is blind: told as a camera, and as the road; what other cameras see stays seen."""
    outside, camera = stage.outside, stage.town.recorder.cameras[GATE]
    stage.tell("Somebody pulls a bag over the gate camera and tears its cable off.")
    camera.online = False
    video = await stage.see("the room has a fault", lambda: outside.opened("zone:recorder-gate-video"), 15)
    await stage.see("the branch manager reads", lambda: outside.mail("manager", "खराबी: गेट का कैमरा", video.code), 3)
    road = await stage.see("and another: nobody sees the road", lambda: outside.opened("coverage:road"), 5)
    letter = await stage.see("the manager reads so", lambda: outside.mail("manager", "खराबी: सड़क", road.code), 3)
    stage.check("with its reason, in Hindi", holds="सब कैमरे बंद हैं या ढके हैं" in letter.body)
    stage.check(
        "of all places that must be seen it is those of this camera",
        holds={one.subject for one in outside.state().incidents.values() if one.subject.startswith("coverage:")}
        == set(SEEN_BY_THE_GATE),
    )

    stage.tell("The installer mends the cable.")
    camera.online = True
    await script.restored(stage, video, "manager", "गेट का कैमरा")
    await script.restored(stage, road, "manager", "सड़क")
    await stage.see_branch("every place is seen again", script.all_is_well, 5)


async def disk_failed(stage: Stage) -> None:
    """A disk of the recorder dies: those who mend it read which one."""
    outside, recorder = stage.outside, stage.town.recorder
    stage.tell("In the recorder a disk has failed. Its lamps are green, and its screen shows every camera.")
    recorder.disks[2].status = "error"
    one = await stage.see("the room has a fault", lambda: outside.opened("zone:recorder-disks"), 15)
    stage.check("a fault, not an alarm: the police are not called for a disk", holds=one.severity is Severity.FAULT)
    letter = await stage.see(
        "the installer reads, in English", lambda: outside.mail("installer", "Fault: CCTV recorder disks", one.code), 3
    )
    stage.check("which disk", holds="disk 2 has failed" in letter.body)
    await stage.see(
        "the branch manager reads, in Hindi",
        lambda: (
            (found := outside.mail("manager", "खराबी: रिकॉर्डर की डिस्क", one.code)) and "डिस्क 2 खराब है" in found.body
        ),
        3,
    )
    await stage.see_branch("the branch shows it", lambda shown: shown.zones["recorder-disks"] == "alarm", 3)

    stage.tell("It is changed.")
    recorder.disks[2].status = "ok"
    await script.restored(stage, one, "manager", "रिकॉर्डर की डिस्क")
    await stage.see_branch("all is well again", script.all_is_well, 5)


async def retention_short(stage: Stage) -> None:
    """The recorder keeps eleven days where ninety are asked for. It says itself that all is well; its oldest file does not."""
    outside, recorder = stage.outside, stage.town.recorder
    stage.tell(
        "Someone has set every camera to the finest picture. The disks hold eleven days now, and ninety are asked for."
    )
    for camera in recorder.cameras.values():
        camera.kept_days = SHORT_DAYS
    one = await stage.see("the room has a fault", lambda: outside.opened("zone:recorder-footage"), 20)
    letter = await stage.see(
        "the branch manager reads", lambda: outside.mail("manager", "खराबी: रिकॉर्डिंग के दिन", one.code), 3
    )
    stage.check("how many days there are, and how many must be", holds="रिकॉर्डिंग 11 दिन की है, 90 चाहिए" in letter.body)
    letter = await stage.see(
        "the installer reads, in English", lambda: outside.mail("installer", "Fault: Days of footage", one.code), 3
    )
    stage.check("the same", holds="11 days kept, 90 are required" in letter.body)
    stage.check("the recorder itself says that it records", holds=recorder.cameras[GATE].recording(recorder.now()))

    await stage.see_branch("the branch shows it", lambda shown: shown.zones["recorder-footage"] == "alarm", 3)

    stage.tell("The setting is put back. Months pass.")
    for camera in recorder.cameras.values():
        camera.kept_days = KEPT_DAYS
    await script.restored(stage, one, "manager", "रिकॉर्डिंग के दिन")
    await stage.see_branch("all is well again", script.all_is_well, 5)
