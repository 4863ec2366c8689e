"""Predictions: the learner commits to an answer, then runs the cell that decides it.

What was chosen is kept in the small file ``.progress.json`` beside the notebook, so that it
survives a restarted kernel; `forget` begins anew.
"""

import html
import json
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets

PROGRESS = Path(".progress.json")
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
        self.question, self.answer, self.why = question, answer, why
        self._options = widgets.RadioButtons(options=options, value=None)
        self._options.layout.width = "max-content"
        self._options.layout.height = "auto"
        self._show = widgets.Button(description="Show the answer", disabled=True)
        # Until a choice is made, an empty space keeps what follows, the answer, off the screen.
        self._reply = widgets.HTML(
            _line('<span style="opacity: 0.6">Choose first: the page goes on below.</span>')
        )
        self._reply.layout.min_height = "480px"
        earlier = _read().get(question)
        if earlier in options:
            self._options.value = earlier
            self._committed()
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
        self._options.disabled = True
        verdict = "✓ You said so" if self.chosen == self.answer else f"✗ You said {self.chosen}"
        self._reply.value = _line(
            f"{html.escape(verdict)}. The answer: <b>{html.escape(self.answer)}</b>. "
            f"{html.escape(self.why)}"
        )

    def _commit(self, _):
        _write({**_read(), self.question: self.chosen})
        self._committed()

    def _committed(self):
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


def tally(*predictions: Prediction) -> widgets.HTML:
    """Count the predictions made, and those that came true, in one sentence."""
    made = [p for p in predictions if p.chosen is not None]
    right = sum(p.chosen == p.answer for p in made)
    return widgets.HTML(
        _line(f"You made {len(made)} of {len(predictions)} predictions; {right} came true.")
    )


def forget() -> None:
    """Delete every choice made so far, for a second class: then run the notebook again."""
    PROGRESS.unlink(missing_ok=True)


def _line(text):
    return f'<p role="status" style="font-size: 18px; line-height: 1.4">{text}</p>'


def _read():
    if not PROGRESS.exists():
        return {}
    try:
        return dict(json.loads(PROGRESS.read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # half-written or edited by hand: keep it, start a new one
        PROGRESS.replace(PROGRESS.with_suffix(".broken"))
        return {}


def _write(progress):
    fresh = PROGRESS.with_suffix(".new")
    fresh.write_text(json.dumps(progress, indent=1, ensure_ascii=False), encoding="utf-8")
    fresh.replace(PROGRESS)
