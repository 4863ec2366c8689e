"""Models as learners build them: each is trained and recorded rightly, or refused in a sentence."""

import helpers  # isort: skip
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from helpers import STYLE, data, measure, plots, training
from helpers.training import keras_program

layers = keras.layers
CIRCLES = data.circles(100)
DIGITS = data.digits(100)


def run(model, dataset=CIRCLES, **more):
    return training.train_model(model, dataset, **{"epochs": 1, "batch_size": 50} | more)


def sequential(*parts, inputs=2):
    keras.utils.set_random_seed(2)
    return keras.Sequential([keras.Input((inputs,)), *parts])


def mlp(**base):
    return sequential(
        layers.Dense(8, "relu", name="base", **base), layers.Dense(1, "sigmoid", name="head")
    )


def kernel_of(model, layer):
    return model.get_layer(layer).kernel.numpy()


# ---------------------------------------------------------------- stale programs


def test_a_layer_frozen_between_two_runs_stays():
    model = mlp()
    run(model)
    model.get_layer("base").trainable = False
    base, head = kernel_of(model, "base"), kernel_of(model, "head")
    recording = run(model)
    np.testing.assert_array_equal(kernel_of(model, "base"), base)
    assert (kernel_of(model, "head") != head).any()
    # it has a gradient all the same
    frozen = recording.sel(layer="base").isel(replicate=0, step=0)
    assert float(frozen.update_ratio) == 0 and float(frozen.gradient_norm) > 0
    model.get_layer("base").trainable = True
    run(model)
    assert (kernel_of(model, "base") != base).any()


def test_a_layer_frozen_from_the_start_stays():
    model = mlp(trainable=False)
    base = kernel_of(model, "base")
    assert run(model).layer.values.tolist() == ["base", "head"]
    np.testing.assert_array_equal(kernel_of(model, "base"), base)


def test_a_new_head_trains_and_the_old_one_stays():
    model = mlp()
    run(model)
    old = model.layers[-1]
    model.pop()
    model.add(layers.Dense(1, "sigmoid", name="new"))
    removed, new = old.kernel.numpy(), kernel_of(model, "new")
    assert run(model).layer.values.tolist() == ["base", "new"]
    np.testing.assert_array_equal(old.kernel.numpy(), removed)
    assert (kernel_of(model, "new") != new).any()


def test_a_setting_changed_between_two_runs_counts():
    model = sequential(
        layers.Dense(8, "relu"), layers.Dropout(0.1, name="d"), layers.Dense(1, "sigmoid")
    )
    start = model.get_weights()
    whole = run(model).loss
    model.set_weights(start)
    model.get_layer("d").rate = 0.9
    assert not np.allclose(run(model).loss, whole)


def test_an_unchanged_model_is_compiled_once(monkeypatch):
    model = mlp()
    run(model)
    monkeypatch.setattr(keras_program, "Program", None)  # making another would fail
    run(model, epochs=2)


# ---------------------------------------------------------------- heads


@pytest.mark.parametrize("dataset", [CIRCLES, DIGITS], ids=["sigmoid", "softmax"])
def test_logits_train_as_probabilities_do(dataset):
    def build(squash):
        return sequential(
            layers.Dense(8, "relu"),
            layers.Dense(dataset.num_outputs, squash),
            inputs=dataset.num_inputs,
        )

    logits = run(build(None), dataset, epochs=3)
    probabilities = run(build("sigmoid" if dataset is CIRCLES else "softmax"), dataset, epochs=3)
    for name in ("loss", "accuracy", "gradient_norm", "delta_norm"):
        np.testing.assert_allclose(logits[name], probabilities[name], rtol=1e-4, atol=1e-6)
    assert (logits.gradient_norm > 0).all()


