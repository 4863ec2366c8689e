"""The package as others get it: a wheel, and the notebooks beside it, without this checkout."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import tasks

PYPROJECT = tomllib.loads((tasks.ROOT / "pyproject.toml").read_text("utf-8"))
LESSON = "01_product_of_derivatives.ipynb"
# Runs a notebook to its end, with the kernel of the Python that runs this.
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
"""
# What is no Python file, and is needed all the same.
DATA = ("*.css", "*.js", "*.json", "*.mplstyle")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what git would hold."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "tests", "benchmarks", "dist", "site")
    shutil.copytree(tasks.ROOT, source, ignore=ignore)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    helpers = tasks.ROOT / "helpers"
    needed = {
        path.relative_to(tasks.ROOT).as_posix()
        for pattern in ("*.py", *DATA)
        for path in helpers.rglob(pattern)
    }
    assert needed <= held
    for pattern in DATA:
        assert any(Path(name).match(pattern) for name in needed)
    for path in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"].values():
        # a file, or a folder with something in it
        assert any(f".data/data/{path}" in name for name in held)


def test_a_lesson_runs_on_the_installed_wheel(wheel, tmp_path):
    """In an environment of its own, which borrows all other packages from this one."""
    venv.create(tmp_path / "venv", with_pip=False)
    folder = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(folder / ("python.exe" if os.name == "nt" else "python"))
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True)
    site = Path(site.stdout.strip())
    # As addition to a path this takes in no .pth file, hence not this checkout's.
    here = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "borrowed.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)

    lesson = tmp_path / "notebooks" / LESSON
    lesson.parent.mkdir()
    shutil.copy(tasks.ROOT / "notebooks" / LESSON, lesson)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"JUPYTER_PATH": "", "COURSE_SYNCHRONOUS": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
    env["IPYTHONDIR"] = str(tmp_path / "ipython")
    where = [python, "-c", "import helpers; print(helpers.__file__)"]
    options = {"cwd": lesson.parent, "env": env, "capture_output": True, "text": True}
    file = subprocess.run(where, check=True, **options).stdout.strip()
    assert Path(file).is_relative_to(site)
    run = subprocess.run([python, "-c", RUN, str(lesson)], **options)
    assert run.returncode == 0, run.stderr
