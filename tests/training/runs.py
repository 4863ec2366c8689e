"""Runs that go through every part of the engine, and a process of their own that makes them.

``python -m tests.training.runs FILE NAME...`` trains what RUNS names and keeps the arrays in FILE.
Nothing here loads TensorFlow: a process starts in a second.
"""

import helpers  # isort: skip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from helpers import data, training

ROOT = Path(__file__).parents[2]


def blobs(num_examples, classes):
    """Points in space that belong to one of several classes by their number."""
    x = np.random.default_rng(3).normal(size=(num_examples, 3))
    return data.Dataset(x, np.arange(num_examples) % classes, "blobs")


TWO = data.circles(20)
THREE = blobs(22, 3)
PROBE = [[0.1, -0.3], [1.0, 2.0], [0.0, 0.0]]
# name -> the arguments of a short run of small networks; each part of the engine is in one of them
RUNS = {
    "batch": {"normalization": "batch", "probe": PROBE},
    "batch-skip": {"normalization": "batch", "residual": True, "optimizer": "adam"},
    "layer-prelu": {"activation": "prelu", "normalization": "layer", "optimizer": "momentum"},
    "rms-rrelu": {"activation": "rrelu", "normalization": "rms", "num_replicates": 3},
    "skip": {"residual": True, "depth": 5, "record_every": 3, "probe": PROBE},
    "softmax": {"dataset": THREE, "activation": "gelu", "clip": ("global_norm", 0.1)},
    "softmax-square": {"dataset": THREE, "loss": "mean_squared_error", "clip": ("norm", 0.1)},
    "square": {"loss": "mean_squared_error", "optimizer": "sgd", "clip": ("value", 0.01)},
    "blas": {"width": 48, "depth": 2, "activation": "mish", "keep": ()},
}


def train(name, **more):
    """Make one of the runs."""
    run = {
        "activation": "tanh",
        "initializer": "glorot_uniform",
        "dataset": TWO,
        "depth": 3,
        "width": 6,
        "epochs": 2,
        "batch_size": 8,
        "keep": ("kernel", "gradient"),
    }
    return training.train(**run | RUNS[name] | more)


def arrays_of(recording) -> dict:
    """Give the arrays of a recording by name."""
    return {name: recording[name].values for name in recording.data_vars}


def environment(**changes):
    """Give the surroundings of a process that imports this copy of the course."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path} | changes


def start(file, names, **changes):
    """Start a process that makes runs; `changes` are those of its environment variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.runs", str(file), *names],
        cwd=ROOT,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fresh(code, **changes):
    """Run code in a process of its own, and give what it printed; it must not complain."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def assert_same_arrays(found, expected, tolerance):
    """Compare arrays by name: norm by norm, with NaN in the same places."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].shape == array.shape, name
        np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(array), err_msg=name)
        norm = np.linalg.norm(np.nan_to_num(array))
        error = np.linalg.norm(np.nan_to_num(found[name] - array))
        assert error <= tolerance * norm + 1e-30, (name, error / norm)


def main(file, *names):
    """Keep the arrays of some runs in a file, as "run/variable"."""
    found = {}
    for name in names:
        found |= {f"{name}/{key}": value for key, value in arrays_of(train(name)).items()}
    np.savez(file, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
