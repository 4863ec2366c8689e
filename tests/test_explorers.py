import io
import re

import ipywidgets as widgets
import matplotlib.image
import matplotlib.style
import numpy as np
import pytest

from helpers import STYLE, explorers, theory
from helpers.catalogue import ACTIVATIONS, Activation
from helpers.explorers import Explorer, product_explorer


def pixels(explorer):
    """What a browser decodes, uint8 of shape (height, width, 4)."""
    return (
        (255 * matplotlib.image.imread(io.BytesIO(explorer._image.value))).round().astype(np.uint8)
    )


def drawn_product(explorer):
    """The numbers behind the thick line of the lower axes."""
    return explorer.axes[1].lines[0].get_ydata()


def ends(control):
    if isinstance(control, widgets.SelectionSlider):
        return [value for _, value in control._options_full]
    return [control.min, control.max]


def move(explorer, rng):
    name = rng.choice(list(explorer.controls))
    control = explorer.controls[name]
    if isinstance(control, widgets.Button):
        control.click()
    else:
        options = ends(control)
        control.value = options[rng.integers(len(options))]


def expected(values):
    setting = {"weight_std": values["weight_std"] or None, "pre_activation_std": values["spread"]}
    factors = theory.derivative_product(
        values["activation"], values["depth"], seed=values["seed"], **setting
    )[0]
    return factors, theory.expected_log10_factor(values["activation"], **setting)


def check(explorer):
    """The picture holds the numbers of the present setting, and the sentence says them."""
    factors, predicted = expected(explorer.values)
    with np.errstate(divide="ignore"):
        logs = np.concatenate([[0], np.log10(np.abs(factors)).cumsum()])
    alive = np.isfinite(logs)
    np.testing.assert_allclose(drawn_product(explorer), logs[alive], atol=1e-9)
    if alive.all():
        per_factor = f"{round(logs[-1] / len(factors), 2) + 0.0:+.2f} measured"
        assert per_factor in explorer.verdict
        assert (
            np.isneginf(predicted)
            or f"{round(predicted, 2) + 0.0:+.2f} predicted" in explorer.verdict
        )
        word = theory.verdict(10 ** np.clip(logs[-1], -300, 300))
        assert explorer.verdict.startswith(word.capitalize())
    else:
        assert explorer.verdict.startswith(f"Dead: factor {np.argmin(alive)} of")
    shown = re.sub("<style>.*</style>|<[^>]+>", "", explorer._sentence.value)
    assert shown == explorer.verdict


def test_every_control_at_both_ends():
    explorer = product_explorer()
    for control in explorer.controls.values():
        if isinstance(control, widgets.Button):
            control.click()
            check(explorer)
            continue
        for value in ends(control):
            control.value = value
            check(explorer)


def test_many_random_moves_leave_the_right_picture():
    explorer, rng = product_explorer(), np.random.default_rng(0)
    for count in range(300):
        move(explorer, rng)
        if count % 10 == 0:
            check(explorer)
    check(explorer)
    fresh = product_explorer()
    for name, value in explorer.values.items():
        if isinstance(fresh.controls[name], widgets.Button):
            for _ in range(value):
                fresh.controls[name].click()
        else:
            fresh.controls[name].value = value
    np.testing.assert_array_equal(pixels(explorer), pixels(fresh))  # no trace of the way there


def test_the_painted_picture_is_the_one_matplotlib_draws():
    explorer = product_explorer()
    explorer.controls["depth"].value = 23
    painted = pixels(explorer)
    for artist in explorer._moving:
        artist.set_animated(False)
    with matplotlib.style.context(STYLE):
        explorer._canvas.draw()
    whole = np.asarray(explorer._canvas.buffer_rgba())
    assert (np.abs(painted.astype(int) - whole).max(axis=2) > 64).mean() < 1e-3


def test_it_is_drawn_at_twice_the_pixels_and_opaque():
    explorer = product_explorer()
    width, height = explorer.figure.get_size_inches()
    assert pixels(explorer).shape == (round(200 * height), round(200 * width), 4)
    assert (pixels(explorer)[..., 3] == 255).all()
    np.testing.assert_array_equal(pixels(explorer), explorer._canvas.buffer_rgba())


def test_a_new_draw_changes_the_picture_and_nothing_else():
    explorer = product_explorer()
    before, old = explorer.values, drawn_product(explorer)
    explorer.controls["seed"].click()
    assert explorer.values == {**before, "seed": 1}
    assert not np.allclose(old, drawn_product(explorer))


def test_a_learner_s_activation_is_among_the_choices(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "steep", Activation(lambda z: 10 * z, lambda z: 10 * z))
    explorer = product_explorer()
    explorer.controls["activation"].value = "steep"
    check(explorer)
    assert explorer.verdict.startswith("Exploding")


def test_bad_input_becomes_a_sentence_in_the_verdict_s_place():
    def draw(axes, number):
        axes[0].plot([0, number], [0, 1])
        if number > 5:
            raise ValueError(f"number must be at most 5; got {number}. <b>")
        return f"The number is {number}."

    explorer = Explorer({"number": widgets.IntSlider(3, 0, 9)}, draw)
    explorer.controls["number"].value = 7
    assert explorer.verdict == "number must be at most 5; got 7. <b>"
    assert "&lt;b&gt;" in explorer._sentence.value
    explorer.controls["number"].value = 2
    assert explorer.verdict == "The number is 2." and len(explorer.axes[0].lines) == 1


def test_other_errors_are_not_swallowed():
    def draw(axes, number):
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        Explorer({"number": widgets.IntSlider(0)}, draw)


def test_every_control_has_a_description_and_the_sentence_is_announced():
    explorer = product_explorer()
    assert all(control.description for control in explorer.controls.values())
    assert 'role="status"' in explorer._sentence.value


def test_cells_can_draw_while_a_slider_moves():
    """matplotlib's text parser is shared; two explorers from two threads take turns."""
    import threading

    pair, failures = [product_explorer(), product_explorer()], []

    def drag(explorer):
        try:
            for depth in range(2, 40):
                explorer.controls["depth"].value = depth
            check(explorer)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=drag, args=[explorer]) for explorer in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and explorers.DRAWING.acquire(blocking=False)
    explorers.DRAWING.release()
