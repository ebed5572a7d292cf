"""The guide of typed flags: its commands run and print the documented output."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statsig_api_client import Statsig, StatsigUser
from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalServer
from tests.docs.pages import code_blocks, run

GUIDE = "docs/flags.md"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the guide's project file, code and configuration."""
    path = tmp_path_factory.mktemp("guide")
    (project,) = code_blocks(GUIDE, "yaml", "Five minutes")
    (program,) = code_blocks(GUIDE, "python", "Five minutes")
    (path / "project.yaml").write_text(project)
    (path / "shop.py").write_text(program)
    return path


def shell(command: str, directory: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env=os.environ | {"PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def _generated(directory: Path) -> None:
    """Check that each command of the guide prints the documented output."""
    for block in code_blocks(GUIDE, "console", "Five minutes"):
        for session in block.split("$ ")[1:]:
            command, _, output = session.partition("\n")
            assert shell(command, directory) == output


@pytest.mark.usefixtures("_generated")
def test_program_of_guide_runs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Success" in shell("mypy --strict shop.py", directory)
    monkeypatch.syspath_prepend(str(directory))
    importlib.invalidate_caches()
    (program,) = code_blocks(GUIDE, "python", "Five minutes")
    render = run(program, GUIDE)["render"]
    with (
        LocalServer(directory / "project.yaml") as server,
        Statsig(server.secret_key, base_url=server.url) as statsig,
    ):
        texts = {render(statsig, StatsigUser(user_id=str(n))) for n in range(40)}  # type: ignore[operator]
    assert texts == {"the new checkout", "blue and square", "blue with 12 products"}


@pytest.fixture
def _inside(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(directory)
    (text,) = code_blocks(GUIDE, "toml", "Configuration")
    Path("pyproject.toml").write_text(text)
    yield
    Path("pyproject.toml").unlink()


@pytest.mark.usefixtures("_generated", "_inside")
def test_configuration_of_guide_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flags", "generate", "--check"]) == 1
    output = capsys.readouterr().out
    assert '+checkout: Gate = Gate("new_checkout")' in output
    assert '+    color: str = "blue"' in output
    assert "+    products_shown: float = 12.0" in output


@pytest.mark.usefixtures("_generated")
def test_other_commands_of_guide_run(directory: Path) -> None:
    (block,) = code_blocks(GUIDE, "sh", "Changes and removal")
    (directory / "new.yaml").write_text((directory / "project.yaml").read_text())
    outputs = [shell(line.partition("#")[0], directory) for line in block.splitlines()]
    assert outputs == ["no changes\n", "wrote shop_flags\n", ""]
    shell("statsig-api flags generate project.yaml -o shop_flags", directory)
