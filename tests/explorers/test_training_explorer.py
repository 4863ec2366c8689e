"""The explorers while they train: in their thread, and in step for the numbers they draw."""

import time

import matplotlib.style
import numpy as np
import pytest
from hands import act, pixels

from helpers import STYLE, data, explorers
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Activation, Initializer
from helpers.explorers import EPOCHS, gradient_explorer, networks
from helpers.explorers import training as training_module
from helpers.training import train


def truth(values):
    dataset = data.DATASETS[values["dataset"]]()
    names = (
        "activation",
        "initializer",
        "depth",
        "width",
        "residual",
        "optimizer",
        "learning_rate",
        "seed",
    )
    return train(
        **{name: values[name] for name in names},
        dataset=dataset,
        normalization=None if values["normalization"] == "none" else values["normalization"],
        epochs=explorers.EPOCHS,
        num_replicates=4,
        record_every=len(dataset) // 32,
    )


def curve(ax, label):
    return next(line for line in ax.lines if line.get_label() == label).get_ydata()


def show(shown, view):
    shown.view.value = view


def check(shown):
    """All panels of both views hold the numbers of the run at the scrubbed epoch."""
    recording = truth(shown.values)
    epoch = shown.epoch.value
    for view, place in (("layers", 2), ("training", 0)):
        show(shown, view)
        for name in ("loss", "accuracy"):
            drawn = curve(shown.axes[place], name)
            median = recording[name].median("replicate")
            np.testing.assert_allclose(drawn, median, rtol=1e-4, atol=1e-5)
    loss, heat, plane, _ = shown.axes
    with np.errstate(divide="ignore"):
        logs = np.log10(recording["delta_norm"].median("replicate").values.T[:-1])
    np.testing.assert_allclose(heat.images[0].get_array(), logs, atol=1e-3)
    for ax in (loss, heat):
        assert {tuple(line.get_xdata()) for line in ax.lines} >= {(epoch, epoch)}
    assert len(plane.images) == (shown.values["dataset"] != "digits")
    show(shown, "layers")
    if epoch:
        delta = recording["delta_norm"].values[:, epoch, :-1].astype(float)
        rms = np.sqrt((delta**2).mean(axis=0))
        with np.errstate(divide="ignore"):
            expected = np.log10(rms / (rms[-1] or 1))
        np.testing.assert_allclose(curve(shown.axes[0], "RMS"), expected, atol=1e-3)
    accuracy = np.median(recording["accuracy"].values[:, -1])
    assert f"After 100 epochs accuracy {accuracy:.2f}" in shown.verdict


def test_all_panels_follow_the_epoch_and_hold_the_run(at_once):
    shown = gradient_explorer()
    for setting in (
        {},
        {"activation": "tanh", "optimizer": "adam", "learning_rate": 0.01},
        {"activation": "relu", "normalization": "batch", "residual": True, "depth": 12},
        {"dataset": "digits", "depth": 3},
        {"optimizer": "sgd", "learning_rate": 1.0, "dataset": "moons"},
    ):
        shown.reset()
        shown.set(**setting)
        for epoch in (0, 37, explorers.EPOCHS):
            shown.epoch.value = epoch
            check(shown)


def test_the_decision_boundary_is_what_the_network_says(at_once):
    shown = gradient_explorer()
    shown.set(activation="tanh", learning_rate=0.01)
    show(shown, "training")
    shown.epoch.value = 100
    ax = shown.axes[2]
    said = np.asarray(ax.images[0].get_array()) > 0.5
    left, right, bottom, top = ax.images[0].get_extent()
    dataset = data.circles()
    column = np.rint((dataset.x[:, 0] - left) / (right - left) * 31).astype(int)
    row = np.rint((dataset.x[:, 1] - bottom) / (top - bottom) * 31).astype(int)
    assert (said[row, column] == (dataset.y > 0.5)).mean() > 0.9


def test_a_pinned_run_stays_on_the_axes_with_the_difference_in_words(at_once):
    shown = gradient_explorer()
    show(shown, "training")
    before = curve(shown.axes[0], "loss")
    shown.pin()
    shown.set(activation="tanh")
    pinned = [line for line in shown.axes[0].lines if line.get_label() == "A"]
    np.testing.assert_allclose(pinned[0].get_ydata(), before)
    assert (
        "Against A (activation sigmoid → tanh): first-layer delta over the last's " in shown.verdict
    )


