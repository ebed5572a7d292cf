"""Run the benchmarks, print the ratios and write the results.

    python benchmarks/run.py           everything, into RESULTS.md, results.json and plots/
    python benchmarks/run.py --quick   the main ratios, in less than a minute; writes nothing

`NOTES.md` explains where the time goes.
"""

import argparse
import compileall
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import events as logging_events
import first_answer
from attrs import asdict, frozen
from bench import HERE, Result, bench, python
from scale import SERIES, Series, measure, plot

CALLS = (
    *("http.client", "httpx", "httpx2", "httpx transport, ready bytes", "pyreqwest, ready bytes"),
    *("openapi-python-client", "openai", "Statsig", "Statsig, fast", "Statsig, httpx2 client"),
    *("Statsig, transport that responds at once", "Statsig(...)"),
)
PEERS = ("httpx2", "openapi-python-client", "openai", "Statsig, httpx2 client")
"""Cases without a separate row."""
ASYNC = (
    *("httpx, async", "httpx2, async", "aiohttp", "pyreqwest, async, ready bytes"),
    *("AsyncStatsig", "AsyncStatsig, fast"),
)
EVENTS = (
    *("httpx, events", "openapi-python-client, events", "Statsig, events", "Statsig, events, gzip"),
    *("Statsig, events, gzip, no orjson", "Statsig, fast, events, gzip"),
)
NO_CONNECTIONS = "Statsig, transport that responds at once"
BURSTS = ("AsyncStatsig, fast", "pyreqwest, async, ready bytes", "aiohttp", NO_CONNECTIONS)
IMPORTS = (
    *("import httpx", "import statsig_api_client", "import attrs"),
    "from statsig_api_client import Statsig; Statsig('secret-x')",
    "from statsig_api_client import Statsig; Statsig('secret-x', engine='fast')",
)
PACKAGES = (
    *("httpx", "httpx2", "sniffio", "pyreqwest", "orjson", "attrs", "aiohttp", "openai"),
    *("openapi-python-client", "statsig-python-core", "statsig", "mypy"),
)

Table = dict[str, Result]


@frozen
class Row:
    """A row of the table of targets."""

    what: str
    reach: float
    got: float
    unit: str = ""
    at_least: bool = False

    @property
    def line(self) -> str:
        """Return the row as Markdown."""
        reached = self.got >= self.reach if self.at_least else self.got <= self.reach
        mark, sign = "yes" if reached else "**no**", "≥" if self.at_least else "≤"
        reach, got = f"{sign} {self.reach:g}{self.unit}", f"{self.got:.2f}{self.unit}"
        return f"| {self.what} | {reach} | {got} | {mark} |"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    started = time.monotonic()
    groups, rows = _quick() if quick else _everything()
    loggers = {} if quick else logging_events.measure()
    rows += _logger_rows(loggers) if loggers else []
    print("\n| what | reach | got | reached |\n|---|---|---|---|")
    print("\n".join(row.line for row in rows))
    if not quick:
        series = {}
        with bench() as server:
            for each in SERIES:
                series[each.title] = measure(server, each)
                plot(each, series[each.title], HERE / "plots")
        _write(groups, rows, series, loggers)
    print(f"\n{time.monotonic() - started:.0f} s")


def _quick() -> tuple[dict[str, Table], list[Row]]:
    with bench() as server:
        calls = server.measure([name for name in CALLS if name not in PEERS], rounds=9)
        many = server.measure(
            ("httpx, async", "aiohttp", "AsyncStatsig", "AsyncStatsig, fast"), size=100, rounds=5
        )
        events = server.measure(EVENTS[1:], size=500, rounds=7)
    groups = {"calls": calls, "async": many, "events": events}
    return groups, [*_call_rows(calls, many, events), *_import_rows(_imports(rounds=7))]


