"""Each rule of the verdict on both sides of its threshold, and the sentence that goes with it."""

import helpers  # isort: skip
import types

import keras
import numpy as np
import pytest

from helpers.diagnosis import diagnose, evidence, rules
from helpers.diagnosis.heads import mismatch
from helpers.diagnosis.losses import LossKind
from helpers.diagnosis.sites import Head
from tests.diagnosis import kinds

layers = keras.layers
CHECKS = {rule.name: rule.check for rule in rules.RULES}


@pytest.fixture(scope="module")
def network():
    """A sound network of three hidden layers, and its evidence: each test changes one number."""
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(8, "tanh", name=f"h{number}") for number in (1, 2, 3)]
    model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(1, "sigmoid", name="end")])
    model.compile("adam", "binary_crossentropy")
    return model, kinds.points(6), kinds.classes(2)


def changed(network, *, loss=None, **columns):
    """Evidence on the network with other numbers in its table: {variable: {layer: value}}."""
    from helpers.diagnosis.measuring import measured

    model, x, y = network
    found = measured(model, x, y, batch_size=32)
    table = found.table.copy(deep=True)
    for name, values in columns.items():
        for layer, value in values.items():
            table[name].loc[layer] = value
    if loss is not None:
        table.attrs["loss"] = loss
    return evidence.Evidence(found._replace(table=table), x, y)


def test_a_sound_network_breaks_no_rule(network):
    model, x, y = network
    diagnosis = diagnose(model, x, y)
    assert (diagnosis.verdict, diagnosis.also) == ("healthy", [])
    assert not diagnosis.is_blamed
    for rule in rules.RULES:
        assert rule.check(changed(network)) is None, rule.name


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (0.0, "vanishing"),
        (0.9e-3, "vanishing"),
        (1.1e-3, "shrinking"),
        (0.5, "healthy"),
        (11.0, "growing"),
        (0.9e3, "growing"),
        (1.1e3, "exploding"),
    ],
)
def test_the_ratio_is_judged_by_the_scale_of_the_course(network, ratio, verdict):
    found = changed(network, delta_norm={"h1": ratio, "h3": 1.0})
    finding = rules.findings(found)[0]
    assert finding.name == verdict
    if verdict in ("vanishing", "exploding"):
        assert "h1 to h3" in finding.next_step and "lesson" in finding.next_step


@pytest.mark.parametrize(
    ("rule", "column", "below", "above"),
    [
        ("dying", "dead", 0.49, 0.5),
        ("saturated", "saturation", 0.49, 0.5),
        ("vanishing", "time_ratio", 1.1e-3, 0.9e-3),
        ("exploding", "time_ratio", 0.9e3, 1.1e3),
    ],
)
def test_a_layer_beyond_its_threshold_is_named(network, rule, column, below, above):
    assert CHECKS[rule](changed(network, **{column: {"h2": below}})) is None
    what, step, names = CHECKS[rule](changed(network, **{column: {"h2": above}}))
    assert "h2" in what and "h2" in step and "lesson" in step and list(names) == ["h2"]


@pytest.mark.parametrize(("middle", "applies"), [(1.1e-5, 0), (0.9e-5, 1), (0.09, 0), (0.11, 1)])
def test_the_update_ratio_is_judged_with_a_margin(network, middle, applies):
    found = changed(network, update_ratio=dict.fromkeys(["h1", "h2", "h3", "end"], middle))
    answer = CHECKS["update ratio off"](found)
    assert (answer is not None) == applies
    if answer:
        how = "divide" if middle > 1e-3 else "multiply"
        assert how in answer[1] and "learning rate, now 0.001," in answer[1]


@pytest.mark.parametrize(("size", "applies"), [(0.009, 1), (0.011, 0), (4.9, 0), (5.1, 1)])
def test_inputs_have_a_size(network, size, applies):
    answer = CHECKS["unscaled inputs"](changed(network, input_rms={"h1": size}))
    assert (answer is not None) == applies


def test_an_embedding_takes_names_and_not_sizes():
    model, x, y = kinds.make("recurrent")
    assert diagnose(model, x + 0, y).verdict != "unscaled inputs"
    assert float(diagnose(model, x, y).table.input_rms[0]) > 0


def test_a_small_loss_is_no_fault_whatever_the_gradient(network):
    tiny = {"h1": 1e-12, "h3": 1.0}
    assert rules.findings(changed(network, loss=0.06, delta_norm=tiny))[0].name == "converged"
    assert rules.findings(changed(network, loss=0.08, delta_norm=tiny))[0].name == "vanishing"


def test_a_plateau_has_the_loss_of_a_constant_answer_and_no_gradient(network):
    flat = dict.fromkeys(["h1", "h2", "h3", "end"], 1e-6)
    names = lambda e: [finding.name for finding in rules.findings(e)]  # noqa: E731
    assert "plateau" in names(changed(network, loss=0.693, gradient_norm=flat))
    assert "plateau" not in names(changed(network, loss=0.5, gradient_norm=flat))
    assert "plateau" not in names(changed(network, loss=0.693))


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        ({"kernel_initializer": "zeros"}, "symmetric units"),
        ({"kernel_initializer": "ones"}, "symmetric units"),
        ({"kernel_initializer": keras.initializers.HeNormal(seed=1)}, "identical kernels"),
        ({"trainable": False}, "frozen"),
    ],
    ids=["zeros", "ones", "shared", "frozen"],
)
def test_kernels_are_looked_at(make, verdict):
    hidden = [layers.Dense(6, "tanh", name=f"h{number}", **make) for number in (1, 2)]
    model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    diagnosis = diagnose(model, kinds.points(6), kinds.classes(2))
    assert diagnosis.verdict == verdict and diagnosis.layers == ("h1", "h2")
    assert "h1" in diagnosis.next_step


