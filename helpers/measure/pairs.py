"""Two inputs through many networks as initialised, and a gradient back."""

import numpy as np
import xarray as xr

from helpers.catalogue import ACTIVATIONS, Initializer
from helpers.checks import (
    affordable,
    correlation_number,
    finite_number,
    positive_number,
    whole_number,
)
from helpers.measure.blas import one_blas_thread
from helpers.measure.parameters import draw
from helpers.measure.statistics import STATISTICS, sum_of_squares

LONG_NAMES = {
    "pre_activation_variance": "mean square of z",
    "correlation": "correlation of two inputs",
    "delta_norm": STATISTICS["delta_norm"][0],
}


@one_blas_thread()
def pair_profile(
    activation: str,
    weight_variance: float,
    bias_variance: float = 0.0,
    *,
    depth: int = 30,
    width: int = 64,
    correlation: float = 0.5,
    input_second_moment: float = 1.0,
    num_replicates: int = 20,
    seed: int = 0,
) -> xr.Dataset:
    """Send two inputs through many networks as initialised, and a gradient back.

    Var W = weight_variance / width, Var b = bias_variance, all normal, as the mean-field theory has
    it (Poole et al. 2016; Schoenholz et al. 2017); ``theory.expected_pair_profile`` predicts what
    comes out. The inputs have as many entries as a layer has units, and the mean square and the
    correlation asked for. The loss is the output itself, a weighted sum of the last activations.

    Returns
    -------
    xr.Dataset
        Dims replicate, layer (hidden layers only). pre_activation_variance: mean square of z over
        the units and both inputs; correlation: z.z' / (|z| |z'|); delta_norm as in `profile`.

    Raises
    ------
    ValueError
        For an unknown name, a negative variance, a width below 2, a correlation beyond 1, or an
        input_second_moment that isn't above 0.
    """
    entry = ACTIVATIONS[activation]
    depth = whole_number("depth", depth)
    width = whole_number("width", width, low=2)
    num_replicates = whole_number("num_replicates", num_replicates)
    weight_variance = finite_number("weight_variance", weight_variance, low=0)
    bias_variance = finite_number("bias_variance", bias_variance, low=0)
    affordable("Networks of this size", 4 * depth * width * (width + 2) * num_replicates)
    inputs = _two_inputs(width, correlation, input_second_moment)
    normal = Initializer(
        lambda fan_in, fan_out: weight_variance / fan_in, "normal", bias_variance=bias_variance
    )
    # the inputs and the hidden layers have one width, so that every kernel is square
    sizes = [*[width] * (depth + 1), 1]
    kernels, biases = draw(normal, sizes, num_replicates, seed)
    zs = _pre_activations(entry, kernels, biases, inputs)
    deltas = _deltas(entry, kernels, zs)
    measured = [_statistics(z, delta) for z, delta in zip(zs, deltas, strict=True)]
    attrs = {
        "activation": activation,
        "weight_variance": weight_variance,
        "bias_variance": bias_variance,
        "depth": depth,
        "width": width,
        "input_correlation": correlation,
        "seed": seed,
    }
    return _table(measured, attrs)


def _two_inputs(width, correlation, second_moment):
    """Return x and x', shape (2, width), with that mean square and exactly that correlation."""
    correlation = correlation_number(correlation)
    # all ones: every entry contributes alike, whatever the width
    ones = np.ones(width)
    # a half-period cosine, of mean square 1, is orthogonal to the ones (as in a cosine transform)
    orthogonal = np.sqrt(2) * np.cos(np.pi * (np.arange(width) + 0.5) / width)
    second = correlation * ones + np.sqrt(1 - correlation**2) * orthogonal
    scale = np.sqrt(positive_number("input_second_moment", second_moment))
    return scale * np.stack([ones, second])


def _pre_activations(entry, kernels, biases, inputs):
    """Return z of every hidden layer, shape (num_replicates, 2, width), the first one first."""
    a = inputs
    zs = []
    # the last kernel belongs to the output, whose z nobody asks for
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        z = a @ kernel if bias is None else a @ kernel + bias
        zs.append(z)
        a = entry.function(z)
    return zs


def _deltas(entry, kernels, zs):
    """Return dL/dz of every hidden layer, shaped as `zs`, by going back from the output."""
    # the loss is the output itself, so dL/da of the last hidden layer is the output's kernel
    into_a = np.swapaxes(kernels[-1], -1, -2)
    deltas = []
    # kernels[k] leads into layer k: on the way back it is passed after that layer's delta
    for kernel, z in zip(kernels[-2::-1], zs[::-1], strict=True):
        delta = entry.derivative(z) * into_a
        deltas.append(delta)
        into_a = delta @ np.swapaxes(kernel, -1, -2)
    return deltas[::-1]


def _statistics(z, delta):
    """Compute what LONG_NAMES lists for one layer: three arrays, shape (num_replicates,)."""
    norms = np.sqrt(np.einsum("rei,rei->re", z, z))
    # in a dead layer z is 0, and its direction is undefined: NaN, without a warning
    with np.errstate(invalid="ignore", divide="ignore"):
        # one norm after the other: their product may underflow where neither does
        correlation = np.einsum("ri,ri->r", z[:, 0], z[:, 1]) / norms[:, 0] / norms[:, 1]
    second_moment = (norms**2).mean(axis=1) / z.shape[-1]
    return second_moment, correlation, np.sqrt(sum_of_squares(delta) / 2)


def _table(measured, attrs):
    """Label what `_statistics` gave for each layer."""
    columns = np.array(measured).transpose(1, 2, 0)  # (statistic, replicate, layer)
    variables = {
        name: (("replicate", "layer"), column, {"long_name": long_name, "units": "1"})
        for (name, long_name), column in zip(LONG_NAMES.items(), columns, strict=True)
    }
    coords = {
        "layer": [f"hidden_{number}" for number in range(1, attrs["depth"] + 1)],
        "replicate": range(columns.shape[1]),
    }
    return xr.Dataset(variables, coords, attrs)
