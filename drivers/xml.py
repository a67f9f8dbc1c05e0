"""XML from a device: bounded, no DTD, no entities of its own, and only local names. Pure; never raises on any bytes.

Namespaces differ between firmwares of one maker (four are known of Hikvision alone), so a name here is what is written
after the colon. A login page in place of an answer is none: HTML begins with a DTD or does not parse.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, XMLParser

_JOINERS = "\u200c\u200d"  # Hindi needs them
MOST_TAGS = 60_000  # 32 cameras' schedules have 10,000


def parse(body: bytes, *roots: str) -> Element | None:
    """The root, all names made local, or None: no XML, more than is right, or a root that is none of `roots`."""
    text = body.decode("utf-8", "replace").strip("\0\r\n\t \ufeff")  # names in a wrong charset must not hide the rest
    if not text.startswith("<") or text.count("<") > MOST_TAGS or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    parser = XMLParser(encoding="utf-8")  # noqa: S314 without a DTD there are no entities to expand
    try:
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError):
        return None
    if roots and local(root.tag) not in roots:
        return None
    for element in root.iter():
        element.tag = local(element.tag)
    return root


def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


def word(element: Element | None, path: str, most: int = 120) -> str:
    """The text at that path: one line that can be shown, bounded; "" where there is none."""
    found = element.findtext(path) if element is not None else None
    if not found:
        return ""
    text = found[: 4 * most]
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in _JOINERS else " " for char in text)
    return " ".join(text.split())[:most]


def number(element: Element | None, path: str) -> int | None:
    """The whole number at that path, of at most 15 digits."""
    text = word(element, path, 17)
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= 15 else None


def flag(element: Element | None, path: str) -> bool | None:
    """The yes or no at that path."""
    return {"true": True, "1": True, "false": False, "0": False}.get(word(element, path).lower())
