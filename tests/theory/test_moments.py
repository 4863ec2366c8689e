import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from helpers import theory
from helpers.catalogue import ACTIVATIONS, LEAKY_SLOPE, PRELU_SLOPE, SATURATED


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("sigmoid", (0.5, 0.29337904, 0.20662096, 0.04483624)),
        ("hard_sigmoid", (0.5, 0.27763909, 0.16621670, 0.02770278)),
        ("tanh", (0, 0.39429449, 0.60570551, 0.46440290)),
        ("scaled_tanh", (0, 0.75043028, 0.85237389, 0.80398911)),
        ("erf", (0, 0.46455905, 0.65147002, 0.56941003)),
        ("relu", (0.39894228, 0.5, 0.5, 0.5)),
        ("leaky_relu", (0.39495286, 0.50005, 0.505, 0.50005)),
        ("leaky_0.1", (0.35904805, 0.505, 0.55, 0.505)),
        ("leaky_0.2", (0.31915382, 0.52, 0.6, 0.52)),
        ("leaky_0.3", (0.27925960, 0.545, 0.65, 0.545)),
        ("rrelu", (0.32640732, 0.51652893, 0.59090909, 0.51652893)),
        ("elu", (0.16052057, 0.64494542, 0.76157829, 0.66810200)),
        ("selu", (0, 1, 0.98523112, 1.07157499)),
        ("gelu", (0.28209479, 0.42522148, 0.5, 0.45585087)),
        ("softplus", (0.80605918, 0.92124591, 0.5, 0.29337904)),
    ],
)
def test_moments_at_variance_1_are_the_known_ones(activation, expected, more_activations):
    own_slope = activation == "hard_sigmoid" or activation.startswith(("leaky_0", "scaled"))
    tolerance = 1e-5 if own_slope else 1e-8
    np.testing.assert_allclose(theory.moments(activation, 1), expected, rtol=tolerance, atol=6e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("q", [1e-12, 0.7, 1e6])
def test_moments_are_the_integrals(activation, q):
    """By adaptive quadrature, which knows nothing of the module's nodes."""
    entry = ACTIVATIONS[activation]
    std = np.sqrt(q)
    cuts = np.array([x for x in (0.1, 1, 5, 40) if x < 12 * std])
    cuts = np.unique([*cuts, *(std * np.array([0, 0.1, 1, 4, 12]))])
    cuts = np.concatenate([-cuts[:0:-1], cuts])
    m = theory.moments(activation, q)
    for part, value in ((entry.function, m.square), (entry.derivative, m.slope_square)):
        expected = sum(
            quad(
                lambda z, part=part: part(np.array([z]))[0] ** 2 * norm.pdf(z, scale=std),
                *ends,
                epsabs=0,
                epsrel=1e-10,
            )[0]
            for ends in itertools.pairwise(cuts)
        )
        assert value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("q", [1e-12, 1e-3, 0.5, 20.0, 1e7, 1e150])
def test_moments_agree_with_the_closed_forms(q, more_activations):
    def same(activation, square, slope_square, rel=1e-8):
        m = theory.moments(activation, q)
        assert (m.square, m.slope_square) == pytest.approx((square, slope_square), rel=rel)

    same("linear", q, 1)
    same("relu", q / 2, 0.5)
    for name, a in (("leaky_relu", LEAKY_SLOPE), ("prelu", PRELU_SLOPE)):
        same(name, (1 + a**2) * q / 2, (1 + a**2) / 2)
    same("erf", 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)), 4 / (np.pi * np.sqrt(1 + 4 * q)))
    m = theory.moments("sigmoid", q)
    assert m.slope_mean == pytest.approx(m.mean - m.square, rel=1e-6, abs=1e-15)
    m = theory.moments("tanh", q)
    assert m.slope_mean == pytest.approx(1 - m.square, rel=1e-6, abs=1e-15)
    if q < 100:
        same("sine", (1 - np.exp(-2 * q)) / 2, (1 + np.exp(-2 * q)) / 2, rel=1e-5)
        same("cube", 15 * q**3, 27 * q**2, rel=1e-5)
        assert theory.moments("sine", q).slope_mean == pytest.approx(np.exp(-q / 2), rel=1e-5)
    inside = 2 * norm.cdf(0.7 / np.sqrt(q)) - 1
    assert theory.moments("hard_tanh", q).slope_square == pytest.approx(inside, rel=1e-8)


