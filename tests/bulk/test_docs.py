"""The guide to bulk imports: its programs run, and its output is current."""

import json
import re
import shlex
import shutil
import subprocess
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
    assert len(collector.taken) == 3


def test_output_of_guide_is_current(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (console,) = code_blocks(PAGE, "console")
    outputs = dict(re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, flags=re.MULTILINE))
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
