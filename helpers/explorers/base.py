"""`Explorer`: controls, one sentence, and a picture that answers at once.

ipywidgets merges the moves that pile up while a picture is drawn, so the last value always wins.
"""

import html
import logging
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from helpers.explorers import layout, settings
from helpers.explorers.canvas import DRAWING, Canvas
from helpers.explorers.controls import Steps
from helpers.explorers.page import PageHelper
from helpers.explorers.release import close_all, free_last_run

LOG = logging.getLogger(__name__)
SIZE = (7.4, 5.1)  # inches of a picture
LONG = 200  # letters; on the page for a hall a longer sentence is set in smaller type


class Finding(NamedTuple):
    """What a picture says: the verdict sentence, and the numbers that a comparison is about.

    `numbers` holds them in words by what they are: {"accuracy": "0.98"}.
    """

    sentence: str
    numbers: dict[str, str] = {}  # noqa: RUF012  nobody changes it


class Pinned(NamedTuple):
    """The picture that is kept as A."""

    content: object
    values: dict
    finding: Finding


class Explorer(widgets.VBox):
    """Controls, under them the verdict in words, and the picture beside them.

    Above stand the buttons: one for each preset, "Pin as A", which keeps the present picture in
    grey under whatever comes next, and "Reset". Below stands the setting as text, to be copied, or
    pasted and confirmed with Enter.

    Parameters
    ----------
    controls : dict of str to widget
        Named by the arguments of `compute`. A ``Button`` counts its clicks, from 0.
    compute : callable
        ``compute(**values)`` returns what is to be drawn, of any kind. What it raises is shown in
        the sentence's place: bad input as a ``ValueError`` with one clear sentence.
    panels : list of Panel
        The picture.
    find : callable
        ``find(result)`` returns the `Finding`.
    grid, size
        As in `Canvas`; an inch is at most 90 pixels of the page, drawn as 200.
    presets : dict of str to dict
        Values of some controls, by the label of the button that sets them.
    first : dict
        Values to begin with, of some controls.

    Raises
    ------
    ValueError
        For a value in `first` that its control can't take.
    """

    def __init__(
        self,
        controls: dict[str, widgets.Widget],
        compute: Callable,
        panels: list,
        find: Callable,
        *,
        grid: tuple[int, int] | list[list[int]] = (1, 1),
        size: tuple[float, float] = SIZE,
        presets: dict[str, dict] | None = None,
        first: dict | None = None,
    ):
        self.controls = controls
        self._compute = compute
        self._panels = panels
        self._find = find
        self._result = None
        self._finding = Finding("")
        self._pinned = None
        self._said = ""
        self._slip = ""  # what was wrong with the last setting that was typed, until the next one
        self._waiting = False
        self._watchers = []
        self._clicks = {n: 0 for n, c in controls.items() if isinstance(c, widgets.Button)}
        self._canvas = Canvas(grid, size)
        # before anything is drawn: a slip in a notebook's call is the caller's error
        settings.check(controls, first or {})
        self._take(first or {})
        self.first_values = self.values
        super().__init__(self._build(presets or {}, size))
        self.add_class("course-explorer")
        self._listen()
        free_last_run(self)
        self.refresh()

    def free(self) -> None:
        """Give back memory and channels, for good: nobody can see this explorer any more."""
        close_all(self)
        # the notebook's history keeps this object, so what is large in it has to go
        self._image.value = b""
        self.children = ()
        self.controls = {}
        self.presets = {}
        self._watchers = []
        self._canvas = None
        self._result = None
        self._pinned = None

    def _build(self, presets, size):
        """Make the widgets around the controls, and arrange them."""
        self.presets = layout.preset_buttons(presets, self.set)
        self._pin = layout.button("Pin as A", "thumb-tack", self._pin_or_unpin)
        self._reset = layout.button("Reset", "undo", self.reset)
        self._sentence = layout.words()
        self._image = layout.picture(size)
        self._text = layout.text_lines("setting")
        self._page = PageHelper()
        return [
            layout.top_row(self.presets.values(), [self._pin, self._reset], self._page),
            layout.middle_row(self.controls, self._sentence, self._image),
            layout.text_row(self._text),
        ]

    def _listen(self):
        for name, control in self.controls.items():
            if name in self._clicks:
                control.on_click(lambda _, name=name: self.set(**{name: self._clicks[name] + 1}))
            else:
                control.observe(lambda _: self.refresh(), names="value")
            if isinstance(control, Steps):
                control.observe(lambda change: self._answer_slip(change.new), names="slip")
        self._text.observe(lambda change: self._read(change.new), names="value")
        self._page.observe(lambda change: self._read(change.new), names="asked")
        self._page.observe(lambda change: self.clicked(*change.new), names="clicked")

    # ------------------------------------------------------------ what it shows

    @property
    def values(self) -> dict:
        """What the controls say now, by name."""
        return {
            name: self._clicks.get(name, getattr(control, "value", None))
            for name, control in self.controls.items()
        }

    @property
    def text(self) -> str:
        """The setting as one line, which `set_text` takes back."""
        return self._text.value

    @property
    def verdict(self) -> str:
        """The sentence under the controls."""
        return self._said

    @property
    def figure(self):
        """The matplotlib figure."""
        return self._canvas.figure

    @property
    def axes(self):
        """The axes of the picture, a flat array."""
        return self._canvas.axes

    @property
    def panels(self) -> list:
        """What is drawn on the axes."""
        return self._panels

    @property
    def content(self):
        """What is drawn, and pinned."""
        return self._result

    # ------------------------------------------------------------ what a learner does

    def watch(self, call: Callable) -> None:
        """Let ``call(explorer)`` know of every new picture."""
        self._watchers.append(call)

    def set(self, **values) -> None:
        """Set several controls, and draw once.

        Raises
        ------
        ValueError
            For an unknown control, or a value that it can't take; then nothing changes.
        """
        settings.check(self.controls, values)
        with self._one_drawing():
            self._take(values)

    def set_text(self, text: str) -> None:
        """Set the controls from a line such as `text` gives; those it leaves out stay.

        Raises
        ------
        ValueError
            As `set`, or for a word that isn't ``name=value``.
        """
        self.set(**settings.parse(text, self.controls))

    def pin(self) -> None:
        """Keep the present result as A, drawn in grey from now on."""
        self._slip = ""
        if self._result is not None:
            self._pinned = Pinned(self.content, self.values, self._finding)
        self._show()

    def unpin(self) -> None:
        """Forget A."""
        self._slip = ""
        self._pinned = None
        self._show()

    def reset(self) -> None:
        """Go back to the first setting, with nothing pinned."""
        self._pinned = None
        self.set(**self.first_values)

    def clicked(self, across: float, down: float) -> None:
        """Answer a click on the picture, given in shares of its width and height: here, not."""

    def _pin_or_unpin(self):
        if self._pinned is None:
            self.pin()
        else:
            self.unpin()

    def _take(self, values):
        for name, value in values.items():
            if name in self._clicks:
                self._clicks[name] = value
            else:
                self.controls[name].value = value

    def _read(self, text):
        """Take a setting that was typed or pasted; a slip changes nothing, and is said."""
        if self._waiting:
            return
        try:
            values = settings.parse(text, self.controls)
            if self._is_at_work_on(values):
                self._answer_slip("")
                self._say(self._sentences())
                self._write_text()
            else:
                self.set(**values)
        except ValueError as error:
            self._answer_slip(str(error))

    def _is_at_work_on(self, values):
        """Say whether these values need no new start, as theirs goes on."""
        return False

    def _answer_slip(self, slip):
        """Say what was wrong with what was typed; a training that ends meanwhile won't unsay it."""
        self._slip = slip
        if slip:
            self._say(slip)

    @contextmanager
    def _one_drawing(self, draw=True):
        """Hold back the drawings that the changes within would cause, and draw once after them."""
        before = self._waiting
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = before
        if draw:
            self.refresh()

    # ------------------------------------------------------------ from a setting to a picture

    def refresh(self) -> None:
        """Compute and draw the present setting."""
        if not self._waiting:
            with DRAWING:
                self._compute_result()
                self._show()

    def _compute_result(self):
        """Compute what is to be drawn; where that fails it's None, and the finding says why."""
        self._slip = ""  # a new setting answers the last one
        try:
            self._result = self._compute(**self.values)
        except Exception as error:  # no exception reaches a learner but as a sentence
            self._fail(error)

    def _fail(self, error):
        self._result = None
        self._finding = Finding(sentence_of(error))

    def _show(self):
        """Draw what there is, and say it."""
        with DRAWING:
            try:
                self._draw()
            except Exception as error:  # as above
                self._fail(error)
                self._canvas.clear()
            picture = self._canvas.paint()
        self._say(self._slip or self._sentences())
        self._pin.description = "Pin as A" if self._pinned is None else "Unpin A"
        self._write_text()
        self._page.picture = self._canvas.words
        self._image.value = picture  # last: whoever sees a new picture sees the words to it
        for call in self._watchers:
            call(self)

    def _write_text(self):
        """Let the line say the whole setting, without asking for another drawing."""
        with self._one_drawing(draw=False):
            self._text.value = " ".join(
                f"{name}={settings.write(self.controls[name], value)}"
                for name, value in self.values.items()
            )

    def _sentences(self):
        return " ".join(filter(None, (self._finding.sentence, self._difference())))

    def _draw(self):
        if self._result is None:
            self._canvas.clear()
            return
        content = self.content
        pinned = self._pinned.content if self._pinned else None
        # a run that diverged holds inf and NaN, which are results here
        with np.errstate(over="ignore", invalid="ignore"):
            self._canvas.draw(self.panels, content, pinned, self._still_of(pinned))
            self._finding = self._find(content)

    def _still_of(self, pinned):
        """Tell what the still parts of the panels are drawn from."""
        return ()

    def _say(self, sentence):
        """Show a sentence; what stands before a colon, the verdict, in bold."""
        self._said = sentence
        word, colon, rest = html.escape(sentence).partition(":")
        start = f"<b>{word}{colon}</b>" if colon else word
        looks = "course-verdict course-long" if len(sentence) > LONG else "course-verdict"
        self._sentence.value = f'<p class="{looks}">{start}{rest}</p>'
        self.announce()

    def announce(self, *before: str) -> None:
        """Have the sentence read out, after what else there is to say, once things are at rest."""
        self._page.said = " ".join(filter(None, [*before, self._said]))

    def _difference(self):
        """Say what changed since A, and what that did to the numbers that both have."""
        if self._pinned is None or self._result is None:
            return ""
        changed = self._changes()
        if not changed:
            return "This is A: change something, and both are drawn."
        before = self._pinned.finding.numbers
        compared = [
            f"{name} {before[name]} → {number}"
            for name, number in self._finding.numbers.items()
            if name in before
        ]
        return f"Against A ({', '.join(changed)}): {', '.join(compared) or 'not comparable'}."

    def _changes(self):
        """List in words which controls differ from A's."""
        changed = []
        for name, value in self.values.items():
            control = self.controls[name]
            old = self._pinned.values[name]
            if value != old and name in self._clicks:
                changed.append("another draw")
            elif value != old:
                both = " → ".join(settings.write(control, v) for v in (old, value))
                changed.append(f"{control.description} {both}")
        return changed


def sentence_of(error: Exception) -> str:
    """Say what went wrong. Bad input says so itself; all else is a mistake, and goes to the log."""
    if isinstance(error, ValueError):
        return str(error)
    LOG.error("An explorer could not draw this setting.", exc_info=error)
    return f"This setting could not be drawn: {type(error).__name__}: {error}"
