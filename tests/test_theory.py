import itertools

import keras
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, expit
from scipy.stats import norm

from helpers import measure, theory
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Activation, Initializer
from helpers.data import Dataset, circles
from helpers.theory import derivative_product, expected_log10_factor, verdict

# ---- moments -------------------------------------------------------------------------------------


@pytest.fixture
def more_activations(monkeypatch):
    """What a learner may add: with a derivative and without, with a kink elsewhere than at 0."""

    def leaky(slope):
        return Activation(lambda z: np.where(z > 0, z, slope * z), "unused")

    added = {
        "scaled_tanh": Activation(lambda z: 1.7159 * np.tanh(2 * z / 3), "unused"),
        "erf": Activation(erf, "unused", lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))),
        "hard_sigmoid": Activation(lambda z: np.clip(z / 6 + 0.5, 0, 1), "unused"),
        "hard_tanh": Activation(
            lambda z: np.clip(z, -0.7, 0.7), "unused", lambda z: np.where(np.abs(z) < 0.7, 1.0, 0.0)
        ),
        "sine": Activation(np.sin, "unused"),
        "cube": Activation(lambda z: z**3, "unused"),
        "constant": Activation(np.ones_like, "unused"),
        **{f"leaky_{slope}": leaky(slope) for slope in (0.1, 0.2, 0.3)},
    }
    for name, entry in added.items():
        monkeypatch.setitem(ACTIVATIONS, name, entry)


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
    entry, spread = ACTIVATIONS[activation], np.sqrt(q)
    cuts = np.array([x for x in (0.1, 1, 5, 40) if x < 12 * spread])
    cuts = np.unique([*cuts, *(spread * np.array([0, 0.1, 1, 4, 12]))])
    cuts = np.concatenate([-cuts[:0:-1], cuts])
    m = theory.moments(activation, q)
    for part, value in ((entry.function, m.square), (entry.derivative, m.slope_square)):
        expected = sum(
            quad(
                lambda z, part=part: part(np.array([z]))[0] ** 2 * norm.pdf(z, scale=spread),
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
    for a in (0.01, 0.25):
        name = {0.01: "leaky_relu", 0.25: "prelu"}[a]
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


def test_saturated_share_is_the_measured_definition():
    assert theory.SATURATED == measure.SATURATED
    for activation in ACTIVATIONS:
        entry = ACTIVATIONS[activation]
        for q in (0.3, 9.0):
            z = np.sqrt(q) * norm.ppf((np.arange(40_000) + 0.5) / 40_000)
            share = (np.abs(entry.derivative(z)) < 0.02 * entry.largest_slope).mean()
            assert theory.saturated_share(activation, q) == pytest.approx(share, abs=1e-4)
    q = theory.fixed_point("tanh", 64)
    assert theory.saturated_share("tanh", q) == pytest.approx(0.727, abs=5e-4)


# ---- what comes out of a normal z ----------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_push_forward_agrees_with_moments_where_the_mean_is_0(name):
    for spread in (0.2, 1.0, 3.0):
        pushed = theory.push_forward(name, spread=spread)
        np.testing.assert_allclose(pushed.moments, theory.moments(name, spread**2), atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "selu", "gelu", "sigmoid", "hard_tanh", "hard_sigmoid"])
def test_push_forward_sends_evenly_spread_z_where_it_says(name, more_activations):
    entry = ACTIVATIONS[name]
    z = norm.ppf((np.arange(100_000) + 0.5) / 100_000, loc=0.7, scale=1.3)
    pushed = theory.push_forward(name, mean=0.7, spread=1.3)
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
        pushed = theory.push_forward(name, spread=20.0)
        assert not pushed.phi.atoms and not pushed.slope.atoms


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"spread": 0}, "spread must be a finite number above 0; got 0."),
        ({"mean": np.inf}, "mean must be a finite number; got inf."),
    ],
)
def test_push_forward_refuses_what_is_no_normal(setting, reason):
    with pytest.raises(ValueError, match=reason):
        theory.push_forward("relu", **setting)
    with pytest.raises(ValueError, match="Unknown activation"):
        theory.push_forward("rely")


