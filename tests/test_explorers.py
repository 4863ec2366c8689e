import html
import io
import re
import subprocess
import sys

import ipywidgets as widgets
import matplotlib.image
import matplotlib.style
import numpy as np
import pytest
from scipy.special import ndtri

from helpers import STYLE, data, explorers, measure, recurrent, theory
from helpers import explorer as explorer_module
from helpers.catalogue import ACTIVATIONS, Activation
from helpers.explorer import Explorer, Finding
from helpers.explorers import (
    activation_explorer,
    chaos_explorer,
    gradient_explorer,
    initializer_explorer,
    product_explorer,
    time_explorer,
)
from helpers.explorers.networks import in_words


@pytest.fixture(autouse=True)
def as_initialised(monkeypatch):
    """Training has a file of its own, test_training_explorers."""
    monkeypatch.setattr(explorer_module, "PAUSE", 1e9)


EVERY = pytest.mark.parametrize(
    "make",
    [
        product_explorer,
        gradient_explorer,
        initializer_explorer,
        activation_explorer,
        chaos_explorer,
        time_explorer,
    ],
    ids=lambda f: f.__name__,
)


def pixels(explorer):
    """What a browser decodes, uint8 of shape (height, width, 4)."""
    return (
        (255 * matplotlib.image.imread(io.BytesIO(explorer._image.value))).round().astype(np.uint8)
    )


def ends(control):
    if isinstance(control, widgets.SelectionSlider):
        return [value for _, value in control._options_full]
    return [control.min, control.max]


def shown(explorer):
    """The sentence as the page shows it."""
    return html.unescape(re.sub("<[^>]+>", "", explorer._sentence.value))


def log10(values):
    with np.errstate(divide="ignore"):
        return np.log10(values)


def rms(values):
    return np.sqrt(np.mean(values**2, axis=0))


def curve(ax, label, color=None):
    """The numbers behind a line, by its label, and its colour if several have that label."""
    found = [
        line for line in ax.lines if line.get_label() == label and color in (None, line.get_color())
    ]
    assert len(found) == 1, [line.get_label() for line in ax.lines]
    return found[0].get_ydata()


def check_product(explorer):
    values = explorer.values
    setting = {"weight_std": values["weight_std"] or None, "pre_activation_std": values["spread"]}
    factors = theory.derivative_product(
        values["activation"], values["depth"], seed=values["seed"], **setting
    )[0]
    predicted = theory.expected_log10_factor(values["activation"], **setting)
    logs = np.concatenate([[0], log10(np.abs(factors)).cumsum()])
    alive = np.isfinite(logs)
    thick = next(
        line for line in explorer.axes[1].lines if line.get_label() not in ("A", "predicted")
        and not (explorer._pinned and line.get_color() in ("#8A8A8A", "#B00020"))
    )  # fmt: skip
    np.testing.assert_allclose(thick.get_ydata(), logs[alive], atol=1e-9)
    if not alive.all():
        assert explorer.verdict.startswith(f"Dead: factor {np.argmin(alive)} of")
        return
    assert f"{round(logs[-1] / len(factors), 2) + 0.0:+.2f} measured" in explorer.verdict
    assert np.isneginf(predicted) or f"{round(predicted, 2) + 0.0:+.2f} predicted" in (
        explorer.verdict
    )
    word = theory.verdict(10 ** np.clip(logs[-1], -300, 300))
    assert explorer.verdict.startswith(word.capitalize())


def measured(values, initializer, replicates, normalization=None, residual=False):
    large = values["depth"] * values["width"] ** 2 > 50 * 64**2
    size = {"num_replicates": 3, "num_examples": 32} if large else {"num_replicates": replicates}
    return measure.profile(
        values["activation"], initializer, dataset=data.DATASETS[values["dataset"]](),
        depth=values["depth"], width=values["width"], seed=values["seed"],
        normalization=normalization, residual=residual, **size,
    ).isel(layer=slice(0, -1))  # fmt: skip


