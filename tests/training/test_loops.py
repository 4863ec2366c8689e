"""Every loop of an activation against NumPy in float64, over the whole range of z."""

import numpy as np
import pytest
from numba import njit
from scipy.special import erfc, expit, ndtr

from helpers import catalogue
from helpers.catalogue import ACTIVATIONS, RRELU_DIVISORS
from helpers.training import activation_loops, engine
from tests.training.readable import mixed, random_slopes

# Relative to the value; a float32 has 24 bits, 6e-8, and each loop does a handful of roundings.
BOUNDS = {"float32": 4e-7, "float64": 1e-14}
SMALLEST = {name: float(np.finfo(name).tiny) for name in BOUNDS}  # what is still a normal number
LOOPS = list(activation_loops.LOOPS)
BOTH = pytest.mark.parametrize("dtype", BOUNDS)


@njit
def call(loop, z, a, slope, work):
    loop(z, a, slope, work)


@njit
def exponentials(x, e, m):
    activation_loops.exponentials(x, e, m)


@njit
def log1p_small(e, result):
    activation_loops.log1p_small(e, result)


@njit
def upper_tail(z, tail, x, e, m):
    activation_loops.upper_tail(z, tail, x, e, m)


@njit
def leak(z, a, slope, theta, first, learned, alpha):
    engine.leak(z, a, slope, theta, first, learned, alpha, z.shape[0], z.shape[1])


@njit
def leak_at_random(z, a, slope, key, step, layer):
    engine.leak_at_random(z, a, slope, key, step, layer)


def positive(dtype, high=100.0):
    """Numbers above 0: evenly spread, and by size from the smallest normal number on."""
    by_size = np.geomspace(2 * SMALLEST[dtype], high, 4001)
    return np.concatenate([np.linspace(0, high, 200_001)[1:], by_size]).astype(dtype)


def both_signs(dtype):
    numbers = positive(dtype)
    return np.concatenate([-numbers[::-1], np.zeros(1, dtype), numbers])


def by_loop(name, z):
    """Give phi(z) and phi'(z) as the engine has them."""
    a = np.full_like(z, 7)
    slope = np.full_like(z, 7)
    work = np.full((3, z.size), 7, z.dtype)
    call(activation_loops.pointer(name, z.dtype.name), z, a, slope, work)
    return a, slope


def size_of_slope(name, z):
    """Add up what a slope is the sum of: where they cancel, each keeps its rounding."""
    if name == "gelu":
        return ndtr(z) + abs(z) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    if name == "silu":
        return expit(z) + abs(z) * expit(z) * expit(-z)
    if name == "mish":
        t = np.tanh(np.logaddexp(0, z))
        return t + abs(z) * expit(z) * 4 * np.exp(-2 * np.logaddexp(0, z)) / (1 + t) ** 2
    return abs(ACTIVATIONS[name].derivative(z))


@BOTH
@pytest.mark.parametrize("name", LOOPS)
def test_every_loop_is_its_function_over_the_whole_range(name, dtype):
    z = both_signs(dtype)
    exact = z.astype(np.float64)
    a, slope = by_loop(name, z)
    bound = BOUNDS[dtype]
    if name == "gelu":  # Phi(z) itself moves by z^2 roundings when z moves by one
        bound = bound * (1 + exact**2 / 2)
    # beyond the smallest normal number nothing is kept of e^z, which is multiplied by at most z
    lost = 1.01 * SMALLEST[dtype] * (1 + abs(exact))
    entry = ACTIVATIONS[name]
    value = entry.function(exact)
    assert (abs(a - value) <= bound * abs(value) + lost).all()
    error = abs(slope - entry.derivative(exact))
    assert (error <= bound * size_of_slope(name, exact) + lost).all()


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_saturated_slope_keeps_its_digits(name):
    """At |z| = 8 the difference 1 - a^2 of a float32 has lost all of tanh's."""
    z = np.array([-8, 8], np.float32)
    a, slope = by_loop(name, z)
    right = expit(8.0) * expit(-8.0) if name == "sigmoid" else 1 / np.cosh(8.0) ** 2
    np.testing.assert_allclose(slope, right, rtol=1e-5)
    if name == "tanh":
        assert abs((1 - a**2) / right - 1).min() > 0.01


@BOTH
@pytest.mark.parametrize("name", LOOPS)
def test_nan_infinity_and_zero_come_out_as_from_numpy(name, dtype):
    """An infinite z gives NaN where the formula has infinity times 0 in NumPy too."""
    huge = np.finfo(dtype).max / 2
    z = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, huge, -huge], dtype)
    a, slope = by_loop(name, z)
    entry = ACTIVATIONS[name]
    with np.errstate(invalid="ignore", over="ignore"):
        np.testing.assert_allclose(a, entry.function(z.astype(np.float64)), rtol=2e-7)
        expected = entry.derivative(z.astype(np.float64))
    np.testing.assert_allclose(slope, expected, rtol=2e-7, atol=SMALLEST[dtype])
    assert np.isnan(a[4]) and np.isnan(slope[4])


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "elu", "selu", "gelu", "silu", "softplus", "mish"]
)
def test_what_is_below_every_float32_is_exactly_zero(name):
    """So that a unit counts as dead where its slope is lost, not where it is denormal."""
    z = np.linspace(-100, -88, 1001, dtype=np.float32)
    a, slope = by_loop(name, z)
    assert (slope == 0).all()
    limits = {"tanh": -1.0, "elu": -1.0, "selu": -catalogue.SELU_ALPHA * catalogue.SELU_LAMBDA}
    np.testing.assert_allclose(a, limits.get(name, 0.0), rtol=2e-7)


