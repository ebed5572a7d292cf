"""The guides of the local server: their commands run and print the documented output."""

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

from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalControl, LocalServer
from tests.docs.pages import ROOT, code_blocks, run

GUIDE = "docs/local-server.md"
DOCUMENTED = "127.0.0.1:8765"

needs_curl = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="curl or bash is not installed"
)


@frozen
class RunningServer:
    """A server started as in the guide, but on a free port."""

    address: str
    greeting: str

    def shell(self, command: str, **environment: str) -> str:
        python = Path(sys.executable).parent
        ended = subprocess.run(
            [
                shutil.which("bash") or "",
                "-c",
                command.replace(DOCUMENTED, self.address).replace("curl ", "curl -sS "),
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
        return ended.stdout.replace(self.address, DOCUMENTED)


@pytest.fixture
def server() -> Iterator[RunningServer]:
    (commands,) = code_blocks(GUIDE, "sh", "Quickstart")
    program, *arguments = commands.splitlines()[-1].split()
    assert program == "statsig-api"
    with subprocess.Popen(
        [sys.executable, "-m", "statsig_api_client.cli", *arguments, "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        greeting = ""
        while not greeting.endswith("to stop.\n"):
            line = process.stdout.readline()
            assert line, greeting
            greeting += line
        found = re.search(r"http://([\d.:]+)/v1", greeting)
        assert found
        yield RunningServer(found[1], greeting.replace(found[1], DOCUMENTED))
        process.terminate()
        assert process.wait(20) == 0


def sessions(title: str, page: str = GUIDE) -> list[tuple[str, str]]:
    """Return the commands of a section's console blocks, each with its output."""
    text = "".join(code_blocks(page, "console", title))
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def matches(output: str, documented: str) -> bool:
    """Return whether an output is as documented; `...` matches any text."""
    pattern = "*".join(re.sub(r"([*?[])", r"[\1]", text) for text in documented.split("..."))
    # Responses do not end with a line break, but the terminal shows one.
    return fnmatch.fnmatchcase(output.rstrip("\n"), pattern.rstrip("\n"))


@needs_curl
@pytest.mark.parametrize(
    "title", ["Quickstart", "Control API", "Overrides", "Faults", "OpenFeature"]
)
def test_console_session_prints_documented_output(server: RunningServer, title: str) -> None:
    for command, documented in sessions(title):
        # Not every version of Starlette sends this header.
        output = server.shell(command).replace("vary: Origin\n", "")
        assert matches(output, documented), f"{command}\n{output}"


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    "title",
    [
        "Who gets what",
        "Live exposures and events",
        "Entities and overrides",
        "Faults and reset",
    ],
)
def test_console_guide_prints_documented_output(server: RunningServer, title: str) -> None:
    for command, documented in sessions(title, "docs/console.md"):
        output = server.shell(command, STATSIG_BASE_URL=f"http://{server.address}/v1")
        assert matches(output, documented), f"{command}\n{output}"


def test_explanation_of_console_guide_runs(
    server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = code_blocks("docs/console.md", "python")
    run(code.replace(DOCUMENTED, server.address), "docs/console.md")
    assert capsys.readouterr().out == "True in segment staff\n"


@needs_curl
def test_client_session_prints_documented_output(server: RunningServer) -> None:
    (export, nothing), (command, documented) = sessions("This client")
    assert nothing == ""
    variables = dict(pair.split("=") for pair in export.split()[1:])
    output = server.shell(
        command,
        **{name: value.replace(DOCUMENTED, server.address) for name, value in variables.items()},
    )
    assert output == documented


def test_greeting_is_documented(server: RunningServer) -> None:
    assert code_blocks(GUIDE, "text", "Quickstart") == [server.greeting]


@needs_curl
def test_command_of_greeting_checks_gate(server: RunningServer) -> None:
    command = server.greeting.partition("terminal:\n")[2].partition("\n\n")[0]
    assert server.shell(command) == sessions("Quickstart")[0][1].rstrip("\n")


def test_curl_commands_differ_from_statsigs_in_names() -> None:
    names = {
        "https://api.statsig.com": "http://127.0.0.1:8765",
        "<YOUR-SDK-KEY>": "secret-local",
        "<YOUR-GATE-NAME>": "new_checkout",
        "<YOUR-CONFIG-NAME>": "homepage",
        "<YOUR-EXPERIMENT-NAME>": "logo_test",
    }
    expected = code_blocks("docs/http-api.md", "sh")
    for old, new in names.items():
        expected = [command.replace(old, new) for command in expected]
    assert code_blocks(GUIDE, "sh", "curl") == expected


@needs_curl
def test_curl_commands_return_documented_responses(server: RunningServer) -> None:
    commands, responses = code_blocks(GUIDE, "sh", "curl"), code_blocks(GUIDE, "json", "curl")
    for command, response in zip(commands, responses, strict=True):
        assert server.shell(command) == response.rstrip("\n")
    with LocalControl(f"http://{server.address}") as local:
        assert [event.event_name for event in local.events()] == ["test_api_event"]
        names = [exposure.name for exposure in local.exposures()]
    assert names == ["new_checkout", "homepage", "logo_test"]


def test_project_of_guide_is_served(tmp_path: Path) -> None:
    (text,) = code_blocks(GUIDE, "yaml", "Project")
    file = tmp_path / "project.yaml"
    file.write_text(text)
    with LocalServer(file) as local:
        names = (*local.gates, *local.configs, *local.experiments)
    assert names == ("new_checkout", "homepage", "logo_test")


def test_python_of_guide_runs(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    for code in code_blocks(GUIDE, "python", "Python and pytest"):
        run(code.replace(DOCUMENTED, server.address), GUIDE)
    assert capsys.readouterr().out == "('add_to_cart_test', 'logo_test')\n"


def test_help_of_guide_matches_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ((command, documented),) = sessions("Command")
    assert main(command.split()[1:]) == 0
    assert capsys.readouterr().out == documented


def test_container_command_is_valid() -> None:
    (dockerfile,) = code_blocks(GUIDE, "dockerfile", "Containers")
    program, *arguments = json.loads(dockerfile.partition("CMD ")[2])
    assert program == "statsig-api"
    assert main([*arguments, "--help"]) == 0
    (compose,) = code_blocks(GUIDE, "yaml", "Containers")
    services = yaml.safe_load(compose)["services"]
    assert services["app"]["depends_on"].keys() <= services.keys()


def test_tests_of_guide_match_example() -> None:
    directory = ROOT / "examples" / "web_service"
    files = [file.read_text(encoding="utf-8") for file in directory.glob("*.py")]
    documented = code_blocks("docs/testing.md", "python", "A web service")
    assert all(any(code in file for file in files) for code in documented)


@pytest.mark.parametrize("page", [GUIDE, "docs/testing.md", "docs/official-sdks.md"])
def test_links_of_guide_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^##+ (.*)$", text, flags=re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if in_repository := re.match(
            r"https://github\.com/[^/]+/[^/]+/(?:blob|tree)/main/(.*)", target
        ):
            assert (ROOT / in_repository[1]).exists(), target
            continue
        path, _, heading = target.partition("#")
        assert not path or (ROOT / "docs" / path).exists(), target
        assert path or heading in headings, target
