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
        For an unknown name, or a q that is negative or not a number.
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
    spread = min(max(q, SMALLEST_Q), LARGEST_Q) ** 0.5
    # beyond 14 spreads the density is below 1e-42; what is nearer to 0 than 1e-14 has no weight
    low, high = z.searchsorted([1e-14 * min(spread, 1), 14 * spread])
    density = weights[low:high] * np.exp(z[low:high] ** 2 * (-0.5 / spread**2))
    with np.errstate(all="ignore"):  # a learner's z^3 may overflow, and then it is infinite
        density /= spread * np.sqrt(2 * np.pi)
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
    """Call infinite what came of inf - inf and the like."""
    return np.where(np.isnan(result), np.inf, result)


def saturated_share(activation: str, q):
    """P(|phi'(z)| is below 2 % of phi's largest slope) for z ~ N(0, q); q as in `moments`.

    Returns
    -------
    float or array of q's shape
        A share, 0 to 1.
    """
    leftmost, ends, steps = _saturation_ends(ACTIVATIONS[activation])
    spread = np.sqrt(np.clip(non_negative("q", q), SMALLEST_Q, LARGEST_Q))
    # P(saturated) = [saturated at -inf] + sum of +-P(z beyond an end), P(z > e) = Phi(-e / spread)
    return leftmost + ndtr(-ends / spread[..., None]) @ steps


@lru_cache(maxsize=64)
def _saturation_ends(entry):
    """Where saturation begins (step +1) and ends (step -1), from left to right."""

    def saturated(z):
        with np.errstate(all="ignore"):
            return np.abs(entry.derivative(z)) < SATURATED * entry.largest_slope

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


def push_forward(activation: str, *, mean: float = 0.0, spread: float = 1.0) -> PushForward:
    """Send z ~ N(mean, spread^2) through phi and through phi'.

    Returns
    -------
    PushForward
        The four means of `moments`, which knows mean 0 only and is the more exact one, and the
        distributions of phi(z) and of phi'(z), exact but for z beyond 9 spreads. (An activation
        without a formula for its derivative may lose 0.1 % of an atom to the cells beside it.)

    Raises
    ------
    ValueError
        For an unknown name, a mean that isn't finite, or a spread that isn't a number above 0.
    """
    entry = ACTIVATIONS[activation]
    spread = positive_number("spread", spread)
    mean = finite_number("mean", mean)
    bends = kinks(entry)
    bends = bends[np.abs(bends - mean) < 9 * spread]

    edges = np.unique(np.concatenate([mean + spread * np.arange(-450, 451) / 50, bends]))
    share = np.diff(ndtr((edges - mean) / spread))
    inside = 1e-6 * np.diff(edges)  # a kink is an edge, and belongs to neither side
    left = edges[:-1] + inside
    right = edges[1:] - inside
    phi_levels, slope_levels = _levels(entry)
    return PushForward(
        moments=_means(entry, mean, spread, bends),
        phi=_pushed(entry.function(left), entry.function(right), share, phi_levels),
        slope=_pushed(entry.derivative(left), entry.derivative(right), share, slope_levels),
    )


def _means(entry, mean, spread, bends):
    """Integrate as `moments` does, over z ~ N(mean, spread^2), on panels 1/4 spread wide."""
    panels = np.unique(np.concatenate([mean + spread * np.arange(-36, 37) / 4, bends]))
    z, weights = gauss_legendre(panels)
    weights = weights * np.exp(-(((z - mean) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    phi = entry.function(z)
    slope = entry.derivative(z)
    return Moments(
        *(float(np.einsum("i,i", weights, values)) for values in (phi, phi**2, slope, slope**2))
    )


def _pushed(first, last, share, levels):
    """Tell the cells that lie on one of the levels from the rest."""
    flat = first == last
    atoms = {level: float(share[flat & (first == level)].sum()) for level in levels}
    rest = ~(flat & np.isin(first, levels))
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
    z = np.linspace(-8, 8, 1601)
    found = []
    for part in (entry.function, entry.derivative):
        values = part(z[:-1] + 0.005)
        flat = (part(z[:-1] + 0.001) == values) & (part(z[1:] - 0.001) == values)
        levels, counts = np.unique(values[flat], return_counts=True)
        found.append(tuple(levels[counts >= 100].tolist()))
    return found
