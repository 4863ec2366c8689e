"""Two inputs in the limit of infinite width: how alike they stay, and the edge of chaos.

chi at the fixed point is also the slope of `correlation_map` at c = 1 (Schoenholz et al. 2017): so
the line chi = 1, on which gradients keep their size, is the border between networks in which all
inputs become one (ordered) and those in which neighbours part (chaotic).
"""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from helpers.catalogue import ACTIVATIONS
from helpers.checks import affordable, correlation_number, whole_number
from helpers.theory.arguments import non_negative, non_negative_number, two_variances
from helpers.theory.mean_field import ROUNDING, chi, fixed_point, variance_map
from helpers.theory.moments import moments
from helpers.theory.quadrature import gauss_legendre

# Critical points are looked for on this grid of ln q, from 10^-12 to 10^20, ten to a decade.
CRITICAL_LOG_QS = np.log(10) * np.arange(-12, 20, 0.1)
NEARLY_1 = 1e-7  # a factor nearer to 1 than that is 1: the rest is the error of the integrals
CHI_IS_1 = 1e-6  # to this, where the fixed point itself was found numerically
SETTLED = 1e-6  # in ln q: `chi_map` is good for 1e-3
MOST_ITERATIONS = 500  # near the critical line q settles slowly, like 1 / steps
SAME_INPUT = 1e-12  # inputs whose correlation is nearer to 1 than that stay equal


class PairMoments(NamedTuple):
    """E[phi(u) phi(v)] and E[phi'(u) phi'(v)] for u, v ~ N(0, q) with correlation c."""

    product: float
    slope_product: float


def pair_moments(activation: str, q: float, c: float) -> PairMoments:
    """Integrate products of phi, and of phi', over two correlated pre-activations.

    In polar coordinates, where a kink at 0 lies on two rays: about 8 digits for q from 1e-12 to
    1e6, fewer for an activation with a kink elsewhere.

    Raises
    ------
    ValueError
        For an unknown name, a q that isn't finite and 0 or more, or a c outside -1 to 1.
    """
    entry = ACTIVATIONS[activation]
    return _pair_moments(entry, non_negative_number("q", q), correlation_number(c))


@lru_cache(maxsize=8192)  # sliders come back to the same q and c
def _pair_moments(entry, q, c):
    std = np.sqrt(q)
    # u and v are the projections of one normal point of the plane, (radius, angle), on two
    # directions; the angle between these has the cosine c (as in Cho & Saul 2009)
    between = np.arccos(c)
    angle, angle_weights = _angles(between)
    radius, weights = _radii(std)
    u = std * np.outer(np.cos(angle - between / 2), radius)
    v = std * np.outer(np.cos(angle + between / 2), radius)

    def mean_product(part):
        return float(angle_weights @ (part(u) * part(v)) @ weights)

    return PairMoments(mean_product(entry.function), mean_product(entry.derivative))


def _angles(between):
    """Nodes and weights for the mean over all directions of the plane, for u and v `between` apart.

    v mirrors u, so half a turn is enough. Nodes crowd at the rays u = 0 and v = 0, where phi bends
    fast if q is large: the tanh-sinh quadrature (Takahasi & Mori 1974), which no singularity at
    the end of an interval disturbs.
    """
    rays = np.array([0, (np.pi - between) / 2, (np.pi + between) / 2, np.pi])
    # 65 nodes an interval, 0.1 apart in t; at |t| = 3.2 the weight is below 1e-15
    t = np.arange(-32, 33) / 10
    half = np.diff(rays)[:, None] / 2
    # x = tanh(pi/2 sinh t) maps the line on (-1, 1), and dx/dt is the weight of a node
    angle = (rays[:-1, None] + half * (1 + np.tanh(np.pi / 2 * np.sinh(t)))).ravel()
    slope = np.pi / 2 * np.cosh(t) / np.cosh(np.pi / 2 * np.sinh(t)) ** 2 / 10
    return angle, (half * slope).ravel() / np.pi


