"""The examples run on the shop and on real projects."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from tests.support.tools import requires_mypy

ROOT = Path(__file__).parents[2]
REAL_PROJECTS = sorted((ROOT.parent / "shared" / "data").glob("*.json"))


def demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_demo_prints_calls_and_records() -> None:
    result = demo()
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for line in (
        'check_gate("staff_tools")                            bool  True         by rule staff',
        "str   'purple'     by rule staff preview",
        "str   'red'        by rule sale in the north",
        "configs.homepage: products_shown                     int   24",
        "21 recorded exposures",
        "ada      homepage             by rule staff preview",
        "4 recorded events",
        "ada      purchase             9.99       {'sku': 'A1'}",
        "cleo     add_to_cart          None       {'sku': 'A1'}",
    ):
        assert line in result.stdout


@pytest.mark.skipif(not REAL_PROJECTS, reason="no config specs of real projects")
@pytest.mark.parametrize("project", REAL_PROJECTS, ids=lambda path: path.stem)
def test_demo_evaluates_real_project(project: Path) -> None:
    result = demo(project)
    assert result.returncode == 0, result.stderr
    for kind in ("gate", "config", "experiment", "layer"):
        assert f"\n  {kind} " in result.stdout
    assert "demo_finished" in result.stdout


def test_demo_invalid_project_names_line(tmp_path: Path) -> None:
    project = tmp_path / "broken.yaml"
    project.write_text("gates:\n  staff:\n    rulez: []\n")
    result = demo(project)
    assert result.returncode == 2
    assert f"{project}:3" in result.stderr
    assert "rules" in result.stderr


def test_package_of_web_service_is_configured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT / "examples" / "web_service")
    assert main(["flags", "generate", "--check"]) == 0
    assert capsys.readouterr().out == "../shop_flags: up to date\n"


@pytest.mark.slow
@requires_mypy
def test_without_makes_type_checker_list_uses_of_examples(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", examples, ignore=shutil.ignore_patterns("__pycache__"))
    source, package = str(examples / "project.yaml"), str(examples / "shop_flags")
    assert main(["flags", "generate", source, "-o", package, "--without", "new_checkout"]) == 0
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", "."],
        capture_output=True,
        text=True,
        check=False,
        cwd=examples,
        timeout=300,
    )
    uses = {
        f"{file.relative_to(examples)}:{number}"
        for file in examples.rglob("*.py")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if "gates.new_checkout" in line
    }
    errors = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert {line.partition(": error: ")[0] for line in errors} == uses
    assert {use.partition(":")[0] for use in uses} == {
        "typed_flags.py",
        "web_service/typed_shop.py",
    }


def test_web_service_tests_pass() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "examples" / "web_service",
        timeout=100,
    )
    assert result.returncode == 0, result.stdout
    assert "24 passed" in result.stdout
