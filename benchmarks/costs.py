"""What training costs against depth, width and number of networks, and the picture of it."""

import itertools
import statistics
from collections.abc import Callable

import matplotlib.pyplot as plt
from threadpoolctl import threadpool_limits

import helpers
from benchmarks import timing
from benchmarks.job import Job
from benchmarks.sides import compare, numpy_side, ours
from helpers import data, measure

EPOCHS = 32  # nearly 1,000 updates
PER_THOUSAND = 1000 / Job(epochs=EPOCHS).num_steps
# Wide layers start from Glorot's weights: N(0, 1) would saturate them, and nothing would train.
GLOROT = "glorot_normal"
DEPTHS = (1, 2, 4, 8, 16, 32, 50)
WIDTHS = (5, 16, 32, 64, 128, 256)
REPLICATES = (1, 4, 16, 64, 256)


def depth_ratios(rounds: int) -> dict[str, float]:
    """Seconds with 50 hidden layers over seconds with 4, by activation."""
    jobs = {
        (activation, depth): Job(activation=activation, depth=depth)
        for activation in ("sigmoid", "tanh")
        for depth in (4, 50)
    }
    seconds = timing.alternate({key: ours.train(job) for key, job in jobs.items()}, rounds)
    return {
        activation: timing.ratio(seconds[activation, 50], seconds[activation, 4])
        for activation in ("sigmoid", "tanh")
    }


def one_blas_thread(function: Callable) -> Callable:
    """Return the function, kept to one thread within its matrix products."""

    def limited():
        with threadpool_limits(1, "blas"):
            return function()

    return limited


def wide(rounds: int) -> tuple[float, float]:
    """Seconds of `train` for 1,000 updates at width 256, and their ratio to NumPy's with BLAS.

    BLAS may use one thread or all of them: NumPy's quicker one counts.
    """
    job = Job(initializer=GLOROT, width=256, epochs=EPOCHS)
    train = ours.train(job)
    by_hand = numpy_side.by_hand(job)

    compare(by_hand(), ours.as_result(train()))
    runs = {"train": train, "all threads": by_hand, "one thread": one_blas_thread(by_hand)}
    seconds = timing.alternate(runs, rounds)
    rival = min(("all threads", "one thread"), key=lambda name: statistics.median(seconds[name]))
    print(
        "  width 256, seconds: "
        + ", ".join(f"{name} {statistics.median(values):.2f}" for name, values in seconds.items())
    )
    return (
        PER_THOUSAND * statistics.median(seconds["train"]),
        timing.ratio(seconds["train"], seconds[rival]),
    )


def profile(depth: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of a profile at width 64: of draws seen before, and of new ones."""
    seeds = itertools.count(1)
    dataset = data.circles()

    def measured(seed):
        network = Job(depth=depth, width=64).network
        measure.profile(**network, dataset=dataset, seed=seed)

    runs = {"again": lambda: measured(0), "new": lambda: measured(next(seeds))}
    seconds = timing.alternate(runs, rounds)
    return tuple(1000 * statistics.median(values) for values in seconds.values())


def sweep(rounds: int) -> dict[str, dict[int, float]]:
    """Milliseconds for 1,000 updates against each knob, the others as source A has them."""
    runs = {
        "hidden layers": {d: ours.train(Job(depth=d, epochs=EPOCHS)) for d in DEPTHS},
        "networks": {n: ours.train(Job(epochs=EPOCHS), n) for n in REPLICATES},
    }
    jobs = {width: Job(initializer=GLOROT, width=width, epochs=EPOCHS) for width in WIDTHS}
    runs["units a layer"] = {width: ours.train(job) for width, job in jobs.items()}
    runs["NumPy by hand"] = {
        width: one_blas_thread(numpy_side.by_hand(job)) for width, job in jobs.items()
    }
    costs = {}
    for name, by_value in runs.items():
        seconds = timing.alternate(by_value, rounds)
        costs[name] = {
            value: 1000 * PER_THOUSAND * statistics.median(values)
            for value, values in seconds.items()
        }
        text = ", ".join(f"{value}: {cost:.0f}" for value, cost in costs[name].items())
        print(f"  ms for 1,000 updates, {name}: {text}", flush=True)
    return costs


def per_layer(by_depth: dict[int, float]) -> tuple[float, float]:
    """Milliseconds that one layer more costs, from 4 layers on: the least and the most."""
    depths = [depth for depth in by_depth if depth >= 4]
    more = [(by_depth[b] - by_depth[a]) / (b - a) for a, b in itertools.pairwise(depths)]
    return min(more), max(more)


def draw(costs: dict[str, dict[int, float]], path) -> None:
    """Write the picture of a sweep."""
    plt.style.use(helpers.STYLE)
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), sharey=True)
    by_hand = costs["NumPy by hand"]
    axes[2].loglog(by_hand.keys(), by_hand.values(), marker="o", color="0.6", label="NumPy by hand")
    for ax, name in zip(axes, ("hidden layers", "networks", "units a layer"), strict=True):
        values = list(costs[name])
        ax.loglog(values, costs[name].values(), marker="o", color="C0", label="train")
        ax.set(xlabel=name, xticks=values, xticklabels=values)
        ax.minorticks_off()
        ax.margins(x=0.08)
        ax.yaxis.set_major_formatter("{x:,.0f}")
    axes[2].legend()
    axes[0].set(ylabel="ms for 1,000 updates")
    figure.suptitle(
        "train, everything recorded at every step; what isn't varied: "
        "4 hidden layers, 1 network, 5 units a layer",
        fontsize=14,
    )
    figure.savefig(path, dpi=100)
    plt.close(figure)