def _radii(std):
    """Nodes and weights for the radius of a point of the plane, both coordinates N(0, 1)."""
    # panels double outwards from where a phi of scale 1 bends, which is near 0 for a large std
    smallest = np.floor(np.log2(min(1, 1 / max(std, 1)))) - 2
    # they end at a radius of 16: beyond it the density is below 1e-54
    radius, weights = gauss_legendre(np.append(0, 2.0 ** np.arange(smallest, 5)))
    # the density of the radius is Rayleigh's, r exp(-r^2 / 2)
    return radius, weights * radius * np.exp(-(radius**2) / 2)


def correlation_map(
    activation: str,
    c: float,
    weight_variance: float,
    bias_variance: float = 0.0,
    *,
    q: float | None = None,
) -> float:
    """Return the next layer's correlation of two inputs whose z have correlation `c`.

    (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / (sigma_w^2 E[phi(u)^2] + sigma_b^2), at the fixed
    point unless `q` is given. Where q* is 0 or inf, it is the limit.

    Raises
    ------
    ValueError
        For an unknown name, a negative variance, both variances 0, or a c outside -1 to 1.
    """
    return _correlation_step(activation, c, weight_variance, bias_variance, q)[0]


def _correlation_step(activation, c, weight_variance, bias_variance, q=None):
    """Return the correlation map and its slope, both at c."""
    weight_variance, bias_variance = two_variances(weight_variance, bias_variance)
    if q is None:
        q = fixed_point(activation, weight_variance, bias_variance)
    # near enough to 0 and infinity, and products of phi neither underflow nor overflow
    q = np.clip(non_negative("q", q), 1e-20, 1e16)
    pair = pair_moments(activation, q, c)
    variance = variance_map(activation, q, weight_variance, bias_variance)
    if variance == 0:
        raise ValueError("With both variances 0 every z is 0, so there is no correlation.")
    # the correlation map of Poole et al. 2016; its slope as in Schoenholz et al. 2017, xi_c
    product = weight_variance * pair.product + bias_variance
    return product / variance, weight_variance * q * pair.slope_product / variance


class DepthScales(NamedTuple):
    """How far signals reach: see `depth_scales`."""

    q: float
    chi: float
    c: float
    xi_correlation: float
    xi_gradient: float


def depth_scales(
    activation: str, weight_variance: float, bias_variance: float = 0.0
) -> DepthScales:
    """Find the fixed points and how many layers it takes to come e times closer to them.

    Returns
    -------
    DepthScales
        q* and c* (where the correlation of two inputs settles); chi at q*; xi_correlation, the
        depth over which the correlation of two inputs approaches c*; xi_gradient = -1 / ln(chi),
        the depth over which a gradient shrinks, or, if it is negative, grows. Both depths are in
        layers; inf where the approach is slower than any exponential. Schoenholz et al. 2017 find
        networks trainable up to about 6 xi_correlation layers.

    Raises
    ------
    ValueError
        For an unknown name, a negative variance, or both variances 0; or for an activation with
        kinks away from 0 where the integrals are not exact enough to find c*.
    """
    q = fixed_point(activation, weight_variance, bias_variance)

    def step(c):
        return _correlation_step(activation, c, weight_variance, bias_variance, q)

    # c = 1 is always a fixed point; it attracts unless the slope there is above 1
    c = 1.0
    slope = step(1.0)[1]
    if slope > 1 + NEARLY_1:
        # the other one is at 0 or above; a bracket from -0.01 to just below 1 holds it alone
        low, high = -0.01, 1 - 1e-9
        if (step(low)[0] - low) * (step(high)[0] - high) > 0:
            raise ValueError(
                f"Theory can't follow two inputs through {activation!r} at these variances: its "
                "integrals are exact only for an activation whose kinks are at 0."
            )
        from scipy.optimize import brentq  # here: most pictures need none of its 30 MB

        c = max(brentq(lambda c: step(c)[0] - c, low, high, xtol=1e-13), 0.0)
        slope = step(c)[1]
    gain = chi(activation, q, weight_variance)
    return DepthScales(q, gain, c, _depth_scale(slope), _depth_scale(gain))


