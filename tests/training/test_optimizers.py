"""One entry for each optimizer: what a name, a Keras optimizer and a new entry come to."""

import helpers  # isort: skip
import inspect

import keras
import numpy as np
import pytest

from helpers import networks, training
from helpers.training import optimizers
from helpers.training.optimizers import OPTIMIZERS, Optimizer, Update, choose, make
from tests.training.readable import KEPT, assert_same_run, by_hand, small

# Keras's sum of squares begins at its initial value and is never faded: that stays inside the root.
ADAGRAD = Optimizer(
    "Adagrad",
    0.001,
    {"initial_accumulator_value": 0.1, "epsilon": 1e-7},
    lambda initial_accumulator_value, epsilon: Update(
        keep_square=1, take_square=1, inside=initial_accumulator_value + epsilon
    ),
)


@pytest.fixture
def adagrad(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "adagrad", ADAGRAD)


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.25, "epsilon": 2**-10}], ids=str)
def test_a_new_optimizer_is_one_entry(settings, adagrad, precision):
    epochs, tolerance = precision
    run = {"dataset": small(), "epochs": epochs}
    exact = {"learning_rate": 2**-10, "initial_accumulator_value": 0.125, "epsilon": 2**-23}
    fresh = keras.optimizers.Adagrad(**exact | settings)
    recording = training.train("tanh", "he_normal", optimizer=fresh, **run, **KEPT)
    assert (recording.attrs["optimizer"], recording.attrs["compiled"]) == ("adagrad", "numba")
    hand = by_hand("tanh", "he_normal", optimizer=fresh, **run)
    assert_same_run(recording, hand, tolerance)


def test_a_new_optimizer_s_name_means_keras_s_defaults(adagrad):
    run = {"dataset": small(), "epochs": 1}
    recording = training.train("tanh", "he_normal", optimizer="adagrad", **run, **KEPT)
    hand = by_hand("tanh", "he_normal", optimizer=keras.optimizers.Adagrad(), **run)
    assert_same_run(recording, hand, 1e-5)
    made = make("adagrad", None, ("norm", 2.0))
    assert isinstance(made, keras.optimizers.Adagrad)
    assert made.clipnorm == 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_entry_s_defaults_are_keras_s(name):
    entry = OPTIMIZERS[name]
    config = getattr(keras.optimizers, entry.keras)().get_config()
    assert entry.learning_rate == pytest.approx(config["learning_rate"])
    for key, value in entry.constants.items():
        assert key in config
        if name != "momentum":  # which is SGD with momentum
            assert value == pytest.approx(config[key])
    assert list(inspect.signature(entry.update).parameters) in (
        list(entry.constants),
        list(Update._fields),  # an update without any number of its own
    )


# what the engine can do of Keras's, and what it says it is; None: Keras has to train it
IN_KERAS = {
    "sgd": (lambda: keras.optimizers.SGD(0.5), "sgd"),
    "momentum": (lambda: keras.optimizers.SGD(0.5, momentum=0.8), "momentum"),
    "named": (lambda: keras.optimizers.RMSprop(0.5, rho=0.8, name="mine"), "rmsprop"),
    "adam": (lambda: keras.optimizers.Adam(0.5, beta_1=0.8), "adam"),
    "nesterov": (lambda: keras.optimizers.SGD(momentum=0.8, nesterov=True), None),
    "centered": (lambda: keras.optimizers.RMSprop(centered=True), None),
    "with momentum": (lambda: keras.optimizers.RMSprop(momentum=0.1), None),
    "amsgrad": (lambda: keras.optimizers.Adam(amsgrad=True), None),
    "decay": (lambda: keras.optimizers.Adam(weight_decay=0.1), None),
    "clipped": (lambda: keras.optimizers.Adam(clipnorm=1.0), None),
    "averaged": (lambda: keras.optimizers.SGD(use_ema=True), None),
    "schedule": (
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
        None,
    ),
    "scaled": (lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), None),
    "other": (lambda: keras.optimizers.Lion(), None),
}


@pytest.mark.parametrize(("make_one", "name"), IN_KERAS.values(), ids=IN_KERAS)
def test_the_engine_takes_only_what_it_computes_alike(make_one, name):
    optimizer = make_one()
    chosen = choose(optimizer, None)
    assert (None if chosen is None else chosen.name) == name
    if chosen is not None:
        assert chosen.learning_rate == pytest.approx(0.5)
        assert choose(optimizer, 0.25).learning_rate == 0.25


def test_a_class_of_the_learner_s_own_is_not_taken_for_keras_s():
    class Adam(keras.optimizers.Adam):
        """One that does something else, under a name that is known."""

        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, keras.ops.sign(gradient))

    assert choose(Adam(), None) is None


def test_an_optimizer_that_is_given_is_copied_with_its_settings():
    given = keras.optimizers.Adam(0.5, beta_1=0.8, clipnorm=3.0)
    copy = make(given, 0.25, None)
    assert copy is not given
    assert (copy.beta_1, copy.clipnorm) == (0.8, 3.0)
    assert float(copy.learning_rate) == 0.25
    assert float(given.learning_rate) == 0.5


UNKNOWN = {
    "lion": "Unknown optimizer 'lion'. Allowed: a Keras optimizer, sgd, momentum, rmsprop, adam.",
    "Adam": "Unknown optimizer 'Adam'. Did you mean 'adam'?",
    None: "Unknown optimizer None",
    keras.optimizers.Adam: "Unknown optimizer <class",
}


@pytest.mark.parametrize("optimizer", UNKNOWN, ids=str)
def test_an_unknown_optimizer_is_one_clear_sentence_everywhere(optimizer):
    model = networks.make_mlp("tanh", "he_normal")
    calls = [
        lambda: training.train("tanh", "he_normal", dataset=small(), optimizer=optimizer),
        lambda: training.train_model(model, small(), optimizer=optimizer),
        lambda: choose(optimizer, None),
        lambda: make(optimizer, None, None),
        lambda: OPTIMIZERS[optimizer],
    ]
    for call in calls:
        with pytest.raises(ValueError, match="Unknown optimizer") as error:
            call()
        if call is not calls[-1]:
            assert UNKNOWN[optimizer] in str(error.value)


def test_an_optimizer_that_wraps_another_is_refused():
    """Its gradients come out scaled only by way of its own loss, which is not ours."""
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    with pytest.raises(ValueError, match=r"wraps another one \(LossScaleOptimizer\)"):
        training.train("tanh", "he_normal", dataset=small(), optimizer=wrapped)


@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf, "fast"])
def test_a_bad_learning_rate_is_one_clear_sentence(rate):
    words = "learning_rate must be a finite number above 0; got"
    for call in (choose, lambda *both: make(*both, None)):
        for optimizer in ("adam", keras.optimizers.Adam()):
            with pytest.raises(ValueError, match=words):
                call(optimizer, rate)


@pytest.mark.parametrize("given", [("norm", 1), ["value", 0.5], ("global_norm", np.float32(2))])
def test_a_clip_is_a_name_and_a_threshold(given):
    sort, threshold = optimizers.check_clip(given)
    made = make("sgd", None, (sort, threshold))
    assert getattr(made, optimizers.CLIPS[sort]) == threshold == given[1]
