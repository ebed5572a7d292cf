"""One case in a separate process: one round per line of input, or one run under a profiler.

python benchmarks/worker.py CASE --url URL [--stock FOLDER] [--size N] [--cpu N] [--profile]

A line of input is a number of calls; the output is the wall and CPU microseconds per call.
"""

import argparse
import cProfile
import os
import pstats
import sys
import time
from pathlib import Path

from cases import CASES, Setting


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--url", required=True)
    parser.add_argument("--stock", type=Path, default=Path())
    parser.add_argument("--size", type=int, default=1)
    parser.add_argument("--cpu", type=int)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.cpu})
    rounds = CASES[options.case](Setting(options.url, options.stock, options.size))
    rounds(5)
    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(rounds, 3000)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        start, cpu = time.perf_counter(), time.process_time()
        count = rounds(count)
        used, taken = time.process_time() - cpu, time.perf_counter() - start
        print(taken / count * 1e6, used / count * 1e6, flush=True)
    os._exit(0)  # open connections need no cleanup here


if __name__ == "__main__":
    main()
