"""Time from a cold interpreter to the first answer over TLS.

    python benchmarks/first_answer.py [--rounds N]

Each case is a separate program that evaluates one gate. The programs run in turns. The server has a
certificate of a test authority, which is appended to certifi's bundle. Statsig's own SDK downloads
the rules of a small project first, from the same server.
"""

import argparse
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import certifi
import trustme
from bench import HERE, Result

from statsig_api_client.local.config_specs.document import load_specs

RESPONSE = b'{"name":"new_checkout","value":true,"rule_id":"4pqmXHFDCO8xmYuAOtbyQF"}'

# Our types cost more where pydantic needs those of typing_extensions, before Python 3.12.
CLEAN = "import sys\nsys.modules['pydantic'] = None\n"
# Without click and rich, httpx does not import its command line. Few services have both.
NO_CLICK = "sys.modules['click'] = None\n"
BARE = "the interpreter alone"
CASES = {
    BARE: "",
    "http.client": """
import http.client, json, os
connection = http.client.HTTPSConnection("localhost", int(os.environ["PORT"]))
body = json.dumps({"user": {"userID": "42"}, "gateName": "new_checkout"})
headers = {"Content-Type": "application/json", "STATSIG-API-KEY": "secret-benchmark"}
connection.request("POST", "/v1/check_gate", body, headers)
assert json.loads(connection.getresponse().read())["value"]
""",
    "httpx": """
import httpx, os
headers = {"STATSIG-API-KEY": "secret-benchmark"}
client = httpx.Client(base_url=os.environ["STATSIG_BASE_URL"], headers=headers)
call = {"user": {"userID": "42"}, "gateName": "new_checkout"}
assert client.post("/check_gate", json=call).raise_for_status().json()["value"]
""",
    "httpx, async": """
import asyncio, httpx, os
async def main():
    headers = {"STATSIG-API-KEY": "secret-benchmark"}
    call = {"user": {"userID": "42"}, "gateName": "new_checkout"}
    async with httpx.AsyncClient(
        base_url=os.environ["STATSIG_BASE_URL"], headers=headers
    ) as client:
        response = await client.post("/check_gate", json=call)
        assert response.raise_for_status().json()["value"]
        answered()
asyncio.run(main())
""",
    "aiohttp": """
import asyncio, aiohttp, os
async def main():
    headers = {"STATSIG-API-KEY": "secret-benchmark"}
    call = {"user": {"userID": "42"}, "gateName": "new_checkout"}
    url = os.environ["STATSIG_BASE_URL"] + "/check_gate"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url, json=call) as response:
            response.raise_for_status()
            assert (await response.json())["value"]
        answered()
asyncio.run(main())
""",
    "Statsig": """
from statsig_api_client import Statsig, StatsigUser
statsig = Statsig("secret-benchmark")
assert statsig.check_gate(StatsigUser(user_id="42"), "new_checkout")
""",
    "Statsig, fast": """
from statsig_api_client import Statsig, StatsigUser
statsig = Statsig("secret-benchmark", engine="fast")
assert statsig.check_gate(StatsigUser(user_id="42"), "new_checkout")
""",
    "AsyncStatsig": """
import asyncio
from statsig_api_client import AsyncStatsig, StatsigUser
async def main():
    async with AsyncStatsig("secret-benchmark") as statsig:
        assert await statsig.check_gate(StatsigUser(user_id="42"), "new_checkout")
        answered()
asyncio.run(main())
""",
    "AsyncStatsig, fast": """
import asyncio
from statsig_api_client import AsyncStatsig, StatsigUser
async def main():
    async with AsyncStatsig("secret-benchmark", engine="fast") as statsig:
        assert await statsig.check_gate(StatsigUser(user_id="42"), "new_checkout")
        answered()
asyncio.run(main())
""",
    "statsig-python-core": """
import os
from statsig_python_core import Statsig, StatsigOptions, StatsigUser
url = os.environ["STATSIG_BASE_URL"].removesuffix("/v1")
options = StatsigOptions(
    specs_url=f"{url}/v2/download_config_specs", log_event_url=f"{url}/v1/log_event"
)
statsig = Statsig("secret-benchmark", options)
statsig.initialize().wait()
gate = statsig.get_feature_gate(StatsigUser("42"), "new_checkout")
assert gate.details.reason == "Network:Recognized", gate.details.reason
""",
}
WITH_CLICK = ("httpx", "Statsig")
"""Cases that are measured a second time with click and rich."""

