"""Role -> Contact ID and SIA code, severity, latching, silence and hold times: one table, read by everybody.

Codes after SIA DC-05 (Contact ID) and DC-07 (SIA) as the panels' manuals use them. There is no standard code for
video loss, disks or recording; those rows are this house's own mapping and are published in docs/codes.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentinel.core.model import Role, Severity


@dataclass(frozen=True, slots=True)
class RoleRule:
    """What a role entails. Events are three-digit Contact ID codes; delays are seconds."""

    event: int  # of its alarm (or of the fault that it is there to report)
    sia: str  # two letters, new
    sia_restore: str
    severity: Severity
    latching: bool  # stays open until a person closes it
    silent: bool  # shows nowhere in the branch (DESIGN rule 6)
    on_delay_s: float  # how long it must stand; 0: the first trustworthy read counts
    off_delay_s: float  # how long normal must stand before it is restored
    trouble_event: int = 380  # its sensor cannot be believed
    trouble_severity: Severity = Severity.FAULT


def _critical(
    event: int, sia: str, sia_restore: str, *, silent: bool = False, on: float = 0.0, trouble: int = 380
) -> RoleRule:
    return RoleRule(event, sia, sia_restore, Severity.CRITICAL, True, silent, on, 2.0, trouble, Severity.HIGH)


def _high(event: int, sia: str, sia_restore: str, *, on: float = 0.3) -> RoleRule:
    return RoleRule(event, sia, sia_restore, Severity.HIGH, False, False, on, 5.0)


def _fault(event: int, sia: str, sia_restore: str, *, on: float = 5.0, off: float = 5.0) -> RoleRule:
    return RoleRule(event, sia, sia_restore, Severity.FAULT, False, False, on, off)


def _info(event: int, sia: str, sia_restore: str) -> RoleRule:
    return RoleRule(event, sia, sia_restore, Severity.INFO, False, False, 0.3, 0.3)


ROLES: dict[Role, RoleRule] = {
    Role.HOLD_UP: _critical(122, "HA", "HH", silent=True),
    Role.DURESS: _critical(121, "HA", "HH", silent=True),
    Role.PANIC: _critical(120, "PA", "PH"),
    Role.FIRE: _critical(110, "FA", "FH", trouble=373),
    Role.SMOKE: _critical(111, "FA", "FH", on=0.4, trouble=373),
    Role.HEAT: _critical(114, "KA", "KH", on=0.4, trouble=373),
    Role.CALL_POINT: _critical(115, "FA", "FH", trouble=373),
    Role.INTRUSION: _high(130, "BA", "BH"),
    Role.VAULT: _high(133, "BA", "BH"),
    Role.VIBRATION: _high(133, "BA", "BH"),
    Role.SHUTTER: _high(131, "BA", "BH"),
    Role.TAMPER: _high(137, "TA", "TR"),
    Role.ATM_TAMPER: _high(137, "TA", "TR"),
    Role.OPENING: _info(401, "OP", "CL"),
    Role.ARMED: _info(401, "CL", "OP"),
    Role.MAINS: _fault(301, "AT", "AR", on=10.0, off=10.0),
    Role.BATTERY: _fault(302, "YT", "YR", on=10.0, off=60.0),
    Role.CHARGER: _fault(312, "YP", "YQ"),
    Role.SIREN: _fault(321, "YA", "YH"),
    Role.PANEL_FAULT: _fault(333, "ET", "ER"),
    Role.FIRE_FAULT: _fault(373, "FT", "FJ"),
    Role.CAMERA_VIDEO: _fault(380, "EX", "ER"),
    Role.CAMERA_RECORDING: _fault(330, "EX", "ER"),
    Role.CAMERA_PICTURE: _fault(380, "EX", "ER"),
    Role.RECORDER_ACCESS: _fault(330, "EX", "ER", on=0.0, off=0.0),
    Role.COVERAGE: _fault(380, "EX", "ER", on=0.0, off=0.0),
    Role.RECORDER: RoleRule(333, "EX", "ER", Severity.HIGH, False, False, 5.0, 5.0),
    Role.DISK: _fault(330, "EX", "ER"),
    Role.RETENTION: _fault(330, "EX", "ER"),
    Role.RECORDER_CLOCK: _fault(626, "JT", "JT"),
    Role.TEMPERATURE: _fault(158, "KS", "KR", on=30.0, off=60.0),
    Role.HUMIDITY: _fault(380, "ZS", "ZR", on=30.0, off=60.0),
    Role.SUMMARY: _info(320, "YA", "YH"),
    Role.MEASURE: _info(0, "", ""),
    Role.LINK: _fault(333, "ET", "ER", on=0.0, off=0.0),
    Role.DEVICE: _fault(333, "ET", "ER", on=0.0, off=0.0),
    Role.PATH: _fault(350, "YC", "YK", on=0.0, off=0.0),
    Role.JOURNAL: RoleRule(330, "EX", "ER", Severity.HIGH, False, False, 0.0, 0.0),
    Role.AUDIT: _fault(354, "YC", "YK", on=0.0, off=0.0),
    Role.PROGRAM: _fault(306, "YX", "YZ", on=0.0, off=0.0),
    Role.CLOCK_STEP: _info(626, "JT", "JT"),
    Role.DELIVERY: _fault(354, "YC", "YK", on=0.0, off=0.0),
    Role.POWER_UP: _info(305, "YW", "YW"),
    Role.TELEMETRY: _fault(350, "YC", "YK", on=0.0, off=0.0),
}


def is_critical(role: Role) -> bool:
    """Whether an alarm of this role is the kind that is never delayed, grouped or silenced."""
    return ROLES[role].severity is Severity.CRITICAL
