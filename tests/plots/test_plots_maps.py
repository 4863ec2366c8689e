import numpy as np
import pytest
from drawn import line

from helpers import data, plots


def test_points_draws_every_example_in_its_class():
    dataset = data.circles(50)
    ax = plots.points(dataset)
    for label in (0, 1):
        np.testing.assert_array_equal(
            ax.collections[label].get_offsets(), dataset.x[dataset.y == label]
        )
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 2
    assert np.abs(dataset.x).max() <= ax.get_xlim()[1]
    assert "50 points in 2 classes. 25 of class 0, 25 of class 1" in ax.get_label()
    with pytest.raises(ValueError, match="2 inputs; 'digits' has 64"):
        plots.points(data.digits(100))


def test_points_of_two_exact_circles_lie_on_them():
    ax = plots.points(data.circles(50, noise=0.0))
    for label, radius in ((0, 1), (1, 0.5)):
        drawn = ax.collections[label].get_offsets()
        np.testing.assert_allclose(np.hypot(*drawn.T), radius, rtol=1e-5)
    assert ax.get_label().endswith("their mean distances from the middle are 1, 0.5.")


def test_the_boundary_is_drawn_the_right_way_up_under_the_points():
    dataset = data.moons(20)
    outputs = np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.2]])  # class 1 is at the upper left
    ax = plots.decision_boundary(dataset, outputs, (-2, 4, -1, 3))
    (image,) = ax.images
    assert image.get_extent() == [-2, 4, -1, 3] and image.origin == "lower"
    np.testing.assert_array_equal(image.get_array(), outputs)
    assert image.get_zorder() < line(ax, "class 0").get_zorder()
    drawn = np.concatenate([line(ax, f"class {label}").get_xydata() for label in (0, 1)])
    np.testing.assert_array_equal(np.unique(drawn, axis=0), np.unique(dataset.x, axis=0))
    assert "says class 1 on 33 % of the plane" in ax.get_label()


def test_the_phase_map_shows_chi_the_line_and_the_places():
    weights = np.geomspace(0.1, 10, 21)
    biases = np.linspace(0, 1, 11)
    chi = np.broadcast_to(weights, (11, 21))  # linear layers
    line_of = np.ones(3), np.array([0, 0.5, 1.0])
    ax = plots.phase_map(chi, weights, biases, line=line_of, place=(2.0, 0.3), pinned=(100.0, 0.5))
    # Of linear layers delta grows by the root of the weight variance, whatever the bias.
    halves = np.broadcast_to(np.linspace(-0.5, 0.5, 21), (11, 21))
    np.testing.assert_allclose(ax.images[0].get_array(), halves, atol=1e-12)
    np.testing.assert_allclose(line(ax, "critical").get_xdata(), 0)
    np.testing.assert_allclose(line(ax, "here").get_xydata(), [[np.log10(2), 0.3]])
    np.testing.assert_allclose(line(ax, "A").get_xydata(), [[1, 0.5]])  # at the edge
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks == ["0.1", "0.2", "0.5", "1", "2", "5", "10"]
    assert "vanish on 48 % of the map" in ax.get_label()  # 10 of 21 columns


def test_trainability_marks_the_depth_that_theory_allows():
    accuracy = np.array([[0.9, 0.5], [1.0, 0.95]])
    ax = plots.trainability(accuracy, [5, 20], ["a", "b"], reach=[7.0, np.inf])
    np.testing.assert_allclose(ax.collections[0].get_array().ravel(), accuracy.T.ravel())
    bar, arrow = (mark for mark in ax.lines if mark.get_label() == "reach")
    assert set(bar.get_ydata()) == {7.0} and arrow.get_ydata()[0] == ax.get_ylim()[1]
    assert ax.get_label() == (
        "Most networks learn: a nowhere and b to 20 layers. "
        "Median accuracy by depth: a 0.90 at 5, 0.50 at 20; b 1.00 at 5, 0.95 at 20."
    )
