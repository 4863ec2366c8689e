import numpy as np
import pytest
from drawn import crosses, curves, line, recording

from helpers import plots


@pytest.mark.parametrize(
    ("name", "drawn"), [("gradient_norm", np.log10), ("weight_mean", np.negative)]
)
def test_over_epochs_draws_the_median_of_each_layer_and_the_band(name, drawn):
    values = 10.0 ** np.random.default_rng(0).normal(-3, 1, (11, 5, 3))
    ax = plots.over_epochs(recording(values), name)
    # Of 11 networks the sixth is the median; 10 % are below the second, 10 % above the tenth.
    _, second, *_, sixth, _, _, _, tenth, _ = np.sort(drawn(values), axis=0)
    for number, layer in enumerate(["hidden_1", "hidden_2", "output"]):
        got = line(ax, layer)
        np.testing.assert_allclose(got.get_xdata(), np.arange(5) / 2)
        np.testing.assert_allclose(got.get_ydata(), sixth[:, number], rtol=1e-6)
        band = ax.collections[number].get_paths()[0].vertices
        for step in range(5):
            at_step = band[band[:, 0] == step / 2, 1]
            assert at_step.min() == pytest.approx(second[step, number])
            assert at_step.max() == pytest.approx(tenth[step, number])
        low, high = ax.get_ylim()
        assert low <= second[:, number].min() and tenth[:, number].max() <= high
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
    np.testing.assert_allclose(crosses(ax).get_xydata(), [[1, ax.get_ylim()[0]]])
    np.testing.assert_allclose(line(ax, "hidden_1").get_xdata(), [0, 0.5])
    np.testing.assert_allclose(line(ax, "output").get_xdata(), [0, 0.5, 1])
    assert [text.get_text() for text in ax.texts] == [" 2 of 2 exploded, first at step 5"]
    assert ax.texts[0].get_position()[0] == 2.5
    assert "2 of 2 networks exploded" in ax.get_label()
    assert "output from 0.1 to no number" in ax.get_label()


def test_a_network_that_exploded_is_left_out_of_the_median_of_the_others():
    values = np.full((3, 2, 3), 0.1)
    values[1] = 10.0
    values[2, 1] = np.inf
    ax = plots.over_epochs(recording(values, diverged_at=1), "weight_mean")
    np.testing.assert_allclose(line(ax, "output").get_ydata(), [-0.1, -5.05])
    assert "1 of 3 networks exploded" in ax.get_label()


def test_a_pinned_recording_is_held_by_the_limits():
    values = np.full((1, 3, 3), 0.1)
    earlier = recording(np.full((3, 5, 3), 1e-7))
    ax = plots.over_epochs(recording(values), "gradient_norm", pinned=earlier)
    grey = ax.lines[:3]  # under the others: one a layer
    assert {drawn.get_color() for drawn in grey} == {plots.PINNED["color"]}
    np.testing.assert_allclose([drawn.get_ydata() for drawn in grey], np.full((3, 5), -7))
    assert ax.get_ylim()[0] <= -7


def test_many_layers_name_only_a_few_in_the_legend():
    names = [*(f"hidden_{k}" for k in range(1, 21)), "output"]
    ax = plots.over_epochs(recording(np.ones((1, 2, 21)), layers=names), "gradient_norm")
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["hidden_1", "hidden_11", "hidden_20", "output"]
    assert len({str(line(ax, name).get_color()) for name in names}) == 21


def test_a_grid_shares_the_scale_of_a_row():
    small = recording(np.full((1, 2, 3), 1e-5))
    large = recording(np.full((1, 2, 3), 10.0))
    axes = plots.grid_over_epochs({"small": small, "large": large}, ["gradient_norm", "loss"])
    assert axes.shape == (2, 2)
    for row in axes:
        assert len({ax.get_ylim() for ax in row}) == 1
    assert [ax.get_title(loc="left").strip() for ax in axes[0]] == ["small", "large"]
    np.testing.assert_allclose(axes[0, 1].lines[0].get_ydata(), 1)
    assert axes[1, 0].get_xlabel() == "epoch" and not axes[0, 0].get_xlabel()
    assert [bool(ax.get_legend()) for ax in axes.flat] == [False, True, False, False]
    assert axes[0, 0].get_label().startswith("small, kernel-gradient norm: hidden_1 starts")
    assert axes[0, 1].get_label().endswith("hidden_1 from 10 to 10; output from 10 to 10.")


def test_learning_curves_are_medians_and_hold_what_is_pinned():
    now = curves(loss=[[0.9, 0.6], [0.8, 0.5], [0.7, 0.1]], accuracy=[[0.5, 0.9]] * 3)
    earlier = curves(loss=[[0.4] * 7], accuracy=[[1.0] * 7])
    ax = plots.learning_curves(now, pinned=earlier)
    np.testing.assert_allclose(line(ax, "loss").get_ydata(), [0.8, 0.5])
    np.testing.assert_allclose(line(ax, "accuracy").get_ydata(), [0.5, 0.9])
    np.testing.assert_allclose(line(ax, "A").get_ydata(), 0.4)
    assert ax.get_xlim() == (0, 3)  # the earlier one trained for longer
    assert ax.get_ylim() == (0, 1.02)
    assert ax.get_label() == "After 0.5 epochs the median accuracy of 3 networks is 0.900."
    steep = plots.learning_curves(curves(loss=[[7.1, 1.0]], accuracy=[[0.5, 0.5]]))
    assert 7.1 <= steep.get_ylim()[1] <= 14


@pytest.mark.parametrize(("epoch", "side"), [(0, "left"), (1, "left"), (3, "right"), (4, "right")])
def test_the_mark_of_an_epoch_writes_towards_the_middle(epoch, side):
    ax = plots.over_epochs(recording(np.ones((1, 9, 3))), "loss")
    plots.mark_epoch(epoch, ax=ax)
    assert set(ax.lines[-1].get_xdata()) == {epoch}
    assert ax.texts[-1].get_text() == f" epoch {epoch} " and ax.texts[-1].get_ha() == side


def test_a_heat_map_holds_the_median_size_of_each_layer_at_each_epoch():
    exponents = np.array([[-6.0, -3.0, -1.0], [-2.0, -2.0, -2.0]])  # (step, layer)
    values = np.stack([10.0**exponents * factor for factor in (0.5, 1, 40)])
    ax = plots.heat_map(recording(values), "gradient_norm")
    sizes, scale = ax.images
    np.testing.assert_allclose(sizes.get_array(), exponents.T)
    assert sizes.origin == "lower" and sizes.get_extent() == [0, 1, 0.5, 3.5]
    assert sizes.get_clim() == scale.get_clim() == (-6, -1)
    np.testing.assert_allclose(scale.get_array()[0, [0, -1]], [-6, -1])
    assert [text.get_text() for text in ax.texts] == ["10⁻⁶", "0.1"]
    assert "from 1.0 × 10⁻⁶ and 0.1 to 0.01 and 0.01" in ax.get_label()