@BOTH
def test_exponentials(dtype):
    """e^x to one rounding, and e^x - 1 without a difference of near numbers."""
    x = -positive(dtype)
    e = np.empty_like(x)
    m = np.empty_like(x)
    exponentials(x, e, m)
    exact = x.astype(np.float64)
    lost = SMALLEST[dtype] * 1.01
    bound = {"float32": 1e-7, "float64": 1e-15}[dtype]
    assert (abs(e - np.exp(exact)) <= bound * np.exp(exact) + lost).all()
    assert (abs(m - np.expm1(exact)) <= bound * abs(np.expm1(exact))).all()
    ends = np.array([0, -np.inf, np.nan], dtype)
    exponentials(ends, e[:3], m[:3])
    np.testing.assert_array_equal(e[:3], [1, 0, np.nan])
    np.testing.assert_array_equal(m[:3], [0, -1, np.nan])


@BOTH
def test_log1p(dtype):
    e = positive(dtype, 1.0)
    result = np.empty_like(e)
    log1p_small(e, result)
    bound = {"float32": 3e-7, "float64": 1e-15}[dtype]
    np.testing.assert_allclose(result, np.log1p(e.astype(np.float64)), rtol=bound)
    ends = np.array([0, np.nan], dtype)
    log1p_small(ends, result[:2])
    np.testing.assert_array_equal(result[:2], ends)


@BOTH
def test_the_tail_of_the_normal_distribution(dtype):
    """Its relative error grows as its exponent -z^2 / 2 does, which is rounded too."""
    z = positive(dtype, 13.0)
    z = np.concatenate([-z, z])
    tail, x, e, m = np.empty((4, z.size), dtype)
    upper_tail(z, tail, x, e, m)
    exact = abs(z.astype(np.float64))
    expected = erfc(exact / np.sqrt(2)) / 2
    assert (abs(tail / expected - 1) <= BOUNDS[dtype] * (1 + exact**2 / 2)).all()


@BOTH
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.25, 1.0])
def test_the_leaky_family(alpha, learned, dtype):
    row = np.concatenate([both_signs(dtype), np.array([np.inf, -np.inf, np.nan], dtype)])
    z = np.stack([row, row])
    a = np.empty_like(z)
    slope = np.empty_like(z)
    theta = np.array([9, alpha, alpha + 0.5], dtype)  # of two units, behind another parameter
    leak(z, a, slope, theta, 1, learned, alpha)
    for unit in range(2):
        below = alpha + 0.5 * unit * learned
        exact = row.astype(np.float64)
        with np.errstate(invalid="ignore"):
            times = np.where(exact == -np.inf, 0.0, exact) if below == 0 else exact
            expected = np.where(exact <= 0, below * times, exact)
        np.testing.assert_allclose(a[unit], expected, rtol=2e-7, atol=SMALLEST[dtype] * 1e-6)
        right = np.where(exact <= 0, below, 1.0)[:-1]
        np.testing.assert_allclose(slope[unit, :-1], right, rtol=1e-7)
        assert np.isnan(a[unit, -1])
    if alpha == 0 and not learned:
        assert not np.signbit(a[:, row < 0]).any()  # 0, and at minus infinity no NaN


def test_the_hash_is_that_of_numpy():
    numbers = np.concatenate([np.arange(2000), 2**32 - 1 - np.arange(2000)])
    ours = [int(engine.hashed(np.uint32(number))) for number in numbers]
    np.testing.assert_array_equal(ours, mixed(numbers))
    assert len(set(ours)) == len(ours)  # it only shuffles the numbers


@BOTH
def test_random_slopes_are_those_of_numpy(dtype):
    units, examples, step, layer = 3, 40, 17, 2
    key = np.uint32(123456789)
    z = np.full(units * examples, -1, dtype)
    z[::7] = 3
    a = np.empty_like(z)
    slope = np.empty_like(z)
    leak_at_random(z, a, slope, key, step, layer)
    drawn = random_slopes(key, step, layer, units, examples).ravel()
    np.testing.assert_allclose(slope, np.where(z > 0, 1, drawn), rtol=1e-7)
    np.testing.assert_allclose(a, np.where(z > 0, 3, -drawn), rtol=1e-7)
    leak_at_random(np.full_like(z, np.nan), a, slope, key, step, layer)
    assert np.isnan(a).all()


def test_random_slopes_are_spread_as_they_should_be():
    low, high = RRELU_DIVISORS
    divisors = [1 / engine.random_slope(np.uint32(number)) for number in range(20_000)]
    shares, _ = np.histogram(divisors, 10, (low, high))
    assert shares.sum() == 20_000
    assert abs(shares / 2000 - 1).max() < 0.1  # 4 standard deviations
