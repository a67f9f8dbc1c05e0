"""Every message and label of the house by id, Hindi and English side by side.

A message has a subject, a body (mail, page) and a short form that fits two SMS parts in Hindi (134 UCS-2 units).
Slots are filled by the caller, in the reader's language; figures are 0-9 in both. No text is made anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.facts import AnswerKind, Disposition
from sentinel.core.model import Condition, Failure, Party, Role, Severity, Sight, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT_UNITS = 134  # two concatenated UCS-2 parts of 67
SHORT_REASON = 42  # of them for a reason, beside the longest names


@dataclass(frozen=True, slots=True)
class Words:
    """One message with its slots, in both languages."""

    subject: Text
    body: Text
    short: Text


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it leaves."""

    subject: str
    body: str
    short: str


WORDS: dict[str, Words] = {
    "alarm": Words(
        Text("{test}{again}{role}: {branch} · कोड {code}", "{test}{again}{role}: {branch} · code {code}"),
        Text(
            "{test}{again}{role}\n{branch}\n{address}\nजगह: {zone}\nसमय: {time}\nकोड: {code}\n\n"
            "तुरंत कार्रवाई करें और उत्तर दें। जब तक कोई अधिकृत व्यक्ति उत्तर नहीं देता, यह संदेश दोहराया जाएगा।",
            "{test}{again}{role}\n{branch}\n{address}\nWhere: {zone}\nTime: {time}\nCode: {code}\n\n"
            "Act at once and answer. This message repeats until somebody who may answer does.",
        ),
        Text(
            "{test}{again}{role}: {branch}, {zone}, {time} #{code} उत्तर दें: हाँ {code}",
            "{test}{again}{role}: {branch}, {zone}, {time} #{code} reply ACK {code}",
        ),
    ),
    "trouble": Words(
        Text(
            "{test}{again}खराबी: {zone} · {branch} · कोड {code}", "{test}{again}Fault: {zone} · {branch} · code {code}"
        ),
        Text(
            "{test}{again}खराबी: {role}\n{branch}\nजगह: {zone}\nकारण: {reason}\nगंभीरता: {severity}\nसमय: {time}\nकोड: {code}\n"
            "{hides}\nठीक होने तक इस पर भरोसा न करें।",
            "{test}{again}Fault: {role}\n{branch}\nWhere: {zone}\nReason: {reason}\nSeverity: {severity}\nTime: {time}\nCode: {code}\n"
            "{hides}\nDo not rely on it until it is mended.",
        ),
        Text(
            "{test}{again}खराबी: {zone}, {branch}: {reason} {time} #{code}",
            "{test}{again}Fault: {zone}, {branch}: {reason} {time} #{code}",
        ),
    ),
    "restored": Words(
        Text("{test}ठीक हुआ: {zone} · {branch} · कोड {code}", "{test}Restored: {zone} · {branch} · code {code}"),
        Text(
            "{test}{role}: फिर सामान्य\n{branch}\nजगह: {zone}\nसमय: {time}\nकोड: {code}",
            "{test}{role}: normal again\n{branch}\nWhere: {zone}\nTime: {time}\nCode: {code}",
        ),
        Text("{test}ठीक हुआ: {zone}, {branch} {time} #{code}", "{test}Restored: {zone}, {branch} {time} #{code}"),
    ),
    "answered.acknowledged": Words(
        Text("{by} ने संज्ञान लिया · कोड {code}", "{by} has acknowledged · code {code}"),
        Text(
            "{by} ने संज्ञान लिया ({time})।\n{role}, {branch}, {zone}\nकोड: {code}",
            "{by} acknowledged at {time}.\n{role}, {branch}, {zone}\nCode: {code}",
        ),
        Text("{by} ने संज्ञान लिया {time} #{code}", "{by} acknowledged {time} #{code}"),
    ),
    "answered.dispatched": Words(
        Text("{by} ने दल रवाना किया · कोड {code}", "{by} has sent a party · code {code}"),
        Text(
            "{by} ने दल रवाना किया ({time})।\n{role}, {branch}, {zone}\nकोड: {code}",
            "{by} sent a party at {time}.\n{role}, {branch}, {zone}\nCode: {code}",
        ),
        Text("{by} ने दल रवाना किया {time} #{code}", "{by} sent a party {time} #{code}"),
    ),
    "answered.arrived": Words(
        Text("दल मौके पर पहुँच गया · कोड {code}", "The party has arrived · code {code}"),
        Text(
            "{by}: दल मौके पर पहुँच गया ({time})।\n{role}, {branch}, {zone}\nकोड: {code}",
            "{by}: the party arrived at {time}.\n{role}, {branch}, {zone}\nCode: {code}",
        ),
        Text("{by}: दल पहुँचा {time} #{code}", "{by}: party arrived {time} #{code}"),
    ),
    "closed": Words(
        Text("मामला बंद ({disposition}): {zone} · कोड {code}", "Closed ({disposition}): {zone} · code {code}"),
        Text(
            "{by} ने मामला बंद किया ({time})।\nनतीजा: {disposition}\n{role}, {branch}, {zone}\nकोड: {code}",
            "{by} closed it at {time}.\nResult: {disposition}\n{role}, {branch}, {zone}\nCode: {code}",
        ),
        Text("मामला बंद: {disposition}, {zone} {time} #{code}", "Closed: {disposition}, {zone} {time} #{code}"),
    ),
    "mistake": Words(
        Text("बैंक की सूचना: भूल से हुआ · कोड {code}", "The bank reports a mistake · code {code}"),
        Text(
            "बैंक की सूचना ({time}): अलार्म भूल से हुआ। इस सूचना से कुछ नहीं रुकता; जाँच के बाद ही बंद करें।\n"
            "{role}, {branch}, {zone}\nकोड: {code}",
            "The bank says ({time}) that it was a mistake. This stops nothing; close it only after checking.\n"
            "{role}, {branch}, {zone}\nCode: {code}",
        ),
        Text(
            "बैंक की सूचना: भूल से हुआ। फिर भी जाँचें: {zone} {time} #{code}", "Bank says mistake, check {zone} {time} #{code}"
        ),
    ),
    "confirmed": Words(
        Text("{again}पुष्टि हुई: {role}: {branch} · कोड {code}", "{again}Confirmed: {role}: {branch} · code {code}"),
        Text(
            "{again}पुष्टि हुई: {role}\n{branch}\n{address}\nजगह: {zone}\nसमय: {time}\nकोड: {code}\n\n"
            "अलार्म के कुछ ही मिनट में रिकॉर्डर से संपर्क टूट गया: {lost}। कोई शाखा में हो सकता है।\n"
            "तुरंत कार्रवाई करें और उत्तर दें।",
            "{again}Confirmed: {role}\n{branch}\n{address}\nWhere: {zone}\nTime: {time}\nCode: {code}\n\n"
            "Within minutes of the alarm the recorder was lost: {lost}. Somebody may be in the branch.\n"
            "Act at once and answer.",
        ),
        Text(
            "पुष्टि हुई: {role}, {branch}, {zone} {time} #{code} उत्तर: हाँ {code}",
            "Confirmed: {role}, {branch}, {zone} {time} #{code} reply ACK {code}",
        ),
    ),
    "pictures": Words(
        Text("तस्वीरें: {role}: {branch} · कोड {code}", "Pictures: {role}: {branch} · code {code}"),
        Text(
            "{role}\n{branch}\nजगह: {zone}\nसमय: {time}\nकोड: {code}\n\n"
            "अब तक {pictures} तस्वीरें रखी गईं; हर कैमरे की पहली छोटी तस्वीर साथ है।",
            "{role}\n{branch}\nWhere: {zone}\nTime: {time}\nCode: {code}\n\n"
            "Pictures kept so far: {pictures}; the first small one of each camera is attached.",
        ),
        Text(
            "{pictures} तस्वीरें: {zone}, {branch} {time} #{code}", "{pictures} pictures: {zone}, {branch} {time} #{code}"
        ),
    ),
    "bare": Words(
        Text(
            "{again}{role}: {branch} · कोड {code} · बिना रिकॉर्ड",
            "{again}{role}: {branch} · code {code} · told from memory",
        ),
        Text(
            "{again}{role}\n{branch}\n{address}\nजगह: {zone}\nसमय: {time}\nकोड: {code}\n\n"
            "शाखा में अभी घटनाएँ दर्ज नहीं हो पा रहीं। यह संदेश बिना दर्ज हुए भेजा गया है और दोबारा आ सकता है।",
            "{again}{role}\n{branch}\n{address}\nWhere: {zone}\nTime: {time}\nCode: {code}\n\n"
            "The branch's journal cannot be written now; this is told from memory and may come twice.",
        ),
        Text(
            "{again}{role}: {branch}, {zone}, {time} #{code} (बिना रिकॉर्ड)",
            "{again}{role}: {branch}, {zone}, {time} #{code} (no journal)",
        ),
    ),
}

