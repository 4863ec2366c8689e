"""Numbers and verdicts in words, as every explorer writes them."""

import math

import numpy as np

from helpers import measure, plots, theory

ALONE = "a single hidden layer has no other to be compared with"
DELTA_RATIO = "first-layer delta over the last's"


def size_in_words(size: float) -> str:
    """Write a size, 0 or more, for a sentence: "0.25", "2.1 × 10⁻³⁴", "exactly 0"."""
    return plots.scientific(np.log10(size) if size else -np.inf)


def signed(number: float) -> str:
    """Write a number with its sign and two decimals; a smaller one with its first digit."""
    if 0 < abs(number) < 0.005:
        return f"{number:+.1g}"
    return f"{round(number, 2) + 0.0:+.2f}"  # no "-0.00"


def judge(delta: np.ndarray) -> tuple[str, str]:
    """Judge networks by the delta norms of their hidden layers, shape (num_networks, depth).

    Returns the verdict's word, and how many are dead, for a sentence: "5 of 10 networks are dead; "
    or nothing. A network is dead if no gradient reaches its first layer.
    """
    ratio = measure.first_over_last(delta)
    dead = delta[:, 0] == 0
    count = f"{dead.sum()} of {len(dead)} networks are dead; " if dead.any() else ""
    if math.isnan(ratio):  # a run that diverged: NaN, or infinite over infinite
        return "exploding", count
    return theory.verdict(ratio, dead_share=dead.mean()), count