@pytest.mark.parametrize(
    ("head", "dataset", "words"),
    [
        (layers.Dense(1, "relu"), CIRCLES, "the output has relu: give the last layer"),
        (layers.Dense(1, "softmax"), CIRCLES, "softmax of one unit, which is always 1"),
        (layers.Dense(10, "sigmoid"), DIGITS, "a sigmoid of 10 units: use a softmax"),
        (layers.Dense(2, "softmax"), CIRCLES, r"gives|takes .* but 'circles' needs"),
    ],
    ids=["relu", "one-unit", "sigmoids", "two-units"],
)
def test_a_head_that_does_not_fit_is_one_clear_sentence(head, dataset, words):
    model = sequential(layers.Dense(4, "tanh"), head, inputs=dataset.num_inputs)
    with pytest.raises(ValueError, match=words):
        run(model, dataset)


def test_a_head_of_ones_own_is_looked_at():
    half = layers.Lambda(lambda z: keras.ops.sigmoid(z) * 0.5)
    assert np.isfinite(run(sequential(layers.Dense(1), half)).loss).all()
    outside = layers.Lambda(lambda z: keras.ops.exp(z) + 1)
    with pytest.raises(ValueError, match="must end in probabilities"):
        run(sequential(layers.Dense(1), outside))


# ---------------------------------------------------------------- signals


class OwnModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1, "sigmoid", name="head")
        self.base = layers.Dense(8, name="base")

    def call(self, x):
        return self.head(keras.ops.relu(self.base(x)))


@pytest.mark.parametrize(
    "phi",
    [lambda z: keras.ops.relu(z), layers.Lambda(lambda z: keras.ops.relu(z)), layers.ReLU()],
    ids=["ops", "lambda", "layer"],
)
def test_signals_are_those_of_the_right_tensor_however_relu_is_written(phi):
    inputs = keras.Input((2,))
    dense = layers.Dense(8, name="base")
    model = keras.Model(inputs, layers.Dense(1, "sigmoid", name="head")(phi(dense(inputs))))
    z = CIRCLES.x @ dense.kernel.numpy()
    signals = measure.signals(model, CIRCLES).sel(layer="base")
    assert float(signals.saturation) == pytest.approx((z <= 0).mean())
    assert float(signals.dead) == pytest.approx((z <= 0).all(axis=0).mean())
    assert float(signals.activation_mean) == pytest.approx(np.maximum(z, 0).mean(), rel=1e-5)
    recorded = run(model, batch_size=100).sel(layer="base").isel(replicate=0, step=0)
    for name in ("saturation", "dead", "activation_mean", "activation_std", "delta_norm"):
        np.testing.assert_allclose(recorded[name], signals[name], rtol=1e-5)


def test_where_the_activation_cannot_be_told_the_attrs_say_why():
    recording = run(OwnModel())
    assert recording.layer.values.tolist() == ["base", "head"]
    assert recording.saturation.sel(layer="base").isnull().all()
    assert recording.saturation.sel(layer="head").notnull().all()
    assert recording.attrs["unknown"].startswith("base: its output goes on outside any layer")
    signals = measure.signals(OwnModel(), CIRCLES)
    assert "base: " in signals.attrs["unknown"] and np.isnan(signals.dead.sel(layer="base"))


