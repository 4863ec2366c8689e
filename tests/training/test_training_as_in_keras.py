"""The engine against a loop anyone can read."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest

from helpers import catalogue, training
from tests.training.readable import KEPT, assert_same_run, by_hand, small

KERAS_OPTIMIZERS = {
    "sgd": lambda **more: keras.optimizers.SGD(**more),
    "momentum": lambda **more: keras.optimizers.SGD(momentum=0.9, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(**more),
    "adam": lambda **more: keras.optimizers.Adam(**more),
}


@pytest.mark.parametrize("activation", catalogue.ACTIVATIONS)
def test_every_activation_trains_as_in_keras(activation, precision):
    epochs, tolerance = precision
    recording = training.train(activation, "glorot_uniform", dataset=small(), epochs=epochs, **KEPT)
    hand = by_hand(
        activation, "glorot_uniform", small(), epochs=epochs, optimizer=keras.optimizers.RMSprop()
    )
    assert_same_run(recording, hand, tolerance)


# Keras casts a Python constant to float32 on its way to float64, so these are exact in both
EXACT = {
    "sgd": lambda **more: keras.optimizers.SGD(2**-7, **more),
    "momentum": lambda **more: keras.optimizers.SGD(2**-7, momentum=0.875, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(2**-10, rho=0.875, epsilon=2**-23, **more),
    "adam": lambda **more: keras.optimizers.Adam(
        2**-10, beta_1=0.875, beta_2=1 - 2**-10, epsilon=2**-23, **more
    ),
}


@pytest.mark.parametrize("optimizer", EXACT)
def test_every_optimizer_trains_as_in_keras(optimizer, precision):
    epochs, tolerance = precision
    run = {"dataset": small(), "epochs": epochs}
    recording = training.train(
        "tanh", "standard_normal", optimizer=EXACT[optimizer](), **run, **KEPT
    )
    hand = by_hand("tanh", "standard_normal", optimizer=EXACT[optimizer](), **run)
    assert recording.attrs["optimizer"] == optimizer
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_a_name_means_keras_s_defaults(optimizer):
    run = {"dataset": small(), "epochs": 1}
    recording = training.train("tanh", "standard_normal", optimizer=optimizer, **run, **KEPT)
    hand = by_hand("tanh", "standard_normal", optimizer=KERAS_OPTIMIZERS[optimizer](), **run)
    assert_same_run(recording, hand, 1e-5)


@pytest.mark.parametrize(
    ("loss", "classes"), [(None, 3), ("mean_squared_error", 2), ("mean_squared_error", 3)]
)
def test_every_loss_trains_as_in_keras(loss, classes, double):
    run = {"dataset": small(classes=classes), "loss": loss, "depth": 2, "width": 9, "epochs": 10}
    recording = training.train("tanh", "glorot_uniform", **run, **KEPT)
    hand = by_hand("tanh", "glorot_uniform", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-9)


NETWORKS = [
    {"depth": 1},
    {"residual": True},
    {"normalization": "batch", "residual": True, "depth": 7},
    {"normalization": "layer", "depth": 3},
    {"normalization": "layer", "residual": True, "width": 48},
    {"normalization": "rms", "residual": True, "depth": 7},
    {"width": 48},
]


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_kind_of_network_trains_as_in_keras(activation, network, double):
    run = {"dataset": small(), "epochs": 10, **network}
    recording = training.train(activation, "he_normal", **run, **KEPT)
    hand = by_hand(activation, "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-9)


@pytest.mark.parametrize(
    ("kind", "argument"),
    [("global_norm", "global_clipnorm"), ("norm", "clipnorm"), ("value", "clipvalue")],
)
def test_clipping_is_keras_s(kind, argument, double):
    threshold = 2**-6
    run = {"dataset": small(), "epochs": 10, "normalization": "batch"}
    recording = training.train(
        "prelu",
        "standard_normal",
        clip=(kind, threshold),
        optimizer="sgd",
        learning_rate=0.5,
        **run,
        **KEPT,
    )
    hand = by_hand(
        "prelu",
        "standard_normal",
        **run,
        optimizer=keras.optimizers.SGD(0.5, **{argument: threshold}),
    )
    assert_same_run(recording, hand, 1e-9)
    loose = training.train(
        "prelu",
        "standard_normal",
        clip=(kind, 1e6),
        optimizer="sgd",
        learning_rate=0.5,
        **run,
        **KEPT,
    )
    assert abs(loose.kernel - recording.kernel).max() > 0.1  # it did clip


@pytest.mark.parametrize("activation", ["tanh", "rrelu"])
def test_a_replicate_among_many_is_the_network_trained_alone(activation, double):
    run = {"dataset": small(), "epochs": 10, "seed": 5}
    recording = training.train(activation, "he_normal", num_replicates=32, **run, **KEPT)
    for replicate in (0, 7, 31):
        hand = by_hand(
            activation,
            "he_normal",
            replicate=replicate,
            optimizer=keras.optimizers.RMSprop(),
            **run,
        )
        assert_same_run(recording, hand, 1e-9, replicate)


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_an_optimizer_s_steps_are_its_formula(optimizer, double):
    recording = training.train(
        "sigmoid", "glorot_uniform", dataset=small(), epochs=1, optimizer=optimizer, **KEPT
    )
    # layer 1 of this net has gradients of 1e-5: there it matters where RMSprop's epsilon stands
    kernels = recording.kernel.sel(layer="hidden_1").values[0, :, :2]
    gradients = recording.gradient.sel(layer="hidden_1").values[0, :, :2]
    m = v = 0.0
    for t, g in enumerate(gradients[:-1], start=1):
        if optimizer == "sgd":
            change = -0.01 * g
        elif optimizer == "momentum":
            change = m = 0.9 * m - 0.01 * g
        elif optimizer == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            change = -0.001 * g / np.sqrt(v + 1e-7)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            corrected_m, corrected_v = m / (1 - 0.9**t), v / (1 - 0.999**t)
            # Keras adds epsilon before it corrects the second moment
            change = -0.001 * corrected_m / (np.sqrt(corrected_v) + 1e-7 / np.sqrt(1 - 0.999**t))
        np.testing.assert_allclose(kernels[t] - kernels[t - 1], change, rtol=1e-8, atol=1e-16)
    assert np.abs(gradients).max() < 3e-4


def test_another_optimizer_of_keras_serves_train_too():
    run = {"dataset": small(), "epochs": 1}
    recording = training.train(
        "tanh", "he_normal", optimizer=keras.optimizers.Nadam(0.01), num_replicates=2, **run, **KEPT
    )
    for replicate in range(2):
        hand = by_hand(
            "tanh", "he_normal", replicate=replicate, optimizer=keras.optimizers.Nadam(0.01), **run
        )
        assert_same_run(recording, hand, 1e-5, replicate)


def test_biases_begin_as_the_initializer_draws_them(monkeypatch):
    rule = catalogue.Initializer(lambda n_in, n_out: 1.5 / n_in, bias_variance=0.3)
    monkeypatch.setitem(catalogue.INITIALIZERS, "biased", rule)
    run = {"dataset": small(), "depth": 3, "epochs": 1}
    recording = training.train("tanh", "biased", num_replicates=2, **run, **KEPT)
    optimizer = keras.optimizers.RMSprop()
    hand = by_hand("tanh", "biased", optimizer=optimizer, replicate=1, **run)
    assert_same_run(recording, hand, 1e-5, replicate=1)
