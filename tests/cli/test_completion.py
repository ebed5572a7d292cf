"""Shell completion of commands, options and file names, in real shells."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main

CASES = {
    "statsig-api se": ["serve"],
    "statsig-api serve --po": ["--port"],
    "statsig-api serve --db ev": ["FILES"],
    "statsig-api spool l": ["list"],
    "statsig-api spool retry ev": ["FILES"],
}
"""The words before the cursor, and what they complete to; FILES for file names."""

# Only what a shell defines during completion is replaced.
BASH = """
eval "$(statsig-api completion bash)"
compopt() { COMPREPLY=(FILES); }
complete_words() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _statsig_api_completion statsig-api
    echo "${COMPREPLY[@]}"
}
"""
ZSH = """
compdef() {}
_path_files() { printf 'FILES ' }
compadd() { printf '%s ' $completions }
_describe() { printf '%s ' ${completions_with_descriptions%%:*} }
eval "$(statsig-api completion zsh)"
complete_words() {
    words=("$@") CURRENT=$#
    _statsig_api_completion
    echo
}
"""


@pytest.mark.parametrize(("shell", "program"), [("bash", BASH), ("zsh", ZSH)])
def test_completion_covers_commands_options_and_files(shell: str, program: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    scripts = Path(sys.executable).parent
    lines = [program, *(f"complete_words {words}" for words in CASES)]
    done = subprocess.run(
        [shell, "-c", "\n".join(lines)],
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    found = [line.split() for line in done.stdout.splitlines()]
    assert dict(zip(CASES, found, strict=True)) == CASES


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_shell_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_STATSIG_API_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["import-events", "serve", "spool list"])
def test_completion_offers_file_names(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"statsig-api {command} ev")
    monkeypatch.setenv("COMP_CWORD", str(1 + len(command.split())))
    monkeypatch.setenv("_STATSIG_API_COMPLETE", "bash_complete")
    with pytest.raises(SystemExit, match="0"):
        main([])
    assert capfd.readouterr().out == "file,ev\n"
