"""One batch through a network, and what it does to the signals, layer by layer.

`signals` measures one Keras network; `profile` measures many as initialised, in NumPy alone. Both
return an ``xarray.Dataset`` with dimension ``layer`` (hidden_1 ... hidden_L, output):

=================  ===============================================================================
delta_norm         RMS over the examples of the 2-norm of dL_i/dz, L_i the loss of example i
gradient_norm      Frobenius norm of the kernel gradient of the mean loss
gradient_mean/std  over the entries of that gradient
activation_*       mean and standard deviation of a over units and examples
saturation         share of (unit, example) pairs with |phi'(z)| below 2 % of phi's largest slope
dead               share of units with phi'(z) = 0 for every example
=================  ===============================================================================

z is what the activation is applied to, so after a batch normalisation if there is one. That
normalisation uses the statistics of the batch, as in training; it ties the examples together, and
then dL_i/dz means the derivative of the sum of all losses. Loss: cross-entropy, from the logits.
"""

import functools
import itertools
import threading
from contextlib import contextmanager

import numpy as np
import xarray as xr
from scipy.special import expit, softmax
from threadpoolctl import ThreadpoolController

from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Initializer, check_normalization
from helpers.checks import positive_number, whole_number
from helpers.data import Dataset, check_dataset

SATURATED = 0.02  # of the largest slope
BATCH_EPSILON = 1e-3  # what Keras's BatchNormalization adds to the variance
OUTPUT_SLOPE = 0.25  # the largest slope of the sigmoid, and of one softmax unit in its own logit

UNITS = {
    "delta_norm": ("delta norm (RMS over examples)", "loss per unit of z"),
    "gradient_norm": ("kernel-gradient norm (Frobenius)", "loss per unit of weight"),
    "gradient_mean": ("mean of the kernel gradient", "loss per unit of weight"),
    "gradient_std": ("standard deviation of the kernel gradient", "loss per unit of weight"),
    "activation_mean": ("mean activation", "1"),
    "activation_std": ("standard deviation of the activations", "1"),
    "saturation": ("saturated share of (unit, example) pairs", "1"),
    "dead": ("share of units dead for every example", "1"),
}


_BLAS_LOCK = threading.Lock()


@functools.cache
def _libraries():
    return ThreadpoolController()  # looking for them takes milliseconds


@contextmanager
def _one_blas_thread():
    """Within it, matrix products use one thread: on a busy machine more of them wait in turns.

    The setting is the whole process's, so it's made by one caller at a time and put back.
    """
    with _BLAS_LOCK, _libraries().limit(limits=1, user_api="blas"):
        yield


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
    `signals` would say, at once. Computed in float64, so that a gradient of 1e-40 is still one.

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
    entry = ACTIVATIONS[activation]
    depth, width = whole_number("depth", depth), whole_number("width", width)
    num_replicates = whole_number("num_replicates", num_replicates)
    check_dataset(dataset)
    check_normalization(normalization)
    x, y = _batch(dataset, whole_number("num_examples", num_examples), seed)
    with _one_blas_thread():
        parameters = _parameters(initializer, dataset, depth, width, num_replicates, seed)
        columns = _profile(entry, *parameters, x, y, normalization, residual)
    return _table(
        columns,
        attrs={
            "activation": activation,
            "initializer": initializer,
            "dataset": dataset.name,
            "depth": depth,
            "width": width,
            "normalization": str(normalization),
            "residual": int(residual),
            "num_examples": len(x),
            "seed": seed,
        },
    )


