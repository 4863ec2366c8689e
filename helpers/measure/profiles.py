"""Many networks as initialised, in NumPy alone."""

import numpy as np
import xarray as xr
from scipy.special import expit, softmax

from helpers.catalogue import Network
from helpers.checks import whole_number
from helpers.data import Dataset, check_dataset
from helpers.measure import statistics
from helpers.measure.blas import one_blas_thread
from helpers.measure.parameters import draw


def profile(
    activation: str,
    initializer: str,
    *,
    dataset: Dataset,
    depth: int = 4,
    width: int = 5,
    normalization: str | None = None,
    residual: bool = False,
    num_replicates: int = 10,
    num_examples: int = 128,
    seed: int = 0,
) -> xr.Dataset:
    """Measure many networks as initialised, without building any: dims replicate, layer.

    The weights are those that ``make_mlp`` gives the same (seed, replicate), so this is what
    `signals` would measure, at once. Computed in float64, so that a gradient of 1e-40 is not lost.
    ``theory.expected_profile`` predicts what comes out.

    Parameters
    ----------
    num_examples : int
        Size of the batch, drawn from `dataset` by `seed`; all examples if there are fewer.
    The others as in ``make_mlp``.

    Raises
    ------
    ValueError
        For an unknown name, a size below 1, or a `dataset` that isn't one.
    """
    network = Network(activation, initializer, depth, width, normalization, residual)
    num_replicates = whole_number("num_replicates", num_replicates)
    seed = whole_number("seed", seed, low=0)
    check_dataset(dataset)
    x, y = choose_batch(dataset, whole_number("num_examples", num_examples), seed)
    network.check_memory(num_replicates, len(x))
    sizes = network.sizes(dataset.num_inputs, dataset.num_outputs)
    # the matrices are small: more threads would mostly wait for one another. A network that
    # explodes is a result, not a warning
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        kernels, biases = draw(network.sampler, sizes, num_replicates, seed)
        columns = _measure(network, kernels, biases, x, y)
    attrs = {
        "activation": network.activation,
        "initializer": network.initializer,
        "dataset": dataset.name,
        "depth": network.depth,
        "width": network.width,
        # netCDF takes neither None nor a boolean
        "normalization": str(network.normalization),
        "residual": int(network.residual),
        "num_examples": len(x),
        "seed": seed,
    }
    return statistics.table(columns, network.layers, attrs)


def _measure(network, kernels, biases, x, y):
    """Statistics of the networks with these parameters: (statistic, replicate, layer)."""
    layers, outputs = forward(network, kernels, biases, x)
    classes = np.arange(outputs.shape[-1])
    target = y[:, None] if len(classes) == 1 else y[:, None] == classes

    # the cross-entropy's derivative at the logits, for sigmoid and softmax alike (Bishop 2006, 5.2)
    delta = outputs - target
    slope = outputs * (1 - outputs)
    largest = statistics.OUTPUT_SLOPE
    into_u = delta  # dL/du of the pre-activation before the normalisation, which the output lacks
    into_a = 0.0
    columns = []
    # back-propagation, layer by layer towards the input (Rumelhart et al. 1986)
    for number in reversed(range(len(kernels))):
        layer = layers[number]
        if number < network.depth:
            slope = network.phi.derivative(layer["z"])
            largest = network.phi.largest_slope
            delta = slope * into_a
            into_u = delta
            if network.normalizer:
                into_u = network.normalizer.backward(delta, layer["z"], layer["divisor"])
        gradient = np.swapaxes(layer["input"], -1, -2) @ into_u / len(x)
        columns.append(statistics.of_layer(layer["activation"], slope, delta, gradient, largest))
        # the skip connection hands dL/da on as it is, beside the way through the kernel
        skipped = into_a if network.residual and 0 < number < network.depth else 0.0
        into_a = into_u @ np.swapaxes(kernels[number], -1, -2) + skipped
    # they were measured from the output side
    return np.stack(columns[::-1], axis=-1)


def forward(network, kernels, biases, x):
    """Return what every layer saw and gave, a list of dicts, and the outputs.

    A hidden layer doesn't depend on those above it: the table of many depths is made from one call.
    """
    a = x
    layers = []
    for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        z = a @ kernel
        divisor = 1.0
        if bias is not None:
            z += bias
        if number == network.depth:
            outputs = expit(z) if z.shape[-1] == 1 else softmax(z, axis=-1)
            layers.append({"input": a, "activation": outputs})
            return layers, outputs
        if network.normalizer:
            z, divisor = network.normalizer.forward(z)
        phi = network.phi.function(z)
        below = a
        # the first hidden layer has no skip: its input may have another number of units
        a = a + phi if network.residual and number > 0 else phi
        layers.append({"input": below, "z": z, "divisor": divisor, "activation": a})


def choose_batch(dataset: Dataset, num_examples: int, seed: int):
    """Draw examples without replacement: x in float64, and y."""
    # all of them stay in order, so that the sums run as those of `signals` do
    if num_examples >= len(dataset):
        return dataset.x.astype(np.float64), dataset.y
    chosen = np.random.default_rng(seed).choice(len(dataset), num_examples, replace=False)
    return dataset.x[chosen].astype(np.float64), dataset.y[chosen]
