"""The examples of docs/official-sdks.md run on a local server."""

import json
import re
from pathlib import Path

import pytest

from ..conftest import Api
from .running import require_legacy_sdk, run

TEXT = (Path(__file__).parents[3] / "docs" / "official-sdks.md").read_text(encoding="utf-8")


def block(section: str, server: Api) -> str:
    """Return the code of a section, with the address of a running server."""
    parts = re.split(r"^### ", TEXT, flags=re.MULTILINE)
    (body,) = [part for part in parts if part.startswith(section)]
    (code,) = re.findall(r"^```(?:python|js)\n(.*?)^```", body, flags=re.MULTILINE | re.DOTALL)
    return code.replace("http://127.0.0.1:8765", server.server.url.removesuffix("/v1"))


@pytest.mark.parametrize("section", ["Python core\n", "Python, legacy\n"])
def test_python_examples_run(section: str, shop_server: Api) -> None:
    if "legacy" in section:
        require_legacy_sdk()
    assert run("python", f"{block(section, shop_server)}\nprint(passes)") == "True\n"


ADA = json.dumps({"userID": "42", "email": "ada@example.com"})


@pytest.mark.parametrize(
    ("section", "ask"),
    [
        ("Node core\n", f"statsig.checkGate(new StatsigUser({ADA}), 'staff_tools')"),
        ("Node, legacy\n", f"Statsig.checkGateSync({ADA}, 'staff_tools')"),
        ("JavaScript client", "client.getDynamicConfig('homepage').value.products_shown === 12"),
    ],
)
def test_javascript_examples_run(section: str, ask: str, shop_server: Api) -> None:
    steps = f"{block(section, shop_server)}\nconsole.log({ask});\nprocess.exit();"
    assert run("node", f"(async () => {{\n{steps}\n}})()") == "true\n"
