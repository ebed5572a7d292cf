"""Options, configuration and errors of the commands."""

import subprocess
import sys
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from tests.support.flag_packages import EXAMPLE, contents, files_of
from tests.support.tools import requires_mypy

GENERATE = ["flags", "generate"]


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str], status: int = 2) -> str:
    capsys.readouterr()
    assert main(arguments) == status
    return capsys.readouterr().err.rstrip("\n").rpartition("error: ")[2]


def configure(text: str, file: str = "pyproject.toml") -> None:
    Path(file).write_text(f"[tool.statsig.flags]\n{text}\n")


def test_generate_writes_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GENERATE, str(EXAMPLE), "-o", "shop/flags"]) == 0
    assert capsys.readouterr().out == "wrote shop/flags\n"
    assert contents(Path("shop/flags")) == files_of(EXAMPLE)


def test_check_compares_package(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*GENERATE, str(EXAMPLE), "-o", "flags"]
    assert main([*arguments, "--check"]) == 1
    assert not Path("flags").exists()
    output = capsys.readouterr()
    assert '+new_checkout: Gate = Gate("new_checkout")' in output.out
    assert output.err == "flags differs from the project file project.yaml; regenerate it\n"
    main(arguments)
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 0
    assert capsys.readouterr().out == "flags: up to date\n"


def test_configuration_replaces_arguments() -> None:
    configure(
        f'source = "{EXAMPLE}"\noutput = "flags"\n'
        '[tool.statsig.flags.rename]\n"gate.new_checkout" = "checkout"\n'
        '[tool.statsig.flags.numbers]\n"config.homepage.products_shown" = "float"'
    )
    assert main(GENERATE) == 0
    assert 'checkout: Gate = Gate("new_checkout")' in Path("flags/gates.py").read_text()
    assert "products_shown: float = 12.0" in Path("flags/configs.py").read_text()
    assert main(["flags", "unused", "flags"]) == 1


def test_configuration_of_other_file() -> None:
    configure(f'source = "{EXAMPLE}"\noutput = "flags"', "other.toml")
    assert main([*GENERATE, "--config", "other.toml"]) == 0
    assert Path("flags/gates.py").exists()


def test_pyproject_without_table_is_ignored() -> None:
    Path("pyproject.toml").write_text("[tool]\nstatsig = 1\n")
    assert main([*GENERATE, str(EXAMPLE), "-o", "flags"]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sorce = 'a'", "unknown key 'sorce'; expected numbers, output, rename, source"),
        ("rename = 1", "[tool.statsig.flags] rename: expected a table of strings"),
        ("numbers = {a = 1}", "[tool.statsig.flags] numbers: expected a table of strings"),
        ("numbers = {a = 'str'}", "numbers: 'a': expected 'int' or 'float', got 'str'"),
        ("source = 1", "[tool.statsig.flags] source: expected a string"),
        ("output = 1", "[tool.statsig.flags] output: expected a string"),
        ("=", "pyproject.toml: cannot be read: "),
    ],
)
def test_invalid_configuration_is_error(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(text)
    assert message in error_of([*GENERATE, str(EXAMPLE), "-o", "flags"], capsys)
    assert not Path("flags").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing SOURCE: pass it, or set `source` in [tool.statsig.flags]"),
        ([str(EXAMPLE)], "missing -o: pass it, or set `output` in [tool.statsig.flags]"),
        ([str(EXAMPLE), "--check", "--diff", "a"], "--check and --diff cannot be combined"),
        ([str(EXAMPLE), "--without", "gone", "-o", "a"], "--without: no gate, config, "),
        (["missing.yaml", "-o", "a"], "missing.yaml: cannot be read: No such file or directory"),
        (["--config", "missing.toml", "-o", "a"], "missing.toml: cannot be read: "),
        ([str(EXAMPLE), "--diff", "missing.yaml"], "missing.yaml: cannot be read"),
    ],
)
def test_invalid_arguments_are_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in error_of([*GENERATE, *arguments], capsys)


def test_warning_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("configs:\n  empty: { default: {} }\n")
    assert main([*GENERATE, "a.yaml", "-o", "flags"]) == 0
    assert capsys.readouterr().err == "warning: config 'empty': no known parameters\n"


@requires_mypy
def test_without_lets_type_checker_list_uses(tmp_path: Path) -> None:
    lines = [
        "from flags import configs, gates",
        "from flags.gates import new_checkout",
        "print(gates.staff_tools, configs.homepage)",
        "print(gates.new_checkout)",
    ]
    Path("code.py").write_text("\n".join(lines))
    assert main([*GENERATE, str(EXAMPLE), "-o", "flags", "--without", "new_checkout"]) == 0
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "code.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    errors = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert [line.split(":")[1] for line in errors] == ["2", "4"]


def test_missing_extra_is_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "statsig_api_client.flags.generation.sources")
    monkeypatch.setitem(sys.modules, "yaml", None)
    for arguments in ([*GENERATE, str(EXAMPLE)], ["flags", "unused", "."]):
        error = error_of(arguments, capsys, 3)
        assert "flags requires the extra `flags` (yaml is missing)" in error
        assert "pip install 'statsig-api-client[flags]'" in error
