"""What an activation does to a normal pre-activation: means, distribution, saturated share.

The means over z ~ N(0, q) are all that mean-field theory needs to know of an activation: E[phi^2]
carries the variance q one layer up, E[phi'^2] the gradient's square one layer down.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from helpers.catalogue import ACTIVATIONS, SATURATED
from helpers.checks import finite_number, positive_number
from helpers.theory.arguments import non_negative
from helpers.theory.quadrature import gauss_legendre, half_line_table, kinks

SMALLEST_Q = 1e-290  # below it: the limit 0
LARGEST_Q = 1e290  # above it: the limit infinity
REACH = 9  # standard deviations of z that `push_forward` covers: 1e-19 lies beyond
LEVEL_STRETCH = 100  # hundredths: a value kept over less than 1 in z is a rounded one


class Moments(NamedTuple):
    """E[phi(z)], E[phi(z)^2], E[phi'(z)] and E[phi'(z)^2] for z ~ N(0, q)."""

    mean: float | np.ndarray
    square: float | np.ndarray
    slope_mean: float | np.ndarray
    slope_square: float | np.ndarray


def moments(activation: str, q) -> Moments:
    """Integrate phi and phi' over z ~ N(0, q), to about 12 digits.

    Parameters
    ----------
    q : float or array of any shape
        Variance of z. 0 and inf stand for the limits: at 0 a kink still has both of its slopes.

    Returns
    -------
    Moments
        Floats, or arrays of q's shape. An activation without a formula for its derivative is good
        for about 5 digits.

    Raises
    ------
    ValueError
        For an unknown name, or a q that is negative or NaN.
    """
    entry = ACTIVATIONS[activation]
    q = non_negative("q", q)
    if q.ndim == 0:
        return _moments(entry, float(q))
    table = [_moments(entry, value) for value in q.ravel().tolist()]
    # (*q.shape, 4) to (4, *q.shape): one array for each of the four means
    return Moments(*np.reshape(table, (*q.shape, 4)).transpose(-1, *range(q.ndim)))


@lru_cache(maxsize=8192)  # root finding and sliders come back to the same q
def _moments(entry, q):
    z, weights, values = half_line_table(entry)
    std = min(max(q, SMALLEST_Q), LARGEST_Q) ** 0.5
    # beyond 14 std the density is below 1e-42; what is nearer to 0 than 1e-14 has no weight
    low, high = z.searchsorted([1e-14 * min(std, 1), 14 * std])
    # -0.5 / std^2 first: (z / std)^2 would need another array
    density = weights[low:high] * np.exp(z[low:high] ** 2 * (-0.5 / std**2))
    with np.errstate(all="ignore"):  # a learner's z^3 may overflow, and then it is infinite
        density /= std * np.sqrt(2 * np.pi)
        result = np.einsum("ij,j->i", values[:, low:high], density)  # BLAS would start threads
        mean, square, *slopes = overflowed(result).tolist()
    if q < SMALLEST_Q:  # the limit 0: phi(z) is phi(0)
        mean = float(entry.function(np.zeros(1))[0])
        square = mean**2
    elif q > LARGEST_Q and square > LARGEST_Q**0.5:  # the limit infinity, of a phi without bounds
        mean = mean * np.inf if mean else 0.0
        square = np.inf
    return Moments(mean, square, *slopes)


def overflowed(result: np.ndarray) -> np.ndarray:
    """Replace the NaN that inf - inf or 0 * inf left by inf."""
    return np.where(np.isnan(result), np.inf, result)


def saturated_share(activation: str, q):
    """P(|phi'(z)| is below SATURATED times phi's largest slope), z ~ N(0, q); q as in `moments`.

    Returns
    -------
    float or array of q's shape
        A share, 0 to 1.
    """
    leftmost, ends, steps = _saturation_ends(ACTIVATIONS[activation])
    std = np.sqrt(np.clip(non_negative("q", q), SMALLEST_Q, LARGEST_Q))
    # P(saturated) = [saturated at -inf] + sum of +-P(z beyond an end), P(z > e) = Phi(-e / std)
    return leftmost + ndtr(-ends / std[..., None]) @ steps


@lru_cache(maxsize=64)
def _saturation_ends(entry):
    """Where saturation begins (step +1) and ends (step -1), from left to right."""

    def saturated(z):
        # far out a learner's derivative may overflow
        with np.errstate(all="ignore"):
            return np.abs(entry.derivative(z)) < SATURATED * entry.largest_slope

    # the nodes of the integrals are dense where phi bends, so no stretch lies between two of them
    half_line = half_line_table(entry)[0]
    z = np.concatenate([-half_line[::-1], half_line])
    flags = saturated(z)
    last = np.flatnonzero(flags[1:] != flags[:-1])  # the node before each change
    left = z[last]
    right = z[last + 1]
    for _ in range(60):  # halvings: down to neighbouring floats
        middle = (left + right) / 2
        same = saturated(middle) == flags[last]
        left = np.where(same, middle, left)
        right = np.where(same, right, middle)
    return int(flags[0]), right, np.where(flags[last], -1, 1)


class Pushed(NamedTuple):
    """How phi(z), or phi'(z), is distributed for a normal z: see `push_forward`.

    The cell k holds the share `share[k]` of all z, and the values there run from `low[k]` to
    `high[k]` in a nearly straight line. `atoms` maps a value that a whole stretch of z is sent to,
    such as ReLU's exact 0, to its share; the cells hold the rest.
    """

    low: np.ndarray
    high: np.ndarray
    share: np.ndarray
    atoms: dict[float, float]


class PushForward(NamedTuple):
    """What an activation does to a normal z: see `push_forward`."""

    moments: Moments
    phi: Pushed
    slope: Pushed


def push_forward(activation: str, *, mean: float = 0.0, std: float = 1.0) -> PushForward:
    """Send z ~ N(mean, std^2) through phi and through phi'.

    Returns
    -------
    PushForward
        The four means of `moments`, which knows mean 0 only and is the more exact one, and the
        distributions of phi(z) and of phi'(z), exact but for z beyond 9 std. (An activation
        without a formula for its derivative may lose 0.1 % of an atom to the cells beside it.)

    Raises
    ------
    ValueError
        For an unknown name, a mean that isn't finite, or a std that isn't a number above 0.
    """
    entry = ACTIVATIONS[activation]
    std = positive_number("std", std)
    mean = finite_number("mean", mean)
    bends = kinks(entry)
    bends = bends[np.abs(bends - mean) < REACH * std]

    # cells a fiftieth of a std wide, in which phi is nearly straight, cut at the kinks
    steps = np.arange(-50 * REACH, 50 * REACH + 1)
    edges = np.unique(np.concatenate([mean + std * steps / 50, bends]))
    share = np.diff(ndtr((edges - mean) / std))
    inside = 1e-6 * np.diff(edges)  # a kink is an edge, and belongs to neither side
    left = edges[:-1] + inside
    right = edges[1:] - inside
    phi_levels, slope_levels = _levels(entry)
    return PushForward(
        moments=_means(entry, mean, std, bends),
        phi=_pushed(entry.function(left), entry.function(right), share, phi_levels),
        slope=_pushed(entry.derivative(left), entry.derivative(right), share, slope_levels),
    )


def _means(entry, mean, std, bends):
    """Integrate as `moments` does, over z ~ N(mean, std^2), on panels a quarter of a std wide."""
    steps = np.arange(-4 * REACH, 4 * REACH + 1)
    # a kink is the end of a panel, for a polynomial cannot follow it
    z, weights = gauss_legendre(np.unique(np.concatenate([mean + std * steps / 4, bends])))
    weights = weights * np.exp(-(((z - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))
    phi = entry.function(z)
    slope = entry.derivative(z)

    def integral(values):
        return float(np.einsum("i,i", weights, values))

    return Moments(integral(phi), integral(phi**2), integral(slope), integral(slope**2))


def _pushed(first, last, share, levels):
    """Separate the cells that lie on one of the levels from the rest."""
    # equal at both ends and at a level: phi is constant in between, to the last digit
    flat = first == last
    atoms = {level: float(share[flat & (first == level)].sum()) for level in levels}
    rest = ~(flat & np.isin(first, levels))
    # a falling phi has its larger value first
    low = np.minimum(first, last)
    high = np.maximum(first, last)
    return Pushed(
        low[rest],
        high[rest],
        share[rest],
        {level: weight for level, weight in atoms.items() if weight > 0},
    )


@lru_cache(maxsize=64)
def _levels(entry):
    """Values that phi, and those that phi', keeps exactly over a stretch of 1 within -8 to 8.

    Shorter ones are rounding: 1 - e^-z, say, is 1 to the last digit from 37 on.
    """
    z = np.linspace(-8, 8, 1601)  # hundredths
    found = []
    for part in (entry.function, entry.derivative):
        # in the middle of each hundredth, and just inside its ends, which may be kinks
        values = part(z[:-1] + 0.005)
        flat = (part(z[:-1] + 0.001) == values) & (part(z[1:] - 0.001) == values)
        levels, counts = np.unique(values[flat], return_counts=True)
        found.append(tuple(levels[counts >= LEVEL_STRETCH].tolist()))
    return found
