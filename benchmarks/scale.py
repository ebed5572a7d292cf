"""Growth of cost with calls in flight, events per batch, threads and user attributes."""

from pathlib import Path

from attrs import frozen
from bench import Bench

Series = dict[str, tuple[list[int], list[float]]]
"""Per case: its sizes and the cost at each."""


@frozen
class Scale:
    """A quantity that can grow."""

    title: str
    axis: str
    cost: str
    file: str
    cases: tuple[str, ...]
    sizes: tuple[int, ...]
    each: bool = False
    """Whether the cost of a call is divided by the size."""


SERIES = (
    Scale(
        title="Calls in flight",
        axis="calls in flight",
        cost="µs per call",
        file="in_flight.png",
        cases=("AsyncStatsig", "AsyncStatsig, fast", "aiohttp"),
        sizes=(1, 3, 10, 30, 100, 300, 1000),
    ),
    Scale(
        title="Events in a batch",
        axis="events in a batch",
        cost="µs per event",
        file="events.png",
        cases=("Statsig, events", "Statsig, events, gzip", "Statsig, fast, events, gzip"),
        sizes=(1, 10, 100, 1000, 10_000),
        each=True,
    ),
    Scale(
        title="Threads",
        axis="threads",
        cost="µs per call, of all threads together",
        file="threads.png",
        cases=("Statsig, threads", "Statsig, fast, threads"),
        sizes=(1, 2, 4, 8, 16),
    ),
    Scale(
        title="Attributes of a user",
        axis="attributes",
        cost="µs per call",
        file="attributes.png",
        cases=("Statsig, users",),
        sizes=(1, 5, 20, 100, 500),
    ),
)


def measure(bench: Bench, scale: Scale) -> Series:
    """Measure the cases at each size, in turns."""
    series: Series = {name: ([], []) for name in scale.cases}
    for size in scale.sizes:
        results = bench.measure(scale.cases, size=size, rounds=5, seconds=0.2)
        for name, result in results.items():
            series[name][0].append(size)
            series[name][1].append(result.median / (size if scale.each else 1))
    return series


def plot(scale: Scale, series: Series, folder: Path) -> None:
    """Plot the results."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, (sizes, values) in series.items():
        axes.plot(sizes, values, marker="o", label=name)
    axes.set(title=scale.title, xlabel=scale.axis, ylabel=scale.cost, xscale="log", ylim=0)
    axes.grid(alpha=0.3)
    axes.legend()
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / scale.file, dpi=110)
    plt.close(figure)
