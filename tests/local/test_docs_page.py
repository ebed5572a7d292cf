"""The page at `/local/`: every call of the document, with a command that runs."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from statsig_api_client.local.http.control_api import local_document
from statsig_api_client.local.http.docs_page import docs_page

from .conftest import SHOP, Api

DOCUMENT: Any = local_document()
PAGE = docs_page(DOCUMENT)
COMMANDS = [unescape(text) for text in re.findall(r"<pre>(curl .*?)</pre>", PAGE, re.DOTALL)]


class Nesting(HTMLParser):
    """That each element ends where it must, and links lead somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        if tag not in {"meta", "html"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_document_is_openapi() -> None:
    pytest.importorskip("openapi_spec_validator").validate(DOCUMENT)


def test_the_page_is_html_whose_links_lead_somewhere() -> None:
    parser = Nesting()
    parser.feed(PAGE)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert set(parser.links) <= {f"#{name}" for name in parser.ids} | {"openapi.json"}


def test_the_page_takes_nothing_from_elsewhere() -> None:
    assert not re.search(r"<script|<link|<img|src=|@import", PAGE)


def test_the_page_has_every_call_and_a_command_for_it() -> None:
    calls = [
        f"{method.upper()} /local{path}"
        for path, item in DOCUMENT["paths"].items()
        for method in item
    ]
    assert sorted(re.findall(r"<h3><code>(.*?)</code></h3>", PAGE)) == sorted(calls)
    assert len(COMMANDS) == len(calls)


@pytest.fixture
def api(serve: Callable[..., Api]) -> Iterator[Api]:
    return serve(SHOP.read_text(encoding="utf-8"))


def test_every_command_runs(api: Api) -> None:
    shell = shutil.which("sh")
    if shell is None or shutil.which("curl") is None:
        pytest.skip("there is no curl")
    root = api.server.url.removesuffix("/v1")
    for command in COMMANDS:
        line = command.replace("http://127.0.0.1:8765", root).replace("curl", "curl -sS --fail", 1)
        done = subprocess.run([shell, "-c", line], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command


def test_the_server_has_the_page_and_the_document_with_its_own_address(shop_server: Api) -> None:
    local = shop_server.server.url.removesuffix("v1") + "local"
    page = httpx.get(f"{local}/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text == PAGE.replace("http://127.0.0.1:8765/local", local)
    document = httpx.get(f"{local}/openapi.json").json()
    assert [server["url"] for server in document["servers"]] == [local]
    assert document | {"servers": None} == DOCUMENT | {"servers": None}
