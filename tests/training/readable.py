"""Training as anyone can read it: a Keras model, a Keras optimizer, one step after another."""

import helpers  # isort: skip
import keras
import numpy as np
import tensorflow as tf

from helpers import data, networks
from helpers.catalogue import RRELU_DIVISORS
from helpers.training import native

KEPT = {"batch_size": 32, "keep": ("kernel", "gradient")}


def small(num_examples=166, classes=2):
    """A little data set: 5 batches of 32, and 6 examples that the shuffle leaves out."""
    if classes == 2:
        return data.circles(num_examples)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(num_examples, 3))
    return data.Dataset(x, np.arange(num_examples) % classes, "blobs")


def mixed(x):
    """Hash uint32 numbers as the engine does, in NumPy: (x ^ x >> shift) * factor, three times."""
    x = np.asarray(x, np.uint64)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor) & np.uint64(0xFFFFFFFF)
    return x


def random_slopes(key, step, layer, units, examples):
    """RReLU's slopes 1 / d, d ~ U(3, 8), (units, examples): the engine's hash, in NumPy."""
    place = mixed(layer + mixed(step + mixed(key)) & 0xFFFFFFFF)
    numbers = np.arange(units * examples, dtype=np.uint64).reshape(units, examples)
    uniform = (mixed(numbers + place & 0xFFFFFFFF) >> np.uint64(8)) / 2**24
    low, high = RRELU_DIVISORS
    return 1 / (low + (high - low) * uniform)


def with_known_slopes(model, names, slopes):
    """Let RReLU take its slopes from a dict, so that both sides have the same draws."""
    for name in names:
        model.get_layer(name).__dict__["call"] = lambda z, name=name, **_: tf.where(
            z > 0, z, slopes[name] * z
        )


def with_exact_gelu(model, names):
    """Mend TensorFlow's: it divides by a float32's square root of 2, in float64 too."""
    for name in names:
        model.get_layer(name).__dict__["call"] = lambda z, **_: (
            z * (1 + tf.math.erf(z / np.sqrt(2))) / 2
        )


def batches_of(dataset, epochs, seed, batch_size):
    """List which examples each step takes, and those of the step after the last update."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    used = len(dataset) // batch_size * batch_size
    epochs = [rng.permutation(len(dataset))[:used] for _ in range(epochs + 1)]
    batches = np.concatenate(epochs).reshape(-1, batch_size)
    return batches[: len(batches) - used // batch_size + 1]


def loss_of(logits, squash, y, loss, classes):
    """Compute the mean loss of a batch, as Keras does."""
    if loss == "mean_squared_error":
        target = y[:, None] if classes == 1 else tf.one_hot(tf.cast(y, tf.int32), classes)
        return tf.reduce_mean((squash(logits) - tf.cast(target, logits.dtype)) ** 2)
    if classes == 1:
        return keras.losses.BinaryCrossentropy(from_logits=True)(y[:, None], logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, logits)


def by_hand(
    activation,
    initializer,
    dataset,
    *,
    epochs,
    optimizer,
    seed=0,
    replicate=0,
    batch_size=32,
    loss=None,
    **network,
):
    """Train with a Keras model, a Keras optimizer and a GradientTape: one step after another."""
    model = networks.make_mlp(
        activation,
        initializer,
        num_inputs=dataset.num_inputs,
        num_outputs=dataset.num_outputs,
        seed=seed,
        replicate=replicate,
        **network,
    )
    to_logits = keras.Model(model.input, model.get_layer("output").output)
    squash = model.get_layer("output_activation")
    dense = networks.dense_layers(model)
    names = [f"{layer.name}_activation" for layer in dense[:-1]]
    variables = model.trainable_variables
    dtype = keras.config.floatx()
    slopes = {}
    if activation == "rrelu":
        with_known_slopes(model, names, slopes)
    if activation == "gelu" and dtype == "float64":
        with_exact_gelu(model, names)
    optimizer.build(variables)

    def look(x, y, draws):
        slopes.update(draws)
        with tf.GradientTape() as tape:
            value = loss_of(to_logits(x, training=True), squash, y, loss, dataset.num_outputs)
        values = [variable.value for variable in variables]
        return value, tape.gradient(value, values, unconnected_gradients="zero")

    def change(found):
        optimizer.apply(found, variables)

    batches = batches_of(dataset, epochs, seed, batch_size)
    if len(batches) > 20:  # traced once, the same operations take a third of the time
        look, change = tf.function(look, autograph=False), tf.function(change, autograph=False)
    key = native.replicate_keys(seed, replicate + 1)[-1]
    losses, kernels, gradients = [], [], []
    for number, batch in enumerate(batches):
        draws = {}
        if activation == "rrelu":
            for layer, name in enumerate(names, start=1):
                units = dense[layer - 1].units
                drawn = random_slopes(key, number, layer, units, batch_size).T
                draws[name] = tf.constant(drawn, dtype)
        value, found = look(*(tf.constant(a[batch], dtype) for a in (dataset.x, dataset.y)), draws)
        losses.append(float(value))
        kernels.append([layer.kernel.numpy() for layer in dense])
        of_kernel = {id(v): g.numpy() for v, g in zip(variables, found, strict=True)}
        gradients.append([of_kernel[id(layer.kernel)] for layer in dense])
        if number < len(batches) - 1:
            change(found)
    return losses, kernels, gradients


def assert_same_run(recording, hand, tolerance, replicate=0):
    """Loss, kernels and gradients of every step, norm by norm."""
    losses, kernels, gradients = hand
    one = recording.isel(replicate=replicate)
    np.testing.assert_allclose(one.loss, losses, rtol=tolerance)
    for name, expected in (("kernel", kernels), ("gradient", gradients)):
        for step, layers in enumerate(expected):
            for layer, array in enumerate(layers):
                ours = one[name].values[step, layer, : array.shape[0], : array.shape[1]]
                error = np.linalg.norm(ours - array)
                assert error <= tolerance * np.linalg.norm(array) + 1e-30, (
                    name,
                    step,
                    layer,
                    error,
                )
