"""Errors of invalid project files: file, line, key and expected value."""

from pathlib import Path
from textwrap import dedent

import pytest

from statsig_api_client.local import LocalServer, ProjectError

from .conftest import Api

DEEP = "[" * 110 + "]" * 110

# The project, the invalid line, and a part of the message.
ERRORS: list[tuple[str, int | None, str]] = [
    ("", 1, "expected gates, configs, experiments or layers, got nothing"),
    ("- gates", 1, "expected a mapping, got a list"),
    ("gate: {}", 1, "gate: unknown key 'gate'; did you mean 'gates'?"),
    ("gates: {a: {}}", 1, "gates.a: expected a name of 2 to 100 letters"),
    ("gates: {a/b: {}}", 1, "gates.a/b: expected a name"),
    (
        "gates:\n  aa: {}\n  bb: {}\n  aa: {}",
        4,
        "gates.aa: duplicate key 'aa'; the first is in line 2",
    ),
    ("gates:\n  aa:\n    rule: []", 3, "gates.aa.rule: unknown key 'rule'; did you mean 'rules'?"),
    ("gates:\n  aa: {rules: {}}", 2, "gates.aa.rules: expected a list, got a mapping"),
    ("gates:\n  aa: {rules: }", 2, "gates.aa.rules: expected a list, got nothing"),
    ("gates:\n  aa: {rules: [{}]}", 2, "gates.aa.rules[0]: missing key 'name': expected a name, "),
    ("gates:\n  aa: {rules: [{name: 5}]}", 2, 'expected a string, got 5; quote it: "5"'),
    ("gates:\n  aa: {rules: [{name: [5]}]}", 2, "expected a single value, got a list"),
    ("gates:\n  aa: {rules: [{name: ''}]}", 2, "expected a name of the rule, got an empty string"),
    (
        "gates:\n  aa: {rules: [{name: default}]}",
        2,
        "'default' is reserved; choose another name for the rule",
    ),
    ("gates:\n  aa: {rules: [{name: r},\n    {name: r}]}", 3, "duplicate rule 'r'"),
    (
        "gates:\n  aa:\n    rules:\n      - name: r\n        rollout: 150",
        5,
        "gates.aa.rules[0].rollout: expected a percentage from 0 to 100, got 150",
    ),
    ("gates:\n  aa: {rules: [{name: r, rollout: -0.1}]}", 2, "from 0 to 100, got -0.1"),
    ("gates:\n  aa: {rules: [{name: r, rollout: 50%}]}", 2, "expected a number, got '50%'"),
    ("gates:\n  aa: {rules: [{name: r, rollout: true}]}", 2, "expected a number, got true"),
    ("gates:\n  aa: {rules: [{name: r, rollout: 1e999}]}", 2, "a number that fits a double"),
    (f"gates:\n  aa: {{rules: [{{name: r, rollout: {'9' * 5000}}}]}}", 2, "that fits a double"),
    (
        "gates:\n  aa: {rules: [{name: r, rollout: !half 50}]}",
        2,
        "expected a value without a tag, got !half",
    ),
    (
        "configs:\n  aa: {default: &d {size: 1},\n    rules: [{name: r, value: {<<: *d, n: 1}}]}",
        3,
        "configs.aa.rules[0].value: << has no meaning in YAML 1.2; write out the keys",
    ),
    ("gates:\n  aa: {enabled: yes}", 2, "expected true or false, got 'yes'"),
    ("gates:\n  aa: {rules: [{name: r, value: {}}]}", 2, "unknown key 'value'"),
    ("gates:\n  aa: {rules: [{name: r, if: staff}]}", 2, "expected everyone or a mapping of"),
    (
        "gates:\n  aa: {rules: [{name: r, if: {emial: x}}]}",
        2,
        "gates.aa.rules[0].if.emial: unknown condition 'emial'; did you mean 'email'?",
    ),
    ("gates:\n  aa: {rules: [{name: r, if: {subscription: x}}]}", 2, "mean 'custom.subscription'?"),
    ("gates:\n  aa: {rules: [{name: r, if: {custom.: x}}]}", 2, "unknown condition 'custom.'"),
    (
        "gates:\n  aa: {rules: [{name: r, if: {customIDs.: x}}]}",
        2,
        "unknown condition 'customIDs.'",
    ),
    (
        "gates:\n  aa: {rules: [{name: r, if: {email: {end with: x}}}]}",
        2,
        "unknown key 'end with'; did you mean 'ends with'?",
    ),
    ("gates:\n  aa: {rules: [{name: r, if: {email: {above: 3}}}]}", 2, "unknown key 'above'; ex"),
    ("gates:\n  aa: {rules: [{name: r, if: {email: {}}}]}", 2, "expected an operator: is, is not"),
    ("gates:\n  aa: {rules: [{name: r, if: {time: 5}}]}", 2, "expected an operator: before, after"),
    ("gates:\n  aa: {rules: [{name: r, if: {email: }}]}", 2, "a string, number or boolean, got"),
    ("gates:\n  aa: {rules: [{name: r, if: {time: {after: soon}}}]}", 2, "a time such as 2026-01"),
    ("gates:\n  aa: {rules: [{name: r, if: {time: {after: true}}}]}", 2, "1970, got 'true'"),
    ("gates:\n  aa: {rules: [{name: r, if: {email: {matches: (}}}]}", 2, "a regular expression"),
    (
        "gates:\n  aa: {rules: [{name: r, if: {appVersion: {version is: new}}}]}",
        2,
        "expected a version such as 1.2.3, got 'new'",
    ),
    ("gates:\n  aa: {rules: [{name: r, if: {appVersion: {version is: true}}}]}", 2, "got 'true'"),
    ("gates:\n  aa: {rules: [{name: r, if: {custom.a: {above: x}}}]}", 2, "expected a number, got"),
    (
        "gates:\n  staff: {}\n  aa: {rules: [{name: r, if: {passes gate: stuff}}]}",
        3,
        "unknown gate 'stuff'; did you mean 'staff'?",
    ),
    (
        "configs:\n  aa: {rules: [{name: r, if: {fails gate: x}, value: {}}]}",
        2,
        "; the project defines none",
    ),
    (
        "gates:\n  aa: {rules: [{name: r, if: {environment: prod}}]}",
        2,
        "unknown environment 'prod'; did you mean 'production'?",
    ),
    (
        "environments: [qa]\ngates:\n  aa: {rules: [{name: r, if: {environment: [qa, live]}}]}",
        3,
        "rules[0].if.environment[1]: unknown environment 'live'; expected one of qa",
    ),
    (
        """
        gates:
          aa: {rules: [{name: r, if: {passes gate: bb}}]}
          bb: {rules: [{name: r, if: {fails gate: aa}}]}
          cc: {}
        """,
        3,
        "gates.aa: depends on itself: aa -> bb -> aa",
    ),
    ('description: "\\ud83d"', 1, "description: expected a string, got half of a surrogate pair"),
    ("description: 5", 1, 'description: expected a string, got 5; quote it: "5"'),
    ("gates: {aa: {rules: [{name: r, rollout: 12.345}]}}", 1, "at most two decimals, got 12.345"),
    ("gates: {aa: {rules: [{name: 'holdout:x'}]}}", 1, "'holdout:x' is reserved; choose another"),
    ("gates: {aa: {rules: [{name: r, if: {email: []}}]}}", 1, "at least one value, got an empty"),
    ("gates: {aa: {rules: [{name: r, if: {email: {is set: 1}}}]}}", 1, "true or false, got 1"),
    (
        "gates: {aa: {rules: [{name: r, if: {custom.a: {equals: null}}}]}}",
        1,
        "custom.a.equals: expected a string, number or boolean, got nothing; use `is set: false`",
    ),
    (
        "gates: {aa: {rules: [{name: r, if: {in segmnt: x}}]}}",
        1,
        "unknown condition 'in segmnt'; did you mean 'in segment'?",
    ),
    (
        "segments: {staff: {}}\ngates: {aa: {rules: [{name: r, if: {in segment: stuff}}]}}",
        2,
        "gates.aa.rules[0].if.in segment: unknown segment 'stuff'; did you mean 'staff'?",
    ),
    (
        "segments: {staff: {}}\ngates: {aa: {rules: [{name: r, if: {fails gate: staff}}]}}",
        2,
        "gate: expected a gate, got the segment 'staff'; use `in segment` or `not in segment`",
    ),
    (
        "gates: {bb: {}, aa: {rules: [{name: r, if: {in segment: bb}}]}}",
        1,
        "if.in segment: expected a segment, got the gate 'bb'; use `passes gate` or `fails gate`",
    ),
    (
        "id lists: {vips: [a]}\ngates: {aa: {rules: [{name: r, if: {userID: {in list: vip}}}]}}",
        2,
        "if.userID.in list: unknown ID list 'vip'; did you mean 'vips'?",
    ),
    (
        "id lists: {vips: [a]}\ngates: {aa: {rules: [{name: r, if: {email: {in list: vips}}}]}}",
        2,
        "unknown key 'in list'",
    ),
    ("id lists: {vips: [a, null]}", 1, "id lists.vips[1]: expected an ID, got 'null'"),
    ("id lists: {vips: ['']}", 1, "expected an ID, got ''"),
    ("id lists: {vips: {a: b}}", 1, "expected a single value, got a mapping"),
    ("id lists: {v: []}", 1, "expected a name of 2 to 100 letters"),
    (
        "segments: {aa: {enabled: false}}",
        1,
        "unknown key 'enabled'; expected one of description, idType",
    ),
    ("environments: [qa, live, qa]", 1, "environments[2]: duplicate environment 'qa'"),
    ("environments: []", 1, "expected at least one environment"),
    (
        "gates:\n  aa: {}\nsegments:\n  aa: {}",
        4,
        (
            "segments.aa: the gate in line 2 has the same name; "
            "gates, segments and holdouts must have distinct names"
        ),
    ),
    (
        "segments:\n  aa: {}\nholdouts:\n  aa: {share: 1, from: everything}",
        4,
        "holdouts.aa: the segment in line 2 has the same name",
    ),
    ("holdouts: {aa: {from: everything}}", 1, "missing key 'share': expected the percentage of"),
    (
        "holdouts: {aa: {share: 5}}",
        1,
        "holdouts.aa: missing key 'from': expected everything, or lists",
    ),
    ("holdouts: {aa: {share: 101, from: everything}}", 1, "from 0 to 100, got 101"),
    (
        "holdouts: {aa: {share: 5, from: gates}}",
        1,
        "expected everything or a mapping of lists, got",
    ),
    ("holdouts: {aa: {share: 5, from: {}}}", 1, "expected at least one of gates, configs, experi"),
    ("holdouts: {aa: {share: 5, from: {gate: all}}}", 1, "'gate'; did you mean 'gates'?"),
    (
        "holdouts: {aa: {share: 5, from: {gates: every}}}",
        1,
        "expected all or a list of gates, got 'every'",
    ),
    (
        "holdouts: {aa: {share: 5, from: {gates: []}}}",
        1,
        "expected at least one gate, got an empty",
    ),
    (
        "layers: {page: {default: {}}}\nholdouts:\n  aa: {share: 5, from: {layers:\n    [pge]}}",
        4,
        "holdouts.aa.from.layers[0]: unknown layer 'pge'; did you mean 'page'?",
    ),
    (
        """
        segments:
          aa: {rules: [{name: r, if: {not in segment: bb}}]}
          bb: {rules: [{name: r, if: {in segment: cc}}]}
          cc: {rules: [{name: r, if: {in segment: bb}}]}
        """,
        4,
        "segments.bb: depends on itself: segment:bb -> segment:cc -> segment:bb",
    ),
    (
        """
        gates:
          aa: {}
        holdouts:
          held: {share: 5, if: {passes gate: aa}, from: everything}
        """,
        3,
        "gates.aa: depends on itself: aa -> held -> aa",
    ),
    (
        "gates: {aa: {rules: [{name: r, if: {share of users: {to: 5}}}]}}",
        1,
        "share of users: expected `named`, and at least one of `from` and `to`",
    ),
    (
        "gates: {aa: {rules: [{name: r, if: {share of users: {named: x}}}]}}",
        1,
        "one of `from` and `to`",
    ),
    (
        "gates: {aa: {rules: [{name: r, if: {share of users: {named: x, from: 5, to: 5}}}]}}",
        1,
        "share of users: expected `from` to be less than `to`",
    ),
    ("gates: {aa: {rules: [{name: r, if: {share of users: 5}}]}}", 1, "a mapping, got 5"),
    (
        "experiments: {aa: {allocation: 0.05, groups: {A: {value: {}}}}}",
        1,
        "aa.allocation: expected 0, or a percentage of at least 0.1, got 0.05",
    ),
    ("experiments: {aa: {groups: {A: {share: 101, value: {}}}}}", 1, "from 0 to 100, got 101"),
    (
        "experiments: {aa: {groups: {A: {value: {}}, A: {value: {}}}}}",
        1,
        "aa.groups.A: duplicate key",
    ),
    ("configs:\n  aa: {rules: [{name: r}]}", 2, "missing key 'value': expected the parameters"),
    ("configs:\n  aa: {default: 5}", 2, "configs.aa.default: expected a mapping, got 5"),
    ("configs:\n  aa: {default: {x: &x [*x]}}", 2, "nested deeper than 100 levels"),
    (f"configs:\n  aa: {{default: {{x: {DEEP}}}}}", 2, "nested deeper than 100 levels"),
    ("configs: {aa: {}}\nexperiments: {aa: {}}", 2, "the config in line 1 has the same name"),
    (
        "layers: {aa: {}}",
        1,
        "missing key 'default': expected the parameters and their default values",
    ),
    ("experiments: {aa: {}}", 1, "missing key 'groups': expected the groups"),
    ("experiments: {aa: {groups: {}}}", 1, "expected at least one group"),
    ("experiments: {aa: {groups: {prestart: {}}}}", 1, "'prestart' is reserved; choose another"),
    ("experiments: {aa: {groups: {A: {}}}}", 1, "missing key 'value': expected the parameters"),
    (
        "experiments: {aa: {layer: pge, groups: {}}}",
        1,
        "unknown layer 'pge'; the project defines none",
    ),
    (
        """
        experiments:
          aa:
            groups:
              A: {share: 50, value: {}}
              B: {share: 40, value: {}}
        """,
        4,
        "experiments.aa.groups: expected shares that add up to 100, got 90",
    ),
    (
        """
        layers: {page: {default: {color: blue}}}
        experiments:
          aa: {layer: page, groups: {A: {value: {colour: red}}}}
        """,
        4,
        "the layer 'page' has no parameter 'colour'; did you mean 'color'?",
    ),
    (
        """
        layers: {page: {default: {}}}
        experiments:
          aa: {layer: page, idType: x, groups: {A: {value: {}}}}
        """,
        4,
        "experiments.aa.idType: expected no idType, since the layer 'page' defines it",
    ),
    (
        """
        layers: {page: {default: {}}}
        experiments:
          aa: {layer: page, allocation: 60, groups: {A: {value: {}}}}
          bb: {layer: page, allocation: 50, groups: {A: {value: {}}}}
        """,
        2,
        "layers.page: expected allocations that add up to at most 100, got 110 (aa, bb)",
    ),
    ("keys: {secret: client-x}", 1, "keys.secret: expected a key that starts with secret-"),
    ("keys: {client: 'client-a b'}", 1, "keys.client: expected a key that starts with client-"),
    ("keys: {console: x}", 1, "keys.console: unknown key 'console'"),
    ("gates: {", 1, "invalid YAML: "),
    ("gates:\n  aa: [1, 2\n  bb: 3", 3, "invalid YAML: "),
    ("gates: *nowhere", 1, "invalid YAML: found undefined alias"),
    ("gates:\n  aa: \x07", 2, "invalid YAML: character U+0007 is not allowed"),
    ("a: " + "[" * 500, None, "invalid YAML: nested too deep"),
    ("gates: {}\n---\ngates: {}", 2, "invalid YAML: but found another document"),
]


