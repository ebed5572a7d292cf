"""Users generated from the conditions of a project, so that every condition has a match."""

import random
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

_STRINGS: Final = {
    name.lower(): name
    for name in ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
}

# Browsers and systems that conditions name, with a placeholder for the version.
_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {}_1 like Mac OS X) Version/16.1 Mobile/1 Safari/604.1",
    "Mozilla/5.0 (Linux; Android {}; Pixel 7) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/{}.1 Safari/605.1.15",
)
_ADDRESSES: Final = ("8.8.8.8", "84.56.1.1", "133.242.187.207", "200.147.35.149", "1.1.1.1", "")
_TIERS: Final = ("production", "staging", "development", "a tier of our own")


def targeted_users(conditions: list[Json], count: int, seed: int) -> list[Json]:
    """Return users that each match, or narrowly miss, some of the conditions.

    Args:
        conditions: The conditions of a project.
        count: The number of users.
        seed: The seed of all choices.
    """
    choice = random.Random(seed)
    users = []
    for number in range(count):
        user: Json = {"userID": f"user-{number}"}
        # Every condition is targeted by at least one user.
        for condition in (conditions[number % len(conditions)], *choice.choices(conditions, k=5)):
            _aim(user, condition, choice)
        if choice.random() < 0.5:
            user.setdefault("customIDs", {})["stableID"] = f"stable-{choice.randrange(50)}"
        user["userID"] = user["userID"] or f"user-{number}"  # Server SDKs require one.
        users.append(user)
    return users


def _aim(user: Json, condition: Json, choice: random.Random) -> None:
    field, value = condition.get("field"), _near(condition.get("targetValue"), choice)
    match condition["type"]:
        case "unit_id" if str(condition["idType"]).lower() != "userid":
            user.setdefault("customIDs", {})[condition["idType"]] = str(value)
        case "unit_id":
            user["userID"] = str(value)
        case "user_field" if str(field).lower() in _STRINGS:
            user[_STRINGS[str(field).lower()]] = str(value)
        case "user_field":
            place = choice.choice(("custom", "custom", "privateAttributes"))
            user.setdefault(place, {})[field] = value
        case "environment_field":
            user["statsigEnvironment"] = {"tier": choice.choice((str(value), *_TIERS))}
        case "ip_based" if choice.random() < 0.5:
            user["country"] = str(value)
        case "ip_based":
            user["ip"] = choice.choice(_ADDRESSES)
        case "ua_based":
            version = value if str(value).replace(".", "").isdigit() else choice.randrange(5, 130)
            user["userAgent"] = choice.choice(_AGENTS).format(str(version).split(".")[0])
        case _:  # Time and buckets apply to all users.
            pass


def _near(target: object, choice: random.Random) -> Any:
    if isinstance(target, list):
        target = choice.choice(target) if target else ""
    if choice.random() < 0.4:
        return target
    if isinstance(target, str):
        return choice.choice((target.upper(), f"x{target}", f"{target}.1", target[:-1]))
    if isinstance(target, int | float) and not isinstance(target, bool):
        return choice.choice((target + 1, target - 1, str(target), target + 0.5, "many"))
    return target
