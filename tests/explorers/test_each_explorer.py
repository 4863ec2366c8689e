"""Laws that every picture of every explorer obeys, read from what is drawn and what is said."""

import re
import subprocess
import sys

import numpy as np
import pytest
from hands import act, curve, ends, fresh_pixels, is_button, lines, pixels, shown
from scipy.special import ndtri

from helpers import data, explorers, measure, recurrent, theory, transformer
from helpers.catalogue import ACTIVATIONS, Activation
from helpers.explorers import (
    activation_explorer,
    chain_explorer,
    chaos_explorer,
    depth_explorer,
    gradient_explorer,
    initializer_explorer,
    product_explorer,
    time_explorer,
    transformer_explorer,
)

pytestmark = pytest.mark.usefixtures("untrained")
WORDS = [  # the scale of the course: up to which ratio a word holds
    (1e-3, "vanishing"),
    (0.1, "shrinking"),
    (10, "healthy"),
    (1e3, "growing"),
    (np.inf, "exploding"),
]
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def word_of(log10):
    """The word for a ratio."""
    return next(word for limit, word in WORDS if log10 <= np.log10(limit))


def ends_at_one(logs):
    """Whether a line of relative sizes does, or has no last size to be relative to."""
    return abs(logs[-1]) < 1e-9 or not np.isfinite(logs[-1])


def number_in(text):
    """Read a size that a sentence says: "0.25", "2.1 × 10⁻³⁴", "exactly 0"."""
    if text.startswith("exactly 0"):
        return -np.inf
    mantissa, _, power = text.partition(" × 10")
    return np.log10(float(mantissa)) + (int(power.translate(SUPERSCRIPTS)) if power else 0)


def size_after(words, sentence):
    """log10 of the size that follows these words."""
    size = r"(exactly 0|\d+(?:\.\d+)?(?:e[+-]\d+)?(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
    return number_in(re.search(re.escape(words) + size, sentence).group(1))


def same_size(said, drawn):
    """Whether two log10 agree within the digits of a sentence."""
    return said == drawn or abs(said - drawn) < 0.05


def check_word(verdict, log10):
    """The verdict begins with the word for the drawn ratio, or with the dead that it counts."""
    dead = re.match(r"Dying: (\d+) of (\d+) networks are dead; ", verdict)
    if dead:
        count, total = map(int, dead.groups())
        assert count / total >= 0.1
        return
    if np.isnan(log10):
        assert verdict.startswith("Exploding")
        return
    words = {word_of(log10 - 1e-3), word_of(log10), word_of(log10 + 1e-3)}
    assert verdict.split(":")[0].lower() in words, (verdict, log10)


def check_product(explorer):
    """The lower line sums the logarithms of the stems; the sentence names its end."""
    values, (stems, product) = explorer.values, explorer.axes
    drawn = next(
        line
        for line in product.lines
        if line.get_linestyle() == "-"
        and line.get_label() not in ("A", "nothing lost", "predicted")
    )
    logs = drawn.get_ydata()
    heights = next(line for line in stems.lines if line.get_marker() == "o").get_ydata()
    alive = len(logs) - 1
    np.testing.assert_allclose(np.diff(logs), heights[:alive], atol=1e-9)
    if alive < values["depth"]:
        assert explorer.verdict.startswith(f"Dead: factor {alive + 1} of {values['depth']}")
        return
    check_word(explorer.verdict, logs[-1])
    words = "one factor gives " if alive == 1 else f"{alive} factors multiply to "
    assert same_size(size_after(words, explorer.verdict), logs[-1])
    forecast = lines(product, "predicted")
    if forecast:
        np.testing.assert_allclose(np.diff(forecast[0].get_ydata(), 2), 0, atol=1e-9)  # straight


