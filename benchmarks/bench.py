"""Side-by-side measurement: one process per case, interleaved rounds, medians.

Machines drift by half within minutes, so only ratios within one run are meaningful.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

HERE = Path(__file__).parent
SPEC = HERE.parent / "openapi.yaml"


@frozen
class Result:
    """Cost of a case, in microseconds per call."""

    median: float
    low: float
    high: float
    """Lower quartile of the rounds."""
    cpu: float
    """CPU time of the client process, all threads included."""

    @classmethod
    def of(cls, rounds: list[tuple[float, float]]) -> "Result":
        """Summarize rounds, given as pairs of wall and CPU time."""
        low, median, high = statistics.quantiles([taken for taken, _ in rounds], n=4)
        return cls(median, low, high, statistics.median(used for _, used in rounds))


@frozen
class Bench:
    """A running server and the environment of the cases."""

    url: str
    stock: Path
    cpu: int | None
    """CPU core of the cases, never the server's; None lets the system choose."""

    def measure(
        self, cases: Sequence[str], *, size: int = 1, rounds: int = 9, seconds: float = 0.15
    ) -> dict[str, Result]:
        """Run cases interleaved, each for a number of rounds of a given length in seconds."""
        with ExitStack() as stack:
            workers = {name: stack.enter_context(self._worker(name, size)) for name in cases}
            counts = {name: _count(worker, seconds) for name, worker in workers.items()}
            samples: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
            for _ in range(rounds):
                for name, worker in workers.items():
                    samples[name].append(_round(worker, counts[name]))
        return {name: Result.of(sample) for name, sample in samples.items()}

    def bursts(
        self, cases: Sequence[str], *, size: int, calls: int, pause: float, rounds: int
    ) -> dict[str, Result]:
        """Measure bursts of `size` calls: back to back, and each after an idle second."""
        results: dict[str, Result] = {}
        for name in cases:
            steady, rested = [], []
            with self._worker(name, size) as worker:
                _round(worker, 5 * size)
                for _ in range(rounds):
                    steady += [_round(worker, calls) for _ in range(3)]
                    time.sleep(pause)
                    rested.append(_round(worker, calls))
            results[f"{name}, steady"] = Result.of(steady)
            results[f"{name}, after a pause"] = Result.of(rested)
        return results

    @contextmanager
    def _worker(self, name: str, size: int) -> Iterator["subprocess.Popen[str]"]:
        command = [
            *(sys.executable, "-W", "ignore", str(HERE / "worker.py"), name),
            *("--url", self.url, "--stock", str(self.stock)),
            *("--size", str(size)),
            *(() if self.cpu is None else ("--cpu", str(self.cpu))),
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"case {name!r} failed")
            yield process
            assert process.stdin
            process.stdin.close()
            process.wait(20)


def _round(worker: "subprocess.Popen[str]", count: int) -> tuple[float, float]:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{count}\n")
    worker.stdin.flush()
    taken, used = map(float, worker.stdout.readline().split())
    return taken, used


def _count(worker: "subprocess.Popen[str]", seconds: float) -> int:
    """Return the number of calls per round. The first rounds warm up."""
    _round(worker, 20)
    taken, _ = _round(worker, 50)
    return max(5, int(seconds * 1e6 / taken))


@contextmanager
def bench(*, pinned: bool = True) -> Iterator[Bench]:
    """Start the server and generate openapi-python-client's own output for our spec.

    When pinned, the server runs on the last core and the cases on the first.
    """
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = folder / "server"
        subprocess.run(["cc", "-O2", "-o", server, HERE / "server.c"], check=True)
        stock = folder / "stock"
        subprocess.run(
            [
                *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
                *("--path", SPEC, "--output-path", stock),
            ],
            check=True,
            capture_output=True,
        )
        process = stack.enter_context(
            subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        if pinned:
            os.sched_setaffinity(process.pid, {cores[-1]})
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        yield Bench(f"http://127.0.0.1:{port}/v1", stock, cores[0] if pinned else None)
        process.stdin.close()
        requests, used = map(int, process.stdout.read().split())
        print(f"server: {requests} requests, {used / max(requests, 1):.1f} µs of CPU each")


def python(program: str) -> float:
    """Return the number that a program prints, run in a separate process."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
