import html
import re
import types

import matplotlib.colors as mcolors
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from drawn import curves, line, recording

from helpers import data, plots
from helpers.catalogue import ACTIVATIONS, INITIALIZERS


def test_an_activation_shares_its_colour_with_no_other():
    """One without a colour of its own is drawn in that of all others."""
    colors = [plots.COLORS[name] for name in ACTIVATIONS if name in plots.COLORS]
    assert len(colors) >= 14
    assert len({*colors, plots.OTHER_COLOR}) == len(colors) + 1


def test_an_initializer_has_its_colour_and_shares_it_with_no_other():
    assert set(plots.RULE_COLORS) <= set(INITIALIZERS)
    assert len(set(plots.RULE_COLORS.values())) == len(plots.RULE_COLORS)
    name = "he_uniform"
    values = np.linspace(0, 1, 50)
    dots = line(plots.spread({name: values}, label="size"), name)
    (steps,) = plots.histograms({name: values}, label="size").patches
    for color in (dots.get_color(), steps.get_edgecolor()):
        assert mcolors.same_color(color, plots.RULE_COLORS[name])


@pytest.mark.parametrize("depth", [1, 2, 20])
def test_layers_run_from_dark_to_light_and_the_output_stands_apart(depth):
    hidden = [f"hidden_{number}" for number in range(1, depth + 1)]
    colors = plots.layer_colors([*hidden, "output", "something else"])
    assert list(colors) == [*hidden, "output"]
    brightness = [sum(mcolors.to_rgb(colors[name])) for name in hidden]
    assert np.all(np.diff(brightness) > 0)
    assert mcolors.same_color(colors["hidden_1"], plots.layer_colors(["hidden_1"])["hidden_1"])
    assert colors["output"] == plots.OUTPUT_COLOR


@pytest.mark.parametrize(
    ("share", "text"),
    [(1, "100"), (0.9999683, "99.997"), (0.9996, "99.96"), (0.84134, "84.1"), (3.2e-5, "0.0032")],
)
def test_nearly_all_is_not_said_to_be_all(share, text):
    assert plots.percent(share) == text


@pytest.mark.parametrize(
    ("log10", "text"),
    [(-np.inf, "exactly 0"), (-33.65, "2.2 × 10⁻³⁴"), (np.log10(0.25), "0.25"), (3.4, "2.5 × 10³")],
)
def test_numbers_read_well(log10, text):
    assert plots.scientific(log10) == text


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


def test_a_small_legend_names_what_is_there_and_is_made_anew_only_when_that_changes():
    ax = plots.factors(np.ones(3))
    for label in ("A", "B"):
        ax.plot([0, 1], [0, 1], color="red", label=label)
    plots.small_legend(ax, "B", "A", "absent")
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["B", "A"]
    assert {mark.get_color() for mark in legend.legend_handles} == {plots.OTHER_COLOR}
    plots.small_legend(ax, "B", "A")
    assert ax.get_legend() is legend
    plots.small_legend(ax, "absent")
    assert ax.get_legend() is None


def test_a_panel_that_waits_says_so_and_nothing_else():
    ax = plots.factors(np.ones(3))
    ax.clear()
    plots.waiting("training ...", ax=ax)
    assert [text.get_text() for text in ax.texts] == ["training ..."]
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0 and ax.get_label() == ""


def test_show_gives_the_picture_its_sentence_and_closes_it():
    _, axes = plt.subplots(2)
    plots.factors(np.array([0.5, 3]), ax=axes[0])
    shown = plots.show(axes)
    text = shown._repr_html_()
    assert 'alt="1 of 2 factors are above 1, 0 are exactly 0."' in text
    assert 'src="data:image/png;base64,' in text and not plt.get_fignums()


def test_a_caption_shows_the_finding_and_the_numbers_on_request():
    series = {f"network <{k}>": np.ones((2, 3)) for k in range(4)}
    ax = plots.compare_by_layer(series, quantity="delta")
    whole = html.escape(ax.get_label())
    text = plots.show(ax)._repr_html_()
    assert f'alt="{whole}"' in text
    first, rest = re.search("<summary>(.*)</summary>(.*)</details>", text).groups()
    assert first == "delta: healthy for " + ", ".join(f"network &lt;{k}&gt;" for k in range(3)) + (
        " and network &lt;3&gt;."
    )
    assert rest == whole and whole.startswith(first) and "1 in the last" not in first


def test_a_caption_says_what_holds_of_several_panels_once_and_leaves_out_what_has_no_room():
    _, axes = plt.subplots(1, 4)
    for ax, label in zip(axes, ("Same. 1.", "Same. 2.", "Other. 3.", "x" * 300 + "."), strict=True):
        ax.set_label(label)
    text = plots.show(axes)._repr_html_()
    first, rest = re.search("<summary>(.*)</summary>(.*)</details>", text).groups()
    assert first == "Same. Other." and rest == f"Same. 1. Same. 2. Other. 3. {'x' * 300}."


def diagnosed(**sizes):
    """What a diagnosis measured of two layers."""
    return xr.Dataset(
        {name: ("layer", np.array(values)) for name, values in sizes.items()},
        {"layer": ["first", "second"]},
    )


