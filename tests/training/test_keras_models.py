"""Keras models of the learner's own: `train_model` and `WeightCapture`."""

import helpers  # isort: skip
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import data, networks, training
from helpers.training import keras_engine, keras_program
from tests.training.readable import KEPT, small


@pytest.mark.parametrize("network", [{}, {"residual": True, "depth": 6}], ids=str)
def test_train_model_says_what_train_says(network, double):
    dataset = small()
    run = {"dataset": dataset, "epochs": 10, "clip": ("global_norm", 0.5), "record_every": 3}
    ours = training.train("tanh", "glorot_uniform", **network, **run, **KEPT)
    model = networks.make_mlp("tanh", "glorot_uniform", **network)
    theirs = training.train_model(model, **run, **KEPT)
    assert theirs.layer.values.tolist() == ours.layer.values.tolist()
    for name in ours.data_vars:
        np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-6, atol=1e-12, err_msg=name)
    last = theirs.kernel.sel(layer="output").values[0, -1, :, :1]
    np.testing.assert_array_equal(model.get_layer("output").kernel.numpy(), last)


def test_train_model_records_the_same_however_it_is_cut_up():
    model = networks.make_mlp("tanh", "he_normal", depth=2)
    start, run = model.get_weights(), {"dataset": small(), "epochs": 30}  # 150 steps: 5 blocks

    def recording(**more):
        model.set_weights(start)
        return training.train_model(model, **run, **more)

    whole, told = recording(), []
    assert recording(progress=told.append).identical(whole) and len(told) > 10
    for more in (
        {"record_every": 7},
        {"record_every": 7, "progress": told.append},
        KEPT,
        {"record_every": 4, "stop": lambda: False, **KEPT},
    ):
        some = recording(**more)
        every = more.get("record_every", 1)
        rows = [*range(0, 150, every), 150]
        assert some.step.values.tolist() == rows
        for name in whole.data_vars:
            np.testing.assert_allclose(some[name], whole[name][:, rows], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("network", [{}, {"residual": True, "normalization": "batch"}], ids=str)
def test_without_xla_everything_is_the_same(network, monkeypatch):
    def recording():
        model = networks.make_mlp("tanh", "he_normal", depth=2, **network)
        return training.train_model(model, small(), epochs=3, record_every=2, **KEPT)

    theirs = recording()
    monkeypatch.setattr(keras_program, "has_xla", lambda: False)
    ours = recording()
    assert (theirs.attrs["compiled"], ours.attrs["compiled"]) == ("XLA", "tf.function")
    for name in theirs.data_vars:
        difference = np.nan_to_num(ours[name] - theirs[name])
        norm = np.linalg.norm(np.nan_to_num(theirs[name]))
        assert np.linalg.norm(difference) <= 1e-5 * norm, name
        np.testing.assert_array_equal(np.isnan(ours[name]), np.isnan(theirs[name]))


def test_each_layer_of_a_model_gets_its_own_numbers():
    """Layers of one shape are summed up together, wherever they stand in the model."""
    units = {"a": 4, "b": 4, "c": 3, "d": 4, "e": 4, "f": 1}
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(n, "sigmoid", kernel_initializer="normal", name=name)
        for name, n in units.items()
    ]
    model, dataset = keras.Sequential([keras.Input((2,)), *layers]), small()
    start = {layer.name: layer.kernel.numpy() for layer in layers}
    run = training.train_model(model, dataset, epochs=1, **KEPT).isel(replicate=0, step=0)
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    a = tf.constant(dataset.x[rng.permutation(len(dataset))[:32]])
    for layer in layers:
        at, kernel = run.sel(layer=layer.name), start[layer.name]
        a = tf.sigmoid(a @ kernel)  # biases start at 0
        fan_in, fan_out = kernel.shape
        np.testing.assert_array_equal(at.kernel[:fan_in, :fan_out], kernel)
        assert float(at.weight_std) == pytest.approx(kernel.std(), rel=1e-5)
        assert float(at.activation_mean) == pytest.approx(float(tf.reduce_mean(a)), rel=1e-5)
        gradient = at.gradient.values[:fan_in, :fan_out]
        assert float(at.gradient_norm) == pytest.approx(np.linalg.norm(gradient), rel=1e-5)


