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


def by_hand(activation, initializer, dataset, *, epochs, optimizer, seed=0, replicate=0,
            batch_size=32, loss=None, **network):  # fmt: skip
    """Train with a Keras model, a Keras optimizer and a GradientTape: one step after another."""
    model = networks.make_mlp(
        activation, initializer, num_inputs=dataset.num_inputs, num_outputs=dataset.num_outputs,
        seed=seed, replicate=replicate, **network,
    )  # fmt: skip
    to_logits = keras.Model(model.input, model.get_layer("output").output)
    dense = networks.dense_layers(model)
    dtype = keras.config.floatx()
    slopes = {}
    if activation == "rrelu":  # the same draws for both
        for layer in dense[:-1]:
            name = f"{layer.name}_activation"
            model.get_layer(name).__dict__["call"] = lambda z, name=name, **_: tf.where(
                z > 0, z, slopes[name] * z
            )
    if activation == "gelu" and dtype == "float64":
        # TensorFlow's own divides by a float32's square root of 2, in float64 too
        for layer in dense[:-1]:
            model.get_layer(f"{layer.name}_activation").__dict__["call"] = lambda z, **_: (
                z * (1 + tf.math.erf(z / np.sqrt(2))) / 2
            )
    losses, kernels, gradients = [], [], []
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    per_epoch = len(dataset) // batch_size
    order = [rng.permutation(len(dataset))[: per_epoch * batch_size].reshape(per_epoch, -1)
             for _ in range(epochs + 1)]  # fmt: skip
    batches = [*np.concatenate(order[:epochs]), order[epochs][0]]
    for number, batch in enumerate(batches):
        x, y = dataset.x[batch].astype(dtype), dataset.y[batch].astype(dtype)
        for layer, each in enumerate(dense[:-1], start=1):
            key = native.replicate_keys(seed, replicate + 1)[-1]
            draw = random_slopes(key, number, layer, each.units, batch_size)
            slopes[f"{each.name}_activation"] = tf.constant(draw.T, dtype)
        with tf.GradientTape() as tape:
            logits = to_logits(x, training=True)
            if loss == "mean_squared_error":
                outputs = model.get_layer("output_activation")(logits)
                classes = dataset.num_outputs
                target = y[:, None] if classes == 1 else np.eye(classes)[y.astype(int)]
                value = tf.reduce_mean((outputs - target) ** 2)
            elif dataset.num_outputs == 1:
                value = keras.losses.BinaryCrossentropy(from_logits=True)(y[:, None], logits)
            else:
                value = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, logits)
        variables = model.trainable_variables
        found = tape.gradient(value, [v.value for v in variables], unconnected_gradients="zero")
        losses.append(float(value))
        kernels.append([layer.kernel.numpy() for layer in dense])
        gradients.append([
            next(g.numpy() for v, g in zip(variables, found, strict=True) if v is layer.kernel)
            for layer in dense
        ])  # fmt: skip
        if number < len(batches) - 1:
            optimizer.apply_gradients(zip(found, variables, strict=True))
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