def test_every_axis_has_its_own_ticks_again_after_another_view(at_once):
    shown = gradient_explorer()

    def labels():
        with matplotlib.style.context(STYLE):
            shown._canvas.agg.draw()
        return [
            [[text.get_text() for text in axis.get_ticklabels()] for axis in (ax.xaxis, ax.yaxis)]
            for ax in shown.axes
        ]

    before = labels()
    assert all(any(texts) for ax in before for texts in ax)
    show(shown, "training")
    trained = shown._recording
    shown._recording = None
    shown._show()  # as while training
    shown._recording = trained
    show(shown, "layers")
    assert labels() == before
    weights = explorers.weight_explorer()
    weights._canvas.agg.draw()
    for ax in weights.axes:
        assert any(text.get_text() for text in ax.get_xticklabels())
        assert any(text.get_text() for text in ax.get_yticklabels())


def test_an_exploding_and_a_dead_run_are_shown_as_such(at_once):
    shown = gradient_explorer()
    shown.set(activation="linear", depth=30, optimizer="sgd", learning_rate=1.0)
    assert "exploded at step" in shown.verdict
    for view in ("training", "layers"):
        show(shown, view)
        for epoch in (0, 1, 100):
            shown.epoch.value = epoch
    shown.set(activation="relu", initializer="zeros", depth=5)
    assert shown.verdict.startswith("Dying at epoch 100: 4 of 4 networks are dead;")


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_in_its_thread_the_newest_setting_wins_and_stop_frees(monkeypatch):
    monkeypatch.setattr(training_module, "PAUSE", 0.05)
    monkeypatch.setattr(training_module, "IN_THE_MOVE", 0)
    shown = gradient_explorer()
    assert shown._recording is None
    for depth in range(5, 12):
        shown.controls["depth"].value = depth
    until(lambda: "After 100 epochs" in shown.verdict)
    assert shown._recording.attrs["depth"] == 11
    shown.set(depth=40, width=32)
    until(lambda: not shown._stop.disabled)
    shown._stop.click()
    assert shown._stop.disabled
    until(lambda: "stopped at epoch" in shown._status.value)
    last = shown._recording.epoch.values[-1]
    assert shown._recording.attrs["stopped"] == 1 and last < 100
    assert shown._status.value == f"stopped at epoch {last:g}"
    shown.epoch.value = 100  # beyond what there is: the last there is
    shown.set(depth=4, width=5)
    until(lambda: shown._recording is not None)
    assert shown._recording.attrs["stopped"] == 0


def at_rest(shown):
    """Whether the last setting is trained, or is said not to be."""
    return shown._recording is not None or "would take minutes" in shown._status.value


def play_with(shown, rng, count):
    """Do `count` things at random, some while a run goes on, some after it, some in a row."""
    for number in range(count):
        what = rng.choice(["act", "act", "act", "epoch", "view", "stop"])
        if what == "act":
            act(shown, rng)
        elif what == "epoch":
            shown.epoch.value = int(rng.integers(EPOCHS + 1))
        elif what == "view":
            show(shown, rng.choice(["layers", "training"]))
        elif not shown._stop.disabled:
            shown._stop.click()
            assert shown._stop.disabled
        if number % 20 == 19:
            shown._worker.stop()
            shown.refresh()
            until(lambda: at_rest(shown), seconds=120)
            assert shown._stop.disabled
        else:
            time.sleep(rng.choice([0, 0.02, 0.3]))


def check_no_trace(shown, make, monkeypatch):
    """The picture is the one that a new explorer draws of this setting."""
    shown.unpin()
    monkeypatch.setattr(training_module, "SYNCHRONOUS", True)
    fresh = make()
    fresh.set_text(shown.text)
    fresh.epoch.value = shown.epoch.value
    show(fresh, shown.view.value)
    assert (fresh.values, fresh.verdict) == (shown.values, shown.verdict)
    np.testing.assert_array_equal(pixels(shown), pixels(fresh))


def test_random_actions_with_trainings_leave_the_right_picture(monkeypatch):
    monkeypatch.setattr(training_module, "PAUSE", 0.05)
    shown, rng = gradient_explorer(), np.random.default_rng(0)
    play_with(shown, rng, 60)
    check_no_trace(shown, gradient_explorer, monkeypatch)


def test_what_training_refuses_is_said_and_nothing_is_lost(at_once, monkeypatch):
    monkeypatch.setattr(training_module, "SYNCHRONOUS", False)
    monkeypatch.setattr(training_module, "PAUSE", 0.01)

    def refuse(**_):
        raise ValueError("not today")

    for seconds in (0, 1):  # trained in the move, and in the thread
        shown = gradient_explorer()
        monkeypatch.setattr(shown, "_train", refuse)
        monkeypatch.setattr(shown, "_seconds", lambda seconds=seconds, **_: seconds)
        shown.set(depth=5)
        until(lambda shown=shown: "not today" in shown._status.value)
        assert shown.verdict.startswith("Shrinking")
        monkeypatch.setattr(shown, "_train", networks.train_networks)
        shown.set(depth=4)
        until(lambda shown=shown: "After 100 epochs" in shown.verdict)