def relative(values):
    last = rms(values)[-1]
    return values / (last if last else 1)


def check_gradient(explorer):
    values = explorer.values
    batch = None if values["normalization"] == "none" else values["normalization"]
    truth = measured(values, values["initializer"], 10, batch, values["residual"])
    delta, gradient = (relative(truth[n].values) for n in ("delta_norm", "gradient_norm"))
    above, beside, below, corner = explorer.axes
    np.testing.assert_allclose(curve(above, "RMS"), log10(rms(delta)), atol=1e-9)
    np.testing.assert_allclose(curve(beside, "RMS"), log10(rms(gradient)), atol=1e-9)
    np.testing.assert_allclose(
        curve(below, "RMS"), log10(rms(truth["activation_std"].values)), atol=1e-9
    )
    for label, name in (("saturated", "saturation"), ("dead", "dead")):
        np.testing.assert_allclose(curve(corner, label), 100 * truth[name].mean("replicate"))
    labels = [line.get_label() for line in above.lines]
    assert ("theory" in labels) == (batch is None)
    if batch is None:
        x = data.DATASETS[values["dataset"]]().x
        predicted = theory.profile(
            values["activation"], values["initializer"], depth=values["depth"],
            width=values["width"], residual=values["residual"], num_inputs=x.shape[1],
            input_second_moment=np.mean(x**2, axis=1),
        )  # fmt: skip
        np.testing.assert_allclose(curve(above, "theory"), log10(predicted))
    assert explorer.verdict.startswith(verdict_of(delta))
    for ax in explorer.axes:
        assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def verdict_of(delta):
    """The word for delta norms, shape (networks, depth): 0 in the first layer is a dead network."""
    dead = (delta[:, 0] == 0).mean()
    return theory.verdict(rms(delta)[0], dead_share=dead).capitalize()


def check_initializers(explorer):
    values, (spread, above, below, _) = explorer.values, explorer.axes
    truths = [measured(values, values[name], 5) for name in ("first", "second")]
    for truth, color in zip(truths, explorers.PAIR, strict=True):
        delta = log10(rms(relative(truth["delta_norm"].values)))
        std = log10(rms(truth["activation_std"].values))
        np.testing.assert_allclose(curve(above, "RMS", color), delta, atol=1e-9)
        np.testing.assert_allclose(curve(spread, "RMS", color), std, atol=1e-9)
    for name, color in zip(("first", "second"), explorers.PAIR, strict=True):
        found = measure.singular_values(
            values["activation"], values[name], dataset=data.DATASETS[values["dataset"]](),
            depth=values["depth"], width=values["width"], seed=values["seed"],
            num_replicates=1 if values["depth"] * values["width"] ** 2 > 50 * 64**2 else 2,
        )  # fmt: skip
        np.testing.assert_allclose(curve(below, values[name], color), found.mean(axis=(1, 2)))
    word = verdict_of(relative(truths[0]["delta_norm"].values))
    assert explorer.verdict.startswith(word)


NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"


