"""Whose pre-activation, slope and activation are found; and under which names the kernels are."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.diagnosis.kernels import kernels
from helpers.diagnosis.sites import anatomy

layers = keras.layers


class OwnActivation(layers.Layer):
    def call(self, z):
        return keras.ops.softplus(z) - 1


class Sorted(layers.Layer):
    """Not entry by entry: a unit has no slope of its own."""

    def call(self, z):
        return keras.ops.sort(z, axis=-1)


def found(model, x):
    return {part.kernel.name: part for part in anatomy(model, tf.constant(x)).parts}


def functional(build, shape=(3,)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs)), np.ones((4, *shape), "float32")


@pytest.mark.parametrize(
    ("phi", "name"),
    [
        (lambda z: keras.ops.relu(z), "relu"),
        (lambda z: keras.ops.tanh(z), "tanh"),
        (layers.Lambda(lambda z: z * keras.ops.sigmoid(z)), "lambda"),
        (OwnActivation(), "ownactivation"),
        (layers.LeakyReLU(), "leakyrelu"),
        (layers.Activation("gelu"), "gelu"),
        (lambda z: layers.ReLU()(layers.BatchNormalization()(z)), "relu"),
        (lambda z: layers.ReLU()(layers.Dropout(0.5)(2 * z)), "relu"),
    ],
    ids=["ops-relu", "ops-tanh", "lambda", "own", "leaky", "gelu", "normalised", "dropped"],
)
def test_an_activation_is_found_however_it_is_written(phi, name):
    model, x = functional(lambda i: layers.Dense(1)(phi(layers.Dense(4, name="a")(i))))
    assert found(model, x)["a"].activation == name


@pytest.mark.parametrize(
    ("phi", "words"),
    [
        (Sorted(), "its output goes into sorted"),
        (lambda z: z * keras.ops.sigmoid(z), "its output goes into several: "),
        (lambda z: layers.Softmax()(z) * keras.ops.relu(z), "its output goes into several: "),
    ],
    ids=["mixes", "by-hand", "two"],
)
def test_what_cannot_be_told_has_a_reason(phi, words):
    model, x = functional(lambda i: layers.Dense(1)(phi(layers.Dense(4, name="a")(i))))
    part = found(model, x)["a"]
    assert part.activation == "" and part.reason.startswith(words)


def test_two_branches_have_their_own_activations():
    def build(inputs):
        first = layers.Dense(4, name="first")(inputs)
        second = layers.Dense(5, name="second")(inputs)
        branches = [layers.Activation("tanh")(second), layers.Activation("relu")(first)]
        return layers.Dense(1, name="end")(layers.Concatenate()(branches))

    parts = found(*functional(build))
    assert {name: part.activation for name, part in parts.items()} == {
        "first": "relu",
        "second": "tanh",
        "end": "linear",
    }


def test_a_residual_block_hands_on_its_sum():
    def build(inputs):
        h = layers.Dense(3, name="a")(inputs)
        return layers.Dense(1, name="end")(layers.Add(name="sum")([inputs, layers.ReLU()(h)]))

    model, x = functional(build)
    look = anatomy(model, tf.constant(x))
    (site,) = look.parts[0].sites
    assert site.activation == "relu"
    assert look.operations[site.handed_on[0]].name == "sum"


def test_a_softmax_inside_has_no_slope_and_at_the_end_it_has():
    model, x = functional(lambda i: layers.Dense(2, "softmax")(layers.Dense(4, "softmax")(i)))
    inner, outer = found(model, x).values()
    assert (inner.is_head, outer.is_head) == (False, True)
    assert outer.activation == "softmax"


def test_a_cast_to_another_precision_does_not_hide_the_way():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, x = functional(
            lambda i: layers.Activation("softmax", dtype="float32")(layers.Dense(3, name="a")(i))
        )
    finally:
        keras.config.set_dtype_policy("float32")
    part = found(model, x)["a"]
    assert part.activation == "softmax" and part.is_head


def names(*parts, shape=(4, 2)):
    return [kernel.name for kernel in kernels(keras.Sequential([keras.Input(shape), *parts]))]


def test_every_kernel_has_a_name_of_its_own_in_forward_order():
    lstm = {"return_sequences": True}
    assert names(layers.LSTM(3, name="u", **lstm), layers.LSTM(3, name="v")) == [
        "u",
        "u_recurrent",
        "v",
        "v_recurrent",
    ]
    both = names(layers.Bidirectional(layers.GRU(2, name="g")))
    assert both == ["forward_g", "forward_g_recurrent", "backward_g", "backward_g_recurrent"]
    separable = names(layers.SeparableConv2D(2, 2, name="s"), shape=(4, 4, 1))
    assert separable == ["s_depthwise", "s_pointwise"]


def test_two_attention_layers_keep_all_their_kernels():
    inputs = keras.Input((4, 6))
    h = layers.MultiHeadAttention(1, 2, name="one")(inputs, inputs)
    model = keras.Model(inputs, layers.MultiHeadAttention(1, 2, name="two")(h, h))
    parts = ("query", "key", "value", "attention_output")
    expected = [f"{layer}/{part}" for layer in ("one", "two") for part in parts]
    assert [kernel.name for kernel in kernels(model)] == expected


def test_nested_models_keep_their_order_and_their_names():
    def inner(name):
        parts = [layers.Dense(2, name="first"), layers.Dense(2, name="second")]
        return keras.Sequential([keras.Input((2,)), *parts], name=name)

    model = keras.Sequential([keras.Input((2,)), inner("a"), inner("b"), layers.Dense(1, name="c")])
    expected = ["a/first", "a/second", "b/first", "b/second", "c"]
    assert [kernel.name for kernel in kernels(model)] == expected
    assert list(found(model, np.ones((4, 2), "float32"))) == expected


def test_a_model_of_ones_own_is_in_the_order_in_which_it_computes():
    from tests.diagnosis.kinds import make

    model, x, _ = make("own class")
    model(x)
    assert [kernel.name for kernel in kernels(model)] == ["last", "first"]
    assert list(found(model, x)) == ["first", "last"]
