"""What a class is set up with: the files of deploy/ agree with each other and with the course."""

import ast
import json
import os
import re
import subprocess
import tomllib

import jsonschema
import pytest
import yaml
from chart_values import VALUES
from installation import DEPLOY, ROOT, image_environment
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.spawner import Spawner
from learner import PASSWORD, TEACHERS
from packaging.requirements import Requirement
from traitlets.config.loader import PyFileConfigLoader

DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
CONFIG = (DEPLOY / "jupyterhub_config.py").read_text("utf-8")
CLASSROOM = (ROOT / "docs/classroom.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VALUES_FILE = yaml.safe_load((DEPLOY / "values.yaml").read_text("utf-8"))
# seconds; a lecture that asks for nothing takes less
LONGEST_LECTURE = 3600


def pins(path):
    """Return each name==version of a lock; the larger one may name more systems for it."""
    lines = path.read_text("utf-8").splitlines()
    return {line.split(";")[0].strip() for line in lines if line and not line.startswith("#")}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def setting(name):
    """Return what jupyterhub_config.py sets a trait to."""
    for node in ast.walk(ast.parse(CONFIG)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"c.{name}":
            return ast.literal_eval(node.value)
    raise KeyError(name)


# ---------------------------------------------------------------- the image


def test_what_the_image_copies_is_there():
    copies = re.findall(r"^COPY (?:--\S+ )*(.+)", DOCKERFILE, re.M)
    sources = [source for line in copies for source in line.split()[:-1]]
    assert {"helpers", "jupyter", "notebooks", "deploy/requirements.txt"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_has_what_the_wheel_is_built_from():
    """Whatever pyproject.toml names is in the image before the course is installed."""
    before = DOCKERFILE.split("pip install --no-cache-dir --no-deps .")[0]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    shared = tomllib.loads(project)["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    needed = {path.split("/")[0] for path in shared} | {PROJECT["readme"]}
    needed |= set(PROJECT["license-files"])
    for name in needed:
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", before, re.M), name


def test_the_image_has_a_python_that_the_course_supports():
    python = re.search(r"^FROM python:(\d\.\d+)", DOCKERFILE, re.M).group(1)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert f"python={python}" in environment["dependencies"]


def test_nothing_in_the_image_or_the_environment_is_installed_as_a_link():
    """A hub mounts the learner's home over it, and a learner could write to it."""
    assert not re.search(r"pip install.* (-e|--editable)\b", DOCKERFILE)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert not any("-e " in line for line in environment["dependencies"][-1]["pip"])


def test_a_learner_is_not_root():
    lines = DOCKERFILE.splitlines()
    user = max(k for k, line in enumerate(lines) if line.startswith("USER "))
    assert lines[user] == "USER 1000"
    assert not any(line.startswith(("RUN", "COPY")) for line in lines[user:])


def test_the_image_gets_the_versions_that_the_tests_ran_with():
    ours = pins(DEPLOY / "requirements.txt")
    assert ours < pins(ROOT / "requirements.txt")
    names = {normal(Requirement(line).name) for line in ours}
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["class"]]
    assert {normal(Requirement(text).name) for text in needed} <= names
    assert not names & {"pytest", "nbval", "playwright", "ruff", "pre-commit", "sphinx"}


def test_the_wheel_brings_what_jupyter_and_voila_read(installed):
    env = installed.folder / "env"
    for path in (
        "share/jupyter/voila/templates/course/index.html.j2",
        "share/jupyter/voila/templates/course/conf.json",
        "share/jupyter/lab/settings/overrides.d/vanishing-gradients.json",
        "etc/ipython/ipython_kernel_config.py",
        next(env.glob("lib/python*")) / "site-packages/helpers/keras/keras.json",
    ):
        # the tests' own environment shares none of these folders with it
        assert (env / path).is_file(), path


# ---------------------------------------------------------------- the learner's start


@pytest.fixture
def home(tmp_path):
    """A home, a course of two notebooks without write bits, and a stand-in for the server."""
    for name in ("home", "course", "compiled", "bin"):
        (tmp_path / name).mkdir()
    for name in ("00.ipynb", "01.ipynb"):
        (tmp_path / "course" / name).write_text(name)
        (tmp_path / "course" / name).chmod(0o444)
    (tmp_path / "compiled/training_1").mkdir()
    (tmp_path / "compiled/training_1/engine.nbi").write_text("compiled")
    (tmp_path / "compiled/training_1").chmod(0o555)
    server = tmp_path / "bin/jupyterhub-singleuser"
    server.write_text('#!/bin/sh\necho "started $*"\n')
    server.chmod(0o755)
    return tmp_path


def start(folder):
    env = {
        "HOME": str(folder / "home"),
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "COURSE_NOTEBOOKS": str(folder / "course"),
        "COURSE_COMPILED": str(folder / "compiled"),
    }
    command = [str(DEPLOY / "course-singleuser"), "--port=1"]
    return subprocess.run(command, env=env, capture_output=True, text=True).stdout


def test_edits_survive_and_new_lessons_arrive(home):
    assert start(home) == "started --port=1\n"
    own = home / "home/vanishing-gradients/notebooks"
    # of a course without write bits come notebooks that can be written to
    assert (own / "00.ipynb").stat().st_mode & 0o200
    (own / "00.ipynb").write_text("edited")
    (home / "course/02.ipynb").write_text("new")
    (home / "compiled/training_1/engine.nbi").write_text("compiled anew")
    start(home)
    assert (own / "00.ipynb").read_text() == "edited"
    assert (own / "01.ipynb").read_text() == "01.ipynb"
    assert (own / "02.ipynb").read_text() == "new"
    cache = home / "home/.cache/numba/training_1"
    assert (cache / "engine.nbi").read_text() == "compiled anew"
    # numba reads only where it may write
    assert cache.stat().st_mode & 0o200


def test_a_home_that_takes_no_file_still_gets_a_server(home):
    (home / "home").rmdir()
    (home / "home").write_text("a file in the way")
    assert start(home) == "started --port=1\n"


# ---------------------------------------------------------------- the hub, and the chart


def test_values_are_what_the_chart_reads():
    jsonschema.Draft7Validator.check_schema(VALUES)
    jsonschema.validate(VALUES_FILE, VALUES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.update(singelUser={}),
        lambda values: values["singleuser"].update(mem={"limit": "2G"}),
        lambda values: values["singleuser"]["cpu"].update(limit="2"),
        lambda values: values["cull"].update(timeout="5400"),
        lambda values: values["scheduling"]["userPlaceholder"].update(replicas=1.5),
        lambda values: values["hub"]["config"].update(loadRoles={}),
    ],
    ids=["misspelt", "unknown", "text", "quoted", "fraction", "misplaced"],
)
def test_a_slip_in_the_values_is_found(damage):
    values = json.loads(json.dumps(VALUES_FILE))
    damage(values)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, VALUES)


def load_config(monkeypatch, **environment):
    """Return what the hub reads in jupyterhub_config.py."""
    monkeypatch.delenv("COURSE_HALL", raising=False)
    settings = {"CLASS_PASSWORD": PASSWORD, "TEACHER_PASSWORD": TEACHERS, **environment}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return PyFileConfigLoader("jupyterhub_config.py", path=str(DEPLOY)).load_config()


def test_the_hall_is_off_until_a_teacher_turns_it_on(monkeypatch):
    off = load_config(monkeypatch)
    assert [service["name"] for service in off.JupyterHub.services] == ["cull"]
    assert "environment" not in off.Spawner
    on = load_config(monkeypatch, COURSE_HALL="http://172.17.0.1:8000/")
    assert [service["name"] for service in on.JupyterHub.services] == ["cull", "hall"]
    told = on.Spawner.environment.to_dict()["update"]
    assert told == {"COURSE_HALL": "http://172.17.0.1:8000/services/hall/"}


def test_each_setting_is_one_that_jupyterhub_knows(monkeypatch):
    config = load_config(monkeypatch, COURSE_HALL="http://172.17.0.1:8000")
    for known in (JupyterHub, Spawner, Authenticator, SharedPasswordAuthenticator):
        names = set(config[known.__name__])
        assert names and names <= set(known.class_trait_names(config=True)), known.__name__


def test_a_class_that_listens_is_not_ended():
    culler = setting_of_culler()
    assert culler["timeout"] == VALUES_FILE["cull"]["timeout"] > LONGEST_LECTURE
    kernels = json.loads((DEPLOY / "jupyter_server_config.json").read_text("utf-8"))
    # an open page keeps its kernel, whatever the clock says
    assert kernels["MappingKernelManager"]["cull_connected"] is False
    # and the memory of a closed one comes back before the server ends
    assert kernels["MappingKernelManager"]["cull_idle_timeout"] < culler["timeout"]


def setting_of_culler():
    options = re.search(r"^CULLER = \[.*\]", CONFIG, re.M).group(0)
    return {name: int(number) for name, number in re.findall(r"--([\w-]+)=(\d+)", options)}


def test_both_hubs_give_a_learner_the_same():
    singleuser = VALUES_FILE["singleuser"]
    assert setting("Spawner.mem_guarantee") == singleuser["memory"]["guarantee"]
    assert setting("Spawner.mem_limit") == singleuser["memory"]["limit"]
    assert setting("Spawner.cpu_limit") == singleuser["cpu"]["limit"]
    assert setting("Spawner.default_url") == singleuser["defaultUrl"]
    assert setting("Spawner.start_timeout") == singleuser["startTimeout"]
    timeout = VALUES_FILE["hub"]["config"]["KubeSpawner"]["http_timeout"]
    assert setting("Spawner.http_timeout") == timeout
    assert setting("Spawner.cmd") == [singleuser["cmd"]]
    image = singleuser["image"]
    assert f"{image['name'].split('/')[-1]}:{image['tag']}" in CONFIG
    assert f"{image['name'].split('/')[-1]}:{image['tag']}" in DOCKERFILE


def test_the_page_for_teachers_says_the_numbers_of_the_files():
    singleuser = VALUES_FILE["singleuser"]
    for number in (*singleuser["memory"].values(), str(singleuser["cpu"]["guarantee"])):
        assert number in CLASSROOM
    for name, number in image_environment().items():
        if name.startswith("MALLOC"):
            # as a word of Python, in the line for The Littlest JupyterHub
            assert f'{name}="{number}"' in CLASSROOM
