"""A class of four on a real hub: a read-only installation, a home for each, lesson 01."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from learner import Learner, text

LESSON = "vanishing-gradients/notebooks/01_product_of_derivatives.ipynb"
FIRST = "What is the largest value that the sigmoid's derivative takes?"
CHOICES = {"ada": "0.25", "ben": "0.25", "cleo": "0.5", "dan": "1"}

# What a learner's kernel is asked about the installation it runs in.
LOOK = """
import importlib.metadata, json, os, pathlib, sys, tempfile
import helpers
from helpers import environment, training
folder = pathlib.Path(helpers.__file__).parent
def refuses(path):
    try:
        tempfile.TemporaryFile(dir=path).close()
    except OSError:
        return True
    return False
print(json.dumps({
    "course": str(folder),
    "refuses": [refuses(folder), refuses(os.environ["COURSE_NOTEBOOKS"])],
    "compiled": training.engine_status().compiled,
    "versions": environment._versions()[0],
    "advice": environment._advice("make lab"),
    "malloc": os.environ.get("MALLOC_ARENA_MAX"),
}))
"""
# A prediction in the installation's own folder of notebooks, where nothing can be written.
SHARED = """
import os
os.chdir(os.environ["COURSE_NOTEBOOKS"])
from helpers.exercises import predict
predict("Where is this kept?", ["at home", "nowhere"], answer="at home", why="So.")
"""
# The numbers of a foreign keras.json must not reach a network of the course.
KERAS = """
from helpers import environment
import keras
print(keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format())
print(environment._gradient()[0])
"""


def take_part(learner):
    """Do what a learner does in an hour, and return what is to be judged."""
    cells = learner.open(LESSON)
    done = {"errors": learner.log, "chosen": None, "pictures": 0}
    for cell in cells:
        said = learner.run(cell.source, cell.id)
        if FIRST in cell.source:
            done["chosen"] = learner.choose(said, CHOICES[learner.name])
        if "explorers." in cell.source:
            done["pictures"] += (
                "<canvas" in str(said) or ".png" in str(said) or "image" in str(said)
            )
    done["look"] = json.loads(text(learner.run(LOOK)).splitlines()[-1])
    done["shared"] = learner.choose(learner.run(SHARED), "at home")
    done["keras"] = text(learner.run(KERAS)).split()[-4:] if learner.name == "ada" else None
    learner.socket.close()
    return done


@pytest.fixture(scope="module")
def hour(learners):
    for learner in learners:
        learner.wait_for_server()
    with ThreadPoolExecutor(len(learners)) as pool:
        return dict(zip(CHOICES, pool.map(take_part, learners), strict=True))


def test_each_runs_lesson_01_without_an_error(hour):
    assert [error for done in hour.values() for error in done["errors"]] == []
    assert all(done["pictures"] == 2 for done in hour.values())


def test_jupyterlabs_page_comes_with_its_program(learners, hour):
    page = learners[0].session.get(f"{learners[0].address}/user/{learners[0].name}/lab")
    program = re.search(r'src="([^"]+/static/lab/main\.[^"]+)"', page.text).group(1)
    assert learners[0].session.get(learners[0].address + program).status_code == 200


def test_the_installation_is_a_copy_that_a_learner_cannot_write_to(hour, installed):
    for done in hour.values():
        assert done["look"]["course"].startswith(str(installed.folder))
        assert done["look"]["refuses"] == [True, True]


def test_the_engine_comes_compiled(hour):
    assert all(done["look"]["compiled"] for done in hour.values())


def test_the_image_says_how_memory_is_given_back(hour):
    assert {done["look"]["malloc"] for done in hour.values()} == {"2"}


def test_the_first_page_finds_its_packages_and_knows_that_this_is_a_hub(hour):
    for done in hour.values():
        assert done["look"]["versions"] == "✓"
        assert "make lab" not in done["look"]["advice"] and "teacher" in done["look"]["advice"]


def test_a_choice_is_kept_in_the_learners_own_home(hour, hub):
    for name, option in CHOICES.items():
        file = hub.homes / name / "vanishing-gradients/notebooks/.progress.json"
        assert json.loads(file.read_text())[FIRST] == option


def test_a_choice_in_a_folder_without_write_bits_goes_home(hour, hub):
    for name, done in hour.items():
        assert done["shared"], "the kernel didn't answer"
        file = hub.homes / name / ".vanishing-gradients-progress.json"
        assert json.loads(file.read_text()) == {"Where is this kept?": "at home"}


def test_a_foreign_keras_json_changes_nothing(hour):
    assert hour["ada"]["keras"] == ["tensorflow", "float32", "channels_last", "✓"]


def test_only_who_knows_the_password_comes_in(hub):
    stranger = Learner(hub.address, "eve", "not-the-password")
    assert stranger.reply.status_code == 403
    assert not (hub.homes / "eve").exists()
