"""ID lists in project files and in separate files, and conditions on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project.compiler import compile_project
from statsig_api_client.local.project.model import Project
from statsig_api_client.local.project.reader import read_project

from .conftest import Api, Json


def read(directory: Path, text: str) -> Project:
    return read_project(directory / "project.yaml", text)


def compiled(directory: Path, text: str) -> Any:
    return compile_project(read(directory, text), 1)


def test_id_list_keeps_ids_as_written_once(tmp_path: Path) -> None:
    project = read(tmp_path, "id lists: {vips: [a, 007, 1.10, a]}")
    assert project.id_lists == {"vips": ("a", "007", "1.10")}


def test_id_list_is_read_from_file(tmp_path: Path) -> None:
    (tmp_path / "partners.txt").write_bytes(b"\xef\xbb\xbfacme\r\n\r\n  globex \nacme\ncaf\xc3\xa9")
    project = read(tmp_path, "id lists: {partners: partners.txt, vips: [a]}")
    assert project.id_lists == {"partners": ("acme", "globex", "café"), "vips": ("a",)}
    assert project.files == (tmp_path / "project.yaml", tmp_path / "partners.txt")


def test_id_list_missing_file_raises_with_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, "id lists:\n  vips: [a]\n  partners: partner.txt")
    assert caught.value.line == 3
    assert caught.value.problem.startswith("id lists.partners: cannot read the file ")
    assert caught.value.problem.endswith("partner.txt': No such file or directory")


def test_id_list_invalid_utf8_raises(tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"caf\xe9")
    with pytest.raises(ProjectError, match=r"id lists\.vips: expected UTF-8 in the file"):
        read(tmp_path, "id lists: {vips: ids}")


@pytest.mark.parametrize(
    ("condition", "operator", "id_type"),
    [
        ("userID: {in list: vips}", "in_segment_list", "userID"),
        ("userID: {not in list: vips}", "not_in_segment_list", "userID"),
        ("customIDs.companyID: {in list: vips}", "in_segment_list", "companyID"),
        ("customIDs.companyID: {not in list: vips}", "not_in_segment_list", "companyID"),
    ],
)
def test_id_list_condition_compiles_to_unit_id(
    tmp_path: Path, condition: str, operator: str, id_type: str
) -> None:
    specs = compiled(
        tmp_path,
        "id lists: {vips: [a]}\n"
        f"gates: {{aa: {{idType: other, rules: [{{name: r, if: {{{condition}}}}}]}}}}",
    )
    assert specs["id_lists"] == {"vips": True}
    assert specs["feature_gates"][0]["rules"][0]["conditions"] == [
        {
            "type": "unit_id",
            "operator": operator,
            "field": None,
            "targetValue": "vips",
            "additionalValues": {},
            "idType": id_type,
        }
    ]


def test_id_list_condition_matches_members(serve: Callable[..., Api]) -> None:
    api = serve("""
        id lists: {vips: [ada, 007]}
        gates:
          known: {rules: [{name: r, if: {userID: {in list: vips}}}]}
          unknown: {rules: [{name: r, if: {userID: {not in list: vips}}}]}
          company: {rules: [{name: r, if: {customIDs.companyID: {in list: vips}}}]}
    """)
    users: list[Json] = [{"userID": "ada"}, {"userID": "007"}, {"userID": "Ada"}, {}]
    assert [api.gate("known", user) for user in users] == [True, True, False, False]
    assert [api.gate("unknown", user) for user in users] == [False, False, True, True]
    assert api.gate("company", {"customIDs": {"companyID": "ada"}}) is True
    assert api.gate("company", {"userID": "ada"}) is False