def _depth_scale(factor):
    """-1 / ln(factor): layers until a power of `factor` has changed by e."""
    if abs(factor - 1) < NEARLY_1:
        return np.inf
    # xi_c and xi_grad of Schoenholz et al. 2017: 1/xi = -ln(factor a layer)
    return float(-1 / np.log(factor)) if factor > 0 else 0.0


def critical_line(activation: str, bias_variance: float = 0.0) -> float:
    """Find the weight variance at which chi = 1: gradients neither vanish nor explode.

    Every q* belongs to one point of the line, sigma_w^2 = 1 / E[phi'^2] and
    sigma_b^2 = q* - E[phi^2] / E[phi'^2] (Pennington et al. 2017). Taken is the smallest q* with
    the bias variance asked for that `fixed_point` comes to; for ReLU with biases it is inf.

    Raises
    ------
    ValueError
        Also where there is none: GELU, SiLU and Mish without biases pass from vanishing to
        exploding in one step, as q* jumps from 0 to inf.
    """
    bias_variance = non_negative_number("bias_variance", bias_variance)
    for q in _critical_points(activation, bias_variance):
        slope_square = moments(activation, q).slope_square
        # chi = 1 solved for sigma_w^2 (Pennington et al. 2017)
        weight_variance = 1 / slope_square if slope_square > 0 else 0.0
        settled = fixed_point(activation, weight_variance, bias_variance)
        # a network from q = 1 may settle at another q* than the one that the point belongs to
        if abs(chi(activation, settled, weight_variance) - 1) < CHI_IS_1:
            return weight_variance
    raise ValueError(
        f"{activation!r} has no critical point at bias_variance {bias_variance:g}: its gradients "
        "pass from vanishing to exploding in one step."
    )


def _critical_points(activation, bias_variance):
    """List every q, from small to large, that may be the q* of a network with chi = 1; inf last."""
    from scipy.optimize import brentq  # here, as above

    def excess(log_q):
        q = np.exp(log_q)
        m = moments(activation, q)
        # q* = sigma_w^2 E[phi^2] + sigma_b^2 with sigma_w^2 = 1 / E[phi'^2], over q; 0 at a root
        return (q - bias_variance - m.square / m.slope_square) / q if m.slope_square else -1.0

    above = [excess(log_q) > -ROUNDING for log_q in CRITICAL_LOG_QS]
    # where the excess is not negative at the smallest q, its root is q = 0
    points = [0.0] if above[0] else []
    intervals = zip(pairwise(CRITICAL_LOG_QS), pairwise(above), strict=True)
    for (here, there), (before, after) in intervals:
        # the second condition leaves out a change of sign that is rounding alone
        if before != after and excess(here) * excess(there) < 0:
            points.append(np.exp(brentq(excess, here, there, xtol=1e-14)))
    return [*points, np.inf]