def test_a_shared_layer_has_the_signals_of_both_calls():
    inputs = keras.Input((2,))
    twice = layers.Dense(2, "relu", name="twice")
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(twice(twice(inputs))))
    first = np.maximum(CIRCLES.x @ twice.kernel.numpy(), 0)
    second = np.maximum(first @ twice.kernel.numpy(), 0)
    mean = np.mean([first, second])
    signals = measure.signals(model, CIRCLES)
    recording = run(model, batch_size=100)
    assert float(recording.activation_mean.sel(layer="twice")[0, 0]) == pytest.approx(
        mean, rel=1e-5
    )
    assert float(signals.activation_mean[0]) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        [layers.Reshape((8, 8)), layers.Dense(5, "relu"), layers.Flatten()],
        [
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(3, 3),
            layers.ReLU(),
            layers.Conv2D(2, 3),
            layers.Flatten(),
        ],
        [layers.Reshape((8, 8)), layers.Bidirectional(layers.LSTM(3))],
        [
            layers.Reshape((8, 8, 1)),
            layers.SeparableConv2D(3, 3, activation="relu"),
            layers.Flatten(),
        ],
    ],
    ids=["time-distributed", "convolutions", "bidirectional", "separable"],
)
def test_layers_with_places_train_and_agree_with_signals(parts):
    model = sequential(*parts, layers.Dense(10, "softmax"), inputs=64)
    signals = measure.signals(model, DIGITS)
    recording = run(model, DIGITS, batch_size=100).isel(replicate=0, step=0)
    assert recording.layer.values.tolist() == signals.layer.values.tolist()
    known = np.isfinite(recording.saturation)
    for name in ("delta_norm", "gradient_norm", "activation_std", "saturation", "dead"):
        here = known if name != "gradient_norm" else slice(None)
        np.testing.assert_allclose(recording[name][here], signals[name][here], rtol=1e-4, atol=1e-6)


def test_weights_that_are_nan_are_not_dead():
    model = mlp()
    model.get_layer("base").kernel.assign(np.full((2, 8), np.nan))
    recording = run(model).sel(layer="base")
    signals = measure.signals(model, CIRCLES).sel(layer="base")
    for found in (recording, signals):
        assert np.isnan(found.dead).all() and np.isnan(found.saturation).all()


# ---------------------------------------------------------------- losses, data, precision


def test_regularisers_are_part_of_the_loss():
    plain, penalty = mlp(), mlp(kernel_regularizer=keras.regularizers.L2(10.0))
    size = float((kernel_of(penalty, "base") ** 2).sum()) * 10
    difference = float(run(penalty).loss[0, 0] - run(plain).loss[0, 0])
    assert difference == pytest.approx(size, rel=1e-5)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.eye(4), [-1, 1, 1, -1], r"Use \(y > 0\).astype\(int\)"),
        (np.eye(4), ["a", "b", "a", "b"], "return_inverse=True"),
        (np.eye(4), [1, 2, 1, 2], "return_inverse=True"),
        (np.eye(4), [0.3, 1.7, 2.2, 0.1], "regression.*GradientWatch"),
        (np.array([["red"], ["blue"]], object), [0, 1], "turn words into numbers"),
        (tf.data.Dataset.range(4), [0, 1], "x is a tf.data.Dataset; take arrays out"),
    ],
    ids=["signs", "text", "from-1", "regression", "words", "tf.data"],
)
def test_data_of_another_kind_are_told_how_to_become_a_dataset(x, y, words):
    with pytest.raises(ValueError, match=words):
        data.Dataset(x, y)


def test_tables_and_objects_are_numbers_all_the_same():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [0.0, 1, 2, 3], "b": [1, 0, 1, 0], "y": [0, 1, 0, 1]})
    made = data.Dataset(frame[["a", "b"]], frame["y"].astype(object))
    np.testing.assert_array_equal(made.y, [0, 1, 0, 1])
    assert made.x.shape == (4, 2)


def test_a_sparse_matrix_is_told_how_to_become_one():
    from scipy.sparse import csr_matrix

    with pytest.raises(ValueError, match=r"x is a sparse matrix; give x.toarray\(\)"):
        data.Dataset(csr_matrix(np.eye(4)), [0, 1, 0, 1])


def test_mixed_precision_is_refused_in_a_sentence():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = mlp()
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ValueError, match=r"computes in float16.*GradientWatch"):
        run(model)


def test_float64_trains():
    keras.config.set_floatx("float64")
    try:
        recording = run(mlp())
    finally:
        keras.config.set_floatx("float32")
    assert np.isfinite(recording.loss).all()