def _profile(entry, kernels, biases, x, y, normalization, residual):
    """Statistics of the networks with these parameters: (name, replicate, layer)."""
    # forward: z = a W + b, normalised if asked for; then a = phi(z), plus its input if residual
    a, layers, depth = x, [], len(kernels) - 1
    for number, (kernel, bias) in enumerate(zip(kernels[:-1], biases, strict=False)):
        z, spread = a @ kernel, 1.0
        if bias is not None:
            z += bias
        if normalization == "batch":
            spread = np.sqrt(z.var(axis=-2, keepdims=True) + BATCH_EPSILON)
            z = (z - z.mean(axis=-2, keepdims=True)) / spread
        phi = entry.function(z)
        below, a = a, a + phi if residual and number > 0 else phi
        layers.append({"input": below, "z": z, "spread": spread, "activation": a})
    logits = a @ kernels[-1]
    if biases[-1] is not None:
        logits += biases[-1]
    classes = np.arange(logits.shape[-1])
    outputs = expit(logits) if len(classes) == 1 else softmax(logits, axis=-1)
    target = y[:, None] if len(classes) == 1 else y[:, None] == classes
    layers.append({"input": a, "activation": outputs})

    # backward: delta = dL_i/dz of the output, then layer by layer towards the input
    delta_of_sum = delta = outputs - target
    slope, into_a, largest = outputs * (1 - outputs), 0.0, OUTPUT_SLOPE
    columns = []
    for number in reversed(range(depth + 1)):
        layer = layers.pop()
        if number < depth:
            slope, largest = entry.derivative(layer["z"]), entry.largest_slope
            delta_of_sum = delta = slope * into_a
            if normalization == "batch":
                centred = delta - delta.mean(axis=-2, keepdims=True)
                shared = (delta * layer["z"]).mean(axis=-2, keepdims=True)
                delta_of_sum = (centred - layer["z"] * shared) / layer["spread"]
        gradient = np.swapaxes(layer["input"], -1, -2) @ delta_of_sum / len(x)
        columns.append(_statistics(layer["activation"], slope, delta, gradient, largest))
        through_kernel = delta_of_sum @ np.swapaxes(kernels[number], -1, -2)
        skipped = into_a if residual and 0 < number < depth else 0.0
        into_a = through_kernel + skipped
    return np.stack(columns[::-1], axis=-1)


def over_last(values: np.ndarray) -> np.ndarray:
    """Divide sizes, shape (num_replicates, depth), by their RMS in the last; all 0 stays 0."""
    return values / (np.sqrt(np.mean(values[:, -1] ** 2)) or 1.0)


def first_over_last(values: np.ndarray) -> float:
    """RMS in the first place over that in the last, for sizes as in `over_last`."""
    return float(np.sqrt(np.mean(over_last(values)[:, 0] ** 2)))


@_one_blas_thread()
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
    it (Poole et al. 2016; Schoenholz et al. 2017); ``theory.pair_signals`` predicts what comes out.
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
    kernels, biases = _draw(rule, [width] * (depth + 1) + [1], num_replicates, seed)
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
        columns.append([(norms**2).mean(axis=1) / width, alike, np.sqrt(_squares(delta) / 2)])
        into_a = delta @ np.swapaxes(kernel, -1, -2)
    names = ("pre_activation_variance", "correlation", "delta_norm")
    labels = ("mean square of z", "correlation of two inputs", UNITS["delta_norm"][0])
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