# ---- recursions ----------------------------------------------------------------------------------

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


def test_sigmoid_stops_vanishing_at_width_103():
    assert theory.critical_line("sigmoid") == pytest.approx(103.0076, abs=5e-5)
    expected = {2: 0.100977, 5: 0.200244, 10: 0.308108, 64: 0.794823, 100: 0.985806}
    expected |= {103: 0.999965, 104: 1.004637, 256: 1.553574, 1000: 3.024861}
    chis = [theory.gradient_ratio("sigmoid", "standard_normal", n) ** 2 for n in expected]
    np.testing.assert_allclose(chis, list(expected.values()), rtol=1e-5)


@pytest.mark.parametrize(
    ("activation", "initializer", "first", "delta", "kernel"),
    [
        ("sigmoid", "glorot_uniform", ".21175 .23478 .23599 .23605 .23605",
         (-5.6926, -11.9625, -18.2324), (-5.4039, -17.9438)),
        ("sigmoid", "he_normal", ".27213 .31395 .31746 .31774 .31777",
         (-4.5540, -9.5329, -14.5118), (-4.2758, -14.2336)),
        ("sigmoid", "heuristic_uniform", ".13457 .14131 .14145 .14145 .14145",
         (-7.6667, -16.1607, -24.6547), (-7.3700, -24.3580)),
        ("tanh", "glorot_normal", ".68147 .79784 .85248 .88421 .90487",
         (-0.5510, -0.7109, -0.8028), (0.0672, 0.0724)),
        ("tanh", "he_uniform", ".83607 .95649 1.00417 1.02667 1.03814",
         (0.0135, 0.2308, 0.4486), (0.2677, 0.7036)),
        ("tanh", "heuristic_uniform", ".47156 .54331 .56606 .57359 .57610",
         (-2.2742, -4.6598, -7.0454), (0.0116, 0.0116)),
        ("softsign", "lecun_normal", ".47715 .64436 .73247 .78631 .82243",
         (-1.0724, -1.3870, -1.5687), (0.0866, 0.0927)),
        ("softsign", "heuristic_uniform", ".33795 .45694 .51280 .54159 .55717",
         (-2.5941, -4.9820, -7.3676), (0.0309, 0.0309)),
        ("relu", "glorot_uniform", ".70711", (-1.3546, -2.8598, -4.3649), (0, 0)),
        ("relu", "he_normal", "1", (0, 0, 0), (0, 0)),
        ("leaky_0.2", "he_normal", "1.01980", (0.0767, 0.1618, 0.2470), (0, 0)),
        ("leaky_0.3", "he_normal", "1.04403", (0.1684, 0.3556, 0.5427), (0, 0)),
        ("elu", "glorot_uniform", ".81738 .83461 .85035 .86434 .87660",
         (-0.5401, -0.8251, -1.0016), (0.0346, 0.0456)),
        ("elu", "he_normal", "1.12044 1.11195 1.10460 1.09822 1.09263",
         (0.3542, 0.6179, 0.8217), (0.0983, 0.3200)),
        ("selu", "lecun_normal", "1.03517", (0.1351, 0.2852, 0.4353), (0.1351, 0.4353)),
        ("gelu", "glorot_uniform", ".67517 .62843 .57074 .52733 .50808",
         (-2.3895, -5.3998, -8.4101), (0.0493, 0.0493)),
        ("gelu", "he_normal", ".98946 .98642 .98281 .97847 .97320",
         (-0.1235, -1.0592, -2.5584), (0.1285, 0.2271)),
        ("silu", "glorot_uniform", ".61602 .56239 .52372 .50696 .50182",
         (-2.5393, -5.5496, -8.5599), (0.0307, 0.0307)),
        ("silu", "he_normal", ".92398 .90766 .88764 .86360 .83587",
         (-0.7314, -2.2179, -3.7231), (0.0987, 0.1033)),
        ("mish", "he_normal", "1.00143 1.00006 .99853 .99683 .99493",
         (-0.0229, -0.2110, -0.7497), (0.1137, 0.2729)),
    ],
)  # fmt: skip
def test_transients(activation, initializer, first, delta, kernel, more_activations):
    """Unit-variance input, equal widths: sqrt(chi_1) ..., and log10 of layer 1 over layer k."""
    s = theory.signals(activation, initializer, depth=30, width=64)
    first = [float(word) for word in first.split()]
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
    s = theory.signals(activation, "standard_normal", **setting)
    np.testing.assert_allclose(s.pre_activation_variance, expected, atol=6e-4)


