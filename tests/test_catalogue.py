import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import kstest

from helpers import catalogue
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, RRELU_DIVISORS, Activation, Initializer
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


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_sampler_draws_what_keras_draws(name):
    entry = INITIALIZERS[name]
    ours = entry.sample(60, 40, seed=1).ravel().astype(float)
    keras_s = np.ravel(entry.keras(seed=2)((60, 40))).astype(float)
    assert ours.std() == pytest.approx(keras_s.std(), rel=0.06)
    assert np.mean(ours**2) == pytest.approx(entry.variance(60, 40), rel=0.1)
    if name != "zeros":
        assert kstest(ours, keras_s).pvalue > 1e-3
        bounded = entry.distribution in {"uniform", "truncated_normal"}
        if bounded:
            assert np.abs(ours).max() == pytest.approx(np.abs(keras_s).max(), rel=0.02)


def test_orthogonal_kernels_are():
    for fan_in, fan_out in [(7, 7), (9, 4), (4, 9)]:
        kernel = INITIALIZERS["orthogonal"].sample(fan_in, fan_out).astype(float)
        small = kernel.T @ kernel if fan_in >= fan_out else kernel @ kernel.T
        np.testing.assert_allclose(small, np.eye(min(fan_in, fan_out)), atol=1e-6)


def test_streams_belong_to_seed_replicate_and_layer():
    sample = INITIALIZERS["he_normal"].sample
    base = sample(6, 5, seed=1, replicate=2, layer=3)
    np.testing.assert_array_equal(base, sample(6, 5, seed=1, replicate=2, layer=3))
    for other in ({"seed": 0}, {"replicate": 1}, {"layer": 2}):
        changed = sample(6, 5, **{"seed": 1, "replicate": 2, "layer": 3, **other})
        assert abs(np.corrcoef(base.ravel(), changed.ravel())[0, 1]) < 0.6


def test_common_random_numbers():
    """The same seed gives the same draws: rescaled within a family, in the same order across."""
    glorot = INITIALIZERS["glorot_uniform"].sample(8, 4, seed=5)
    he = INITIALIZERS["he_uniform"].sample(8, 4, seed=5)
    np.testing.assert_allclose(he / glorot, np.sqrt((2 / 8) / (2 / 12)), rtol=1e-5)
    normal = INITIALIZERS["standard_normal"].sample(8, 4, seed=5)
    np.testing.assert_array_equal(np.argsort(normal.ravel()), np.argsort(glorot.ravel()))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_remembered_draws_are_the_fresh_ones(name, monkeypatch):
    def kernels():
        sample = INITIALIZERS[name].sample
        return [sample(6, 5, seed=1, replicate=number % 2, layer=number) for number in range(4)]

    monkeypatch.setattr(catalogue, "_DRAWS", catalogue._Draws())
    fresh, remembered = kernels(), kernels()
    np.testing.assert_array_equal(remembered, fresh)
    for kernel in remembered:
        kernel += 1  # a learner's own copy
    np.testing.assert_array_equal(kernels(), fresh)
    for draws in catalogue._DRAWS.arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            draws += 1


def test_the_memory_of_draws_is_bounded(monkeypatch):
    draws = catalogue._Draws()
    monkeypatch.setattr(catalogue, "_DRAWS", draws)
    monkeypatch.setattr(draws, "MEMORY", 1000)
    sample = INITIALIZERS["he_uniform"].sample
    first = [sample(6, 5, layer=layer) for layer in range(10)]
    assert 0 < draws.size == sum(array.nbytes for array in draws.arrays.values()) <= 1000
    np.testing.assert_array_equal(first, [sample(6, 5, layer=layer) for layer in range(10)])
    sample(20, 20)  # more than fits: not kept, and nothing else forgotten
    assert 0 < draws.size <= 1000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ACTIVATIONS["rellu"], "Unknown activation 'rellu'. Did you mean 'relu'"),
        (lambda: ACTIVATIONS["Tanh"], "Did you mean 'tanh'"),
        (lambda: ACTIVATIONS[None], "Unknown activation None. Allowed: linear, sigmoid"),
        (lambda: INITIALIZERS["xavier"], "Unknown initializer 'xavier'. Allowed: standard_normal"),
        (lambda: Activation(np.sum, None), "same shape"),
        (lambda: Activation(lambda z: z / 0, None), "finite"),
        (lambda: Initializer(lambda i, o: -1.0), "variance .* -1.0"),
        (lambda: Initializer(lambda i, o: 1.0, "cauchy"), "Unknown distribution 'cauchy'"),
        (lambda: INITIALIZERS["zeros"].sample(0, 3), "fan_in .* got 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_entries_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_biases_have_their_variance_and_a_stream_of_their_own():
    rule = Initializer(lambda n_in, n_out: 1.0, bias_variance=4.0)
    bias = rule.sample_bias(100_000)
    assert bias.dtype == np.float32 and bias.std() == pytest.approx(2, rel=0.02)
    kernel = rule.sample(1, 100_000)[0]
    assert abs(np.corrcoef(bias, kernel)[0, 1]) < 0.02
    same, other = rule.sample_bias(5, seed=1), rule.sample_bias(5, seed=1, layer=2)
    np.testing.assert_array_equal(rule.sample_bias(5, seed=1), same)
    assert (same != other).all()
    assert not INITIALIZERS["he_normal"].sample_bias(5).any()
    with pytest.raises(ValueError, match=r"bias_variance must be .* got -1"):
        Initializer(lambda n_in, n_out: 1.0, bias_variance=-1)