def _everything() -> tuple[dict[str, Table], list[Row]]:
    groups: dict[str, Table] = {}
    with bench() as server:
        calls = groups["One call after the other, client on one core"] = server.measure(
            CALLS, rounds=15
        )
    with bench(pinned=False) as server:
        loose = groups["One call after the other, wherever the system puts it"] = server.measure(
            ("http.client", "httpx", "pyreqwest, ready bytes", "Statsig", "Statsig, fast"),
            rounds=15,
        )
    with bench() as server:
        groups["Async, one call after the other"] = server.measure(ASYNC, rounds=7)
        many = groups["Async, 100 calls in flight"] = server.measure(
            ASYNC, size=100, rounds=9, seconds=0.3
        )
        events = groups["Batches of 500 events"] = server.measure(
            EVENTS, size=500, rounds=11, seconds=0.2
        )
        bursts = groups["Bursts of 1,000 calls, 100 in flight"] = server.bursts(
            BURSTS, size=100, calls=1000, pause=1.0, rounds=9
        )
        firsts = groups["Bursts of 100 calls, one on each connection"] = server.bursts(
            BURSTS, size=100, calls=100, pause=1.0, rounds=9
        )
    imports = groups["Imports"] = _imports(rounds=15)
    rows = _call_rows(calls, many, events)
    # pyreqwest runs its own thread, which shares a pinned core with the caller's.
    fast, bare = loose["Statsig, fast"], loose["pyreqwest, ready bytes"]
    rows.insert(5, Row("the same, not pinned to cores", 25.0, fast.median - bare.median, " µs"))
    rows.insert(
        3, Row("the same, not pinned to cores", 1.0, fast.median / loose["http.client"].median)
    )
    rows += _import_rows(imports)
    answers = groups["From a cold interpreter to the first answer over TLS"] = first_answer.measure(
        rounds=15
    )
    rows += [
        Row(f"first answer, {ours}, against {theirs}", 1.0, _ratio(answers, ours, theirs))
        for ours, theirs in first_answer.ROWS
    ]
    rows += [
        Row(
            "a burst of 1,000, 100 in flight, after a pause, fast engine, against a steady one",
            1.2,
            _after_pause(bursts, "AsyncStatsig, fast"),
        ),
        Row(
            "the first 100 of it alone, one on each connection",
            1.2,
            _after_pause(firsts, "AsyncStatsig, fast"),
        ),
        Row(
            "the same without a transport, and so without connections",
            1.2,
            _after_pause(firsts, NO_CONNECTIONS),
        ),
        _mypy_row(),
        Row("`python generate.py`", 5.0, min(_generate() for _ in range(3)), " s"),
    ]
    return groups, rows


def _ratio(table: Table, ours: str, theirs: str) -> float:
    return table[ours].median / table[theirs].median


def _after_pause(bursts: Table, case: str) -> float:
    return _ratio(bursts, f"{case}, after a pause", f"{case}, steady")


def _call_rows(calls: Table, many: Table, events: Table) -> list[Row]:
    stock = "openapi-python-client, events"
    return [
        Row(
            "sync `check_gate`, httpx engine, against idiomatic httpx",
            0.85,
            _ratio(calls, "Statsig", "httpx"),
        ),
        Row(
            "async `check_gate`, 100 in flight, httpx engine, against idiomatic httpx",
            0.95,
            _ratio(many, "AsyncStatsig", "httpx, async"),
        ),
        Row(
            "sync `check_gate`, fast engine, against http.client with json",
            1.0,
            _ratio(calls, "Statsig, fast", "http.client"),
        ),
        Row(
            "async `check_gate`, 100 in flight, fast engine, against aiohttp with json",
            0.7,
            _ratio(many, "AsyncStatsig, fast", "aiohttp"),
        ),
        Row(
            "our overhead over bare pyreqwest with ready bytes, per call",
            25.0,
            calls["Statsig, fast"].median - calls["pyreqwest, ready bytes"].median,
            " µs",
        ),
        Row(
            "our overhead over the bare httpx transport with ready bytes, per call",
            25.0,
            calls["Statsig"].median - calls["httpx transport, ready bytes"].median,
            " µs",
        ),
        Row(
            "our layer alone, on a transport that responds at once",
            25.0,
            calls["Statsig, transport that responds at once"].median,
            " µs",
        ),
        Row(
            "`log_events` of 500 models, gzip, httpx engine, without orjson, against "
            "openapi-python-client",
            0.75,
            _ratio(events, "Statsig, events, gzip, no orjson", stock),
        ),
        Row(
            "the same with orjson",
            0.35,
            _ratio(events, "Statsig, events, gzip", stock),
        ),
        Row("`Statsig(...)`", 1.0, calls["Statsig(...)"].median / 1000, " ms"),
    ]


def _logger_rows(loggers: logging_events.Results) -> list[Row]:
    memory, spool, core = loggers["ours"], loggers["ours, spool"], loggers["core"]
    return [
        Row(
            "`EventLogger.log()` against statsig core's `log_event`",
            1.5,
            memory["log"] / core["log"],
        ),
        Row(
            "events delivered per second of CPU, logger to server, against statsig core",
            1.5,
            core["cpu"] / memory["cpu"],
            at_least=True,
        ),
        Row("the same with a spool", 0.5, core["cpu"] / spool["cpu"], at_least=True),
    ]


