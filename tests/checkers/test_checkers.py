"""Every exercise of lessons 01 to 06, and of 10: right answers, however written, and wrong ones.

An answer is what a learner may write: an expression, or some lines that assign ``answer``, run
among the names of its notebook. Those come from the set-up and from a few cells that define
functions; the lesson's own runs are not needed.
"""

import textwrap
from pathlib import Path

import answers_01
import answers_02
import answers_03
import answers_04
import answers_05
import answers_06
import answers_10
import matplotlib
import nbformat
import pytest

from helpers.exercises import Exercise

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = {
    "01": answers_01,
    "02": answers_02,
    "03": answers_03,
    "04": answers_04,
    "05": answers_05,
    "06": answers_06,
    "10": answers_10,
}
EXERCISES = [(number, cell) for number, lesson in LESSONS.items() for cell in lesson.RIGHT]
CASES = [
    pytest.param(number, cell, kind, answer, id=f"{number}-{cell}-{kind}-{place}")
    for number, cell in EXERCISES
    for kind in ("RIGHT", "WRONG")
    for place, answer in enumerate(getattr(LESSONS[number], kind)[cell])
]


@pytest.fixture(scope="module")
def names_of(tmp_path_factory):
    """Return the names that a lesson's answers may use, made when they are first asked for."""
    made = {}

    def names(number):
        if number not in made:
            made[number] = run_cells(number)
        return dict(made[number])

    # an exercise looks for the choices made so far beside its notebook
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.chdir(tmp_path_factory.mktemp("lesson"))
        yield names


def run_cells(number):
    """Run the set-up of a lesson, the cells that its answers need, and its exercises."""
    path = next(NOTEBOOKS.glob(f"{number}_*.ipynb"))
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    names = {}
    with matplotlib.rc_context():  # the set-up takes the course's style into use: here, not for all
        for cell in ["setup", *LESSONS[number].CELLS, *LESSONS[number].RIGHT]:
            exec(cells[cell], names)
    return names


def evaluated(answer, names):
    """Return what a learner's line or lines make of ``answer``."""
    code = textwrap.dedent(answer).strip()
    if "def answer" not in code:
        code = f"answer = {code}"
    exec(code, names)
    return names["answer"]


@pytest.mark.parametrize(("number", "cell", "kind", "answer"), CASES)
def test_a_checker_tells_right_from_wrong(names_of, number, cell, kind, answer):
    names = names_of(number)
    exercise = names[LESSONS[number].NAMES.get(cell, cell.replace("-", "_"))]
    complaint = exercise.checker(evaluated(answer, names))
    assert bool(complaint) == (kind == "WRONG"), complaint


@pytest.mark.parametrize("number", LESSONS)
def test_every_exercise_has_five_right_and_five_wrong_answers(number):
    path = next(NOTEBOOKS.glob(f"{number}_*.ipynb"))
    cells = nbformat.read(path, as_version=4).cells
    tasks = {cell.id for cell in cells if "Exercise(" in cell.source}
    lesson = LESSONS[number]
    assert tasks == lesson.RIGHT.keys() == lesson.WRONG.keys()
    for answers in [*lesson.RIGHT.values(), *lesson.WRONG.values()]:
        assert len(set(answers)) == len(answers) >= 5
