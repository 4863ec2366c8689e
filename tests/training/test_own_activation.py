"""A learner's own activation: compiled where numba can, else trained by Keras, and checked."""

import helpers  # isort: skip
import functools
import math

import keras
import numpy as np
import pytest
from scipy.special import erf, expit

from helpers import catalogue, measure, networks, training
from helpers.catalogue import ACTIVATIONS, Activation
from helpers.catalogue.activations import PROBES
from helpers.training.own_activation import compile_own
from tests.training.readable import KEPT, assert_same_run, by_hand, small

LEAK = 0.3


def bent(leak):
    """Make a function with a constant of its own."""
    return lambda z: np.where(z > 0, z, leak * z)


# name -> the entry, and whether numba can compile it
OWN = {
    "sine": (Activation(np.sin, keras.ops.sin), True),
    "bent": (Activation(bent(LEAK), lambda z: keras.ops.where(z > 0, z, LEAK * z)), True),
    "cube": (
        Activation(
            lambda z: np.tanh(z) ** 3,
            lambda z: keras.ops.tanh(z) ** 3,
            lambda z: 3 * np.tanh(z) ** 2 / np.cosh(z) ** 2,
        ),
        True,
    ),
    "swish": (Activation(lambda z: z * expit(z), "silu"), False),
    "erf": (Activation(erf, keras.ops.erf, lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))), False),
    "half": (Activation(functools.partial(np.multiply, 0.5), lambda z: 0.5 * z), False),
}


@pytest.fixture
def own(monkeypatch):
    for name, (entry, _) in OWN.items():
        monkeypatch.setitem(ACTIVATIONS, name, entry)


@pytest.mark.parametrize("name", OWN)
def test_it_trains_as_in_keras(name, own):
    run = {"dataset": small(), "epochs": 1}
    _, can_be_compiled = OWN[name]
    recording = training.train(name, "he_normal", **run, **KEPT)
    assert (recording.attrs["compiled"] == "numba") == can_be_compiled
    hand = by_hand(name, "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-5)


@pytest.mark.parametrize("name", ["sine", "swish"])
def test_both_roads_begin_with_what_profile_measures(name, own):
    dataset = small()
    options = {"dataset": dataset, "normalization": "layer", "residual": True, "num_replicates": 2}
    recording = training.train(name, "he_normal", epochs=0, batch_size=len(dataset), **options)
    profile = measure.profile(name, "he_normal", num_examples=len(dataset), **options)
    for variable in profile.data_vars:
        found = recording[variable].isel(step=0)
        error = np.linalg.norm(found - profile[variable])
        assert error <= 1e-5 * np.linalg.norm(profile[variable]) + 1e-7, variable


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_changed_global_is_not_forgotten(dtype):
    """Numba freezes a global when it compiles; NumPy reads it at each call."""
    space = {"np": np, "leak": 0.1}
    entry = Activation(eval("lambda z: np.where(z > 0, z, leak * z)", space), "unused")
    first = compile_own(entry, dtype)
    assert compile_own(entry, dtype) is first
    space["leak"] = 0.2
    second = compile_own(entry, dtype)
    assert second is not first
    space["leak"] = 0.1
    assert compile_own(entry, dtype) is first


def in_place(z):
    z[z < 0] = 0
    return z


NO_FUNCTION = {
    "max": (lambda z: max(0, z), "np.maximum(z, 0) does, max(z, 0) and math.sin(z) do not"),
    "math": (math.sin, "np.maximum(z, 0) does, max(z, 0) and math.sin(z) do not"),
    "in place": (in_place, "read-only"),
    "sum": (np.sum, "finite values of the same shape"),
    "flat": (np.ravel, "finite values of the same shape"),
    "narrow": (lambda z: z[:, :1], "finite values of the same shape"),
    "nan": (lambda z: z * np.nan, "finite values of the same shape"),
    "word": (lambda z: "tanh", "must work on a NumPy array"),
    "mean": (lambda z: z - z.mean(), "must look at each element alone"),
    "name": ("tanh", "must be a function; got 'tanh'"),
    "nothing": (None, "must be a function; got None"),
}


@pytest.mark.parametrize(("function", "words"), NO_FUNCTION.values(), ids=NO_FUNCTION)
def test_a_function_that_is_none_is_one_clear_sentence(function, words):
    before = PROBES.copy()
    with pytest.raises(ValueError, match="The function of an activation") as error:
        Activation(function, "tanh")
    assert words in str(error.value)
    if callable(function):
        with pytest.raises(ValueError, match="The derivative of an activation") as error:
            Activation(np.tanh, "tanh", function)
        assert words in str(error.value)
    np.testing.assert_array_equal(PROBES, before)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Activation(np.tanh, "tanh", lambda z: 1 - z**2), "must be its slope; at z = -3.3"),
        (lambda: Activation(np.sin, "sin", np.sin), "must be its slope; at z = "),
        (lambda: Activation(np.sin, 7), "keras must be a name or a function of a Keras tensor"),
        (lambda: Activation(np.sin, "sin", slope=1.0), "slope=1.0 stands for the function max"),
        (lambda: Activation(np.sin, "sin", slope_kind="lerned"), "one of fixed, learned, random"),
    ],
)
def test_a_wrong_entry_is_refused_when_it_is_made(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)