@_one_blas_thread()
def singular_values(
    activation: str,
    initializer: str,
    *,
    dataset: Dataset,
    depth: int = 4,
    width: int = 5,
    num_replicates: int = 10,
    seed: int = 0,
    across: bool = False,
) -> np.ndarray:
    """Singular values of every Jacobian dz_(l+1)/dz_l between hidden layers, as initialised.

    J = W^T diag(phi'(z_l)) at one example a network (Glorot & Bengio 2010, section 4.2.2, average
    them; Saxe et al. 2014 ask for all to be near 1). The networks are those of `profile`.

    Parameters
    ----------
    across : bool
        Of the product of them all, dz_depth/dz_1, instead.
    The others as in `profile`.

    Returns
    -------
    array, shape (depth - 1, num_replicates, width), or (num_replicates, width) if `across`
        Largest first.

    Raises
    ------
    ValueError
        As `profile`.
    """
    entry = ACTIVATIONS[activation]
    depth, width = whole_number("depth", depth), whole_number("width", width)
    num_replicates = whole_number("num_replicates", num_replicates)
    check_dataset(dataset)
    x, _ = _batch(dataset, num_replicates, seed)
    kernels, biases = _parameters(initializer, dataset, depth, width, num_replicates, seed)
    jacobians = np.empty((depth - 1, num_replicates, width, width))
    a = np.resize(x, (num_replicates, 1, dataset.num_inputs))
    for number, (kernel, bias) in enumerate(zip(kernels[:depth], biases, strict=False)):
        z = a @ kernel + (0 if bias is None else bias)
        a = entry.function(z)
        if number < depth - 1:
            slope = entry.derivative(z)
            jacobians[number] = np.swapaxes(kernels[number + 1], -1, -2) * slope
    if across:
        whole = np.broadcast_to(np.eye(width), jacobians.shape[1:])
        for jacobian in jacobians:
            whole = jacobian @ whole
        jacobians = whole
    return np.linalg.svd(jacobians, compute_uv=False)


def signals(model, dataset: Dataset) -> xr.Dataset:
    """Measure a Keras model made by ``make_mlp`` on all examples of `dataset`: dim layer.

    Nothing in the model changes. Computed in the model's own precision, float32, where a gradient
    below about 1e-38 is lost: that too is what training would see.

    Raises
    ------
    ValueError
        If the model isn't one of ``make_mlp``'s, or doesn't fit the data set.
    """
    import keras
    import tensorflow as tf

    from helpers.networks import dense_layers

    check_dataset(dataset)
    dense = dense_layers(model)
    sizes = (dense[0].kernel.shape[0], dense[-1].kernel.shape[1])
    if sizes != (dataset.num_inputs, dataset.num_outputs):
        raise ValueError(
            f"the model takes {sizes[0]} inputs to {sizes[1]} outputs, but {dataset.name!r} needs "
            f"{dataset.num_inputs} to {dataset.num_outputs}."
        )
    a, layers = tf.constant(dataset.x), []
    with tf.GradientTape(persistent=True) as tape:
        for layer in dense[:-1]:
            part = _parts(model, layer.name)
            z = layer(a)
            if "normalization" in part:
                norm = part["normalization"]
                mean, variance = keras.ops.moments(z, axes=0)
                scale, offset = norm.gamma, norm.beta
                z = offset + scale * (z - mean) / keras.ops.sqrt(variance + norm.epsilon)
            phi = part["activation"](z, training=False)
            a = part["addition"]([a, phi]) if "addition" in part else phi
            layers.append({"z": z, "phi": phi, "activation": a})
        logits = dense[-1](a)
        outputs = model.get_layer("output_activation")(logits)
        layers.append({"z": logits, "activation": outputs})
        if dataset.num_outputs == 1:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(dataset.y[:, None], logits)
        else:
            labels = dataset.y.astype(np.int32)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        total = tf.reduce_sum(losses)
    deltas = tape.gradient(total, [layer["z"] for layer in layers])
    gradients = tape.gradient(total, [layer.kernel.value for layer in dense])
    columns = []
    for number, layer in enumerate(layers):
        if number < len(layers) - 1:
            slope = tape.gradient(layer["phi"], layer["z"])
            act = _parts(model, dense[number].name)["activation"]
            largest = largest_slope(lambda z, act=act: act(z, training=False), dense[number].units)
        else:
            slope, largest = outputs * (1 - outputs), OUTPUT_SLOPE
        arrays = (layer["activation"], slope, deltas[number], gradients[number] / len(dataset))
        arrays = (np.asarray(array, np.float64)[None] for array in arrays)
        columns.append(_statistics(*arrays, largest))
    measured = _table(
        np.stack(columns, axis=-1),
        attrs={
            "model": model.name,
            "dataset": dataset.name,
            "num_examples": len(dataset),
        },
    )
    return measured.isel(replicate=0, drop=True)


