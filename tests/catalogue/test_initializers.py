"""Every initializer, and the one sampler."""

import helpers  # isort: skip
import numpy as np
import pytest
from scipy.stats import kstest

from helpers.catalogue import INITIALIZERS, Initializer, initializers


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

    monkeypatch.setattr(initializers, "_DRAWS", initializers._Draws())
    fresh, remembered = kernels(), kernels()
    np.testing.assert_array_equal(remembered, fresh)
    for kernel in remembered:
        kernel += 1  # a learner's own copy
    np.testing.assert_array_equal(kernels(), fresh)
    for draws in initializers._DRAWS.arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            draws += 1


def test_the_memory_of_draws_is_bounded(monkeypatch):
    draws = initializers._Draws()
    monkeypatch.setattr(initializers, "_DRAWS", draws)
    monkeypatch.setattr(draws, "MEMORY", 1000)
    sample = INITIALIZERS["he_uniform"].sample
    first = [sample(6, 5, layer=layer) for layer in range(10)]
    assert 0 < draws.size == sum(array.nbytes for array in draws.arrays.values()) <= 1000
    np.testing.assert_array_equal(first, [sample(6, 5, layer=layer) for layer in range(10)])
    sample(20, 20)  # more than fits: not kept, and nothing else forgotten
    assert 0 < draws.size <= 1000


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


WRONG = {
    "name": (lambda: INITIALIZERS["xavier"], "Unknown initializer 'xavier'. Allowed: standard_"),
    "variance": (lambda: Initializer(lambda i, o: -1.0), "variance of a weight must be a finite"),
    "family": (lambda: Initializer(lambda i, o: 1.0, "cauchy"), "Unknown distribution 'cauchy'"),
    "units": (lambda: INITIALIZERS["zeros"].sample(0, 3), "fan_in must be a whole number, 1 or"),
}


@pytest.mark.parametrize(("call", "said"), WRONG.values(), ids=WRONG)
def test_bad_entries_and_sizes_are_named(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)