AGAIN = Text("फिर से: ", "AGAIN: ")  # the same code, but not a repeat: it went into alarm anew
TEST = Text("परीक्षण: ", "TEST: ")
SOMEBODY = Text("किसी", "somebody")  # who answered, where no name and no post is known any more
HIDES = Text("इस कारण इनकी स्थिति पता नहीं: {zones}", "Not known while this stands: {zones}")

ROLES: dict[Role, Text] = {
    Role.HOLD_UP: Text("लूट की सूचना", "Hold-up"),
    Role.DURESS: Text("दबाव में खोला गया", "Duress"),
    Role.PANIC: Text("आपात बटन", "Panic button"),
    Role.FIRE: Text("आग", "Fire"),
    Role.SMOKE: Text("आग: धुआँ", "Fire: smoke"),
    Role.HEAT: Text("आग: तेज़ गर्मी", "Fire: heat"),
    Role.CALL_POINT: Text("आग: बटन दबाया गया", "Fire: manual call point"),
    Role.INTRUSION: Text("सेंधमारी", "Intrusion"),
    Role.VAULT: Text("स्ट्रांग रूम", "Strong room"),
    Role.VIBRATION: Text("कंपन", "Vibration"),
    Role.SHUTTER: Text("शटर", "Shutter"),
    Role.TAMPER: Text("छेड़छाड़", "Tamper"),
    Role.ATM_TAMPER: Text("एटीएम से छेड़छाड़", "ATM tamper"),
    Role.OPENING: Text("शाखा खुली", "Opening"),
    Role.ARMED: Text("अलार्म चालू", "Armed"),
    Role.MAINS: Text("बिजली", "Mains power"),
    Role.BATTERY: Text("बैटरी", "Battery"),
    Role.CHARGER: Text("चार्जर", "Charger"),
    Role.SIREN: Text("सायरन", "Siren"),
    Role.PANEL_FAULT: Text("पैनल की खराबी", "Panel fault"),
    Role.FIRE_FAULT: Text("फायर पैनल की खराबी", "Fire panel fault"),
    Role.CAMERA_VIDEO: Text("कैमरे की तस्वीर", "Camera picture"),
    Role.CAMERA_RECORDING: Text("कैमरे की रिकॉर्डिंग", "Camera recording"),
    Role.CAMERA_PICTURE: Text("कैमरे का दृश्य", "Camera view"),
    Role.RECORDER: Text("रिकॉर्डर", "Recorder"),
    Role.RECORDER_ACCESS: Text("रिकॉर्डर का पासवर्ड", "Recorder password"),
    Role.COVERAGE: Text("कैमरे से न दिखने वाली जगह", "Place that no camera sees"),
    Role.DISK: Text("डिस्क", "Disk"),
    Role.RETENTION: Text("रिकॉर्डिंग के दिन", "Days of recording"),
    Role.RECORDER_CLOCK: Text("रिकॉर्डर की घड़ी", "Recorder clock"),
    Role.TEMPERATURE: Text("तापमान", "Temperature"),
    Role.HUMIDITY: Text("नमी", "Humidity"),
    Role.SUMMARY: Text("हूटर बज रहा है", "Hooter sounding"),
    Role.MEASURE: Text("माप", "Measured value"),
    Role.LINK: Text("उपकरणों की लाइन", "Device line"),
    Role.DEVICE: Text("उपकरण", "Device"),
    Role.PATH: Text("संचार का रास्ता", "Way out"),
    Role.JOURNAL: Text("घटनाएँ दर्ज करना", "Journal"),
    Role.AUDIT: Text("आंतरिक जाँच", "Self-audit"),
    Role.PROGRAM: Text("सेटिंग बदली गई", "Program changed"),
    Role.CLOCK_STEP: Text("घड़ी का समय बदला", "Clock stepped"),
    Role.DELIVERY: Text("सूचना नहीं पहुँची", "Notice not delivered"),
    Role.POWER_UP: Text("सिस्टम चालू हुआ", "Started"),
    Role.TELEMETRY: Text("माप दर्ज करना", "Recording of values"),
}

