import helpers  # isort: skip
import subprocess
import sys

import keras
import numpy as np
import pytest

from helpers.catalogue import ACTIVATIONS, INITIALIZERS, NORMALIZATIONS, Activation
from helpers.data import DATASETS, circles
from helpers.networks import dense_layers, make_mlp


def test_layers_are_named_and_sized():
    model = make_mlp("tanh", "he_normal", depth=3, width=7, num_inputs=4, num_outputs=10)
    assert [layer.name for layer in dense_layers(model)] == [
        "hidden_1",
        "hidden_2",
        "hidden_3",
        "output",
    ]
    assert [tuple(layer.kernel.shape) for layer in dense_layers(model)] == [
        (4, 7),
        (7, 7),
        (7, 7),
        (7, 10),
    ]
    for name in ("hidden_1_activation", "output_activation"):
        assert model.get_layer(name)
    assert not any(layer.bias.numpy().any() for layer in dense_layers(model))


@pytest.mark.parametrize("normalization", [None, *NORMALIZATIONS])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_predicts_probabilities(activation, normalization, residual):
    for name in ("circles", "digits"):
        dataset = DATASETS[name](100)
        model = make_mlp(
            activation,
            "glorot_uniform",
            depth=3,
            num_inputs=dataset.num_inputs,
            num_outputs=dataset.num_outputs,
            normalization=normalization,
            residual=residual,
        )
        probability = np.asarray(model(dataset.x))
        assert probability.shape == (100, dataset.num_outputs)
        assert ((probability >= 0) & (probability <= 1)).all()
        if dataset.num_outputs > 1:
            np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)


def test_the_forward_pass_is_the_formula():
    x = circles(50).x
    for residual in (False, True):
        model = make_mlp("tanh", "he_normal", depth=3, residual=residual)
        first, second, third, last = (layer.kernel.numpy() for layer in dense_layers(model))
        a = np.tanh(x @ first)
        for kernel in (second, third):
            a = np.tanh(a @ kernel) + (a if residual else 0)
        expected = 1 / (1 + np.exp(-a @ last))
        np.testing.assert_allclose(model(x), expected, rtol=1e-4)


def test_kernels_come_from_the_sampler_each_from_a_stream_of_its_own():
    model = make_mlp("sigmoid", "standard_normal", seed=3, replicate=2)
    kernels = [layer.kernel.numpy() for layer in dense_layers(model)]
    sample = INITIALIZERS["standard_normal"].sample
    for number, kernel in enumerate(kernels):
        stream = (number + 1) % len(kernels)  # the output layer is layer 0
        drawn = sample(*kernel.shape, seed=3, replicate=2, layer=stream)
        np.testing.assert_array_equal(kernel, drawn)
    assert not np.allclose(kernels[1], kernels[2])
    deeper = make_mlp("sigmoid", "standard_normal", seed=3, replicate=2, depth=6)
    np.testing.assert_array_equal(deeper.get_layer("output").kernel.numpy(), kernels[-1])


def test_keras_s_trap_of_the_shared_initializer():
    """One Keras initializer instance repeats itself (source A shares one); ours never does."""
    shared = keras.initializers.RandomNormal(0, 1)
    layers = [keras.layers.Dense(5, kernel_initializer=shared) for _ in range(2)]
    for layer in layers:
        layer.build((None, 5))
    np.testing.assert_array_equal(layers[0].kernel.numpy(), layers[1].kernel.numpy())
    first, second = (make_mlp("tanh", "standard_normal", seed=seed) for seed in (0, 1))
    kernels = [
        first.get_layer("hidden_2").kernel.numpy(),
        first.get_layer("hidden_3").kernel.numpy(),
        second.get_layer("hidden_2").kernel.numpy(),
    ]
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[0], kernels[2])


def test_a_model_trains_is_saved_and_comes_back(tmp_path):
    dataset = circles()
    model = make_mlp("rrelu", "he_normal", normalization="batch", residual=True, width=16)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(dataset.x, dataset.y, epochs=5, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    model = make_mlp("prelu", "he_normal")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(dataset.x), again(dataset.x))


def test_a_learner_s_activation_works(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "sine", Activation(np.sin, keras.ops.sin))
    assert make_mlp("sine", "he_normal")(circles(10).x).shape == (10, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"activation": "sigmod"}, "Did you mean 'sigmoid'"),
        ({"initializer": "he"}, "Unknown initializer 'he'"),
        ({"depth": 0}, "depth must be a whole number, 1 or more; got 0"),
        ({"depth": 2.5}, "depth .* got 2.5"),
        ({"width": 0}, "width .* got 0"),
        ({"width": True}, "width .* got True"),
        ({"num_inputs": float("nan")}, "num_inputs .* got nan"),
        ({"seed": -1}, "seed .* got -1"),
        ({"normalization": "instance"}, "Unknown normalization 'instance'. Allowed: None, batch"),
        ({"residual": "yes"}, "residual must be True or False; got 'yes'"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        make_mlp(**{"activation": "tanh", "initializer": "he_normal", **arguments})


def test_other_models_are_refused_kindly():
    fused = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid", name="output")])
    with pytest.raises(ValueError, match="must come from make_mlp"):
        dense_layers(fused)


# Keras as it looks where its other backend is set; the real one would need JAX, and seconds.
ON_JAX = """
import sys, types
keras = types.ModuleType("keras")
keras.backend = types.SimpleNamespace(backend=lambda: "jax")
sys.modules["keras"] = keras
from helpers import measure, data
measure.profile("tanh", "he_normal", dataset=data.circles(50))
try:
    import helpers.networks
except ImportError as error:
    print(error)
"""


def test_another_backend_of_keras_is_one_clear_sentence():
    """What needs no Keras works all the same."""
    done = subprocess.run([sys.executable, "-c", ON_JAX], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith(
        "This course needs Keras on TensorFlow; here Keras runs on jax. Unset KERAS_BACKEND,"
    )
    assert done.stdout.count("\n") == 1
