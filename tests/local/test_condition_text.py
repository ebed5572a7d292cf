"""Conditions in the language of project files."""

from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.local.config_specs.condition_text import ConditionText, condition_text
from statsig_api_client.local.config_specs.document import load_specs

from .conftest import SHOP

FIELD = {"type": "user_field", "field": "level", "operator": "any", "targetValue": ["a"]}


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ({"type": "public"}, "everyone"),
        (FIELD, "custom.level is a"),
        (FIELD | {"field": "email", "operator": "none"}, "email is not a"),
        (FIELD | {"targetValue": ["a", "b", "c"]}, "custom.level is a, b or c"),
        (FIELD | {"targetValue": []}, "custom.level is nothing"),
        (
            FIELD | {"targetValue": [str(n) for n in range(2000)]},
            "custom.level is 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 or 1,988 more",
        ),
        (FIELD | {"operator": "gte", "targetValue": 3}, "custom.level at least 3"),
        (FIELD | {"operator": "eq", "targetValue": True}, "custom.level equals true"),
        (FIELD | {"operator": "eq", "targetValue": None}, "custom.level is not set"),
        (FIELD | {"operator": "neq", "targetValue": None}, "custom.level is set"),
        (FIELD | {"operator": "encoded_any", "targetValue": "x"}, "custom.level encoded any x"),
        (FIELD | {"field": "appVersion", "operator": "version_gte", "targetValue": "2"},
         "appVersion version at least 2"),
        ({"type": "ua_based", "field": "os_version", "operator": "version_lt", "targetValue": "9"},
         "os version below 9"),
        ({"type": "ip_based", "field": "country", "operator": "any", "targetValue": ["NO"]},
         "country is NO"),
        ({"type": "unit_id", "idType": "userID", "operator": "any", "targetValue": ["1"]},
         "userID is 1"),
        ({"type": "unit_id", "idType": "companyID", "operator": "in_segment_list",
          "targetValue": "partners"}, "customIDs.companyID in list partners"),
        ({"type": "current_time", "operator": "after", "targetValue": 1767225600000},
         "time after 2026-01-01T00:00:00Z"),
        ({"type": "current_time", "operator": "after", "targetValue": 10**18},
         f"time after {10**18}"),
        ({"type": "environment_field", "field": "tier", "operator": "any",
          "targetValue": ["staging"]}, "environment is staging"),
        ({"type": "phase_of_moon", "operator": "any", "targetValue": ["new"]},
         "phase_of_moon is new"),
        ({"type": "user_bucket", "operator": "lt", "targetValue": 250, "idType": "userID"},
         "in the first 25 % of users"),
        ({"type": "user_bucket", "operator": "gte", "targetValue": 250, "idType": "userID"},
         "not in the first 25 % of users"),
        ({"type": "user_bucket", "operator": "any", "targetValue": {"1": True},
          "idType": "companyID"}, "in 0.1 % of companyIDs"),
        ({"type": "user_bucket", "operator": "none", "targetValue": [1, 2], "idType": "userID"},
         "not in 0.2 % of users"),
        ({"type": "user_bucket", "operator": "any", "targetValue": None, "idType": "userID"},
         "in 0 % of users"),
        ({"type": "fail_gate", "targetValue": "segment:inline_targeting:add_to_cart_test"},
         "outside the targeting"),
    ],
)  # fmt: skip
def test_condition_is_worded(condition: dict[str, Any], text: str) -> None:
    assert condition_text(load_specs(SHOP), condition) == ConditionText(text=text)


@pytest.mark.parametrize(
    ("kind", "target", "text", "entity", "name"),
    [
        ("pass_gate", "staff_tools", "passes gate staff_tools", "gate", "staff_tools"),
        ("fail_gate", "segment:staff", "not in segment staff", "segment", "staff"),
        ("pass_gate", "yearly_holdout", "in holdout yearly_holdout", "holdout", "yearly_holdout"),
        ("pass_gate", "of another project", "passes gate of another project", "gate", None),
    ],
)
def test_referenced_gate_is_named(
    kind: str, target: str, text: str, entity: str, name: str | None
) -> None:
    worded = condition_text(load_specs(Path(SHOP)), {"type": kind, "targetValue": target})
    assert (worded.text, worded.kind, worded.name) == (text, entity, name or target)
