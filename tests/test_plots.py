import types

import matplotlib.colors as mcolors
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from helpers import STYLE, data, plots
from helpers.catalogue import ACTIVATIONS, INITIALIZERS


@pytest.fixture(autouse=True)
def course_style():
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def test_every_activation_has_a_colour_of_its_own():
    assert len({plots.COLORS[name] for name in ACTIVATIONS}) == len(ACTIVATIONS)


def test_activation_draws_both_curves_and_marks_the_largest_slope():
    z = np.linspace(-4, 4, 81)
    entry = ACTIVATIONS["tanh"]
    ax = plots.activation(z, entry.function(z), entry.derivative(z), name="tanh")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.tanh(z))
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), entry.derivative(z))
    assert ax.lines[2].get_xydata()[0] == pytest.approx([0, 1])
    assert "largest slope is 1, at z = 0" in ax.get_label()


def test_activation_grid_draws_each_pair_and_marks_where_the_slope_is_0():
    z = np.linspace(-2, 2, 40)
    curves = {n: (a.function(z), a.derivative(z)) for n, a in ACTIVATIONS.items()}
    axes = plots.activation_grid(z, curves)
    assert [ax.get_title(loc="left") for ax in axes] == list(ACTIVATIONS)
    for ax, (name, (a, slope)) in zip(axes, curves.items(), strict=True):
        np.testing.assert_array_equal(line(ax, r"$\phi(z)$").get_ydata(), a)
        np.testing.assert_array_equal(line(ax, r"$\phi'(z)$").get_ydata(), slope)
        marked = [o for o in ax.lines if o.get_label() == "slope exactly 0"]
        assert len(marked) == (name == "relu") == ("exactly 0" in ax.get_label())
        for red in marked:
            np.testing.assert_array_equal(red.get_xdata(), z[z < 0])


def test_laws_draw_measured_over_predicted():
    x = np.arange(1, 4)
    ax = plots.laws(x, {"a": [0.1, 0.2, 0.35]}, {"a": [0.1, 0.2, 0.3]}, xlabel="n", ylabel="share")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(line(ax, "a").get_ydata(), [0.1, 0.2, 0.35])
    assert "at n 3: a 0.35" in ax.get_label() and "differ by at most 0.05" in ax.get_label()