def check_activation(explorer):
    """The curves are the catalogue's; bars and stems count 40,000 evenly spread z; so does E."""
    values, entry = explorer.values, ACTIVATIONS[explorer.values["activation"]]
    z = values["mean"] + values["spread"] * ndtri((np.arange(40_000) + 0.5) / 40_000)
    steady = 1e-7 * entry.largest_slope  # the rounding of a derivative by differences
    for (left, right), part in zip(
        explorer.axes.reshape(2, 2), (entry.function, entry.derivative), strict=True
    ):
        (line,) = [line for line in left.lines if line.get_label() == "now"]
        drawn = np.isfinite(line.get_ydata())
        assert drawn.mean() > 0.99
        np.testing.assert_array_equal(line.get_ydata()[drawn], part(line.get_xdata())[drawn])
        (bars,) = [patch for patch in right.patches if patch.get_fill()]
        shares, edges, _ = bars.get_data()
        stems = [line for line in right.lines if line.get_label() == "exactly"]
        hit = part(z)
        for stem in stems:
            (value, _), height = stem.get_xdata(), stem.get_ydata()[1]
            assert height == pytest.approx(100 * (part(z) == value).mean(), abs=0.02)
            hit = hit[hit != value]
        assert shares.sum() + sum(s.get_ydata()[1] for s in stems) == pytest.approx(100, abs=0.01)
        inner = np.sort(hit)[:, None] < edges[1:-1] + steady
        below = 100 * inner.sum(axis=0) / len(z)
        inner = np.sort(hit)[:, None] < edges[1:-1] - steady
        above = 100 * inner.sum(axis=0) / len(z)
        total = shares.cumsum()[:-1]
        assert (total > above - 0.3).all() and (total < below + 0.3).all()
        assert np.isfinite([*left.get_ylim(), *right.get_xlim()]).all()
    mean, square, slope = (np.mean(v) for v in (
        entry.function(z), entry.function(z) ** 2, entry.derivative(z) ** 2))  # fmt: skip
    said = dict(re.findall(rf"(E\[[^]]+\]) = ({NUMBER})", explorer.verdict))
    for name, truth in (("E[φ]", mean), ("E[φ²]", square), ("E[φ′²]", slope)):
        assert float(said[name]) == pytest.approx(truth, rel=0.02, abs=0.006)
    he = float(re.search(rf"is ({NUMBER}) under He", explorer.verdict).group(1))
    assert he == pytest.approx(2 * slope, rel=0.02, abs=0.006)


def check_chaos(explorer):
    values, (plane, delta, alike) = explorer.values, explorer.axes
    setting = values["activation"], values["weight_variance"], values["bias_variance"]
    size = {"depth": values["depth"], "correlation": values["correlation"]}
    count = 6 if values["depth"] * values["width"] ** 2 > 50 * 64**2 else 12
    truth = measure.pair_profile(
        *setting, **size, width=values["width"], num_replicates=count, seed=values["seed"]
    )
    predicted = theory.pair_signals(*setting, **size)
    ratios = relative(truth.delta_norm.values)
    np.testing.assert_allclose(curve(delta, "RMS"), log10(rms(ratios)), atol=1e-9)
    np.testing.assert_allclose(curve(delta, "theory"), log10(predicted.delta_norm))
    middle = np.median(truth.correlation.values, axis=0)
    np.testing.assert_allclose(curve(alike, "median"), middle, atol=1e-12)
    np.testing.assert_allclose(curve(alike, "theory"), predicted.correlation)
    scales = theory.depth_scales(*setting)
    assert f"χ₁ = {scales.chi:.3g}," in explorer.verdict
    dead = (ratios[:, 0] == 0).mean()
    word = theory.verdict(rms(ratios)[0], dead_share=dead)
    assert explorer.verdict.startswith(word.capitalize())
    if np.isfinite(scales.xi_correlation):
        assert f"6 ξ_c {in_words(6 * scales.xi_correlation)}." in explorer.verdict
    spot = next(line for line in plane.lines if line.get_label() == "here").get_xydata()[0]
    low, high = plane.get_xlim()
    assert spot == pytest.approx([np.clip(np.log10(setting[1]), low, high), setting[2]])


