"""The blocks against finite differences and against Keras; laws of the tokens and the gradient."""

import itertools

import numpy as np
import pytest

from helpers import transformer
from helpers.transformer import Transformer

SMALL = {"depth": 2, "width": 6, "heads": 2, "hidden": 5}
TOKENS = 4


def tokens_of(stack, sequences=2, replicates=2, seed=3):
    shape = (replicates, sequences, TOKENS, stack.width)
    return np.random.default_rng(seed).standard_normal(shape)


def loss_and_back(stack, kernels, x):
    """A loss that asks something else of every number of the output, and its way back."""
    run = transformer.forward(stack, kernels, x)
    direction = np.random.default_rng(4).standard_normal(run.output.shape)
    # of each replicate, so that a change of one kernel is seen in its own loss
    loss = (run.output * direction).sum(axis=(1, 2, 3))
    return loss, *transformer.backward(stack, kernels, run, direction)


SETTINGS = [
    Transformer(**SMALL, placement=placement, normalization=normalization, attention=attention)
    for placement, normalization, attention in itertools.product(
        ("pre", "post", "none"), ("layer", "rms"), ("softmax", "uniform", "none")
    )
]
SETTINGS += [
    Transformer(**SMALL, alpha=0.3),
    Transformer(**SMALL, skip=False),
    Transformer(**SMALL, mlp=False, placement="post", alpha=1.7),
]


@pytest.mark.parametrize(
    "stack",
    SETTINGS,
    ids=lambda s: f"{s.placement}-{s.normalization}-{s.attention}-{s.alpha}-{s.skip}-{s.mlp}",
)
def test_gradients_are_the_slopes_of_the_loss(stack):
    """Of every kernel, and of the stream: central differences in float64."""
    kernels = transformer.weights(stack, num_replicates=2)
    x = tokens_of(stack)
    _, deltas, gradients = loss_and_back(stack, kernels, x)
    rng = np.random.default_rng(5)
    step = 1e-6
    for block in range(stack.depth):
        assert set(gradients[block]) == set(kernels[block])
        for name, kernel in kernels[block].items():
            way = rng.standard_normal(kernel.shape)
            moved = []
            for sign in (1, -1):
                shifted = [dict(one) for one in kernels]
                shifted[block][name] = kernel + sign * step * way
                moved.append(loss_and_back(stack, shifted, x)[0])
            slope = (moved[0] - moved[1]) / (2 * step)
            exact = (gradients[block][name] * way).sum(axis=(1, 2))
            np.testing.assert_allclose(slope, exact, rtol=1e-5, atol=1e-7)
    way = rng.standard_normal(x.shape)
    above = loss_and_back(stack, kernels, x + step * way)[0]
    below = loss_and_back(stack, kernels, x - step * way)[0]
    exact = (deltas[0] * way).sum(axis=(1, 2, 3))
    np.testing.assert_allclose((above - below) / (2 * step), exact, rtol=1e-5, atol=1e-7)


def keras_stack(stack):
    """The same blocks of Keras's layers; its layers in the order of our kernels."""
    import keras

    norm = {"layer": "LayerNormalization", "rms": "RMSNormalization"}[stack.normalization]
    epsilon = {"layer": 1e-3, "rms": 1e-6}[stack.normalization]

    def normalized(x):
        return getattr(keras.layers, norm)(epsilon=epsilon)(x)

    x = start = keras.Input((TOKENS, stack.width))
    layers = []
    for _ in range(stack.depth):
        attention = keras.layers.MultiHeadAttention(
            stack.heads, stack.width // stack.heads, use_bias=False
        )
        up = keras.layers.Dense(stack.hidden, "relu", use_bias=False)
        down = keras.layers.Dense(stack.width, use_bias=False)
        layers.append((attention, up, down))
        for branch in (lambda x, a=attention: a(x, x), lambda x, u=up, d=down: d(u(x))):
            added = branch(normalized(x) if stack.placement == "pre" else x)
            x = keras.layers.add([x, added])
            x = normalized(x) if stack.placement == "post" else x
    return keras.Model(start, normalized(x) if stack.placement == "pre" else x), layers


def set_kernels(stack, layers, kernels, replicate):
    """Keras keeps a kernel of attention by heads: (width, heads, width of a head)."""
    heads = (stack.width, stack.heads, -1)
    for (attention, up, down), block in zip(layers, kernels, strict=True):
        mine = {name: kernel[replicate] for name, kernel in block.items()}
        split = [mine[name].reshape(heads) for name in ("query", "key", "value")]
        attention.set_weights([*split, mine["output"].reshape(stack.heads, -1, stack.width)])
        up.set_weights([mine["up"]])
        down.set_weights([mine["down"]])


