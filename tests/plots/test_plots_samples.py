import matplotlib.colors as mcolors
import numpy as np
import pytest
from drawn import crosses, line

from helpers import plots


def test_spread_draws_a_dot_for_each_network_and_their_median():
    values = {"sigmoid": [0.5, 0.7, 0.6], "hidden_1": [0.9, 0.99, 0.95]}
    ax = plots.spread(values, label="accuracy", reference=(0.5, "guessing"))
    for row, (key, numbers) in enumerate(values.items()):
        dots = line(ax, key)
        np.testing.assert_allclose(dots.get_xdata(), numbers)
        assert np.abs(dots.get_ydata() - row).max() < 0.5
    bars = [bar for bar in ax.lines if bar.get_linestyle() == "-"]
    assert [bar.get_xdata()[0] for bar in bars] == [0.6, 0.95]
    assert line(ax, "sigmoid").get_color() == plots.COLORS["sigmoid"]
    assert "sigmoid 0.6 (0.5 to 0.7); hidden_1 0.95 (0.9 to 0.99)." in ax.get_label()


def test_spread_colours_a_row_by_what_stands_before_the_comma():
    rows = ("tanh, deep", "hidden_1, before", "hidden_1, after", "hidden_2, before", "A, tanh")
    ax = plots.spread({row: [1, 2] for row in rows}, label="size")
    tanh, before, after, other, unknown = (line(ax, row).get_color() for row in rows)
    assert tanh == plots.COLORS["tanh"] and unknown == plots.OTHER_COLOR
    assert mcolors.same_color(before, after) and not mcolors.same_color(before, other)


def test_spread_cuts_no_dot_on_the_edge_and_draws_none_beyond_it():
    ax = plots.spread({"a": [0, 1, 2], "b": [0, 1, 3]}, label="size", limits=(0, 2))
    assert not line(ax, "a").get_clip_on() and line(ax, "b").get_clip_on()


def test_spread_on_a_log_scale_puts_exact_zeros_on_the_floor():
    ax = plots.spread({"a": [1e-4, 0, 1e-2]}, label="gradient", log=True)
    np.testing.assert_allclose(line(ax, "a").get_xdata(), [-4, -2])
    assert list(crosses(ax).get_xdata()) == [ax.get_xlim()[0]]
    assert "a 1.0 × 10⁻⁴ (exactly 0 to 0.01)." in ax.get_label()


def test_distributions_hold_the_pinned_ones_too():
    narrow = np.linspace(-1, 1, 101)
    wide = np.linspace(-7, 7, 101)
    for arrays, pinned in ((narrow, wide), (wide, narrow)):
        ax = plots.distributions(
            {"hidden_1": arrays}, plots.layer_colors(["hidden_1"]), pinned={"hidden_1": pinned}
        )
        ends = np.concatenate([line.get_xdata() for line in ax.lines])
        low, high = ax.get_xlim()
        assert low <= ends.min() < -6 and 6 < ends.max() <= high


def test_distributions_draw_the_shares_they_say_of_the_numbers_that_are_left():
    numbers = np.concatenate([np.linspace(-1, 1, 2001), [np.nan, np.inf]])
    ax = plots.distributions({"output": numbers}, plots.layer_colors(["output"]))
    thin, thick, dot = (drawn.get_xdata() for drawn in ax.lines)
    np.testing.assert_allclose(thin, [-0.95, 0.95])
    np.testing.assert_allclose(thick, [-0.5, 0.5])
    np.testing.assert_allclose(dot, 0, atol=1e-12)
    assert ax.get_label() == "The middle half of the weights: output -0.5 to 0.5."


def test_histograms_are_densities_on_one_scale():
    rng = np.random.default_rng(0)
    wide = rng.normal(0, 1, (50, 40))
    narrow = rng.normal(0, 1, 5000)
    # Standard deviations of exactly 1 and 0.1, so that the finding is known beforehand.
    arrays = {"hidden_1": wide / wide.std(), "hidden_2": 0.1 * narrow / narrow.std()}
    ax = plots.histograms(arrays, label="delta")
    heights = []
    for patch, array, std in zip(ax.patches, arrays.values(), (1, 0.1), strict=True):
        density, edges, _ = patch.get_data()
        inside = (array.ravel() >= edges[0]) & (array.ravel() <= edges[-1])
        assert (density * np.diff(edges)).sum() == pytest.approx(inside.mean())
        middle = density[np.searchsorted(edges, 0) - 1]
        assert middle == pytest.approx(1 / (std * np.sqrt(2 * np.pi)), rel=0.25)
        heights.append(middle)
    assert heights[1] > 5 * heights[0]
    assert ax.get_xlim() == pytest.approx((-edges[-1], edges[-1]))
    assert ax.get_label() == (
        "delta, standard deviation: high for hidden_1; low for hidden_2. "
        "It is: hidden_1 1; hidden_2 0.1. Up to 0.1 % lie outside."
    )


def test_histograms_of_sizes_start_at_zero_and_take_an_exact_law():
    values = np.random.default_rng(0).uniform(size=2000)
    ax = plots.histograms({"mine": values}, label="size", exact=([0, 1], [1, 1]))
    assert ax.get_xlim()[0] == 0
    np.testing.assert_array_equal(line(ax, "exact law").get_ydata(), [1, 1])
    named = plots.histograms({"mine": values}, label="x", exact=([0, 1], [1, 1]), exact_name="flat")
    assert line(named, "flat").get_ydata().tolist() == [1, 1]