def chi_map(activation: str, weight_variances, bias_variances) -> np.ndarray:
    """Compute chi at the fixed point for every pair of variances, to about 1e-3.

    `variance_map` is iterated from q = 1 for all pairs at once, on a table of the moments
    between whose entries it interpolates: hundreds of times faster than `fixed_point` for each.

    Parameters
    ----------
    weight_variances, bias_variances : arrays, shape (m,) and (n,)

    Returns
    -------
    array, shape (n, m)
        A row for each bias variance.

    Raises
    ------
    ValueError
        For an unknown name, or a variance that isn't a finite number of 0 or more.
    """
    weight = _row("weight_variances", weight_variances)[None, :]
    bias = _row("bias_variances", bias_variances)[:, None]
    # a straight line between logarithms follows powers of q exactly, and is steady over decades
    log_q = np.log(10) * np.linspace(-8, 8, 400)
    table = moments(activation, np.exp(log_q))
    with np.errstate(divide="ignore"):  # log 0 is -inf, and exp makes it 0 again
        square = np.log(table.square)
        slope_square = np.log(table.slope_square)
    current = np.zeros(np.broadcast_shapes(weight.shape, bias.shape))  # ln q: from q = 1
    for _ in range(MOST_ITERATIONS):
        before = current
        # the length map of Poole et al. 2016
        q = weight * np.exp(np.interp(current, log_q, square)) + bias
        # what leaves the table stays at its end, where chi has reached its limit
        current = np.log(np.clip(q, np.exp(log_q[0]), np.exp(log_q[-1])))
        if np.abs(current - before).max() < SETTLED:
            break
    # Schoenholz et al. 2017, eq. 5
    return weight * np.exp(np.interp(current, log_q, slope_square))


def _row(name, values):
    """Return variances as an array with one dimension, checked."""
    row = non_negative(name, values, finite=True)
    if row.ndim != 1:
        raise ValueError(f"{name} must be a list of numbers; got the shape {row.shape}.")
    return row


class ExpectedPairProfile(NamedTuple):
    """What `expected_pair_profile` predicts: arrays of shape (depth,), the first layer first.

    pre_activation_variance is q, the mean square of z; correlation that of the z of two inputs;
    delta_norm the RMS over networks, relative to the last hidden layer.
    """

    pre_activation_variance: np.ndarray
    correlation: np.ndarray
    delta_norm: np.ndarray


def expected_pair_profile(
    activation: str,
    weight_variance: float,
    bias_variance: float = 0.0,
    *,
    depth: int,
    correlation: float = 0.5,
    input_second_moment: float = 1.0,
) -> ExpectedPairProfile:
    """Predict what ``measure.pair_profile`` measures, in the limit of infinite width.

    Parameters
    ----------
    correlation : float
        Of the two inputs, x.y / (|x| |y|); the first z is nearer to 1 if there are biases.
    input_second_moment : float
        Mean square of each input's entries.

    Raises
    ------
    ValueError
        For an unknown name, a negative variance, a depth below 1 or a correlation beyond 1.
    """
    variances = two_variances(weight_variance, bias_variance)
    weight_variance, bias_variance = variances
    depth = whole_number("depth", depth)
    affordable("A network of that depth", 8 * depth)
    correlation = correlation_number(correlation)
    square = non_negative_number("input_second_moment", input_second_moment)
    q = np.empty(depth)
    correlations = np.empty(depth)
    chis = np.empty(depth)
    # the first layer sees the inputs themselves in place of phi (Poole et al. 2016, both maps)
    q[0] = weight_variance * square + bias_variance
    if q[0] == 0:
        raise ValueError("Every z is 0: a variance and the inputs must be above 0.")
    correlations[0] = (weight_variance * square * correlation + bias_variance) / q[0]
    chis[0] = chi(activation, q[0], weight_variance)
    for layer in range(1, depth):
        below = q[layer - 1]
        q[layer] = variance_map(activation, below, *variances)
        correlations[layer] = _next_correlation(
            activation, correlations[layer - 1], variances, below
        )
        chis[layer] = chi(activation, q[layer], weight_variance)
    # products of chi (Schoenholz et al. 2017, eq. 5) from the output side down to each layer
    delta_norm = np.append(np.sqrt(np.cumprod(chis[-2::-1])[::-1]), 1.0)
    # rounding may leave a correlation just beyond 1
    return ExpectedPairProfile(q, np.clip(correlations, -1, 1), delta_norm)


def _next_correlation(activation, c, variances, q):
    """Apply the correlation map once; inputs that are equal to 12 digits stay so."""
    if 1 - c < SAME_INPUT:
        return 1.0
    return correlation_map(activation, c, *variances, q=q)
