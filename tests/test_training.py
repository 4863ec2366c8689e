"""The engine against a loop anyone can read, and against its own promises."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import xarray as xr

from helpers import catalogue, data, measure, networks, training, universal

KERAS_OPTIMIZERS = {
    "sgd": lambda **more: keras.optimizers.SGD(**more),
    "momentum": lambda **more: keras.optimizers.SGD(momentum=0.9, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(**more),
    "adam": lambda **more: keras.optimizers.Adam(**more),
}


@pytest.fixture(params=["float32", "float64"])
def precision(request):
    """Keras's float type, how many epochs to compare, and how close they must be."""
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield {"float32": (1, 1e-5), "float64": (10, 1e-9)}[request.param]  # 5 batches an epoch
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def small(num_examples=166, classes=2):
    """A little data set: 5 batches of 32, and 6 examples that the shuffle leaves out."""
    if classes == 2:
        return data.circles(num_examples)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(num_examples, 3))
    return data.Dataset(x, np.arange(num_examples) % classes, "blobs")


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
    losses, kernels, gradients = [], [], []
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    per_epoch = len(dataset) // batch_size
    order = [rng.permutation(len(dataset))[: per_epoch * batch_size].reshape(per_epoch, -1)
             for _ in range(epochs + 1)]  # fmt: skip
    batches = [*np.concatenate(order[:epochs]), order[epochs][0]]
    for number, batch in enumerate(batches):
        x, y = dataset.x[batch].astype(dtype), dataset.y[batch].astype(dtype)
        with tf.GradientTape() as tape:
            logits = to_logits(x, training=True)
            if loss == "mean_squared_error":
                outputs = model.get_layer("output_activation")(logits)
                target = y[:, None] if dataset.num_outputs == 1 else np.eye(dataset.num_outputs)[y.astype(int)]
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
                assert error <= tolerance * np.linalg.norm(array) + 1e-30, (name, step, layer, error)


KEPT = {"batch_size": 32, "keep": ("kernel", "gradient")}
FIXED = [name for name, entry in catalogue.ACTIVATIONS.items() if entry.slope_kind != "random"]


@pytest.mark.parametrize("activation", FIXED)
def test_every_activation_trains_as_in_keras(activation, precision):
    epochs, tolerance = precision
    recording = training.train(activation, "glorot_uniform", dataset=small(), epochs=epochs, **KEPT)
    hand = by_hand(activation, "glorot_uniform", small(), epochs=epochs,
                   optimizer=keras.optimizers.RMSprop())  # fmt: skip
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_every_optimizer_trains_as_in_keras(optimizer, precision):
    epochs, tolerance = precision
    recording = training.train(
        "tanh", "standard_normal", dataset=small(), epochs=epochs, optimizer=optimizer, **KEPT
    )
    hand = by_hand("tanh", "standard_normal", small(), epochs=epochs,
                   optimizer=KERAS_OPTIMIZERS[optimizer]())  # fmt: skip
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize("loss", [None, "mean_squared_error"])
@pytest.mark.parametrize("classes", [2, 3])
def test_every_loss_trains_as_in_keras(loss, classes, precision):
    epochs, tolerance = precision
    dataset = small(classes=classes)
    recording = training.train("tanh", "glorot_uniform", dataset=dataset, loss=loss, depth=2, width=9, epochs=epochs, **KEPT)
    hand = by_hand("tanh", "glorot_uniform", dataset, loss=loss, depth=2, width=9, epochs=epochs,
                   optimizer=keras.optimizers.RMSprop())  # fmt: skip
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize("network", [{"normalization": "batch"}, {"residual": True}, {"normalization": "batch", "residual": True, "depth": 7}, {"depth": 1}], ids=str)
def test_every_kind_of_network_trains_as_in_keras(activation, network, precision):
    epochs, tolerance = precision
    recording = training.train(activation, "he_normal", dataset=small(), epochs=epochs, **network, **KEPT)
    hand = by_hand(activation, "he_normal", small(), epochs=epochs,
                   optimizer=keras.optimizers.RMSprop(), **network)  # fmt: skip
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize(("kind", "argument"), [("global_norm", "global_clipnorm"), ("norm", "clipnorm"), ("value", "clipvalue")])
@pytest.mark.parametrize("normalization", [None, "batch"])
def test_clipping_is_keras_s(kind, argument, normalization, precision):
    epochs, tolerance = precision
    same = {"normalization": normalization, "epochs": epochs}
    recording = training.train("prelu", "standard_normal", dataset=small(), clip=(kind, 0.02), optimizer="sgd", learning_rate=0.5, **same, **KEPT)
    hand = by_hand("prelu", "standard_normal", small(), **same,
                   optimizer=keras.optimizers.SGD(0.5, **{argument: 0.02}))  # fmt: skip
    assert_same_run(recording, hand, tolerance)