def check_gradient(explorer):
    """Relative lines end at 1, the sentence says where they begin, theory is there if it can be."""
    values = explorer.values
    if explorer.axes[1].get_title(loc="left") != "kernel gradient":
        return
    delta, kernel = explorer.axes[:2]
    for ax in (delta, kernel):
        rms = curve(ax, "RMS")
        assert len(rms) == values["depth"]
        assert ends_at_one(rms)
    first = curve(delta, "RMS")[0]
    check_word(explorer.verdict, first)
    predicted = values["normalization"] == "none"
    assert len(lines(delta, "theory")) == predicted
    if values["depth"] > 1:
        assert same_size(size_after("first hidden layer is ", explorer.verdict), first)
        assert predicted != ("no prediction under normalisation" in explorer.verdict)
        said = size_after("The kernel gradient: ", explorer.verdict)
        assert same_size(said, curve(kernel, "RMS")[0])
    else:
        assert "single hidden layer" in explorer.verdict and "times" not in explorer.verdict
    assert delta.get_ylim() == kernel.get_ylim()
    for ax in explorer.axes:
        assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def check_initializers(explorer):
    """Both lines of delta end at 1; the sentence names both, and the means that are drawn."""
    values, (spread, delta, singular, points) = explorer.values, explorer.axes
    firsts = []
    for color in explorers.PAIR:
        rms = curve(delta, "RMS", color)
        assert len(rms) == len(curve(spread, "RMS", color)) == values["depth"]
        assert ends_at_one(rms)
        firsts.append(rms[0])
    if values["depth"] == 1:
        assert "single hidden layer" in explorer.verdict
        return
    said = re.search(r"layer is (.*) times the last's under \w+, (.*) under", explorer.verdict)
    for text, first in zip(said.groups(), firsts, strict=True):
        assert same_size(number_in(text), first)
    means = re.search(rf"values: ({NUMBER}) and ({NUMBER})\.", explorer.verdict).groups()
    for name, color, mean in zip(("first", "second"), explorers.PAIR, means, strict=True):
        drawn = curve(singular, values[name], color)
        assert len(drawn) == values["depth"] - 1
        assert float(mean) == pytest.approx(drawn.mean(), rel=0.06, abs=1e-9)
    measured = curve(spread, "RMS", explorers.PAIR[0])
    shown_points = [line for line in points.lines if line.get_marker() == "o"]
    assert len(shown_points[0].get_ydata()) <= len(measured)


def check_activation(explorer):
    """The curves are the catalogue's; bars and stems count 40,000 evenly spread z; so does E."""
    values, entry = explorer.values, ACTIVATIONS[explorer.values["activation"]]
    z = values["mean"] + values["spread"] * ndtri((np.arange(40_000) + 0.5) / 40_000)
    steady = 1e-7 * entry.largest_slope  # the rounding of a derivative by differences
    for (left, right), part in zip(
        explorer.axes.reshape(2, 2), (entry.function, entry.derivative), strict=True
    ):
        (line,) = lines(left, "now")
        drawn = np.isfinite(line.get_ydata())
        assert drawn.mean() > 0.99
        np.testing.assert_array_equal(line.get_ydata()[drawn], part(line.get_xdata())[drawn])
        (bars,) = [patch for patch in right.patches if patch.get_fill()]
        shares, edges, _ = bars.get_data()
        stems = lines(right, "exactly")
        hit = part(z)
        for stem in stems:
            value = stem.get_xdata()[0]
            height = stem.get_ydata()[1]
            assert height == pytest.approx(100 * (part(z) == value).mean(), abs=0.02)
            hit = hit[hit != value]
        assert shares.sum() + sum(s.get_ydata()[1] for s in stems) == pytest.approx(100, abs=0.01)
        ordered = np.sort(hit)
        below = 100 * np.searchsorted(ordered, edges[1:-1] + steady) / len(z)
        above = 100 * np.searchsorted(ordered, edges[1:-1] - steady) / len(z)
        total = shares.cumsum()[:-1]
        assert (total > above - 0.3).all() and (total < below + 0.3).all()
        assert np.isfinite([*left.get_ylim(), *right.get_xlim()]).all()
    mean = np.mean(entry.function(z))
    square = np.mean(entry.function(z) ** 2)
    slope = np.mean(entry.derivative(z) ** 2)
    said = dict(re.findall(rf"(E\[[^]]+\]) = ({NUMBER})", explorer.verdict))
    for name, truth in (("E[φ]", mean), ("E[φ²]", square), ("E[φ′²]", slope)):
        assert float(said[name]) == pytest.approx(truth, rel=0.02, abs=0.006)
    he = float(re.search(rf"is ({NUMBER}) under He", explorer.verdict).group(1))
    assert he == pytest.approx(2 * slope, rel=0.02, abs=0.006)


