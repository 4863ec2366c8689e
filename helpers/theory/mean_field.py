"""One input in the limit of infinite width: q and the gradient from layer to layer.

q, the variance of the pre-activations, goes up through the layers by `variance_map`, and where it
settles is its `fixed_point`. The mean square of delta = dL/dz goes down by the factor `chi`. At the
fixed point that is one number (`gradient_ratio`); `expected_profile` follows both through a network
of a given depth, layer by layer, before they have settled.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from helpers.catalogue import INITIALIZERS, Network
from helpers.checks import affordable, instance, true_or_false, whole_number
from helpers.theory.arguments import non_negative, two_variances
from helpers.theory.moments import LARGEST_Q, moments, overflowed, saturated_share

ROUNDING = 1e-10  # a relative growth of q below it comes from rounding, and counts as none
FIRST_STEP = 0.25  # in ln q, of the search for a fixed point
STEP_GROWTH = 1.1  # of each step over the one before
LARGEST_SIZE = 10**15  # of a layer: larger ones are as good as infinite, and floats end
GROUPS = 8  # of examples, at most: each costs one integral a layer


def variance_map(activation: str, q, weight_variance: float, bias_variance: float = 0.0):
    """Return the next layer's variance of z: sigma_w^2 E[phi(z)^2] + sigma_b^2, z ~ N(0, q).

    `q` is a float or an array of any shape, as in `moments`, and so is the result.
    """
    weight_variance, bias_variance = two_variances(weight_variance, bias_variance)
    # the length map of Poole et al. 2016
    return weight_variance * moments(activation, q).square + bias_variance


def chi(activation: str, q, weight_variance: float):
    """E||dL/dz_l||^2 over E||dL/dz_(l+1)||^2: sigma_w^2 E[phi'(z)^2], z ~ N(0, q).

    `q` is a float or an array of any shape, as in `moments`, and so is the result.
    """
    weight_variance, _ = two_variances(weight_variance, 0)
    # Schoenholz et al. 2017, eq. 5, there at the fixed point of q
    return weight_variance * moments(activation, q).slope_square


def fixed_point(activation: str, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Find the q* at which `variance_map` settles, coming from q = 1.

    Returns
    -------
    float
        inf where q grows without end (ReLU's cousins under He: slowly), 0 where it dies out. Where
        every q stays as it is (ReLU under He), 1.

    Raises
    ------
    ValueError
        For an unknown name, or a variance that isn't a finite number of 0 or more.
    """
    weight_variance, bias_variance = two_variances(weight_variance, bias_variance)

    def growth(log_q):
        q = np.exp(log_q)
        square = moments(activation, q).square
        # the length map of Poole et al. 2016 over q, less 1: its root is q*
        return (weight_variance * square + bias_variance) / q - 1

    if abs(growth(0.0)) < ROUNDING:
        return 1.0
    # q moves towards the nearest q that stays, so the search leaves q = 1 in that direction alone
    upwards = np.sign(growth(0.0))
    here = 0.0
    step = FIRST_STEP
    while abs(there := here + upwards * step) < np.log(LARGEST_Q):
        # between here and there the growth changes its sign: the fixed point is in between
        if upwards * growth(there) < -ROUNDING:
            from scipy.optimize import brentq  # here: most pictures need none of its 30 MB

            return float(np.exp(brentq(growth, here, there, xtol=1e-14)))
        here = there
        # longer each time: at 300 decades from 1 it makes no difference where q settles
        step = STEP_GROWTH * step
    # no fixed point on the way: q grows without end, or dies out
    return np.inf if upwards > 0 else 0.0


def gradient_ratio(activation: str, initializer: str, width: int) -> float:
    """RMS ||dL/dz_l|| over RMS ||dL/dz_(l+1)|| deep inside a wide network: sqrt(chi) at q*.

    Where q diverges it is the limit. How far a network of a given depth is from it: `profile`.

    Raises
    ------
    ValueError
        For an unknown name or a width below 1.
    """
    width = whole_number("width", width, high=LARGEST_SIZE)
    entry = INITIALIZERS[initializer]
    weight_variance = width * entry.variance(width, width)  # sigma_w^2 = fan_in Var W
    q = fixed_point(activation, weight_variance, entry.bias_variance)
    return float(np.sqrt(chi(activation, q, weight_variance)))


def predicts(network: Network) -> bool:
    """Whether `expected_profile` predicts such a network: every one without normalisation.

    A normalisation ties the examples of a batch, or the units of a layer, together, and the
    recursions here follow one example and one unit.
    """
    instance("network", network, Network, "a Network")
    return network.normalization is None


class ExpectedProfile(NamedTuple):
    """What `expected_profile` predicts: arrays of shape (depth,), the first hidden layer first.

    pre_activation_variance is q, the mean square of z. delta_norm and gradient_norm are RMS over
    replicates, relative to the last hidden layer. The others are named as in ``measure``.
    """

    pre_activation_variance: np.ndarray
    activation_mean: np.ndarray
    activation_std: np.ndarray
    saturation: np.ndarray
    delta_norm: np.ndarray
    gradient_norm: np.ndarray


def expected_profile(
    activation: str,
    initializer: str,
    *,
    depth: int,
    width: int | Sequence[int],
    num_inputs: int | None = None,
    input_second_moment: float | np.ndarray = 1.0,
    residual: bool = False,
) -> ExpectedProfile:
    """Predict what ``measure.profile`` measures in the hidden layers of a network as initialised.

    Layer by layer, without waiting for a fixed point; biases as the initializer has them, mostly 0.
    This is the limit of infinite width. What a width of n adds is of the order 1 / n, and grows
    with depth where q itself is amplified more than the gradient. At width 64 and depth 12 the
    ratio delta_norm_1 / delta_norm_12 is measured within 10 %, mostly 4 %, of this, except: GELU,
    SiLU, Mish and softplus under He initializers, and with `residual` all but linear, sigmoid and
    tanh, can be 15 to 170 % above it.

    Parameters
    ----------
    width : int or sequence of `depth` ints
        Units in each hidden layer.
    num_inputs : int, optional
        Left out, as many as the first hidden layer has units, so that its kernel is square.
    input_second_moment : float or array
        (1 / num_inputs) sum_i x_i^2 of an example, or of each: then the prediction is averaged
        over them as ``measure.profile`` does it. Small and large inputs may fare differently.
    residual : bool
        Hidden layer 2 and later add their input to their activation, as in ``make_mlp``.

    Returns
    -------
    ExpectedProfile
        gradient_norm is that of a single example, ||dL/dz_l|| ||a_(l-1)||; in a batch, examples
        partly cancel. The ratio of two neighbours in delta_norm is sqrt(chi).

    Raises
    ------
    ValueError
        For an unknown name, a size below 1, a number of widths other than `depth`, or a negative
        second moment.
    """
    entry = INITIALIZERS[initializer]
    residual = true_or_false("residual", residual)
    sizes = _layer_sizes(depth, width, num_inputs)
    # sigma_w^2 = fan_in Var W of each layer
    weight_variances = [n * entry.variance(n, above) for n, above in pairwise(sizes)]
    moment = non_negative("input_second_moment", input_second_moment, finite=True)
    groups, share = _groups(moment)
    with np.errstate(over="ignore", invalid="ignore"):  # an explosion is a result: inf
        up = _forward(activation, weight_variances, entry.bias_variance, groups, residual)
        delta = _backward(weight_variances, up.slope_squares, residual)
        return _averaged(activation, sizes, share, up, delta)


def _layer_sizes(depth, width, num_inputs):
    """Return the number of inputs, then the units of each hidden layer: depth + 1 ints."""
    depth = whole_number("depth", depth)
    affordable("A network of that depth", 10 * GROUPS * depth)
    # a list or an array; a text or a set is no list of sizes, and is refused as a size
    many = isinstance(width, (list, tuple, range)) or getattr(width, "ndim", 0) > 0
    if many and len(width) != depth:
        raise ValueError(
            f"width must be one number or {depth}, one for each layer; got {len(width)}."
        )
    widths = list(width) if many else [width] * depth
    widths = [whole_number("width", units, high=LARGEST_SIZE) for units in widths]
    first = (
        widths[0]
        if num_inputs is None
        else whole_number("num_inputs", num_inputs, high=LARGEST_SIZE)
    )
    return [first, *widths]


def _groups(second_moments):
    """Gather examples of similar size in GROUPS at most: their mean second moments, and shares."""
    # sorted first, so that a group holds neighbours in size
    ordered = np.sort(second_moments.ravel())
    groups = np.array_split(ordered, min(GROUPS, len(ordered)))
    means = np.array([group.mean() for group in groups])
    shares = np.array([len(group) / len(ordered) for group in groups])
    return means, shares


class _Forward(NamedTuple):
    """Means on the way up: a row for each group of examples, a column for each hidden layer.

    `squares`, E[a^2] per unit, has one column more: the inputs, before the hidden layers.
    """

    q: np.ndarray
    means: np.ndarray
    squares: np.ndarray
    slope_squares: np.ndarray


def _forward(activation, weight_variances, bias_variance, second_moments, residual):
    """Hand q, E[a] and E[a^2] from layer to layer, from the inputs to the last hidden layer."""
    shape = (len(second_moments), len(weight_variances))
    q = np.empty(shape)
    means = np.empty(shape)
    slope_squares = np.empty(shape)
    squares = np.column_stack([second_moments, np.empty(shape)])
    for layer, weight_variance in enumerate(weight_variances):
        # the length map of Poole et al. 2016, with what the layer below sends in place of E[phi^2]
        q[:, layer] = weight_variance * squares[:, layer] + bias_variance
        phi = moments(activation, q[:, layer])
        means[:, layer] = phi.mean
        squares[:, layer + 1] = phi.square
        slope_squares[:, layer] = phi.slope_square
        if residual and layer > 0:  # a = (a below) + phi(z), as Yang & Schoenholz 2017 have it
            # E[a^2] = E[(a below)^2] + 2 E[a below] E[phi] + E[phi^2]: z has weights of its own
            squares[:, layer + 1] += squares[:, layer] + 2 * means[:, layer - 1] * phi.mean
            means[:, layer] += means[:, layer - 1]
            squares[:, layer + 1] = overflowed(squares[:, layer + 1])
    return _Forward(q, means, squares, slope_squares)


def _backward(weight_variances, slope_squares, residual):
    """RMS ||dL/dz|| of each hidden layer, where E||dL/da||^2 of the last one is 1.

    Shape (groups, depth), as `slope_squares`.
    """
    # E||dL/dz_l||^2 over that of l + 1: chi of Schoenholz et al. 2017, eq. 5, before the fixed
    # point; a list times an array, whose columns are the layers
    ratio = weight_variances[1:] * slope_squares[:, :-1]
    if residual:  # E||dL/da||^2 grows by the factor 1 + sigma_w^2 E[phi'^2]; the 1 is the skip
        ratio += _quotient(slope_squares[:, :-1], slope_squares[:, 1:])
    delta = np.ones(slope_squares.shape)
    # the product runs from the output side down to each layer, hence the two reversals
    delta[:, :-1] = np.cumprod(np.sqrt(ratio)[:, ::-1], axis=1)[:, ::-1]
    # all examples have the same E||dL/da||^2 at the end, and E||dL/dz||^2 = E[phi'^2] times that
    delta *= np.sqrt(slope_squares[:, -1:])
    return delta


def _averaged(activation, sizes, share, up, delta):
    """Average squares and means over the groups of examples, and take the roots last."""
    # the roots come last: an RMS over all examples is the root of the mean of the squares
    delta_norm = np.sqrt(share @ delta**2)
    # ||dL/dW_l||^2 = ||dL/dz_l||^2 ||a_(l-1)||^2 for one example: the two factors in Glorot &
    # Bengio 2010, eq. 14
    gradient_norm = np.sqrt(share @ (delta**2 * sizes[:-1] * up.squares[:, :-1]))
    mean = overflowed(share @ up.means)
    square = share @ up.squares[:, 1:]
    std = np.sqrt(np.maximum(square - mean**2, 0))  # a difference of equals may be -1e-17
    return ExpectedProfile(
        pre_activation_variance=share @ up.q,
        activation_mean=mean,
        # where the square overflowed, inf - inf would be NaN
        activation_std=np.where(np.isfinite(square), std, np.inf),
        saturation=share @ saturated_share(activation, up.q),
        delta_norm=_quotient(delta_norm, delta_norm[-1]),
        gradient_norm=_quotient(gradient_norm, gradient_norm[-1]),
    )


def _quotient(part, whole):
    """Divide, with 0 for what is divided by 0, and inf for what overflowed."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
    return overflowed(result)


def profile(
    activation: str,
    initializer: str,
    *,
    depth: int,
    width: int | Sequence[int],
    num_inputs: int | None = None,
    input_second_moment: float | np.ndarray = 1.0,
    residual: bool = False,
) -> np.ndarray:
    """Predict the RMS delta norm of each hidden layer over that of the last one: shape (depth,).

    It is the ``delta_norm`` of `expected_profile`, whose arguments and errors it shares.
    """
    return expected_profile(
        activation,
        initializer,
        depth=depth,
        width=width,
        num_inputs=num_inputs,
        input_second_moment=input_second_moment,
        residual=residual,
    ).delta_norm