EVERY_PLOT_WITH_AX = {
    "activation": lambda ax: plots.activation(
        np.arange(3), np.arange(3), np.ones(3), name="my own", ax=ax
    ),
    "by_layer": lambda ax: plots.by_layer([plots.Series(np.ones((2, 3)))], quantity="q", ax=ax),
    "chain": lambda ax: plots.chain(
        [plots.Node("x", 1, 2), plots.Node("L", 3, 1)], [plots.Factor("w", 2)], ax=ax
    ),
    "compare_by_layer": lambda ax: plots.compare_by_layer(
        {"a": np.ones((2, 3))}, quantity="q", ax=ax
    ),
    "correlations": lambda ax: plots.correlations([plots.Series(np.ones((2, 3)))], ax=ax),
    "decision_boundary": lambda ax: plots.decision_boundary(
        data.moons(20), np.ones((2, 2)), (0, 1, 0, 1), ax=ax
    ),
    "descent": lambda ax: plots.descent(
        np.eye(2), (0, 0), np.eye(2), title="t", limits=(-2, 2), ax=ax
    ),
    "diagnosis_by_layer": lambda ax: plots.diagnosis_by_layer(
        diagnosed(delta_norm=[1e-3, 1.0], update_ratio=[1e-3, 0.0]), verdict="v", ax=ax
    ),
    "distributions": lambda ax: plots.distributions(
        {"output": np.arange(3.0)}, {"output": "red"}, ax=ax
    ),
    "factors": lambda ax: plots.factors(np.array([0.5]), ax=ax),
    "heat_map": lambda ax: plots.heat_map(recording(np.ones((1, 2, 3))), "gradient_norm", ax=ax),
    "histograms": lambda ax: plots.histograms({"a": [1, 2]}, label="size", ax=ax),
    "laws": lambda ax: plots.laws(
        [1, 2], {"a": [0, 1]}, {"a": [0, 1]}, xlabel="", ylabel="", ax=ax
    ),
    "learning_curves": lambda ax: plots.learning_curves(curves([[1, 0]], [[0, 1]]), ax=ax),
    "log10_histogram": lambda ax: plots.log10_histogram(np.array([0.5, 0.6]), ax=ax),
    "mark_epoch": lambda ax: plots.mark_epoch(1, ax=ax),
    "over_epochs": lambda ax: plots.over_epochs(recording(np.ones((1, 2, 3))), "loss", ax=ax),
    "over_steps": lambda ax: plots.over_steps({"a": np.ones((2, 3))}, quantity="share", ax=ax),
    "over_z": lambda ax: plots.over_z(
        np.arange(-1, 2), np.arange(3), np.ones(3), (-1, 3), title="t", ax=ax
    ),
    "phase_map": lambda ax: plots.phase_map(np.ones((2, 2)), [0.1, 1], [0, 1], ax=ax),
    "points": lambda ax: plots.points(data.moons(20), ax=ax),
    "predicted_measured": lambda ax: plots.predicted_measured(
        [plots.Series(np.ones((2, 3)), predicted=np.ones(3))], quantity="q", ax=ax
    ),
    "running_product": lambda ax: plots.running_product(np.array([0.5]), ax=ax),
    "shares": lambda ax: plots.shares(np.zeros((2, 3)), np.zeros((2, 3)), ax=ax),
    "singular_values": lambda ax: plots.singular_values([plots.Series(np.ones((2, 3)))], ax=ax),
    "spread": lambda ax: plots.spread({"a": [1, 2]}, label="size", ax=ax),
    "token_correlations": lambda ax: plots.token_correlations(
        [plots.Series(np.ones((2, 3)))], ax=ax
    ),
    "trainability": lambda ax: plots.trainability([[0.5, 1]], [1, 2], ["a"], reach=[1], ax=ax),
    "update_ratios": lambda ax: plots.update_ratios(
        diagnosed(update_ratio=[1e-3, 0.0])
        .expand_dims(["replicate", "step"])
        .assign_coords(epoch=("step", [0])),
        ax=ax,
    ),
    "value_shares": lambda ax: plots.value_shares(
        types.SimpleNamespace(low=np.zeros(1), high=np.ones(1), share=np.ones(1), atoms={}),
        (0, 1),
        label="a",
        ax=ax,
    ),
    "waiting": lambda ax: plots.waiting("for you", ax=ax),
}


@pytest.mark.parametrize("name", EVERY_PLOT_WITH_AX)
def test_every_plot_takes_an_ax_and_returns_it(name):
    draw = EVERY_PLOT_WITH_AX[name]
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert draw(None) is not ax


def test_no_plot_is_left_out_of_that():
    takes_no_axes_or_two = {"activation_grid", "grid_over_epochs", "watched"}
    give_words_or_legends = {
        "layer_colors",
        "name_series",
        "percent",
        "scientific",
        "show",
        "small_legend",
        "value_limits",
    }
    functions = {
        name for name in plots.__all__ if isinstance(getattr(plots, name), types.FunctionType)
    }
    assert functions == EVERY_PLOT_WITH_AX.keys() | takes_no_axes_or_two | give_words_or_legends
