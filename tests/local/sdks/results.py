"""Input from stdin and results to stdout, for both of Statsig's SDKs for Python."""

import json
import sys
from collections.abc import Callable
from typing import Any

_FIELDS = {
    "userID": "user_id",
    "customIDs": "custom_ids",
    "userAgent": "user_agent",
    "appVersion": "app_version",
    "privateAttributes": "private_attributes",
}


def read_input() -> Any:
    """Return the input of the test."""
    return json.load(sys.stdin)


def print_results(given: Any, sdk: Any, user_type: Callable[..., Any], get_config: Any) -> None:
    """Evaluate with an SDK and print the results."""
    users = [
        user_type(**{_FIELDS.get(field, field): value for field, value in user.items()})
        for user in given["users"]
    ]
    results = [_results(given, sdk, user, get_config) for user in users]
    sys.stdout.write(json.dumps(results))


def _results(given: Any, sdk: Any, user: Any, get_config: Any) -> Any:
    gates = {name: sdk.get_feature_gate(user, name) for name in given["gates"]}
    configs = {name: get_config(user, name) for name in given["configs"]}
    experiments = {name: sdk.get_experiment(user, name) for name in given["experiments"]}
    layers = {name: sdk.get_layer(user, name) for name in given["layers"]}
    return {
        "gates": {n: {"value": g.value, "rule": g.rule_id} for n, g in gates.items()},
        "configs": {n: {"value": c.value, "rule": c.rule_id} for n, c in configs.items()},
        "experiments": {
            n: {"value": e.value, "rule": e.rule_id, "group": e.group_name}
            for n, e in experiments.items()
        },
        "layers": {
            n: {"value": {p: la.get(p, None) for p in given["layers"][n]}, "rule": la.rule_id}
            for n, la in layers.items()
        },
    }
