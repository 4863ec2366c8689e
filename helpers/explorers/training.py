"""`TrainingExplorer`: an explorer that also trains what its controls say."""

import html
import os
from typing import NamedTuple

import ipywidgets as widgets

from helpers.explorers import layout
from helpers.explorers.base import Explorer, sentence_of
from helpers.explorers.canvas import DRAWING
from helpers.explorers.controls import choice
from helpers.explorers.worker import Worker

# Whether explorers train within each move, however long it takes: for tests and for CI.
SYNCHRONOUS = bool(os.environ.get("COURSE_SYNCHRONOUS"))
PAUSE = 0.4  # seconds without a move before training begins
PLAY_INTERVAL = 100  # milliseconds an epoch


class Run(NamedTuple):
    """What a `TrainingExplorer` draws: as initialised, the recording if there is one, the epoch."""

    start: object
    recording: object | None
    epoch: int

    @property
    def row(self) -> int:
        """Which row of the recording the epoch is; the last one where the run ended before."""
        return min(self.epoch, self.recording.sizes["step"] - 1)


class TrainingExplorer(Explorer):
    """An explorer that also trains the present setting, once nothing has moved for `PAUSE`.

    Training goes on in a thread of its own; the newest setting wins. The epoch slider, and the
    play button before it, move all panels through the run.

    Parameters
    ----------
    views : dict of str to list of Panel
        Pictures to choose from, the first one first. They draw a `Run`.
    train : callable
        ``train(progress=..., stop=..., **values)`` returns a recording with one row an epoch.
    epochs : int
        How many epochs that is.
    The others as in `Explorer`. With `SYNCHRONOUS` set, training happens within each move.
    """

    def __init__(self, controls, compute, views, find, *, train, epochs, **options):
        self._views = views
        self._train = train
        self._epochs = epochs
        self._recording = None
        self._worker = Worker(self._work, self._done, pause=PAUSE)
        super().__init__(controls, compute, next(iter(views.values())), find, **options)

    def _build(self, presets, size):
        top, middle, text = super()._build(presets, size)
        self.view = choice(self._views, next(iter(self._views)), description="show")
        self.epoch = widgets.IntSlider(0, 0, self._epochs, description="epoch")
        for control, width in ((self.view, "240px"), (self.epoch, "340px")):
            control.style.description_width = layout.SHORT_LABEL_WIDTH
            control.layout.width = width
            control.observe(lambda _: self._show(), names="value")
        self._play = widgets.Play(
            min=0, max=self._epochs, interval=PLAY_INTERVAL, show_repeat=False
        )
        widgets.jslink((self._play, "value"), (self.epoch, "value"))
        self._bar = widgets.FloatProgress(0, min=0, max=1, description="training")
        self._bar.style.description_width = "70px"
        self._bar.layout.width = "220px"
        self._stop = layout.button("Stop", "stop", self.stop)
        self._stop.disabled = True
        self._status = widgets.HTML()
        parts = [self._play, self.epoch, self._bar, self._stop, self._status]
        if len(self._views) > 1:
            parts = [self.view, *parts]
        row = widgets.HBox(parts)
        row.layout.flex_flow = "row wrap"
        return [top, middle, row, text]

    @property
    def panels(self):
        """The panels of the view that was chosen."""
        return self._views[self.view.value]

    @property
    def content(self):
        """What is drawn, and pinned: a `Run`."""
        return Run(self._result, self._recording, self.epoch.value)

    def _still_of(self, pinned):
        return (self._recording, pinned and pinned.recording)

    def refresh(self) -> None:
        """Compute and draw the present setting as initialised, and ask for its training."""
        if self._waiting:
            return
        with DRAWING:
            self._recording = None
            super().refresh()
        if self._result is None:
            self.stop()
            self._status.value = ""
        elif SYNCHRONOUS:
            values = self.values
            try:
                outcome = self._work(values, lambda share: None, lambda: False)
            except Exception as error:
                outcome = error
            self._done(values, outcome)
        else:
            self._worker.ask(self.values, self._tell)

    def reset(self) -> None:
        """Go back to the first setting, at epoch 0, with nothing pinned."""
        self.epoch.value = 0
        super().reset()

    def stop(self) -> None:
        """End the training, or what waits to be trained; what a run has so far is drawn."""
        self._worker.stop()
        self._rest("stopped")

    def _rest(self, status):
        self._stop.disabled = True
        self._bar.value = 0
        self._status.value = html.escape(status)

    def _tell(self, share):
        self._bar.value = share
        self._stop.disabled = False
        self._status.value = ""

    def _work(self, values, progress, stop):
        progress(0.0)
        return self._train(progress=progress, stop=stop, **values)

    def _done(self, values, outcome):
        self._rest("")
        if isinstance(outcome, Exception):
            self._rest(f"No training: {sentence_of(outcome)}")
            return
        with DRAWING:
            if values == self.values:  # else a newer setting is on its way
                self._recording = outcome
                if outcome.attrs["stopped"]:
                    self._rest(f"stopped at epoch {outcome.epoch.values[-1]:g}")
                self._show()
