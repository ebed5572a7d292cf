"""Division of users by experiments and layers."""

from collections import Counter
from collections.abc import Callable

import pytest

from .conftest import Api, Json

USERS: list[Json] = [{"userID": f"user {number}"} for number in range(200)]


def groups(api: Api, experiment: str, users: list[Json] = USERS) -> Counter[object]:
    return Counter(api.config(experiment, user)["group_name"] for user in users)


def test_groups_divide_users_by_share(serve: Callable[..., Api]) -> None:
    api = serve("""
        experiments:
          thirds:
            groups: {A: {value: {}}, B: {value: {}}, C: {value: {}}}
          uneven:
            groups: {Many: {share: 90, value: {}}, Few: {share: 10, value: {}}}
    """)
    thirds = groups(api, "thirds")
    assert thirds.keys() == {"A", "B", "C"}
    assert all(45 < count < 90 for count in thirds.values())
    assert 8 < groups(api, "uneven")["Few"] < 35


def test_group_unset_parameters_have_default(
    serve: Callable[..., Api],
) -> None:
    api = serve("""
        experiments:
          ex:
            default: {color: blue, size: 1}
            groups: {Red: {value: {color: red}}}
    """)
    response = api.config("ex", USERS[0])
    assert response["value"] == {"color": "red", "size": 1}


def test_experiment_unallocated_user_gets_default(serve: Callable[..., Api]) -> None:
    api = serve("""
        experiments:
          ex:
            allocation: 50
            default: {size: 1}
            groups: {Big: {value: {size: 2}}}
    """)
    responses = [api.config("ex", user) for user in USERS]
    found = Counter((r["rule_id"], r["group_name"], str(r["value"])) for r in responses)
    assert found.keys() == {
        ("layerAssignment", None, "{'size': 1}"),
        ("Big", "Big", "{'size': 2}"),
    }
    assert all(70 < count < 130 for count in found.values())


def test_allocation_zero_includes_no_users(serve: Callable[..., Api]) -> None:
    api = serve("""
        layers:
          page: {default: {size: 1}}
        experiments:
          alone: {allocation: 0, groups: {Big: {value: {size: 2}}}}
          inside: {layer: page, allocation: 0, groups: {Big: {value: {size: 2}}}}
    """)
    assert groups(api, "alone", USERS[:20]) == {None: 20}
    assert {api.layer("page", user)["ruleID"] for user in USERS[:20]} == {"default"}


def test_experiment_untargeted_user_gets_default(serve: Callable[..., Api]) -> None:
    api = serve("""
        experiments:
          ex:
            targeting: {country: DE}
            groups: {In: {value: {on: true}}}
    """)
    assert api.config("ex", {"country": "DE"})["group_name"] == "In"
    response = api.config("ex", {"country": "FR"})
    assert (response["rule_id"], response["value"]) == ("inlineTargetingRules", {})
    assert api.server.gates == ()


def test_experiment_inactive_returns_default(serve: Callable[..., Api]) -> None:
    api = serve("""
        experiments:
          ex:
            active: false
            groups: {In: {value: {on: true}}}
    """)
    assert api.config("ex", USERS[0])["rule_id"] == "prestart"


def test_experiment_custom_id_type_divides_units(serve: Callable[..., Api]) -> None:
    api = serve("""
        experiments:
          ex:
            idType: companyID
            groups: {A: {value: {}}, B: {value: {}}}
    """)
    company: Json = {"customIDs": {"companyID": "c1"}}
    assert len(groups(api, "ex", [user | company for user in USERS[:30]])) == 1


def test_layer_experiments_share_no_user(serve: Callable[..., Api]) -> None:
    api = serve("""
        layers:
          page: {default: {color: blue, size: 1}}
        experiments:
          colors: {layer: page, allocation: 30, groups: {Red: {value: {color: red}}}}
          sizes: {layer: page, allocation: 30, groups: {Big: {value: {size: 2}}}}
    """)
    responses = [(user, api.layer("page", user)) for user in USERS]
    found = Counter(
        (r["allocatedExperimentName"], r["ruleID"], str(r["value"])) for _, r in responses
    )
    assert found.keys() == {
        ("colors", "Red", "{'color': 'red', 'size': 1}"),
        ("sizes", "Big", "{'color': 'blue', 'size': 2}"),
        (None, "default", "{'color': 'blue', 'size': 1}"),
    }
    assert all(35 < count < 105 for count in found.values())
    for user, response in responses[:30]:
        assert (response["allocatedExperimentName"] == "sizes") == (
            api.config("sizes", user)["group_name"] == "Big"
        )


