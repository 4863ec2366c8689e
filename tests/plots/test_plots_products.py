import numpy as np
import pytest
from drawn import line

from helpers import plots


def test_factors_hold_the_numbers_and_mark_exact_zeros():
    values = np.array([0.5, -2.0, 0.0, 1e-5])
    ax = plots.factors(values)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.log10([0.5, 2, 1e-5]))
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[3, ax.get_ylim()[0]]])
    assert ax.get_label() == "1 of 4 factors are above 1, 1 are exactly 0."


def test_running_product_is_the_cumulative_product_however_long():
    values = np.array([0.5, 0.1, 3.0])
    ax = plots.running_product(values, predicted=-0.4)
    np.testing.assert_allclose(10 ** ax.lines[0].get_ydata(), [1, 0.5, 0.05, 0.15])
    np.testing.assert_allclose(line(ax, "predicted").get_ydata(), [0, -0.4, -0.8, -1.2])
    long = plots.running_product(np.full(1000, 1e-5))  # 1e-5000 is no float
    assert long.lines[0].get_ydata()[-1] == pytest.approx(-5000)
    assert "× 10⁻⁵⁰⁰⁰" in long.get_label()


def test_running_product_shows_where_it_dies():
    ax = plots.running_product(np.array([0.5, 0.0, 0.5]))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 1])
    np.testing.assert_allclose(ax.lines[1].get_xdata(), [2, 3])
    assert set(ax.lines[1].get_ydata()) == {ax.get_ylim()[0]}
    assert "exactly 0" in ax.get_label()


def test_running_product_labels_its_lines():
    ax = plots.running_product(np.array([[0.5, 0.5], [2, 2]]), labels=["half", "twice"])
    assert 10 ** line(ax, "twice").get_ydata()[-1] == pytest.approx(4)
    assert len({line(ax, label).get_color() for label in ("half", "twice")}) == 2
    assert ax.get_label() == (
        "The product of 2 factors: healthy for half and twice. half: 0.25; twice: 4."
    )


def test_a_pinned_product_is_drawn_whole_beside_a_shorter_one():
    ax = plots.running_product(np.full(2, 0.5), pinned=np.full(30, 0.1))
    np.testing.assert_allclose(line(ax, "A").get_ydata(), -np.arange(31))
    assert ax.get_ylim()[0] <= -30 and ax.get_xlim()[1] >= 30
    assert ax.get_label() == "The product of 2 factors: 0.25."


def test_histogram_is_a_density_and_counts_what_is_above():
    below = np.full(613, 1e-6)
    above = np.full(387, 1e-4)
    ax = plots.log10_histogram(np.concatenate([below, above]), thresholds=[1e-5])
    assert sum(bar.get_height() * bar.get_width() for bar in ax.patches) == pytest.approx(1)
    low, high = (bar for bar in ax.patches if bar.get_height() > 0)
    assert low.get_height() / high.get_height() == pytest.approx(613 / 387)
    assert low.get_x() == pytest.approx(-6) and high.get_x() + high.get_width() == pytest.approx(-4)
    assert "1,000 products: the median is 1.0 × 10⁻⁶" in ax.get_label()
    assert "38.7 % are above 1e-05" in ax.get_label()


def test_histogram_holds_a_density_over_many_decades():
    products = 10 ** np.random.default_rng(0).normal(-5, 1, 1000)
    exact = (np.array([-6.0, -4.0]), np.array([0.2, 0.2]))
    ax = plots.log10_histogram(products, exact=exact)
    assert sum(bar.get_height() * bar.get_width() for bar in ax.patches) == pytest.approx(1)
    np.testing.assert_array_equal(line(ax, "exact law").get_xydata(), np.stack(exact, axis=1))
