"""What a run is told: the batches of every step, the rows to record, and when to look up."""

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from helpers.checks import affordable, not_endless, shown, whole_number
from helpers.data import Dataset, check_dataset

KEEP = ("kernel", "gradient")
LOSSES = {  # by whether the network has one output; the first is the default
    True: ("binary_crossentropy", "mean_squared_error"),
    False: ("categorical_crossentropy", "mean_squared_error"),
}
MOST_STEPS = 10**15  # more fit into no number of the engine
LOOKS = 12  # progress is told, and stop asked, at least that often in a run


@dataclass
class Plan:
    """The checked arguments of a run that have nothing to do with the network."""

    dataset: Dataset
    loss: str | None = None
    epochs: int = 100
    batch_size: int = 32
    seed: int = 0
    record_every: int = 1
    keep: tuple[str, ...] = ()
    progress: Callable | None = None
    stop: Callable | None = None

    def __post_init__(self):
        check_dataset(self.dataset)
        self.loss = _check_loss(self.loss, self.dataset.num_outputs)
        self.epochs = whole_number("epochs", self.epochs, low=0)
        self.batch_size = whole_number("batch_size", self.batch_size, high=len(self.dataset))
        # the batches of the whole run are drawn beforehand: at most one place for each example
        affordable("So many epochs", (self.epochs + 1) * len(self.dataset))
        self.seed = whole_number("seed", self.seed, low=0)
        self.record_every = min(whole_number("record_every", self.record_every), MOST_STEPS)
        self.keep = _check_keep(self.keep)
        for name in ("progress", "stop"):
            call = getattr(self, name)
            if call is not None and not callable(call):
                raise ValueError(f"{name} must be a function or None; got {shown(call)}.")
        # how the run ended, which only `chunks` knows
        self.stopped = False

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last, short one is dropped."""
        return len(self.dataset) // self.batch_size

    @property
    def num_steps(self) -> int:
        """Updates in all."""
        return self.epochs * self.steps_per_epoch

    @property
    def num_rows(self) -> int:
        """Rows of the recording: every record_every steps, and one after the last update."""
        # the double minus rounds up
        return -(-self.num_steps // self.record_every) + 1

    @property
    def batches(self) -> np.ndarray:
        """Which examples each step takes: int32, (num_steps + steps_per_epoch, batch_size).

        One epoch more than there are updates: the row after the last one is measured on the batch
        that would follow.
        """
        return _shuffled(len(self.dataset), self.batch_size, self.epochs + 1, self.seed)

    def chunks(self, at_most: int) -> Iterator[tuple[int, int]]:
        """Yield (first step, number of steps) of each part of the run; tell and ask in between.

        No part has more steps than `at_most`. The last, of one step, only measures.
        """
        total = self.num_steps
        if self.progress is not None or self.stop is not None:
            at_most = min(at_most, -(-total // LOOKS))
        at_most = max(1, at_most)
        for first in range(0, total, at_most):
            steps = min(at_most, total - first)
            yield first, steps
            if self.progress is not None:
                self.progress(min((first + steps) / total, 0.999))  # 1 is told by the last row
            if self.stop is not None and self.stop():
                self.stopped = True
                self.steps_made = first + steps
                return
        yield total, 1
        self.steps_made = total
        if self.progress is not None:
            self.progress(1.0)

    @property
    def recorded_steps(self) -> np.ndarray:
        """The steps of the rows of a recording, once the chunks have been run."""
        if self.stopped:
            return np.arange(0, self.steps_made, self.record_every)
        return np.append(np.arange(0, self.num_steps, self.record_every), self.num_steps)

    @property
    def attrs(self) -> dict:
        """The arguments, for the recording."""
        return {
            "dataset": self.dataset.name,
            "num_examples": len(self.dataset),
            "loss": self.loss,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "steps_per_epoch": self.steps_per_epoch,
            "seed": self.seed,
            "record_every": self.record_every,
            "keep": " ".join(self.keep),
            "stopped": self.stopped,
            "precision": float_type(),
        }


@functools.lru_cache(8)
def _shuffled(num_examples, batch_size, epochs, seed):
    """Shuffle the examples anew for each epoch; an explorer asks for the same again and again."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    used = num_examples // batch_size * batch_size  # the last, short batch is dropped
    order = np.concatenate([rng.permutation(num_examples)[:used] for _ in range(epochs)])
    batches = order.reshape(-1, batch_size).astype(np.int32)
    batches.flags.writeable = False  # all who ask get the same array
    return batches


def float_type() -> str:
    """Keras's float type, "float32" unless it was changed: nobody can before Keras is loaded."""
    keras = sys.modules.get("keras")
    return "float32" if keras is None else keras.config.floatx()


def _check_loss(loss, num_outputs):
    allowed = LOSSES[num_outputs == 1]
    if loss is None:
        return allowed[0]
    if not isinstance(loss, str) or loss not in allowed:
        raise ValueError(
            f"loss must be None or {' or '.join(map(repr, allowed))} for {num_outputs} "
            f"output{'s' * (num_outputs > 1)}; got {shown(loss)}."
        )
    return loss


def _check_keep(keep):
    names = (keep,) if isinstance(keep, str) else keep
    if not isinstance(names, (tuple, list)) or any(
        not isinstance(name, str) or name not in KEEP for name in names
    ):
        raise ValueError(f"keep may hold {' and '.join(map(repr, KEEP))}; got {shown(keep)}.")
    return tuple(names)


def check_probe(probe, num_inputs: int) -> np.ndarray:
    """Return the inputs to look at, float64 of shape (num_points, num_inputs); None is 0 points.

    Raises
    ------
    ValueError
        For another shape, or a number that is not finite.
    """
    if probe is None:
        return np.zeros((0, num_inputs))
    needed = f"probe must be finite, of shape (num_points, {num_inputs})"
    try:
        points = np.asarray(not_endless("probe", probe), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{needed}; got {shown(probe)}.") from None
    if points.ndim != 2 or points.shape[1] != num_inputs:
        raise ValueError(f"{needed}; got the shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError(f"{needed}; got a number that is NaN or infinite.")
    return points
