"""Local servers for tests, with an HTTP client."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import httpx
import pytest

from statsig_api_client.local import LocalServer

SHOP = Path(__file__).parents[2] / "examples" / "project.yaml"

Json: TypeAlias = dict[str, Any]


class Api:
    """HTTP client of a server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.url, headers={"statsig-api-key": server.secret_key}, timeout=10
        )

    def post(self, call: str, body: object) -> httpx.Response:
        return self.http.post(f"/{call}", json=body)

    def gate(self, name: str, user: Json | None = None) -> object:
        response: Json = self.post("check_gate", {"gateName": name, "user": user or {}}).json()
        return response["value"]

    def config(self, name: str, user: Json | None = None) -> Json:
        response: Json = self.post("get_config", {"configName": name, "user": user or {}}).json()
        return response

    def layer(self, name: str, user: Json | None = None) -> Json:
        response: Json = self.post("get_layer", {"layerName": name, "user": user or {}}).json()
        return response


@pytest.fixture(scope="session")
def shop_server() -> Iterator[Api]:
    with LocalServer(SHOP) as server:
        api = Api(server)
        yield api
        api.http.close()


@pytest.fixture(scope="session")
def closing() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool that closes servers in the background, which takes 0.2 s each."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def serve(tmp_path: Path, closing: ThreadPoolExecutor) -> Iterator[Callable[..., Api]]:
    """Serve a project from the content of its file."""
    apis: list[Api] = []

    def start(text: str, name: str = "project.yaml", db: Path | None = None) -> Api:
        file = tmp_path / name
        file.write_text(dedent(text))
        apis.append(Api(LocalServer(file, db=db)))
        return apis[-1]

    yield start
    for api in apis:
        api.http.close()
        closing.submit(api.server.close)
