import types

import numpy as np
import pytest
from drawn import line

from helpers import plots
from helpers.catalogue import ACTIVATIONS


def test_activation_draws_both_curves_and_marks_the_largest_slope():
    z = np.linspace(-4, 4, 81)
    entry = ACTIVATIONS["tanh"]
    ax = plots.activation(z, entry.function(z), entry.derivative(z), name="tanh")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.tanh(z))
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), entry.derivative(z))
    assert ax.lines[2].get_xydata()[0] == pytest.approx([0, 1])
    assert "largest slope is 1. It lies at z = 0" in ax.get_label()


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


def test_the_grid_has_numbers_below_the_last_panel_of_every_column():
    z = np.linspace(-2, 2, 40)
    axes = plots.activation_grid(z, dict.fromkeys("abcdefg", (z, z)))
    numbered = [ax.xaxis.get_tick_params()["labelbottom"] for ax in axes]
    assert numbered == [False] * 2 + [True] * 5


def test_over_z_interrupts_a_jump_and_holds_the_pinned_one():
    z = np.linspace(-2, 2, 41)
    step = np.where(z < 0, 0.0, 1.0)
    wider = np.linspace(-3, 3, 5)
    ax = plots.over_z(
        z, step, np.exp(-(z**2) / 2), (-0.2, 1.2), title="step", pinned=(wider, wider)
    )
    drawn = line(ax, "now").get_ydata()
    assert np.flatnonzero(np.isnan(drawn)).tolist() == [np.flatnonzero(z < 0)[-1]]
    np.testing.assert_array_equal(line(ax, "A").get_xydata(), np.stack([wider, wider], axis=1))
    assert ax.get_xlim() == (-3, 3)
    hill = ax.collections[0].get_paths()[0].vertices
    assert hill[np.argmax(hill[:, 1]), 0] == pytest.approx(0, abs=0.06)  # most z are near 0
    assert ax.get_label() == "step: from 0 to 1."


@pytest.mark.parametrize("array", [[0.5], [-3.2, np.inf, np.nan], [70.0], []])
def test_value_limits_hold_all_numbers_and_0_and_1_with_room(array):
    low, high = plots.value_limits(np.array(array))
    finite = [number for number in array if np.isfinite(number)]
    assert low < 0 and high > 1
    assert all(low <= number <= high for number in finite)


def test_value_shares_count_what_lies_beyond_at_the_ends():
    pushed = types.SimpleNamespace(
        low=np.array([-9.0, 0.0]),
        high=np.array([-8.0, 1.0]),
        share=np.array([0.2, 0.5]),
        atoms={0.5: 0.3},
    )
    ax = plots.value_shares(pushed, (-1, 1), label="a", num_bins=4)
    np.testing.assert_allclose(ax.patches[0].get_data().values, [20, 0, 25, 25])
    assert line(ax, "exactly").get_xydata().tolist() == [[0.5, 0], [0.5, 30]]
    assert ax.get_label() == "a: 30 % exactly 0.5."


def test_laws_draw_measured_over_predicted():
    x = np.arange(1, 4)
    ax = plots.laws(x, {"a": [0.1, 0.2, 0.35]}, {"a": [0.1, 0.2, 0.3]}, xlabel="n", ylabel="share")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(line(ax, "a").get_ydata(), [0.1, 0.2, 0.35])
    assert "differ by at most 0.05. At n 3: a 0.35" in ax.get_label()


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
    assert "2 of 3 steps turn back." in ax.get_label()