def test_unequal_widths_follow_the_fans():
    """A linear network by hand: q and the squared delta are products of fan times variance."""
    widths, fan = [3, 7, 4], INITIALIZERS["glorot_normal"].variance
    s = theory.signals("linear", "glorot_normal", depth=3, width=widths, num_inputs=2)
    q = np.cumprod([2 * fan(2, 3), 3 * fan(3, 7), 7 * fan(7, 4)])
    np.testing.assert_allclose(s.pre_activation_variance, q)
    squares = [3 * fan(3, 7) * 7 * fan(7, 4), 7 * fan(7, 4), 1]
    np.testing.assert_allclose(s.delta_norm**2, squares)
    into = np.array([2, 3 * q[0], 7 * q[1]])  # E||a_(l-1)||^2
    np.testing.assert_allclose(s.gradient_norm**2, squares * into / into[-1])
    relu = theory.profile("relu", "he_normal", depth=3, width=widths)
    np.testing.assert_allclose(relu, 1)  # He keeps the norm at any widths


def test_everything_is_defined_everywhere(more_activations):
    """Collapse, explosion and a depth of 1 are results: no NaN, no warning."""
    for activation, initializer in itertools.product(ACTIVATIONS, INITIALIZERS):
        for width, residual in ((1, False), (256, False), (256, True)):
            s = theory.signals(
                activation, initializer, depth=50, width=width, num_inputs=2, residual=residual
            )
            assert not np.isnan(s).any(), (activation, initializer, width, residual)
            if activation not in ("cube", "constant"):
                assert np.isfinite(s).all() and s.delta_norm[-1] == 1
        assert theory.profile(activation, initializer, depth=1, width=3).shape == (1,)
    exploded = theory.signals("relu", "standard_normal", depth=50, width=64, num_inputs=2)
    np.testing.assert_allclose(exploded.pre_activation_variance[-1], 2 * 32.0**49)
    np.testing.assert_allclose(exploded.delta_norm[0], 32**24.5)
    assert theory.profile("selu", "zeros", depth=3, width=4).tolist() == [0, 0, 1]


# ---- prediction against measurement --------------------------------------------------------------


def measured(activation, initializer, dataset, *, depth=12, width=64, replicates=200, **more):
    setting = {"num_replicates": replicates, "num_examples": len(dataset), **more}
    m = measure.profile(
        activation, initializer, dataset=dataset, depth=depth, width=width, **setting
    )
    return m.isel(layer=slice(0, depth))


def rms(array):
    return np.sqrt((array.values**2).mean(axis=0))


def per_layer(delta_norm):
    """Geometric mean of the ratios of neighbours."""
    return (delta_norm[0] / delta_norm[-1]) ** (1 / (len(delta_norm) - 1))


@pytest.fixture(scope="module")
def sphere():
    """64 inputs of second moment 1, so that every kernel is square."""
    x = np.random.default_rng(0).standard_normal((8, 64))
    x *= 8 / np.linalg.norm(x, axis=1, keepdims=True)
    return Dataset(x.astype(np.float32), np.arange(8.0, dtype=np.float32) % 2, "sphere")