def test_moments_take_arrays_and_have_limits(more_activations):
    m = theory.moments("elu", [[0, 1], [1e300, np.inf]])
    assert m.square.shape == (2, 2)
    np.testing.assert_allclose(m.square, [[0, 0.644945417], [np.inf, np.inf]])
    np.testing.assert_allclose(m.slope_square, [[1, 0.668102001], [0.5, 0.5]])
    assert theory.moments("relu", 0) == pytest.approx((0, 0, 0.5, 0.5))
    assert theory.moments("sigmoid", np.inf) == pytest.approx((0.5, 0.5, 0, 0))
    assert theory.moments("cube", np.inf).square == np.inf


def test_saturated_share_is_what_evenly_spread_z_measure():
    for activation in ACTIVATIONS:
        entry = ACTIVATIONS[activation]
        for q in (0.3, 9.0):
            z = np.sqrt(q) * norm.ppf((np.arange(40_000) + 0.5) / 40_000)
            share = (np.abs(entry.derivative(z)) < SATURATED * entry.largest_slope).mean()
            assert theory.saturated_share(activation, q) == pytest.approx(share, abs=1e-4)
    q = theory.fixed_point("tanh", 64)
    assert theory.saturated_share("tanh", q) == pytest.approx(0.727, abs=5e-4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_push_forward_agrees_with_moments_where_the_mean_is_0(name):
    for std in (0.2, 1.0, 3.0):
        pushed = theory.push_forward(name, std=std)
        np.testing.assert_allclose(pushed.moments, theory.moments(name, std**2), atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "selu", "gelu", "sigmoid", "hard_tanh", "hard_sigmoid"])
def test_push_forward_sends_evenly_spread_z_where_it_says(name, more_activations):
    entry = ACTIVATIONS[name]
    z = norm.ppf((np.arange(100_000) + 0.5) / 100_000, loc=0.7, scale=1.3)
    pushed = theory.push_forward(name, mean=0.7, std=1.3)
    for part, function in ((pushed.phi, entry.function), (pushed.slope, entry.derivative)):
        values = function(z)
        assert part.share.sum() + sum(part.atoms.values()) == pytest.approx(1, abs=1e-9)
        for value, share in part.atoms.items():
            rough = 2e-3 if name == "hard_sigmoid" else 2e-5  # its slope is a difference
            assert share == pytest.approx((values == value).mean(), abs=rough)
        for mark in np.quantile(values, [0.1, 0.3, 0.6, 0.9]) + 1e-3:
            reached = np.clip((mark - part.low) / np.maximum(part.high - part.low, 1e-12), 0, 1)
            below = reached @ part.share + sum(p for v, p in part.atoms.items() if v < mark)
            assert below == pytest.approx((values < mark).mean(), abs=2e-3)
    truth = [entry.function(z), entry.function(z) ** 2, entry.derivative(z)]
    np.testing.assert_allclose(pushed.moments[:3], np.mean(truth, axis=1), atol=2e-3)


def test_atoms_are_values_of_whole_stretches_and_no_rounding(more_activations):
    assert set(theory.push_forward("relu").phi.atoms) == {0.0}
    assert set(theory.push_forward("relu").slope.atoms) == {0.0, 1.0}
    assert set(theory.push_forward("hard_tanh").phi.atoms) == {-0.7, 0.7}
    assert theory.push_forward("elu").slope.atoms == {1.0: pytest.approx(0.5)}
    for name in ("tanh", "sigmoid", "gelu"):  # at z = 40 they are 1 to the last digit
        pushed = theory.push_forward(name, std=20.0)
        assert not pushed.phi.atoms and not pushed.slope.atoms


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"std": 0}, "std must be a finite number above 0; got 0."),
        ({"mean": np.inf}, "mean must be a finite number; got inf."),
    ],
)
def test_push_forward_refuses_what_is_no_normal(setting, reason):
    with pytest.raises(ValueError, match=reason):
        theory.push_forward("relu", **setting)
    with pytest.raises(ValueError, match="Unknown activation"):
        theory.push_forward("rely")
