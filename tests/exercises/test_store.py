"""The file of choices: whatever is done to it, it costs nothing but the choices."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.exercises import Exercise, predict, store

WRITERS = 4
WRITES = 200


def ask():
    return predict("How much?", ["10", "1000"], answer="1000", why="So.")


def choose(option="10"):
    """Choose in a prediction, and return what it says of the file."""
    prediction = ask()
    said = prediction.notice
    prediction.chosen = option
    assert prediction.chosen == option and ask().chosen == option
    return f"{said} {prediction.notice}".strip()


def broken(folder):
    return sorted(path.name for path in folder.glob(".progress.broken*"))


@pytest.mark.parametrize(
    "damage",
    [
        b"{half a fi",
        b"[1, 2]",
        b'"text"',
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a": 1}' + b" " * store.LARGEST,
    ],
    ids=["half", "list", "text", "empty", "binary", "nested", "huge"],
)
def test_a_damaged_file_is_put_aside_and_named(folder, damage):
    store.PROGRESS.write_bytes(damage)
    assert ".progress.broken" in choose()
    assert json.loads(store.PROGRESS.read_text()) == {"How much?": "10"}
    assert (folder / ".progress.broken").read_bytes() == damage


def test_a_second_corruption_leaves_the_first_copy(folder):
    for damage in ("first", "second", "third"):
        store.PROGRESS.write_text(damage)
        store.entries()
    assert broken(folder) == [".progress.broken", ".progress.broken-2", ".progress.broken-3"]
    assert (folder / ".progress.broken").read_text() == "first"


def test_what_is_good_in_a_spoiled_file_is_kept(folder):
    store.PROGRESS.write_text('{"How much?": "10", "nested": {"a": [1]}, "number": 3}')
    assert ask().chosen == "10"
    assert broken(folder) == [".progress.broken"]
    assert store.entries() == {"How much?": "10"}


def test_a_mark_of_the_encoding_is_no_damage(folder):
    store.PROGRESS.write_text('{"How much?": "10"}', encoding="utf-8-sig")
    assert ask().chosen == "10" and broken(folder) == []


def test_half_a_surrogate_pair_is_kept():
    store.keep("How much?", "10\ud800")
    assert store.entries() == {"How much?": "10\ud800"}


def test_a_folder_in_its_place_sends_it_home(folder):
    store.PROGRESS.mkdir()
    assert choose() == ""
    assert json.loads((Path.home() / store.AT_HOME).read_text()) == {"How much?": "10"}
    assert store.PROGRESS.is_dir()


def test_a_folder_that_takes_no_file_sends_it_home(folder, monkeypatch):
    # not by chmod: the tests may run as root, whom it doesn't stop
    monkeypatch.setattr(
        os, "access", lambda path, mode, real=os.access: path != folder and real(path, mode)
    )
    assert choose() == ""
    assert list(folder.iterdir()) == []
    assert store.entries() == {"How much?": "10"}


def test_another_learners_file_is_left_alone(folder, monkeypatch):
    store.PROGRESS.write_text('{"How much?": "1000"}')
    real = Path.stat

    def stat(path, **options):
        found = list(real(path, **options))
        found[4] += path == store.PROGRESS.absolute()  # the owner's number
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", stat)
    assert ask().chosen is None
    choose()
    assert store.PROGRESS.read_text() == '{"How much?": "1000"}'


def test_a_link_is_read_and_what_it_points_to_never_written(folder, tmp_path):
    target = tmp_path / "elsewhere.json"
    target.write_text('{"other": "1"}')
    store.PROGRESS.symlink_to(target)
    choose()
    assert store.entries() == {"other": "1", "How much?": "10"}
    assert target.read_text() == '{"other": "1"}'


def test_a_link_to_nowhere_costs_nothing(folder, tmp_path):
    store.PROGRESS.symlink_to(store.PROGRESS)
    choose()
    # the names that a careless writer would use, laid out as links to a file that matters
    target = tmp_path / "matters"
    target.write_text("whole")
    for name in (".progress.new", ".progress.lock", ".progress.json.new"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    choose("1000")
    assert target.read_text() == "whole"


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("part", ["tempfile.mkstemp", "os.replace", "json.dump", "os.open"])
def test_a_full_disk_is_said_once_and_the_lesson_goes_on(folder, monkeypatch, part):
    store.keep("earlier", "1")
    with monkeypatch.context() as patch:
        patch.setattr(f"helpers.exercises.store.{part}", full)
        assert choose() == store.UNSAVED
        assert choose("1000") == ""
        assert store.entries() == {"earlier": "1", "How much?": "1000"}
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".lock"]
    # room again: nothing is lost
    store.keep("later", "2")
    assert json.loads(store.PROGRESS.read_text()).keys() == {"earlier", "How much?", "later"}


def test_a_right_answer_counts_on_a_full_disk(monkeypatch):
    monkeypatch.setattr("helpers.exercises.store.tempfile.mkstemp", full)
    task = Exercise("Do.", checker=lambda answer: None, hints=["a", "b"], solution="answer = 1")
    said = task.check(1).value
    assert "✓ Right" in said and store.UNSAVED in said and task.solved


def test_without_any_place_nothing_is_saved_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert choose() == store.UNSAVED
    store.forget()
    assert ask().chosen is None


WRITER = """
import sys
from helpers.exercises import store

for number in range(int(sys.argv[2])):
    store.keep(f"{sys.argv[1]} {number}", "1")
assert store.notice() == ""
"""


def start_writer(name, writes):
    path = os.pathsep.join([str(Path(store.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen([sys.executable, "-c", WRITER, str(name), str(writes)], env=environment)


def test_kernels_that_write_at_once_keep_each_others_entries(folder):
    """As many as a learner opens lessons; none gives up, and each entry arrives."""
    writers = [start_writer(k, WRITES) for k in range(WRITERS)]
    assert [writer.wait(60) for writer in writers] == [0] * WRITERS
    assert len(store.entries()) == WRITERS * WRITES
    assert sorted(path.name for path in folder.iterdir()) == [".progress.json", ".progress.lock"]


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_kernel_killed_in_the_middle_of_a_write_leaves_a_whole_file(folder, blow):
    store.keep("before", "1")
    for round_ in range(5):
        writer = start_writer(round_, 10**6)
        deadline = time.monotonic() + 60
        while f"{round_} 0" not in store.entries():
            assert time.monotonic() < deadline
        # another moment of its work each time
        time.sleep(0.003 * round_)
        writer.send_signal(blow)
        assert writer.wait(10) != 0
        store.keep(f"after {round_}", "1")
    assert {"before", *(f"after {round_}" for round_ in range(5))} <= set(store.entries())
    assert store.notice() == ""
    assert sorted(path.name for path in folder.iterdir()) == [".progress.json", ".progress.lock"]
