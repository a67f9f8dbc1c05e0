"""Who we are to a device that wants a name and a password. The options hold a reference, never a password.

Shared by the links that sign in.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sentinel.core.model import Failure
from sentinel.ports import LinkError, Secret

TARGET: Final = re.compile(
    r"/[\x21\x22\x24-\x7e]*"
)  # path and query as they may stand on a wire: no blank, no fragment


def _a_reference(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("a secret never stands here: write !credential NAME, !file /PATH or !env NAME")  # noqa: TRY004 - pydantic shows ValueErrors
    return value


class AccountOptions(BaseModel):
    """A device in the network and the gateway's own account on it: an operator of its own, never admin."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s/@?#]+$")]
    username: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^:\x00-\x1f\x7f]+$")] | None = None
    password: Annotated[Secret, BeforeValidator(_a_reference)] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: one is missing")
        return self


def read(secret: Secret) -> str:
    """The password, fetched for this one use; LinkError naming the place where it should be."""
    try:
        return secret.read()
    except LookupError as error:
        raise LinkError(Failure.CREDENTIAL, str(error)) from None