def test_a_network_that_would_train_for_minutes_is_only_measured(at_once):
    shown = gradient_explorer(depth=50, width=256)
    assert shown._recording is None and "would take minutes to train" in shown._status.value
    assert shown.verdict.startswith("Exploding")
    show(shown, "training")
    shown.epoch.value = 50
    shown.set(depth=4, width=5)
    assert shown._recording is not None and shown._status.value == ""


def test_what_was_wrong_with_a_typed_setting_stays_in_sight_while_a_run_ends(monkeypatch):
    monkeypatch.setattr(training_module, "PAUSE", 0.01)
    monkeypatch.setattr(training_module, "IN_THE_MOVE", 0)
    shown = gradient_explorer(depth=12)
    shown._page.asked = "<img src=x>"
    until(lambda: shown._recording is not None and shown._status.value == "")
    assert "Expected name=value" in shown.verdict
    for answer in (shown.pin, lambda: setattr(shown.epoch, "value", 50), shown.refresh):
        shown._text.value = "depth"
        assert "Expected name=value" in shown.verdict
        answer()
        assert "Expected" not in shown.verdict
        shown._text.value = shown.text


def test_a_quick_training_is_part_of_the_move_and_a_long_one_is_not():
    shown = gradient_explorer()
    for activation in ("tanh", "relu", "elu"):
        shown.controls["activation"].value = activation
        assert "After 100 epochs" in shown.verdict and shown._worker._thread is None
    shown.set(depth=20, width=32)
    assert "After" not in shown.verdict and shown._recording is None
    shown.set(depth=4, width=5)
    assert "After 100 epochs" in shown.verdict
    until(lambda: shown._worker._thread is None)  # the long one was dropped
    assert shown._recording.attrs["depth"] == 4


def test_loss_and_accuracy_are_in_the_first_picture(at_once):
    for make in (gradient_explorer, explorers.weight_explorer):
        shown = make()
        found = [
            ax
            for ax in shown.axes
            if ax.get_xlabel() == "epoch"
            and {"loss", "accuracy"} <= {line.get_label() for line in ax.lines}
        ]
        assert len(found) == 1


def test_what_is_pinned_before_it_is_trained_stands_in_no_later_picture_s_way(monkeypatch):
    for make in (gradient_explorer, explorers.weight_explorer):
        with monkeypatch.context() as patch:
            patch.setattr(training_module.TrainingExplorer, "_train_in_the_move", lambda self: True)
            shown = make()
            shown.pin()
        monkeypatch.setattr(training_module, "SYNCHRONOUS", True)
        for view in list(shown._views):
            show(shown, view)
            shown.set(activation="tanh" if shown.values["activation"] != "tanh" else "relu")
            assert shown._recording is not None and "Against A" in shown.verdict, shown.verdict


def test_a_trained_ratio_is_never_compared_with_an_untrained_one(at_once):
    shown = gradient_explorer()
    shown.pin()
    shown.set(activation="tanh")
    assert "first-layer delta over the last's 0.113 → 4.65, accuracy" in shown.verdict
    shown.epoch.value = 50
    assert "first-layer delta" not in shown.verdict.split("Against A")[1]
    assert "accuracy after 100 epochs 0.60 → " in shown.verdict


def test_the_setting_that_a_run_is_at_work_on_begins_no_run_anew(monkeypatch):
    monkeypatch.setattr(training_module, "IN_THE_MOVE", 0)
    monkeypatch.setattr(training_module, "PAUSE", 0.01)
    shown = gradient_explorer(depth=40, width=32)
    until(lambda: not shown._stop.disabled)
    whole = shown.text
    shown._text.value = "depth"
    shown._text.value = "depth=40 width=32"  # as a field sends it again when it loses the focus
    assert shown.text == whole and "Expected" not in shown.verdict
    assert not shown._stop.disabled
    shown._stop.click()
    until(lambda: "stopped at epoch" in shown._status.value)
    shown._text.value = "depth=40 width=32"  # now it asks for another run
    until(lambda: not shown._stop.disabled)
    shown._stop.click()


def test_a_run_that_was_stopped_has_no_later_epoch(monkeypatch):
    monkeypatch.setattr(training_module, "IN_THE_MOVE", 0)
    monkeypatch.setattr(training_module, "PAUSE", 0.01)
    shown = gradient_explorer(depth=40, width=32)
    until(lambda: not shown._stop.disabled)
    shown._stop.click()
    until(lambda: "stopped at epoch" in shown._status.value)
    shown.epoch.value = 100
    last = shown._recording.epoch.values[-1]
    assert f" at epoch {last:g}:" in shown.verdict and "epoch 100" not in shown.verdict


