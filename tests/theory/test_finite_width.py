import numpy as np
import pytest

from helpers import theory


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
    law = theory.relu_law(5)
    alive = np.log10(squares[squares > 0]) / 2
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