def check_chaos(explorer):
    """χ is below 1 just where the mark stands left of the drawn line; the lines say the rest."""
    values, (plane, delta, alike) = explorer.values, explorer.axes
    (spot,) = [line.get_xydata()[0] for line in lines(plane, "here")]
    low, high = plane.get_xlim()
    weight = np.log10(values["weight_variance"])
    assert spot == pytest.approx([np.clip(weight, low, high), values["bias_variance"]])
    chi = float(re.search(rf"χ₁ = ({NUMBER}),", explorer.verdict).group(1))
    (critical,) = lines(plane, "critical")
    edge = np.interp(spot[1], critical.get_ydata(), critical.get_xdata())
    if abs(weight - edge) > 0.03:  # the line is drawn through some points
        assert (chi < 1) == (weight < edge)
    step = float(re.search(rf"multiplies delta by ({NUMBER})\.", explorer.verdict).group(1))
    assert step**2 == pytest.approx(chi, rel=0.02, abs=1e-9)
    rms = curve(delta, "RMS")
    assert len(rms) == values["depth"] and ends_at_one(rms)
    check_word(explorer.verdict, rms[0])
    assert same_size(size_after("first hidden layer is ", explorer.verdict), rms[0])
    assert same_size(size_after("(theory ", explorer.verdict), curve(delta, "theory")[0])
    for label in ("median", "theory"):
        drawn = curve(alike, label)
        assert len(drawn) == values["depth"] and (np.abs(drawn) <= 1 + 1e-9).all()


def check_time(explorer):
    """Every line ends at the last step with 1, and begins where the sentence says."""
    values, (above, below) = explorer.values, explorer.axes
    firsts = []
    for color in explorers.CELL_COLORS.values():
        rms = curve(above, "RMS", color)
        assert len(rms) == values["steps"]
        assert ends_at_one(rms)
        firsts.append(rms[0])
    said = re.search(r"dL/dh is (.*), (.*) and (.*) of the last step's", explorer.verdict).groups()
    for text, first in zip(said, firsts, strict=True):
        assert same_size(number_in(text), first)
    words = explorer.verdict.split(":")[0].split(", ")
    for words_of_cell, first in zip(words, firsts, strict=True):
        assert words_of_cell.split()[-1] in {word_of(first - 1e-3), word_of(first + 1e-3)}
    gate = np.log10(1 / (1 + np.exp(-values["forget_bias"])))
    carried = gate * np.arange(values["steps"])[::-1]
    np.testing.assert_allclose(curve(below, "theory"), carried, atol=1e-9)
    assert same_size(size_after("alone would leave ", explorer.verdict), carried[0])
    assert above.get_ylim() == below.get_ylim()


