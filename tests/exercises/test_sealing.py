"""Answers that a glance doesn't give away, and notebooks that are read, not run."""

import ast
import json
from pathlib import Path

import pytest

from helpers.exercises import predict, progress, seal, sealing, store
from helpers.exercises.lessons import read_course, read_lesson
from helpers.exercises.sealing import MARK, rewrite, unseal

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))[1:]
TEXTS = ["0.25", 'σ\' = σ(1 - σ), "at most" ½\n', "", "ein Wort " * 30, "\\sigma {} % {0}"]
SOURCE = """# Größe: answer="0.25" stays, as does each letter
guess = exercises.predict(
    "Which answer=\\"x\\"? "
    "Over two lines.",
    ["0.25", "½", "why='not'"],
    answer="½", why="In one line, with ½ before and # after",  # a remark
)
guess"""


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_sealed_opens_and_stays_as_it_is_when_sealed_again(text):
    sealed = seal(text)
    assert unseal(sealed) == text and seal(sealed) == sealed
    assert sealed.startswith(MARK) and (not text or text not in sealed)


def test_plain_text_is_its_own_and_damage_is_named():
    assert unseal("0.25") == "0.25"
    for damaged in (MARK + "0.25", MARK + "/w=="):
        with pytest.raises(ValueError, match="damaged"):
            unseal(damaged)


def test_a_sealed_prediction_is_a_prediction():
    prediction = predict("?", ["a", "b"], answer=seal("b"), why=seal("So."))
    assert (prediction.answer, prediction.why) == ("b", "So.")
    with pytest.raises(ValueError, match="one of the options"):
        predict("?", ["a", "b"], answer=seal("c"), why="")


def test_sealing_a_cell_changes_its_answer_alone():
    sealed = rewrite(SOURCE, seal)
    assert "½" not in sealed.split("answer=")[-1] and rewrite(sealed, seal) == sealed
    assert rewrite(sealed, unseal) == SOURCE
    kept = ['# Größe: answer="0.25" stays', '["0.25", "½", "why=\'not\'"]', "# a remark"]
    assert all(text in sealed for text in kept)


@pytest.mark.parametrize("text", TEXTS)
def test_long_texts_are_broken_into_lines_that_fit_and_say_the_same(text):
    source = f"predict('?', [], answer='a',\n    why={json.dumps(text)},\n)"
    for change in (seal, unseal):
        source = rewrite(source, change)
        assert max(map(len, source.split("\n"))) <= sealing.WIDEST
        call = ast.parse(source).body[0].value
        assert unseal(ast.literal_eval(call.keywords[1].value)) == text


def test_the_command_seals_opens_and_shows(folder, capsys):
    path = folder / "01_x.ipynb"
    cell = {"cell_type": "code", "source": SOURCE.splitlines(keepends=True)}
    text = json.dumps({"cells": [cell]}, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    assert sealing.main(["seal", str(path)]) == 0 and path.read_text() != text
    assert sealing.main(["show", str(path)]) == 0
    assert "Over two lines.\n  ½\n  In one line" in capsys.readouterr().out
    assert sealing.main(["open", str(path)]) == 0 and path.read_text() == text
    assert sealing.main([]) == 1 and "seal" in capsys.readouterr().out


# --- the lessons of the course


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_answer_of_a_lesson_opens_and_is_an_option(path):
    predictions = read_lesson(path).predictions
    assert predictions
    for asked in predictions:
        assert asked.answer in asked.options, asked.question
        assert len(set(asked.options)) == len(asked.options) >= 2, asked.question
        assert asked.why and not asked.why.startswith(MARK), asked.question


def test_a_question_names_one_entry_of_the_file():
    """Two lessons that ask in the same words would share a choice."""
    lessons = [read_lesson(path) for path in LESSONS]
    questions = [asked.question for lesson in lessons for asked in lesson.predictions]
    questions += [question for lesson in lessons for question in lesson.exercises]
    assert len(set(questions)) == len(questions)


def test_progress_counts_the_course_and_starts_again_when_asked_twice(monkeypatch):
    monkeypatch.setattr("helpers.exercises.lessons.FOLDER", NOTEBOOKS)
    lessons = list(read_course().values())
    first = lessons[0]
    for asked in first.predictions:
        store.keep(asked.question, asked.answer)
    for question in first.exercises:
        store.keep(question, "solved")
    wrong = lessons[1].predictions[0]
    store.keep(wrong.question, next(o for o in wrong.options if o != wrong.answer))
    made = len(first.predictions)
    asked = sum(len(lesson.predictions) for lesson in lessons)
    shown = progress()
    table, (_, again, *_), question = (
        shown.children[0],
        shown.children[1].children,
        shown.children[2],
    )
    assert f"1 of {len(lessons)} lessons finished, 2 begun." in table.value
    assert f"{made + 1} of {asked}<" in table.value and f">{made}<" in table.value
    again.click()
    assert question.layout.display == "" and store.entries()
    sure, keep = question.children[1].children
    keep.click()
    assert question.layout.display == "none" and store.entries()
    again.click()
    sure.click()
    assert store.entries() == {} and f"0 of {len(lessons)} lessons finished" in table.value


def test_notebooks_that_cannot_be_read_are_passed_over(folder):
    (folder / "01_own.ipynb").write_text("no notebook")
    (folder / "02_empty.ipynb").write_text("{}")
    (folder / "03_list.ipynb").write_text("[1]")
    cells = [{"cell_type": "code", "source": ["%predict(1)"]}]
    (folder / "04_magic.ipynb").write_text(json.dumps({"cells": cells}))
    assert read_course() == {}
    assert "No lessons" in progress().children[0].value