def test_several_inputs_are_refused_in_a_sentence():
    first, second = keras.Input((1,)), keras.Input((1,))
    outputs = layers.Dense(1, "sigmoid")(layers.Concatenate()([first, second]))
    with pytest.raises(ValueError, match=r"several inputs or outputs.*GradientWatch"):
        run(keras.Model([first, second], outputs))


def test_accuracy_is_looked_at_some_examples_at_a_time(monkeypatch):
    monkeypatch.setattr(keras_program, "SCORED", 32)
    sizes = []

    class Look(layers.Layer):
        def call(self, x, training=None):
            if not training:
                sizes.append(x.shape[0])
            return x * 1

    model = sequential(Look(), layers.Dense(8, "relu"), layers.Dense(1, "sigmoid"))
    model.compile(metrics=["accuracy"], loss="binary_crossentropy")
    recording = run(model)
    # 3 parts of 32 and the last 4, and the few examples that are looked at first
    assert max(size for size in sizes if size) == 32
    right = model.evaluate(CIRCLES.x, CIRCLES.y, verbose=0)[1]
    assert float(recording.accuracy[0, -1]) == pytest.approx(right, abs=1e-6)


# ---------------------------------------------------------------- the callback and the pictures


def fit(model, capture, metrics=("accuracy",), optimizer="rmsprop"):
    model.compile(optimizer, "binary_crossentropy", metrics=list(metrics))
    model.fit(CIRCLES.x, CIRCLES.y, epochs=2, batch_size=25, verbose=0, callbacks=[capture])
    return capture.recording


def test_a_fit_after_compiling_again_goes_on_counting():
    model, capture = mlp(), training.WeightCapture()
    fit(model, capture)
    assert fit(model, capture, optimizer="adam").step.values.tolist() == [0, 4, 8, 12, 16]


def test_accuracy_is_found_under_its_short_name():
    recording = fit(mlp(), training.WeightCapture(), metrics=["acc"])
    assert recording.accuracy[0, 1:].notnull().all()


def test_a_frozen_layer_is_captured_whenever_it_is_frozen():
    model, capture = mlp(), training.WeightCapture()
    fit(model, capture)
    model.get_layer("base").trainable = False
    fit(model, capture)
    start, freed, _, frozen = (capture.weights[row]["base"] for row in (0, 2, 3, 4))
    assert not np.array_equal(start, freed) and np.array_equal(freed, frozen)


def test_kernels_of_very_different_size_are_not_padded():
    model = sequential(
        layers.Dense(400, "relu"),
        layers.Reshape((20, 20, 1)),
        layers.Conv2D(4, 3),
        layers.Flatten(),
        layers.Dense(1, "sigmoid", name="head"),
    )
    capture = training.WeightCapture()
    recording = fit(model, capture)
    assert "kernel" not in recording and recording.attrs["left_out"].startswith("kernel")
    sizes = sum(kernel.nbytes for kernel in capture.weights[0].values())
    assert recording.nbytes < sizes
    head = capture.weights[2]["head"]
    np.testing.assert_allclose(recording.weight_std.sel(layer="head")[0, 2], head.std(), rtol=1e-5)


def test_a_recording_is_made_once():
    capture = training.WeightCapture()
    fit(mlp(), capture)
    assert capture.recording.kernel.values is capture.recording.kernel.values
    capture.recording.attrs["model"] = "other"
    assert capture.recording.attrs["model"] != "other"


def test_pictures_take_a_learners_layer_names():
    recording = run(mlp(), epochs=2)
    ax = plots.over_epochs(recording, "gradient_norm")
    assert [line.get_label() for line in ax.lines][:2] == ["base", "head"]
    colors = {
        line.get_color() if isinstance(line.get_color(), str) else tuple(line.get_color())
        for line in ax.lines[:2]
    }
    assert len(colors) == 2
    with plt.style.context(STYLE):  # as in a lesson: titles stand on the left
        for name, title in {"gradient_norm": "gradient norm", "delta_norm": "delta"}.items():
            assert plots.heat_map(recording, name).get_title("left") == title