def test_a_linear_layer_between_two_kernels_is_named_unless_it_is_a_code():
    def build(outputs):
        parts = [layers.Dense(2, name="narrow"), layers.Dense(8, "relu")]
        head = layers.Dense(outputs, None if outputs == 6 else "softmax")
        return keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), *parts, head])

    x = kinds.points(6)
    diagnosis = diagnose(build(3), x, kinds.classes(3), loss="sparse_categorical_crossentropy")
    assert (diagnosis.verdict, diagnosis.layers) == ("no activation", ("narrow",))
    assert diagnose(build(6), x, x, loss="mse").verdict == "healthy"


# what a head and a loss have to do with each other: head, loss, from_logits, y, words ("" is right)
BINARY = np.array([0.0, 1.0, 1.0])
CLASSES = np.array([0, 1, 2])
HEADS = [
    ("sigmoid", 1, "binary_crossentropy", False, BINARY, ""),
    ("linear", 1, "binary_crossentropy", True, BINARY, ""),
    ("softmax", 3, "sparse_categorical_crossentropy", False, CLASSES, ""),
    ("softmax", 2, "sparse_categorical_crossentropy", False, BINARY, ""),
    ("softmax", 3, "categorical_crossentropy", False, np.eye(3), ""),
    ("sigmoid", 3, "binary_crossentropy", False, np.eye(3), ""),
    ("linear", 1, "mean_squared_error", False, np.array([-3.0, 7.0]), ""),
    ("sigmoid", 1, "mean_squared_error", False, BINARY, ""),
    ("", 1, "binary_crossentropy", False, BINARY, ""),
    ("linear", 1, "", False, BINARY, ""),
    ("linear", 1, "binary_crossentropy", False, BINARY, 'activation="sigmoid"'),
    ("relu", 3, "sparse_categorical_crossentropy", False, CLASSES, 'activation="softmax"'),
    ("softmax", 3, "sparse_categorical_crossentropy", True, CLASSES, "remove one of the two"),
    ("softmax", 1, "binary_crossentropy", False, BINARY, "always 1"),
    ("sigmoid", 3, "categorical_crossentropy", False, np.eye(3), "use a softmax"),
    ("linear", 1, "sparse_categorical_crossentropy", True, CLASSES, "a unit for each class|add"),
    ("softmax", 3, "sparse_categorical_crossentropy", False, CLASSES + 1, "number the classes"),
    ("softmax", 3, "categorical_crossentropy", False, CLASSES, "to_categorical"),
    ("sigmoid", 1, "binary_crossentropy", False, 2 * BINARY - 1, "labels 0 and 1"),
    ("softmax", 3, "categorical_crossentropy", False, np.ones((2, 3)), "adds up to 1"),
    ("sigmoid", 1, "mean_squared_error", False, np.array([0.0, 5.0]), "scale y"),
    ("relu", 1, "mean_absolute_error", False, np.array([-1.0, 5.0]), "scale y"),
    ("linear", 3, "mean_squared_error", False, CLASSES, "compare each with all"),
]


@pytest.mark.parametrize(("head", "units", "loss", "logits", "y", "words"), HEADS)
def test_heads_losses_and_labels(head, units, loss, logits, y, words):
    sentence = mismatch([Head(head, (units,))], [LossKind(loss, logits)], y)
    assert bool(sentence) == bool(words)
    assert any(word in sentence for word in words.split("|"))


class Broken(layers.Layer):
    def call(self, z):
        return keras.ops.log(z - 1e3)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        ("x", "x holds NaN or infinity in 2 of 24 examples"),
        ("y", "y holds NaN or infinity in 1 of 24 examples"),
        ("weight", "first/kernel holds NaN or infinity"),
        ("forward", "in broken (Broken)"),
        ("gradient", "from second on, towards the inputs"),
    ],
)
def test_where_numbers_stop_being_numbers_is_said(break_it, words):
    root = layers.Lambda(lambda z: keras.ops.sqrt(keras.ops.relu(z) * 0), name="root")
    middle = {"forward": [Broken(name="broken")], "gradient": [root]}.get(break_it, [])
    parts = [layers.Dense(4, "tanh", name="first"), layers.Dense(4, name="second"), *middle]
    model = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = kinds.points(6), kinds.points(1)
    if break_it == "x":
        x[3:5, 2] = np.inf
    elif break_it == "y":
        y[1] = np.nan
    elif break_it == "weight":
        model.layers[0].kernel.assign(np.full((6, 4), np.nan))
    diagnosis = diagnose(model, x, y, batch_size=7)
    assert diagnosis.verdict == "NaN" and words in diagnosis.what
    assert diagnosis.next_step


def test_every_rule_has_its_words():
    for rule in rules.RULES:
        assert rules.when(rule.name) == rule.when
    assert isinstance(rules.when("healthy"), str)
    assert isinstance(rules.findings, types.FunctionType)