SEVERITIES: dict[Severity, Text] = {
    Severity.CRITICAL: Text("अति गंभीर", "critical"),
    Severity.HIGH: Text("गंभीर", "high"),
    Severity.FAULT: Text("खराबी", "fault"),
    Severity.INFO: Text("सूचना", "info"),
}

CONDITIONS: dict[Condition, Text] = {
    Condition.NORMAL: Text("सामान्य", "normal"),
    Condition.ALARM: Text("अलार्म", "alarm"),
    Condition.TROUBLE: Text("खराबी", "fault"),
    Condition.UNKNOWN: Text("पता नहीं", "unknown"),
}

SUPERVISED = Text("निगरानी में", "supervised")  # all that a hold-up zone ever shows in the branch

DISPOSITIONS: dict[Disposition, Text] = {
    Disposition.GENUINE: Text("असली", "genuine"),
    Disposition.FALSE: Text("गलत अलार्म", "false alarm"),
    Disposition.TEST: Text("परीक्षण", "test"),
    Disposition.FAULT: Text("खराबी", "fault"),
    Disposition.RESTORED: Text("अपने आप ठीक", "restored by itself"),
}

ANSWERS: dict[AnswerKind, Text] = {
    AnswerKind.ACKNOWLEDGED: Text("संज्ञान लिया", "acknowledged"),
    AnswerKind.DISPATCHED: Text("दल रवाना किया", "party sent"),
    AnswerKind.ARRIVED: Text("दल पहुँचा", "party arrived"),
}

