import numpy as np
import pytest

from helpers.catalogue import ACTIVATIONS, PRELU_SLOPE, Activation
from helpers.theory import derivative_product, expected_log10_factor


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", 0),
        ("sigmoid", -0.70013411),
        ("tanh", -0.32534494),
        ("relu", -np.inf),
        ("leaky_relu", -1),
        ("prelu", np.log10(PRELU_SLOPE) / 2),
        ("rrelu", -0.370181),
        ("elu", -0.17325843),
        ("selu", -0.03999716),
        ("gelu", -0.49771948),
        ("softplus", -0.35006706),
        ("scaled_tanh", -0.10583345),
        ("erf", -0.38183942),
        ("leaky_0.1", -0.5),
        ("leaky_0.2", -0.349485),
        ("leaky_0.3", -0.261439),
    ],
)
def test_expected_log_slopes_are_the_known_ones(activation, expected, more_activations):
    assert expected_log10_factor(activation) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("sigmoid", 0.127403),
        ("tanh", 0.378377),
        ("elu", 0.253550),
        ("selu", 0.195060),
        ("gelu", 0.554155),
        ("softplus", 0.226298),
    ],
)
def test_the_standard_deviation_of_log_slopes_is_the_known_one(activation, expected):
    logs = np.log10(np.abs(derivative_product(activation, 50, num_draws=20_000)))
    assert logs.std() == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "relu"])
@pytest.mark.parametrize("weight_std", [None, 3.0])
@pytest.mark.parametrize("std", [0.3, 4.0])
def test_the_prediction_is_the_mean_of_the_draws(activation, weight_std, std):
    setting = {"weight_std": weight_std, "pre_activation_std": std}
    logs = np.log10(np.abs(derivative_product(activation, 20, num_draws=5000, **setting)))
    error = logs.std() / np.sqrt(logs.size)
    assert expected_log10_factor(activation, **setting) == pytest.approx(
        logs.mean(), abs=5 * error + 1e-6
    )


def test_relu_survives_one_path_in_two_to_the_depth():
    factors = derivative_product("relu", 5, num_draws=64_000)
    assert factors.all(axis=1).mean() == pytest.approx(2**-5, rel=0.1)
    assert set(np.unique(factors)) == {0.0, 1.0}


def test_common_random_numbers():
    short = derivative_product("tanh", 5, num_draws=3, seed=2)
    np.testing.assert_array_equal(short, derivative_product("tanh", 9, num_draws=3, seed=2)[:, :5])
    assert not np.allclose(short, derivative_product("tanh", 5, num_draws=3, seed=3))
    weighted = derivative_product("tanh", 5, num_draws=3, seed=2, weight_std=1.0)
    doubled = derivative_product("tanh", 5, num_draws=3, seed=2, weight_std=2.0)
    np.testing.assert_allclose(doubled, 2 * weighted)
    assert (weighted < 0).any() and (short > 0).all()


def test_a_learner_s_activation_works(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "steep", Activation(lambda z: 10 * z, lambda z: 10 * z))
    assert expected_log10_factor("steep") == pytest.approx(1)
    np.testing.assert_allclose(derivative_product("steep", 3), 10)
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, "unused"))
    logs = np.log10(np.abs(derivative_product("sine", 20, num_draws=5000)))
    assert expected_log10_factor("sine") == pytest.approx(logs.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"activation": "sigmiod"}, "Did you mean 'sigmoid'"),
        ({"depth": 0}, "depth .* got 0"),
        ({"weight_std": 0}, "weight_std must be a finite number above 0; got 0"),
        ({"pre_activation_std": float("nan")}, "pre_activation_std .* got nan"),
        ({"pre_activation_std": "wide"}, "got 'wide'"),
        ({"num_draws": 0}, "num_draws .* got 0"),
        ({"seed": -3}, "seed .* got -3"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        derivative_product(**{"activation": "tanh", "depth": 5, **arguments})
