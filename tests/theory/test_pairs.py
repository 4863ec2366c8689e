import numpy as np
import pytest
from scipy.special import expit

from helpers import theory
from helpers.catalogue import ACTIVATIONS, Activation


@pytest.mark.parametrize("c", [-1, -0.6, 0, 0.3, 0.999, 1])
@pytest.mark.parametrize("q", [1e-6, 0.8, 60])
def test_pair_moments_agree_with_the_closed_forms(c, q, more_activations):
    angle = np.arccos(c)
    relu = theory.pair_moments("relu", q, c)  # Cho and Saul 2009, orders 1 and 0
    product = q * (np.sin(angle) + (np.pi - angle) * c) / (2 * np.pi)
    assert relu == pytest.approx(
        (product, (np.pi - angle) / (2 * np.pi)), rel=1e-9, abs=1e-15 * (1 + q)
    )
    erf_pair = theory.pair_moments("erf", q, c)  # Williams 1997
    assert erf_pair.product == pytest.approx(
        2 / np.pi * np.arcsin(2 * q * c / (1 + 2 * q)), rel=1e-9, abs=1e-12
    )
    slope = 4 / np.pi / np.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)
    assert erf_pair.slope_product == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pair_moments_contain_the_moments(activation):
    for q in (1e-3, 1, 50):
        m = theory.moments(activation, q)
        together, apart = (theory.pair_moments(activation, q, c) for c in (1, 0))
        assert together == pytest.approx((m.square, m.slope_square), rel=1e-8)
        assert apart == pytest.approx((m.mean**2, m.slope_mean**2), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(
    ("weight_variance", "q", "chi", "c", "xi_correlation", "xi_gradient"),
    [
        (0.5, 0.087580, 0.431987, 1, 1.191, 1.191),
        (1.0, 0.193593, 0.759032, 1, 3.627, 3.627),
        (1.3, 0.315316, 0.880164, 1, 7.834, 7.834),
        (1.5, 0.418037, 0.938636, 1, 15.79, 15.79),
        (1.7, 0.533076, 0.986741, 1, 74.92, 74.92),
        (1.8, 0.594132, 1.008223, 0.950411, 125.8, -122.1),
        (2.0, 0.721762, 1.047666, 0.744082, 25.21, -21.48),
        (2.5, 1.063958, 1.133516, 0.446804, 11.80, -7.979),
        (3.0, 1.428008, 1.208934, 0.299318, 9.051, -5.270),
        (4.0, 2.195494, 1.342402, 0.165065, 6.980, -3.396),
    ],
)
def test_depth_scales_of_tanh(weight_variance, q, chi, c, xi_correlation, xi_gradient):
    scales = theory.depth_scales("tanh", weight_variance, 0.05)
    assert scales[:3] == pytest.approx((q, chi, c), abs=6e-7)
    assert scales[3:] == pytest.approx((xi_correlation, xi_gradient), rel=5e-4)
    stays = theory.correlation_map("tanh", scales.c, weight_variance, 0.05)
    assert stays == pytest.approx(scales.c, abs=1e-9)


def test_depth_scales_are_defined_where_q_is_not():
    for activation in ACTIVATIONS:
        for weight_variance in (0.3, 1, 2, 64):
            scales = theory.depth_scales(activation, weight_variance)
            assert not np.isnan(scales).any() and 0 <= scales.c <= 1
    assert theory.depth_scales("relu", 2)[1:] == pytest.approx((1, 1, np.inf, np.inf))
    assert theory.depth_scales("tanh", 2).c == pytest.approx(0, abs=1e-9)


def test_expected_pair_profiles_come_to_the_fixed_points():
    scales = theory.depth_scales("tanh", 3.0, 0.05)
    predicted = theory.expected_pair_profile("tanh", 3.0, 0.05, depth=120, correlation=0.9)
    assert predicted.pre_activation_variance[-1] == pytest.approx(scales.q, rel=1e-9)
    assert predicted.correlation[-1] == pytest.approx(scales.c, rel=1e-4)
    late = np.log(predicted.correlation[60:70] - scales.c)
    assert -1 / np.diff(late).mean() == pytest.approx(scales.xi_correlation, rel=0.02)
    assert predicted.delta_norm[50] / predicted.delta_norm[51] == pytest.approx(
        np.sqrt(scales.chi), rel=1e-3
    )
    with pytest.raises(ValueError, match="Every z is 0"):
        theory.expected_pair_profile("tanh", 0.0, depth=3)


def test_critical_lines():
    tanh = {0: 1, 0.001: 1.189190, 0.01: 1.424205, 0.05: 1.760955, 0.1: 1.986073, 0.2: 2.285152}
    tanh |= {0.25: 2.401489, 0.3: 2.505127, 2.005868e-5: 1.049961, 0.1037910: 2.000041}
    found = [theory.critical_line("tanh", bias_variance) for bias_variance in tanh]
    np.testing.assert_allclose(found, list(tanh.values()), rtol=1e-6)
    assert theory.fixed_point("tanh", 1.049961, 2.005868e-5) == pytest.approx(0.0259, rel=1e-3)
    assert theory.fixed_point("tanh", 2.000041, 0.1037910) == pytest.approx(0.8214, rel=1e-3)


def test_critical_weight_variances_without_biases(monkeypatch, more_activations):
    centred = Activation(lambda z: expit(z) - 0.5, "unused")
    monkeypatch.setitem(ACTIVATIONS, "centred_sigmoid", centred)
    known = {"linear": 1, "relu": 2, "leaky_relu": 2 / (1 + 1e-4), "tanh": 1, "softsign": 1}
    known |= {"elu": 1, "erf": np.pi / 4, "scaled_tanh": 0.764185, "centred_sigmoid": 16}
    for activation, expected in known.items():
        assert theory.critical_line(activation) == pytest.approx(expected, rel=1e-5)
    assert theory.critical_line("relu", 0.1) == pytest.approx(2)
    with pytest.raises(ValueError, match="'gelu' has no critical point at bias_variance 0"):
        theory.critical_line("gelu")


def test_sigmoid_stops_vanishing_at_width_103():
    assert theory.critical_line("sigmoid") == pytest.approx(103.0076, abs=5e-5)
    expected = {2: 0.100977, 5: 0.200244, 10: 0.308108, 64: 0.794823, 100: 0.985806}
    expected |= {103: 0.999965, 104: 1.004637, 256: 1.553574, 1000: 3.024861}
    chis = [theory.gradient_ratio("sigmoid", "standard_normal", n) ** 2 for n in expected]
    np.testing.assert_allclose(chis, list(expected.values()), rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "gelu", "elu"])
def test_the_map_of_chi_is_chi_at_the_fixed_points(activation):
    weights = np.array([0.4, 0.9, 1.7, 3.0])
    biases = np.array([0.0, 0.05, 0.4])
    found = theory.chi_map(activation, weights, biases)
    for row, bias in zip(found, biases, strict=True):
        for value, weight in zip(row, weights, strict=True):
            q = theory.fixed_point(activation, weight, bias)
            assert value == pytest.approx(theory.chi(activation, q, weight), rel=2e-3)
