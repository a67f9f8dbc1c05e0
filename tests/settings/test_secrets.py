"""Secrets by reference: found where they are said to be, and shown nowhere."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from sentinel.ports import Secret
from sentinel.settings.secrets import MAX_BYTES, SecretAbsentError, SecretKind, SecretRef

if TYPE_CHECKING:
    from pathlib import Path


def test_a_secret_in_a_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("  s3cret word \n")
    assert SecretRef(SecretKind.FILE, str(path)).read() == "  s3cret word "


def test_a_credential_is_read_from_where_systemd_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mqtt").write_text("word\r\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert SecretRef(SecretKind.CREDENTIAL, "mqtt").read() == "word"


def test_a_secret_in_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_TEST_TOKEN", "word")
    assert SecretRef(SecretKind.ENV, "SENTINEL_TEST_TOKEN").read() == "word"


def test_a_changed_secret_is_seen_at_the_next_use(tmp_path: Path) -> None:
    path = tmp_path / "key"
    ref = SecretRef(SecretKind.FILE, str(path))
    path.write_text("old")
    assert ref.read() == "old"
    path.write_text("new")
    assert ref.read() == "new"


@pytest.mark.parametrize("kind", list(SecretKind))
def test_an_absent_secret_names_its_place(kind: SecretKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    name = "/nowhere/at/all" if kind is SecretKind.FILE else "SENTINEL_NOWHERE"
    with pytest.raises(SecretAbsentError, match=f"!{kind} {name} is absent"):
        SecretRef(kind, name).read()


def test_an_empty_secret_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SecretAbsentError, match="is empty"):
        SecretRef(SecretKind.FILE, str(tmp_path / "empty")).read()


def test_a_file_of_any_size_is_not_swallowed(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(SecretAbsentError, match="longer than"):
        SecretRef(SecretKind.FILE, str(tmp_path / "big")).read()


def test_an_unreadable_secret_is_not_quoted_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"hunter2\xff\xfe")
    with pytest.raises(SecretAbsentError) as caught:
        SecretRef(SecretKind.FILE, str(tmp_path / "binary")).read()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_no_repr_or_copy_of_a_reference_holds_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_TEST_TOKEN", "hunter2")
    ref = SecretRef(SecretKind.ENV, "SENTINEL_TEST_TOKEN")
    ref.read()
    assert "hunter2" not in f"{ref!r} {ref} {pickle.dumps(ref)!r}"
    assert str(ref) == "!env SENTINEL_TEST_TOKEN"


def test_a_reference_is_what_channels_and_drivers_call_a_secret() -> None:
    assert isinstance(SecretRef(SecretKind.ENV, "X"), Secret)
    assert not isinstance("a password", Secret)
