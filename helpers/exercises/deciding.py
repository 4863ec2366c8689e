"""Which run of a cell decides a prediction.

IPython tells us of every run once it is over. The cell that decides is the next code cell below the
question, as the notebook is stored; a run of any other, above or below, in any order, changes
nothing. A run is known by the id of its cell, which JupyterLab sends along; elsewhere (nbval, other
front ends) by its code. Where the notebook can't be found, it is the next run of code that this
kernel hasn't run before.

A run that fails decides nothing, nor does one that asks a prediction itself.
"""

import sys

from helpers.exercises.lessons import Cell, cell_below


class Decider:
    """The predictions asked in this kernel, and what has run in it."""

    def __init__(self):
        self._new: list = []  # asked by the cell that is running
        self._asked: dict[str, tuple] = {}  # question -> prediction, and the cell that decides it
        self._decided: set[str] = set()  # questions
        self._runs: dict[str | None, set[str]] = {}  # id of a cell -> its code, in each version
        self._shell = None

    def add(self, prediction) -> None:
        """Tell a prediction, ``question`` and ``decide()``, when it is decided.

        Nothing happens outside of IPython.
        """
        # its cell is still running; which one it is we hear at its end
        self._new.append(prediction)
        self.listen()

    def listen(self) -> None:
        """Hear of every run from now on; a second call changes nothing."""
        if "IPython" not in sys.modules:
            return
        shell = sys.modules["IPython"].get_ipython()
        # None while a program merely uses IPython as a library
        if shell is not None and shell is not self._shell:
            shell.events.register("post_run_cell", self.after_run)
            self._shell = shell

    def after_run(self, result) -> None:
        """Look at a run that is over: `result` is IPython's ``ExecutionResult``."""
        info = result.info
        new = self._new
        self._new = []
        # front ends run code of their own in silence
        if info.silent or not info.store_history:
            return
        # attributes that older versions of IPython lack
        cell_id = getattr(info, "cell_id", None)
        source = info.raw_cell
        # also of a run that failed further down: its question is on the page all the same
        for prediction in new:
            self._ask(prediction, cell_below(cell_id, source))
        if new or not result.success:
            return
        for question, (prediction, cell) in self._asked.items():
            if self._is_decided_by(cell, cell_id, source):
                self._decided.add(question)
                prediction.decide()
        self._runs.setdefault(cell_id, set()).add(source)

    def _ask(self, prediction, cell):
        question = prediction.question
        # asked again, the new widget stands for the old one, which is no longer on the page
        self._asked[question] = (prediction, cell)
        # asked again, or run out of order: the answer has been on the page
        if question in self._decided or (cell is not None and self._has_run(cell)):
            prediction.decide()

    def _is_decided_by(self, cell: Cell | None, cell_id, source):
        # an unsaved notebook: the first code that is new to this kernel must be what comes next
        if cell is None:
            return not any(source in sources for sources in self._runs.values())
        return cell.is_run_by(cell_id, source)

    def _has_run(self, cell):
        return any(
            cell.is_run_by(cell_id, source)
            for cell_id, sources in self._runs.items()
            for source in sources
        )


decider = Decider()
