"""`profile` and `signals`: against each other, finite differences, and the words."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_expit, log_softmax

from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Activation, Initializer
from helpers.data import circles, digits
from helpers.measure import profile, signals
from helpers.networks import dense_layers, make_mlp

SETTINGS = [
    {"normalization": normalization, "residual": residual}
    for normalization in (None, "batch", "layer", "rms")
    for residual in (False, True)
]
IDS = [f"{each['normalization']}{'-residual' * each['residual']}" for each in SETTINGS]
SMOOTH = ["sigmoid", "tanh", "softsign", "elu", "gelu", "mish", "softplus"]


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_keras_and_numpy_measure_the_same(activation, setting):
    for dataset in (circles(100), digits(100)):
        sizes = {"num_inputs": dataset.num_inputs, "num_outputs": dataset.num_outputs}
        model = make_mlp(activation, "he_normal", width=7, replicate=2, **sizes, **setting)
        ours = profile(
            activation, "he_normal", dataset=dataset, width=7, num_replicates=3, **setting
        )
        ours, keras_s = ours.sel(replicate=2), signals(model, dataset)
        assert list(keras_s.layer.values) == [
            "hidden_1",
            "hidden_2",
            "hidden_3",
            "hidden_4",
            "output",
        ]
        for name in ours.data_vars:
            scale = ours.gradient_norm if name.startswith("gradient") else ours[name]
            error = np.linalg.norm(ours[name] - keras_s[name]) / max(np.linalg.norm(scale), 1e-9)
            assert error < 1e-5, name


NORMALIZED = {
    None: lambda u: u,
    "batch": lambda u: (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + 1e-3),
    "layer": lambda u: ((u.T - u.mean(axis=1)) / np.sqrt(u.var(axis=1) + 1e-3)).T,
    "rms": lambda u: (u.T / np.sqrt((u**2).mean(axis=1) + 1e-6)).T,
}


def loss_of(kernels, activation, dataset, normalization, residual, shift=None):
    """Per-example losses in float64; `shift` = (layer, array) is added to that pre-activation."""
    phi, a = ACTIVATIONS[activation].function, dataset.x.astype(float)
    for number, kernel in enumerate(kernels):
        z = a @ kernel
        if number < len(kernels) - 1:
            z = NORMALIZED[normalization](z)
        if shift is not None and shift[0] == number:
            z = z + shift[1]
        if number < len(kernels) - 1:
            a = phi(z) + (a if residual and number > 0 else 0)
    if dataset.num_outputs == 1:
        y = dataset.y[:, None]
        return -(y * log_expit(z) + (1 - y) * log_expit(-z))[:, 0]
    return -log_softmax(z, axis=1)[np.arange(len(z)), dataset.y.astype(int)]


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
@pytest.mark.parametrize("activation", SMOOTH)
def test_delta_and_gradient_are_finite_differences(activation, setting):
    dataset, depth, width, step = circles(12), 3, 4, 1e-5
    measured = profile(
        activation,
        "glorot_normal",
        dataset=dataset,
        depth=depth,
        width=width,
        num_replicates=1,
        **setting,
    ).sel(replicate=0)
    sizes = [(2, width), (width, width), (width, width), (width, 1)]
    sample = INITIALIZERS["glorot_normal"].sample
    kernels = [
        sample(*size, layer=(number + 1) % 4).astype(float) for number, size in enumerate(sizes)
    ]

    def total(shift=None, weights=kernels):
        return loss_of(weights, activation, dataset, **setting, shift=shift)

    for layer in range(depth + 1):
        units = sizes[layer][1]
        delta = np.empty((12, units))
        for example in range(12):
            for unit in range(units):
                nudge = np.zeros((12, units))
                nudge[example, unit] = step
                delta[example, unit] = (total((layer, nudge)) - total((layer, -nudge))).sum() / (
                    2 * step
                )
        expected = np.sqrt((delta**2).sum(axis=1).mean())
        assert float(measured.delta_norm[layer]) == pytest.approx(expected, rel=1e-6)
        gradient = np.empty(sizes[layer])
        for index in np.ndindex(*sizes[layer]):
            up, down = ([k.copy() for k in kernels] for _ in range(2))
            up[layer][index] += step
            down[layer][index] -= step
            gradient[index] = (total(weights=up) - total(weights=down)).mean() / (2 * step)
        assert float(measured.gradient_norm[layer]) == pytest.approx(
            np.linalg.norm(gradient), rel=1e-6
        )
        assert float(measured.gradient_std[layer]) == pytest.approx(gradient.std(), rel=1e-5)
        assert float(measured.gradient_mean[layer]) == pytest.approx(gradient.mean(), abs=1e-8)


def test_bias_free_relu_conserves_the_product_of_weight_and_gradient():
    """<W_l, dL/dW_l> is the same in every layer (Euler's theorem for a homogeneous network)."""
    dataset = circles(200)
    model = make_mlp("relu", "he_normal", depth=6, width=20)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            keras.losses.binary_crossentropy(dataset.y[:, None], model(dataset.x))
        )
    kernels = [layer.kernel.value for layer in dense_layers(model)]
    products = [
        float(tf.reduce_sum(w * g))
        for w, g in zip(kernels, tape.gradient(loss, kernels), strict=True)
    ]
    np.testing.assert_allclose(products, products[0], rtol=1e-4)


