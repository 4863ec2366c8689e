import itertools

import numpy as np
import pytest

from helpers import theory
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Initializer

RATIOS = {  # heuristic_uniform, glorot_uniform, he_normal, standard_normal at width 5, 64, 1000
    "linear": (0.577350, 1, 1.414214, 2.236068, 8, 31.622777),
    "sigmoid": (0.141449, 0.236052, 0.317769, 0.447486, 0.891529, 1.739213),
    "tanh": (0.577350, 1, 1.051441, 1.215108, 2.117695, 4.127608),
    "relu": (0.408248, 0.707107, 1, 1.581139, 5.656854, 22.360680),
    "leaky_relu": (0.408269, 0.707142, 1.000050, 1.581218, 5.657137, 22.361798),
    "leaky_0.2": (0.416333, 0.721110, 1.019804, 1.612452, 5.768882, 22.803509),
    "leaky_0.3": (0.426224, 0.738241, 1.044031, 1.650757, 5.905929, 23.345235),
    "elu": (0.577350, 1, 1, 1.581139, 5.656855, 22.360684),
    "selu": (0.836150, 1.035169, 1.050702, 1.661305, 5.943666, 23.494401),
    "gelu": (0.288675, 0.5, 0.707107, 1.581139, 5.656855, 22.360681),
    "erf": (0.651470, 1.008416, 1.094242, 1.294131, 2.303602, 4.509652),
    "scaled_tanh": (0.660450, 1.009579, 1.090229, 1.279040, 2.257173, 4.411090),
    "softplus": (0.294792, 0.537328, 1, 1.581138, 5.656852, 22.360671),
}


@pytest.mark.parametrize("activation", RATIOS)
def test_gradient_ratios_are_the_known_ones(activation, more_activations):
    settings = [
        ("heuristic_uniform", 9),
        ("glorot_uniform", 9),
        ("he_normal", 9),
        ("standard_normal", 5),
        ("standard_normal", 64),
        ("standard_normal", 1000),
    ]
    ratios = [theory.gradient_ratio(activation, *setting) for setting in settings]
    np.testing.assert_allclose(ratios, RATIOS[activation], rtol=1e-5)
    square = theory.gradient_ratio(activation, "lecun_uniform", 33)
    assert square == pytest.approx(ratios[1], rel=1e-9)


def test_fixed_points():
    variances = (1 / 3, 1, 2, 5, 64, 1000)
    sigmoid = [theory.fixed_point("sigmoid", v) for v in variances]
    np.testing.assert_allclose(
        sigmoid, [0.085034, 0.264687, 0.555290, 1.541234, 27.382523, 481.888], rtol=1e-5
    )
    tanh = [theory.fixed_point("tanh", v) for v in variances]
    np.testing.assert_allclose(tanh, [0, 0, 0.617965, 2.926782, 57.301865, 974.451], rtol=1e-5)
    assert theory.fixed_point("selu", 1) == pytest.approx(1)
    for activation in ("elu", "softplus", "selu", "leaky_relu"):
        assert theory.fixed_point(activation, 2) == np.inf
    assert theory.fixed_point("gelu", 2) == theory.fixed_point("relu", 1.9) == 0
    assert theory.fixed_point("relu", 2, 0.1) == np.inf
    for activation in ACTIVATIONS:
        for variance in (0.5, 1.3, 3.0):
            q = theory.fixed_point(activation, variance, 0.05)
            if np.isfinite(q):
                assert theory.variance_map(activation, q, variance, 0.05) == pytest.approx(q)


# unit-variance input, equal widths: activation; sqrt(chi_1), ...; log10 of delta in layer 1 over
# layers 10, 20 and 30; log10 of the kernel gradient in layer 1 over layers 10 and 30
TRANSIENTS = {
    "glorot_uniform": """
        sigmoid .21175 .23478 .23599 .23605 .23605 | -5.6926 -11.9625 -18.2324 | -5.4039 -17.9438
        relu .70711 | -1.3546 -2.8598 -4.3649 | 0 0
        elu .81738 .83461 .85035 .86434 .87660 | -0.5401 -0.8251 -1.0016 | 0.0346 0.0456
        gelu .67517 .62843 .57074 .52733 .50808 | -2.3895 -5.3998 -8.4101 | 0.0493 0.0493
        silu .61602 .56239 .52372 .50696 .50182 | -2.5393 -5.5496 -8.5599 | 0.0307 0.0307
    """,
    "glorot_normal": """
        tanh .68147 .79784 .85248 .88421 .90487 | -0.5510 -0.7109 -0.8028 | 0.0672 0.0724
    """,
    "he_normal": """
        sigmoid .27213 .31395 .31746 .31774 .31777 | -4.5540 -9.5329 -14.5118 | -4.2758 -14.2336
        relu 1 | 0 0 0 | 0 0
        leaky_0.2 1.01980 | 0.0767 0.1618 0.2470 | 0 0
        leaky_0.3 1.04403 | 0.1684 0.3556 0.5427 | 0 0
        elu 1.12044 1.11195 1.10460 1.09822 1.09263 | 0.3542 0.6179 0.8217 | 0.0983 0.3200
        gelu .98946 .98642 .98281 .97847 .97320 | -0.1235 -1.0592 -2.5584 | 0.1285 0.2271
        silu .92398 .90766 .88764 .86360 .83587 | -0.7314 -2.2179 -3.7231 | 0.0987 0.1033
        mish 1.00143 1.00006 .99853 .99683 .99493 | -0.0229 -0.2110 -0.7497 | 0.1137 0.2729
    """,
    "he_uniform": """
        tanh .83607 .95649 1.00417 1.02667 1.03814 | 0.0135 0.2308 0.4486 | 0.2677 0.7036
    """,
    "heuristic_uniform": """
        sigmoid .13457 .14131 .14145 .14145 .14145 | -7.6667 -16.1607 -24.6547 | -7.3700 -24.3580
        tanh .47156 .54331 .56606 .57359 .57610 | -2.2742 -4.6598 -7.0454 | 0.0116 0.0116
        softsign .33795 .45694 .51280 .54159 .55717 | -2.5941 -4.9820 -7.3676 | 0.0309 0.0309
    """,
    "lecun_normal": """
        softsign .47715 .64436 .73247 .78631 .82243 | -1.0724 -1.3870 -1.5687 | 0.0866 0.0927
        selu 1.03517 | 0.1351 0.2852 0.4353 | 0.1351 0.4353
    """,
}


