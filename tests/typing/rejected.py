"""Misuses of the API. Checkers must report exactly the lines that end in `# error`.

ty does not check the names of options yet, which are those of an unpacked TypedDict.
"""

from typing import TypedDict

import httpx

import statsig_api_client
from statsig_api_client import (
    AsyncStatsig,
    ExperimentExposure,
    FeatureGate,
    GateExposure,
    SecondaryExposure,
    Statsig,
    StatsigEvent,
    StatsigUser,
    StatsigUserDict,
)


class Attributes(TypedDict):
    plan: str


attributes: Attributes = {"plan": "pro"}
user = StatsigUser(user_id="42")
statsig = Statsig("secret-key")

# Users
StatsigUser(userId="42")  # error
StatsigUser(user_id=42)  # error
StatsigUser("42")  # error
StatsigUser(custom_ids={"a": 1})  # error
StatsigUser(custom={"when": object()})  # error
StatsigUser(custom=attributes)  # error
StatsigUser(statsig_environment="staging")  # error
user.user_id = "43"  # error
misspelt: StatsigUserDict = {"userId": "42"}  # error
wrong: StatsigUserDict = {"userID": 42}  # error
number: StatsigUserDict = {"os_version": 15}  # error
user.from_json({})  # error

# Gates
statsig.check_gate("new_checkout", user)  # error
statsig.check_gate(user)  # error
statsig.check_gate(user, 7)  # error
statsig.check_gate(user, gate="new_checkout")  # error
statsig.check_gate({"userId": "42"}, "new_checkout")  # error
statsig.check_gate(user, None)  # error
name: str = statsig.check_gate(user, "new_checkout").value  # error
rule: str = statsig.check_gate(user, "new_checkout").rule_id  # error
flag: bool = statsig.check_gate(user, "new_checkout")  # error
statsig.check_gate(user, "new_checkout").ruleID  # error
statsig.check_gates(user, [1, 2])  # error
statsig.check_gates(user, ["a1"]).value  # error
FeatureGate(name="g1")  # error
FeatureGate(name="g1", value="true")  # error

# Configs
color: int = statsig.get_config(user, "homepage").get("color", "blue")  # error
count: str = statsig.get_config(user, "homepage").get("count", 1)  # error
anything: str = statsig.get_config(user, "homepage").get("color")  # error
statsig.get_config(user, "homepage").get("color", object())  # error
statsig.get_config(user, "homepage").get("color", type=bytes)  # error
statsig.get_config(user, "homepage").get("color", "blue", type=str)  # error
optional: str = statsig.get_config(user, "homepage").get("color", type=str)  # error
statsig.get_config(user, "homepage").value.color  # error
nested = statsig.get_config(user, "homepage").value["nested"]
if isinstance(nested, dict):
    nested["deep"].upper()  # error
if isinstance(nested, list):
    nested[0].upper()  # error
statsig.get_config(user, "homepage").color  # error
statsig.get_layer(user, "page").group_name  # error
statsig.get_dynamic_config(user, "homepage")  # error

# Events
statsig.log_event(user, "purchase", value=[1])  # error
statsig.log_event(user, "purchase", metadata={"sku": 1})  # error
statsig.log_event("purchase", user)  # error
statsig.log_events(StatsigEvent(event_name="purchase"))  # error
statsig.log_events([{"event_name": "purchase"}])  # error
statsig.log_events([{"user": {"userID": "42"}}])  # error
statsig.log_events(["purchase"])  # error
StatsigEvent(user=user)  # error
StatsigEvent(event_name="purchase", metadata={"sku": 1})  # error
ExperimentExposure(group="Test")  # error
GateExposure(gate_name="g1", passes="true", rule_id="r")  # error
statsig.log_custom_exposures([StatsigEvent(event_name="purchase")])  # error
SecondaryExposure(gate="g1", gate_value="yes", rule_id="r")  # error
SecondaryExposure(gate="g1", gate_value=True, rule_id="r")  # error

# Clients
statsig_api_client.Statsg()  # error
Statsig(key="secret-key")  # error, but not to ty
Statsig(timeout="5")  # error
Statsig(on_error="ignore")  # error
Statsig(retries=3)  # error, but not to ty
Statsig(http_client=httpx.AsyncClient())  # error
AsyncStatsig(http_client=httpx.Client())  # error
statsig.with_options(tiemout=3)  # error, but not to ty
statsig.with_options(api_key="secret-key")  # error, but not to ty
statsig.with_raw_response.check_gate(user, "new_checkout").value  # error


async def asynchronous(statsig: AsyncStatsig) -> None:
    gate: FeatureGate = statsig.check_gate(user, "new_checkout")  # error
    (await statsig.get_config(user, "homepage")).get("color", 1).upper()  # error
    with statsig:  # error
        print(gate)
