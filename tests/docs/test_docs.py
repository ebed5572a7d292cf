"""The guides say what is: each command is run, and each output compared."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from attrs import frozen

from statsig_api_client.local import LocalControl, LocalServer
from statsig_api_client.local.__main__ import main
from tests.docs.pages import ROOT, code_blocks

GUIDE = (ROOT / "docs" / "local-server.md").read_text(encoding="utf-8")
TESTING = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
WRITTEN = "127.0.0.1:8765"

needs_curl = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="there is no curl, or no bash, here"
)


def section(title: str, guide: str = GUIDE) -> str:
    _, _, rest = guide.partition(f"\n## {title}\n")
    assert rest, f"there is no section {title}"
    return rest.partition("\n## ")[0]


def blocks(language: str, text: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"there is no block of {language}"
    return found


@frozen
class Guided:
    """A server that was started as the guide says, but on a free port."""

    address: str
    greeting: str

    def run(self, command: str, **environment: str) -> str:
        python = Path(sys.executable).parent
        ended = subprocess.run(
            [
                shutil.which("bash") or "",
                "-c",
                command.replace(WRITTEN, self.address).replace("curl ", "curl -sS "),
            ],
            env={
                **os.environ,
                **environment,
                "PATH": f"{python}:{os.environ['PATH']}",
                "COLUMNS": "80",
                "NO_COLOR": "1",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.stderr == ""
        return ended.stdout.replace(self.address, WRITTEN)


@pytest.fixture
def guided() -> Iterator[Guided]:
    (commands,) = blocks("sh", section("Five minutes"))
    _, _, arguments = commands.splitlines()[-1].partition(" ")
    with subprocess.Popen(
        [sys.executable, *arguments.split(), "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        greeting = ""
        while not greeting.endswith("stops it.\n"):
            line = process.stdout.readline()
            assert line, greeting
            greeting += line
        found = re.search(r"http://([\d.:]+)/v1", greeting)
        assert found
        yield Guided(found[1], greeting.replace(found[1], WRITTEN))
        process.terminate()
        assert process.wait(20) == 0


def sessions(title: str) -> list[tuple[str, str]]:
    """The commands of a section's blocks of `console`, each with its output."""
    text = "".join(blocks("console", section(title)))
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    pairs: list[tuple[str, str]] = []
    for part in parts:
        command = re.match(r"(.*\\\n)*.*\n", part)
        assert command
        pairs.append((command[0], part[command.end() :]))
    return pairs


def matches(output: str, written: str) -> bool:
    """Whether an output is as written, where `...` stands for what differs from run to run."""
    pattern = "*".join(re.sub(r"([*?[])", r"[\1]", text) for text in written.split("..."))
    # A reply of the server does not end with a line break; the terminal shows it with one.
    return fnmatch.fnmatchcase(output.rstrip("\n"), pattern.rstrip("\n"))


@needs_curl
@pytest.mark.parametrize("title", ["Five minutes", "Looking inside", "Overrides", "Faults"])
def test_what_a_terminal_shows_is_what_it_shows(guided: Guided, title: str) -> None:
    for command, written in sessions(title):
        # Of what a reply may depend on, not every version of Starlette tells the same.
        output = guided.run(command).replace("vary: Origin\n", "")
        assert matches(output, written), f"{command}{output}"


@needs_curl
def test_a_program_of_this_client_runs_unchanged(guided: Guided) -> None:
    (_, nothing), (command, written) = sessions("From this client")
    assert nothing == ""
    variables = dict(pair.split("=") for pair in sessions("From this client")[0][0].split()[1:])
    output = guided.run(
        command,
        **{name: value.replace(WRITTEN, guided.address) for name, value in variables.items()},
    )
    assert output == written


def test_the_greeting_is_what_the_command_prints(guided: Guided) -> None:
    assert blocks("text", section("Five minutes")) == [guided.greeting]


def original_commands() -> list[str]:
    """Return the four commands of Statsig's documentation."""
    return code_blocks("docs/http-api.md", "sh")


def test_the_four_commands_are_the_original_ones_but_for_host_key_and_names() -> None:
    changed = {
        "https://api.statsig.com": "http://127.0.0.1:8765",
        "<YOUR-SDK-KEY>": "secret-local",
        "<YOUR-GATE-NAME>": "new_checkout",
        "<YOUR-CONFIG-NAME>": "homepage",
        "<YOUR-EXPERIMENT-NAME>": "logo_test",
    }
    expected = original_commands()
    for old, new in changed.items():
        expected = [command.replace(old, new) for command in expected]
    assert blocks("sh", section("From curl")) == expected


@needs_curl
def test_the_four_commands_are_answered_as_written(guided: Guided) -> None:
    text = section("From curl")
    for command, reply in zip(blocks("sh", text), blocks("json", text), strict=True):
        assert guided.run(command) == reply.rstrip("\n")
    with LocalControl(f"http://{guided.address}") as local:
        assert [event.event_name for event in local.events()] == ["test_api_event"]
        names = [exposure.name for exposure in local.exposures()]
    assert names == ["new_checkout", "homepage", "logo_test"]


def test_the_project_of_the_guide_can_be_served(tmp_path: Path) -> None:
    (text,) = blocks("yaml", section("The project"))
    file = tmp_path / "project.yaml"
    file.write_text(text)
    with LocalServer(file) as server:
        names = (*server.gates, *server.configs, *server.experiments)
    assert names == ("new_checkout", "homepage", "logo_test")


def test_the_python_of_the_guide_runs(
    guided: Guided, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    for code in blocks("python", section("From Python, and from pytest")):
        exec(compile(code.replace(WRITTEN, guided.address), "guide", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == "('add_to_cart_test', 'logo_test')\n"


def test_the_help_is_what_the_command_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ((_, written),) = sessions("The command")
    with pytest.raises(SystemExit):
        main(["--help"])
    # Versions of Python differ in where they break lines.
    assert capsys.readouterr().out.split() == written.split()


def test_the_container_starts_what_there_is() -> None:
    (dockerfile,) = blocks("dockerfile", section("In containers"))
    command = json.loads(dockerfile.partition("CMD ")[2])
    assert command[:3] == ["python", "-m", "statsig_api_client.local"]
    with pytest.raises(SystemExit) as ended:
        main([*command[3:], "--help"])
    assert ended.value.code == 0
    (compose,) = blocks("yaml", section("In containers"))
    services = yaml.safe_load(compose)["services"]
    assert services["app"]["depends_on"].keys() <= services.keys()


def test_the_tests_in_the_guide_are_those_of_the_example() -> None:
    folder = ROOT / "examples" / "web_service"
    files = [file.read_text(encoding="utf-8") for file in folder.glob("*.py")]
    shown = blocks("python", section("A web service", TESTING))
    assert all(any(code in file for file in files) for code in shown)


def test_links_lead_somewhere() -> None:
    for guide in (GUIDE, TESTING):
        headings = {
            re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^##+ (.*)$", guide, flags=re.MULTILINE)
        }
        for target in re.findall(r"\]\(([^)]+)\)", guide):
            path, _, heading = target.partition("#")
            assert not path or (ROOT / "docs" / path).exists(), target
            assert path or heading in headings, target
