"""One Keras network of ``make_mlp``, measured on a whole data set."""

import numpy as np
import xarray as xr

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
                z = _normalized(part["normalization"], z)
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
            slope, largest = outputs * (1 - outputs), statistics.OUTPUT_SLOPE
        arrays = (layer["activation"], slope, deltas[number], gradients[number] / len(dataset))
        arrays = (np.asarray(array, np.float64)[None] for array in arrays)
        columns.append(statistics.of_layer(*arrays, largest))
    attrs = {"model": model.name, "dataset": dataset.name, "num_examples": len(dataset)}
    names = [layer.name for layer in dense]
    measured = statistics.table(np.stack(columns, axis=-1), names, attrs)
    return measured.isel(replicate=0, drop=True)


def _normalized(layer, u):
    """Normalise as in training, and change nothing: by the statistics of the batch."""
    import keras

    if not isinstance(layer, keras.layers.BatchNormalization):
        return layer(u)
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
    """Measure the largest |phi'(z)| for z in [-8, 8], of a Keras activation for `units` units."""
    import tensorflow as tf

    grid = tf.cast(tf.linspace(-8.0, 8.0, 16001)[:, None] * tf.ones((1, units)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(grid)
        a = phi(grid)
    return float(tf.reduce_max(tf.abs(tape.gradient(a, grid))))
