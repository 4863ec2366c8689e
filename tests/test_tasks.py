"""The laws of the set-up. What can run for real does: Python, venv, pip and pytest."""

import ast
import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import jupyterlab_server.settings_utils
import pytest
import yaml
from packaging.requirements import Requirement

import tasks

ROOT = Path(tasks.__file__).parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DIRECT = [
    Requirement(text)
    for text in [
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["project"]["optional-dependencies"]["test"],
        *PYPROJECT["project"]["optional-dependencies"]["site"],
    ]
]
NUM_COURSE = len(PYPROJECT["project"]["dependencies"])


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------- the lists of packages


def lines_of_the_lock():
    lines = tasks.LOCK.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_lock_holds_nothing_but_pins():
    for line in lines_of_the_lock():
        assert re.match(r"[a-z0-9-]+(\[[a-z]+\])?==[\w.!+]+( ; .+)?$", line)
    assert "://" not in tasks.LOCK.read_text("utf-8")


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_a_direct_dependency_is_pinned_within_its_range(requirement):
    pins = [Requirement(line) for line in lines_of_the_lock()]
    versions = [
        next(iter(pin.specifier)).version
        for pin in pins
        if normal(pin.name) == normal(requirement.name)
    ]
    assert versions
    assert all(version in requirement.specifier for version in versions)


def test_a_direct_dependency_has_a_lowest_and_a_highest_version():
    for requirement in DIRECT:
        assert {spec.operator for spec in requirement.specifier} == {">=", "<"}, str(requirement)


def modules_imported(*patterns):
    """The modules that these files import which are neither Python's nor of this repository."""
    found = set()
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        text = path.read_text("utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join(
                "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
            )
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    places = ("*", "tests/**/*.py", "docs/site/*.py", "deploy/*.py")
    ours = {path.stem for place in places for path in ROOT.glob(place)}
    return found - ours - set(sys.stdlib_module_names)


# called otherwise than their packages
MODULES = {"sklearn": "scikit-learn", "yaml": "pyyaml", "websocket": "websocket-client"}
# Called by their commands, or by another package.
COMMANDS = {
    "pytest-xdist": '"-n"',
    "nbval": "--nbval-lax",
    "ruff": '"ruff"',
    "nbstripout": '"nbstripout"',
    "pre-commit": "pre-commit install",
    "check-jsonschema": "check_jsonschema",
    "build": '"build"',
    "hatchling": "hatchling",
    "hatch-vcs": "hatch-vcs",
    "configurable-http-proxy": '"configurable-http-proxy"',
    "jupyterhub-idle-culler": '"jupyterhub_idle_culler"',
    "sphinx": "Sphinx",
    "myst-nb": "MyST-NB",
    "furo": "Furo",
    "sphinx-mathjax-offline": "sphinx-mathjax-offline",
    "tensorflow-cpu": "tensorflow",
    "jupyterlab": "jupyterlab.labapp",
}


def test_what_is_imported_is_declared_and_what_is_declared_is_used():
    def packages(*patterns):
        names = modules_imported(*patterns)
        return {normal(MODULES.get(name, name)) for name in names}

    course = {requirement.name for requirement in DIRECT[:NUM_COURSE]}
    every = {requirement.name for requirement in DIRECT}
    needed = packages("helpers/**/*.py", "jupyter/*.py", "notebooks/*.ipynb")
    assert needed <= course
    needed_by_tests = packages("tests/**/*.py", "docs/site/*.py", "tasks.py")
    assert needed_by_tests <= every
    unseen = every - needed - needed_by_tests
    assert unseen <= COMMANDS.keys()
    files = ("tasks.py", "pyproject.toml", "CONTRIBUTING.md", "tests/test_wheel.py")
    files += ("deploy/jupyterhub_config.py", "tests/hub/hub_config.py")
    text = "".join((ROOT / name).read_text("utf-8") for name in files)
    assert all(COMMANDS[name] in text for name in unseen)


