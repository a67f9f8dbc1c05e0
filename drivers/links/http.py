"""Questions to a recorder by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers.links.account import AccountOptions

if TYPE_CHECKING:
    from pathlib import Path


class HttpOptions(AccountOptions):
    """A recorder's web address and the account on it."""

    kind: Literal["http"] = "http"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["off", "verify", "fingerprint"] = "off"
    fingerprint: Annotated[str, Field(description="SHA-256 of the recorder's own certificate, in hex")] | None = None
    basic: Annotated[bool, Field(description="send the password readable to whoever listens, if the device asks")] = (
        False
    )

    @field_validator("fingerprint", mode="before")
    @classmethod
    def _hex(cls, value: object) -> object:
        plain = value.replace(":", "").replace(" ", "").lower() if isinstance(value, str) else value
        if not (isinstance(plain, str) and len(plain) == 64 and set(plain) <= set("0123456789abcdef")):
            raise ValueError("is no SHA-256 fingerprint: 64 hex digits")
        return plain

    @model_validator(mode="after")
    def _fingerprint_goes_with_its_kind(self) -> Self:
        if (self.tls == "fingerprint") != (self.fingerprint is not None):
            raise ValueError("tls: fingerprint and fingerprint: go together")
        return self


class HttpLink:
    """ports.Link[HttpRequest, HttpReply]."""

    def __init__(self, options: HttpOptions, name: str, folder: Path) -> None:
        raise NotImplementedError