# where the scale of a signal is amplified more than a gradient, order 1 / width is not small yet
SLOW = {(name, "he_uniform") for name in ("gelu", "silu", "mish", "softplus")}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initializer", ["standard_normal", "glorot_uniform", "he_uniform"])
def test_predictions_hold_in_measured_networks(activation, initializer, sphere):
    """RMS over 200 networks of width 64, depth 12; facts: within 3 % per layer."""
    found = measured(activation, initializer, sphere)
    expected = theory.signals(activation, initializer, depth=12, width=64)
    tolerance = 0.12 if (activation, initializer) in SLOW else 0.03
    assert per_layer(rms(found.delta_norm)) == pytest.approx(
        per_layer(expected.delta_norm), rel=tolerance
    )
    if (activation, initializer) in SLOW:
        return
    ratios = rms(found.delta_norm)[:-1] / rms(found.delta_norm)[1:]
    np.testing.assert_allclose(  # one layer alone is noisy where the networks are chaotic
        ratios,
        expected.delta_norm[:-1] / expected.delta_norm[1:],
        rtol=0.15 if initializer == "standard_normal" else 0.05,
    )
    second = rms(found.activation_std) ** 2 + rms(found.activation_mean) ** 2
    np.testing.assert_allclose(
        second, expected.activation_std**2 + expected.activation_mean**2, rtol=0.2
    )
    np.testing.assert_allclose(found.saturation.mean("replicate"), expected.saturation, atol=0.03)


def test_inputs_of_many_sizes_are_averaged_over():
    """On the circles a single second moment misses the delta norm by a fifth."""
    dataset = circles(num_examples=16)
    found = rms(measured("tanh", "he_normal", dataset).delta_norm)
    setting = {"depth": 12, "width": 64, "num_inputs": 2}
    each = (dataset.x.astype(float) ** 2).mean(axis=1)
    every = theory.profile("tanh", "he_normal", **setting, input_second_moment=each)
    one = theory.profile("tanh", "he_normal", **setting, input_second_moment=each.mean())
    np.testing.assert_allclose(found / found[-1], every, rtol=0.05)
    assert abs(found[0] / found[-1] / one[0] - 1) > 0.15
    alike = theory.profile("tanh", "he_normal", **setting, input_second_moment=np.full(99, 0.3))
    same = theory.profile("tanh", "he_normal", **setting, input_second_moment=0.3)
    np.testing.assert_allclose(alike, same)


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh"])
def test_residual_predictions_hold(activation, sphere):
    found = measured(activation, "glorot_uniform", sphere, residual=True)
    expected = theory.signals(activation, "glorot_uniform", depth=12, width=64, residual=True)
    assert per_layer(rms(found.delta_norm)) == pytest.approx(
        per_layer(expected.delta_norm), rel=0.01
    )
    np.testing.assert_allclose(rms(found.activation_std), expected.activation_std, rtol=0.05)
    np.testing.assert_allclose(
        found.activation_mean.mean("replicate"), expected.activation_mean, atol=0.1
    )


def test_residual_relu_comes_to_the_prediction_as_the_width_grows():
    dataset = circles(num_examples=8)
    each = (dataset.x.astype(float) ** 2).mean(axis=1)

    def error(width, replicates):
        setting = {"depth": 8, "width": width, "residual": True}
        found = rms(
            measured("relu", "he_normal", dataset, replicates=replicates, **setting).delta_norm
        )
        setting |= {"num_inputs": 2, "input_second_moment": each}
        return found[0] / found[-1] / theory.profile("relu", "he_normal", **setting)[0] - 1

    assert 0.3 < error(32, 400) < 0.7
    assert abs(error(256, 40)) < 0.12


# ---- correlations --------------------------------------------------------------------------------


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


# ---- ReLU networks of finite width ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "ratio", "log10", "std", "growth"),
    [
        (2, 0.667556, -0.175512, 0.448463, 3.5),
        (3, 0.671666, -0.172846, 0.410539, 2.6667),
        (5, 0.732204, -0.135368, 0.333748, 2),
        (10, 0.857503, -0.066764, 0.202161, 1.5),
        (16, 0.915579, -0.038304, 0.140659, 1.3125),
        (32, 0.959570, -0.017923, 0.091485, 1.15625),
        (64, 0.980145, -0.008709, 0.062559, 1.078125),
        (100, 0.987370, -0.005520, 0.049489, 1.05),
        (256, 0.995098, -0.002134, 0.030570, 1.0195),
        (1000, 0.998749, -0.000544, 0.015383, 1.005),
    ],
)
def test_relu_laws_are_the_known_ones(width, ratio, log10, std, growth):
    law = theory.relu_law(width)
    assert law[:2] == pytest.approx((ratio, std), abs=6e-7)
    assert np.log10(law.typical_ratio) == pytest.approx(log10, abs=6e-7)
    assert law[2:] == pytest.approx((growth, 2.0**-width), rel=1e-4)


