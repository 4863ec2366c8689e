"""Another project's keras.json, at home, changes nothing in the course."""

import json
import os
import subprocess
import sys

import pytest

import helpers

LOOK = "import os, helpers; print(os.environ.get('KERAS_HOME', 'as it is'))"
SAME = {"floatx": "float32", "image_data_format": "channels_last", "backend": "tensorflow"}


def keras_home(home, **more):
    """Return the folder that Keras would read, of a process with that home."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("KERAS_")}
    env.update(HOME=str(home), USERPROFILE=str(home), **more)
    answer = subprocess.run(
        [sys.executable, "-c", LOOK], env=env, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


OURS = os.path.join(os.path.dirname(helpers.__file__), "keras")


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (None, "as it is"),
        (json.dumps(SAME), "as it is"),
        ("{}", "as it is"),
        (json.dumps({**SAME, "floatx": "float64"}), OURS),
        (json.dumps({**SAME, "floatx": "float8"}), OURS),
        (json.dumps({**SAME, "backend": "torch"}), OURS),
        (json.dumps({"image_data_format": "channels_first"}), OURS),
        (json.dumps({"epsilon": 1}), OURS),
        ("[1]", OURS),
        ("{half", OURS),
    ],
)
def test_keras_reads_the_courses_file_where_the_learners_differs(tmp_path, text, folder):
    (tmp_path / ".keras").mkdir()
    if text is not None:
        (tmp_path / ".keras/keras.json").write_text(text)
    assert keras_home(tmp_path) == folder


def test_a_folder_that_was_named_counts_in_its_place(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float16"}))
    assert keras_home(tmp_path, KERAS_HOME=str(tmp_path)) == OURS
    (tmp_path / "keras.json").write_text(json.dumps(SAME))
    assert keras_home(tmp_path, KERAS_HOME=str(tmp_path)) == str(tmp_path)