def test_layer_allocations_can_total_100(serve: Callable[..., Api]) -> None:
    api = serve("""
        layers:
          page: {default: {size: 0}}
        experiments:
          big: {layer: page, allocation: 97.4, groups: {Big: {value: {size: 3}}}}
          small: {layer: page, allocation: 2.2, groups: {Small: {value: {size: 2}}}}
          tiny: {layer: page, allocation: 0.4, groups: {Tiny: {value: {size: 1}}}}
    """)
    assert all(api.layer("page", user)["allocatedExperimentName"] for user in USERS)


def test_layer_custom_id_type_divides_units(serve: Callable[..., Api]) -> None:
    api = serve("""
        layers:
          page: {idType: companyID, default: {color: blue}}
        experiments:
          colors: {layer: page, allocation: 50, groups: {Red: {value: {color: red}}}}
    """)
    responses = [
        api.layer("page", {"userID": "same", "customIDs": {"companyID": str(n)}})["ruleID"]
        for n in range(30)
    ]
    assert set(responses) == {"Red", "default"}


@pytest.mark.parametrize("rename", ["", "x"])
def test_assignment_changes_only_with_names(serve: Callable[..., Api], rename: str) -> None:
    text = """
        gates:
          half{}: {{rules: [{{name: r, rollout: 50}}]}}
    """
    first, second = serve(text.format(""), "one.yaml"), serve(text.format(rename), "two.yaml")
    same = [first.gate("half", user) == second.gate(f"half{rename}", user) for user in USERS[:64]]
    assert all(same) == (rename == "")


def test_assignment_is_stable_across_releases(serve: Callable[..., Api]) -> None:
    api = serve("""
        gates:
          half: {rules: [{name: r, rollout: 50}]}
          asks: {rules: [{name: r, if: {in segment: some}}]}
          never: {}
        configs: {half page: {rules: [{name: r, rollout: 50, value: {on: true}}]}}
        layers: {shared: {default: {size: 1}}}
        experiments:
          thirds: {groups: {A: {value: {}}, B: {value: {}}, C: {value: {}}}}
          part: {allocation: 50, groups: {A: {value: {}}}}
          inside: {layer: shared, allocation: 40, groups: {A: {value: {size: 2}}}}
          beside: {layer: shared, allocation: 40, groups: {B: {value: {size: 3}}}}
        segments: {some: {rules: [{name: r, rollout: 50}]}}
        holdouts: {few: {share: 50, from: {gates: [never]}}}
    """)
    users: list[Json] = [{"userID": str(number)} for number in range(24)]

    def assignments(describe: Callable[[Json], str]) -> str:
        return "".join(describe(user) for user in users)

    assert (
        assignments(lambda user: "01"[api.gate("half", user) is True]) == "001011000000010000000101"
    )
    assert (
        assignments(lambda user: "01"[api.config("half page", user)["value"] != {}])
        == "010110001111111010111100"
    )
    thirds = assignments(lambda user: api.config("thirds", user)["group_name"])
    assert thirds == "BCCBBAABBAACABABABBAABAB"
    part = assignments(lambda user: api.config("part", user)["group_name"] or "-")
    assert part == "A--AAA---AA-AA--A-A-A-A-"
    shared = assignments(lambda user: str(api.layer("shared", user)["value"]["size"]))
    assert shared == "223222222333333322211231"
    some = assignments(lambda user: "01"[api.gate("asks", user) is True])
    assert some == "001001011111111010010011"
    few = assignments(lambda user: "01"[api.gate("few", user) is True])
    assert few == "001011000110010111011110"