def check_time(explorer):
    values, (above, below) = explorer.values, explorer.axes
    steps = values["steps"]
    sequence = {
        "random": None, "a single 1": np.arange(steps) == 0, "all 0": np.zeros(steps),
        "all 1": np.ones(steps),
    }[values["inputs"]]  # fmt: skip
    setting = {name: values[name] for name in ("steps", "units", "recurrent_scale", "seed")}
    first = {}
    for cell, color in explorers.CELL_COLORS.items():
        truth = recurrent.profile(
            cell, inputs=sequence, forget_bias=values["forget_bias"], **setting
        )
        delta = truth.delta_h.values / rms(truth.delta_h.values)[-1]
        first[cell] = rms(delta)[0]
        drawn = [line for line in above.lines if line.get_label() == "RMS"
                 and line.get_color() == color]  # fmt: skip
        alive = rms(delta) > 0
        np.testing.assert_allclose(drawn[0].get_ydata()[alive], log10(rms(delta))[alive], atol=1e-9)
    inside = rms(relative(recurrent.profile(
        "lstm", inputs=sequence, forget_bias=values["forget_bias"], **setting
    ).delta_c.values))  # fmt: skip
    np.testing.assert_allclose(curve(below, "RMS"), log10(inside), atol=1e-9)
    gate = np.log10(1 / (1 + np.exp(-values["forget_bias"])))
    np.testing.assert_allclose(curve(below, "theory"), gate * np.arange(steps)[::-1], atol=1e-9)
    words = [explorers.CELL_NAMES[cell] + " " + theory.verdict(first[cell]) for cell in first]
    assert explorer.verdict.startswith(", ".join(words) + ":")
    assert f": {steps - 1} step{'s' * (steps > 2)} back, dL/dh is" in explorer.verdict


CHECKS = {
    activation_explorer: check_activation,
    chaos_explorer: check_chaos,
    product_explorer: check_product,
    gradient_explorer: check_gradient,
    initializer_explorer: check_initializers,
    time_explorer: check_time,
}


def act(explorer, rng):
    """Do one thing that a hand can do, at random; return what it was."""
    buttons = [*explorer.presets.values(), explorer._pin, explorer._reset]
    what = rng.choice(["control", "control", "control", "button", "text"])
    if what == "button":
        rng.choice(buttons).click()
        return what
    name = rng.choice(list(explorer.controls))
    control = explorer.controls[name]
    if isinstance(control, widgets.Button):
        control.click()
        return name
    options = ends(control)
    value = options[rng.integers(len(options))]
    if what == "text":
        words = dict(word.split("=") for word in explorer.text.split())
        words[name] = explorer_module._label_of(control, value)
        explorer._text.value = " ".join("=".join(pair) for pair in words.items())
    else:
        control.value = value
    assert explorer.values[name] == value
    return name


@EVERY
def test_every_control_at_both_ends(make):
    explorer = make()
    CHECKS[make](explorer)
    for control in explorer.controls.values():
        if isinstance(control, widgets.Button):
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
    explorer, rng = make(), np.random.default_rng(0)
    for count in range(300):
        act(explorer, rng)
        assert shown(explorer) == explorer.verdict
        if count % 30 == 0:
            CHECKS[make](explorer)
    CHECKS[make](explorer)
    pinned = explorer._pinned
    fresh = make()
    if pinned:
        fresh.set(**pinned[1])
        fresh.pin()
    fresh.set_text(explorer.text)
    assert (fresh.values, fresh.text, fresh.verdict) == (
        explorer.values, explorer.text, explorer.verdict
    )  # fmt: skip
    np.testing.assert_array_equal(pixels(explorer), pixels(fresh))  # no trace of the way there


@EVERY
def test_the_painted_picture_is_the_one_matplotlib_draws(make):
    explorer = make()
    other = {activation_explorer: {"spread": 2.3}, time_explorer: {"steps": 23}}
    explorer.set(**other.get(make, {"depth": 23}))
    painted = pixels(explorer)
    for artist in explorer._moving:
        artist.set_animated(False)
    with matplotlib.style.context(STYLE):
        explorer._canvas.draw()
    whole = np.asarray(explorer._canvas.buffer_rgba())
    assert (np.abs(painted.astype(int) - whole).max(axis=2) > 64).mean() < 3e-3


