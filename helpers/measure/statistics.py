"""The one definition of every statistic: for NumPy, for a Keras model and for training.

The training engine computes the same in its own loops; a test holds the two equal.
"""

import numpy as np
import xarray as xr

from helpers.catalogue import SATURATED
from helpers.checks import number_array, shown

# The largest slope of the sigmoid, and of a softmax unit with respect to its own logit: p (1 - p).
OUTPUT_SLOPE = 0.25

STATISTICS = {
    "delta_norm": ("delta norm (RMS over examples)", "loss per unit of z"),
    "gradient_norm": ("kernel-gradient norm (Frobenius)", "loss per unit of weight"),
    "gradient_mean": ("mean of the kernel gradient", "loss per unit of weight"),
    "gradient_std": ("standard deviation of the kernel gradient", "loss per unit of weight"),
    "activation_mean": ("mean activation", "1"),
    "activation_std": ("standard deviation of the activations", "1"),
    "saturation": ("saturated share of (unit, example) pairs", "1"),
    "dead": ("share of units dead for every example", "1"),
}


def of_layer(activation, slope, delta, gradient, largest_slope: float) -> np.ndarray:
    """Compute what STATISTICS lists for one layer: an array (statistic, replicate).

    activation, slope and delta have the shape (replicates, examples, units), gradient (replicates,
    fan_in, fan_out); largest_slope is the largest |phi'|, against which saturation is measured.
    """
    _, examples, units = delta.shape
    # a 2-norm for each example and their RMS: one sum over both axes
    delta_norm = np.sqrt(sum_of_squares(delta) / examples)
    gradient_mean, gradient_std = _mean_and_std(gradient)
    slope = np.abs(slope)
    saturated = np.count_nonzero(slope < SATURATED * largest_slope, axis=(1, 2))
    return np.stack(
        [
            delta_norm,
            np.sqrt(sum_of_squares(gradient)),
            gradient_mean,
            gradient_std,
            *_mean_and_std(activation),
            saturated / (examples * units),
            # exactly 0 for every example: a slope that is merely tiny still passes a gradient
            (slope.max(axis=1) == 0).mean(axis=-1),
        ]
    )


def sum_of_squares(values: np.ndarray) -> np.ndarray:
    """Sum of squares of each replicate's entries, without storing the squares."""
    flat = values.reshape(len(values), -1)
    # einsum multiplies and adds in one pass
    return np.einsum("ij,ij->i", flat, flat)


def _mean_and_std(values):
    mean = values.mean(axis=(1, 2), keepdims=True)
    # the mean is taken off first: E[v^2] - E[v]^2 cancels where a mean is large
    return mean[:, 0, 0], np.sqrt(sum_of_squares(values - mean) / values[0].size)


def table(columns: np.ndarray, layers: list[str], attrs: dict) -> xr.Dataset:
    """Label an array (statistic, replicate, layer)."""
    variables = {
        name: (("replicate", "layer"), column, {"long_name": long_name, "units": units})
        for (name, (long_name, units)), column in zip(STATISTICS.items(), columns, strict=True)
    }
    coords = {"layer": layers, "replicate": range(columns.shape[1])}
    return xr.Dataset(variables, coords, attrs)


def over_last(values: np.ndarray) -> np.ndarray:
    """Divide sizes, shape (num_replicates, depth), by their RMS in the last; all 0 stays 0."""
    if not isinstance(values, np.ndarray):
        values = number_array("values", values)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "biuf":
        raise ValueError(
            "values must be an array of numbers, of shape (num_replicates, depth); "
            f"got {shown(values)}."
        )
    # one RMS for all replicates: a ratio for each would be undefined where one of them is dead
    return values / (np.sqrt(np.mean(values[:, -1] ** 2)) or 1.0)


def first_over_last(values: np.ndarray) -> float:
    """RMS in the first layer over that in the last, for sizes as in `over_last`."""
    return float(np.sqrt(np.mean(over_last(values)[:, 0] ** 2)))