SIGHTS: dict[Sight, Text] = {
    Sight.ENTRANCE: Text("प्रवेश द्वार", "the entrance"),
    Sight.CASH_COUNTER: Text("कैश काउंटर", "the cash counter"),
    Sight.HALL: Text("हॉल", "the hall"),
    Sight.STRONG_ROOM: Text("स्ट्रांग रूम", "the strong room"),
    Sight.ATM: Text("एटीएम", "the ATM"),
    Sight.FRONT: Text("सामने", "the front"),
    Sight.BACK: Text("पीछे", "the back"),
    Sight.LEFT: Text("बाईं ओर", "the left side"),
    Sight.RIGHT: Text("दाईं ओर", "the right side"),
    Sight.ROAD: Text("सड़क", "the road"),
}

PARTIES: dict[Party, Text] = {
    Party.POLICE: Text("पुलिस", "police"),
    Party.ROOM: Text("नियंत्रण कक्ष", "control room"),
    Party.BANK: Text("बैंक", "bank"),
    Party.SERVICE: Text("तकनीशियन", "service"),
    Party.OTHER: Text("अन्य", "other"),
}

REASONS: dict[str, Text] = {
    Failure.NOT_CONNECTED: Text("लाइन कटी है", "the line is gone"),
    Failure.NO_REPLY: Text("कोई उत्तर नहीं", "no reply"),
    Failure.BAD_REPLY: Text("गलत उत्तर", "replies that make no sense"),
    Failure.REFUSED: Text("उपकरण ने मना किया", "the device refuses"),
    Failure.UNSUPPORTED: Text("उपकरण में यह सुविधा नहीं", "the device does not have this"),
    Failure.CREDENTIAL: Text("पासवर्ड नहीं माना गया", "the password is refused"),
    Failure.LOCKED: Text("उपकरण ने खाता बंद कर दिया है", "the device has locked the account"),
    Failure.IDENTITY: Text("दूसरा उपकरण उत्तर दे रहा है", "another device answers"),
    Failure.STUCK: Text("उपकरण अटका है", "the device is stuck"),
    Failure.RANGE: Text("असंभव माप", "an impossible value"),
    "silent": Text("कोई संकेत नहीं आ रहा", "silent"),
    "senseless-value": Text("माप समझ में नहीं आता", "a value that makes no sense"),
    "trouble": Text("सेंसर या तार में खराबी", "its sensor or its wiring is faulty"),
    "bypassed": Text("पैनल में बाईपास किया गया", "bypassed at the panel"),
    "flapping": Text("बार-बार बदल रहा है", "changes again and again"),
    "before": Text("पहले से", "since before the restart"),
    "failed": Text("पढ़ा नहीं गया", "cannot be read"),
    # Of a place that must be seen:
    "dark": Text("वहाँ के सब कैमरे बंद हैं या ढके हैं", "every camera there is dark or covered"),
    "no-camera": Text("वहाँ कोई कैमरा नहीं लगा", "no camera is there"),
    # Of the record:
    "card": Text("कार्ड पर लिखा नहीं जा रहा", "the card cannot be written"),
    "no-room": Text("कार्ड भर गया है", "the card is full"),
    "damaged": Text("कार्ड पर रखे माप खराब मिले", "what was kept was damaged"),
    "credential": Text("टोकन या पासवर्ड नहीं माना गया", "token or password is refused"),
    "not-found": Text("डेटाबेस या बकेट नहीं मिला", "no such database or bucket there"),
    "not-influxdb": Text("इस पते पर डेटाबेस नहीं है", "what answers there is no database"),
    "secret": Text("टोकन या पासवर्ड यहाँ पढ़ा नहीं जा रहा", "token or password cannot be read here"),
    "tls": Text("डेटाबेस का प्रमाणपत्र नहीं माना गया", "its certificate is not trusted"),
    "all-refused": Text("डेटाबेस कुछ भी नहीं ले रहा", "it takes nothing that is sent"),
    "store-limit": Text("डेटाबेस की अपनी सीमा भर गई", "the database is at a limit"),
    "lines-refused": Text("डेटाबेस कुछ माप नहीं ले रहा", "it refuses some of the values"),
    "busy": Text("डेटाबेस व्यस्त है", "the database is busy"),
    "server-error": Text("डेटाबेस में खराबी", "a fault of the database"),
    "unreachable": Text("डेटाबेस तक रास्ता नहीं", "the database cannot be reached"),
    "connection-lost": Text("कनेक्शन टूटा", "the connection was lost"),
    "too-slow": Text("डेटाबेस का उत्तर नहीं आता", "no answer in time"),
    "nothing-written": Text("छह घंटे से कुछ दर्ज नहीं हुआ", "nothing was written for six hours"),
    "points-dropped": Text("पुराने माप हटाने पड़े", "old values had to be dropped"),
    "": Text("-", "-"),
}