@EVERY
def test_it_is_drawn_at_twice_the_pixels_and_opaque(make):
    explorer = make()
    width, height = explorer.figure.get_size_inches()
    assert pixels(explorer).shape == (round(200 * height), round(200 * width), 4)
    assert (pixels(explorer)[..., 3] == 255).all()
    np.testing.assert_array_equal(pixels(explorer), explorer._canvas.buffer_rgba())


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
    before = [line for line in explorer.axes[0].lines if line.get_label() == "A"]
    z = before[0].get_xdata()
    np.testing.assert_array_equal(before[0].get_ydata(), np.maximum(z, 0))
    outline = [patch for patch in explorer.axes[1].patches if not patch.get_fill()]
    assert len(outline) == 1 and outline[0].get_data().values.sum() == pytest.approx(50, abs=0.1)
    change = "Against A (activation relu → elu, spread of z 1 → 3): E[φ] and E[φ′²] 0.40 and 0.5 → "
    assert change in explorer.verdict
    check_activation(explorer)


@pytest.mark.parametrize("make", [gradient_explorer, initializer_explorer])
def test_a_single_hidden_layer_is_compared_with_no_other(make):
    explorer = make()
    assert "times the last's" in explorer.verdict
    explorer.set(depth=1)
    assert "single hidden layer" in explorer.verdict and "times" not in explorer.verdict


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
    assert explorer.axes[0].get_ylim() == explorer.axes[1].get_ylim()
    change = "Against A (activation sigmoid → tanh, depth 20 → 30): first-layer delta over the"
    assert change in explorer.verdict
    check_gradient(explorer)
    explorer._pin.click()
    assert "A" not in [line.get_label() for line in explorer.axes[0].lines]
    explorer.pin()
    explorer._reset.click()
    assert explorer.values == gradient_explorer().values and explorer._pinned is None


def test_the_text_of_a_setting_can_be_pasted_and_a_slip_changes_nothing():
    explorer = gradient_explorer()
    explorer._text.value = "activation=mish depth=9"
    assert explorer.values["activation"] == "mish" and explorer.values["depth"] == 9
    again = gradient_explorer()
    again.set_text(explorer.text)
    assert again.values == explorer.values
    before = explorer.values
    for text, reason in (
        ("depth=0", "depth must be a whole number from 1 to 50; got 0."),
        ("depth=2.5", "depth must be a whole number from 1 to 50; got 2.5."),
        ("depth=nan", "depth must be a whole number from 1 to 50; got nan."),
        ("depth", "A setting reads name=value"),
        ("activation=tahn", "activation must be one of linear, sigmoid"),
        ("width=7", "width must be one of 2, 3, 4"),
        ("colour=red", "A setting reads name=value, with a name from activation"),
        ("seed=-1", "seed must be a whole number, 0 or more; got -1."),
    ):
        explorer._text.value = text
        assert explorer.verdict.startswith(reason), explorer.verdict
        assert shown(explorer) == explorer.verdict
        assert explorer.values == before and explorer.text == text  # what was typed stays
    with pytest.raises(ValueError, match="Unknown control 'colour'"):
        explorer.set(colour="red")
    explorer.controls["depth"].value = 10
    assert "depth=10" in explorer.text


def test_a_dead_network_and_an_overflow_are_results():
    explorer = gradient_explorer()
    explorer.set(activation="relu", initializer="zeros", depth=50)
    assert explorer.verdict.startswith("Dying: 10 of 10 networks are dead;")
    explorer.set(activation="linear", initializer="standard_normal", width=256)
    assert explorer.verdict.startswith("Exploding:")
    check_gradient(explorer)