def test_contributing_says_what_each_direct_dependency_is_for():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.split("## Dependencies")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \| (.+) \|$", table, re.M)
    named = [name for names, _ in rows for name in re.findall(r"`(.+?)`", names)]
    assert sorted(named) == sorted(requirement.name for requirement in DIRECT)
    assert all(len(purpose.split()) >= 2 for _, purpose in rows)


def test_environment_yml_repeats_no_package_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    *conda, pip = environment["dependencies"]
    assert pip == {"pip": ["-r requirements.txt", "."]}
    assert [line.split("=")[0] for line in conda] == ["python", "pip"]
    assert conda[0].removeprefix("python=") in map(tasks.version, tasks.PYTHONS)


def test_the_right_pythons_are_those_of_pyproject():
    lowest = tasks.PYTHONS[-1]
    highest = tasks.PYTHONS[0]
    assert PYPROJECT["project"]["requires-python"] == ">={}.{},<{}.{}".format(
        *lowest, highest[0], highest[1] + 1
    )


def test_make_alone_lists_every_target():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z]+):", makefile, re.M)
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make ([a-z]+) - \w", listed)) == set(targets) - {"help"}


# ---------------------------------------------------------------- JupyterLab's settings


def test_jupyterlab_reads_the_overrides_of_the_course():
    settings = Path(sys.prefix) / "share/jupyter/lab/settings"
    overrides, error = jupyterlab_server.settings_utils._get_overrides(str(settings))
    assert not error
    for plugin, values in json.loads((ROOT / "jupyter/overrides.json").read_text("utf-8")).items():
        assert overrides[plugin].items() >= values.items()


def test_the_overrides_name_settings_that_jupyterlab_has():
    schemas = Path(sys.prefix) / "share/jupyter/lab/schemas"
    for plugin, values in json.loads((ROOT / "jupyter/overrides.json").read_text("utf-8")).items():
        schema = json.loads((schemas / (plugin.replace(":", "/") + ".json")).read_text("utf-8"))
        for name, value in values.items():
            allowed = schema["properties"][name]
            choices = [choice["const"] for choice in allowed.get("oneOf", [])] or [True, False]
            assert value in choices


# ---------------------------------------------------------------- Python


def test_an_old_python_can_read_tasks_py():
    ast.parse(Path(tasks.__file__).read_text("utf-8"), feature_version=(3, 6))


def command_in(folder, name, script):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return str(path)


def test_a_python_that_does_not_run_is_passed_over(tmp_path, monkeypatch):
    name = "python" + tasks.version(sys.version_info)
    command_in(tmp_path / "broken", name, "echo 'pyenv: command not found' >&2; exit 127")
    right = command_in(tmp_path / "right", name, f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'broken'}{os.pathsep}{tmp_path / 'right'}")
    assert tasks.find_python() == [right]
    monkeypatch.setenv("PATH", str(tmp_path / "broken"))
    assert tasks.find_python() is None


