import json

import pytest

from helpers import exercises
from helpers.exercises import predict, tally


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ask(question="How much?"):
    return predict(question, ["10", "1000", "<a lot>"], answer="1000", why="Because 10 < 1000.")


def choose(prediction, option):
    prediction._options.value = option


def test_nothing_is_told_before_a_choice():
    prediction = ask()
    assert prediction.chosen is None and prediction._show.disabled
    assert "Because" not in prediction._reply.value
    assert int(prediction._reply.layout.min_height.removesuffix("px")) > 400
    assert not exercises.PROGRESS.exists()


@pytest.mark.parametrize(
    ("option", "mark"), [("1000", "✓ You said so"), ("<a lot>", "✗ You said &lt;a lot&gt;")]
)
def test_a_choice_is_kept_in_sight_and_answered(option, mark):
    prediction = ask()
    choose(prediction, option)
    assert "You say" in prediction._reply.value and "Because" not in prediction._reply.value
    prediction._show.click()
    assert mark in prediction._reply.value
    assert "<b>1000</b>. Because 10 &lt; 1000." in prediction._reply.value
    assert prediction._options.disabled and prediction._reply.layout.min_height == "0px"


def test_choices_survive_a_restart_and_can_be_changed():
    choose(ask("First?"), "10")
    choose(ask("Second?"), "1000")
    again = ask("First?")
    assert again.chosen == "10" and not again._show.disabled
    choose(again, "1000")
    assert ask("First?").chosen == "1000" and ask("Second?").chosen == "1000"
    assert ask("Third?").chosen is None


def test_forgetting_begins_anew():
    exercises.forget()  # nothing there yet
    choose(ask(), "10")
    exercises.forget()
    assert ask().chosen is None


def test_the_tally_counts():
    made, wrong, open_ = ask("a?"), ask("b?"), ask("c?")
    choose(made, "1000")
    choose(wrong, "10")
    assert "2 of 3 predictions; 1 came true" in tally(made, wrong, open_).value


@pytest.mark.parametrize("damage", ["{half a fi", "[1, 2]", '"text"', ""])
def test_a_damaged_file_is_put_aside_not_lost(damage):
    exercises.PROGRESS.write_text(damage)
    choose(ask(), "10")
    assert json.loads(exercises.PROGRESS.read_text()) == {"How much?": "10"}
    assert exercises.PROGRESS.with_suffix(".broken").read_text() == damage


def test_an_option_that_is_gone_is_forgotten():
    exercises.PROGRESS.write_text('{"How much?": "7"}')
    assert ask().chosen is None


def test_a_wrong_answer_key_is_named():
    with pytest.raises(ValueError, match=r"one of the options \['a', 'b'\]; got 'c'"):
        predict("?", ["a", "b"], answer="c", why="")
