"""Strict YAML: one document, plain data, every key once, a line for every place.

`no` stays a word, `12:30` stays a time, `010` stays text; anchors, merges and foreign tags are refused. The only tags
are !credential, !file and !env, which become SecretRef. Reads one file and nothing else. All faults come at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sentinel.settings.problems import Place, Problem, dotted, in_order
from sentinel.settings.secrets import SecretKind, SecretRef, fault_in_name

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1024 * 1024  # a branch is 20 KiB; a district's contacts some 200
MAX_DEPTH = 24

# YAML 1.2's core schema, narrower: only what cannot be meant otherwise. A number with a leading zero is text (a
# telephone code, an account), and so is 1e3, which an account in hexadecimal may look like.
_RESOLVERS = (
    ("bool", re.compile(r"true|false"), "tf"),
    ("null", re.compile(r"null|~|"), ["n", "~", ""]),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})"), "-+0123456789"),
    ("float", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}"), "-+0123456789"),
)
_STANDARD = "tag:yaml.org,2002:"
_SECRET_TAGS = {f"!{kind}": kind for kind in SecretKind}


class YamlError(ValueError):
    """The file is not strict YAML. `problems` holds every fault found, in the order of lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and the line of each place in it."""

    name: str  # as errors call the file
    data: dict[str, Any] = field(repr=False)  # may hold a password that was written where a reference belongs
    marks: Mapping[Place, int] = field(repr=False)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it that exists."""
        while place and place not in self.marks:
            place = place[:-1]
        return self.marks.get(place, 1)


def load_yaml(source: Path | str, name: str | None = None) -> Document:
    """Read a file (Path) or a text (str). Raises YamlError with everything that is wrong; OSError passes through."""
    if isinstance(source, Path):
        with source.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        name = name or source.name
    else:
        raw, name = source.encode(errors="surrogatepass"), name or "text"
    if len(raw) > MAX_BYTES:
        raise YamlError((Problem(name, 1, "", f"is larger than {MAX_BYTES} bytes: this is not a config"),))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlError((Problem(name, line, "", "is not UTF-8: save the file as UTF-8"),)) from None
    return _Builder(name).build(text)


@dataclass(slots=True)
class _Builder:
    """Turns the parser's nodes into data, noting lines and faults on the way."""

    name: str
    marks: dict[Place, int] = field(default_factory=dict)
    faults: list[Problem] = field(default_factory=list)

    def build(self, text: str) -> Document:
        loader: _Loader | None = None
        data: Any = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            if node is not None:
                data = self.value(node, ())
        except yaml.MarkedYAMLError as error:
            self.fault(_line(error.problem_mark or error.context_mark), (), _said(error))
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.fault(line, (), f"has the character U+{ord(text[error.position]):04X}, which YAML does not allow")
        if loader is not None:
            for line, said in loader.faults:
                self.fault(line, (), said)
        if not self.faults and not isinstance(data, dict):
            self.fault(1, (), "is empty" if data is None else "is not a list of `key: value` lines")
        if self.faults or not isinstance(data, dict):
            raise YamlError(in_order(self.faults))
        return Document(self.name, data, self.marks)

    def fault(self, line: int, place: Place, said: str) -> None:
        self.faults.append(Problem(self.name, line, dotted(place), said))

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.marks.setdefault(place, _line(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, place)

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{_STANDARD}str" or not key_node.value:
                self.fault(line, place, "has a key that is not a word: put it in quotes")
                continue
            key = key_node.value
            inner = (*place, key)
            if key in data:
                self.fault(line, place, f"duplicate key '{key}' (first on line {self.marks[inner]}): keep one")
                continue
            self.marks[inner] = line
            data[key] = self.value(value_node, inner)
        return data

    def scalar(self, node: yaml.Node, place: Place) -> Any:
        text: str = node.value
        if (kind := _SECRET_TAGS.get(node.tag)) is not None:
            if (wrong := fault_in_name(kind, text)) is not None:
                self.fault(_line(node.start_mark), place, wrong)
            return SecretRef(kind, text)
        match node.tag.removeprefix(_STANDARD):
            case "bool":
                return text == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "null":
                return None
            case _:
                return text


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with YAML 1.2's idea of a number; notes and steps over what is not allowed."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[tuple[int, str]] = []
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            self.faults.append((line, f"uses the alias *{event.anchor}: write the value out"))
            return yaml.ScalarNode(f"{_STANDARD}str", "")
        if event.anchor is not None:
            self.faults.append((line, f"has the anchor &{event.anchor}: anchors are not read here; take it away"))
            event.anchor = None
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag in _SECRET_TAGS):
            tag = event.tag.replace(_STANDARD, "!!")
            self.faults.append((line, f"has the tag {tag}: only {', '.join(_SECRET_TAGS)} are known, on a word"))
            event.tag = None
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(None, None, f"is nested deeper than {MAX_DEPTH}", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"{_STANDARD}{_tag}", re.compile(rf"(?:{_pattern.pattern})\Z"), list(_first))


def _line(mark: Any) -> int:
    return 1 if mark is None else mark.line + 1


def _said(error: yaml.MarkedYAMLError) -> str:
    """The parser's complaint without its excerpt of the file, which may hold a secret written by mistake."""
    if error.problem and "found character '\\t'" in error.problem:
        return "has a tab: indent with spaces"
    if isinstance(error, yaml.composer.ComposerError) and error.context == "expected a single document in the stream":
        return "has a second document (`---`): one file, one document"
    parts = (error.context, error.problem)
    return "cannot be read here: " + ", ".join(p for p in parts if p)
