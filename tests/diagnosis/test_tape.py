"""What is measured, against a plain GradientTape: ten models of different kinds."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.diagnosis import diagnose
from helpers.diagnosis.kernels import kernels
from tests.diagnosis import kinds


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_gradients_and_loss_are_those_of_a_tape(kind):
    model, x, y = kinds.make(kind)
    model(keras.tree.map_structure(tf.convert_to_tensor, x))
    loss, gradients = kinds.tape_gradients(model, x, y)
    table = diagnose(model, x, y, batch_size=kinds.NUM).table
    assert table.attrs["loss"] == pytest.approx(loss, rel=1e-5)
    expected = {
        id(variable): np.linalg.norm(gradient.astype(float))
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
    }
    norms = [expected[id(kernel.variable)] for kernel in _in_order(model, table)]
    error = np.linalg.norm(table.gradient_norm.values - norms)
    assert error <= 1e-5 * np.linalg.norm(norms)


def _in_order(model, table):
    by_name = {kernel.name: kernel for kernel in kernels(model)}
    assert sorted(by_name) == sorted(table.layer.values)
    return [by_name[name] for name in table.layer.values]


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_nothing_in_the_model_changes(kind):
    model, x, y = kinds.make(kind)
    model.fit(x, y, epochs=1, batch_size=12, verbose=0)
    before = kinds.state(model)
    first = diagnose(model, x, y, batch_size=10)
    for old, new in zip(before, kinds.state(model), strict=True):
        np.testing.assert_array_equal(old, new)
    # so that a second look sees the same, dropout included
    assert first.table.identical(diagnose(model, x, y, batch_size=10).table)


def test_deltas_are_those_of_a_model_cut_in_two():
    model, x, y = kinds.make("dense")
    table = diagnose(model, x, y).table
    first, second, last = model.layers
    z = tf.constant(x @ first.kernel.numpy())
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        z2 = tf.tanh(z) @ second.kernel
        tape.watch(z2)
        logits = tf.nn.relu(z2) @ last.kernel
        tape.watch(logits)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    for row, tensor in enumerate((z, z2, logits)):
        delta = tape.gradient(losses, tensor).numpy()
        expected = np.sqrt((delta**2).sum(axis=1).mean())
        assert float(table.delta_norm[row]) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(float(table.dead[1]), (z2.numpy() <= 0).all(axis=0).mean())
    np.testing.assert_allclose(float(table.zero_share[1]), (z2.numpy() <= 0).mean())
    np.testing.assert_allclose(float(table.activation_mean[0]), np.tanh(z).mean(), atol=1e-6)
    np.testing.assert_allclose(float(table.activation_std[0]), np.tanh(z).std(), rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw", "adagrad"])
def test_the_update_ratio_is_that_of_the_next_step(optimizer):
    """Of its own optimizer, used before: its means count."""
    model, x, y = kinds.make("dense")
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, batch_size=8, verbose=0)
    table = diagnose(model, x, y).table
    before = [layer.kernel.numpy() for layer in model.layers]
    model.fit(x, y, epochs=1, batch_size=kinds.NUM, verbose=0)
    for row, (layer, old) in enumerate(zip(model.layers, before, strict=True)):
        expected = (layer.kernel.numpy() - old).std() / old.std()
        assert float(table.update_ratio[row]) == pytest.approx(expected, rel=2e-3)


def test_an_optimizer_that_cannot_be_copied_gets_a_plain_step():
    class Own(keras.optimizers.SGD):
        def __init__(self, secret):
            super().__init__(0.1)

        def get_config(self):
            raise NotImplementedError

    model, x, y = kinds.make("dense")
    model.compile(Own(1), "sparse_categorical_crossentropy")
    table = diagnose(model, x, y).table
    assert table.attrs["update"] == "learning rate * gradient"
    expected = 0.1 * table.gradient_std / table.weight_std
    np.testing.assert_allclose(table.update_ratio, expected, rtol=1e-5)


def test_mixed_precision_is_unscaled():
    """The same weights in float32: the gradient is the same, but for float16's rounding."""

    def build():
        keras.utils.set_random_seed(0)
        parts = [keras.layers.Dense(8, "tanh") for _ in range(3)]
        head = keras.layers.Dense(1, "sigmoid", dtype="float32")
        model = keras.Sequential([keras.Input((6,)), *parts, head])
        model.compile("adam", "binary_crossentropy")
        return model

    x, y = kinds.points(6), kinds.classes(2)
    whole = diagnose(build(), x, y).table
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = diagnose(build(), x, y).table
    finally:
        keras.config.set_dtype_policy("float32")
    for name in ("delta_norm", "gradient_norm", "update_ratio"):
        np.testing.assert_allclose(half[name], whole[name], rtol=2e-2)


def test_float64_is_kept():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model, x, y = kinds.make("dense")
        table = diagnose(model, x, y, batch_size=5).table
        assert model.layers[0].kernel.dtype == "float64"
        _, gradients = kinds.tape_gradients(model, x, y)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    # in batches of 5, to more digits than float32 has
    norms = [np.linalg.norm(gradient) for gradient in gradients[::2]]
    np.testing.assert_allclose(table.gradient_norm, norms, rtol=1e-12)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_ends_of_time_are_those_of_each_sequence(backwards):
    """Filled up with zeros that a mask leaves out, a sequence says what it says by itself."""
    keras.utils.set_random_seed(0)
    rnn = keras.layers.SimpleRNN(3, go_backwards=backwards)
    parts = [keras.layers.Masking(), rnn, keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((None, 2)), *parts])
    model.compile("sgd", "mse")
    x, y = kinds.points(20, 2), kinds.points(1)
    filled = np.concatenate([x, np.zeros((kinds.NUM, 15, 2), "float32")], axis=1)
    long, short = (diagnose(model, given, y).table.time_ratio.values[0] for given in (filled, x))
    assert long == pytest.approx(short, rel=1e-4)
    assert short < 1
