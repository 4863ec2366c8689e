import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import STYLE, plots
from helpers.catalogue import ACTIVATIONS


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
    ],
    ids=["factors", "running_product", "log10_histogram", "activation"],
)
def test_every_plot_takes_an_ax_and_returns_it(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert draw(None) is not ax
