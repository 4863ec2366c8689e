"""`TrainingExplorer`: an explorer that also trains what its controls say."""

import dataclasses
import html
import os
from collections.abc import Callable

import ipywidgets as widgets

from helpers.explorers import layout
from helpers.explorers.base import Explorer, sentence_of
from helpers.explorers.canvas import DRAWING
from helpers.explorers.controls import choice
from helpers.explorers.worker import Worker

# Whether explorers train within each move, however long it takes: for tests and for CI.
SYNCHRONOUS = bool(os.environ.get("COURSE_SYNCHRONOUS"))
IN_THE_MOVE = 0.15  # seconds: what trains in less does so before its picture is drawn
PAUSE = 0.4  # seconds without a move before a longer training begins
PLAY_INTERVAL = 100  # milliseconds an epoch
# Where a reader asked for less motion: pictures that stand for a second, ten of a run.
CALM_INTERVAL = 1000
CALM_PICTURES = 10


@dataclasses.dataclass(frozen=True, eq=False)  # so that what is made of one can be cached
class Run:
    """What a `TrainingExplorer` draws: as initialised, the recording if there is one, the epoch."""

    start: object
    recording: object | None
    chosen_epoch: int

    @property
    def row(self) -> int:
        """Which row of the recording is chosen; the last one where the run ended before."""
        if self.recording is None:
            return 0
        return min(self.chosen_epoch, self.recording.sizes["step"] - 1)

    @property
    def epoch(self) -> float:
        """The epoch of that row: 0 before there is a recording."""
        return 0 if self.recording is None else float(self.recording.epoch.values[self.row])


class TrainingExplorer(Explorer):
    """An explorer that also trains the present setting.

    What is quick to train is trained before its picture is drawn, so that the trained picture
    follows the slider. Of all else the picture as initialised comes at once, and training begins in
    a thread of its own once nothing has moved for `PAUSE`; the newest setting wins. The epoch
    slider, and the play button before it, move all panels through the run. Where the reader asked
    the system for less motion, ten pictures of the run stand for a second each.

    Parameters
    ----------
    views : dict of str to list of Panel
        Pictures to choose from, the first one first. They draw a `Run`.
    train : callable
        ``train(progress=..., stop=..., **values)`` returns a recording with one row an epoch.
    seconds : callable
        ``seconds(**values)`` estimates how long that takes.
    epochs : int
        How many epochs that is.
    The others as in `Explorer`. With `SYNCHRONOUS` set, training always happens within the move.
    """

    def __init__(
        self,
        controls,
        compute: Callable,
        views: dict[str, list],
        find: Callable,
        *,
        train: Callable,
        seconds: Callable,
        epochs: int,
        **options,
    ):
        self._views = views
        self._train = train
        self._seconds = seconds
        self._epochs = epochs
        self._recording = None
        self._outcome = ""  # why there is no training, or not the whole of it
        self._worker = Worker(self._work, self._done, pause=PAUSE)
        super().__init__(controls, compute, next(iter(views.values())), find, **options)

    def _build(self, presets, size):
        top, middle, text = super()._build(presets, size)
        self.view = choice(self._views, next(iter(self._views)), description="show")
        self.epoch = widgets.IntSlider(0, 0, self._epochs, description="epoch", tooltip="epoch")
        for control, width in ((self.view, "190px"), (self.epoch, "340px")):
            control.style.description_width = layout.SHORT_LABEL_WIDTH
            control.layout.width = width
            control.observe(lambda _: self._show_if_free(), names="value")
        self._play = widgets.Play(
            min=0, max=self._epochs, interval=PLAY_INTERVAL, show_repeat=False
        )
        self._play.observe(lambda change: self._page.set_trait("playing", change.new), "playing")
        self._page.observe(lambda change: self._pace(change.new), "calm")
        self._link = widgets.jslink((self._play, "value"), (self.epoch, "value"))
        self._bar = widgets.FloatProgress(
            0, min=0, max=1, description="training", tooltip="training"
        )
        self._bar.style.description_width = "70px"
        self._bar.layout.width = "160px"
        self._stop = layout.button("Stop training", on_click=self.stop)
        self._stop.disabled = True
        self._status = layout.words()
        row = widgets.HBox([self.view, self._play, self.epoch, self._bar, self._stop, self._status])
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

    def _show_if_free(self):
        if self._waiting:
            return
        if not self._play.playing:  # what plays on by itself answers nothing
            self._slip = ""
        self._show()

    def refresh(self) -> None:
        """Compute and draw the present setting, trained if that is quick; else ask for it."""
        if self._waiting:
            return
        self._worker.drop()
        # held from here on, so that a run that just ended can't draw in between
        with DRAWING:
            self._recording = None
            self._rest("")
            self._compute_result()
            later = self._result is not None and not self._train_in_the_move()
            self._show()
        if later and self._result is not None:  # drawing may have failed
            self._worker.ask(self.values, self._tell)

    def _train_in_the_move(self):
        """Train at once what is quick; return whether that is done, or can't be done at all."""
        values = self.values
        try:
            if not SYNCHRONOUS and self._seconds(**values) > IN_THE_MOVE:
                return False
            self._recording = self._train(progress=None, stop=None, **values)
        except Exception as error:  # no exception reaches a learner but as a sentence
            self._refuse(error)
        return True

    def _is_at_work_on(self, values):
        # A field that loses the focus may send its text again: Stop is to end this run, not a new
        # one that has nothing yet.
        return not self._stop.disabled and values.items() <= self.values.items()

    def reset(self) -> None:
        """Go back to the first picture: setting, view and epoch, with nothing pinned or played."""
        with self._one_drawing(draw=False):
            self._play.playing = False
            self._play.value = 0
            self.epoch.value = 0
            self.view.value = next(iter(self._views))
        super().reset()

    def free(self) -> None:
        """End the training, too."""
        self._worker.drop()
        self._link.close()
        super().free()
        self._recording = None

    def stop(self) -> None:
        """End the training, or what waits to be trained; what a run has so far is drawn."""
        self._worker.stop()
        self._rest("stopped")

    def _pace(self, calm):
        """Set how fast the epochs play."""
        self._play.interval = CALM_INTERVAL if calm else PLAY_INTERVAL
        self._play.step = max(1, self._epochs // CALM_PICTURES) if calm else 1

    def announce(self, *before):
        """Have it read out, too, why a training ended, or can't begin."""
        super().announce(*before, self._outcome)

    def _rest(self, status):
        self._stop.disabled = True
        self._bar.value = 0
        self._status.value = html.escape(status)
        self._outcome = status and f"{status[0].upper()}{status[1:].rstrip('.')}."
        self.announce()

    def _refuse(self, error):
        self._rest(f"No training: {sentence_of(error)}")

    def _tell(self, share):
        self._bar.value = share
        self._stop.disabled = False
        self._status.value = f"{100 * share:.0f} %"

    def _work(self, values, progress, stop):
        progress(0.0)
        return self._train(progress=progress, stop=stop, **values)

    def _done(self, values, outcome):
        """Draw what the thread brings."""
        # in the worker's thread
        with DRAWING:
            if values != self.values:
                return  # a newer setting is on its way
            self._rest("")
            if isinstance(outcome, Exception):
                self._refuse(outcome)
                return
            self._recording = outcome
            if outcome.attrs["stopped"]:
                self._rest(f"stopped at epoch {outcome.epoch.values[-1]:g}")
            self._show()
