"""What turned bad between two looks, by the thresholds of the verdict's rules."""

import math
from typing import NamedTuple

from helpers.diagnosis.rules import BAND, DEAD_UNITS, LEEWAY, SATURATED_UNITS
from helpers.theory.verdict import EXPLODING, VANISHING


class Notice(NamedTuple):
    """Something that turned bad: at which epoch, in which layer, and what."""

    epoch: float
    layer: str
    what: str

    def __str__(self):
        return f"epoch {self.epoch:g}: {self.what}"


def turned_bad(rows, epoch: float, layers: list[str]) -> list[Notice]:
    """List what is bad in the last of these rows and wasn't in the one before."""
    now = _bad(rows[-1], layers)
    before = _bad(rows[-2], layers) if len(rows) > 1 else {}
    # once per cause and layer, however long it stays so
    return [
        Notice(epoch, layer, what) for (layer, _), what in now.items() if (layer, _) not in before
    ]


def _bad(row, layers) -> dict[tuple, str]:
    """Find what is bad in one row: (layer, cause) -> the sentence."""
    # behind a loss that is no number nothing else means anything
    if not math.isfinite(row.loss):
        return {("", "NaN"): "the loss is NaN or infinite"}
    hidden = [name for name in layers if row.roles.get(name) == "hidden"]
    found = _along_depth(row, hidden)
    for name in hidden:
        if row.by_layer["dead"].get(name, 0) >= DEAD_UNITS:
            share = row.by_layer["dead"][name]
            found[name, "dying"] = f"dying: {share:.0%} of the units of {name} are dead"
        saturated = row.by_layer["saturation"].get(name, 0)
        if row.two_sided.get(name) and saturated >= SATURATED_UNITS:
            found[name, "saturated"] = f"saturated: {saturated:.0%} of {name}"
        time_ratio = row.by_layer["time_ratio"].get(name, math.nan)
        if time_ratio < VANISHING:
            found[name, "time"] = f"vanishing along time in {name}: {time_ratio:.1e}"
    for name, ratio in row.by_layer["update_ratio"].items():
        if ratio > BAND[1] * LEEWAY:
            found[name, "update"] = f"the update ratio of {name} is {ratio:.1e}, too large"
    return found


def _along_depth(row, hidden):
    """Judge delta in the first hidden layer over that in the last."""
    deltas = [row.by_layer["delta_norm"].get(name, math.nan) for name in hidden]
    # NaN fails the comparison, too
    if len(deltas) < 2 or not deltas[-1] > 0:
        return {}
    ratio = deltas[0] / deltas[-1]
    if ratio < VANISHING:
        return {(hidden[0], "depth"): f"vanishing: delta of {hidden[0]} is {ratio:.1e} of the last"}
    if ratio > EXPLODING:
        return {(hidden[0], "depth"): f"exploding: delta of {hidden[0]} is {ratio:.1e} of the last"}
    return {}
