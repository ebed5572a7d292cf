"""Uses of flags are found by the syntax of Python files."""

import textwrap
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.flags.generation.definitions import Config, Experiment, Gate, Project
from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.usage import Usage, find_usage
from statsig_api_client.flags.generation.writer import MARKER, Options
from tests.support.flag_packages import EXAMPLE

PROJECT = Project(
    source="a test",
    gates=(Gate(name="new checkout"), Gate(name="old", stale="STALE_ALL_TRUE")),
    configs=(Config(name="home"),),
    experiments=(Experiment(name="logo"),),
    layers=(Config(name="page"),),
)


def usage(code: str, tmp_path: Path, options: Options | None = None) -> Usage:
    (tmp_path / "code.py").write_text(textwrap.dedent(code))
    return find_usage(PROJECT, [tmp_path], options or Options())


def unused(code: str, tmp_path: Path) -> set[str]:
    return {name for _, name in usage(code, tmp_path).unused}


ALL = {"new checkout", "old", "home", "logo", "page"}


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("from shop.flags import gates\ngates.new_checkout.check(s, u)", {"new checkout"}),
        ("from shop.flags import gates as g\ng.old", {"old"}),
        ("from .flags.gates import old as o, check_all", {"old"}),
        ("from . import flags", set()),
        ("from shop.flags import configs, layers\n(configs.home, layers.page)", {"home", "page"}),
        ("s.check_gate(u, 'new checkout')", {"new checkout"}),
        ("s.get_config(u, config_name='home')", {"home"}),
        ("s.get_config(u, 'home', other='logo')", {"home"}),
        ("await s.get_experiment(u, 'logo')", {"logo"}),
        ("s.get_layer(u, 'page')", {"page"}),
        ("server.override_gate('old', value=True)", {"old"}),
        ("server.override_experiment('logo', group='A')", {"logo"}),
        ("s.check_gate(u, name)", set()),
        ("s.check_gates(u, [])", set()),
        ("check_gate(u, 'old')", set()),
        ("gates.old", set()),
        ("from shop.flags import gates\ngates.check_all(s, u)", set()),
        ("import shop.flags\nshop.flags.gates.old", {"old"}),
        ("import shop.flags.gates\nshop.flags.gates.old", {"old"}),
        ("import shop.flags.gates as g\ng.old", {"old"}),
        ("import shop.flags as f, os.path as g\nf.gates.old, g.old, f().gates", {"old"}),
        ("self.configs.other, f().old", set()),
        ("from shop import flags as f\nf.gates.old", {"old"}),
    ],
)
def test_use_is_found(code: str, used: set[str], tmp_path: Path) -> None:
    if "await" in code:
        code = f"async def f():\n    {code}"
    assert unused(code, tmp_path) == ALL - used


def test_unknown_flags_are_listed(tmp_path: Path) -> None:
    found = usage(
        """
        from shop.flags import gates
        from shop.flags.configs import Home, gone

        gates.missing.check(s, u)
        s.get_layer(u, "nowhere")
        """,
        tmp_path,
    )
    assert [(use.kind, use.name, use.line) for use in found.undefined] == [
        ("gate", "missing", 5),
        ("layer", "nowhere", 6),
    ]


def test_stale_gates_are_listed(tmp_path: Path) -> None:
    found = usage("s.check_gate(u, 'old')\ns.check_gate(u, 'new checkout')", tmp_path)
    assert [(use.name, use.line, why) for use, why in found.stale] == [("old", 1, "STALE_ALL_TRUE")]


def test_renamed_flag_is_found(tmp_path: Path) -> None:
    code = "from shop.flags import gates\ngates.other"
    found = usage(code, tmp_path, Options(renames={"gate.old": "other"}))
    assert ("gate", "old") not in found.unused
    assert not found.undefined


def test_generated_files_are_not_uses(tmp_path: Path) -> None:
    assert unused(f"{MARKER} from a test.\ns.check_gate(u, 'old')", tmp_path) == ALL


def test_file_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text("s.check_gate(u, 'old')")
    assert ("gate", "old") not in find_usage(PROJECT, [file], Options()).unused


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"def", "code.py:1: not valid Python"), (b"\xff", "code.py: expected UTF-8")],
)
def test_other_file_is_error(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_bytes(content)
    with pytest.raises(FlagsError, match=message):
        find_usage(PROJECT, [tmp_path], Options())


def test_missing_path_is_error(tmp_path: Path) -> None:
    with pytest.raises(FlagsError, match="no such file or directory"):
        find_usage(PROJECT, [tmp_path / "missing"], Options())


def test_command_lists_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("code.py").write_text("s.check_gate(u, 'new_checkout')\ns.check_gate(u, 'missing')\n")
    arguments = ["flags", "unused", "code.py", "--source", str(EXAMPLE)]
    assert main(arguments) == 1
    assert capsys.readouterr().out.splitlines() == [
        "unused: gate staff_tools",
        "unused: config homepage",
        "unused: experiment add_to_cart_test",
        "unused: experiment logo_test",
        "unused: layer product_page",
        "code.py:2: unknown gate 'missing'",
    ]
    assert main([*arguments[:2], "nowhere", *arguments[3:]]) == 2
    assert "nowhere: no such file or directory" in capsys.readouterr().err


def test_command_exits_with_zero_without_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project.yaml").write_text("gates:\n  a_gate: {}\n")
    (tmp_path / "code.py").write_text("s.check_gate(u, 'a_gate')")
    source = str(tmp_path / "project.yaml")
    assert main(["flags", "unused", str(tmp_path), "--source", source]) == 0
    assert capsys.readouterr().out == ""
