"""Asks Statsig's legacy SDK for Python: a question on stdin, its answers on stdout."""

import json
import sys
from typing import Any

from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig

FIELDS = {
    "userID": "user_id",
    "customIDs": "custom_ids",
    "userAgent": "user_agent",
    "appVersion": "app_version",
    "privateAttributes": "private_attributes",
}


def main() -> None:
    """Ask it."""
    ask = json.load(sys.stdin)
    statsig.initialize(ask["secretKey"], StatsigOptions(api=ask["url"], tier=ask["tier"]))
    answers = []
    for each in ask["users"]:
        user = StatsigUser(**{FIELDS.get(name, name): value for name, value in each.items()})

        def config(found: Any) -> Any:
            return {"value": found.value, "rule": found.rule_id, "group": found.group_name}

        gates = {name: statsig.get_feature_gate(user, name) for name in ask["gates"]}
        layers = {name: statsig.get_layer(user, name) for name in ask["layers"]}
        answers.append(
            {
                "gates": {
                    name: {"value": gate.value, "rule": gate.rule_id}
                    for name, gate in gates.items()
                },
                "configs": {
                    name: config(statsig.get_config(user, name)) for name in ask["configs"]
                },
                "experiments": {
                    name: config(statsig.get_experiment(user, name)) for name in ask["experiments"]
                },
                "layers": {
                    name: {
                        "value": {p: layer.get(p, None) for p in ask["layers"][name]},
                        "rule": layer.rule_id,
                    }
                    for name, layer in layers.items()
                },
            }
        )
    event = StatsigEvent(
        StatsigUser(ask["users"][0]["userID"]),
        "purchase",
        value=9.5,
        metadata={"sku": "A1", "size": {"width": 4}, "none": None},
    )
    statsig.log_event(event)
    statsig.shutdown()
    json.dump(answers, sys.stdout)


main()
