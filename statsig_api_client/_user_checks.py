"""Warnings about users that Statsig would not evaluate as intended."""

import warnings
from collections.abc import Mapping
from typing import Final

from ._errors import StatsigUserWarning
from ._event_limits import stacklevel
from .generated import StatsigUserDict

USER_FIELDS: Final = StatsigUserDict.__optional_keys__ | StatsigUserDict.__required_keys__

USER_STRINGS: Final = dict.fromkeys((
    "userID", "email", "ip", "userAgent", "country", "locale", "appVersion",
    "os_name", "os_version", "browser_name", "browser_version",
))  # fmt: skip
"""The fields of a user that are strings, in the order of the spec."""


def _key(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


_SPELLINGS: Final = {_key(field): field for field in USER_FIELDS}


def check_user(path: str, user: Mapping[str, object]) -> None:
    """Warn about a user without an ID or with a misspelt field.

    Args:
        path: The path of the user, for messages.
        user: The user in the form of the API.

    Warns:
        StatsigUserWarning: The user has no ID, or a misspelt field.
    """
    has_id = user.get("userID") or user.get("customIDs")
    if has_id and user.keys() <= USER_FIELDS:
        return
    problems: list[str] = []
    for name in user.keys() - USER_FIELDS:
        meant = _SPELLINGS.get(_key(str(name)))
        if meant is not None and meant not in user:
            problems.append(f"{path}.{name}: unknown field; did you mean {meant}?")
    if not has_id:
        problems.append(
            f"{path}: expected userID or customIDs; Statsig treats all users without an ID as one"
        )
    for problem in problems:
        warnings.warn(problem, StatsigUserWarning, stacklevel=stacklevel())
