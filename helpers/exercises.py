"""Predictions, and exercises that check themselves.

In a prediction the learner commits to an answer, then runs the cell that decides it; an exercise
is answered in a cell of one's own. What was chosen and what was solved is kept in the small file
``.progress.json`` beside the notebook, so that it survives a restarted kernel; `forget` begins
anew.
"""

import functools
import html
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

PROGRESS = Path(".progress.json")
SOLVED = "solved"
CODE_STYLE = "font-size: 16px"
FOLD = "480px"  # empty below an open question: what follows, its answer, is off the screen
ABSOLUTE_TOLERANCE = 1e-9  # of the largest entry: what counts as right beside a 0
# ipywidgets lays options out for short words in small print.
SIZES = """<style>
.course-prediction .widget-radio-box label {font-size: 18px; line-height: 1.5; height: auto}
.course-prediction .widget-radio-box {height: auto}
</style>"""


class Prediction(widgets.VBox):
    """A question with options to choose from, and the answer for those who have chosen.

    Parameters as in `predict`.
    """

    def __init__(self, question: str, options: Sequence[str], *, answer: str, why: str):
        if answer not in options:
            raise ValueError(f"answer must be one of the options {list(options)}; got {answer!r}.")
        self.question = question
        self.answer = answer
        self.why = why
        self._options = widgets.RadioButtons(options=options, value=None)
        self._options.layout.width = "max-content"
        self._options.layout.height = "auto"
        self._show = widgets.Button(description="Show the answer", disabled=True)
        self._reply = widgets.HTML(
            _line('<span style="opacity: 0.6">Choose first: the page goes on below.</span>')
        )
        self._reply.layout.min_height = FOLD
        earlier = _read().get(question)
        # an option that the course has reworded since is no choice any more
        if earlier in options:
            self._options.value = earlier
            self._show_commitment()
        # only now: restoring a choice must not write it again
        self._options.observe(self._commit, names="value")
        self._show.on_click(lambda _: self.reveal())
        title = widgets.HTML(_line(f"<b>Predict.</b> {html.escape(question)}") + SIZES)
        super().__init__([title, self._options, self._show, self._reply])
        self.add_class("course-prediction")

    @property
    def chosen(self) -> str | None:
        """The option committed to, or None."""
        return self._options.value

    def reveal(self) -> None:
        """Show the answer beside what was chosen, which then stands."""
        # a choice that can be changed once the answer is known is no prediction
        self._options.disabled = True
        verdict = "✓ You said so" if self.chosen == self.answer else f"✗ You said {self.chosen}"
        self._reply.value = _line(
            f"{html.escape(verdict)}. The answer: <b>{html.escape(self.answer)}</b>. "
            f"{html.escape(self.why)}"
        )

    def _commit(self, _):
        _write({**_read(), self.question: self.chosen})
        self._show_commitment()

    def _show_commitment(self):
        self._show.disabled = False
        self._reply.layout.min_height = "0px"
        self._reply.value = _line(
            f"You say <b>{html.escape(self.chosen)}</b>. "
            "Now click the next cell, run it, and come back to show the answer."
        )


