"""The notebooks as they are stored: which questions they ask, and which cell decides one.

So totals need no list that would have to be kept up to date, and a prediction finds the cell below
it, which a kernel otherwise knows nothing of.
"""

import ast
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.exercises.sealing import unseal

FOLDER = Path()  # the kernel's: the notebooks' own
NAMES = "[0-9]*.ipynb"
# a learner's own file, or one that is just being saved: no reason to stop
UNREADABLE = (OSError, ValueError, KeyError, TypeError, SyntaxError)


@dataclass(frozen=True)
class Asked:
    """A prediction as its cell states it, with the answer opened."""

    question: str
    options: Sequence[str]
    answer: str
    why: str


@dataclass(frozen=True)
class Lesson:
    """What a notebook asks: its predictions, and the questions of its exercises."""

    title: str
    predictions: Sequence[Asked]
    exercises: Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A code cell, by its id and its text."""

    id: str | None
    source: str

    def is_run_by(self, cell_id: str | None, source: str) -> bool:
        """Say whether a run was this cell's: by its id, or by its text where none is known."""
        if cell_id is None or self.id is None:
            return self.source.strip() == source.strip()
        return self.id == cell_id


def read_lesson(path: Path) -> Lesson:
    """Read a notebook.

    Raises
    ------
    OSError, ValueError
        If it can't be read, or isn't a notebook.
    """
    cells = _cells(path)
    # read, not run: a lesson takes half a minute
    calls = [call for cell in _code(cells) for call in _calls(cell.source)]
    predictions = [_asked(call) for name, call in calls if name == "predict"]
    exercises = [ast.literal_eval(call.args[0]) for name, call in calls if name == "Exercise"]
    # its heading is a whole question; the name of the file is as short as the map's
    return Lesson(path.stem.replace("_", " "), predictions, exercises)


def read_course() -> dict[str, Lesson]:
    """Read every notebook that asks something: name of the file -> lesson."""
    lessons = {}
    for path in sorted(FOLDER.glob(NAMES)):
        try:
            lesson = read_lesson(path)
        except UNREADABLE:
            continue
        if lesson.predictions or lesson.exercises:
            lessons[path.name] = lesson
    return lessons


def cell_below(cell_id: str | None, source: str) -> Cell | None:
    """Return the next code cell below the one with this id and text that asks no prediction.

    None if no notebook in the folder has such a cell, for example while it isn't saved.
    """
    # Jupyter says which notebook the kernel was started for, unless it was renamed since: it goes
    # first, as a learner's copy may hold the same cells, and saved pictures make files slow to read
    running = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    for path in sorted(FOLDER.glob("*.ipynb"), key=lambda path: (path.name != running, path)):
        try:
            code = _code(_cells(path))
        except UNREADABLE:
            continue
        for place, cell in enumerate(code):
            # ids such as "predict-sigmoid" occur in several lessons, so the text has to agree, too
            if cell.is_run_by(cell_id, source) and cell.source.strip() == source.strip():
                below = (other for other in code[place + 1 :] if "predict(" not in other.source)
                return next(below, None)
    return None


def _cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _code(cells):
    return [
        Cell(cell.get("id"), "".join(cell["source"]))
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def _calls(source):
    """Yield (name, call) of every call of `predict` and `Exercise` in a cell's code."""
    # most cells ask nothing, and parsing costs more than looking
    if "predict(" not in source and "Exercise(" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            yield ast.unparse(node.func).split(".")[-1], node


def _asked(call):
    question, options = (ast.literal_eval(argument) for argument in call.args)
    given = {keyword.arg: unseal(ast.literal_eval(keyword.value)) for keyword in call.keywords}
    return Asked(question, options, given["answer"], given["why"])
