"""Every normalisation: NumPy, Keras, finite differences, and all that reads the catalogue."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.catalogue import NORMALIZATIONS, Normalization
from helpers.data import circles
from helpers.measure import profile, signals
from helpers.networks import make_mlp
from helpers.training import train
from tests.training.readable import assert_same_run, by_hand

# What a learner may add, in one entry: Keras's layers with another epsilon, which shows.
NEW = {
    "soft_layer": Normalization("units", True, 0.3, "LayerNormalization"),
    "soft_rms": Normalization("units", False, 0.2, "RMSNormalization"),
    "soft_batch": Normalization("examples", True, 0.5, "BatchNormalization"),
}
ALL = [*NORMALIZATIONS, *NEW]


@pytest.fixture
def more_normalizations(monkeypatch):
    for name, entry in NEW.items():
        monkeypatch.setitem(NORMALIZATIONS, name, entry)


def numbers(*shape):
    return np.random.default_rng(1).normal(0.5, 2.0, shape)


@pytest.mark.parametrize("name", ALL)
def test_forward_and_backward_are_those_of_keras_s_layer(name, more_normalizations):
    entry = NORMALIZATIONS[name]
    u, into_z = numbers(2, 12, 5)
    z, spread = entry.forward(u)
    layer = entry.layer("normal")
    assert layer.name == "normal"
    with tf.GradientTape() as tape:
        tensor = tf.constant(u, tf.float32)
        tape.watch(tensor)
        keras_s = layer(tensor, training=True)
    np.testing.assert_allclose(z, keras_s, rtol=1e-4, atol=1e-5)
    expected = tape.gradient(keras_s, tensor, output_gradients=tf.constant(into_z, tf.float32))
    np.testing.assert_allclose(entry.backward(into_z, z, spread), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_backward_is_a_finite_difference(name, more_normalizations):
    entry = NORMALIZATIONS[name]
    u, weights = numbers(2, 3, 7, 4)  # replicates, examples, units
    z, spread = entry.forward(u)
    found = entry.backward(weights, z, spread)
    step = 1e-6
    for place in np.ndindex(*u.shape):
        up = u.copy()
        up[place] += step
        down = u.copy()
        down[place] -= step
        change = weights * (entry.forward(up)[0] - entry.forward(down)[0])
        assert found[place] == pytest.approx(change.sum() / (2 * step), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", ALL)
def test_what_comes_out_is_normal(name, more_normalizations):
    entry = NORMALIZATIONS[name]
    axis = {"examples": 1, "units": 2}[entry.over]
    z, spread = entry.forward(1e4 * numbers(3, 50, 40))  # beside it epsilon is nothing
    assert z.shape == (3, 50, 40)
    assert spread.shape == tuple(1 if place == axis else z.shape[place] for place in range(3))
    np.testing.assert_allclose((z**2).mean(axis=axis), 1, rtol=1e-6)
    if entry.centred:
        np.testing.assert_allclose(z.mean(axis=axis), 0, atol=1e-12)
    nothing, _ = entry.forward(np.zeros((2, 3, 4)))
    assert (nothing == 0).all()  # epsilon keeps it finite


def assert_close(found, expected, tolerance):
    """Compare each variable by norm; a mean beside the norm of what it is the mean of."""
    for name in expected.data_vars:
        scale = expected["gradient_norm" if name.startswith("gradient") else name]
        error = np.linalg.norm(found[name] - expected[name])
        assert error <= tolerance * max(np.linalg.norm(scale), 1e-9), name


@pytest.mark.parametrize("residual", [False, True], ids=["plain", "residual"])
@pytest.mark.parametrize("name", ALL)
def test_everything_that_reads_the_catalogue_agrees(name, residual, more_normalizations):
    """`profile`, `signals` of a model by `make_mlp`, and the first row of `train`."""
    dataset = circles(60)
    network = {"normalization": name, "residual": residual, "width": 7}
    measured = profile(
        "tanh", "he_normal", dataset=dataset, num_replicates=2, num_examples=60, **network
    )
    model = make_mlp("tanh", "he_normal", replicate=1, **network)
    assert_close(signals(model, dataset), measured.isel(replicate=1), 1e-5)
    run = {"dataset": dataset, "epochs": 0, "batch_size": 60}
    recording = train("tanh", "he_normal", num_replicates=2, **run, **network)
    assert_close(recording.isel(step=0), measured, 1e-5)


@pytest.mark.parametrize("name", ALL)
def test_training_in_float64_agrees_with_profile_and_keras(name, more_normalizations, double):
    dataset = circles(60)
    network = {"normalization": name, "residual": True}
    run = {"dataset": dataset, "epochs": 3, "batch_size": 60, **network}
    recording = train("tanh", "he_normal", keep=("kernel", "gradient"), **run)
    measured = profile("tanh", "he_normal", dataset=dataset, num_replicates=1, **network)
    assert_close(recording.isel(step=0), measured, 1e-9)
    hand = by_hand("tanh", "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-9)


def test_an_untrained_scale_and_offset_are_one_and_zero():
    for entry in NORMALIZATIONS.values():
        layer = entry.layer()
        layer.build((None, 3))
        weights = [weight.numpy() for weight in layer.trainable_weights]
        assert [weight.tolist() for weight in weights] == [[1] * 3, [0] * 3][: 1 + entry.centred]
        assert isinstance(layer, getattr(keras.layers, entry.keras))
        assert entry.formula and entry.source


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"over": "example"}, "over must be one of examples, units; got 'example'"),
        ({"epsilon": 0}, "epsilon must be a finite number above 0; got 0"),
        ({"epsilon": None}, "epsilon must be a finite number above 0; got None"),
    ],
    ids=str,
)
def test_a_bad_entry_is_one_clear_sentence(change, words):
    good = {"over": "units", "centred": True, "epsilon": 1e-3, "keras": "LayerNormalization"}
    with pytest.raises(ValueError) as error:
        Normalization(**good | change)
    assert words in str(error.value)
