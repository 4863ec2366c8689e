"""`GradientWatch`: what it records, what it notices, what it leaves alone, what it costs."""

import helpers  # isort: skip
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from helpers import STYLE
from helpers.diagnosis import GradientWatch, diagnose
from tests.diagnosis import kinds

layers = keras.layers


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_it_says_what_diagnose_says_after_the_fit(kind):
    model, x, y = kinds.make(kind)
    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=2, batch_size=12, verbose=0, callbacks=[watch])
    recording = watch.recording.isel(replicate=0)
    assert recording.step.values.tolist() == [0, 2, 4]
    assert recording.epoch.values.tolist() == [0, 1, 2]
    table = diagnose(model, x, y, batch_size=kinds.NUM).table
    assert recording.layer.values.tolist() == table.layer.values.tolist()
    for name in ("delta_norm", "gradient_norm", "update_ratio", "saturation", "dead", "zero_share"):
        found, expected = recording[name][-1].values, table[name].values
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        error = np.linalg.norm(np.nan_to_num(found - expected))
        assert error <= 1e-4 * np.linalg.norm(np.nan_to_num(expected)), name


@pytest.mark.parametrize("kind", ["random", "convolutions", "several inputs and outputs"])
def test_training_is_the_same_with_it(kind):
    runs = []
    for watched in (False, True):
        model, x, y = kinds.make(kind)
        callbacks = [GradientWatch(x, y, every=1)] if watched else []
        keras.utils.set_random_seed(1)
        history = model.fit(x, y, epochs=3, batch_size=8, verbose=0, callbacks=callbacks)
        runs.append((history.history, kinds.state(model)))
    (plain, weights), (watched, watched_weights) = runs
    assert plain.keys() == watched.keys()
    for name in plain:
        np.testing.assert_allclose(watched[name], plain[name], rtol=1e-6)
    for ours, theirs in zip(weights, watched_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def test_what_turns_bad_is_noticed_once_with_its_epoch():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, "relu", name="h"),
            layers.Dense(8, "relu"),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    x, y = kinds.points(6), kinds.points(1)

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.get_layer("h").bias.assign(np.full(8, -100.0))

    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=5, verbose=0, callbacks=[Kill(), watch])
    dying = [notice for notice in watch.notices if "dying" in notice.what]
    assert (dying[0].epoch, dying[0].layer) == (3, "h")
    assert len([notice for notice in dying if notice.layer == "h"]) == 1
    assert "epoch 3: dying: 100% of the units of h are dead" in repr(watch)


def test_weights_that_overflow_are_noticed():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e6), "mse")
    x, y = kinds.points(6), kinds.points(1)
    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=30, verbose=0, callbacks=[watch])
    assert any("NaN" in notice.what for notice in watch.notices)
    assert "epoch" in watch._repr_html_()


def test_it_looks_every_so_many_batches_and_goes_on_in_a_second_fit():
    model, x, y = kinds.make("dense")
    watch = GradientWatch(x, y, every=2)
    for _ in range(2):
        model.fit(x, y, epochs=1, batch_size=6, verbose=0, callbacks=[watch])
        model.compile("sgd", "sparse_categorical_crossentropy")
    assert watch.recording.step.values.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(watch.recording.epoch, [0, 0.5, 1, 1.5, 2])


def test_the_recording_is_labelled_can_be_kept_and_drawn(tmp_path):
    model, x, y = kinds.make("recurrent")
    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[watch])
    recording = watch.recording
    for variable in recording.data_vars.values():
        assert variable.attrs["long_name"] and variable.attrs["units"]
    recording.to_netcdf(tmp_path / "watch.nc")
    kept = xr.load_dataset(tmp_path / "watch.nc")
    np.testing.assert_allclose(kept.delta_norm, recording.delta_norm)
    with plt.style.context(STYLE):  # as in a lesson: titles stand on the left
        heat, ratios = watch.plot()
    assert [ax.get_title("left") for ax in (heat, ratios)] == ["delta", "update ratio"]
    names = [label.get_text() for label in heat.get_yticklabels()]
    assert names == recording.layer.values.tolist()
    shown = [line for line in ratios.lines if line.get_label() in names]
    np.testing.assert_allclose(shown[0].get_ydata(), np.log10(recording.update_ratio[0, :, 0]))
    assert any((line.get_ydata() == np.array([-3, -3])).all() for line in ratios.lines[:1])
    assert "<img alt=" in watch._repr_html_()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"every": "batch"}, 'every must be "epoch" or a whole number'),
        ({"every": 0}, 'every must be "epoch" or a whole number'),
        ({"x": None}, "x is None"),
    ],
)
def test_bad_arguments_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        GradientWatch(**{"x": kinds.points(6), "y": kinds.classes(2)} | change)
    with pytest.raises(ValueError, match="nothing was watched yet"):
        _ = GradientWatch(kinds.points(6), kinds.classes(2)).recording


def test_a_look_costs_a_tenth_of_an_epoch_of_100_steps_at_most(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3200, 8))
    y = rng.integers(0, 2, 3200)
    hidden = [layers.Dense(32, "relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((8,)), *hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    looks, epochs = [], []
    look = GradientWatch._look

    def timed(self):
        start = time.perf_counter()
        look(self)
        looks.append(time.perf_counter() - start)

    class Time(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            epochs.append(time.perf_counter() - self.start)

    monkeypatch.setattr(GradientWatch, "_look", timed)
    # before the watch in the list, so that an epoch is timed without it
    model.fit(x, y, epochs=8, batch_size=32, verbose=0, callbacks=[Time(), GradientWatch(x, y)])
    # the first look compiles; the quickest ones, as others are busy on the same machine
    assert min(looks[1:]) <= 0.1 * min(epochs)