def own_model(kind):
    keras.utils.set_random_seed(0)
    if kind == "fused":
        layers = [
            keras.layers.Dense(4, "tanh", name="dense_1"),
            keras.layers.Dense(3, "relu", name="dense_2"),
        ]
    else:
        recurrent = {
            "simple": keras.layers.SimpleRNN,
            "lstm": keras.layers.LSTM,
            "gru": keras.layers.GRU,
        }
        layers = [keras.layers.Reshape((2, 1)), recurrent[kind](4, name=kind)]
    last = keras.layers.Dense(1, "sigmoid", name="dense")
    return keras.Sequential([keras.Input((2,)), *layers, last])


@pytest.mark.parametrize("kind", ["fused", "simple", "lstm", "gru"])
def test_any_keras_model_trains_as_in_keras(kind):
    dataset, model, twin = small(), own_model(kind), own_model(kind)
    run = training.train_model(model, dataset, epochs=1, optimizer="adam", seed=4, **KEPT)
    rng = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(0,)))
    optimizer = keras.optimizers.Adam()
    for step, batch in enumerate(rng.permutation(len(dataset))[:160].reshape(5, 32)):
        with tf.GradientTape() as tape:
            outputs = twin(dataset.x[batch], training=True)
            loss = keras.losses.BinaryCrossentropy()(dataset.y[batch][:, None], outputs)
        np.testing.assert_allclose(run.loss[0, step], loss, rtol=1e-5)
        optimizer.apply_gradients(
            zip(
                tape.gradient(loss, twin.trainable_variables), twin.trainable_variables, strict=True
            )
        )
    for ours, theirs in itertools.zip_longest(model.get_weights(), twin.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert run.gradient_norm.notnull().all()
    dense = [name for name in run.layer.values if name.startswith("dense")]
    assert run.delta_norm.sel(layer=dense).notnull().all()
    # again at once, from where it is now, with a fresh optimizer
    again = training.train_model(model, dataset, epochs=1, optimizer="adam", seed=4, **KEPT)
    np.testing.assert_allclose(again.kernel[0, 0], run.kernel[0, -1])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("model", "model must be a keras.Model; got str"),
        (keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), "the model takes (None, 3)"),
        (keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), "to (None, 2), but"),
        (
            keras.Sequential(
                [
                    keras.Input((2,)),
                    keras.layers.Reshape((2, 1)),
                    keras.layers.GlobalAveragePooling1D(),
                ]
            ),
            "has no kernel",
        ),
    ],
    ids=["text", "inputs", "outputs", "kernel"],
)
def test_a_model_that_does_not_fit_is_one_clear_sentence(model, words):
    with pytest.raises(ValueError) as error:
        training.train_model(model, small())
    assert words in str(error.value)


def test_weight_capture_keeps_every_kernel_of_a_fit():
    dataset, model = small(), own_model("lstm")
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    first = [v.numpy() for v in model.trainable_variables if v.name.endswith("kernel")]
    capture = training.WeightCapture()
    with pytest.raises(ValueError, match="nothing was captured yet"):
        _ = capture.recording
    history = model.fit(dataset.x, dataset.y, epochs=3, verbose=0, callbacks=[capture])
    run = capture.recording
    assert [*capture.weights[0]] == run.layer.values.tolist() == ["lstm", "lstm_recurrent", "dense"]
    for name, kernel in zip(capture.weights[0], first, strict=True):
        np.testing.assert_array_equal(capture.weights[0][name], kernel)
    np.testing.assert_array_equal(capture.weights[-1]["lstm"], model.layers[1].cell.kernel.numpy())
    assert run.step.values.tolist() == [0, 6, 12, 18]
    assert run.epoch.values.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(run.loss[0, 1:], history.history["loss"])
    kernel = capture.weights[2]["dense"]
    np.testing.assert_allclose(run.weight_std.sel(layer="dense")[0, 2], kernel.std(), rtol=1e-6)


def test_what_compiling_needed_is_given_back_once(monkeypatch):
    calls = []
    monkeypatch.setattr(keras_engine, "_give_memory_back", lambda: calls.append("trim"))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    for _ in range(2):  # the second run finds its program made
        training.train_model(model, data.circles(41), epochs=1, batch_size=8)
        assert calls == ["trim"]
