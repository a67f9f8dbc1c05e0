"""The strict YAML loader: what an installer writes is what is read, or it is refused with its line."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.settings.secrets import SecretKind, SecretRef
from sentinel.settings.yaml import MAX_BYTES, YamlError, load_yaml

if TYPE_CHECKING:
    from pathlib import Path


def refused(text: str) -> list[str]:
    with pytest.raises(YamlError) as caught:
        load_yaml(text, "branch.yaml")
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12:30", "12:30"),
        ("10:00-17:00", "10:00-17:00"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0o10", "0o10"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("12E4", "12E4"),
        (".5", ".5"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2027-01-26", "2027-01-26"),
        ("0", 0),
        ("-7", -7),
        ("+91", 91),
        ("2.50", 2.5),
        ("0.3", 0.3),
        ("'5'", "5"),
        ('"true"', "true"),
        ("C601", "C601"),
        ("=", "="),
        ("भिलाई", "भिलाई"),
    ],
)
def test_a_plain_word_is_read_as_it_is_written(written: str, read: object) -> None:
    value = load_yaml(f"a: {written}\n").data["a"]
    assert value == read
    assert type(value) is type(read)


def test_every_place_knows_its_line() -> None:
    document = load_yaml("a:\n  b: 1\n  c:\n    - x\n    - d: 2\n\nlast: [p, q]\n", "x.yaml")
    assert document.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}, "last": ["p", "q"]}
    assert document.line(("a",)) == 1
    assert document.line(("a", "b")) == 2
    assert document.line(("a", "c", 1, "d")) == 5
    assert document.line(("last", 1)) == 7
    assert document.line(("a", "c", 1, "missing", "deeper")) == 5
    assert document.line(("nowhere",)) == 1


def test_the_three_tags_become_references_and_no_value() -> None:
    data = load_yaml("a: !credential sho-mail\nb: !file /etc/sentinel/key\nc: !env TOKEN\n").data
    assert data == {
        "a": SecretRef(SecretKind.CREDENTIAL, "sho-mail"),
        "b": SecretRef(SecretKind.FILE, "/etc/sentinel/key"),
        "c": SecretRef(SecretKind.ENV, "TOKEN"),
    }


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    assert refused("a: 1\nb: 2\na: 3\n") == ["branch.yaml:3: duplicate key 'a' (first on line 1): keep one"]


def test_a_key_written_twice_inside_is_refused_too() -> None:
    assert refused("z:\n  a: {p: 1, p: 2}\n") == ["branch.yaml:2: z.a: duplicate key 'p' (first on line 2): keep one"]


def test_all_faults_come_at_once_and_by_line() -> None:
    assert refused("a: &x 1\nb: *x\nb: 2\nc: !python/object:os.system x\n1: y\n") == [
        "branch.yaml:1: has the anchor &x: anchors are not read here; take it away",
        "branch.yaml:2: uses the alias *x: write the value out",
        "branch.yaml:3: duplicate key 'b' (first on line 2): keep one",
        "branch.yaml:4: has the tag !python/object:os.system: only !credential, !file, !env are known, on a word",
        "branch.yaml:5: has a key that is not a word: put it in quotes",
    ]


@pytest.mark.parametrize("key", ["true", "5", "null", "~", "1.5", "[a]", "{a: 1}", "''"])
def test_a_key_that_is_not_a_word_is_refused(key: str) -> None:
    assert refused(f"? {key}\n: x\n") == ["branch.yaml:1: has a key that is not a word: put it in quotes"]


@pytest.mark.parametrize(
    "text",
    ["a: !!int '5'", "a: !!python/name:os.system x", "a: !credential [x]", "a: !include x", "a: !!set {b}", "!x a: b"],
)
def test_any_other_tag_is_refused(text: str) -> None:
    assert any("has the tag" in line for line in refused(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: !credential ../../etc/shadow", "!credential takes letters"),
        ("a: !credential ''", "!credential takes letters"),
        ("a: !file key.pem", "!file takes an absolute path"),
        ("a: !env NOT-SO", "!env takes letters"),
    ],
)
def test_a_reference_to_an_impossible_place_is_refused(text: str, reason: str) -> None:
    assert refused(text)[0].startswith(f"branch.yaml:1: a: {reason}")


def test_a_merge_key_is_only_a_word() -> None:
    assert load_yaml("'<<': {a: 1}\n").data == {"<<": {"a": 1}}
    assert load_yaml("<<: {a: 1}\n").data == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "branch.yaml:1: is empty"),
        ("# only a comment\n", "branch.yaml:1: is empty"),
        ("- a\n- b\n", "branch.yaml:1: is not a list of `key: value` lines"),
        ("word\n", "branch.yaml:1: is not a list of `key: value` lines"),
        ("a: 1\n---\nb: 2\n", "branch.yaml:2: has a second document (`---`): one file, one document"),
        ("a:\n\tb: 1\n", "branch.yaml:2: has a tab: indent with spaces"),
        ("a: 1\nb: \x07\n", "branch.yaml:2: has the character U+0007, which YAML does not allow"),
    ],
)
def test_what_is_no_config_at_all_is_said_plainly(text: str, said: str) -> None:
    assert refused(text) == [said]


def test_a_broken_line_is_named_without_quoting_the_file() -> None:
    lines = refused("a: 1\npassword: hunter2: x\n")
    assert lines[0].startswith("branch.yaml:2: cannot be read here")
    assert "hunter2" not in "".join(lines)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(YamlError, match=r"latin.yaml:2: is not UTF-8"):
        load_yaml(path)


def test_a_windows_editor_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: {c: two}\r\n")
    document = load_yaml(path)
    assert (document.name, document.data, document.line(("b", "c"))) == ("windows.yaml", {"a": 1, "b": {"c": "two"}}, 2)


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"a: " + b"x" * MAX_BYTES)
    with pytest.raises(YamlError, match="this is not a config"):
        load_yaml(path)


def test_a_bottomless_nesting_is_refused() -> None:
    assert "nested deeper" in refused("a: " + "[" * 5000)[0]


def test_a_billion_laughs_stay_one() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    assert len(refused("\n".join(lines))) >= 40


def test_a_document_shows_no_password_that_was_written_by_mistake() -> None:
    assert "hunter2" not in repr(load_yaml("password: hunter2"))


@given(st.text())
def test_no_text_whatever_breaks_the_loader(text: str) -> None:
    with contextlib.suppress(YamlError):
        load_yaml(text)


words = st.text(st.characters(max_codepoint=0xD7FF), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words.filter(bool), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words.filter(bool), plain, min_size=1, max_size=5))
def test_json_is_read_as_json(data: dict[str, object]) -> None:
    assert load_yaml(json.dumps(data)).data == data