def check_chain(explorer):
    """Values follow from the controls; what arrives is a finite difference of the loss."""
    values, (ax,) = explorer.values, explorer.axes
    entry = ACTIVATIONS[values["activation"]]
    weights = [values[name] for name in ("w_B", "w_C", "w_D")]

    def loss(x):
        for weight in weights:
            x = float(entry.function(np.array(weight * x)))
        return (x - 1) ** 2 / 2

    nodes = explorer.content.nodes
    assert nodes[-1].value == pytest.approx(loss(values["x"]), abs=1e-12)
    kink = any(abs(node.value) < 1e-4 for node in nodes)  # a ReLU has no slope there
    step = 1e-6
    difference = (loss(values["x"] + step) - loss(values["x"] - step)) / (2 * step)
    assert kink or nodes[0].arrives == pytest.approx(difference, rel=1e-4, abs=1e-9)
    written = [text.get_text() for text in ax.texts]
    for node in nodes:
        assert f"{node.value:.2g}" in written and f"{node.arrives:.2g}" in written
    marked = [t for t in ax.texts if t.get_bbox_patch() and "\n" in t.get_text()]
    faces = [t.get_bbox_patch().get_facecolor() for t in marked]
    assert len(marked) == 7 and len(set(faces)) == 2  # one factor stands out
    assert explorer.verdict.split(".")[0].startswith(
        "dL/da_D" if values["factor"] == "the loss" else values["factor"]
    )
    left = nodes[0].arrives / nodes[-2].arrives if nodes[-2].arrives else 0
    said = size_after("Of dL/da_D, ", explorer.verdict)
    assert same_size(said, np.log10(abs(left)) if left else -np.inf)


def check_depth(explorer):
    """The line ends at 1, and the sentence says where it begins."""
    (ax,) = explorer.axes
    rms = curve(ax, "RMS")
    assert len(rms) == explorer.values["depth"] and ends_at_one(rms)
    if len(rms) > 1:
        check_word(explorer.verdict, rms[0])
        assert same_size(size_after(f"at layer {len(rms)}, ", explorer.verdict), rms[0])


def check_transformer(explorer):
    """delta ends at 1, queries begin at 1, and the sentence says where both lead."""
    values, (delta, kernels, tokens) = explorer.values, explorer.axes
    color = explorers.PLACEMENT_COLORS[values["placement"]]
    rms = curve(delta, "RMS", color)
    assert len(rms) == values["depth"] and ends_at_one(rms)
    assert same_size(size_after("before the first block is ", explorer.verdict), rms[0])
    words = explorer.verdict.split(":")[0].lower().split(", ")
    assert words[0].split()[-1] in {word_of(rms[0] - 1e-3), word_of(rms[0] + 1e-3)}
    compared = values["attention"] == "softmax"
    assert len(lines(kernels, "query, key")) == compared == (len(words) == 2)
    assert len(lines(kernels, "MLP")) == values["mlp"]
    if compared:
        late = curve(kernels, "RMS", "#882255")
        assert ends_at_one(late[::-1])
        assert same_size(size_after("the last block get ", explorer.verdict), late[-1])
    cosine = curve(tokens, "median", color)
    assert len(cosine) == values["depth"] and (np.abs(cosine) <= 1 + 1e-9).all()
    said = float(re.search(rf"tokens is ({NUMBER}) ", explorer.verdict).group(1))
    assert said == pytest.approx(cosine[-1], abs=0.0051)


CHECKS = {
    activation_explorer: check_activation,
    chain_explorer: check_chain,
    chaos_explorer: check_chaos,
    depth_explorer: check_depth,
    product_explorer: check_product,
    gradient_explorer: check_gradient,
    initializer_explorer: check_initializers,
    time_explorer: check_time,
    transformer_explorer: check_transformer,
}
EVERY = pytest.mark.parametrize("make", CHECKS, ids=lambda make: make.__name__)


@EVERY
def test_it_begins_with_the_values_it_is_given(make):
    name, control = next((n, c) for n, c in make().controls.items() if not is_button(c))
    first, last = ends(control)
    wanted = last if control.value == first else first
    assert make(**{name: wanted}).values[name] == wanted
    with pytest.raises(ValueError, match="Unknown control 'dept'"):
        make(dept=3)


