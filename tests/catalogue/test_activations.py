"""Every activation: NumPy against Keras and against finite differences."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import kstest

from helpers.catalogue import ACTIVATIONS, RRELU_DIVISORS, Activation
from helpers.networks import activation_layer

Z = np.linspace(-6, 6, 241) + 0.0123  # beside the kinks at 0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numpy_and_keras_are_the_same_function(name):
    layer = activation_layer(ACTIVATIONS[name])
    z = tf.constant(Z[:, None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = layer(z)
    slope = tape.gradient(a, z)
    entry = ACTIVATIONS[name]
    np.testing.assert_allclose(a.numpy()[:, 0], entry.function(Z), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope.numpy()[:, 0], entry.derivative(Z), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_is_one(name):
    entry = ACTIVATIONS[name]
    difference = (entry.function(Z + 1e-5) - entry.function(Z - 1e-5)) / 2e-5
    np.testing.assert_allclose(entry.derivative(Z), difference, atol=1e-8)
    assert entry.largest_slope >= np.abs(entry.derivative(Z)).max() - 1e-9
    assert entry.formula and entry.source


def test_slopes_far_out_are_small_but_not_lost():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for name in ("sigmoid", "tanh", "softplus", "mish"):
            entry = ACTIVATIONS[name]
            assert np.isfinite(entry.function(np.array([-800.0, 800.0]))).all()
            assert np.isfinite(entry.derivative(np.array([-800.0, 800.0]))).all()
    assert ACTIVATIONS["sigmoid"].derivative(100.0) == pytest.approx(np.exp(-100), rel=1e-9)
    assert ACTIVATIONS["tanh"].derivative(-50.0) == pytest.approx(4 * np.exp(-100), rel=1e-9)
    assert ACTIVATIONS["relu"].derivative(np.zeros(1)) == 0  # as TensorFlow has it


def test_a_learner_s_activation_takes_one_line_and_finds_its_own_derivative(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, keras.ops.sin))
    np.testing.assert_allclose(ACTIVATIONS["sine"].derivative(Z), np.cos(Z), atol=1e-9)


def test_prelu_learns_its_slope_and_rrelu_draws_it():
    prelu = activation_layer(ACTIVATIONS["prelu"])
    prelu.build((None, 3))
    assert [tuple(w.shape) for w in prelu.trainable_weights] == [(3,)]
    rrelu = activation_layer(ACTIVATIONS["rrelu"])
    z = -tf.ones((200, 50))
    divisors = -1 / rrelu(z, training=True).numpy().ravel()
    low, high = RRELU_DIVISORS
    assert kstest(divisors, "uniform", args=(low, high - low)).pvalue > 1e-3
    np.testing.assert_allclose(rrelu(z), -1 / 5.5, rtol=1e-6)


UNKNOWN = {
    "rellu": "Unknown activation 'rellu'. Did you mean 'relu'",
    "Tanh": "Did you mean 'tanh'",
    None: "Unknown activation None. Allowed: linear, sigmoid",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_name_is_one_clear_sentence(name):
    with pytest.raises(ValueError) as error:
        ACTIVATIONS[name]
    assert UNKNOWN[name] in str(error.value)
