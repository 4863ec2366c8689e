import numpy as np
import pytest
from sklearn.datasets import make_circles

from helpers.data import DATASETS, Dataset, circles, digits


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_float32_and_its_seed_decides_it(name):
    make = DATASETS[name]
    first = make(200, seed=3)
    again = make(200, seed=3)
    other = make(200, seed=4)
    assert first.x.dtype == first.y.dtype == np.float32
    assert len(first) == len(first.x) == len(first.y) == 200
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.x, other.x)


def test_circles_are_source_a_s():
    x, y = make_circles(n_samples=1000, factor=0.5, noise=0.1, random_state=0)
    ours = circles()
    np.testing.assert_allclose(ours.x, x, atol=1e-6)
    np.testing.assert_array_equal(ours.y, y)
    means = [(circles(seed=seed).x ** 2).sum(axis=1).mean() for seed in range(10)]
    assert np.mean(means) == pytest.approx(0.645, abs=0.005)  # (1 + 0.25)/2 + 2 * 0.01


@pytest.mark.parametrize(("count", "factor", "noise", "seed"), [(2, 0.5, 0.1, 1), (7, 0, 0, 3)])
def test_circles_are_scikit_learn_s_to_the_bit(count, factor, noise, seed):
    x, y = make_circles(count, factor=factor, noise=noise, random_state=seed)
    ours = circles(count, factor=factor, noise=noise, seed=seed)
    np.testing.assert_array_equal(ours.x, x.astype(np.float32))
    np.testing.assert_array_equal(ours.y, y)


@pytest.mark.parametrize("name", ["moons", "spirals"])
def test_plane_sets_are_standardised(name):
    x = DATASETS[name]().x
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-5)


def test_digits_are_scaled_to_one_and_complete():
    everything = digits()
    assert everything.x.min() == 0 and everything.x.max() == 1
    assert (everything.num_inputs, everything.num_outputs, len(everything)) == (64, 10, 1797)
    assert (everything.x**2).mean() == pytest.approx(0.2346, abs=1e-4)
    assert np.bincount(everything.y.astype(int))[0] == 178


def test_spirals_hold_both_classes_equally_and_circles_need_one_output():
    assert DATASETS["spirals"](500).y.mean() == 0.5
    assert circles().num_outputs == 1


X = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.zeros(4), [0, 1, 0, 1], r"\(num_examples, num_inputs\); got \(4,\)"),
        (X, [0, 1, 0], r"4 rows of x; got shape \(3,\)"),
        (
            np.where(np.arange(8).reshape(4, 2) == 5, np.nan, 0),
            [0, 1, 0, 1],
            "nan in row 2, column 1",
        ),
        (X, [-1, 1, -1, 1], "labels 0, 1, ... K-1, each of them; got -1, 1"),
        (X, [0, 2, 0, 2], "got 0, 2"),
        (X, [1, 1, 1, 1], "got 1"),
        (X, [0, 0.5, 1, 1], "got 0.0, 0.5, 1.0"),
        (X, list("abab"), "got a, b"),
    ],
)
def test_bad_examples_are_named(x, y, said):
    with pytest.raises(ValueError, match=said):
        Dataset(x, y)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: DATASETS["circels"], "Unknown data set 'circels'. Did you mean 'circles'?"),
        (lambda: circles(0), "num_examples must be a whole number, 2 or more; got 0"),
        (lambda: circles(noise=float("nan")), "noise .* got nan"),
        (lambda: circles(factor=1.5), "factor .* got 1.5"),
        (lambda: circles(seed=-1), "seed .* got -1"),
        (lambda: digits(5000), "100 to 1797; got 5000"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