@EVERY
def test_every_control_at_both_ends(make):
    explorer = make()
    CHECKS[make](explorer)
    for control in explorer.controls.values():
        if is_button(control):
            control.click()
            CHECKS[make](explorer)
            continue
        before = control.value
        for value in ends(control):
            control.value = value
            CHECKS[make](explorer)
        control.value = before


@EVERY
def test_many_random_actions_leave_the_right_picture(make):
    explorer = make()
    rng = np.random.default_rng(0)
    for _ in range(100):
        act(explorer, rng)
        assert shown(explorer) == explorer.verdict
        CHECKS[make](explorer)
    pinned = explorer._pinned
    fresh = make()
    if pinned:
        fresh.set(**pinned.values)
        fresh.pin()
    fresh.set_text(explorer.text)
    assert fresh.values == explorer.values
    assert fresh.text == explorer.text
    assert fresh.verdict == explorer.verdict
    np.testing.assert_array_equal(pixels(explorer), pixels(fresh))  # no trace of the way there
    np.testing.assert_array_equal(pixels(explorer), fresh_pixels(explorer))


@EVERY
def test_it_is_drawn_at_twice_the_pixels_and_opaque(make):
    explorer = make()
    width, height = explorer.figure.get_size_inches()
    assert pixels(explorer).shape == (round(200 * height), round(200 * width), 4)
    assert (pixels(explorer)[..., 3] == 255).all()


@EVERY
def test_the_picture_is_told_in_words_that_follow_it(make):
    explorer = make()
    before = explorer._page.picture
    assert before == " ".join(ax.get_label() for ax in explorer.axes if ax.get_label())
    name = next(name for name in ("depth", "spread", "steps", "x") if name in explorer.controls)
    explorer.controls[name].value = 3
    assert explorer._page.picture != before


@EVERY
def test_every_control_has_a_description_and_the_sentence_is_announced(make):
    explorer = make()
    buttons = [*explorer.presets.values(), explorer._pin, explorer._reset, explorer._text]
    assert all(control.description for control in [*explorer.controls.values(), *buttons])
    # by the page's helper, at rest: the sentence itself is silent
    assert explorer._page.said == explorer.verdict and "status" not in explorer._sentence.value


def rms(values):
    return np.sqrt(np.mean(values**2, axis=0))


def test_the_gradient_explorer_draws_what_is_measured():
    explorer = gradient_explorer()
    names = ("activation", "initializer", "depth", "width", "residual", "seed")
    for setting in ({}, {"activation": "relu", "depth": 9, "width": 8}, {"residual": True}):
        explorer.set(**setting)
        values = {name: explorer.values[name] for name in names}
        truth = measure.profile(**values, dataset=data.circles()).isel(layer=slice(0, -1))
        for ax, name in zip(explorer.axes, ("delta_norm", "gradient_norm"), strict=False):
            sizes = rms(truth[name].values)
            np.testing.assert_allclose(curve(ax, "RMS"), np.log10(sizes / sizes[-1]), atol=1e-9)
        shares = explorer.axes[3]
        for label, name in (("saturated", "saturation"), ("dead", "dead")):
            np.testing.assert_allclose(curve(shares, label), 100 * truth[name].mean("replicate"))


def test_isometric_layers_are_drawn_as_such():
    """Orthogonal kernels keep every length, so all lines of a linear network are flat, at 1."""
    explorer = initializer_explorer()
    explorer.set(activation="linear", first="orthogonal", second="orthogonal", depth=9)
    for color in explorers.PAIR:
        np.testing.assert_allclose(curve(explorer.axes[1], "RMS", color), 0, atol=1e-8)
        np.testing.assert_allclose(curve(explorer.axes[2], "orthogonal", color), 1, atol=1e-8)
    assert explorer.verdict.startswith("Both healthy: ")


