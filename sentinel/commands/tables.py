"""The kinds that really exist, as the settings ask for them. Called by the commands that load a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from drivers import driver
from drivers.links import LINKS
from drivers.profile import SHIPPED, profile_path
from sentinel.channels import channel
from sentinel.commands.profiles import load_profile
from sentinel.settings.equipment import Tables
from sentinel.settings.explain import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from sentinel.ports import Poll
    from sentinel.settings.equipment import ProfileView


def real_tables(folder: Path) -> Tables:
    """All of ours, and strangers' drivers. A profile that is named by a relative path lies beside the config."""

    def profile(name: str) -> ProfileView:
        path = profile_path(name)
        beside = path.parent != SHIPPED and not path.is_absolute()
        return cast("ProfileView", load_profile(str(folder / path) if beside else name))

    return Tables(
        links=_link, drivers=_driver, channels=lambda kind: channel(kind).options, profiles=profile, plan=_plan
    )


def _link(kind: str) -> type[BaseModel]:
    if kind not in LINKS:
        raise LookupError(f"there is no kind of link '{kind}'; {did_you_mean(kind, LINKS)}")
    return LINKS[kind].options


def _driver(name: str) -> type[BaseModel]:
    try:
        return driver(name).options
    except TypeError as error:  # a stranger's entry point that is no driver
        raise LookupError(str(error)) from None


def _plan(
    name: str, device: str, options: BaseModel, profile: ProfileView | None, urgent: Collection[str]
) -> Sequence[Poll]:
    polls: Sequence[Poll] = driver(name).build(device, profile, options, urgent).plan()
    return polls
