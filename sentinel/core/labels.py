"""What the branch's page says besides the messages of `words`: headings, states, marks and ages, Hindi and English side by side.

Hindi as a bank's people and constables say it; figures are 0-9 in both. Slots in braces are filled by the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Role, Severity, Sight, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

# --- The page itself -------------------------------------------------------------------------------------------------

HEALTH: Mapping[str, Text] = {
    "ok": Text("Sentinel ठीक काम कर रहा है", "Sentinel is working"),
    "impaired": Text("Sentinel में गड़बड़ी है", "Sentinel is impaired"),
    "bare": Text(
        "घटनाएँ दर्ज नहीं हो पा रहीं; अति गंभीर सूचनाएँ बिना रिकॉर्ड के भेजी जाती हैं",
        "The journal cannot be written; critical alarms are told from memory",
    ),
}

PARTS: Mapping[str, Text] = {  # what a reason for bad health begins with; the rest is a name
    "journal": Text("घटनाओं का रिकॉर्ड", "journal"),
    "no progress": Text("रुका हुआ है", "no progress"),
    "fell": Text("बीच में टूटा", "fell"),
    "desk": Text("घटनाएँ छूटीं", "desk"),
    "page": Text("यह पन्ना", "page"),
    "audit": Text("आंतरिक जाँच", "audit"),
}

ROOM = Text("नियंत्रण कक्ष {}", "control room {}")
UP = Text("चालू", "up")
DOWN = Text("काम नहीं कर रहा", "down")
NOT_KNOWN = Text("पता नहीं", "unknown")
NOT_TRIED = Text("अभी जाँचा नहीं गया", "not tried yet")
LOST = Text("संपर्क टूटा", "lost")
ROOM_UP = Text("जुड़ा है", "connected")
ROOM_DOWN = Text("जुड़ा नहीं है", "not connected")

# --- Headings --------------------------------------------------------------------------------------------------------

INCIDENTS = Text("खुले मामले", "Open incidents")
MORE_OPEN = Text("{} और मामले खुले हैं; सबसे गंभीर ऊपर हैं", "{} more are open; the gravest are above")
NOTHING_OPEN = Text("कोई मामला खुला नहीं है", "Nothing is open")
RECENT = Text("हाल में बंद हुए", "Recently closed")
NOT_COMPLETE = Text("पहले से कौन से मामले खुले थे, अभी पता नहीं", "What was open before is not known yet")
STARTING = Text("Sentinel शुरू हो रहा है", "Sentinel is starting")
ZONES = Text("अलार्म और सेंसर", "Alarms and sensors")
DEVICES = Text("लाइनें और उपकरण", "Lines and devices")
CAMERAS = Text("कैमरे और रिकॉर्डिंग", "Cameras and recordings")
WAYS = Text("बाहर के रास्ते", "Ways out")
PLOTS = Text("माप", "Measurements")
SYSTEM = Text("रिकॉर्ड और सिस्टम", "Records and system")

# --- Incidents -------------------------------------------------------------------------------------------------------

CODE = Text("कोड {}", "code {}")
OPENED = Text("मामला खुला", "opened")
AGAIN = Text("फिर अलार्म आया", "in alarm again")
CLOSED = Text("बंद हुआ: {}", "closed: {}")
TESTING = Text("परीक्षण", "test")
STILL_ACTIVE = Text("अब भी जारी", "still active")
OVER = Text("अब सामान्य, पर मामला बंद करना बाकी", "normal again, but still to be closed")
NOBODY_TOLD = Text(
    "किसी को सूचना नहीं जा सकी: 112 पर फ़ोन करें", "Nobody could be told: telephone the police yourselves, on 112"
)
UNANSWERED = Text("अभी किसी ने उत्तर नहीं दिया", "Nobody has answered yet")
POLICE_OWE = Text("पुलिस का उत्तर बाकी", "the police have still to answer")
RAN_OUT = Text("उत्तर की अवधि बीत गई, फिर से सूचना जा रही है", "the answer has run out, people are told again")
UNTIL = Text("{} तक", "until {}")
HIDES = Text("इस कारण पता नहीं", "Unknown because of it")
TOLD = Text("किसे बताया", "Who was told")
TIMELINE = Text("अब तक क्या हुआ", "What happened so far")
NEXT = Text("आगे", "Next")
NOBODY_NEXT = Text("आगे किसी को नहीं बताना है", "nobody else is due")
TIMES = Text("{} बार", "{} times")
FIRST = Text("पहली बार {}", "first {}")
NOT_SHOWN = Text("बीच की {} बातें यहाँ नहीं दिखाई गईं", "{} in between are not shown")
PICTURES = Text("कैमरों ने क्या देखा", "What the cameras saw")
PICTURE_OF = Text("{}: तस्वीर", "Picture from {}")
BEFORE = Text("अलार्म से पहले", "before")
AFTER = Text("अलार्म के बाद", "after")
EARLIER = Text("इनसे पहले की {} और", "{} more, earlier")
THE_BRANCH = Text("शाखा", "the branch")

NOTICES: Mapping[NoticeState, Text] = {
    NoticeState.PENDING: Text("अभी नहीं भेजी जा सकी, कोशिश जारी है", "not sent yet, trying"),
    NoticeState.SENDING: Text("भेजी जा रही है", "on its way"),
    NoticeState.SENT: Text("भेजी गई", "sent"),
    NoticeState.DELIVERED: Text("पहुँची", "delivered"),
    NoticeState.READ: Text("पढ़ी गई", "read"),
    NoticeState.FAILED: Text("नहीं पहुँची", "failed"),
    NoticeState.WITHDRAWN: Text("ज़रूरत नहीं रही, नहीं भेजी गई", "not needed any more, not sent"),
}
MESSAGES: Mapping[str, Text] = {  # by the id of the message that the notice carries
    "alarm": Text("अलार्म", "alarm"),
    "trouble": Text("खराबी", "fault"),
    "restored": Text("ठीक हुआ", "restored"),
    "closed": Text("बंद हुआ", "closed"),
    "mistake": Text("भूल की सूचना", "mistake reported"),
    "confirmed": Text("पुष्टि हुई", "confirmed"),
    "pictures": Text("तस्वीरें", "pictures"),
    "bare": Text("अलार्म, बिना रिकॉर्ड", "alarm, from memory"),
    "answered.acknowledged": Text("संज्ञान लिया गया", "acknowledged"),
    "answered.dispatched": Text("दल रवाना", "party sent"),
    "answered.arrived": Text("दल पहुँचा", "party arrived"),
}

ACKNOWLEDGE = Text("संज्ञान लें", "Acknowledge")
YOUR_NAME = Text("आपका नाम", "Your name")
WHAT_IT_DOES: Mapping[Severity, Text] = {
    Severity.CRITICAL: Text(
        "इससे दर्ज होगा कि शाखा ने देख लिया। पुलिस को सूचना जाती रहेगी, जब तक पुलिस खुद उत्तर न दे। मामला खुला रहेगा।",
        "This records that the branch has seen it. The police are still told, until they answer themselves. It stays open.",
    ),
    Severity.HIGH: Text(
        "इससे दर्ज होगा कि शाखा ने देख लिया। 15 मिनट तक आगे किसी को नहीं बताया जाएगा। मामला खुला रहेगा।",
        "This records that the branch has seen it. For 15 minutes nobody else is told. It stays open.",
    ),
    Severity.FAULT: Text(
        "इससे दर्ज होगा कि शाखा ने देख लिया। 24 घंटे तक दोबारा नहीं बताया जाएगा। खराबी ठीक होने पर मामला अपने आप बंद होगा।",
        "This records that the branch has seen it. For 24 hours nobody is told again. It closes when the fault is mended.",
    ),
    Severity.INFO: Text("इससे दर्ज होगा कि शाखा ने देख लिया।", "This records that the branch has seen it."),
}
NO_NAME = Text("अपना नाम लिखें।", "Write your name.")
NOT_OPEN = Text("यह मामला अब खुला नहीं है।", "This is not open any more.")
NOT_TAKEN = Text("उत्तर दर्ज नहीं हुआ, दोबारा कोशिश करें।", "The answer was not taken; try again.")
TAKEN = Text("दर्ज हुआ।", "Recorded.")
ANSWER_ELSEWHERE = Text(
    "उत्तर देने के लिए इस मशीन पर: sentinel ack {code} --by नाम",
    "To answer, on this machine: sentinel ack {code} --by NAME",
)

# --- Zones, devices, ways --------------------------------------------------------------------------------------------

STATES: Mapping[tuple[Role, Condition], Text] = {  # where a role has better words than `words.CONDITIONS`
    (Role.MAINS, Condition.NORMAL): Text("चालू", "on"),
    (Role.MAINS, Condition.ALARM): Text("गुल", "off"),
    (Role.BATTERY, Condition.NORMAL): Text("ठीक", "good"),
    (Role.BATTERY, Condition.ALARM): Text("कमज़ोर", "low"),
    (Role.TEMPERATURE, Condition.ALARM): Text("सीमा से बाहर", "out of limits"),
    (Role.HUMIDITY, Condition.ALARM): Text("सीमा से बाहर", "out of limits"),
    (Role.SUMMARY, Condition.NORMAL): Text("शांत", "quiet"),
    (Role.SUMMARY, Condition.ALARM): Text("बज रहा है", "sounding"),
    (Role.OPENING, Condition.NORMAL): Text("शाखा बंद", "branch closed"),
    (Role.OPENING, Condition.ALARM): Text("शाखा खुली", "branch open"),
    (Role.ARMED, Condition.NORMAL): Text("पहरा बंद", "disarmed"),
    (Role.ARMED, Condition.ALARM): Text("पहरा चालू", "armed"),
}
KINDS: Mapping[Role, Text] = {  # what a zone is; `words.ROLES` is what its alarm says
    Role.HOLD_UP: Text("होल्ड-अप बटन", "Hold-up button"),
    Role.DURESS: Text("दबाव कोड", "Duress code"),
    Role.PANIC: Text("पैनिक बटन", "Panic button"),
    Role.FIRE: Text("फायर सेंसर", "Fire detector"),
    Role.SMOKE: Text("धुआँ सेंसर", "Smoke detector"),
    Role.HEAT: Text("गर्मी सेंसर", "Heat detector"),
    Role.CALL_POINT: Text("फायर कॉल पॉइंट", "Manual call point"),
    Role.INTRUSION: Text("घुसपैठ सेंसर", "Intrusion sensor"),
    Role.VAULT: Text("स्ट्रांग रूम सेंसर", "Strong room sensor"),
    Role.VIBRATION: Text("कंपन सेंसर", "Vibration sensor"),
    Role.SHUTTER: Text("शटर सेंसर", "Shutter contact"),
    Role.TAMPER: Text("छेड़छाड़ सेंसर", "Tamper contact"),
    Role.ATM_TAMPER: Text("एटीएम सेंसर", "ATM sensor"),
    Role.OPENING: Text("शाखा का खुलना-बंद होना", "Opening and closing"),
    Role.ARMED: Text("पहरा", "Arming"),
    Role.MAINS: Text("बिजली", "Mains power"),
    Role.BATTERY: Text("बैटरी", "Battery"),
    Role.CHARGER: Text("चार्जर", "Charger"),
    Role.SIREN: Text("सायरन", "Siren"),
    Role.PANEL_FAULT: Text("अलार्म पैनल", "Alarm panel"),
    Role.FIRE_FAULT: Text("फायर पैनल", "Fire panel"),
    Role.CAMERA_VIDEO: Text("कैमरा", "Camera"),
    Role.CAMERA_RECORDING: Text("कैमरे की रिकॉर्डिंग", "Camera recording"),
    Role.CAMERA_PICTURE: Text("कैमरे का दृश्य", "Camera view"),
    Role.RECORDER: Text("रिकॉर्डर", "Recorder"),
    Role.RECORDER_ACCESS: Text("रिकॉर्डर का पासवर्ड", "Recorder's password"),
    Role.COVERAGE: Text("कैमरों से दिखने वाली जगह", "Place that a camera sees"),
    Role.DISK: Text("रिकॉर्डर की डिस्क", "Recorder's disk"),
    Role.RETENTION: Text("रिकॉर्डिंग के दिन", "Days of recording"),
    Role.RECORDER_CLOCK: Text("रिकॉर्डर की घड़ी", "Recorder's clock"),
    Role.TEMPERATURE: Text("तापमान", "Temperature"),
    Role.HUMIDITY: Text("नमी", "Humidity"),
    Role.SUMMARY: Text("हूटर", "Hooter"),
    Role.MEASURE: Text("माप", "Measured value"),
    Role.LINK: Text("उपकरणों की लाइन", "Device line"),
    Role.DEVICE: Text("उपकरण", "Device"),
    Role.PATH: Text("बाहर का रास्ता", "Way out"),
    Role.JOURNAL: Text("घटनाओं का रिकॉर्ड", "Journal"),
    Role.AUDIT: Text("आंतरिक जाँच", "Self-audit"),
    Role.PROGRAM: Text("सेटिंग", "Settings"),
    Role.CLOCK_STEP: Text("घड़ी", "Clock"),
    Role.DELIVERY: Text("सूचना का पहुँचना", "Delivery of notices"),
    Role.POWER_UP: Text("सिस्टम", "System"),
    Role.TELEMETRY: Text("माप का रिकॉर्ड", "Recording of values"),
}
HAPPENED: Mapping[Role, Text] = {  # over an incident, where `words.ROLES` alone does not say what happened
    Role.VAULT: Text("स्ट्रांग रूम का अलार्म", "Strong room alarm"),
    Role.VIBRATION: Text("कंपन महसूस हुआ", "Vibration felt"),
    Role.SHUTTER: Text("शटर खुला", "Shutter open"),
    Role.MAINS: Text("बिजली गुल", "Mains power off"),
    Role.BATTERY: Text("बैटरी कमज़ोर", "Battery low"),
    Role.CHARGER: Text("चार्जर खराब", "Charger failed"),
    Role.SIREN: Text("सायरन खराब", "Siren failed"),
    Role.CAMERA_VIDEO: Text("कैमरे की तस्वीर नहीं आ रही", "Camera picture lost"),
    Role.CAMERA_RECORDING: Text("कैमरे की रिकॉर्डिंग रुकी", "Camera recording stopped"),
    Role.CAMERA_PICTURE: Text("कैमरे से ठीक नहीं दिख रहा", "Camera does not see as it should"),
    Role.RECORDER: Text("रिकॉर्डर बदला गया", "Another recorder"),
    Role.RECORDER_ACCESS: Text("रिकॉर्डर का पासवर्ड सुरक्षित नहीं", "Recorder is not guarded"),
    Role.COVERAGE: Text("यह जगह किसी कैमरे से नहीं दिख रही", "No camera sees this place"),
    Role.DISK: Text("रिकॉर्डर की डिस्क खराब", "Recorder's disk failed"),
    Role.RETENTION: Text("रिकॉर्डिंग के दिन कम", "Too few days of recording"),
    Role.RECORDER_CLOCK: Text("रिकॉर्डर की घड़ी गलत", "Recorder's clock wrong"),
    Role.TEMPERATURE: Text("तापमान सीमा से बाहर", "Temperature out of limits"),
    Role.HUMIDITY: Text("नमी सीमा से बाहर", "Humidity out of limits"),
    Role.MEASURE: Text("माप सीमा से बाहर", "Value out of limits"),
}
LAST_KNOWN = Text("आखिरी बार: {}", "last known: {}")
LIMIT = Text("सीमा {}", "limit {}")
ERRORS = Text("असफल", "errors")
LATENCY = Text("उत्तर में", "reply")
LAST_CARRIED = Text("पिछली सूचना", "Last notice")
NOTHING_CARRIED = Text("अभी तक कोई सूचना नहीं गई", "nothing carried yet")
PATHS: Mapping[str, Text] = {
    "wan": Text("इंटरनेट", "internet"),
    "lte": Text("मोबाइल इंटरनेट", "mobile data"),
    "sim": Text("सिम", "SIM"),
    "pstn": Text("टेलीफ़ोन लाइन", "telephone line"),
    "local": Text("यहीं", "on site"),
}
CHANNELS: Mapping[str, Text] = {
    "mqtt": Text("नियंत्रण कक्ष की लाइन", "line to the control room"),
    "email": Text("ईमेल", "e-mail"),
}
BY: Mapping[str, Text] = {"mqtt": Text("नियंत्रण कक्ष", "control room"), "email": Text("ईमेल", "e-mail")}  # beside a name
LINES: Mapping[str, Text] = {
    "modbus-rtu": Text("RS-485 बस", "RS-485 bus"),
    "modbus-tcp": Text("नेटवर्क", "network"),
    "modbus-rtu-tcp": Text("नेटवर्क से RS-485 बस", "RS-485 bus over the network"),
    "serial": Text("सीरियल लाइन", "serial line"),
    "tcp": Text("नेटवर्क", "network"),
    "http": Text("नेटवर्क", "network"),
    "rtsp": Text("नेटवर्क", "network"),
}

# --- Cameras ---------------------------------------------------------------------------------------------------------

PLACES: Mapping[Sight, Text] = {
    Sight.ENTRANCE: Text("प्रवेश द्वार", "Entrance"),
    Sight.CASH_COUNTER: Text("कैश काउंटर", "Cash counter"),
    Sight.HALL: Text("हॉल", "Hall"),
    Sight.STRONG_ROOM: Text("स्ट्रांग रूम", "Strong room"),
    Sight.ATM: Text("एटीएम", "ATM"),
    Sight.FRONT: Text("सामने", "Front"),
    Sight.BACK: Text("पीछे", "Back"),
    Sight.LEFT: Text("बाईं ओर", "Left side"),
    Sight.RIGHT: Text("दाईं ओर", "Right side"),
    Sight.ROAD: Text("सड़क", "Road"),
}
SEEN: Mapping[str, Text] = {
    "seen": Text("नज़र में", "in view"),
    "dark": Text("नज़र में नहीं", "not in view"),
    "no-camera": Text("कोई कैमरा नहीं", "no camera"),
    "unknown": Text("पता नहीं", "unknown"),
}
ACCEPTED = Text("बैंक को मालूम है", "known to the bank")
SEES = Text("देखता है: {}", "sees: {}")
KEPT = Text("{} दिन की रिकॉर्डिंग है, {} चाहिए", "{} days kept, {} required")
GAP = Text("24 घंटे में सबसे लंबी रुकावट {}", "longest gap in 24 h: {}")
NO_GAP = Text("24 घंटे में कोई रुकावट नहीं", "no gap in 24 h")
OLDEST = Text("सबसे पुरानी रिकॉर्डिंग", "oldest footage")
LAST_GAP = Text("रुकावट", "gaps")
NOT_JUDGED = Text("अभी जाँचा नहीं गया", "not looked at yet")
CANNOT_SAY = Text("रिकॉर्डर यह नहीं बता सकता", "the recorder cannot say")
MODES: Mapping[str, Text] = {
    "always": Text("लगातार रिकॉर्डिंग", "records always"),
    "motion": Text("हलचल होने पर रिकॉर्डिंग", "records when something moves"),
    "off": Text("रिकॉर्डिंग बंद रखी गई", "set to record nothing"),
}

# --- Plots and system ------------------------------------------------------------------------------------------------

SPANS: Mapping[int, Text] = {24: Text("24 घंटे", "24 h"), 168: Text("7 दिन", "7 days"), 720: Text("30 दिन", "30 days")}
NO_RECORD = Text("अभी कुछ दर्ज नहीं", "nothing recorded yet")
LOWEST, HIGHEST = Text("न्यूनतम", "lowest"), Text("अधिकतम", "highest")
MEASURES: Mapping[str, Text] = {  # a point of a device, where no zone has a name for it
    "voltage": Text("वोल्टेज", "voltage"),
    "current": Text("करंट", "current"),
    "power": Text("पावर", "power"),
    "energy": Text("ऊर्जा", "energy"),
    "temperature": Text("तापमान", "temperature"),
    "humidity": Text("नमी", "humidity"),
    "retention": Text("रिकॉर्डिंग के दिन", "days of recording"),
    "drift": Text("घड़ी का अंतर", "clock drift"),
}
ZOOM = Text("समय चुनने के लिए खींचें, लौटने के लिए दो बार दबाएँ", "drag to zoom, double-click to go back")
STORE = Text("डेटाबेस", "Database")
NO_STORE = Text("कोई डेटाबेस नहीं दिया गया; माप यहीं रखे जाते हैं", "none is given; measurements are kept here")
WAITING = Text("कतार में", "waiting")
MADE = Text("बने", "made")
WRITTEN = Text("लिखे गए", "written")
DROPPED = Text("छूटे", "dropped")
REFUSED = Text("अस्वीकार", "refused")
SPOOL = Text("माप की कतार", "Spool")
NO_ROOM = Text("जगह बहुत कम", "too little room")
DISK_FREE = Text("डिस्क खाली", "Disk free")
JOURNAL = Text("घटनाओं का रिकॉर्ड", "Journal")
JOURNAL_GOOD = Text("लिखा जा रहा है", "is being written")
JOURNAL_BAD = Text("लिखा नहीं जा रहा: {}", "cannot be written: {}")
CLOCK = Text("घड़ी", "Clock")
CLOCK_GOOD = Text("सही, मिलाई हुई", "synchronised")
CLOCK_BAD = Text("मिलाई नहीं गई, समय गलत हो सकता है", "not synchronised: the time may be wrong")
VERSION = Text("संस्करण", "Version")

# --- Ages and times --------------------------------------------------------------------------------------------------

AGO = Text("{} पहले", "{} ago")
FOR = Text("{} से", "for {}")
AT_CLOCK = Text("{} बजे", "at {}")