def predict(question: str, options: Sequence[str], *, answer: str, why: str) -> Prediction:
    """Ask for a prediction that the next output decides.

    Parameters
    ----------
    question : str
        One sentence; it also names the prediction in the progress file.
    options : sequence of str
        What can be chosen.
    answer : str
        The option that turns out right.
    why : str
        One sentence that explains it, shown by ``reveal()``.

    Returns
    -------
    Prediction
        A widget. Once an option is chosen, its button shows the answer.

    Raises
    ------
    ValueError
        If `answer` is no option.
    """
    return Prediction(question, options, answer=answer, why=why)


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
        code = textwrap.dedent(solution).strip()
        # an assignment of any form (answer = ..., answer, other = ...), or a function of that name
        if not re.search(r"^(answer\b.*=|def answer\b)", code, re.M):
            raise ValueError(f"solution must be code that assigns answer; got {solution!r}.")
        self.question = question
        self.checker = checker
        self.hints = list(hints)
        self._hints_given = 0
        # compiled here, so that a mistake in it shows when the notebook is written
        self._code = compile(code, "<solution>", "exec")
        named = re.search(r"`(\w+)\(", question)
        # where `answer` is called or defined, recursion included, and nowhere else
        self._text = re.sub(r"\banswer(?=\()", named.group(1), code) if named else code
        self._title = widgets.HTML(_line(f"<b>Exercise.</b> {_prose(question)}"))
        self.solved = False
        if _read().get(question) == SOLVED:
            self._mark_solved()
        ask = [widgets.Button(description=text) for text in ("Hint", "Show the solution")]
        self._reply = widgets.HTML()
        for button, answer in zip(ask, (self.hint, self.solution), strict=True):
            # as a default argument: a closure would call the last of the two for both
            button.on_click(lambda _, answer=answer: self._say(answer()))
        super().__init__([self._title, widgets.HBox(ask), self._reply])

    def check(self, answer) -> widgets.HTML:
        """Say whether `answer` is right; if it isn't, why; ``...`` stands for no answer yet."""
        try:
            complaint = None if answer is ... else self.checker(_watched(answer))
        except _Untouched:
            answer = ...
        except Exception as error:  # the answer's own: the learner reads it as a sentence
            # some messages run over many lines; the last one says what happened
            last = f"{type(error).__name__}: {error}".strip().splitlines()[-1]
            return _reply("Could not be run.", f"It stopped with <code>{_escape(last)}</code>")
        if answer is ...:
            return _reply("Not answered yet.", "Replace the three dots, then run the cell again.")
        if complaint:
            return _reply("✗ Not yet.", _prose(complaint))
        _write({**_read(), self.question: SOLVED})
        self._mark_solved()
        return _reply("✓ Right.", "It counts as solved.")

    def hint(self) -> widgets.HTML:
        """Give the next hint; after the last one, the last one again."""
        number = min(self._hints_given, len(self.hints) - 1)
        self._hints_given = number + 1
        return _reply(f"Hint {self._hints_given} of {len(self.hints)}.", _prose(self.hints[number]))

    def solution(self) -> widgets.HTML:
        """Show one way to do it."""
        return _reply(
            "One way to do it:",
            f'<code style="display: block; white-space: pre; {CODE_STYLE}">'
            f"{_escape(self._text)}</code>",
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
        self._title.value = _line(f"<b>Exercise ✓ solved.</b> {_prose(self.question)}")

    def _say(self, text):
        self._reply.value = text.value


def compare(answer, right, misconceptions=None, *, rtol: float = 1e-3) -> str | None:
    """Compare numbers with the right ones, and with what known misconceptions lead to.

    The usual body of a checker. Lists, arrays and tensors serve alike; what is no number at all
    (None, a text) is named. A single number that was rounded too far is asked for one more digit.

    Parameters
    ----------
    answer : number or array
        The learner's.
    right : number or array
        What is right, to a relative `rtol` (beside zeros, to 1e-9 of its largest entry).
    misconceptions : dict of str to number or array, optional
        One sentence -> what comes out if one thinks so; tried in order.

    Returns
    -------
    str or None
        What is wrong, or None.
    """
    # before NumPy, which reads None as NaN and the text "1" as the number
    parts = answer if isinstance(answer, list | tuple) else [answer]
    if any(part is None for part in parts):
        return "There's a None in place of a number: is a `return` missing?"
    if any(isinstance(part, str) for part in parts):
        return "That's a text: leave out the quotation marks."
    got = _squeezed(answer)
    right = _squeezed(right)

    def equals(wanted):
        wanted = _squeezed(wanted)
        floor = ABSOLUTE_TOLERANCE * np.abs(wanted).max()
        return wanted.shape == got.shape and np.allclose(got, wanted, rtol=rtol, atol=floor)

    if equals(right):
        return None
    # before the shape: a misconception may lead to another one
    for sentence, wanted in (misconceptions or {}).items():
        if equals(wanted):
            return sentence
    if got.shape != right.shape:
        if not right.shape:
            return f"One number is asked for; yours has shape {got.shape}."
        return f"The shape should be {right.shape}; yours is {got.shape or 'a single number'}."
    if not np.isfinite(got).all():
        return "Not all of that is finite: is there a division by 0?"
    if _is_rounded(got, right):
        return "Right as far as it goes: give one more digit."
    return "That isn't it: the hints may help."


def _is_rounded(got, right):
    """Whether one number is another one that isn't whole, rounded to one, two or three digits."""
    if right.shape or float(right).is_integer():
        return False
    return any(float(f"{right:.{digits}g}") == got for digits in (1, 2, 3))


def _squeezed(numbers):
    """Return floats without dimensions of length 1: a column counts like a row."""
    return np.squeeze(np.asarray(numbers, float))


def tally(*parts: Prediction | Exercise) -> widgets.HTML:
    """Count the predictions made, those that came true, and the exercises solved."""
    predictions = [part for part in parts if isinstance(part, Prediction)]
    exercises = [part for part in parts if isinstance(part, Exercise)]
    # a choice counts, whether its answer has been looked at or not
    made = [p for p in predictions if p.chosen is not None]
    right = sum(p.chosen == p.answer for p in made)
    text = f"You made {len(made)} of {len(predictions)} predictions; {right} came true."
    if exercises:
        text += f" You solved {sum(e.solved for e in exercises)} of {len(exercises)} exercises."
    return widgets.HTML(_line(text))


def forget() -> None:
    """Delete every choice made so far, for a second class: then run the notebook again."""
    PROGRESS.unlink(missing_ok=True)


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


def _reply(verdict, text):
    return widgets.HTML(_line(f"<b>{verdict}</b> {text}"))


def _escape(text):
    # quotation marks may stay: the text stands between tags, not within one
    return html.escape(text, quote=False)


def _prose(text):
    """Text for a page: escaped, what stands between backticks in the type of code."""
    return re.sub(r"`([^`]+)`", rf'<code style="{CODE_STYLE}">\1</code>', _escape(text))


def _line(text):
    # role="status": a screen reader says what changes
    return f'<p role="status" style="font-size: 18px; line-height: 1.4">{text}</p>'


def _read():
    if not PROGRESS.exists():
        return {}
    try:
        return dict(json.loads(PROGRESS.read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # half-written or edited by hand
        # put aside, not lost, and a new one is begun
        PROGRESS.replace(PROGRESS.with_suffix(".broken"))
        return {}


def _write(progress):
    # a new file that takes the old one's name: interrupted, it leaves the old one whole
    fresh = PROGRESS.with_suffix(".new")
    fresh.write_text(json.dumps(progress, indent=1, ensure_ascii=False), encoding="utf-8")
    fresh.replace(PROGRESS)
