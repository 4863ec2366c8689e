import numpy as np
import pytest

from helpers.explorers.words import judge, signed, size_in_words


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.7, "+0.70"), (-35.007, "-35.01"), (-0.003, "-0.003"), (0.00012, "+0.0001"), (0.0, "+0.00")],
)
def test_a_number_that_is_not_0_is_not_written_as_0(number, text):
    assert signed(number) == text


def test_a_size_in_words():
    assert [size_in_words(size) for size in (0.25, 0, 2.1e-34)] == [
        "0.25",
        "exactly 0",
        "2.1 × 10⁻³⁴",
    ]


def networks(*ratios):
    """Delta norms of networks of two layers, in the last one 1."""
    return np.array([[ratio, 1.0] for ratio in ratios])


@pytest.mark.parametrize(
    ("delta", "word", "dead"),
    [
        (networks(*[1e-4] * 10), "vanishing", ""),
        (networks(*[0.05] * 10), "shrinking", ""),
        (networks(*[299.0] * 10), "growing", ""),
        (networks(*[1e5] * 10), "exploding", ""),
        (networks(0, *[1.0] * 9), "dying", "1 of 10 networks are dead; "),
        (networks(0, *[1.0] * 10), "healthy", "1 of 11 networks are dead; "),
        (networks(*[0.0] * 10), "dying", "10 of 10 networks are dead; "),
        (np.full((4, 2), np.nan), "exploding", ""),
        (np.full((4, 2), np.inf), "exploding", ""),
    ],
)
def test_the_dead_come_first_and_a_run_that_diverged_exploded(delta, word, dead):
    with np.errstate(invalid="ignore"):
        assert judge(delta) == (word, dead)