ROWS = (
    ("Statsig", "httpx"),
    ("Statsig, click and rich", "httpx, click and rich"),
    ("Statsig, fast", "http.client"),
    ("AsyncStatsig", "httpx, async"),
    ("AsyncStatsig, fast", "aiohttp"),
)
"""Our cases and those that they should not exceed."""

Table = dict[str, Result]

# The program reports its answer at once, since an interpreter takes a while to exit.
ANSWERED = "def answered():\n    print('answered', flush=True)\n"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    print("\n".join(lines(measure(parser.parse_args().rounds))))


def lines(table: Table) -> Iterator[str]:
    """Return a table as Markdown."""
    yield "| case | ms over the interpreter | middle half |\n|---|---|---|"
    for name, result in table.items():
        low, high = result.low / 1000, result.high / 1000
        yield f"| {name} | {result.median / 1000:.0f} | {low:.0f} to {high:.0f} |"
    yield "\n| case | against | ratio |\n|---|---|---|"
    for ours, theirs in ROWS:
        yield f"| {ours} | {theirs} | {table[ours].median / table[theirs].median:.2f} |"


def measure(rounds: int) -> Table:
    """Return the cost of each case, in microseconds more than the interpreter alone."""
    programs = {name: f"{CLEAN}{NO_CLICK}{ANSWERED}{case}" for name, case in CASES.items()}
    programs |= {
        f"{name}, click and rich": f"{CLEAN}{ANSWERED}{CASES[name]}" for name in WITH_CLICK
    }
    programs = {
        name: program if "    answered()" in program else f"{program}answered()\n"
        for name, program in programs.items()
    }
    samples: dict[str, list[float]] = {name: [] for name in programs}
    with _server() as environment:
        for index in range(rounds + 1):
            for name, program in programs.items():
                taken = _first_answer(program, environment)
                if index:  # the first round fills the caches of the system
                    samples[name].append(taken)
    bare = statistics.median(samples.pop(BARE))
    over = {name: [(each - bare) * 1e6 for each in taken] for name, taken in samples.items()}
    return {name: Result.of([(each, each) for each in taken]) for name, taken in over.items()}


def _first_answer(program: str, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout
        answer = process.stdout.readline()
        taken = time.perf_counter() - start
        process.wait(30)
    if answer != "answered\n":
        raise RuntimeError(f"no answer: {program}")
    return taken


@contextmanager
def _server() -> Generator[dict[str, str]]:
    """Run a server with TLS; return the environment of its clients."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    specs = json.dumps(load_specs(HERE.parent / "examples" / "project.yaml").document).encode()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        bundle = Path(folder, "bundle.pem")
        bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        threading.Thread(target=_accept, args=(server, context, specs), daemon=True).start()
        port = server.getsockname()[1]
        # The first round compiles, as an installer does.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        yield environment | {
            "SSL_CERT_FILE": str(bundle),
            "PORT": str(port),
            "STATSIG_BASE_URL": f"https://localhost:{port}/v1",
        }


def _accept(server: socket.socket, context: ssl.SSLContext, specs: bytes) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(connection, context, specs), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext, specs: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as tls:
        request = b""
        while chunk := tls.recv(65536):
            request += chunk
            is_download = request.startswith(b"GET ")
            if request.endswith(b"\r\n\r\n" if is_download else b"}"):
                response = specs if is_download else RESPONSE
                tls.sendall(head % len(response) + response)
                request = b""


if __name__ == "__main__":
    main()