@pytest.mark.parametrize("normalization", ["layer", "rms"])
@pytest.mark.parametrize("placement", ["pre", "post", "none"])
def test_output_and_gradients_are_those_of_keras_s_layers(placement, normalization):
    import tensorflow as tf

    stack = Transformer(
        depth=3, width=8, heads=2, hidden=12, placement=placement, normalization=normalization
    )
    kernels = transformer.weights(stack, num_replicates=2)
    x = tokens_of(stack, sequences=3).astype(np.float32).astype(float)
    run = transformer.forward(stack, kernels, x)
    direction = np.random.default_rng(6).standard_normal(run.output.shape).astype(np.float32)
    deltas, gradients = transformer.backward(stack, kernels, run, direction)
    model, layers = keras_stack(stack)
    for replicate in range(2):
        set_kernels(stack, layers, kernels, replicate)
        start = tf.constant(x[replicate], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(start)
            output = model(start)
            loss = tf.reduce_sum(output * direction[replicate])
        sources = [start, *(part.trainable_weights for block in layers for part in block)]
        delta, *parts = tape.gradient(loss, sources)
        np.testing.assert_allclose(output, run.output[replicate], atol=1e-5)
        scale = np.abs(deltas[0][replicate]).max()
        np.testing.assert_allclose(delta, deltas[0][replicate], atol=1e-5 * scale)
        theirs = [found for part in parts for found in part]
        ours = [one[name][replicate] for one in gradients for name in transformer.KERNELS]
        for mine, found in zip(ours, theirs, strict=True):
            found = np.reshape(found, mine.shape)
            np.testing.assert_allclose(mine, found, atol=1e-5 * max(np.abs(mine).max(), 1))


def test_the_same_seed_gives_the_same_weights_whatever_the_depth_and_the_number():
    few = transformer.weights(Transformer(depth=2), num_replicates=2, seed=7)
    many = transformer.weights(Transformer(depth=5), num_replicates=4, seed=7)
    other = transformer.weights(Transformer(depth=2), num_replicates=2, seed=8)
    kernels = []
    for one, more, another in zip(few, many, other, strict=False):
        for name, kernel in one.items():
            np.testing.assert_array_equal(kernel, more[name][:2])
            assert not np.array_equal(kernel, another[name])
            kernels += list(kernel)
    square = [kernel for kernel in kernels if kernel.shape == (32, 32)]
    for one, two in itertools.combinations(square, 2):
        assert not np.array_equal(one, two)


def test_without_attention_or_mlp_a_block_has_only_what_it_uses():
    names = {
        Transformer(attention="uniform"): {"value", "output", "up", "down"},
        Transformer(attention="none"): {"up", "down"},
        Transformer(mlp=False): {"query", "key", "value", "output"},
    }
    for stack, wanted in names.items():
        assert set(transformer.weights(stack, num_replicates=1)[0]) == wanted


def test_uniform_attention_is_softmax_without_queries():
    """Queries of 0 give every token the same share."""
    stack = Transformer(**SMALL)
    kernels = transformer.weights(stack, num_replicates=2)
    for block in kernels:
        block["query"] = 0 * block["query"]
    x = tokens_of(stack)
    softmax = transformer.forward(stack, kernels, x).output
    uniform = transformer.forward(Transformer(**SMALL, attention="uniform"), kernels, x).output
    np.testing.assert_allclose(softmax, uniform, atol=1e-12)


def test_an_order_of_the_tokens_is_kept():
    """Attention without places treats all tokens alike: other order in, the same order out."""
    stack = Transformer(**SMALL, placement="post")
    kernels = transformer.weights(stack, num_replicates=2)
    x = tokens_of(stack)
    order = [2, 0, 3, 1]
    output = transformer.forward(stack, kernels, x).output
    again = transformer.forward(stack, kernels, x[:, :, order]).output
    np.testing.assert_allclose(again, output[:, :, order], atol=1e-12)


def test_one_precision_all_the_way():
    stack = Transformer(**SMALL)
    kernels = transformer.weights(stack, num_replicates=2, dtype=np.float32)
    _, deltas, gradients = loss_and_back(stack, kernels, tokens_of(stack).astype(np.float32))
    run = transformer.forward(stack, kernels, tokens_of(stack).astype(np.float32))
    assert run.output.dtype == np.float32
    assert {kernel.dtype for one in kernels for kernel in one.values()} == {np.dtype("float32")}
    exact = transformer.weights(stack, num_replicates=2)
    _, wanted, _ = loss_and_back(stack, exact, tokens_of(stack))
    np.testing.assert_allclose(deltas[0], wanted[0], rtol=1e-3, atol=1e-4)
    assert len(gradients) == stack.depth


@pytest.mark.parametrize(
    "setting, sentence",
    [
        ({"depth": 0}, "depth must be a whole number, 1 or more; got 0."),
        ({"width": 2.5}, "width must be a whole number"),
        ({"heads": 5}, "heads must divide the width; got 5 heads for a width of 32."),
        ({"placement": "Pre"}, "Unknown placement 'Pre'. Did you mean 'pre'?"),
        ({"attention": "sofmax"}, "Did you mean 'softmax'?"),
        ({"normalization": "batch"}, "normalization must be over the units; got 'batch'."),
        ({"normalization": "lay"}, "Unknown normalization 'lay'."),
        ({"alpha": -1}, "alpha must be a finite number, 0 or more; got -1."),
        ({"alpha": float("nan")}, "alpha must be a finite number"),
        ({"skip": 1}, "skip must be True or False; got 1."),
        ({"mlp": "no"}, "mlp must be True or False"),
    ],
)
def test_bad_input_is_one_clear_sentence(setting, sentence):
    with pytest.raises(ValueError) as error:
        Transformer(**setting)
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_bad_sizes_of_a_measurement_are_said_too():
    stack = Transformer(depth=1)
    for call, sentence in (
        (lambda: transformer.profile(stack, tokens=1), "tokens must be a whole number, 2 or more"),
        (lambda: transformer.profile(stack, num_replicates=0), "num_replicates must be"),
        (lambda: transformer.profile(stack, seed=-1), "seed must be"),
        (lambda: transformer.profile(stack, initializer="glorot"), "Unknown initializer"),
        (lambda: transformer.train_reversal(stack, lambda step: 0.1, steps=0), "steps must be"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
