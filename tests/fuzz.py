"""Call the public functions with nasty values, and count what becomes of each call.

``make fuzz`` runs everything and lists what leaks; ``test_fuzz.py`` runs a seeded sample. One
argument at a time is replaced, all others are good and tiny. The outcomes:

========  =======================================================================================
clear     a ``ValueError`` that the course raises in its own words
accepted  a result
library   a ``ValueError`` in the words of Python or of a library
other     any other exception
slow      longer than SECONDS
memory    more than MEMORY bytes on top of what the process has
========  =======================================================================================
"""

import collections
import linecache
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib.figure
import numpy as np

import helpers
from helpers import (
    catalogue,
    data,
    exercises,
    explorers,
    measure,
    networks,
    recurrent,
    theory,
    training,
)
from helpers import transformer as transformers

HELPERS = str(Path(helpers.__file__).parent)
SECONDS = 5
MEMORY = 1_000_000_000
NASTY = {
    "None": None,
    "NaN": np.nan,
    "inf": np.inf,
    "-inf": -np.inf,
    "-1": -1,
    "0": 0,
    "0.5": 0.5,
    "1e-300": 1e-300,
    "1e300": 1e300,
    "True": True,
    "10**9": 10**9,
    "10**400": 10**400,
    "-10**400": -(10**400),
    "1j": 1j,
    "np.float64 NaN": np.float64("nan"),
    "np.bool": np.bool_(1),
    "empty text": "",
    "text": "rellu",
    "number as text": "0.1",
    "text of a null": "a\0b",
    "surrogate": "\ud800",
    "none as text": "none",
    "empty bytes": b"",
    "bytes": b"tanh",
    "empty list": [],
    "list": [1, 2, 3],
    "list of texts": ["a", "b"],
    "ragged list": [[1], [2, 3]],
    "list of None": [None],
    "empty tuple": (),
    "empty dict": {},
    "dict": {"a": 1},
    "set": {1, 2},
    "object": object(),
    "type": int,
    "callable": lambda *_: 0.5,
    "lambda": lambda *_: None,
    "array": np.arange(3.0),
    "empty array": np.zeros((0, 2)),
    "cube": np.ones((2, 2, 2)),
    "array of one": np.array([2]),
    "array of texts": np.array(["a", "b"]),
    "array of objects": np.array([None, {}], object),
    "array with NaN": np.array([1.0, np.nan]),
    "range": range(10**9),
}


class Case(NamedTuple):
    """A function with good arguments, each of which is replaced in turn."""

    name: str
    function: Callable
    good: dict


class Outcome(NamedTuple):
    """What became of one call."""

    case: str
    argument: str
    value: str
    kind: str
    said: str


class TooSlow(BaseException):
    """No ``Exception``, so that no function takes it for an error of its argument."""


def cases(patterns: tuple[str, ...] = ("",)) -> list[Case]:
    """List what is called, of the groups whose name holds one of `patterns`."""
    groups = {
        "data": _data_cases,
        "catalogue": _catalogue_cases,
        "theory": _theory_cases,
        "measure": _measure_cases,
        "training": _training_cases,
        "recurrent": _recurrent_cases,
        "transformer": _transformer_cases,
        "exercises": _exercise_cases,
        "networks": _network_cases,
        "plots": _plot_cases,
        "models": _model_cases,
        # last, as making an explorer takes a while
        "explorers": _explorer_cases,
    }
    return [
        case
        for name, make in groups.items()
        if any(pattern in name for pattern in patterns)
        for case in make()
    ]


NAMES = {"activation": "tanh", "initializer": "he_normal"}
SIZE = {"depth": 2, "width": 2, "seed": 0}
KIND = {"normalization": "layer", "residual": False}
POINTS = data.Dataset([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], [0, 1, 0, 1])


def _measure_cases():
    batch = {"dataset": POINTS, "num_replicates": 2}
    profile = NAMES | SIZE | KIND | batch | {"num_examples": 3}
    values = {"values": np.ones((2, 3))}
    return [
        Case("measure.profile", measure.profile, profile),
        Case(
            "measure.singular_values",
            measure.singular_values,
            NAMES | SIZE | batch | {"across": False},
        ),
        Case("measure.pair_profile", measure.pair_profile, _pair() | SIZE | {"num_replicates": 2}),
        Case("measure.over_last", measure.over_last, values),
        Case("measure.first_over_last", measure.first_over_last, values),
    ]


