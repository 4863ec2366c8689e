"""One Keras network of ``make_mlp``, measured on a whole data set."""

import numpy as np
import xarray as xr

from helpers.catalogue.activations import SLOPE_GRID
from helpers.data import Dataset, check_dataset
from helpers.measure import statistics


def signals(model, dataset: Dataset) -> xr.Dataset:
    """Measure a Keras model made by ``make_mlp`` on all examples of `dataset`: dim layer.

    Nothing in the model changes. Computed in the model's own precision, float32, where a gradient
    below about 1e-38 is lost: that too is what training would see.

    Raises
    ------
    ValueError
        If the model isn't one of ``make_mlp``'s, or doesn't fit the data set.
    """
    import tensorflow as tf

    from helpers.networks import dense_layers

    check_dataset(dataset)
    dense = dense_layers(model)
    _check_sizes(dense, dataset)
    # persistent: after the loss it is asked once a layer for phi'(z), too
    with tf.GradientTape(persistent=True) as tape:
        layers = _forward(model, dense, dataset.x)
        # the sum, so that the derivative with respect to row i of z is that of L_i alone
        total = _total_loss(layers[-1]["z"], dataset)
    deltas = tape.gradient(total, [layer["z"] for layer in layers])
    gradients = tape.gradient(total, [layer.kernel.value for layer in dense])
    columns = []
    for number, layer in enumerate(layers):
        slope, largest = _slopes(tape, layer, dense[number].units)
        # a gradient belongs to the mean loss
        arrays = (layer["activation"], slope, deltas[number], gradients[number] / len(dataset))
        # float64, with an axis for the one replicate, as `profile` computes them
        arrays = (np.asarray(array, np.float64)[None] for array in arrays)
        columns.append(statistics.of_layer(*arrays, largest))
    attrs = {"model": model.name, "dataset": dataset.name, "num_examples": len(dataset)}
    names = [layer.name for layer in dense]
    measured = statistics.table(np.stack(columns, axis=-1), names, attrs)
    return measured.isel(replicate=0, drop=True)


def _check_sizes(dense, dataset):
    """Raise a ``ValueError`` unless the model has the inputs and outputs that the data need."""
    num_inputs = dense[0].kernel.shape[0]
    num_outputs = dense[-1].kernel.shape[1]
    if (num_inputs, num_outputs) != (dataset.num_inputs, dataset.num_outputs):
        raise ValueError(
            f"The model takes {num_inputs} inputs to {num_outputs} outputs, but {dataset.name!r} "
            f"needs {dataset.num_inputs} to {dataset.num_outputs}."
        )


def _forward(model, dense, x):
    """Apply the layers one by one; return a dict of tensors (and the activation) for each Dense."""
    import tensorflow as tf

    a = tf.constant(x)
    layers = []
    for layer in dense[:-1]:
        part = _parts(model, layer.name)
        z = layer(a)
        if "normalization" in part:
            z = _normalized(part["normalization"], z)
        # training=False: a randomised activation takes the slope that it has at rest
        phi = part["activation"](z, training=False)
        a = part["addition"]([a, phi]) if "addition" in part else phi
        layers.append({"z": z, "phi": phi, "activation": a, "layer": part["activation"]})
    logits = dense[-1](a)
    layers.append({"z": logits, "activation": model.get_layer("output_activation")(logits)})
    return layers


def _total_loss(logits, dataset):
    """Sum of the examples' cross-entropies; from the logits, where a saturated output is exact."""
    import tensorflow as tf

    if dataset.num_outputs == 1:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(dataset.y[:, None], logits)
    else:
        labels = dataset.y.astype(np.int32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_sum(losses)


def _slopes(tape, layer, units):
    """Return phi'(z) of one layer of `_forward`, and the largest |phi'| of its activation."""
    if "phi" not in layer:
        # p (1 - p) for a sigmoid, and for a softmax unit with respect to its own logit
        outputs = layer["activation"]
        return outputs * (1 - outputs), statistics.OUTPUT_SLOPE
    # phi acts element by element, so the gradient of its sum is phi' of every element
    slope = tape.gradient(layer["phi"], layer["z"])
    return slope, largest_slope(lambda z: layer["layer"](z, training=False), units)


def _normalized(layer, u):
    """Normalise as in training, and change nothing: by the statistics of the batch."""
    import keras

    if not isinstance(layer, keras.layers.BatchNormalization):
        return layer(u)
    # calling the layer with training=True would move its running averages
    mean, variance = keras.ops.moments(u, axes=0)
    return layer.beta + layer.gamma * (u - mean) / keras.ops.sqrt(variance + layer.epsilon)


def _parts(model, name):
    """Find the layers that follow the Dense layer `name`, by what they do."""
    prefix = f"{name}_"
    return {
        layer.name.removeprefix(prefix): layer
        for layer in model.layers
        if layer.name.startswith(prefix)
    }


def largest_slope(phi, units: int, dtype="float32") -> float:
    """Measure the largest |phi'(z)| on SLOPE_GRID, of a Keras activation for `units` units."""
    import tensorflow as tf

    # a column for each unit, as a learned slope may differ between them
    grid = tf.cast(SLOPE_GRID[:, None] * np.ones((1, units)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(grid)
        a = phi(grid)
    return float(tf.reduce_max(tf.abs(tape.gradient(a, grid))))