def test_relu_laws_scale_and_hold_in_networks():
    for variance, expected in ((1, 0.517746), (5, 1.157716), (1 / 3, 0.298921)):
        assert theory.relu_law(5, variance).typical_ratio == pytest.approx(expected, abs=6e-7)
    rng = np.random.default_rng(0)
    z = np.sqrt(2 / 5) * rng.standard_normal((200_000, 5))  # any input of norm 1
    squares = (np.maximum(z, 0) ** 2).sum(axis=1)
    law, alive = theory.relu_law(5), np.log10(squares[squares > 0]) / 2
    assert (alive.mean(), alive.std()) == pytest.approx(
        (np.log10(law.typical_ratio), law.log10_std), abs=0.003
    )
    assert (squares == 0).mean() == pytest.approx(law.dead_probability, abs=0.002)
    assert (squares**2).mean() == pytest.approx(law.second_moment_growth, rel=0.02)


def test_dead_at_birth():
    known = {(5, 4): 0.119262, (5, 10): 0.272024, (5, 12): 0.316811, (5, 50): 0.795551}
    known |= {(2, 10): 0.943686, (3, 10): 0.736924, (10, 10): 0.009723, (64, 10): 0}
    for (width, depth), expected in known.items():
        assert theory.relu_dead_probability([width] * depth) == pytest.approx(expected, abs=6e-7)
    assert theory.relu_dead_probability([64]) == 2.0**-64
    assert theory.relu_dead_probability([1, 2]) == pytest.approx(1 - 0.5 * 0.75)


# ---- factors along one path ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", 0),
        ("sigmoid", -0.70013411),
        ("tanh", -0.32534494),
        ("relu", -np.inf),
        ("leaky_relu", -1),
        ("prelu", np.log10(0.25) / 2),
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
def test_log_slopes_spread_as_known(activation, expected):
    logs = np.log10(np.abs(derivative_product(activation, 50, num_draws=20_000)))
    assert logs.std() == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "relu"])
@pytest.mark.parametrize("weight_std", [None, 3.0])
@pytest.mark.parametrize("spread", [0.3, 4.0])
def test_the_prediction_is_the_mean_of_the_draws(activation, weight_std, spread):
    setting = {"weight_std": weight_std, "pre_activation_std": spread}
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
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, keras.ops.sin))
    logs = np.log10(np.abs(derivative_product("sine", 20, num_draws=5000)))
    assert expected_log10_factor("sine") == pytest.approx(logs.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (0, "dead"),
        (1e-300, "vanishing"),
        (-1e-4, "vanishing"),
        (1e-3, "healthy"),
        (-1, "healthy"),
        (1e3, "healthy"),
        (1e4, "exploding"),
        (np.inf, "exploding"),
        (np.nan, "exploding"),
    ],
)
def test_verdicts_follow_one_rule(ratio, word):
    assert verdict(ratio) == word


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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: theory.moments("rleu", 1), "Did you mean 'relu'"),
        (lambda: theory.moments("relu", -1), "q must be 0 or more; got -1"),
        (lambda: theory.moments("relu", [1, np.nan]), "q must be 0 or more"),
        (lambda: theory.pair_moments("relu", np.inf, 0), "q must be a finite number.*got inf"),
        (lambda: theory.pair_moments("relu", 1, 1.5), "correlation must be .*got 1.5"),
        (lambda: theory.variance_map("relu", 1, -2), "weight_variance must be .*got -2"),
        (lambda: theory.fixed_point("relu", 2, -0.1), "bias_variance must be .*got -0.1"),
        (lambda: theory.fixed_point("relu", [1, 2]), r"must be one number; got \[1, 2\]"),
        (lambda: theory.chi("relu", 1, "two"), "weight_variance must be .*got 'two'"),
        (lambda: theory.critical_line("relu", np.nan), "bias_variance must be .*got nan"),
        (lambda: theory.correlation_map("relu", 0.5, 0), "both variances 0"),
        (lambda: theory.gradient_ratio("relu", "he", 5), "Unknown initializer 'he'"),
        (lambda: theory.gradient_ratio("relu", "he_normal", 0), "width must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=0, width=5), "depth must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=[5, 0]), "width must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=[5]), "one number or 2.*got 1"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=5, num_inputs=0), "num_inputs"),
        (
            lambda: theory.profile("relu", "zeros", depth=2, width=5, input_second_moment=-1),
            "input_second_moment must be a finite number, 0 or more; got -1",
        ),
        (lambda: theory.relu_law(0), "width must be .*got 0"),
        (lambda: theory.relu_law(5, 0), "weight_variance must be .*got 0"),
        (lambda: theory.relu_dead_probability([5, 0]), "width must be .*got 0"),
    ],
    ids=itertools.count(),
)
def test_bad_settings_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(
    ("activation", "weight_variance"),
    [("tanh", 1.0), ("tanh", 2.5), ("sigmoid", 60.0), ("relu", 1.6)],
)
def test_pair_signals_hold_in_measured_networks(activation, weight_variance):
    setting = activation, weight_variance, 0.1
    options = {"depth": 8, "correlation": 0.3, "input_second_moment": 0.5}
    found = measure.pair_profile(*setting, **options, width=200, num_replicates=40)
    predicted = theory.pair_signals(*setting, **options)
    delta = rms(found.delta_norm)
    np.testing.assert_allclose(delta / delta[-1], predicted.delta_norm, rtol=0.12)
    q = found.pre_activation_variance.values.mean(axis=0)
    np.testing.assert_allclose(q, predicted.pre_activation_variance, rtol=0.08)
    np.testing.assert_allclose(
        found.correlation.mean("replicate"), predicted.correlation, atol=0.06
    )