def _pair():
    return {
        "activation": "tanh",
        "weight_variance": 1.5,
        "bias_variance": 0.1,
        "correlation": 0.5,
        "input_second_moment": 1.0,
    }


def _training_cases():
    run = {
        "dataset": POINTS,
        "loss": None,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "clip": ("norm", 1.0),
        "epochs": 1,
        "batch_size": 2,
        "num_replicates": 1,
        "record_every": 1,
        "keep": (),
        "probe": None,
        "progress": None,
        "stop": None,
    }
    return [Case("training.train", training.train, NAMES | SIZE | KIND | run)]


def _data_cases():
    common = {"num_examples": 10, "noise": 0.1, "seed": 0}
    return [
        Case("data.Dataset", data.Dataset, {"x": POINTS.x, "y": POINTS.y, "name": "mine"}),
        Case("data.circles", data.circles, common | {"factor": 0.5}),
        Case("data.moons", data.moons, common),
        Case("data.spirals", data.spirals, common | {"turns": 1.5}),
        Case("data.digits", data.digits, {"num_examples": 100, "seed": 0}),
    ]


def _catalogue_cases():
    entry = {"function": np.sin, "keras": "sin", "derivative": np.cos, "formula": "", "source": ""}
    sampler = catalogue.INITIALIZERS["he_normal"]
    stream = {"seed": 0, "replicate": 0, "layer": 1}
    initializer = {"variance": lambda fan_in, fan_out: 1.0, "distribution": "normal", "keras": None}
    texts = {"formula": "", "source": ""}
    normalization = {"over": "units", "centred": True, "epsilon": 1e-3, "keras": "x"}
    more = {"slope": None, "slope_kind": "fixed", "loop": None}
    sizes = {"sizes": [2, 3, 1], "seed": 0, "replicate": 0}
    return [
        Case("Activation", catalogue.Activation, entry | more),
        Case("Initializer", catalogue.Initializer, initializer | texts | {"bias_variance": 0.0}),
        Case("Normalization", catalogue.Normalization, normalization | texts),
        Case("Network", catalogue.Network, NAMES | KIND | {"depth": 2, "width": 2}),
        Case("sample", sampler.sample, {"fan_in": 2, "fan_out": 2, **stream}),
        Case("sample_bias", sampler.sample_bias, {"units": 2, **stream}),
        Case("sample_layers", sampler.sample_layers, sizes),
    ]


def _theory_cases():
    variances = {"activation": "tanh", "weight_variance": 1.5, "bias_variance": 0.1}
    at_q = {"activation": "tanh", "q": 1.0}
    line = {"bias_variance": 0.1}
    stds = {"weight_std": 1.0, "pre_activation_std": 1.0}
    network = {"depth": 2, "width": 3, "num_inputs": 2, "input_second_moment": 1.0}
    good = {
        "chi": at_q | {"weight_variance": 1.0},
        "chi_map": {"activation": "tanh", "weight_variances": [1.0], "bias_variances": [0.1]},
        "correlation_map": variances | {"c": 0.5, "q": 1.0},
        "critical_line": {"activation": "tanh", **line},
        "depth_scales": variances,
        "derivative_product": {"activation": "tanh", "depth": 2, "num_draws": 2, "seed": 0} | stds,
        "expected_log10_factor": {"activation": "tanh"} | stds,
        "expected_pair_profile": _pair() | {"depth": 2},
        "expected_profile": NAMES | network | {"residual": False},
        "fixed_point": variances,
        "gradient_ratio": NAMES | {"width": 3},
        "moments": at_q,
        "pair_moments": at_q | {"c": 0.5},
        "predicts": {"network": catalogue.Network("tanh", "zeros")},
        "push_forward": {"activation": "tanh", "mean": 0.0, "std": 1.0},
        "relu_dead_probability": {"widths": [2, 3]},
        "relu_law": {"width": 3, "weight_variance": 2.0},
        "saturated_share": at_q,
        "variance_map": at_q | {"weight_variance": 1.0, "bias_variance": 0.1},
        "verdict": {"ratio": 1.0, "dead_share": 0.0},
    }
    return [Case(f"theory.{name}", getattr(theory, name), values) for name, values in good.items()]


