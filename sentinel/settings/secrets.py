"""Secrets by reference: a systemd credential, a file or an environment variable, never a value in the YAML.

Reading happens when the secret is used, not when the config is read. No repr, error or comparison shows a value.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

REMEDY = "write !credential NAME, !file /PATH or !env NAME; a secret never stands in this file"
MAX_BYTES = 64 * 1024  # the largest is a private key with its chain


class SecretKind(StrEnum):
    """Where a secret lies; the word is the YAML tag without its exclamation mark."""

    CREDENTIAL = "credential"  # systemd LoadCredential=NAME:...
    FILE = "file"
    ENV = "env"


class SecretAbsentError(LookupError):
    """There is no usable secret at that place: a note for `check`, an error for `run`."""


_NAME = {
    SecretKind.CREDENTIAL: (re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"), "letters, digits, dot, dash, underscore"),
    SecretKind.FILE: (re.compile(r"/[^\0]+"), "an absolute path"),
    SecretKind.ENV: (re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "letters, digits and underscore"),
}


def fault_in_name(kind: SecretKind, name: str) -> str | None:
    """Why this cannot be the name of such a secret, or None."""
    pattern, wanted = _NAME[kind]
    return None if pattern.fullmatch(name) else f"!{kind} takes {wanted}"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """One secret's place. Satisfies `ports.Secret`."""

    kind: SecretKind
    name: str

    def __str__(self) -> str:
        """The place as the YAML writes it."""
        return f"!{self.kind} {self.name}"

    def read(self) -> str:
        """The value without its last line end; SecretAbsentError names the place and the remedy."""
        value = self._from_environment() if self.kind is SecretKind.ENV else self._from_file(self._path())
        if not value:
            raise SecretAbsentError(f"{self} is empty")
        return value

    def _from_environment(self) -> str:
        value = os.environ.get(self.name)
        if value is None:
            raise SecretAbsentError(f"{self} is absent: set it in the unit's Environment= or EnvironmentFile=")
        return value

    def _path(self) -> Path:
        if self.kind is SecretKind.FILE:
            return Path(self.name)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if directory is None:
            raise SecretAbsentError(f"{self} is absent: systemd gave no credentials; add LoadCredential= to the unit")
        return Path(directory) / self.name

    def _from_file(self, path: Path) -> str:
        try:
            with path.open("rb") as opened:
                raw = opened.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                raise SecretAbsentError(f"{self} is longer than {MAX_BYTES} bytes")
            return raw.decode().removesuffix("\n").removesuffix("\r")
        except OSError as error:
            raise SecretAbsentError(f"{self} is absent: {error.strerror}") from None
        except UnicodeDecodeError:  # its own text would quote the bytes
            raise SecretAbsentError(f"{self} is not text in UTF-8") from None
