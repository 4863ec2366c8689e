"""Predictions, and exercises that check themselves.

In a prediction the learner commits to an answer, then runs the cell that decides it; an exercise
is answered in a cell of one's own. What was chosen and what was solved is kept in the small file
``.progress.json`` beside the notebooks, so that it survives a restarted kernel; `forget` begins
anew, `progress` counts over the whole course, `tally` over one lesson.

The modules: `prediction` (its page's side is question.js), `deciding` which run decides one,
`sealing` answers that can't be read at a glance, `exercise`, `comparing` the usual checker,
`store` the file, `hall` a class's counts, `lessons` what the notebooks ask, `counting` the totals,
`page` how text looks.
"""

from helpers.exercises.comparing import compare
from helpers.exercises.counting import progress, tally
from helpers.exercises.deciding import decider
from helpers.exercises.exercise import Exercise
from helpers.exercises.prediction import Prediction, predict
from helpers.exercises.sealing import seal
from helpers.exercises.store import PROGRESS, forget

__all__ = [
    "PROGRESS",
    "Exercise",
    "Prediction",
    "compare",
    "forget",
    "predict",
    "progress",
    "seal",
    "tally",
]

# What runs before the first prediction counts, too: a cell run out of order has shown its answer.
decider.listen()