def _parts(model, name):
    """Find the layers that follow the Dense layer `name`, by what they do."""
    prefix = f"{name}_"
    return {
        layer.name.removeprefix(prefix): layer
        for layer in model.layers
        if layer.name.startswith(prefix)
    }


def largest_slope(phi, units: int, dtype="float32") -> float:
    """Measure the largest |phi'(z)| for z in [-8, 8], of a Keras activation for `units` units."""
    import tensorflow as tf

    grid = tf.cast(tf.linspace(-8.0, 8.0, 16001)[:, None] * tf.ones((1, units)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(grid)
        a = phi(grid)
    return float(tf.reduce_max(tf.abs(tape.gradient(a, grid))))


def _statistics(activation, slope, delta, gradient, largest):
    """Find what UNITS lists for one layer: (name, replicate).

    activation, slope and delta have the shape (replicates, examples, units), gradient (replicates,
    fan_in, fan_out).
    """
    _, examples, units = delta.shape
    gradient_mean, gradient_std = _mean_and_std(gradient)
    slope = np.abs(slope)
    return np.stack(
        [
            np.sqrt(_squares(delta) / examples),
            np.sqrt(_squares(gradient)),
            gradient_mean,
            gradient_std,
            *_mean_and_std(activation),
            np.count_nonzero(slope < SATURATED * largest, axis=(1, 2)) / (examples * units),
            (slope.max(axis=1) == 0).mean(axis=-1),
        ]
    )


def _squares(values):
    """Sum of squares of each replicate's entries, without storing the squares."""
    flat = values.reshape(len(values), -1)
    return np.einsum("ij,ij->i", flat, flat)


def _mean_and_std(values):
    mean = values.mean(axis=(1, 2), keepdims=True)
    return mean[:, 0, 0], np.sqrt(_squares(values - mean) / values[0].size)


def _table(columns, attrs):
    """Columns (name, replicate, layer) -> the table of the module's docstring."""
    _, replicates, layers = columns.shape
    names = [*(f"hidden_{number}" for number in range(1, layers)), "output"]
    return xr.Dataset(
        {
            name: (("replicate", "layer"), column, {"long_name": long_name, "units": units})
            for (name, (long_name, units)), column in zip(UNITS.items(), columns, strict=True)
        },
        coords={"layer": names, "replicate": range(replicates)},
        attrs=attrs,
    )


def _parameters(initializer, dataset, depth, width, num_replicates, seed):
    """Draw the kernels and biases of ``make_mlp``'s networks, as `_draw`."""
    sizes = [dataset.num_inputs, *[width] * depth, dataset.num_outputs]
    return _draw(INITIALIZERS[initializer], sizes, num_replicates, seed)


def _draw(entry, sizes, num_replicates, seed):
    """Draw kernels (num_replicates, fan_in, fan_out), and biases (num_replicates, 1, fan_out).

    A bias is None where there is none: adding zeros costs time.
    """
    kernels, biases = [], []
    for number, pair in enumerate(itertools.pairwise(sizes), start=1):
        streams = [
            {"seed": seed, "replicate": replicate, "layer": number % (len(sizes) - 1)}
            for replicate in range(num_replicates)
        ]
        drawn = np.stack([entry.sample(*pair, **stream) for stream in streams])
        kernels.append(drawn.astype(np.float64))
        drawn = [entry.sample_bias(pair[1], **stream) for stream in streams]
        biases.append(np.stack(drawn)[:, None].astype(np.float64) if np.any(drawn) else None)
    return kernels, biases


def _batch(dataset, num_examples, seed):
    if num_examples >= len(dataset):
        return dataset.x.astype(np.float64), dataset.y
    rng = np.random.default_rng(whole_number("seed", seed, low=0))
    chosen = rng.choice(len(dataset), num_examples, replace=False)
    return dataset.x[chosen].astype(np.float64), dataset.y[chosen]