def test_pair_signals_come_to_the_fixed_points():
    scales = theory.depth_scales("tanh", 3.0, 0.05)
    predicted = theory.pair_signals("tanh", 3.0, 0.05, depth=120, correlation=0.9)
    assert predicted.pre_activation_variance[-1] == pytest.approx(scales.q, rel=1e-9)
    assert predicted.correlation[-1] == pytest.approx(scales.c, rel=1e-4)
    late = np.log(predicted.correlation[60:70] - scales.c)
    assert -1 / np.diff(late).mean() == pytest.approx(scales.xi_correlation, rel=0.02)
    assert predicted.delta_norm[50] / predicted.delta_norm[51] == pytest.approx(
        np.sqrt(scales.chi), rel=1e-3
    )
    with pytest.raises(ValueError, match="every z is 0"):
        theory.pair_signals("tanh", 0.0, depth=3)


def test_signals_take_the_initializer_s_biases(monkeypatch):
    rule = Initializer(lambda n_in, n_out: 1.5 / n_in, bias_variance=0.2)
    monkeypatch.setitem(INITIALIZERS, "biased", rule)
    predicted = theory.signals("tanh", "biased", depth=6, width=10)
    pair = theory.pair_signals("tanh", 1.5, 0.2, depth=6)
    np.testing.assert_allclose(predicted.pre_activation_variance, pair.pre_activation_variance)
    np.testing.assert_allclose(predicted.delta_norm, pair.delta_norm)
    fixed = theory.fixed_point("tanh", 1.5, 0.2)
    ratio = theory.gradient_ratio("tanh", "biased", 10)
    assert ratio == pytest.approx(np.sqrt(theory.chi("tanh", fixed, 1.5)))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "gelu", "elu"])
def test_the_map_of_chi_is_chi_at_the_fixed_points(activation):
    weights, biases = np.array([0.4, 0.9, 1.7, 3.0]), np.array([0.0, 0.05, 0.4])
    found = theory.chi_map(activation, weights, biases)
    for row, bias in zip(found, biases, strict=True):
        for value, weight in zip(row, weights, strict=True):
            q = theory.fixed_point(activation, weight, bias)
            assert value == pytest.approx(theory.chi(activation, q, weight), rel=2e-3)