@pytest.mark.parametrize("view", ["layers", "training"])
def test_an_epoch_seen_before_needs_no_background_anew(at_once, view):
    shown = gradient_explorer()
    show(shown, view)
    drawn = []
    for turn in range(2):
        for epoch in (50, 51):
            shown.epoch.value = epoch
        if turn == 0:
            for place in shown._canvas.places:
                place.subfigure.draw = drawn.append
    assert drawn == []


def test_a_recording_full_of_infinities_is_drawn(at_once):
    shown = gradient_explorer()
    for number in (np.inf, np.nan):
        broken = shown._recording.copy(deep=True)
        for name in ("delta_norm", "gradient_norm", "activation_std", "loss"):
            broken[name][:, 40:] = number
        shown._recording = broken.assign_attrs(diverged_at=40 * 31)
        shown._show()
        for view in ("layers", "training"):
            show(shown, view)
            for epoch in (0, 39, 80):
                shown.epoch.value = epoch
                word = "Exploding" if epoch == 80 else "Healthy"
                assert shown.verdict.startswith(word) and "step 1240" in shown.verdict


def test_reset_restores_the_first_picture_wholly(at_once):
    shown = gradient_explorer()
    before = pixels(shown)
    shown.set(depth=9, activation="relu")
    shown.pin()
    show(shown, "training")
    shown.epoch.value = 30
    shown._play.playing = True
    shown.reset()
    np.testing.assert_array_equal(pixels(shown), before)
    assert shown.view.value == "layers" and shown.epoch.value == 0
    assert shown._play.value == 0 and not shown._play.playing


def plane(labels):
    rng = np.random.default_rng(0)
    return data.Dataset(rng.normal(size=(len(labels), 2)), labels)


OWN_DATA = {
    "ten examples": lambda: plane(np.arange(10) % 2),
    "three classes": lambda: plane(np.arange(90) % 3),
    "five classes": lambda: plane(np.arange(95) % 5),
    "one class": lambda: plane(np.zeros(40)),
    "one input": lambda: data.Dataset(np.linspace(-1, 1, 60)[:, None], np.arange(60) % 2),
}


def test_a_data_set_of_one_s_own_trains_and_is_drawn_whatever_its_name(at_once, monkeypatch):
    for name, make in OWN_DATA.items():
        monkeypatch.setitem(data.DATASETS, name, make)
    shown = gradient_explorer()
    show(shown, "training")
    for name, make in OWN_DATA.items():
        shown.set(dataset=name)
        assert "After 100 epochs" in shown.verdict, shown._status.value
        assert len(shown.axes[2].images) == (make().num_inputs == 2)
    for make in (explorers.weight_explorer, explorers.initializer_explorer):
        other = make()
        other.set(dataset="ten examples")
        assert "could not" not in other.verdict


def test_bad_data_are_said_and_the_next_setting_works(at_once, monkeypatch):
    def broken():
        return {}["nothing"]

    monkeypatch.setitem(data.DATASETS, "no class 0", lambda: plane(np.ones(40)))
    monkeypatch.setitem(data.DATASETS, "broken", broken)
    monkeypatch.setitem(data.DATASETS, "no data set", lambda: 3)
    shown = gradient_explorer()
    for name, words in (
        ("no class 0", "y must hold the class labels"),
        ("broken", "This setting could not be drawn: KeyError"),
        ("no data set", "dataset must be a Dataset"),
    ):
        shown.set(dataset=name)
        assert shown.verdict.startswith(words)
        shown.set(dataset="circles")
        assert "After 100 epochs" in shown.verdict


def test_an_initializer_and_an_activation_of_one_s_own_train(at_once, monkeypatch):
    monkeypatch.setitem(INITIALIZERS, "half", Initializer(lambda fan_in, fan_out: 0.5 / fan_in))
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, np.sin, np.cos))
    shown = gradient_explorer(initializer="half", activation="sine")
    assert "After 100 epochs" in shown.verdict


def test_a_reader_who_asked_for_less_motion_sees_ten_pictures_that_stand(at_once):
    shown = gradient_explorer()
    quick = (shown._play.interval, shown._play.step)
    shown._page.calm = True
    pictures = EPOCHS / shown._play.step
    assert pictures == 10 and shown._play.interval >= 1000
    shown._page.calm = False
    assert (shown._play.interval, shown._play.step) == quick


def test_what_is_read_out_is_the_sentence_and_why_there_is_no_training(at_once, monkeypatch):
    shown = gradient_explorer()
    assert shown._page.said == shown.verdict
    shown._play.playing = True
    assert shown._page.playing
    shown._play.playing = False
    assert not shown._page.playing

    def refuse(**_):
        raise ValueError("Too few examples.")

    monkeypatch.setattr(shown, "_train", refuse)
    shown.set(depth=5)
    assert shown._page.said == f"No training: Too few examples. {shown.verdict}"
