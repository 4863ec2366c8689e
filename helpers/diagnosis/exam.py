"""An exam: planted networks whose fault is hidden, to be named from what their gradients do."""

import html

import numpy as np

from helpers.checks import whole_number
from helpers.diagnosis.diagnose import diagnose
from helpers.diagnosis.losses import Loss, constant_loss
from helpers.diagnosis.planted import FAULTS

# verdict -> the planted faults that have it; a chart doesn't show how alike tokens are
ILLNESSES = {
    verdict: [name for name, fault in FAULTS.items() if fault.verdicts[0] == verdict]
    for verdict in dict.fromkeys(fault.verdicts[0] for fault in FAULTS.values())
    if verdict != "rank collapse"
}
# column of the table -> its heading in an exam
COLUMNS = {
    "input_rms": "inputs",
    "activation_mean": "mean",
    "activation_std": "spread",
    "saturation": "saturated",
    "dead": "dead",
    "weight_std": "kernel",
    "gradient_norm": "gradient",
    "delta_norm": "delta",
    "update_ratio": "update ratio",
    "time_ratio": "first step / last",
}


class Exam:
    """Networks of ``planted.FAULTS``, drawn at random, no illness twice, and none of them named.

    Parameters
    ----------
    seed : int
        Of the draw; and, with the patient's number, of its weights and data.
    num_patients : int
        At most as many as there are illnesses.

    Attributes
    ----------
    names : tuple of str
        The right answers, in order.

    Raises
    ------
    ValueError
        For a seed or a number that can't be.
    """

    def __init__(self, seed: int, num_patients: int = 6):
        seed = whole_number("seed", seed, low=0)
        num_patients = whole_number("num_patients", num_patients, high=len(ILLNESSES))
        rng = np.random.default_rng(seed)
        # a permutation: no illness comes twice
        drawn = rng.permutation(list(ILLNESSES))[:num_patients]
        self.names = tuple(map(str, drawn))
        self._faults = [FAULTS[rng.choice(ILLNESSES[name])] for name in self.names]
        self._seeds = [1000 * seed + number for number in range(num_patients)]

    def patient(self, number: int):
        """Build one of them, counted from 1: (model, x, y)."""
        index = whole_number("number", number, high=len(self.names)) - 1
        return self._faults[index].make(self._seeds[index])

    def show(self, number: int):
        """Show a patient's picture and numbers, without the verdict."""
        model, x, y = self.patient(number)
        return Chart(f"patient {number}", model, x, y)

    def check(self, answer) -> str | None:
        """Say which of these names are wrong; None if all are right.

        Where a fault has two names, such as weights that let tanh saturate and gradients explode,
        both are right.

        Parameters
        ----------
        answer : sequence or dict of str
            A name for each patient, in order; of a dict the values count.
        """
        given = list(answer.values()) if isinstance(answer, dict) else list(answer)
        if len(given) != len(self.names):
            return f"There are {len(self.names)} patients; you named {len(given)}."
        if any(name is ... for name in given):
            return "A patient has no name yet: replace all the dots."
        # capitals and spaces are no part of an answer
        given = [" ".join(str(name).lower().split()) for name in given]
        known = [name.lower() for name in ILLNESSES]
        unknown = [name for name in given if name not in known]
        if unknown:
            return f"{unknown[0]!r} is none of the names: {', '.join(ILLNESSES)}."
        wrong = [
            str(number)
            for number, (name, fault) in enumerate(zip(given, self._faults, strict=True), start=1)
            if name not in [verdict.lower() for verdict in fault.verdicts]
        ]
        right = len(given) - len(wrong)
        if not wrong:
            return None
        return f"{right} of {len(given)} are right. Look again at patient {', '.join(wrong)}."


class Chart:
    """What an exam shows of one network: a picture without its verdict, and a table."""

    def __init__(self, title: str, model, x, y):
        self.title = title
        self.table = diagnose(model, x, y).table
        kind = Loss(model, None).kinds[0]
        logits = " from logits" if kind.from_logits else ""
        self.facts = (
            f"{len(x)} examples, targets from {np.min(y):.3g} to {np.max(y):.3g}; "
            f"loss {kind.name}{logits}, {self.table.attrs['loss']:.3g} now, "
            f"{constant_loss(kind, y):.3g} with the best constant answer."
        )

    def rows(self):
        """Return the numbers as a table of text, one line a kernel."""
        columns = {
            # five digits of a kernel's spread tell whether two kernels are the same
            heading: [_short(value, 5 if name == "weight_std" else 2) for value in found]
            for name, heading in COLUMNS.items()
            if name in self.table and np.isfinite(found := self.table[name].values).any()
        }
        frame = self.table[["layer"]].to_dataframe()[["activation"]]
        return frame.assign(**columns)

    def plot(self, ax=None):
        """Draw the sizes by layer; return the axes."""
        from helpers import plots

        return plots.diagnosis_by_layer(self.table, verdict=self.title, ax=ax)

    def __repr__(self):
        return f"{self.title}: {self.facts}\n{self.rows().to_string()}"

    def _repr_html_(self):
        from helpers import plots

        picture = plots.show(self.plot())._repr_html_()
        return f"{picture}<p>{html.escape(self.facts)}</p>{self.rows().to_html()}"


def _short(value, digits):
    """Write a number in so many digits; nothing for what isn't known."""
    return f"{value:.{digits}g}" if np.isfinite(value) else ""
