"""A device profile by name, through the strict loader: a shipped one, or a user's own YAML by its path.

Called by the composition roots and the commands; drivers themselves read no files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from drivers.profile import SHIPPED, ProfileForm, profile_from, profile_path, shipped
from sentinel.settings.explain import did_you_mean, explain
from sentinel.settings.problems import Problem, dotted, in_order
from sentinel.settings.yaml import load_yaml

if TYPE_CHECKING:
    from drivers.points import Profile


def load_profile(name: str) -> Profile:
    """The profile. LookupError: none shipped of that name. OSError: the path. ValueError: every fault, file and line."""
    path = profile_path(name)
    if path.parent == SHIPPED and not path.exists():
        raise LookupError(f"no profile '{name}' is shipped; {did_you_mean(name, shipped())}")
    document = load_yaml(path)
    try:
        return profile_from(document.data)
    except ValidationError as error:
        problems = [
            Problem(document.name, document.line(place), dotted(place), text)
            for place, text in explain(error, (), document.marks.__contains__, ProfileForm)
        ]
        raise ValueError("\n".join(str(problem) for problem in in_order(problems))) from None
