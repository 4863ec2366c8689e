"""What the engine promises of a whole process: compiling, memory, interrupts, no TensorFlow.

Compiling without optimisation (NUMBA_OPT=0) takes half as long and is as right; numba keeps nothing
of it on disk.
"""

import helpers  # isort: skip
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers import training
from tests.training.runs import (
    ROOT,
    RUNS,
    arrays_of,
    assert_same_arrays,
    environment,
    fresh,
    start,
    train,
)

# Numba warns that it keeps nothing.
QUICK = {"NUMBA_OPT": "0", "PYTHONWARNINGS": "ignore"}


def assert_as_here(file, names):
    """Compare what another process left in a file with the same runs in this one."""
    with np.load(file) as stored:
        for name in names:
            prefix = f"{name}/"
            of_run = [key for key in stored if key.startswith(prefix)]
            found = {key.removeprefix(prefix): stored[key] for key in of_run}
            assert_same_arrays(found, arrays_of(train(name)), 1e-5)


def finish(process, seconds=300):
    """Wait for a process of `start`, which must not complain."""
    out, err = process.communicate(timeout=seconds)
    assert (process.returncode, err) == (0, ""), err
    return out


def test_no_index_is_out_of_bounds(tmp_path):
    """With every index checked the runs are the same; and one that is wrong is noticed."""
    checked = QUICK | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    file = tmp_path / "runs.npz"
    code = f"""
from helpers import training
from helpers.training.plan import Plan
from tests.training import runs

runs.main({str(file)!r}, *runs.RUNS)
batches = Plan.batches.fget
Plan.batches = property(lambda plan: batches(plan) + 10_000)
try:
    runs.train("skip")
except IndexError as error:
    print(error)
"""
    assert "out of bounds" in fresh(code, **checked)
    assert_as_here(file, RUNS)


def test_the_loops_are_ordinary_python(tmp_path):
    """Without numba the same code runs as it stands, a thousand times slower."""
    file = tmp_path / "runs.npz"
    names = ["layer-prelu", "rms-rrelu", "batch-skip", "softmax", "softmax-square", "skip"]
    # a uint32 that runs over is what a hash is made of; NumPy warns of it
    finish(start(file, names, NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="ignore"))
    assert_as_here(file, names)


def test_two_processes_compile_at_once_into_one_empty_folder(tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    ask = "from helpers import training; print(training.engine_status())"
    assert re.match(r"EngineStatus\(compiled=False, folder='.*cache.*'\)", fresh(ask, **cache))
    files = [tmp_path / "first.npz", tmp_path / "second.npz"]
    processes = [start(file, ["skip"], **cache) for file in files]
    for file, process in zip(files, processes, strict=True):
        finish(process)
        assert_as_here(file, ["skip"])
    assert re.match(r"EngineStatus\(compiled=True, folder='.*cache.*'\)", fresh(ask, **cache))

    def kept():
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb?")}

    before = kept()
    assert before
    third = tmp_path / "third.npz"
    finish(start(third, ["skip"], **cache))
    assert kept() == before  # nothing was compiled any more
    assert_as_here(third, ["skip"])


def test_without_a_folder_to_write_to_everything_works(tmp_path):
    """Where numba would keep the compiled code stand files: not even root can write there."""
    package = tmp_path / "helpers"
    shutil.copytree(ROOT / "helpers", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "training" / "__pycache__").touch()
    (tmp_path / "file").touch()
    below = str(tmp_path / "file" / "folder")
    nowhere = {"NUMBA_CACHE_DIR": below, "XDG_CACHE_HOME": below, "HOME": below}
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from helpers import training
assert training.__file__.startswith({str(tmp_path)!r})
from tests.training import runs
print(training.engine_status())
runs.main({str(tmp_path / "runs.npz")!r}, "skip")
print(training.engine_status())
"""
    said = fresh(code, NUMBA_OPT="0", **nowhere).splitlines()
    assert said == [
        "EngineStatus(compiled=False, folder=None)",
        "EngineStatus(compiled=True, folder=None)",
    ]
    assert_as_here(tmp_path / "runs.npz", ["skip"])


@pytest.mark.parametrize(("depth", "width"), [(4, 1024), (200, 64)])
def test_wide_and_deep_networks_train_in_little_memory(depth, width):
    code = f"""
import sys
from helpers import data, training
run = training.train("relu", "he_normal", dataset=data.circles(200), depth={depth}, width={width},
                     epochs=2, num_replicates=2)
assert run.loss.notnull().all()
if sys.platform == "linux":  # there ru_maxrss is at least that of the process that started this one
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(peak / 1e3)  # kilobytes
elif sys.platform == "win32":
    import psutil
    print(psutil.Process().memory_info().peak_wset / 1e6)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)  # macOS: bytes
"""
    assert float(fresh(code)) < 1000  # MB


def test_what_a_setting_needs_is_given_back():
    """The resident memory after 300 runs in 60 settings, against that after the first run."""
    code = """
import gc, itertools, psutil
from helpers import catalogue, data, training

def run(activation, normalization, optimizer, number):
    training.train(activation, "he_normal", dataset=data.circles(200), depth=1 + number % 9,
                   width=1 + number % 13, normalization=normalization, residual=number % 2 == 0,
                   optimizer=optimizer, epochs=10, num_replicates=1 + number % 4)

def megabytes():
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6

kinds = itertools.product(catalogue.ACTIVATIONS, [None, "batch", "layer", "rms"], ["adam"])
settings = [(*kind, number) for number, kind in enumerate(kinds)][:55]
settings += [("tanh", None, optimizer, 7) for optimizer in training.OPTIMIZERS]
settings.append(("relu", "rms", "sgd", 8))
assert len(settings) == 60
run("tanh", None, "rmsprop", 3)
before = megabytes()
for _ in range(5):
    for setting in settings:
        run(*setting)
print(megabytes() - before)
"""
    assert float(fresh(code)) < 20


def test_training_and_profiles_need_no_tensorflow():
    code = """
import sys
sys.modules.update(dict.fromkeys(("tensorflow", "keras")))  # an import of either fails
from helpers import catalogue, data, measure, training
from helpers.catalogue import Activation
import numpy as np

catalogue.ACTIVATIONS["sine"] = Activation(np.sin, "unused")
dataset = data.circles(64)
for activation in ("tanh", "rrelu", "sine"):
    for normalization in (None, *catalogue.NORMALIZATIONS):
        setting = {"dataset": dataset, "normalization": normalization, "residual": True}
        measure.profile(activation, "he_normal", **setting)
        training.train(activation, "he_normal", epochs=1, **setting)
measure.pair_profile("tanh", 1.0)
measure.singular_values("tanh", "he_normal", dataset=dataset)
print(training.engine_status().compiled)
"""
    assert fresh(code) == "True\n"


@pytest.mark.parametrize("num_replicates", [1, 4])
def test_an_interrupt_ends_a_training_within_a_second(num_replicates):
    """In this thread or in those of the replicates; and the next training works."""
    code = f"""
import signal
from helpers import data, training
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the parent's shell did
run = {{"dataset": data.circles(), "width": 64, "num_replicates": {num_replicates}}}
training.train("tanh", "he_normal", epochs=1, **run)
print("going", flush=True)
try:
    training.train("tanh", "he_normal", epochs=3000, record_every=10_000, **run)
    print("not interrupted", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
after = training.train("tanh", "he_normal", epochs=1, **run)
print(after.loss.notnull().all().item())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "going\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.stdout.readline() == "interrupted\n"
    assert time.monotonic() - began < 1
    out, err = process.communicate(timeout=60)
    assert (out, err) == ("True\n", "")
