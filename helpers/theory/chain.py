"""The factors that the chain rule multiplies along one path through a network.

A path is a chain of single neurons: the derivative of its end with respect to its beginning is a
product of one factor w phi'(z) for each layer (Hochreiter 1991). A network's gradient is a sum
over all paths, so a chain says how a product behaves, not which activation trains best.
"""

from functools import lru_cache

import numpy as np
from scipy.special import digamma

from helpers.catalogue import ACTIVATIONS
from helpers.checks import affordable, positive_number, whole_number

LEAST_SHARE = 1e-3  # of all z with slope 0: fewer are points where a curve is level, or underflow


def derivative_product(
    activation: str,
    depth: int,
    *,
    weight_std: float | None = None,
    pre_activation_std: float = 1.0,
    num_draws: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """Draw the factors that the chain rule multiplies along a chain of single neurons.

    Each factor is w * phi'(z), with z ~ N(0, `pre_activation_std`^2) and
    w ~ N(0, `weight_std`^2), or w = 1 if `weight_std` is None. The same `seed` gives the same
    draws on another scale, and a longer chain begins with the shorter one.

    Returns
    -------
    array, shape (num_draws, depth)
        The factors, signs included. Their product along axis 1 is the chain's derivative.

    Raises
    ------
    ValueError
        For an unknown name, a depth below 1, or a standard deviation that isn't a number above 0.
    """
    entry = ACTIVATIONS[activation]
    depth = whole_number("depth", depth)
    num_draws = whole_number("num_draws", num_draws)
    affordable("So many factors", 4 * depth * num_draws)
    z_std = positive_number("pre_activation_std", pre_activation_std)
    # a stream each for z and w: leaving the weights out doesn't change z. Layers are the first
    # axis while drawing, so that a longer chain begins with the draws of the shorter one.
    streams = np.random.SeedSequence(whole_number("seed", seed, low=0)).spawn(2)
    z, w = (np.random.default_rng(s).standard_normal((depth, num_draws)).T for s in streams)
    weights = 1.0 if weight_std is None else positive_number("weight_std", weight_std) * w
    return weights * entry.derivative(z_std * z)  # one factor w phi'(z) (Hochreiter 1991)


def expected_log10_factor(
    activation: str, *, weight_std: float | None = None, pre_activation_std: float = 1.0
) -> float:
    """E[log10 |w phi'(z)|] for the draws of `derivative_product`: decades gained per layer.

    The mean log of a product is the depth times this number. Where phi'(z) is exactly 0 with
    positive probability (ReLU), it is -inf. A normal weight adds
    log10(weight_std) - (gamma + ln 2) / (2 ln 10), gamma being Euler's constant.

    Raises
    ------
    ValueError
        For an unknown name, or a standard deviation that isn't a number above 0.
    """
    z_std = positive_number("pre_activation_std", pre_activation_std)
    mean = _mean_log10_slope(ACTIVATIONS[activation], z_std)
    if weight_std is None:
        return mean
    # w^2 is chi-squared with 1 degree of freedom: E ln w^2 = psi(1/2) + ln 2 = -(gamma + ln 2)
    normal = (digamma(0.5) + np.log(2)) / (2 * np.log(10))
    return mean + np.log10(positive_number("weight_std", weight_std)) + float(normal)


@lru_cache(maxsize=256)  # an explorer asks for the same ones again and again
def _mean_log10_slope(entry, z_std):
    """E[log10 |phi'(z)|] for z ~ N(0, z_std^2): a sum over midpoints out to 8 z_std."""
    # a plain sum, as log|phi'| may run to -inf at points that no quadrature knows beforehand
    z = (np.arange(-160_000, 160_000) + 0.5) / 20_000  # midpoints: a kink at 0 falls between two
    density = np.exp(-(z**2) / 2)
    density /= density.sum()
    slope = np.abs(entry.derivative(z_std * z))
    if density[slope == 0].sum() > LEAST_SHARE:
        return float("-inf")
    density[slope == 0] = 0  # single points: they have no weight
    return float(density @ np.log10(np.where(slope > 0, slope, 1)))
