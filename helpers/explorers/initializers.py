"""The explorer of two initializers, side by side (notebook 04)."""

from typing import NamedTuple

import numpy as np

from helpers import measure, plots
from helpers.catalogue import ACTIVATIONS, INITIALIZERS
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import NONE, choice, new_draw
from helpers.explorers.frames import deepest_of, frame_layers, frame_sizes
from helpers.explorers.networks import (
    DEEPEST,
    Profile,
    dataset_named,
    is_large,
    profile_of,
    size_controls,
)
from helpers.explorers.words import ALONE, judge, size_in_words

PAIR = ("#0072B2", "#D55E00")  # the first initializer's colour, and the second's
NUM_NETWORKS = 5
PRESETS = {
    # the heuristic of the time against the compromise of their eq. 16
    "Glorot 2010": ("tanh", "heuristic_uniform", "glorot_uniform"),
    # linear layers: of one spread, and with singular values that are all alike
    "Saxe 2014": ("linear", "lecun_normal", "orthogonal"),
    # half of the units are off, which the factor 2 makes up for
    "He 2015": ("relu", "glorot_uniform", "he_uniform"),
    # SELU was made for a variance of 1/fan_in
    "SELU 2017": ("selu", "he_normal", "lecun_normal"),
}


class Candidate(NamedTuple):
    """One of the two: its networks, and the singular values (number of them, depth - 1)."""

    name: str
    profile: Profile
    singular_values: np.ndarray


def initializer_explorer(**first) -> Explorer:
    """Explore two initializers on the same draws, layer by layer (notebook 04).

    Above the spread of the activations and the delta norm (Glorot & Bengio 2010, figures 6 and 7,
    in one number a layer), with theory's RMS dashed; below the singular values of the Jacobian
    from one hidden layer to the next, and the measured spread against the predicted one. Five
    networks each, on common random numbers.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    controls = {
        "activation": choice(ACTIVATIONS, "tanh", description="activation"),
        "first": choice(INITIALIZERS, "heuristic_uniform", description="first"),
        "second": choice(INITIALIZERS, "glorot_uniform", description="second"),
        **size_controls("digits", depth=5, width=64, deepest=DEEPEST, widest=128),
        "seed": new_draw(),
    }
    names = ("activation", "first", "second")
    presets = {label: dict(zip(names, values, strict=True)) for label, values in PRESETS.items()}
    panels = [
        Panel("activation spread", _draw_spread),
        Panel("delta", _draw_delta, ("theory", "A")),
        Panel("singular values of $dz_{l+1}/dz_l$", _draw_singular_values),
        Panel("activation spread", _draw_predicted),
    ]
    return Explorer(controls, _compute, panels, _find, grid=(2, 2), presets=presets, first=first)


def _compute(first, second, **setting):
    return [_candidate(name, **setting) for name in (first, second)]


def _candidate(name, dataset, **setting):
    profile = profile_of(
        dataset,
        initializer=name,
        normalization=NONE,
        residual=False,
        num_replicates=NUM_NETWORKS,
        **setting,
    )
    # singular values cost width^3 a layer
    count = 1 if is_large(setting["depth"], setting["width"]) else 2
    values = measure.singular_values(
        initializer=name, dataset=dataset_named(dataset), num_replicates=count, **setting
    )
    together = values.reshape(len(values), count * setting["width"])  # those of all networks
    return Candidate(name, profile, together.T)


def _series(now, values_of, predicted_of=lambda profile: None):
    """Make a `Series` of each candidate."""
    return [
        plots.Series(values_of(one), color, one.name, predicted_of(one.profile))
        for one, color in zip(now, PAIR, strict=True)
    ]


def _spread_of(candidate):
    return candidate.profile.measured["activation_std"].values


def _spreads(now):
    return _series(now, _spread_of, lambda profile: profile.predicted.activation_std)


def _draw_spread(ax, now, pinned):
    before = [_spread_of(one) for one in pinned or []]
    plots.by_layer(
        _spreads(now), quantity="activation spread", relative=False, pinned=before, ax=ax
    )
    frame_layers(ax, deepest_of(*(_spread_of(one) for one in now), *before))


def _delta_of(candidate):
    return candidate.profile.relative("delta_norm")


def _draw_delta(ax, now, pinned):
    series = _series(now, _delta_of, lambda profile: profile.predicted.delta_norm)
    before = [_delta_of(one) for one in pinned or []]
    plots.by_layer(series, quantity="delta", pinned=before, ax=ax)
    frame_sizes(ax, deepest_of(*(_delta_of(one) for one in now), *before))
    ax.set_ylabel("÷ last layer's")


def _draw_singular_values(ax, now, pinned):
    series = _series(now, lambda one: one.singular_values)
    plots.singular_values(series, pinned=[one.singular_values for one in pinned or []], ax=ax)
    frame_layers(ax, deepest_of(*(_delta_of(one) for one in [*now, *(pinned or [])])))


def _draw_predicted(ax, now, pinned):
    plots.predicted_measured(_spreads(now), quantity="activation spread", ax=ax)
    ax.legend(loc="upper left", fontsize=11)


def _find(now):
    first, second = now
    ratios = [size_in_words(one.profile.ratio()) for one in now]
    numbers = {"first-layer deltas over the last's": " and ".join(ratios)}
    judged = [judge(one.profile.measured["delta_norm"].values) for one in now]
    (word, _), (other_word, _) = judged
    alike = word == other_word
    verdict = f"Both {word}: " if alike else f"{word.capitalize()} and {other_word}: "
    for one, (_, dead) in zip(now, judged, strict=True):
        verdict += dead.replace(" are dead;", f" are dead under {one.name};")
    if not first.singular_values.size:
        return Finding(f"{verdict}{ALONE}.", numbers)
    means = [f"{one.singular_values.mean():.2g}" for one in now]
    return Finding(
        f"{verdict}delta = dL/dz in the first hidden layer is {ratios[0]} times the last's "
        f"under {first.name}, {ratios[1]} under {second.name}. Mean singular values: {means[0]} "
        f"and {means[1]}.",
        numbers,
    )
