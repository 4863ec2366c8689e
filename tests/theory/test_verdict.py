"""The scale is that of the course: 1e-3, 0.1, 10 and 1e3, and a tenth of the networks."""

import numpy as np
import pytest

from helpers import theory
from helpers.theory import verdict

SCALE = ["vanishing", "shrinking", "healthy", "growing", "exploding"]


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (0, "vanishing"),
        (1e-300, "vanishing"),
        (1e-4, "vanishing"),
        (1e-3, "shrinking"),
        (0.0019, "shrinking"),
        (0.1, "healthy"),
        (1, "healthy"),
        (10, "healthy"),
        (299, "growing"),
        (300, "growing"),
        (1e3, "growing"),
        (1e4, "exploding"),
        (np.inf, "exploding"),
    ],
)
def test_verdicts_follow_one_rule(ratio, word):
    assert verdict(ratio) == word
    assert verdict(np.float64(ratio)) == verdict(np.array(ratio)) == word


def test_a_larger_ratio_never_has_a_smaller_word():
    ratios = np.sort(10 ** np.random.default_rng(0).uniform(-8, 8, 5000))
    steps = [SCALE.index(verdict(ratio)) for ratio in [0, *ratios, np.inf]]
    assert (np.diff(steps) >= 0).all()
    assert set(steps) == set(range(5))


@pytest.mark.parametrize(
    ("name", "number", "below", "above"),
    [
        ("VANISHING", 1e-3, "vanishing", "shrinking"),
        ("SHRINKING", 0.1, "shrinking", "healthy"),
        ("GROWING", 10, "healthy", "growing"),
        ("EXPLODING", 1e3, "growing", "exploding"),
    ],
)
def test_the_word_changes_at_the_limit_of_that_name_and_nowhere_else(name, number, below, above):
    limit = getattr(theory, name)
    assert limit == number
    assert verdict(np.nextafter(limit, 0)) == below
    assert verdict(np.nextafter(limit, np.inf)) == above
    assert verdict(limit) in (below, above)
    assert SCALE.index(above) == SCALE.index(below) + 1


def test_the_scale_is_the_same_upwards_and_downwards():
    """A gain and its inverse are equally far from 1."""
    for ratio in 10 ** np.random.default_rng(1).uniform(-6, 6, 500):
        assert SCALE.index(verdict(ratio)) == 4 - SCALE.index(verdict(1 / ratio))


@pytest.mark.parametrize("ratio", [0, 1e-5, 0.02, 1, 300, 1e9, np.inf])
def test_dying_comes_first(ratio):
    """Half of the networks dead is dying, whatever the ratio; fewer than a tenth change nothing."""
    assert theory.DYING_SHARE == 0.1
    for dead_share in (0.1, 0.5, 1.0, np.float64(0.1)):
        assert verdict(ratio, dead_share=dead_share) == "dying"
    for dead_share in (0, 0.0, np.nextafter(0.1, 0)):
        assert verdict(ratio, dead_share=dead_share) == verdict(ratio)


@pytest.mark.parametrize("count", [10, 20, 30, 70, 1000])
def test_a_tenth_of_any_number_of_networks_is_a_tenth(count):
    dead = np.arange(count) < count // 10
    assert verdict(1, dead_share=dead.mean()) == "dying"
    dead[0] = False
    assert verdict(1, dead_share=dead.mean()) == "healthy"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ratio": np.nan}, "ratio must be 0 or more; got nan"),
        ({"ratio": -1}, "ratio must be 0 or more; got -1"),
        ({"ratio": -1e-300}, "ratio must be 0 or more; got -1e-300"),
        ({"ratio": -np.inf}, "ratio must be 0 or more; got -inf"),
        ({"ratio": "large"}, "ratio must be 0 or more; got 'large'"),
        ({"ratio": None}, "ratio must be 0 or more; got None"),
        ({"ratio": [1, 2]}, r"ratio must be one number; got \[1, 2\]"),
        ({"dead_share": np.nan}, "dead_share must be a finite number, 0 or more; got nan"),
        ({"dead_share": -0.1}, "dead_share must be a finite number, 0 or more; got -0.1"),
        ({"dead_share": 5}, "dead_share must be from 0 to 1; got 5"),
    ],
)
def test_what_is_no_ratio_is_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        verdict(**{"ratio": 1.0, **arguments})