def test_a_python_that_is_another_version_is_passed_over(tmp_path, monkeypatch):
    other = next(n for n in tasks.PYTHONS if n != sys.version_info[:2])
    command_in(tmp_path, "python" + tasks.version(other), f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tasks.find_python() is None


@pytest.mark.parametrize("wrong", [(3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_a_wrong_python_is_told_what_is_right(wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", wrong)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tasks.Problem, match=r"3\.11, 3\.12 or 3\.13") as problem:
        tasks.need_right_python()
    assert "{}.{}.{}".format(*wrong) in str(problem.value)


# ---------------------------------------------------------------- set-up

# A project without dependencies whose wheel needs no build tool: its set-up is real and offline.
# Like hatchling's its wheel holds the folder's name; and a module, which somebody may delete.
BACKEND = """
import os
import zipfile


def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        info = "small-1.0.dist-info/"
        wheel.writestr("_editable_impl_small.pth", os.getcwd().encode())
        wheel.writestr("tiny.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""


# Its training engine takes no time to prepare, and counts how often it was.
ENGINE = """
with open("prepared", "a") as count:
    count.write("1")
"""


@pytest.fixture
def small(tmp_path):
    tmp_path = tmp_path / "Kurs für Anfänger"
    tmp_path.mkdir()
    (tmp_path / "jupyter").mkdir()
    (tmp_path / "jupyter/overrides.json").write_text("{}")
    (tmp_path / "jupyter/ipython_kernel_config.py").touch()
    (tmp_path / "helpers/training").mkdir(parents=True)
    for package in ("helpers", "helpers/training"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "helpers/prepare.py").write_text(ENGINE)
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "small"\nversion = "1.0"\n'
    )
    shutil.copy(tasks.__file__, tmp_path)
    return tmp_path


def prepared(project):
    count = project / "prepared"
    return len(count.read_text()) if count.exists() else 0


# A machine without a locale: before version 3.13 Python reads some files as ASCII then.
BARE = {"LC_ALL": "C", "PYTHONPATH": ""}


def start_set_up(project, before=""):
    code = (
        f"import sys, tasks; {before}\n"
        "tasks.lab = lambda options: tasks.set_up(); "
        "sys.exit(tasks.main(['lab']))"
    )
    # An index that refuses the connection stands for the missing network.
    env = dict(os.environ, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_CONFIG_FILE=os.devnull)
    env["PIP_RETRIES"] = "1"  # each later one waits longer
    env |= BARE
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        env.pop(name, None)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=project, env=env, stdout=pipe, stderr=pipe, text=True)


def run_set_up(project, before=""):
    process = start_set_up(project, before)
    output, errors = process.communicate(timeout=180)  # a busy machine takes its time
    assert "Traceback" not in output + errors
    return process.returncode, output, errors


def wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def interrupt(process, when):
    """Press Ctrl-C once that file is there, and see that one sentence is the answer."""
    wait_for(when)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.strip().startswith("Stopped")
    assert "Traceback" not in errors


def test_a_venv_is_made_kept_upgraded_and_survives_a_failed_upgrade(small):
    """One venv goes through all of it, for each takes seconds to make."""
    stamp = small / ".venv/set-up.json"
    mark = small / ".venv/mark"
    first = start_set_up(small)
    wait_for(small / ".venv/pyvenv.cfg")
    status, _, errors = run_set_up(small)  # a second one at the same time
    assert (status, errors.count("\n")) == (1, 1)
    assert "Another set-up of this folder is still running" in errors
    interrupt(first, when=small / ".venv/pyvenv.cfg")
    assert not stamp.exists()
    mark.mkdir()

    status, output, _ = run_set_up(small)
    assert status == 0
    assert output.count("Preparing the training engine, once: some 10 s.\n") == 1
    assert stamp.exists()
    assert not mark.exists()  # what was interrupted was started over
    assert prepared(small) == 1
    mark.mkdir()

    assert run_set_up(small) == (0, "", "")  # nothing to do
    assert prepared(small) == 1
    (tiny,) = small.glob(".venv/[Ll]ib/**/tiny.py")
    tiny.unlink()
    assert run_set_up(small)[0] == 0
    assert tiny.exists()
    assert mark.exists()  # the rest stayed
    assert prepared(small) == 2
    python = small / tasks.PYTHON.relative_to(tasks.ROOT)
    command = [str(python), "-c", "import helpers.training, tiny"]
    assert subprocess.run(command, cwd=small.parent, env=os.environ | BARE).returncode == 0

    (small / "requirements.txt").write_text("# nothing, said differently\n")
    before = stamp.read_text()
    assert run_set_up(small)[0] == 0
    assert stamp.read_text() != before
    assert mark.exists()  # in place
    assert prepared(small) == 3

    lock = (small / "requirements.txt").read_text()
    (small / "requirements.txt").write_text("numpy==2.0.0\n")
    status, _, errors = run_set_up(small)
    assert status == 1
    assert "check the network" in errors
    assert errors.count("\n") == 1
    (small / "requirements.txt").write_text(lock)
    assert run_set_up(small) == (0, "", "")  # what worked before works still


@pytest.fixture
def installed(small, monkeypatch):
    """The names of the slow steps as set_up takes them; this Python stands for .venv's own."""
    venv = small / ".venv"
    steps = []
    names = {"ROOT": small, "VENV": venv, "STAMP": venv / "set-up.json"}
    names |= {"LOG": venv / "set-up.log", "PYTHON": Path(sys.executable)}
    for name, value in names.items():
        monkeypatch.setattr(tasks, name, value)
    for step in ("make_venv", "install"):
        monkeypatch.setattr(tasks, step, lambda log, step=step: steps.append(step))
    monkeypatch.chdir(small)
    return steps


@pytest.mark.parametrize("proxy", ["nonsense", "http://[bad"])
def test_a_nonsense_proxy_is_told(proxy, small, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", "")
    # No Python has it, so nothing is installed into this one.
    (small / "requirements.txt").write_text("no-package-of-this-name==1.0\n")
    this = "tasks.make_venv = print; tasks.PYTHON = tasks.Path(sys.executable)"
    status, _, errors = run_set_up(small, this)
    assert (status, errors.count("\n")) == (1, 1)
    assert "check the network (a proxy," in errors


def test_what_was_deleted_by_hand_is_no_longer_in_pip_s_books(installed):
    site = tasks.site_packages()
    for name in ("whole", "deleted"):
        (site / f"{name}-1.0.dist-info").mkdir(parents=True)
        lines = f"{name}/__init__.py,,\n../../../bin/{name},,\n{name}-1.0.dist-info/RECORD,,\n"
        (site / f"{name}-1.0.dist-info/RECORD").write_text(lines)
    (site / "whole").mkdir()
    tasks.forget_deleted()
    assert sorted(path.name for path in site.iterdir()) == ["whole", "whole-1.0.dist-info"]


@pytest.mark.parametrize("change", ["python", "project"])
def test_another_python_or_another_place_means_a_new_venv(change, installed):
    tasks.VENV.mkdir()
    (tasks.VENV / "pyvenv.cfg").touch()
    tasks.STAMP.write_text(json.dumps(dict(tasks.wanted_stamp(), **{change: "another"})))
    tasks.set_up()
    assert installed == ["make_venv", "install"]
    tasks.set_up()
    assert installed == ["make_venv", "install"]


def test_an_engine_that_cannot_be_prepared_is_told_and_tried_again(installed):
    engine = tasks.ROOT / "helpers/prepare.py"
    engine.write_text("raise ImportError('DLL load failed.')")
    for _ in range(2):
        with pytest.raises(tasks.Problem, match="stopped with 'ImportError: DLL load failed'") as p:
            tasks.set_up()
        assert "\n" not in str(p.value)
    engine.write_text(ENGINE)
    tasks.set_up()
    tasks.set_up()
    assert installed == ["make_venv", "install"]  # what was installed stayed
    assert prepared(tasks.ROOT) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "PermissionError(13, 'Permission denied', 'engine.nbi')",
        "OSError(28, 'No space left on device')",
        'RuntimeError(\'cannot cache function "run": no locator available for file "engine.py"\')',
    ],
    ids=["permission", "full", "no-folder"],
)
def test_an_engine_that_cannot_be_kept_on_disk_is_no_fault(fault, installed, capsys):
    (tasks.ROOT / "helpers/prepare.py").write_text(f"raise {fault}")
    tasks.set_up()
    assert "could not be kept on disk" in capsys.readouterr().out
    tasks.set_up()
    assert capsys.readouterr().out == ""


def test_what_failed_is_explained_by_its_own_output(installed):
    """A network that failed and came back while pip ran is no reason why the engine fails."""
    tasks.VENV.mkdir()
    with tasks.LOG.open("a", encoding="utf-8") as log:
        log.write(OFFLINE)
        log.flush()
        (tasks.ROOT / "helpers/prepare.py").write_text("import nothing_of_this_name")
        with pytest.raises(tasks.Problem, match="ModuleNotFoundError"):
            tasks.prepare(log)


def test_an_interrupted_preparation_is_all_that_is_done_again(small):
    engine = small / "helpers/prepare.py"
    started = small / "started"
    engine.write_text("import pathlib, time; pathlib.Path('started').touch(); time.sleep(60)")
    installed = "tasks.make_venv = tasks.install = print; tasks.PYTHON = tasks.Path(sys.executable)"
    interrupt(start_set_up(small, installed), when=started)

    engine.write_text(ENGINE)
    nothing = installed.replace("= print", "= None")  # a call would be an error
    assert run_set_up(small, nothing)[0] == 0
    assert prepared(small) == 1


def test_binder_prepares_the_engine(small):
    """Binder looks beside environment.yml, unless there is a folder for its files."""
    assert not any((ROOT / folder).exists() for folder in ("binder", ".binder"))
    python = command_in(small / "bin", "python", f'exec "{sys.executable}" "$@"')
    path = os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])
    # as if installed: Python is told to leave the folder that it runs in alone
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(small)}
    run = subprocess.run([ROOT / "postBuild"], cwd=small, env=environment)
    assert run.returncode == 0
    assert prepared(small) == 1


def test_something_else_called_venv_is_left_alone(small):
    (small / ".venv").mkdir()
    (small / ".venv/thesis.txt").touch()
    status, _, errors = run_set_up(small)
    assert status == 1
    assert "move or delete it" in errors
    assert [path.name for path in (small / ".venv").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("home", [None, "", "a file/home"])
def test_without_a_home_that_can_be_written_another_one_serves(home, installed, monkeypatch):
    (tasks.ROOT / "a file").touch()
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    tasks.VENV.mkdir()
    tasks.need_home()
    folder = Path.home()
    assert folder.is_absolute()
    assert home != "a file/home" or folder == tasks.VENV / "home"
    (folder / "a course's test").touch()
    (folder / "a course's test").unlink()
    assert not (tasks.ROOT / "~").exists()


# What pip printed when each of these was tried out.
OFFLINE = """\
Collecting absl-py==2.5.1 (from -r requirements.txt (line 3))
WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after \
connection broken by 'NewConnectionError('<HTTPSConnection object at 0x7f>: Failed to establish \
a new connection: [Errno -3] Temporary failure in name resolution')': /simple/absl-py/
ERROR: Could not find a version that satisfies the requirement absl-py==2.5.1 (from versions: none)
ERROR: No matching distribution found for absl-py==2.5.1
"""
FULL = """\
Collecting nbformat==5.11.1
ERROR: Could not install packages due to an OSError: ("Connection broken: OSError(28, 'No space \
left on device')", OSError(28, 'No space left on device'))
"""
NO_WHEEL = """\
Collecting tensorflow==2.21.0
ERROR: Could not find a version that satisfies the requirement tensorflow==2.21.0 (from versions: \
none)
ERROR: No matching distribution found for tensorflow==2.21.0
"""
CONFLICT = """\
Collecting numpy==2.4.6
ERROR: Cannot install numpy==1.26.4 and numpy==2.4.6 because these package versions have \
conflicting dependencies.
ERROR: ResolutionImpossible: for help visit the page on dependency resolution
"""


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        (OFFLINE, "check the network"),
        (FULL, "disk is full"),
        (NO_WHEEL, "no tensorflow==2.21.0 for this machine"),
        (CONFLICT, "Cannot install numpy==1.26.4 and numpy==2.4.6"),
        # The network came back; what failed in the end was something else.
        (OFFLINE.split("ERROR")[0] + NO_WHEEL, "no tensorflow==2.21.0 for this machine"),
        ("", "no output"),
    ],
    ids=["offline", "full", "no-wheel", "conflict", "recovered", "silent"],
)
def test_a_failed_installation_is_explained_in_one_sentence(printed, sentence):
    answer = tasks.explain(printed, free=1e10)
    assert sentence in answer
    assert "\n" not in answer
    assert "disk is full" in tasks.explain(printed, free=1e7)