@pytest.mark.parametrize(("text", "line", "problem"), ERRORS, ids=[error[2] for error in ERRORS])
def test_project_error_names_file_line_and_key(
    tmp_path: Path, text: str, line: int | None, problem: str
) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(dedent(text))
    with pytest.raises(ProjectError) as caught:
        LocalServer(file)
    assert problem in caught.value.problem
    assert caught.value.line == line
    assert caught.value.file == file
    place = str(file) if line is None else f"{file}:{line}"
    assert str(caught.value) == f"{place}: {caught.value.problem}"


def test_project_invalid_utf8_raises_with_line(tmp_path: Path) -> None:
    file = tmp_path / "project.yml"
    file.write_bytes(b"gates:\n  caf\xe9: {}\n")
    with pytest.raises(ProjectError, match=r"project\.yml:2: expected UTF-8"):
        LocalServer(file)


def test_project_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"nowhere\.yaml: cannot be read: No such file"):
        LocalServer(tmp_path / "nowhere.yaml")


def test_project_unknown_suffix_raises(tmp_path: Path) -> None:
    file = tmp_path / "project.toml"
    file.write_text("")
    with pytest.raises(ProjectError, match=r"expected a \.yaml, \.yml or \.json file"):
        LocalServer(file)


def test_config_values_keep_their_json_types(tmp_path: Path) -> None:
    file = tmp_path / "project.yml"
    file.write_text(
        dedent("""
        keys: {secret: secret-of-the-shop, client: client-of-the-shop}
        configs:
          all of them:
            default:
              text: yes
              quoted: "12"
              date: 2026-01-01
              clock: 12:30
              whole: -12
              fraction: 1.5e3
              yes_no: [true, false]
              nothing: [null, ~]
              tagged: !!str 5
              nested: {list: [{deep: 1}]}
        """)
    )
    with LocalServer(file) as server:
        api = Api(server)
        assert server.secret_key == "secret-of-the-shop"
        assert server.client_key == "client-of-the-shop"
        assert api.config("all of them")["value"] == {
            "text": "yes",
            "quoted": "12",
            "date": "2026-01-01",
            "clock": "12:30",
            "whole": -12,
            "fraction": 1500,
            "yes_no": [True, False],
            "nothing": [None, None],
            "tagged": "5",
            "nested": {"list": [{"deep": 1}]},
        }
        api.http.close()
