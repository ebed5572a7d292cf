"""Changes between projects have a class, and --check finds each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from statsig_api_client.cli.main import main
from statsig_api_client.flags.generation.diff import Change, diff_projects, release
from statsig_api_client.flags.generation.sources import read_source
from statsig_api_client.flags.generation.writer import Options
from tests.support.flag_packages import EXAMPLE

Edit = Callable[[Any], object]


def delete(*path: str) -> Edit:
    def edit(project: Any) -> None:
        for step in path[:-1]:
            project = project[step]
        del project[path[-1]]

    return edit


def put(value: object, *path: str) -> Edit:
    def edit(project: Any) -> None:
        for step in path[:-1]:
            project = project[step]
        project[path[-1]] = value

    return edit


def retype(value: object) -> Edit:
    """Return an edit that changes a parameter in the default and in all rules."""

    def edit(project: Any) -> None:
        home = project["configs"]["homepage"]
        for values in (home["default"], *(rule["value"] for rule in home["rules"])):
            values["products_shown"] = value

    return edit


def rename_group(project: Any) -> None:
    groups = project["experiments"]["logo_test"]["groups"]
    groups["Box"] = groups.pop("Square")


DEFAULT = ("configs", "homepage", "default")
CHANGES: list[tuple[str, Edit, list[str]]] = [
    ("gate removed", delete("gates", "new_checkout"), ["major: gate new_checkout: removed"]),
    ("gate added", put({}, "gates", "new"), ["minor: gate new: added"]),
    ("config removed", delete("configs", "homepage"), ["major: config homepage: removed"]),
    (
        "experiment added",
        put({"groups": {"A": {"share": 100, "value": {"x": 1}}}}, "experiments", "more"),
        ["minor: experiment more: added"],
    ),
    (
        "parameter added",
        put(1, *DEFAULT, "size"),
        ["minor: config homepage: parameter 'size' added"],
    ),
    (
        "parameter removed",
        delete("layers", "product_page", "default", "show_reviews"),
        ["major: layer product_page: parameter 'show_reviews' removed"],
    ),
    (
        "type changed",
        retype("many"),
        ["major: config homepage: parameter 'products_shown': int is now str"],
    ),
    (
        "type widened",
        put(2.5, *DEFAULT, "products_shown"),
        ["major: config homepage: parameter 'products_shown': int is now float"],
    ),
    (
        "default changed",
        put("green", *DEFAULT, "button_color"),
        ["patch: config homepage: parameter 'button_color': default 'blue' is now 'green'"],
    ),
    (
        "description changed",
        put("Other.", "gates", "staff_tools", "description"),
        ["patch: gate staff_tools: description changed"],
    ),
    (
        "group renamed",
        rename_group,
        [
            "major: experiment logo_test: group 'Square' removed",
            "minor: experiment logo_test: group 'Box' added",
        ],
    ),
    (
        "group added",
        put(
            {"value": {"add_to_cart_color": "red"}},
            "experiments",
            "add_to_cart_test",
            "groups",
            "Red",
        ),
        ["minor: experiment add_to_cart_test: group 'Red' added"],
    ),
]


def edited(edit: Edit, tmp_path: Path) -> Path:
    project = yaml.safe_load(EXAMPLE.read_text())
    edit(project)
    file = tmp_path / "project.yaml"
    file.write_text(yaml.safe_dump(project, sort_keys=False))
    return file


@pytest.mark.parametrize(
    ("edit", "expected"), [pytest.param(e, lines, id=name) for name, e, lines in CHANGES]
)
def test_change_has_class_and_fails_check(
    edit: Edit, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "flags")
    assert main(["flags", "generate", str(EXAMPLE), "-o", output]) == 0
    file = str(edited(edit, tmp_path))
    capsys.readouterr()
    assert main(["flags", "generate", file, "--diff", str(EXAMPLE)]) == 0
    level = expected[0].partition(":")[0]
    assert capsys.readouterr().out.splitlines() == [*expected, level]
    assert main(["flags", "generate", file, "-o", output, "--check"]) == 1
    assert "@@" in capsys.readouterr().out


def test_narrower_type_is_minor(tmp_path: Path) -> None:
    file = edited(put(2.5, *DEFAULT, "products_shown"), tmp_path)
    changes = diff_projects(read_source(str(file)), read_source(str(EXAMPLE)), Options())
    text = "config homepage: parameter 'products_shown': float is now int"
    assert changes == [Change("minor", text)]


def test_number_spelling_of_default_is_patch(tmp_path: Path) -> None:
    options = Options(numbers={"config.homepage.products_shown": "float"})
    file = edited(put(12.0, *DEFAULT, "products_shown"), tmp_path)
    (change,) = diff_projects(read_source(str(EXAMPLE)), read_source(str(file)), options)
    assert change.level == "patch"


def test_equal_projects_have_no_changes(capsys: pytest.CaptureFixture[str]) -> None:
    project = read_source(str(EXAMPLE))
    assert release(diff_projects(project, project, Options())) is None
    assert main(["flags", "generate", str(EXAMPLE), "--diff", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == "no changes\n"