def test_two_initializers_are_measured_on_the_same_draws():
    """Glorot's and He's uniform weights differ by a factor, so linear networks only in size."""
    explorer = initializer_explorer()
    explorer.set(activation="linear", first="glorot_uniform", second="he_uniform", depth=4)
    spreads = [curve(explorer.axes[0], "RMS", color) for color in explorers.PAIR]
    differences = np.diff(spreads[1] - spreads[0])
    np.testing.assert_allclose(differences, np.log10(2) / 2, atol=1e-9)  # Var W doubles


def test_a_line_keeps_its_slope_on_the_screen_where_the_network_grows():
    """From 20 to 50 layers it grows longer, on the same axes."""
    explorer = gradient_explorer(initializer="glorot_uniform", depth=20, width=16)
    limits = [(ax.get_xlim(), ax.get_ylim()) for ax in explorer.axes[:2]]
    for depth in (30, 40, 50):
        explorer.set(depth=depth)
        assert [(ax.get_xlim(), ax.get_ylim()) for ax in explorer.axes[:2]] == limits


def test_theory_is_near_where_it_should_be():
    explorer = gradient_explorer(
        activation="tanh", initializer="glorot_uniform", depth=10, width=64
    )
    difference = curve(explorer.axes[0], "RMS") - curve(explorer.axes[0], "theory")
    assert np.abs(difference).max() < np.log10(1.25)


@pytest.mark.parametrize("make", [gradient_explorer, initializer_explorer])
def test_every_preset_sets_what_it_says_and_leaves_the_rest(make):
    explorer = make()
    explorer.set(depth=7, width=8)
    for button in explorer.presets.values():
        before = explorer.values
        button.click()
        CHECKS[make](explorer)
        changed = {name for name in before if before[name] != explorer.values[name]}
        assert not changed & {"depth", "width", "dataset", "seed"}
    explorer.presets["He 2015"].click()
    assert explorer.values["activation"] == "relu"


def test_the_activation_explorer_s_presets_leave_the_activation_alone():
    explorer = activation_explorer()
    for button in explorer.presets.values():
        button.click()
        assert explorer.values["activation"] == "relu"
        check_activation(explorer)
    assert explorer.verdict.startswith("Off:")  # pushed low
    explorer.set(activation="gelu")
    assert explorer.verdict.startswith(("Centred:", "Not centred:"))


def test_a_pinned_activation_stays_under_the_next_one():
    explorer = activation_explorer()
    explorer.pin()
    explorer.set(activation="elu", spread=3.0)
    (before,) = lines(explorer.axes[0], "A")
    np.testing.assert_array_equal(before.get_ydata(), np.maximum(before.get_xdata(), 0))
    outline = [patch for patch in explorer.axes[1].patches if not patch.get_fill()]
    assert len(outline) == 1 and outline[0].get_data().values.sum() == pytest.approx(50, abs=0.1)
    change = "Against A (activation relu → elu, spread of z 1 → 3): E[φ] and E[φ′²] 0.40 and 0.5 → "
    assert change in explorer.verdict
    check_activation(explorer)


def test_a_pinned_picture_stays_under_the_next_one_with_the_difference_in_words():
    explorer = gradient_explorer()
    explorer.set(activation="sigmoid", initializer="glorot_uniform", depth=20, width=64)
    before = curve(explorer.axes[0], "RMS")
    explorer._pin.click()
    assert "This is A" in explorer.verdict
    explorer.set(activation="tanh", depth=30)
    np.testing.assert_allclose(curve(explorer.axes[0], "A"), before)
    assert len(curve(explorer.axes[0], "RMS")) == 30
    low, high = explorer.axes[0].get_ylim()
    assert low <= before.min() and before.max() <= high
    change = "Against A (activation sigmoid → tanh, depth 20 → 30): first-layer delta over the"
    assert change in explorer.verdict
    check_gradient(explorer)
    explorer._pin.click()
    assert not lines(explorer.axes[0], "A")
    explorer.pin()
    explorer._reset.click()
    assert explorer.values == gradient_explorer().values and explorer._pinned is None