def test_the_words_mean_what_they_say():
    dataset = circles(200)
    saturated = profile("tanh", "standard_normal", dataset=dataset, width=64, num_replicates=20)
    share = float(saturated.saturation.sel(layer="hidden_4").mean())
    assert 0.6 < share < 0.85  # facts: 72.7 % at the fixed point
    relu = profile("relu", "he_normal", dataset=dataset, num_replicates=50)
    hidden = relu.sel(layer=["hidden_1", "hidden_2", "hidden_3", "hidden_4"])
    assert (hidden.dead <= hidden.saturation + 1e-12).all() and float(hidden.dead.max()) > 0
    zeros = profile("relu", "zeros", dataset=dataset)
    assert (zeros.sel(layer="hidden_1").dead == 1).all()
    assert (zeros.delta_norm.sel(layer="hidden_1") == 0).all()


def test_width_64_follows_theory_from_layer_to_layer():
    """RMS over replicates, as mean field predicts it (facts 3.4): sigmoid and ReLU with Glorot."""
    for activation, ratio in [("sigmoid", 0.236052), ("relu", 0.707107)]:
        delta = profile(
            activation, "glorot_uniform", dataset=circles(), depth=12, width=64, num_replicates=100
        ).delta_norm
        rms = np.sqrt((delta**2).mean("replicate")).values[:-1]
        per_layer = (rms[2] / rms[-1]) ** (1 / 9)
        assert per_layer == pytest.approx(ratio, rel=0.03)


def test_small_gradients_are_not_lost():
    delta = profile("sigmoid", "heuristic_uniform", dataset=circles(), depth=50).delta_norm
    assert 1e-50 < float(delta.sel(layer="hidden_1").median()) < 1e-35


@pytest.mark.parametrize("activation", ["linear", "gelu", "selu"])
def test_an_explosion_beyond_every_number_is_a_result(activation, recwarn):
    setting = {"dataset": circles(50), "depth": 400, "width": 64, "num_replicates": 2}
    measured = profile(activation, "standard_normal", **setting)
    assert not np.isfinite(measured.activation_std.sel(layer="hidden_400")).any()
    assert np.isfinite(measured.activation_std.sel(layer="hidden_1")).all()
    assert not recwarn.list


def test_measuring_changes_nothing_and_repeats_itself():
    dataset = circles(50)
    model = make_mlp("rrelu", "he_normal", normalization="batch")
    before = [w.numpy().copy() for w in model.weights]
    first, second = signals(model, dataset), signals(model, dataset)
    assert first.identical(second)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    arguments = {"dataset": circles(), "num_replicates": 3}
    assert profile("relu", "he_normal", **arguments).identical(
        profile("relu", "he_normal", **arguments)
    )


def test_a_recording_is_labelled_and_can_be_kept():
    measured = profile("tanh", "he_normal", dataset=circles(), depth=2)
    assert measured.sizes == {"replicate": 10, "layer": 3}
    for variable in measured.data_vars.values():
        assert variable.attrs["long_name"] and variable.attrs["units"]
    assert all(isinstance(value, str | int | float) for value in measured.attrs.values())


def test_a_learner_s_activation_works(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, keras.ops.sin))
    dataset = circles(60)
    ours = profile("sine", "he_normal", dataset=dataset, num_replicates=1).sel(replicate=0)
    keras_s = signals(make_mlp("sine", "he_normal"), dataset)
    np.testing.assert_allclose(ours.delta_norm, keras_s.delta_norm, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"activation": "reul"}, "Did you mean 'relu'"),
        ({"initializer": "glorot"}, "Unknown initializer 'glorot'. Did you mean 'glorot_"),
        ({"depth": 0}, "depth .* got 0"),
        ({"width": 0}, "width .* got 0"),
        ({"num_replicates": 0}, "num_replicates .* got 0"),
        ({"num_examples": 0}, "num_examples .* got 0"),
        ({"dataset": "circles"}, r"data.circles\(\) or Dataset\(x, y\); got str"),
        ({"normalization": "instance"}, "Unknown normalization 'instance'. Allowed: None, batch"),
        ({"residual": 1}, "residual must be True or False; got 1"),
        ({"seed": 0.5}, "seed .* got 0.5"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    good = {"activation": "tanh", "initializer": "he_normal", "dataset": circles(50)}
    with pytest.raises(ValueError, match=said):
        profile(**{**good, **arguments})


def test_a_model_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"takes \(None, 2\) to \(None, 1\), but 'digits' needs"):
        signals(make_mlp("tanh", "he_normal"), digits(100))
    with pytest.raises(ValueError, match="the output has relu: give the last layer"):
        signals(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "relu")]), circles(10))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_biases_are_those_of_the_keras_model(activation, monkeypatch):
    rule = Initializer(lambda n_in, n_out: 1.5 / n_in, bias_variance=0.3)
    monkeypatch.setitem(INITIALIZERS, "biased", rule)
    points = circles(64)
    model = make_mlp(activation, "biased", depth=3, width=8, seed=2, replicate=1)
    assert all(layer.bias.numpy().any() for layer in dense_layers(model))
    keras_says = signals(model, points)
    numpy_says = profile(
        activation, "biased", dataset=points, depth=3, width=8, seed=2, num_replicates=2
    ).isel(replicate=1)
    for name in numpy_says.data_vars:
        np.testing.assert_allclose(numpy_says[name], keras_says[name], rtol=2e-4, atol=1e-6)
