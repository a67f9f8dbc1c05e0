"""Field types that the options of several channels share. Pure; used by the option models only."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BeforeValidator, Field

from sentinel.ports import Secret

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def _a_reference(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("a secret never stands here: write !credential NAME, !file /PATH or !env NAME")  # noqa: TRY004 - pydantic shows ValueErrors
    return value


SecretField = Annotated[Secret, BeforeValidator(_a_reference)]


def is_loopback(host: str) -> bool:
    """True when nothing sent to this host leaves the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
