"""Two inputs through many networks as initialised, and a gradient back."""

import numpy as np
import xarray as xr

from helpers.catalogue import ACTIVATIONS, Initializer
from helpers.checks import positive_number, whole_number
from helpers.measure.blas import one_blas_thread
from helpers.measure.parameters import draw
from helpers.measure.statistics import STATISTICS, sum_of_squares


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
    it (Poole et al. 2016; Schoenholz et al. 2017); ``theory.expected_pair_profile`` predicts what comes out.
    The inputs have as many entries as a layer has units, and the mean square and the correlation
    asked for. The loss is the output itself, a weighted sum of the last activations.

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
    depth, width = whole_number("depth", depth), whole_number("width", width, low=2)
    num_replicates = whole_number("num_replicates", num_replicates)
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation must be from -1 to 1; got {correlation!r}.")
    rule = Initializer(lambda fan_in, fan_out: weight_variance / fan_in, "normal",
                       bias_variance=bias_variance)  # fmt: skip
    other = np.sqrt(2) * np.cos(np.pi * (np.arange(width) + 0.5) / width)  # at right angles to 1
    a = np.sqrt(positive_number("input_second_moment", input_second_moment)) * np.stack(
        [np.ones(width), correlation + np.sqrt(1 - correlation**2) * other]
    )
    kernels, biases = draw(rule, [width] * (depth + 1) + [1], num_replicates, seed)
    columns, pre_activations = [], []
    for kernel, bias in zip(kernels[:-1], biases, strict=False):
        z = a @ kernel if bias is None else a @ kernel + bias
        pre_activations.append(z)
        a = entry.function(z)
    into_a = np.swapaxes(kernels[-1], -1, -2)
    for kernel, z in zip(kernels[-2::-1], pre_activations[::-1], strict=True):
        delta = entry.derivative(z) * into_a
        norms = np.sqrt(np.einsum("rei,rei->re", z, z))
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = np.einsum("ri,ri->r", z[:, 0], z[:, 1]) / norms[:, 0] / norms[:, 1]
        columns.append([(norms**2).mean(axis=1) / width, alike, np.sqrt(sum_of_squares(delta) / 2)])
        into_a = delta @ np.swapaxes(kernel, -1, -2)
    names = ("pre_activation_variance", "correlation", "delta_norm")
    labels = ("mean square of z", "correlation of two inputs", STATISTICS["delta_norm"][0])
    return xr.Dataset(
        {
            name: (("replicate", "layer"), np.array(values).T, {"long_name": label, "units": "1"})
            for name, label, values in zip(
                names, labels, zip(*columns[::-1], strict=True), strict=True
            )
        },
        coords={
            "layer": [f"hidden_{number}" for number in range(1, depth + 1)],
            "replicate": range(num_replicates),
        },
        attrs={
            "activation": activation, "weight_variance": weight_variance,
            "bias_variance": bias_variance, "depth": depth, "width": width,
            "input_correlation": correlation, "seed": seed,
        },
    )  # fmt: skip
