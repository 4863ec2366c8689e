"""What a picture shows, in words: the sentence that stands under it, before any number.

A picture's text begins with its finding, one sentence; the numbers follow it (style.show).
"""

from collections.abc import Mapping

import numpy as np

from helpers.theory.verdict import verdict

MOST_NAMES = 3  # of one kind; of more the rest is counted
LEVEL = 0.15  # of the axis: medians closer than that look alike
STEADY = np.log10(2)  # decades: sizes within a factor of two look alike
FAR = 3.0  # decades: more than that is far


def said(finding: str, numbers: str) -> str:
    """Put the finding before the numbers, a sentence each."""
    return f"{finding}. {numbers}."


def listed(names) -> str:
    """Write names for a sentence, the first few of them: "a, b, c and 4 more"."""
    # a name with a comma within is quoted, so that it is read as one
    names = [f"“{name}”" if "," in str(name) else str(name) for name in names]
    if len(names) > MOST_NAMES + 1:
        names = [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def grouped(words: Mapping[str, str]) -> str:
    """Write name -> word the other way round: "vanishing for a and b; healthy for c"."""
    if set(words) == {""}:  # a single series without a name
        return words[""]
    groups = {}
    for name, word in words.items():
        groups.setdefault(word, []).append(name)
    return "; ".join(f"{word} for {listed(names)}" for word, names in groups.items())


def passed_back(first: Mapping[str, float], last: Mapping[str, float]) -> str:
    """Say what becomes of gradients on their way back, from log10 of their sizes at both ends."""
    decades = {name: first[name] - last[name] for name in first}
    return grouped({name: _judged(value) for name, value in decades.items()})


def _judged(decades):
    if np.isnan(decades):
        return "no number any more"
    # beyond any limit of the scale, and without an overflow
    return verdict(float(10 ** np.clip(decades, -300, 300)))


def passed_on(first: Mapping[str, float], last: Mapping[str, float]) -> str:
    """Say what becomes of sizes on their way up, from their log10 at both ends."""
    words = {name: moved(first[name], last[name], STEADY) for name in first}
    far = {name for name in first if abs(last[name] - first[name]) > FAR}
    return grouped({name: word + " far" * (name in far) for name, word in words.items()})


def moved(start: float, end: float, least: float) -> str:
    """Say "rises", "falls", or "stays about level" where the two differ by less than `least`."""
    if np.isnan(start) or np.isnan(end):
        return "ends as no number"
    # equal infinities, two exact zeros on a log scale, have no difference
    if start == end or abs(end - start) < least:
        return "stays about level"
    return "rises" if end > start else "falls"


def alike(correlation: float) -> str:
    """Say what became of two signals, from their correlation."""
    if correlation > 0.95:
        return "alike in the end"
    return "hardly alike in the end" if correlation < 0.3 else "partly alike in the end"


def compared(one: float, other: float) -> str:
    """Say how a size stands beside another, from their log10."""
    if np.isnan(one) or np.isnan(other):
        return "no number beside"
    decades = 0.0 if one == other else one - other
    for limit, word in ((-1, "far below"), (-STEADY, "below"), (STEADY, "about as large as")):
        if decades < limit:
            return word
    return "above" if decades <= 1 else "far above"


def levels(medians: Mapping[str, float], limits: tuple[float, float]) -> str:
    """Say which rows lie high and which low between the limits of their axis, or how they run."""
    names = list(medians)
    values = np.clip(np.array(list(medians.values()), float), *limits)
    low, high = values.min(), values.max()
    apart = high - low > LEVEL * (limits[1] - limits[0])
    if len(names) == 1 or not apart:
        return "one row" if len(names) == 1 else "all about the same"
    # only layers have an order of their own
    layers = all(str(name).startswith(("hidden", "output")) for name in names)
    if layers and len(names) > 2 and (way := _one_way(values)):
        return f"{way} from {names[0]} to {names[-1]}"
    thirds = np.digitize(values, np.linspace(low, high, 4)[1:3])
    words = np.array(["low", "in between", "high"])[thirds]
    # high ones first, whatever stands first in the picture
    order = np.argsort(-thirds, kind="stable")
    return grouped({names[k]: str(words[k]) for k in order})


def _one_way(values):
    """Say "rises" or "falls" of values that do nothing else, or return None."""
    steps = np.diff(values)
    if (steps >= 0).all():
        return "rises"
    return "falls" if (steps <= 0).all() else None