EVERY_ONE_ALONE = """
import sys
from helpers import explorer, explorers
explorer.SYNCHRONOUS = True
for name in NAMES:
    shown = getattr(explorers, name)()
    before = shown._image.value
    shown.controls.get("depth", shown.controls.get("spread", shown.controls.get("steps"))).value = 3
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
    assert len(names) == 7
    code = EVERY_ONE_ALONE.replace("NAMES", repr(names))
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_new_draw_changes_the_picture_and_nothing_else():
    explorer = product_explorer()
    before, old = explorer.values, pixels(explorer)
    explorer.controls["seed"].click()
    assert explorer.values == {**before, "seed": 1}
    assert (old != pixels(explorer)).any()


def test_a_learner_s_activation_is_among_the_choices(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "steep", Activation(lambda z: 10 * z, lambda z: 10 * z))
    for make, check in CHECKS.items():
        if make is time_explorer:
            continue  # its cells are tanh and sigmoid
        explorer = make()
        explorer.controls["activation"].value = "steep"
        check(explorer)


def test_bad_input_becomes_a_sentence_in_the_verdict_s_place():
    def compute(number):
        if number > 5:
            raise ValueError(f"number must be at most 5; got {number}. <b>")
        return number

    def draw(axes, number, pinned):
        axes[0].plot([0, number], [0, 1])
        return Finding(f"The number is {number}.")

    explorer = Explorer({"number": widgets.IntSlider(3, 0, 9)}, compute, draw)
    explorer.controls["number"].value = 7
    assert explorer.verdict == "number must be at most 5; got 7. <b>"
    assert "&lt;b&gt;" in explorer._sentence.value
    explorer.controls["number"].value = 2
    assert explorer.verdict == "The number is 2." and len(explorer.axes[0].lines) == 1


def test_other_errors_are_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        Explorer({"number": widgets.IntSlider(0)}, lambda number: 1 / number, None)


@EVERY
def test_every_control_has_a_description_and_the_sentence_is_announced(make):
    explorer = make()
    buttons = [*explorer.presets.values(), explorer._pin, explorer._reset, explorer._text]
    assert all(control.description for control in [*explorer.controls.values(), *buttons])
    assert 'role="status"' in explorer._sentence.value


def test_cells_can_draw_while_a_slider_moves():
    """matplotlib's text parser is shared; two explorers from two threads take turns."""
    import threading

    pair, failures = [product_explorer(), product_explorer()], []

    def drag(explorer):
        try:
            for depth in range(2, 40):
                explorer.controls["depth"].value = depth
            check_product(explorer)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=drag, args=[explorer]) for explorer in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and explorer_module.DRAWING.acquire(blocking=False)
    explorer_module.DRAWING.release()


def test_the_map_of_chaos_counts_the_dead_first():
    """Of 30 layers of two ReLU units one is off in nearly every network; of 64 units, in none."""
    shown = chaos_explorer()
    shown.set(activation="relu", weight_variance=2, bias_variance=0.0, width=2)
    assert re.match(r"Dying: \d+ of 12 networks are dead; delta = ", shown.verdict)
    shown.set(width=64)
    assert shown.verdict.startswith("Healthy: delta = ")


def test_the_map_of_chaos_is_the_theory_s(monkeypatch):
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
        line = next(line for line in plane.lines if line.get_label() == "critical")
        for log_weight, bias in line.get_xydata()[::5]:
            assert 10**log_weight == pytest.approx(theory.critical_line(activation, bias), rel=2e-2)


def test_what_is_kept_in_the_background_is_drawn_anew_when_it_changes():
    explorer = chaos_explorer()
    before = pixels(explorer)
    explorer.set(weight_variance=3.0)
    explorer.set(activation="sigmoid")
    explorer.set(activation="tanh", weight_variance=1.0)
    np.testing.assert_array_equal(pixels(explorer), before)


def test_a_mosaic_of_panels_fills_the_figure():
    explorer = chaos_explorer()
    plane, above, below = (ax.get_window_extent().bounds for ax in explorer.axes)
    assert plane[3] > above[3] + below[3] and plane[0] + plane[2] < above[0] == below[0]
    assert below[1] + below[3] < above[1]
