"""Which run of a cell answers a prediction."""

import json
from types import SimpleNamespace

import nbclient
import nbformat
import pytest

from helpers.exercises import deciding, predict

PREDICT = 'guess = predict("How much?", ["10", "1000"], answer="1000", why="So.")'
CELLS = {"above": "a = 1", "ask": PREDICT, "decide": "b = 2", "claim": "assert b", "below": "c = 3"}


@pytest.fixture
def kernel(monkeypatch):
    return Kernel(monkeypatch)


class Kernel:
    """Runs cells as IPython would tell of them."""

    def __init__(self, monkeypatch):
        self.decider = deciding.Decider()
        # the one of this process may belong to a shell
        monkeypatch.setattr("helpers.exercises.prediction.decider", self.decider)
        self.sends_ids = True
        self.guess = None

    def run(self, *names, success=True, silent=False):
        for name in names:
            source = CELLS.get(name, name)
            if name == "ask":
                self.guess = predict("How much?", ["10", "1000"], answer="1000", why="So.")
            info = SimpleNamespace(
                cell_id=name if self.sends_ids else None,
                raw_cell=source,
                silent=silent,
                store_history=not silent,
            )
            self.decider.after_run(SimpleNamespace(info=info, success=success))

    @property
    def is_answered(self):
        return self.guess.is_revealed


def store_notebook(folder, cells=CELLS):
    cells = [
        {"cell_type": "code", "id": name, "source": source.splitlines(keepends=True)}
        for name, source in cells.items()
    ]
    (folder / "lesson.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")


def choose(kernel):
    kernel.guess.chosen = "10"


@pytest.mark.parametrize("sends_ids", [True, False], ids=["JupyterLab", "no ids"])
def test_only_the_cell_below_answers(kernel, folder, sends_ids):
    store_notebook(folder)
    kernel.sends_ids = sends_ids
    kernel.run("above", "ask")
    choose(kernel)
    kernel.run("above", "claim", "below", "a cell of the learner's own", "ask")
    assert not kernel.is_answered
    kernel.run("decide", success=False)
    kernel.run("decide", silent=True)
    assert not kernel.is_answered
    kernel.run("decide")
    assert kernel.is_answered


def test_the_cell_below_answers_after_the_learner_changed_it(kernel, folder):
    store_notebook(folder)
    kernel.run("ask")
    choose(kernel)
    kernel.decider.after_run(result("decide", "b = 3"))
    assert kernel.is_answered


def result(cell_id, source):
    info = SimpleNamespace(cell_id=cell_id, raw_cell=source, silent=False, store_history=True)
    return SimpleNamespace(info=info, success=True)


def test_asked_again_or_out_of_order_it_is_answered_at_once(kernel, folder):
    store_notebook(folder)
    kernel.run("decide", "ask")
    assert not kernel.is_answered and "Choose now" in kernel.guess.text
    choose(kernel)
    assert kernel.is_answered
    kernel.run("ask")
    assert kernel.is_answered


def test_a_restored_choice_waits_for_the_run(kernel, folder, monkeypatch):
    store_notebook(folder)
    kernel.run("ask")
    choose(kernel)
    again = Kernel(monkeypatch)  # restarted
    again.run("ask")
    assert again.guess.chosen == "10" and not again.is_answered
    again.run("decide")
    assert again.is_answered


@pytest.mark.parametrize("sends_ids", [True, False], ids=["JupyterLab", "no ids"])
def test_in_an_unknown_notebook_the_next_new_code_answers(kernel, sends_ids):
    kernel.sends_ids = sends_ids
    kernel.run("above", "ask")
    choose(kernel)
    kernel.run("above", "ask")
    assert not kernel.is_answered
    kernel.run("decide")
    assert kernel.is_answered


def test_two_lessons_may_use_the_same_id(kernel, folder):
    other = {"ask": PREDICT.replace("How", "Not how"), "below": "c = 3"}
    store_notebook(folder, other)
    (folder / "lesson.ipynb").rename(folder / "another.ipynb")
    store_notebook(folder)
    kernel.run("ask")
    choose(kernel)
    kernel.run("below")
    assert not kernel.is_answered
    kernel.run("decide")
    assert kernel.is_answered


def test_of_two_copies_the_one_that_runs_counts(kernel, folder, monkeypatch):
    store_notebook(folder, {"ask": PREDICT, "below": "c = 3"})
    (folder / "lesson.ipynb").rename(folder / "a copy.ipynb")
    store_notebook(folder)
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "lesson.ipynb"))
    kernel.run("ask")
    choose(kernel)
    kernel.run("below")
    assert not kernel.is_answered
    kernel.run("decide")
    assert kernel.is_answered


def test_another_prediction_in_between_answers_nothing(kernel, folder):
    cells = {"ask": PREDICT, "ask-2": PREDICT.replace("How", "By how"), "decide": "b = 2"}
    store_notebook(folder, cells)
    kernel.run("ask")
    choose(kernel)
    predict("By how much?", ["1", "2"], answer="1", why="So.")
    kernel.decider.after_run(result("ask-2", cells["ask-2"]))
    assert not kernel.is_answered
    kernel.run("decide")
    assert kernel.is_answered


def test_a_kernel_that_gets_no_ids_is_served(folder):
    """As nbval and Voila run a notebook: a real kernel, and neither an error nor a word."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in (
                "from helpers.exercises import predict",
                PREDICT,
                "guess.chosen = '10'; print(guess.is_revealed)",
                "print(guess.is_revealed)",
            )
        ],
    )
    nbformat.write(notebook, folder / "lesson.ipynb")
    nbclient.NotebookClient(notebook, timeout=60).execute(cwd=str(folder))
    said = [out.get("text") for cell in notebook.cells[2:] for out in cell.outputs]
    assert said == ["False\n", "True\n"]
    assert [cell.outputs for cell in notebook.cells[:2]] == [[], []]