def _recurrent_cases():
    common = {"cell": "lstm", "units": 2, "forget_bias": 1.0, "recurrent_scale": 1.0}
    common |= {"num_replicates": 2, "seed": 0}
    drawn = recurrent.weights("lstm", units=2, num_replicates=2)
    run = {"cell": "lstm", "weights": drawn, "inputs": np.ones((1, 3, 1))}
    return [
        Case("recurrent.weights", recurrent.weights, common | {"num_inputs": 1}),
        Case("recurrent.profile", recurrent.profile, common | {"steps": 3, "inputs": None}),
        Case("recurrent.carried", recurrent.carried, {"steps": 3, "forget_bias": 1.0}),
        Case("recurrent.states", recurrent.states, run),
        Case("recurrent.gradients", recurrent.gradients, run | {"last": np.ones((2, 2))}),
    ]


def _transformer_cases():
    stack = transformers.Transformer(depth=1, width=4, heads=2, hidden=4)
    size = {"stack": stack, "num_replicates": 2, "seed": 0}
    more = {"initializer": "he_normal", "dtype": np.float64}
    run = {"rate": lambda step: 0.01, "steps": 2, "progress": None}
    return [
        Case("Transformer", transformers.Transformer, dict(vars(stack))),
        Case("transformer.weights", transformers.weights, size | more),
        Case("transformer.profile", transformers.profile, size | more | {"tokens": 2}),
        Case("transformer.train_reversal", transformers.train_reversal, size | run),
    ]


def _exercise_cases():
    asked = {"question": "Which?", "options": ["a", "b"], "answer": "a", "why": "So it is."}
    task = {"question": "What?", "checker": lambda answer: None, "hints": ["a", "b"]}
    compared = {"answer": 1.0, "right": 2.0, "misconceptions": {"No.": 3.0}, "rtol": 1e-3}
    return [
        Case("exercises.predict", exercises.predict, asked),
        Case("exercises.Exercise", exercises.Exercise, task | {"solution": "answer = 1"}),
        Case("exercises.compare", exercises.compare, compared),
    ]


def _network_cases():
    sizes = {"num_inputs": 2, "num_outputs": 1, "replicate": 0}
    mine = catalogue.ACTIVATIONS["tanh"]
    return [
        Case("networks.make_mlp", networks.make_mlp, NAMES | SIZE | KIND | sizes),
        Case("networks.activation_layer", networks.activation_layer, {"entry": mine, "name": "a"}),
        Case("networks.dense_layers", networks.dense_layers, {"model": _model()}),
    ]


def _model():
    model = networks.make_mlp("tanh", "he_normal", depth=1, width=2)
    model.compile("sgd", "binary_crossentropy")
    return model


def _model_cases():
    from helpers import diagnosis
    from helpers.diagnosis.exam import Exam

    model = _model()
    run = {"optimizer": "sgd", "learning_rate": 0.1, "clip": ("norm", 1.0), "epochs": 1}
    run |= {"batch_size": 2, "seed": 0, "record_every": 1, "keep": (), "loss": None}
    run |= {"progress": None, "stop": None}
    points = {"x": POINTS.x, "y": POINTS.y}
    look = {"model": model, **points, "loss": None, "batch_size": 2}
    watch = {**points, "every": "epoch", "loss": None}
    return [
        Case("measure.signals", measure.signals, {"model": model, "dataset": POINTS}),
        Case(
            "training.train_model", training.train_model, {"model": model, "dataset": POINTS, **run}
        ),
        Case("diagnosis.diagnose", diagnosis.diagnose, look),
        Case("diagnosis.GradientWatch", diagnosis.GradientWatch, watch),
        Case("diagnosis.exam.Exam", Exam, {"seed": 0, "num_patients": 2}),
    ]