def test_descent_draws_the_path_over_the_right_valley():
    path = np.array([[1.0, 1.0], [-0.5, 0.5], [0.4, 0.2], [0.2, 0.1]])
    hessian = np.diag([4.0, 1.0])
    ax = plots.descent(hessian, (0, 0), path, title="t", limits=(-2, 2))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), path)
    (rings,) = ax.collections
    for level, ring in zip(rings.levels, rings.get_paths(), strict=True):
        for w1, w2 in ring.vertices[:: max(1, len(ring.vertices) // 5)]:
            if (w1, w2) != (0, 0):
                assert np.sqrt((4 * w1**2 + w2**2) / 2) == pytest.approx(level, abs=0.03)
    assert "3 steps, 2 of them turn back" in ax.get_label()


def test_the_grid_has_numbers_below_the_last_panel_of_every_column():
    z = np.linspace(-2, 2, 40)
    axes = plots.activation_grid(z, dict.fromkeys("abcdefg", (z, z)))
    numbered = [ax.xaxis.get_tick_params()["labelbottom"] for ax in axes]
    assert numbered == [False] * 2 + [True] * 5


@pytest.mark.parametrize(
    ("share", "text"),
    [(1, "100"), (0.9999683, "99.997"), (0.9996, "99.96"), (0.84134, "84.1"), (3.2e-5, "0.0032")],
)
def test_nearly_all_is_not_said_to_be_all(share, text):
    assert plots.percent(share) == text


def test_value_shares_count_what_lies_beyond_at_the_ends():
    pushed = types.SimpleNamespace(
        low=np.array([-9.0, 0.0]), high=np.array([-8.0, 1.0]), share=np.array([0.2, 0.5]),
        atoms={0.5: 0.3},
    )  # fmt: skip
    ax = plots.value_shares(pushed, (-1, 1), label="a", num_bins=4)
    np.testing.assert_allclose(ax.patches[0].get_data().values, [20, 0, 25, 25])
    assert line(ax, "exactly").get_xydata().tolist() == [[0.5, 0], [0.5, 30]]
    assert ax.get_label() == "a: 30 % exactly 0.5."


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
    assert ax.get_label() == "The product of 2 factors, half: 0.25; twice: 4."


def test_histogram_is_a_density_and_counts_what_is_above():
    rng = np.random.default_rng(0)
    products = 10 ** rng.normal(-5, 1, 1000)
    ax = plots.log10_histogram(products, thresholds=[1e-5])
    assert sum(bar.get_height() * bar.get_width() for bar in ax.patches) == pytest.approx(1)
    assert f"{100 * (products > 1e-5).mean():.1f} % are above" in ax.get_label()


def test_limits_hold_the_data_and_stand_still():
    moved = set()
    for end in np.linspace(-33, -47, 30):
        ax = plots.running_product(np.full(10, 10 ** (end / 10)))
        low, high = ax.get_ylim()
        assert low <= end and high >= 1
        moved.add((low, high))
        plt.close("all")
    assert len(moved) == 1
    for depth in (1, 9, 10, 11, 51, 100):
        ax = plots.factors(np.ones(depth))
        assert depth <= ax.get_xlim()[1] <= max(2 * depth + 1, 11)


@pytest.mark.parametrize(
    ("log10", "text"),
    [(-np.inf, "exactly 0"), (-33.65, "2.2 × 10⁻³⁴"), (np.log10(0.25), "0.25"), (3.4, "2.5 × 10³")],
)
def test_numbers_read_well(log10, text):
    assert plots.scientific(log10) == text


def recording(values, *, layers=("hidden_1", "hidden_2", "output"), **attrs):
    """A recording of two steps an epoch, `values` of shape (replicate, step, layer)."""
    values = np.asarray(values, float)
    labels = {"long_name": "kernel-gradient norm", "units": "loss per unit of weight"}
    return xr.Dataset(
        {
            "gradient_norm": (("replicate", "step", "layer"), values, labels),
            "weight_mean": (("replicate", "step", "layer"), -values, {"long_name": "mean weight"}),
            "loss": (("replicate", "step"), values[..., 0], {"long_name": "loss"}),
        },
        coords={"layer": list(layers), "epoch": ("step", np.arange(values.shape[1]) / 2)},
        attrs={"diverged_at": -1, "steps_per_epoch": 2} | attrs,
    )


def test_points_draws_every_example_in_its_class():
    dataset = data.circles(50)
    ax = plots.points(dataset)
    for label in (0, 1):
        np.testing.assert_array_equal(
            ax.collections[label].get_offsets(), dataset.x[dataset.y == label]
        )
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 2
    assert np.abs(dataset.x).max() <= ax.get_xlim()[1]
    assert "50 points, 25 of class 0, 25 of class 1" in ax.get_label()
    with pytest.raises(ValueError, match="2 inputs; 'digits' has 64"):
        plots.points(data.digits(100))


@pytest.mark.parametrize(
    ("name", "drawn"), [("gradient_norm", np.log10), ("weight_mean", np.negative)]
)
def test_over_epochs_draws_the_median_of_each_layer_and_the_band(name, drawn):
    values = 10.0 ** np.random.default_rng(0).normal(-3, 1, (11, 5, 3))
    ax = plots.over_epochs(recording(values), name)
    for number, layer in enumerate(["hidden_1", "hidden_2", "output"]):
        got = line(ax, layer)
        np.testing.assert_allclose(got.get_xdata(), np.arange(5) / 2)
        np.testing.assert_allclose(
            got.get_ydata(), drawn(np.median(values[..., number], axis=0)), rtol=1e-6
        )
        band = ax.collections[number].get_paths()[0].vertices[:, 1]
        edges = drawn(np.quantile(values[:, :, number], [0.1, 0.9], axis=0))
        assert band.min() == pytest.approx(edges.min())
        assert band.max() == pytest.approx(edges.max())
        assert ax.get_ylim()[0] <= edges.min() and edges.max() <= ax.get_ylim()[1]
    assert len({str(line(ax, layer).get_color()) for layer in ("hidden_1", "hidden_2")}) == 2
    assert line(ax, "output").get_color() == plots.OUTPUT_COLOR
    assert ("log scale" in ax.get_ylabel()) == (name == "gradient_norm")
    assert "median of 11 networks" in ax.get_label() and "output from" in ax.get_label()


def test_over_epochs_of_one_network_or_of_the_loss():
    one = recording(np.full((1, 3, 3), 0.1))
    ax = plots.over_epochs(one, "gradient_norm")
    assert not ax.collections and "median" not in ax.get_label()
    ax = plots.over_epochs(one, "loss")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 0.1)
    assert ax.get_legend() is None
    with pytest.raises(ValueError, match="one of gradient_norm, weight_mean, loss; got 'lost'"):
        plots.over_epochs(one, "lost")


def test_over_epochs_marks_exact_zeros_and_explosions():
    values = np.full((2, 4, 3), 0.1)
    values[:, 2, 0] = 0
    values[:, 3:] = np.nan
    ax = plots.over_epochs(recording(values, diverged_at=5), "gradient_norm")
    crosses = next(line for line in ax.lines if line.get_marker() == "x")
    np.testing.assert_allclose(crosses.get_xydata(), [[1, ax.get_ylim()[0]]])
    np.testing.assert_allclose(line(ax, "hidden_1").get_xdata(), [0, 0.5])
    np.testing.assert_allclose(line(ax, "output").get_xdata(), [0, 0.5, 1])
    assert [text.get_text() for text in ax.texts] == [" 2 of 2 exploded, first at step 5"]
    assert ax.texts[0].get_position()[0] == 2.5
    assert "2 of 2 networks exploded" in ax.get_label()
    assert "output from 0.1 to no number" in ax.get_label()


def test_many_layers_name_only_a_few_in_the_legend():
    names = [*(f"hidden_{k}" for k in range(1, 21)), "output"]
    ax = plots.over_epochs(recording(np.ones((1, 2, 21)), layers=names), "gradient_norm")
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["hidden_1", "hidden_11", "hidden_20", "output"]
    assert len({str(line(ax, name).get_color()) for name in names}) == 21


def test_a_grid_shares_the_scale_of_a_row():
    small, large = recording(np.full((1, 2, 3), 1e-5)), recording(np.full((1, 2, 3), 10.0))
    axes = plots.grid_over_epochs({"small": small, "large": large}, ["gradient_norm", "loss"])
    assert axes.shape == (2, 2)
    for row in axes:
        assert len({ax.get_ylim() for ax in row}) == 1
    assert [ax.get_title(loc="left") for ax in axes[0]] == ["small", "large"]
    np.testing.assert_allclose(axes[0, 1].lines[0].get_ydata(), 1)
    assert axes[1, 0].get_xlabel() == "epoch" and not axes[0, 0].get_xlabel()
    assert [bool(ax.get_legend()) for ax in axes.flat] == [False, True, False, False]
    assert (
        axes[0, 0].get_label().startswith("kernel-gradient norm, epoch 0 to 0.5; small: hidden_1")
    )
    assert axes[0, 1].get_label().startswith("large: hidden_1 from 10 to 10")


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
    crosses = next(line for line in ax.lines if line.get_marker() == "x")
    assert list(crosses.get_xdata()) == [ax.get_xlim()[0]]
    assert "a 1.0 × 10⁻⁴ (exactly 0 to 0.01)." in ax.get_label()


def test_histograms_are_densities_on_one_scale():
    rng = np.random.default_rng(0)
    arrays = {"hidden_1": rng.normal(0, 1, (50, 40)), "hidden_2": rng.normal(0, 0.1, 5000)}
    ax = plots.histograms(arrays, label="delta")
    wide, narrow = ax.patches
    for patch, array in zip((wide, narrow), arrays.values(), strict=True):
        density, edges, _ = patch.get_data()
        inside = (array.ravel() >= edges[0]) & (array.ravel() <= edges[-1])
        assert (density * np.diff(edges)).sum() == pytest.approx(inside.mean())
        middle = density[np.searchsorted(edges, 0) - 1]
        assert middle == pytest.approx(1 / (array.std() * np.sqrt(2 * np.pi)), rel=0.25)
    assert ax.get_xlim() == pytest.approx((-edges[-1], edges[-1]))
    assert ax.get_label() == (
        f"delta, spread (standard deviation): hidden_1 {arrays['hidden_1'].std():.3g}; hidden_2 "
        f"{arrays['hidden_2'].std():.3g}. Up to 0.1 % lie outside."
    )


def test_histograms_of_sizes_start_at_zero_and_take_an_exact_law():
    values = np.random.default_rng(0).uniform(size=2000)
    ax = plots.histograms({"mine": values}, label="size", exact=([0, 1], [1, 1]))
    assert ax.get_xlim()[0] == 0
    np.testing.assert_array_equal(line(ax, "exact law").get_ydata(), [1, 1])
    named = plots.histograms({"mine": values}, label="x", exact=([0, 1], [1, 1]), exact_name="flat")
    assert line(named, "flat").get_ydata().tolist() == [1, 1]


def test_show_gives_the_picture_its_sentence_and_closes_it():
    _, axes = plt.subplots(2)
    plots.factors(np.array([0.5, 3]), ax=axes[0])
    shown = plots.show(axes)
    text = shown._repr_html_()
    assert 'alt="1 of 2 factors are above 1, 0 are exactly 0."' in text
    assert 'src="data:image/png;base64,' in text and not plt.get_fignums()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.factors(np.array([0.5]), ax=ax),
        lambda ax: plots.running_product(np.array([0.5]), ax=ax),
        lambda ax: plots.log10_histogram(np.array([0.5, 0.6]), ax=ax),
        lambda ax: plots.activation(np.arange(3), np.arange(3), np.ones(3), name="my own", ax=ax),
        lambda ax: plots.points(data.moons(20), ax=ax),
        lambda ax: plots.over_epochs(recording(np.ones((1, 2, 3))), "loss", ax=ax),
        lambda ax: plots.spread({"a": [1, 2]}, label="size", ax=ax),
        lambda ax: plots.histograms({"a": [1, 2]}, label="size", ax=ax),
    ],
    ids=[
        "factors",
        "running_product",
        "log10_histogram",
        "activation",
        "points",
        "over_epochs",
        "spread",
        "histograms",
    ],
)
def test_every_plot_takes_an_ax_and_returns_it(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert draw(None) is not ax


@pytest.mark.parametrize(("depth", "end"), [(1, 1), (4, 4), (5, 5), (6, 7), (11, 20)])
def test_the_layer_axis_has_no_place_for_layers_that_are_not_there(depth, end):
    ax = plots.shares(np.zeros((2, depth)), np.zeros((2, depth)))
    assert ax.get_xlim() == (0.5, end + 0.5)
    if depth <= 5:
        ticks = [tick for tick in ax.get_xticks() if 0.5 <= tick <= end + 0.5]
        assert max(ticks) <= depth and all(tick == int(tick) for tick in ticks)


def test_distributions_hold_the_pinned_ones_too():
    narrow, wide = np.linspace(-1, 1, 101), np.linspace(-7, 7, 101)
    for arrays, pinned in ((narrow, wide), (wide, narrow)):
        ax = plots.distributions(
            {"hidden_1": arrays}, plots.layer_colors(["hidden_1"]), pinned={"hidden_1": pinned}
        )
        ends = np.concatenate([line.get_xdata() for line in ax.lines])
        low, high = ax.get_xlim()
        assert low <= ends.min() < -6 and 6 < ends.max() <= high


def test_a_rule_has_its_colour_and_shares_it_with_no_other():
    assert set(plots.RULE_COLORS) <= set(INITIALIZERS)
    assert len(set(plots.RULE_COLORS.values())) == len(plots.RULE_COLORS)
    name, values = "he_uniform", np.linspace(0, 1, 50)
    dots = line(plots.spread({name: values}, label="size"), name)
    (steps,) = plots.histograms({name: values}, label="size").patches
    for color in (dots.get_color(), steps.get_edgecolor()):
        assert mcolors.same_color(color, plots.RULE_COLORS[name])


def test_the_phase_map_shows_chi_the_line_and_the_places():
    weights, biases = np.geomspace(0.1, 10, 21), np.linspace(0, 1, 11)
    chi = np.broadcast_to(weights, (11, 21))  # linear layers
    line_of = np.ones(3), np.array([0, 0.5, 1.0])
    ax = plots.phase_map(chi, weights, biases, line=line_of, place=(2.0, 0.3), pinned=(100.0, 0.5))
    np.testing.assert_allclose(ax.images[0].get_array(), np.log10(chi) / 2)
    np.testing.assert_allclose(line(ax, "critical").get_xdata(), 0)
    np.testing.assert_allclose(line(ax, "here").get_xydata(), [[np.log10(2), 0.3]])
    np.testing.assert_allclose(line(ax, "A").get_xydata(), [[1, 0.5]])  # at the edge
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "0.1",
        "0.2",
        "0.5",
        "1",
        "2",
        "5",
        "10",
    ]
    assert "vanish on 48 % of the map" in ax.get_label()  # 10 of 21 columns


