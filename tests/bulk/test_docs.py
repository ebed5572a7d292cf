"""The guide to bulk imports: its programs run, and its output is current."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from tests.docs.pages import code_blocks, run
from tests.support.clients import KEY
from tests.support.collector import Collector
from tests.support.event_files import write

PAGE = "docs/bulk-import.md"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)


def test_programs_of_guide_run(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    write(tmp_path / "events" / "e.jsonl.gz", 3)
    (yaml,) = code_blocks(PAGE, "yaml")
    (tmp_path / "mapping.yaml").write_text(yaml)
    for program in code_blocks(PAGE, "python"):
        run(program, PAGE)
    assert len(collector.accepted) == 3


def transcript() -> dict[str, str]:
    """Return the output of each command of the guide."""
    (console,) = code_blocks(PAGE, "console")
    return dict(re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, flags=re.MULTILINE))


@pytest.mark.skipif(
    shutil.which("zsh") is None or shutil.which("jq") is None, reason="zsh or jq is not installed"
)
def test_commands_of_guide_run_in_zsh(tmp_path: Path) -> None:
    outputs = transcript()
    for name in ("sales.csv", "sales.yaml"):
        (tmp_path / name).write_text(outputs[f"cat {name}"])
    (jq,) = (block for block in code_blocks(PAGE, "sh") if block.startswith("jq"))
    done = subprocess.run(
        # Interactive, as a reader's shell: without comments, and with errors for globs.
        ["zsh", "-f", "-i", "-o", "no_prompt_sp", "-o", "no_prompt_cr"],
        input="\n".join([*outputs, jq]),
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PS1": "",
            "PS2": "",
        },
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,  # Without a terminal that it would take over.
    )
    assert "zsh:" not in done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"read"')]
    assert [result.get("delivered") for result in results] == [None, 3, 0, 1]


def test_output_of_guide_is_current(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = transcript()
    (tmp_path / "sales.csv").write_text(outputs["cat sales.csv"])
    (tmp_path / "sales.yaml").write_text(outputs["cat sales.yaml"])
    dry_run, first, again = (one for one in outputs if one.startswith("statsig-api"))

    def output(line: str, *, terminal: bool) -> str:
        monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
        words = shlex.split(line.partition("|")[0], comments=True)
        main(words[1:])
        return re.sub(r"\d+\.\d+ s\b|(\"seconds\": )[\d.e-]+", r"\1", capsys.readouterr().out)

    def expected(line: str) -> str:
        return re.sub(r"\d+\.\d+ s\b|(\"seconds\": )[\d.e-]+", r"\1", outputs[line])

    assert output(dry_run, terminal=True) == expected(dry_run)
    assert output(first, terminal=False) == expected(first)
    letter = (tmp_path / "sales.csv.dead-letters.jsonl").read_text()
    assert json.loads(letter) == json.loads(outputs["cat sales.csv.dead-letters.jsonl"])
    assert output(again, terminal=True) == expected(again)
    if shutil.which("jq") is None:
        return
    (program,) = (one for one in code_blocks(PAGE, "sh") if one.startswith("jq"))
    subprocess.run(["sh", "-c", program.partition("statsig-api")[0]], check=True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert main(shlex.split(program.partition("statsig-api")[2])) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["delivered"] == 1