def test_a_dead_network_and_an_overflow_are_results():
    explorer = gradient_explorer()
    explorer.set(activation="relu", initializer="zeros", depth=50)
    assert explorer.verdict.startswith("Dying: 10 of 10 networks are dead;")
    explorer.set(activation="linear", initializer="standard_normal", width=256)
    assert explorer.verdict.startswith("Exploding:")


def test_a_new_draw_changes_the_picture_and_nothing_else():
    explorer = product_explorer()
    before = explorer.values
    old = pixels(explorer)
    explorer.controls["seed"].click()
    assert explorer.values == {**before, "seed": 1}
    assert (old != pixels(explorer)).any()


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (chain_explorer, {"w_C": 4.0, "activation": "tanh"}),
        (chaos_explorer, {"activation": "softsign", "depth": 7}),
        (gradient_explorer, {"depth": 10, "width": 16}),
        (initializer_explorer, {"first": "orthogonal", "second": "he_normal"}),
        (explorers.weight_explorer, {"activation": "tanh", "depth": 1}),
    ],
)
def test_a_notebook_says_where_an_explorer_begins(make, first):
    explorer = make(**first)
    assert explorer.values == make().values | first
    explorer.reset()
    assert explorer.values == make().values | first
    for slip in ({"dephts": 3}, {"activation": "rellu"}):
        with pytest.raises(ValueError, match=r"dephts|rellu"):
            make(**slip)


def test_a_click_on_the_chain_chooses_the_nearest_factor():
    explorer = chain_explorer()
    ax = explorer.axes[0]
    width, height = explorer.figure.bbox.size
    names = ["w_B", "φ′(z_B)", "w_C", "φ′(z_C)", "w_D", "φ′(z_D)", "the loss"]
    for place, name in enumerate(names):
        across, up = ax.transData.transform((place + 0.5, 0.5))
        explorer._page.clicked = [across / width, 1 - up / height]
        assert explorer.values["factor"] == name
    explorer._page.clicked = [0.0, 0.0]  # beside the picture: the first one
    assert explorer.values["factor"] == "w_B"
    product = product_explorer()
    before = product.text
    product._page.clicked = [0.5, 0.5]  # other pictures have nothing to choose
    assert product.text == before


def test_a_learner_s_activation_is_among_the_choices(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "steep", Activation(lambda z: 10 * z, lambda z: 10 * z))
    for make, check in CHECKS.items():
        if make in (time_explorer, depth_explorer, transformer_explorer):
            continue  # their activations are fixed, or those of their cells
        explorer = make()
        explorer.controls["activation"].value = "steep"
        check(explorer)


def test_the_map_of_chaos_counts_the_dead_first():
    """Of 30 layers of two ReLU units one is off in nearly every network; of 64 units, in none."""
    explorer = chaos_explorer()
    explorer.set(activation="relu", weight_variance=2, bias_variance=0.0, width=2)
    assert re.match(r"Dying: \d+ of 12 networks are dead; delta = ", explorer.verdict)
    explorer.set(width=64)
    assert explorer.verdict.startswith("Healthy: delta = ")


def test_the_map_of_chaos_is_the_theory_s():
    explorer = chaos_explorer()
    plane = explorer.axes[0]
    image = plane.images[0]
    left, right, bottom, top = image.get_extent()
    drawn = image.get_array()
    rng = np.random.default_rng(0)
    for row, column in zip(rng.integers(40, size=20), rng.integers(72, size=20), strict=True):
        weight = 10 ** np.linspace(left, right, drawn.shape[1])[column]
        bias = np.linspace(bottom, top, drawn.shape[0])[row]
        q = theory.fixed_point("tanh", weight, bias)
        assert 10 ** (2 * drawn[row, column]) == pytest.approx(
            theory.chi("tanh", q, weight), rel=2e-3
        )
    for activation in ("tanh", "sigmoid", "relu"):
        explorer.controls["activation"].value = activation
        (line,) = lines(explorer.axes[0], "critical")
        for log_weight, bias in line.get_xydata()[::5]:
            assert 10**log_weight == pytest.approx(theory.critical_line(activation, bias), rel=2e-2)