# The gateway's own things that can have an incident, by subject.
OWN: dict[str, Text] = {
    "gateway:journal": Text("घटनाओं का रिकॉर्ड", "Journal"),
    "gateway:program": Text("इस शाखा की सेटिंग", "Settings of this branch"),
    "gateway:audit": Text("आंतरिक जाँच", "Self-audit"),
    "gateway:audit/quiet": Text("आंतरिक जाँच", "Self-audit"),
    "telemetry:store": Text("माप का डेटाबेस", "Database of measured values"),
    "telemetry:spool": Text("कार्ड पर माप का भंडार", "Measured values kept on the card"),
}


# Sentences of channels and of the auditor begin so; what follows is for whoever mends it, and stands in the English one.
BEGINNINGS: dict[str, str] = {
    "the mail server was lost": "मेल सर्वर से संपर्क टूटा",
    "the mail server is lost": "मेल सर्वर से संपर्क टूटा",
    "the mail server was too slow": "मेल सर्वर का उत्तर नहीं आया",
    "the mail server does not greet": "मेल सर्वर तैयार नहीं है",
    "the mail server refuses our user name": "मेल सर्वर ने नाम या पासवर्ड नहीं माना",
    "the mail server refuses us": "मेल सर्वर ने मना किया",
    "the mail server cannot do": "मेल सर्वर में यह सुविधा नहीं",
    "the mail server's answer": "मेल सर्वर का उत्तर समझ में नहीं आया",
    "the mail password": "मेल का पासवर्ड पढ़ा नहीं जा रहा",
    "the mailbox was refused": "मेल सर्वर ने यह पता नहीं माना",
    "the letter was refused": "मेल सर्वर ने संदेश नहीं लिया",
    "TLS with the mail server": "मेल सर्वर का प्रमाणपत्र नहीं माना गया",
    "not connected": "नियंत्रण कक्ष की लाइन जुड़ी नहीं है",
    "room ": "नियंत्रण कक्ष तक नहीं पहुँची",
    "the broker did not": "नियंत्रण कक्ष की लाइन से उत्तर नहीं आया",
    "too many messages": "नियंत्रण कक्ष की लाइन पर बहुत संदेश रुके हैं",
    "no address": "पता नहीं लिखा है",
    "the channel did not answer": "इस रास्ते से उत्तर नहीं आया",
    "a step is overdue": "सूचना समय पर नहीं गई",
    "no next step": "आगे किसे बताना है, तय नहीं",
    "put off for too long": "सूचना बहुत देर से रुकी है",
    "live in the facts": "सूचना भेजने की कतार में नहीं मिली",
}


def reason(word: str, language: str) -> str:
    """A reason in the reader's language; a word that has none is shown as it is, never hidden."""
    text = REASONS.get(word)
    if text is not None:
        return text.of(language)
    hindi = next((hindi for begins, hindi in BEGINNINGS.items() if word.startswith(begins)), word)
    return hindi if language == "hi" else word


def render(words: str, language: str, slots: Mapping[str, str]) -> Message:
    """The message in one language. KeyError names a slot that the caller forgot."""
    one = WORDS[words]
    return Message(
        one.subject.of(language).format_map(slots),
        one.body.of(language).format_map(slots),
        one.short.of(language).format_map({**slots, "reason": _short(slots.get("reason", ""))}),
    )


def _short(text: str) -> str:
    return text if len(text) <= SHORT_REASON else f"{text[: SHORT_REASON - 1].rstrip()}…"
