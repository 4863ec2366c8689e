"""The sides that do source A's job, each in a file of its own; what they have in common is here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.job import SOURCE_A, Job

LEAN = "gradient mean, std"
EVERYTHING = "everything"
FIRST_ROWS = SOURCE_A.steps_per_epoch  # an epoch: so far, everyone must agree closely
CLOSE = 1e-5  # relative error of each loss in the first rows
CLOSE_RECORD = 1e-4  # relative error, in norm, of each recorded statistic in the first rows
SIMILAR = 2e-2  # relative error of each loss at all: rounding grows from step to step


@dataclass
class Result:
    """What one run recorded, by the names that `train` uses.

    `losses`: (rows,); `record`: name -> (rows, layers), or (rows,) for accuracy. Row k belongs to
    the weights after `every` * k updates; a loss is the mean over the `every` updates from there.
    """

    losses: np.ndarray
    record: dict[str, np.ndarray] = field(default_factory=dict)
    every: int = 1


@dataclass(frozen=True)
class Side:
    """One way to do the job.

    Parameters
    ----------
    prepare : callable
        ``prepare(job)`` makes ready what isn't timed (data in the side's own form, a model) and
        returns ``run()``, which trains from the start.
    records : str
        What it records at every step, beside the loss.
    job : Job
        The job; the slow sides do a tenth of the epochs.
    read : callable
        Turns what ``run()`` returned into a `Result`; this isn't timed.
    """

    prepare: Callable[[Job], Callable]
    records: str = LEAN
    job: Job = SOURCE_A
    read: Callable[[Any], Result] = lambda result: result


def moments(gradients) -> dict[str, np.ndarray]:
    """Turn pairs (mean, std), by step and layer, into a record."""
    table = np.array(gradients)
    return {"gradient_mean": table[..., 0], "gradient_std": table[..., 1]}


def compare(result: Result, reference: Result) -> tuple[float, float, float]:
    """Check that two sides did the same: the greatest errors of first losses, all, and statistics.

    Parameters
    ----------
    reference : Result
        Of the same job or a longer one, with a row for every step.

    Raises
    ------
    AssertionError
        Where they differ by more than rounding explains.
    """
    # a side that reports by epoch gives means: the reference's losses are averaged alike
    expected = reference.losses[: len(reference.losses) // result.every * result.every]
    expected = expected.reshape(-1, result.every).mean(axis=1)[: len(result.losses)]
    error = np.abs(result.losses / expected - 1)
    first = error[:FIRST_ROWS].max()
    whole = error.max()
    assert first < CLOSE, f"The first losses differ by {first:.0e}"
    assert whole < SIMILAR, f"The losses differ by {whole:.0e}"
    worst = 0.0
    for name, values in result.record.items():
        mine = values[:FIRST_ROWS]
        theirs = reference.record[name][:: result.every][: len(mine)]
        mine = mine[: len(theirs)]  # fit has a row more, after the last update
        size = np.linalg.norm(theirs)
        difference = np.linalg.norm(mine - theirs) / (size or 1.0)
        assert difference < CLOSE_RECORD, f"{name} differs by {difference:.0e}"
        worst = max(worst, difference)
    return first, whole, worst
