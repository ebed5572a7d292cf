"""Asks Statsig's core for Python: a question on stdin, its answers on stdout."""

import json
import sys
from typing import Any

from statsig_python_core import Statsig, StatsigOptions, StatsigUser

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
    options = StatsigOptions(
        specs_url=ask["url"].replace("/v1", "/v2/download_config_specs"),
        id_lists_url=ask["url"] + "/get_id_lists",
        log_event_url=ask["url"] + "/log_event",
        enable_id_lists=True,
        wait_for_country_lookup_init=True,
        wait_for_user_agent_init=True,
        environment=ask["tier"],
    )
    statsig = Statsig(ask["secretKey"], options)
    statsig.initialize().wait()
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
                    name: config(statsig.get_dynamic_config(user, name)) for name in ask["configs"]
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
    user = StatsigUser(user_id=ask["users"][0]["userID"])
    statsig.log_event(user, "purchase", 9.5, {"sku": "A1", "size": {"width": 4}})
    statsig.flush_events().wait()
    statsig.shutdown().wait()
    json.dump(answers, sys.stdout)


main()