def test_progress_counts_only_packages_for_this_machine():
    printed = "Ignoring appnope: markers 'sys_platform' don't match your environment\n"
    assert tasks.describe(printed, 10, 0) == "reading the list of packages"
    printed += "Collecting absl-py==2.5.1 (from -r requirements.txt)\nCollecting anyio==4.16.0\n"
    assert tasks.describe(printed, 10, 0) == "fetching package 2 of 9: anyio"
    printed += "Installing collected packages: absl-py, anyio\n"
    assert tasks.describe(printed, 10, 3) == "installing: 3 of 9 packages done"


# ---------------------------------------------------------------- tests that must not pass


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def test_a(): pass", ""),
        ("def test_a(): assert False", "1 failures of 1 tests"),
        (
            "import pytest\ndef test_a(): pytest.skip()\n"
            "@pytest.mark.xfail\ndef test_b(): assert False",
            "2 skipped of 2 tests",
        ),
        ("", "no tests were found"),
        ("import nothing_of_this_name", "1 errors of 1 tests"),
    ],
    ids=["passes", "fails", "skips", "empty", "broken"],
)
def test_only_tests_that_ran_and_passed_count(code, complaint, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # none is needed, and it is quicker
    path = tmp_path / "test_it.py"
    path.write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert tasks.run_pytest([*command, "--rootdir", str(tmp_path), str(path)]) == complaint


def test_a_missing_chromium_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tasks.Problem, match=r"lack chromium.* install Chromium, Chrome or Edge"):
        tasks.need_browser()
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "no-such-file"))
    with pytest.raises(tasks.Problem, match="no-such-file"):
        tasks.find_chromium()