def _plot_cases():
    from helpers import plots

    ax = matplotlib.figure.Figure().add_subplot()
    run = {"dataset": POINTS, "depth": 2, "width": 2, "epochs": 1, "batch_size": 2}
    recording = training.train("tanh", "he_normal", **run)
    z = np.linspace(-3, 3, 7)
    grid = {"chi": np.ones((2, 2)), "weight_variances": [1.0, 2.0], "bias_variances": [0.0, 0.1]}
    good = {
        "activation": {"z": z, "a": z, "slope": np.ones(7), "name": "linear"},
        "decision_boundary": {
            "dataset": POINTS,
            "outputs": np.ones((2, 2)),
            "extent": (0, 1, 0, 1),
        },
        "factors": {"values": np.ones(3)},
        "heat_map": {"recording": recording, "name": "delta_norm"},
        "learning_curves": {"recording": recording},
        "log10_histogram": {"products": np.ones(3)},
        "over_epochs": {"recording": recording, "name": "delta_norm"},
        "phase_map": grid,
        "points": {"dataset": POINTS},
        "running_product": {"values": np.ones(3)},
        "shares": {"saturated": np.ones((2, 3)), "dead": np.zeros((2, 3))},
        "spread": {"measured": {"tanh": np.ones(3)}, "label": "size"},
        "histograms": {"arrays": {"hidden_1": np.ones(3)}, "label": "weight"},
        "update_ratios": {"recording": recording},
    }
    cases = [Case(f"plots.{n}", getattr(plots, n), v | {"ax": ax}) for n, v in good.items()]
    return [*cases, Case("plots.show", plots.show, {"ax": ax})]


def _explorer_cases():
    makers = [maker for name, maker in vars(explorers).items() if name.endswith("_explorer")]
    found = []
    for maker in makers:
        explorer = maker()
        found.append(Case(maker.__name__, maker, dict(explorer.values)))
        found.append(Case(f"{maker.__name__}.set_text", explorer.set_text, {"text": ""}))
        found.append(Case(f"{maker.__name__}.set", explorer.set, dict(explorer.values)))
    return found


def calls(chosen: list[Case]) -> list[tuple[Case, str, str]]:
    """List (case, argument, name of the nasty value)."""
    return [(case, argument, value) for case in chosen for argument in case.good for value in NASTY]


def run(wanted: list[tuple[Case, str, str]], seconds: float = SECONDS) -> Iterator[Outcome]:
    """Make the calls, each within `seconds` and MEMORY."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    heard = signal.signal(signal.SIGALRM, _ring)
    try:
        for case, argument, value in wanted:
            kind, said = _call(case.function, case.good | {argument: NASTY[value]}, seconds, before)
            yield Outcome(case.name, argument, value, kind, said)
    finally:
        signal.signal(signal.SIGALRM, heard)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _ring(*_):
    raise TooSlow


def _call(function, arguments, seconds, limits):
    # what the process has mapped by now, in pages, is not this call's
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return _judge(function, arguments)
    except TooSlow:  # here, as it may ring while another exception is looked at
        return "slow", ""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _judge(function, arguments):
    try:
        function(**arguments)
    except MemoryError as error:
        return "memory", _words(error)
    except ValueError as error:
        return ("clear" if _is_ours(error) else "library"), _words(error)
    except Exception as error:  # what is counted here is any of them
        return "other", _words(error)
    return "accepted", ""


def _is_ours(error):
    """Whether a ``raise`` of the course made it: ``float("a")`` has no frame of its own."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    return last.filename.startswith(HELPERS) and line.startswith("raise ")


def _words(error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    sentence = f"{type(error).__name__}: {error}"[:100].encode("ascii", "replace").decode()
    return f"{sentence} ({Path(where.filename).name}:{where.lineno})"


def main(patterns: list[str]) -> int:
    """Run all groups, or those whose name holds one of the patterns; 1 if anything leaks."""
    counts = collections.Counter()
    for outcome in run(calls(cases(tuple(patterns) or ("",)))):
        counts[outcome.kind] += 1
        if outcome.kind not in ("clear", "accepted"):
            print(*outcome, sep=" | ", flush=True)
    print(f"{sum(counts.values())} calls: {dict(counts)}")
    return int(bool(counts.keys() - {"clear", "accepted"}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