def test_correlations_hold_the_medians_and_the_limit():
    values = np.linspace(0.2, 0.9, 12).reshape(3, 4)
    series = plots.Series(values, label="it", predicted=np.full(4, 0.5))
    ax = plots.correlations([series], limit=0.3, pinned=[values[:, :2]])
    np.testing.assert_allclose(line(ax, "it").get_ydata(), np.median(values, axis=0))
    np.testing.assert_allclose(line(ax, "A").get_ydata(), np.median(values[:, :2], axis=0))
    assert ax.get_ylim()[0] == -0.05
    assert plots.correlations([plots.Series(-values)]).get_ylim()[0] == -1.05


def test_trainability_marks_the_depth_that_theory_allows():
    accuracy = np.array([[0.9, 0.5], [1.0, 0.95]])
    ax = plots.trainability(accuracy, [5, 20], ["a", "b"], reach=[7.0, np.inf])
    np.testing.assert_allclose(ax.collections[0].get_array().ravel(), accuracy.T.ravel())
    bar, arrow = (mark for mark in ax.lines if mark.get_label() == "reach")
    assert set(bar.get_ydata()) == {7.0} and arrow.get_ydata()[0] == ax.get_ylim()[1]
    assert ax.get_label() == (
        "Median accuracy by depth: a 0.90 at 5, 0.50 at 20; b 1.00 at 5, 0.95 at 20."
    )


def test_compare_by_layer_draws_each_over_its_last_rms_and_names_it():
    rng = np.random.default_rng(0)
    sizes = {"first": rng.random((4, 6)) + 0.1, "second": 7 * rng.random((3, 9)) + 0.1}
    forecast = np.linspace(0.2, 1, 9)
    ax = plots.compare_by_layer(
        sizes, quantity="delta", predicted={"second": forecast}, place="time step"
    )
    drawn = [line.get_ydata() for line in ax.lines if line.get_label() == "RMS"]
    for values, curve in zip(sizes.values(), drawn, strict=True):
        rms = np.sqrt(np.mean(values**2, axis=0))
        np.testing.assert_allclose(curve, np.log10(rms / rms[-1]), atol=1e-12)
    theory = [line.get_ydata() for line in ax.lines if line.get_label() == "theory"]
    np.testing.assert_allclose(theory, [np.log10(forecast)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(sizes)
    assert ax.get_xlabel() == "time step" and "RMS by time step" in ax.get_label()