def test_an_unknown_step_is_said():
    with pytest.raises(tasks.Problem, match="lint, unit, notebooks, browser"):
        tasks.test(["units"])


# ---------------------------------------------------------------- notebooks

STREAM = {"name": "stdout", "output_type": "stream", "text": ["3\n"]}


def cell(name, outputs, count, **metadata):
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": name,
        "metadata": metadata,
        "outputs": outputs,
        "source": ["print(3)"],
    }


def notebook(cells, **language):
    return {
        "cells": cells,
        "metadata": {"language_info": {"name": "python", **language}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_stripping_leaves_what_nbval_compares_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "PYTHON", sys.executable)  # in an environment of conda, too
    tags = ["nbval-check-output", "keep_output"]
    run = notebook(
        [
            cell("plain", [STREAM], 12, execution={"iopub.execute_input": "2026-01-01"}),
            cell("claim", [STREAM], 17, tags=tags),
        ],
        version="3.11.7",
    )
    # Another run, in another order under another Python.
    again = copy.deepcopy(run)
    again["cells"][1]["execution_count"] = 3
    again["metadata"]["language_info"]["version"] = "3.12.1"
    first = tmp_path / "run.ipynb"
    second = tmp_path / "again.ipynb"
    first.write_text(json.dumps(run), encoding="utf-8")
    second.write_text(json.dumps(again), encoding="utf-8")
    tasks.strip([first, second])
    clean = notebook([cell("plain", [], None), cell("claim", [STREAM], 2, tags=tags)])
    assert json.loads(first.read_text("utf-8")) == clean
    assert first.read_bytes() == second.read_bytes()
