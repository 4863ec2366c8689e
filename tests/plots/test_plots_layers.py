import numpy as np
import pytest
from drawn import crosses, line

from helpers import plots


def test_by_layer_draws_median_band_and_rms_of_the_networks():
    ranks = np.arange(1.0, 12.0)  # of 11 networks, in every layer 1, 2 ... 11 times its size
    values = np.outer(ranks, [1.0, 1e-3, 1e-6])
    ax = plots.by_layer([plots.Series(values, label="it")], quantity="delta")
    np.testing.assert_allclose(10 ** line(ax, "it").get_ydata(), [6, 6e-3, 6e-6])
    rms = np.sqrt(46)  # the mean of the first 11 squares is 46
    np.testing.assert_allclose(10 ** line(ax, "RMS").get_ydata(), [rms, rms * 1e-3, rms * 1e-6])
    band = ax.collections[0].get_paths()[0].vertices
    for number, size in ((1, 1.0), (2, 1e-3), (3, 1e-6)):
        edges = np.unique(np.round(band[band[:, 0] == number, 1], 9))
        np.testing.assert_allclose(10**edges, [2 * size, 10 * size], rtol=1e-6)
    assert ax.get_label() == (
        "delta: exploding for it. "
        "RMS by hidden layer: it, 6.78 in the first, 6.8 × 10⁻⁶ in the last."
    )


def test_by_layer_judges_sizes_over_the_first_towards_the_last():
    values = np.array([[1.0, 1e-2, 1e-6]])
    ax = plots.by_layer([plots.Series(values)], quantity="gradient, over the first")
    assert ax.get_label().startswith("gradient, over the first: vanishing, towards the last")
    ax = plots.by_layer([plots.Series(values)], quantity="spread", relative=False)
    assert ax.get_label().startswith("spread: falls far. ")


def test_by_layer_says_where_the_typical_network_goes_another_way_than_the_mean_square():
    # nine networks whose delta falls to a tenth, and one whose delta grows a hundredfold
    values = np.array([[0.1, 1.0]] * 9 + [[100.0, 1.0]])
    ax = plots.by_layer([plots.Series(values)], quantity="delta")
    assert ax.get_label().startswith("delta: growing by the RMS, which rises; the median falls. ")


def test_by_layer_puts_exact_zeros_on_the_floor_and_holds_what_is_pinned():
    values = np.array([[0.0, 0.1, 1.0]])
    ax = plots.by_layer(
        [plots.Series(values, label="it")], quantity="delta", pinned=[np.full((2, 8), 1e-9)]
    )
    np.testing.assert_array_equal(line(ax, "it").get_xdata(), [2, 3])
    assert crosses(ax).get_xydata().tolist() == [[1, 0]]  # 0 of the height of the axes
    np.testing.assert_allclose(line(ax, "A").get_ydata(), -9)
    assert ax.get_ylim()[0] <= -9 and ax.get_xlim()[1] >= 8
    assert "it, exactly 0 in the first, 1 in the last" in ax.get_label()


def test_the_healthy_line_stands_where_1_is_healthy():
    series = [plots.Series(np.ones((2, 3)))]
    assert len(plots.by_layer(series, quantity="q").lines) == 3  # it, median, RMS
    assert len(plots.by_layer(series, quantity="q", relative=False).lines) == 2


