"""Exact laws of ReLU networks of finite width: what the typical network does, and who is dead.

Mean-field theory speaks of the mean square at infinite width. In a narrow network the typical
gradient is smaller than its RMS, and a layer may have no unit that is on. For normal weights
without biases both have exact laws.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from helpers.checks import affordable, not_endless, positive_number, shown, whole_number


class ReluLaw(NamedTuple):
    """One ReLU layer of finite width: see `relu_law`."""

    typical_ratio: float
    log10_std: float
    second_moment_growth: float
    dead_probability: float


def relu_law(width: int, weight_variance: float = 2.0) -> ReluLaw:
    """Say how one ReLU layer changes the norm of one signal, forward or backward, exactly.

    For normal weights of variance weight_variance / width and no biases, the squared norm is
    multiplied by (weight_variance / width) chi^2_K, K ~ Binomial(width, 1/2) units being on
    (compare Hanin 2018). Here chi^2_K is the chi-squared distribution with K degrees of freedom,
    not the gradient's factor `chi`.

    Parameters
    ----------
    width : int
        Units n in the layer and in the one before it.
    weight_variance : float
        sigma_w^2 = n Var W, above 0; 2 is He's.

    Returns
    -------
    ReluLaw
        typical_ratio: geometric mean of the ratio of norms, of the layers that aren't dead;
        log10_std: the standard deviation of its log10; second_moment_growth: E[r^2] / E[r]^2 of
        the ratio r of squared norms; dead_probability: that no unit is on.

    Raises
    ------
    ValueError
        For a width below 1, or a variance that isn't a finite number above 0.
    """
    width = whole_number("width", width)
    weight_variance = positive_number("weight_variance", weight_variance)
    affordable("A layer of that width", 8 * width)
    on = np.arange(1, width + 1)
    chances = _chances_to_be_on(on, width)
    # E ln chi^2_K = psi(K/2) + ln 2 for K units on; the norm has half the log of its square
    log_norm = (digamma(on / 2) + np.log(2 * weight_variance / width)) / 2
    mean = chances @ log_norm
    # law of total variance: Var ln chi^2_K = psi_1(K/2), a quarter of it for the norm, and what
    # the number of units that are on adds
    variance = chances @ (polygamma(1, on / 2) / 4 + (log_norm - mean) ** 2)
    return ReluLaw(
        typical_ratio=float(np.exp(mean)),
        log10_std=float(np.sqrt(variance) / np.log(10)),
        # E[(chi^2_K)^2] = E[K^2 + 2 K] and E[chi^2_K] = E[K]: 1 + 5/n (compare Hanin 2018)
        second_moment_growth=1 + 5 / width,
        dead_probability=2.0**-width,
    )


def _chances_to_be_on(on, width):
    """P(K units are on | at least one is) for each K in `on`, K ~ Binomial(width, 1/2)."""
    # by logarithms: the binomial coefficient of 2000 over 1000 overflows
    log_ways = gammaln(width + 1) - gammaln(on + 1) - gammaln(width - on + 1)
    chances = np.exp(log_ways - width * np.log(2))
    chances /= chances.sum()
    return chances


def relu_dead_probability(widths: Sequence[int]) -> float:
    """P(some layer of a ReLU network is off for one given input): 1 - prod(1 - 2^-width).

    Exact for symmetric, continuous weights and no biases (after Lu et al. 2020).

    Parameters
    ----------
    widths : sequence of int
        Units in each hidden layer.

    Raises
    ------
    ValueError
        For a width below 1.
    """
    if not isinstance(widths, (list, tuple, range)) and not getattr(widths, "ndim", 0):
        raise ValueError(f"widths must be a list of whole numbers; got {shown(widths)}.")
    not_endless("widths", widths)
    # float: 2.0 ** -width has no integer counterpart
    widths = np.array([whole_number("width", width) for width in widths], float)
    # 1 - prod(1 - p) as -expm1(sum log1p(-p)): 2^-64 would be lost beside 1
    return float(-np.expm1(np.log1p(-(2.0**-widths)).sum()))
