"""Holdouts and named shares of users."""

from collections.abc import Callable

from .conftest import Api, Json

USERS: list[Json] = [{"userID": f"user {number}"} for number in range(300)]

EVERYTHING = """
    gates:
      on: {rules: [{name: all}]}
    configs:
      page: {default: {size: 1}, rules: [{name: all, value: {size: 2}}]}
    layers:
      shared: {default: {size: 1}}
    experiments:
      alone: {default: {size: 1}, groups: {Big: {value: {size: 2}}}}
      inside: {layer: shared, groups: {Big: {value: {size: 2}}}}
    holdouts:
      kept out: {share: 25, from: everything}
"""
HELD = "holdout:kept out"


def is_held_out(api: Api, user: Json, holdout: str = "kept out") -> bool:
    return api.gate(holdout, user) is True


def test_holdout_everything_applies_to_all_entities(serve: Callable[..., Api]) -> None:
    api = serve(EVERYTHING)
    held = [user for user in USERS if is_held_out(api, user)]
    assert 50 < len(held) < 100
    free = [user for user in USERS if user not in held]
    for user in held[:10]:
        gate: Json = api.post("check_gate", {"gateName": "on", "user": user}).json()
        assert (gate["value"], gate["rule_id"], gate["group_name"]) == (False, HELD, None)
        for config in ("page", "alone", "inside"):
            response = api.config(config, user)
            assert (response["value"], response["rule_id"]) == ({"size": 1}, HELD)
        layer = api.layer("shared", user)
        assert (layer["value"], layer["ruleID"]) == ({"size": 1}, HELD)
        assert layer["allocatedExperimentName"] is None
    for user in free[:10]:
        assert api.gate("on", user) is True
        for config in ("page", "alone", "inside"):
            assert api.config(config, user)["value"] == {"size": 2}
        assert api.layer("shared", user)["allocatedExperimentName"] == "inside"


def test_holdout_is_secondary_exposure(serve: Callable[..., Api]) -> None:
    api = serve(EVERYTHING)
    for user in USERS[:10]:
        api.gate("on", user)
        (exposure,) = api.server.exposures()[-1].secondary_exposures
        assert exposure["gate"] == "kept out"
        assert exposure["ruleID"] == "held out"
        assert exposure["gateValue"] == str(is_held_out(api, user)).lower()


def test_holdout_is_not_listed_as_gate(serve: Callable[..., Api]) -> None:
    assert serve(EVERYTHING).server.gates == ("on",)


def test_holdout_applies_only_to_listed_entities(serve: Callable[..., Api]) -> None:
    api = serve("""
        gates: {one: {rules: [{name: r}]}, two: {rules: [{name: r}]}}
        configs: {page: {rules: [{name: r, value: {}}]}}
        layers: {shared: {default: {}}}
        experiments:
          alone: {groups: {A: {value: {}}}}
          inside: {layer: shared, groups: {A: {value: {}}}}
          beside: {layer: shared, allocation: 0, groups: {A: {value: {}}}}
        holdouts:
          of gates: {share: 100, from: {gates: [two]}}
          of experiments: {share: 100, from: {experiments: [inside]}}
    """)
    assert (api.gate("one"), api.gate("two")) == (True, False)
    assert api.config("page")["rule_id"] == "r"
    assert api.config("alone")["rule_id"] == "A"
    assert api.config("inside")["rule_id"] == "holdout:of experiments"
    layer = api.layer("shared")
    assert layer["ruleID"] == "holdout:of experiments"
    assert layer["allocatedExperimentName"] == "inside"


def test_holdout_of_layer_includes_its_experiments(serve: Callable[..., Api]) -> None:
    api = serve("""
        layers: {shared: {default: {}}, other: {default: {}}}
        experiments:
          inside: {layer: shared, groups: {A: {value: {}}}}
          elsewhere: {layer: other, groups: {A: {value: {}}}}
        holdouts: {all of it: {share: 100, from: {layers: [shared]}}}
    """)
    assert api.config("inside")["rule_id"] == "holdout:all of it"
    assert api.config("elsewhere")["rule_id"] == "A"


def test_first_matching_holdout_sets_rule_id(serve: Callable[..., Api]) -> None:
    api = serve("""
        configs: {page: {rules: [{name: r, value: {}}]}}
        holdouts:
          nobody: {share: 0, from: everything}
          first: {share: 100, from: {configs: all}}
          second: {share: 100, from: everything}
    """)
    assert api.config("page")["rule_id"] == "holdout:first"


def test_holdout_conditions_limit_held_out_users(serve: Callable[..., Api]) -> None:
    api = serve("""
        segments: {danes: {rules: [{name: r, if: {country: DK}}]}}
        gates: {on: {rules: [{name: r}]}}
        holdouts: {danish: {share: 100, if: {in segment: danes}, from: {gates: all}}}
    """)
    assert api.gate("on", {"country": "DK"}) is False
    assert api.gate("on", {"country": "SE"}) is True


def test_holdout_custom_id_type_divides_units(serve: Callable[..., Api]) -> None:
    api = serve("""
        gates: {on: {rules: [{name: r}]}}
        holdouts: {companies: {idType: companyID, share: 50, from: everything}}
    """)
    for number in range(10):
        company: Json = {"customIDs": {"companyID": str(number)}}
        assert len({api.gate("on", user | company) for user in USERS[:10]}) == 1
    results = {api.gate("on", {"customIDs": {"companyID": str(number)}}) for number in range(20)}
    assert results == {True, False}


def test_holdout_larger_share_keeps_held_out_users(
    serve: Callable[..., Api],
) -> None:
    api = serve("""
        holdouts:
          few: {share: 10, from: everything}
          some: {share: 10, from: everything}
    """)
    more = serve("holdouts: {few: {share: 30, from: {gates: all}}}", "more.yaml")
    few = {str(user) for user in USERS if is_held_out(api, user, "few")}
    assert few != {str(user) for user in USERS if is_held_out(api, user, "some")}
    assert few < {str(user) for user in USERS if is_held_out(more, user, "few")}


def test_named_share_selects_same_users_everywhere(serve: Callable[..., Api]) -> None:
    api = serve("""
        gates:
          first: {rules: [{name: a, if: {share of users: {named: spring, to: 20}}}]}
          again: {rules: [{name: b, if: {share of users: {named: spring, to: 20}}}]}
          next: {rules: [{name: a, if: {share of users: {named: spring, from: 20, to: 50}}}]}
          other: {rules: [{name: a, if: {share of users: {named: autumn, to: 20}}}]}
    """)
    passed = {
        gate: {str(user) for user in USERS if api.gate(gate, user)}
        for gate in ("first", "again", "next", "other")
    }
    assert passed["first"] == passed["again"]
    assert not passed["first"] & passed["next"]
    assert passed["first"] != passed["other"]
    assert 35 < len(passed["first"]) < 85
    assert 60 < len(passed["next"]) < 120


def test_rollout_below_one_percent_applies(serve: Callable[..., Api]) -> None:
    api = serve("gates: {few: {rules: [{name: r, rollout: 0.5}]}, all: {rules: [{name: r}]}}")
    assert sum(api.gate("few", user) is True for user in USERS) < 12
    assert api.server.gates == ("all", "few")
