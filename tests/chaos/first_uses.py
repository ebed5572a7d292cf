"""Forks while another thread uses a client for the first time; see `forks.py`."""

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Final

import trustme

from tests.support.loopback import loopback, respond

FIRST_USES: Final = (
    *("call", "fast_call", "compressed_call", "async_call", "async_fast_call"),
    *("construction", "fast_construction", "logging", "spooling", "logger_construction"),
)


def fork_during(first_use: str, directory: Path, tries: int, seed: int = 1) -> None:
    """Check that no child hangs that is forked during a first use over TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with loopback(tls) as server:
        server.script(respond())
        result = subprocess.run(
            [
                *(sys.executable, "-m", "tests.chaos.forks", first_use),
                *(server.url.replace("127.0.0.1", "localhost"), str(tries), str(seed)),
            ],
            env=os.environ | {"SSL_CERT_FILE": str(directory / "ca.pem")},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
    assert result.returncode == 0, result.stdout + result.stderr


def run(directory: Path, seed: int) -> None:
    """Fork during one kind of first use."""
    fork_during(FIRST_USES[seed % len(FIRST_USES)], directory, tries=5, seed=seed)