def test_the_time_explorer_draws_what_is_measured():
    explorer = time_explorer()
    explorer.set(steps=20, inputs="a single 1", forget_bias=2.0)
    inputs = np.arange(20) == 0
    for cell, color in explorers.CELL_COLORS.items():
        truth = recurrent.profile(
            cell, steps=20, units=16, recurrent_scale=1.0, seed=0, inputs=inputs, forget_bias=2.0
        )
        sizes = rms(truth.delta_h.values)
        drawn = curve(explorer.axes[0], "RMS", color)
        np.testing.assert_allclose(drawn, np.log10(sizes / sizes[-1]), atol=1e-9)


ALL_WITHOUT_TENSORFLOW = """
import sys
from helpers import explorers
from helpers.explorers import training
training.SYNCHRONOUS = True
for name in NAMES:
    shown = getattr(explorers, name)()
    before = shown._image.value
    first = next(name for name in ("depth", "spread", "steps", "x") if name in shown.controls)
    shown.controls[first].value = 3
    assert shown._image.value != before
    if hasattr(shown, "epoch"):
        assert "After 100 epochs" in shown.verdict, shown.verdict
shown = explorers.gradient_explorer()
for name in ("none", "batch", "layer", "rms"):
    shown.set(normalization=name)
    assert "After 100 epochs" in shown.verdict, shown.verdict
    assert ("no prediction under normalisation" in shown.verdict) == (name != "none")
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def test_every_explorer_runs_trains_and_draws_without_tensorflow():
    names = [name for name in dir(explorers) if name.endswith("_explorer")]
    assert len(names) == 10
    code = ALL_WITHOUT_TENSORFLOW.replace("NAMES", repr(names))
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_transformer_explorer_draws_what_is_measured():
    explorer = transformer_explorer(depth=6, placement="pre")
    names = ("depth", "placement", "normalization", "alpha", "attention", "mlp", "skip")
    for setting in ({}, {"placement": "post", "alpha": 0.5}, {"normalization": "rms"}):
        explorer.set(**setting)
        values = {name: explorer.values[name] for name in names}
        stack = transformer.Transformer(width=32, heads=2, hidden=32, **values)
        truth = transformer.profile(stack, tokens=8, num_replicates=4, seed=0)
        sizes = rms(truth.delta_rms.values)
        np.testing.assert_allclose(
            curve(explorer.axes[0], "RMS"), np.log10(sizes / sizes[-1]), atol=1e-9
        )
        cosine = np.median(truth.correlation.values, axis=0)
        np.testing.assert_allclose(curve(explorer.axes[2], "median"), cosine)


def test_where_a_transformer_has_nothing_to_train_no_legend_is_left():
    explorer = transformer_explorer(depth=6)
    assert explorer.axes[1].get_legend()
    explorer.set(attention="none", mlp=False)
    assert not explorer.axes[1].get_legend() and not explorer.axes[1].lines


def test_a_transformer_s_presets_show_what_they_are_called_after():
    explorer = transformer_explorer()
    words = {}
    for label, button in explorer.presets.items():
        button.click()
        words[label] = explorer.verdict.split(":")[0]
    assert words["post-norm 2017"] == "Delta healthy, queries and keys vanishing"
    assert words["no norm"].startswith("Delta exploding")
    assert words["small branches"] == "Delta healthy, queries and keys healthy"
    assert curve(explorer.axes[2], "median")[-1] == pytest.approx(1, abs=1e-9)  # attention alone
