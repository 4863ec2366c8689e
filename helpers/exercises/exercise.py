"""A task that the learner answers in a cell of their own, with hints, a solution and a check."""

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from helpers.checks import a_function, a_text, texts
from helpers.exercises import store
from helpers.exercises.page import CODE_STYLE, escape, line, prose, reply

SOLVED = "solved"


class Exercise(widgets.VBox):
    """A task that the learner answers in the next cell, with hints, a solution and a check.

    An exercise weighs nothing: hints and solution may be asked for at any time. Text may hold
    ``code`` between backticks.

    Parameters
    ----------
    question : str
        What to do; it also names the exercise in the progress file.
    checker : callable
        Takes an answer and returns None or "" if it is right, otherwise one sentence that says
        what is wrong, best by naming the misconception behind it. It should take any correct way
        to write the answer (a list, an array, a tensor; a function under any name).
    hints : sequence of str
        From a nudge to nearly the answer; `hint` gives one after the other.
    solution : str
        Python code that assigns ``answer``, for the notebook in which it stands. A function is
        shown under the name that the question gives it (the first ``name(`` after a backtick), so
        that it can be pasted into the learner's cell.

    Raises
    ------
    ValueError
        If `solution` isn't such code.
    """

    def __init__(
        self,
        question: str,
        *,
        checker: Callable[[object], str | None],
        hints: Sequence[str],
        solution: str,
    ):
        a_text("question", question)
        a_function("checker", checker)
        hints = texts("hints", hints)
        code = textwrap.dedent(a_text("solution", solution)).strip()
        # an assignment of any form (answer = ..., answer, other = ...), or a function of that name
        if not re.search(r"^(answer\b.*=|def answer\b)", code, re.M):
            raise ValueError(f"solution must be code that assigns answer; got {solution!r}.")
        self.question = question
        self.checker = checker
        self.hints = hints
        self._hints_given = 0
        # compiled here, so that a mistake in it shows when the notebook is written
        self._code = compile(code, "<solution>", "exec")
        named = re.search(r"`(\w+)\(", question)
        # where `answer` is called or defined, recursion included, and nowhere else
        self._text = re.sub(r"\banswer(?=\()", named.group(1), code) if named else code
        self._title = widgets.HTML(line(f"<b>Exercise.</b> {prose(question)}"))
        self.solved = False
        if store.entries().get(question) == SOLVED:
            self._mark_solved()
        ask = [widgets.Button(description=text) for text in ("Hint", "Show the solution")]
        self._reply = widgets.HTML()
        for button, answer in zip(ask, (self.hint, self.solution), strict=True):
            # as a default argument: a closure would call the last of the two for both
            button.on_click(lambda _, answer=answer: self._say(answer()))
        super().__init__([self._title, widgets.HBox(ask), self._reply])

    def check(self, answer) -> widgets.HTML:
        """Say whether `answer` is right; if it isn't, why; ``...`` stands for no answer yet."""
        # a list of several answers, none of which was given
        if isinstance(answer, list) and answer and all(part is ... for part in answer):
            answer = ...
        try:
            complaint = None if answer is ... else self.checker(_watched(answer))
        except _Untouched:
            answer = ...
        except Exception as error:  # the answer's own: the learner reads it as a sentence
            # some messages run over many lines; the last one says what happened
            last = f"{type(error).__name__}: {error}".strip().splitlines()[-1]
            return reply("Could not be run.", f"It stopped with <code>{escape(last)}</code>")
        if answer is ...:
            return reply("Not answered yet.", "Replace the three dots, then run the cell again.")
        if complaint:
            return reply("✗ Not yet.", prose(complaint))
        store.keep(self.question, SOLVED)
        self._mark_solved()
        return reply("✓ Right.", f"It counts as solved. {escape(store.notice())}")

    def hint(self) -> widgets.HTML:
        """Give the next hint; after the last one, the last one again."""
        number = min(self._hints_given, len(self.hints) - 1)
        self._hints_given = number + 1
        return reply(f"Hint {self._hints_given} of {len(self.hints)}.", prose(self.hints[number]))

    def solution(self) -> widgets.HTML:
        """Show one way to do it."""
        # a number's cell gives it a name of its own, which the exercise doesn't know
        unnamed = re.search(r"\banswer\b", self._text)
        note = prose("`answer` is the name that your cell checks.") if unnamed else ""
        return reply(
            "One way to do it:",
            f'{note}<code style="display: block; white-space: pre; {CODE_STYLE}">'
            f"{escape(self._text)}</code>",
        )

    def try_solution(self, namespace: dict) -> str | None:
        """Run the solution among the names of its notebook, ``globals()``, and check it.

        Returns what the checker says of it: None or "" unless the course has a mistake.
        """
        # a copy: what the solution assigns must not change the notebook
        names = dict(namespace)
        exec(self._code, names)
        return self.checker(_watched(names["answer"]))

    def _mark_solved(self):
        self.solved = True
        self._title.value = line(f"<b>Exercise ✓ solved.</b> {prose(self.question)}")

    def _say(self, text):
        self._reply.value = text.value


class _Untouched(Exception):
    """The learner's function still returns the three dots."""


def _watched(answer):
    """Return a function of the learner's so that it raises `_Untouched` when it returns ``...``."""
    # not `callable`: np.square and the like return no dots, and have no body to replace
    if not inspect.isfunction(answer):
        return answer

    # with its own name, which a checker may quote
    @functools.wraps(answer)
    def function(*args, **kwargs):
        value = answer(*args, **kwargs)
        if value is ...:
            raise _Untouched
        return value

    return function
