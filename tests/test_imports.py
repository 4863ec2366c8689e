"""Imports point right to left along the arrow of the helpers' docstring, and stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"
PATHS = sorted(HELPERS.rglob("*.py"))
PIPELINE = {"catalogue", "data", "networks", "measure"}
ALLOWED = {
    "__init__": set(),
    "checks": set(),
    "data": set(),
    "catalogue": set(),
    "plots": set(),
    "networks": {"catalogue"},
    "measure": {"catalogue", "data", "networks"},
    "theory": {"catalogue"},
    "recurrent": {"catalogue"},
    "universal": {"catalogue", "measure"},
    "unrolled": {"measure", "universal"},
    "training": {*PIPELINE, "universal", "unrolled"},
    "exercises": set(),
    "environment": PIPELINE,
    "worker": set(),
    "explorer": {"worker"},
    "explorers": {*PIPELINE, "training", "theory", "recurrent", "plots", "explorer"},
    "goals": {"theory", "explorers"},
}
HEAVY = {"tensorflow", "keras"}
MAY_LOAD_TENSORFLOW_ON_IMPORT = {"networks", "universal", "unrolled", "training"}


def imported(tree):
    """Name every module in an import statement, wherever it stands; `from x import y` is x.y."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def helpers_in(names):
    parts = {name.split(".")[1] for name in names if name.startswith("helpers.")}
    return parts & {path.relative_to(HELPERS).parts[0].removesuffix(".py") for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(HELPERS)))
def test_imports_follow_the_arrow(path):
    """A package counts as one module."""
    names = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
    module = path.relative_to(HELPERS).parts[0].removesuffix(".py")
    assert module in ALLOWED, "add the new module to the arrow, here and in the docstring"
    assert helpers_in(names) - {module, "checks"} <= ALLOWED[module]
    roots = {name.split(".")[0] for name in names}
    if module in {"data", "plots", "theory", "recurrent", "explorer", "explorers", "exercises"}:
        assert not roots & HEAVY
    if module in {
        "measure",
        "networks",
        "theory",
        "recurrent",
        "data",
        "catalogue",
        "training",
        "universal",
        "unrolled",
    }:
        assert not roots & {"matplotlib", "ipywidgets", "IPython"}
    if module == "explorers":
        assert "matplotlib.pyplot" not in names


@pytest.mark.parametrize("module", sorted(ALLOWED.keys() - {"__init__"}))
def test_import_is_quiet_and_light(module):
    """In a fresh interpreter: nothing printed, and TensorFlow only where it must be."""
    code = f"import sys, helpers.{module}; print('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(module in MAY_LOAD_TENSORFLOW_ON_IMPORT)
    assert run.stderr == ""


def test_helpers_and_theory_load_in_under_a_second():
    """Seconds of the processor, the start of Python included: others may be busy."""
    code = "import time; import helpers.theory;print(time.process_time())"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(seconds) < 1


def test_tensorflow_starts_without_chatter_but_keeps_its_errors():
    code = (
        "import helpers, tensorflow as tf; tf.constant([1.0]);"
        "tf.raw_ops.Conv2D(input=[1.0], filter=[1.0], strides=[1], padding='SAME')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1 and "InvalidArgumentError" in run.stderr
    before_the_error = run.stderr.split("Traceback")[0]
    assert before_the_error == "" and run.stdout == ""
