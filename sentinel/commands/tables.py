"""The kinds that really exist, as the settings ask for them. Called by the commands that load a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from drivers import driver
from drivers.links import LINKS
from drivers.profile import SHIPPED, profile_path
from sentinel.channels import channel
from sentinel.commands.profiles import load_profile
from sentinel.settings.equipment import Spoken, Tables
from sentinel.settings.explain import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from sentinel.ports import Poll
    from sentinel.settings.equipment import DescribedView, ProfileView


def real_tables(folder: Path) -> Tables:
    """All of ours, and strangers' drivers. A profile that is named by a relative path lies beside the config."""

    def profile(name: str) -> ProfileView:
        path = profile_path(name)
        beside = path.parent != SHIPPED and not path.is_absolute()
        return cast("ProfileView", load_profile(str(folder / path) if beside else name))

    return Tables(
        links=_link,
        drivers=_driver,
        channels=lambda kind: channel(kind).options,
        profiles=profile,
        described=_described,
        intervals=_intervals,
    )


def _link(kind: str) -> Spoken:
    if kind not in LINKS:
        raise LookupError(f"there is no kind of link '{kind}'; {did_you_mean(kind, LINKS)}")
    return Spoken(LINKS[kind].options, LINKS[kind].speech)


def _driver(name: str) -> Spoken:
    try:
        kind = driver(name)
    except TypeError as error:  # a stranger's entry point that is no driver
        raise LookupError(str(error)) from None
    except ModuleNotFoundError as error:  # an extra that this machine lacks
        raise LookupError(f"the driver '{name}' needs {error.name}, which is not installed here") from None
    return Spoken(kind.options, kind.speech)


def _described(name: str, options: BaseModel) -> Sequence[DescribedView] | None:
    points = driver(name).points
    return None if points is None else points(options)


def _intervals(
    name: str, device: str, options: BaseModel, profile: ProfileView | None, urgent: Collection[str]
) -> Mapping[str, float]:
    kind = driver(name)
    if kind.points is not None:
        return {f"{device}.{point.id}": point.every_s for point in kind.points(options)}
    polls: Sequence[Poll] = kind.build(device, profile, options, urgent).plan()
    return {point: poll.interval_s for poll in polls for point in poll.points}
