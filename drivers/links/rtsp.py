"""Looks at a stream by RTSP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from drivers.links.account import AccountOptions

if TYPE_CHECKING:
    from pathlib import Path


class RtspOptions(AccountOptions):
    """A camera's or recorder's streaming port and the account on it."""

    kind: Literal["rtsp"] = "rtsp"
    port: Annotated[int, Field(ge=1, le=65535)] = 554


class RtspLink:
    """ports.Link[RtspRequest, RtspReply]."""

    def __init__(self, options: RtspOptions, name: str, folder: Path) -> None:
        raise NotImplementedError