@pytest.mark.parametrize(
    ("initializer", "row"),
    [(name, row.strip()) for name, rows in TRANSIENTS.items() for row in rows.strip().split("\n")],
)
def test_transients(initializer, row, more_activations):
    """Before q has settled: the first five ratios, and what is left of them in the end."""
    activation, row = row.split(maxsplit=1)
    first, delta, kernel = ([float(word) for word in part.split()] for part in row.split("|"))
    s = theory.expected_profile(activation, initializer, depth=30, width=64)
    ratios = (s.delta_norm[:-1] / s.delta_norm[1:])[: len(first)]
    np.testing.assert_allclose(ratios, first, atol=6e-6)
    logs = np.log10(s.delta_norm[0] / s.delta_norm[[9, 19, 29]])
    np.testing.assert_allclose(logs, delta, atol=6e-5)
    logs = np.log10(s.gradient_norm[0] / s.gradient_norm[[9, 29]])
    np.testing.assert_allclose(logs, kernel, atol=6e-5)
    np.testing.assert_array_equal(
        s.delta_norm, theory.profile(activation, initializer, depth=30, width=64)
    )


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("sigmoid", [0.645, 1.406, 1.524, 1.539, 1.541]),
        ("tanh", [0.645, 1.582, 2.390, 2.755, 2.876]),
        ("relu", [0.645, 1.6125, 4.03125, 10.078125, 25.195]),
    ],
)
def test_variances_of_source_a_s_network(activation, expected):
    setting = {"depth": 5, "width": 5, "num_inputs": 2, "input_second_moment": 0.645 / 2}
    s = theory.expected_profile(activation, "standard_normal", **setting)
    np.testing.assert_allclose(s.pre_activation_variance, expected, atol=6e-4)


def test_unequal_widths_follow_the_fans():
    """A linear network by hand: q and the squared delta are products of fan times variance."""
    widths = [3, 7, 4]
    fan = INITIALIZERS["glorot_normal"].variance
    s = theory.expected_profile("linear", "glorot_normal", depth=3, width=widths, num_inputs=2)
    q = np.cumprod([2 * fan(2, 3), 3 * fan(3, 7), 7 * fan(7, 4)])
    np.testing.assert_allclose(s.pre_activation_variance, q)
    squares = [3 * fan(3, 7) * 7 * fan(7, 4), 7 * fan(7, 4), 1]
    np.testing.assert_allclose(s.delta_norm**2, squares)
    into = np.array([2, 3 * q[0], 7 * q[1]])  # E||a_(l-1)||^2
    np.testing.assert_allclose(s.gradient_norm**2, squares * into / into[-1])
    relu = theory.profile("relu", "he_normal", depth=3, width=widths)
    np.testing.assert_allclose(relu, 1)  # He keeps the norm at any widths


def test_expected_profiles_take_the_initializer_s_biases(monkeypatch):
    entry = Initializer(lambda n_in, n_out: 1.5 / n_in, bias_variance=0.2)
    monkeypatch.setitem(INITIALIZERS, "biased", entry)
    predicted = theory.expected_profile("tanh", "biased", depth=6, width=10)
    pair = theory.expected_pair_profile("tanh", 1.5, 0.2, depth=6)
    np.testing.assert_allclose(predicted.pre_activation_variance, pair.pre_activation_variance)
    np.testing.assert_allclose(predicted.delta_norm, pair.delta_norm)
    fixed = theory.fixed_point("tanh", 1.5, 0.2)
    ratio = theory.gradient_ratio("tanh", "biased", 10)
    assert ratio == pytest.approx(np.sqrt(theory.chi("tanh", fixed, 1.5)))


def test_everything_is_defined_everywhere(more_activations):
    """Collapse, explosion and a depth of 1 are results: no NaN, no warning."""
    for activation, initializer in itertools.product(ACTIVATIONS, INITIALIZERS):
        for width, residual in ((1, False), (256, False), (256, True)):
            s = theory.expected_profile(
                activation, initializer, depth=50, width=width, num_inputs=2, residual=residual
            )
            assert not np.isnan(s).any(), (activation, initializer, width, residual)
            if activation not in ("cube", "constant"):
                assert np.isfinite(s).all() and s.delta_norm[-1] == 1
        assert theory.profile(activation, initializer, depth=1, width=3).shape == (1,)
    exploded = theory.expected_profile("relu", "standard_normal", depth=50, width=64, num_inputs=2)
    np.testing.assert_allclose(exploded.pre_activation_variance[-1], 2 * 32.0**49)
    np.testing.assert_allclose(exploded.delta_norm[0], 32**24.5)
    assert theory.profile("selu", "zeros", depth=3, width=4).tolist() == [0, 0, 1]