WRONG_IN_KERAS = {
    "tanh": "An activation must be the same in NumPy and in Keras; at",
    lambda z: z[:, :1]: "must be the same in NumPy and in Keras; at",
    "sinus": "Keras can't make the activation 'sinus': ValueError",
    np.sin: "Keras can't train the activation <ufunc 'sin'>: it has no gradient",
    lambda z: keras.ops.stop_gradient(keras.ops.sin(z)): "it has no gradient",
    lambda z: keras.ops.sin(z) / 2 + keras.ops.stop_gradient(keras.ops.sin(z)) / 2: (
        "An activation's slope must be the same in NumPy and in Keras"
    ),
    lambda z: keras.ops.sinus(z): "Keras can't make the activation",
}


@pytest.mark.parametrize(("in_keras", "words"), WRONG_IN_KERAS.items(), ids=map(str, range(7)))
def test_a_wrong_entry_is_refused_when_keras_first_needs_it(in_keras, words, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "mine", Activation(np.sin, in_keras))
    for _ in range(2):  # not only the first time
        with pytest.raises(ValueError) as error:
            networks.make_mlp("mine", "he_normal")
        assert words in str(error.value)
    run = {"dataset": small(), "epochs": 1}
    with pytest.raises(ValueError) as error:  # what needs Keras says so, too
        training.train("mine", "he_normal", optimizer=keras.optimizers.Nadam(), **run)
    assert words in str(error.value)


def test_a_wrong_entry_harms_nothing_else(monkeypatch):
    """The engine has NumPy's function, and so has the theory; all others are as before."""
    monkeypatch.setitem(ACTIVATIONS, "mine", Activation(np.sin, "tanh"))
    with pytest.raises(ValueError, match="must be the same"):
        networks.make_mlp("mine", "he_normal")
    run = {"dataset": small(), "epochs": 1}
    wrong = training.train("mine", "he_normal", **run, **KEPT)
    monkeypatch.setitem(ACTIVATIONS, "mine", Activation(np.sin, keras.ops.sin))
    for name in ("mine", "tanh"):
        hand = by_hand(name, "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
        recording = training.train(name, "he_normal", **run, **KEPT)
        assert_same_run(recording, hand, 1e-5)
        if name == "mine":
            assert_same_run(wrong, hand, 1e-5)


def test_an_unknown_loop_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "mine", Activation(np.tanh, "tanh", loop="than"))
    with pytest.raises(ValueError, match=r"Unknown loop 'than'\. Did you mean 'tanh'"):
        training.train("mine", "he_normal", dataset=small(), epochs=1)


def test_a_fixed_slope_of_the_learner_s_own_trains_in_the_leaky_loop(monkeypatch):
    entry = Activation(bent(0.4), lambda z: keras.ops.where(z > 0, z, 0.4 * z), slope=0.4)
    monkeypatch.setitem(ACTIVATIONS, "bent", entry)
    run = {"dataset": small(), "epochs": 1}
    hand = by_hand("bent", "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(training.train("bent", "he_normal", **run, **KEPT), hand, 1e-5)


@pytest.mark.parametrize("name", catalogue.ACTIVATIONS)
def test_the_catalogue_s_own_entries_could_be_a_learner_s(name):
    """Whoever writes one down again, without its loop, gets the same function."""
    entry = ACTIVATIONS[name]
    again = Activation(entry.function, entry.keras, entry.derivative, slope_kind=entry.slope_kind)
    assert again.fingerprint == entry.fingerprint