def test_compare_by_layer_draws_each_over_its_last_rms_and_names_it():
    # The root mean square of 1 and 7 is 5.
    first = np.outer([1, 7], [1, 10, 100, 1000])
    second = np.outer([1, 7, 5], [8, 4, 2])
    sizes = {"first": first, "second": second}
    forecast = np.array([5.0, 3.0, 1.0])
    options = {"quantity": "delta", "predicted": {"second": forecast}, "place": "time step"}
    ax = plots.compare_by_layer(sizes, **options)
    rms = [line.get_ydata() for line in ax.lines if line.get_label() == "RMS"]
    np.testing.assert_allclose(rms[0], [-3, -2, -1, 0], atol=1e-12)
    np.testing.assert_allclose(10 ** rms[1], [4, 2, 1])
    np.testing.assert_allclose(10 ** line(ax, "first").get_ydata()[-1], 4 / 5)  # their median is 4
    theory = [line.get_ydata() for line in ax.lines if line.get_label() == "theory"]
    np.testing.assert_allclose(theory, [np.log10(forecast)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(sizes)
    assert ax.get_xlabel() == "time step" and "RMS by time step" in ax.get_label()
    activations = plots.compare_by_layer({"tanh": first, "sigmoid": second}, quantity="delta")
    for name in ("tanh", "sigmoid"):
        assert line(activations, name).get_color() == plots.COLORS[name]
    louder = plots.compare_by_layer({"first": 1e5 * first, "second": 3 * second}, **options)
    for before, after in zip(ax.lines, louder.lines, strict=True):
        np.testing.assert_allclose(before.get_ydata(), after.get_ydata(), atol=1e-12)


def test_named_series_are_in_the_legend_with_their_line():
    series = [plots.Series(np.ones((2, 3)), "#0072B2", "one"), plots.Series(np.ones((2, 3)))]
    series[1] = series[1]._replace(color="#D55E00", label="two")
    ax = plots.name_series(plots.by_layer(series, quantity="q"), series)
    legend = ax.get_legend()
    shown = dict(zip((t.get_text() for t in legend.get_texts()), legend.get_lines(), strict=True))
    assert {name: mark.get_color() for name, mark in shown.items()} == {
        "one": "#0072B2",
        "two": "#D55E00",
    }


def test_predicted_and_measured_lie_on_the_diagonal_where_theory_holds():
    sizes = np.array([1e-4, 1e-2, 1.0])
    right = plots.Series(np.stack([sizes, sizes]), label="right", predicted=sizes)
    ax = plots.predicted_measured([right], quantity="size")
    np.testing.assert_allclose(*line(ax, "right").get_data())
    assert "by at most a factor of 1." in ax.get_label()
    wrong = right._replace(predicted=sizes * [1, 3, 0], label="wrong")  # 0 has no place here
    ax = plots.predicted_measured([right, wrong], quantity="size")
    assert len(line(ax, "wrong").get_xdata()) == 2
    assert "by at most a factor of 3." in ax.get_label()


def test_singular_values_stand_between_their_layers():
    values = np.outer(np.arange(1.0, 12.0), [1, 2])  # 11 values for each of two pairs of layers
    ax = plots.singular_values([plots.Series(values, label="it")], pinned=[values[:, :1]])
    assert line(ax, "it").get_xydata().tolist() == [[1.5, 6], [2.5, 12]]
    assert line(ax, "A").get_xydata().tolist() == [[1.5, 6]]
    band = ax.collections[0].get_paths()[0].vertices
    assert set(band[band[:, 0] == 1.5, 1]) == {2, 10}
    assert ax.get_xlim() == (0.5, 3.5) and ax.get_ylim()[1] >= 20
    assert ax.get_label() == "The mean singular value: it 9."
    alone = plots.singular_values([plots.Series(np.zeros((3, 0)), label="it")])
    assert "there is one hidden layer only" in alone.get_label()


@pytest.mark.parametrize(("depth", "end"), [(1, 1), (4, 4), (5, 5), (6, 7), (11, 20)])
def test_the_layer_axis_has_no_place_for_layers_that_are_not_there(depth, end):
    ax = plots.shares(np.zeros((2, depth)), np.zeros((2, depth)))
    assert ax.get_xlim() == (0.5, end + 0.5)
    if depth <= 5:
        ticks = [tick for tick in ax.get_xticks() if 0.5 <= tick <= end + 0.5]
        assert max(ticks) <= depth and all(tick == int(tick) for tick in ticks)


def test_shares_are_means_over_the_networks_in_per_cent():
    saturated = np.array([[0.0, 1.0], [0.5, 1.0]])
    dead = np.array([[0.0, 0.2], [0.0, 0.4]])
    ax = plots.shares(saturated, dead, pinned=(dead, saturated))
    np.testing.assert_allclose(line(ax, "saturated").get_ydata(), [25, 100])
    np.testing.assert_allclose(line(ax, "dead").get_ydata(), [0, 30])
    grey = [drawn for drawn in ax.lines if drawn.get_color() == plots.PINNED["color"]]
    np.testing.assert_allclose([drawn.get_ydata() for drawn in grey], [[0, 30], [25, 100]])
    assert [drawn.get_linestyle() for drawn in grey] == ["-", "--"]
    assert "62 % of the units are saturated, 15 % dead" in ax.get_label()


def test_correlations_hold_the_medians_and_the_limit():
    values = np.linspace(0.2, 0.9, 12).reshape(3, 4)  # each network above the one before
    series = plots.Series(values, label="it", predicted=np.full(4, 0.5))
    ax = plots.correlations([series], limit=0.3, pinned=[values[:, :2]])
    np.testing.assert_allclose(line(ax, "it").get_ydata(), values[1])
    np.testing.assert_allclose(line(ax, "A").get_ydata(), values[1, :2])
    assert set(ax.lines[0].get_ydata()) == {0.3}
    assert ax.get_ylim()[0] == -0.05
    assert plots.correlations([plots.Series(-values)]).get_ylim()[0] == -1.05
