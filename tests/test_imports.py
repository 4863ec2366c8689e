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
    "plots": {"theory"},
    "networks": {"catalogue"},
    "measure": {"catalogue", "data", "networks"},
    "theory": {"catalogue"},
    "recurrent": {"catalogue"},
    "transformer": {"catalogue", "measure"},
    "training": {*PIPELINE, "diagnosis"},
    "diagnosis": {"catalogue", "data", "measure", "theory", "plots"},
    "exercises": set(),
    "environment": {*PIPELINE, "training"},
    "progress": set(),
    "explorers": {*PIPELINE, "training", "theory", "recurrent", "transformer", "plots"},
    "goals": {"explorers"},
    "prepare": {"data", "explorers", "training"},
}
HEAVY = {"tensorflow", "keras"}
MAY_LOAD_TENSORFLOW_ON_IMPORT = {
    "diagnosis",
    "networks",
    "training.callback",
    "training.keras_engine",
    "training.keras_program",
    "training.keras_statistics",
}


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
    if module in {
        "data",
        "plots",
        "theory",
        "recurrent",
        "transformer",
        "explorers",
        "exercises",
    }:
        assert not roots & HEAVY
    if module in {
        "diagnosis",
        "measure",
        "networks",
        "theory",
        "recurrent",
        "transformer",
        "data",
        "catalogue",
        "training",
    }:
        assert not roots & {"matplotlib", "ipywidgets", "IPython"}
    if module == "explorers":
        assert "matplotlib.pyplot" not in names


# Imports each module as if it were the first of helpers: what the others left is forgotten, while
# the libraries stay loaded, for their start costs seconds. Prints a module when it is through.
EACH_ALONE = """
import importlib, sys

for module in sys.argv[1:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
        del sys.modules[name]
    try:
        importlib.import_module("helpers." + module)
    except ModuleNotFoundError as error:
        print(module, "lacks", error.name)
    else:
        print(module, "and TensorFlow" if sys.modules.get("tensorflow") else "alone")
"""
# None in sys.modules: an import of that name fails.
NO_TENSORFLOW = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras')))\n"
HEAVY_MODULES = sorted(MAY_LOAD_TENSORFLOW_ON_IMPORT)
LIGHT_MODULES = sorted(ALLOWED.keys() - MAY_LOAD_TENSORFLOW_ON_IMPORT - {"__init__"})


def fresh(code, *arguments):
    """Run code in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)


def test_light_modules_import_quietly_and_without_tensorflow():
    run = fresh(EACH_ALONE, *LIGHT_MODULES)
    assert run.stderr == ""
    assert run.stdout.splitlines() == [f"{module} alone" for module in LIGHT_MODULES]


def test_modules_on_tensorflow_import_quietly_and_it_keeps_its_errors():
    """One start of TensorFlow, with a first tensor, serves all of them."""
    wrong = (
        "import tensorflow as tf; tf.constant([1.0]);"
        "tf.raw_ops.Conv2D(input=[1.0], filter=[1.0], strides=[1], padding='SAME')"
    )
    run = fresh(EACH_ALONE + wrong, *HEAVY_MODULES)
    assert run.stdout.splitlines() == [f"{module} and TensorFlow" for module in HEAVY_MODULES]
    assert run.returncode == 1 and "InvalidArgumentError" in run.stderr
    before_the_error = run.stderr.split("Traceback")[0]
    assert before_the_error == ""


def test_modules_on_tensorflow_need_it():
    """None of them is in that list for nothing."""
    run = fresh(NO_TENSORFLOW + EACH_ALONE, *HEAVY_MODULES)
    assert run.stderr == ""
    lacking = dict(line.split(" lacks ") for line in run.stdout.splitlines())
    assert list(lacking) == HEAVY_MODULES
    assert set(lacking.values()) <= HEAVY


def test_helpers_and_theory_load_in_under_a_second():
    """Seconds of the processor, the start of Python included: others may be busy, so five tries."""
    code = "import time; import helpers.theory;print(time.process_time())"
    assert any(float(fresh(code).stdout) < 1 for _ in range(5))