def _import_rows(imports: Table) -> list[Row]:
    return [
        Row(
            "`import statsig_api_client` against `import httpx`",
            0.6,
            _ratio(imports, "import statsig_api_client", "import httpx"),
        )
    ]


def _imports(*, rounds: int) -> Table:
    # Compile first, as an installer does: a checkout may have changed since.
    compileall.compile_dir(HERE.parent / "statsig_api_client", quiet=1)
    samples: dict[str, list[float]] = {statement: [] for statement in IMPORTS}
    for _ in range(rounds):
        for statement, sample in samples.items():
            # With click and rich installed, httpx imports its command line; few services have both.
            program = (
                "import sys, time\nsys.modules['click'] = None\nstart = time.perf_counter()\n"
                f"{statement}\nprint((time.perf_counter() - start) * 1e6)"
            )
            sample.append(python(program))
    return {name: Result.of([(each, each) for each in taken]) for name, taken in samples.items()}


def _mypy_row() -> Row:
    taken: dict[str, list[float]] = {"httpx": [], "statsig_api_client": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            for name, seconds in taken.items():
                program = Path(folder, f"{name}_user.py")
                program.write_text(f"import {name}\n")
                seconds.append(
                    _timed("-m", "mypy", "--strict", f"--cache-dir={os.devnull}", program)
                )
    ours, theirs = min(taken["statsig_api_client"]), min(taken["httpx"])
    return Row("consumer's `mypy --strict`, cold, against httpx alone", 1.25, ours / theirs)


def _generate() -> float:
    with tempfile.TemporaryDirectory() as folder:
        return _timed(HERE.parent / "generate.py", "--output", Path(folder, "generated"))


def _timed(*arguments: str | Path) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


# ---- Results ----


def _write(
    groups: dict[str, Table],
    rows: list[Row],
    series: dict[str, Series],
    loggers: logging_events.Results,
) -> None:
    report = _report(groups, rows, series, loggers)
    (HERE / "RESULTS.md").write_text("\n".join(report) + "\n")
    results = {
        "machine": _machine(),
        "versions": _versions(),
        "rows": [asdict(row) for row in rows],
        "microseconds": {
            group: {name: asdict(result) for name, result in table.items()}
            for group, table in groups.items()
        },
        "loggers": loggers,
        "scale": {
            title: {name: dict(zip(sizes, values, strict=True)) for name, (sizes, values) in lines}
            for title, lines in ((title, each.items()) for title, each in series.items())
        },
    }
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(f"{text}\n")


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.machine()}, {platform.system()}"


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _report(
    groups: dict[str, Table],
    rows: list[Row],
    series: dict[str, Series],
    loggers: logging_events.Results,
) -> Iterator[str]:
    yield "# Results\n"
    yield f"Written by `make bench` on {dt.datetime.now(dt.UTC):%Y-%m-%d}. {_machine()}."
    yield ", ".join(f"{name} {number}" for name, number in _versions().items()) + ".\n"
    yield "The machine is shared and drifts: compare only within one table. `NOTES.md` explains"
    yield "where the time goes and why a row was not reached.\n"
    yield "| what | reach | got | reached |\n|---|---|---|---|"
    yield from (row.line for row in rows)
    for title, table in groups.items():
        first = next(iter(table.values())).median
        yield f"\n## {title}\n"
        yield "| case | µs | middle half | µs of CPU | ratio |\n|---|---|---|---|---|"
        for name, result in table.items():
            yield (
                f"| {name} | {result.median:.1f} | {result.low:.1f} to {result.high:.1f} "
                f"| {result.cpu:.1f} | {result.median / first:.2f} |"
            )
    yield "\n## Event loggers, next to Statsig's own SDKs\n"
    yield from logging_events.lines(loggers)
    yield "\n## Scale\n"
    for each in SERIES:
        yield f"![{each.title}](plots/{each.file})\n"
        lines = series[each.title]
        sizes = next(iter(lines.values()))[0]
        yield f"| {each.cost}, by {each.axis} | {' | '.join(map(str, sizes))} |"
        yield f"|---|{'---|' * len(sizes)}"
        for name, (_, values) in lines.items():
            yield f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |"
        yield ""


if __name__ == "__main__":
    main()
