"""The explorer of time: what a loss at the last step says to the steps before (notebook 08)."""

import functools

import numpy as np

from helpers import measure, plots, recurrent, theory
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel, Scale
from helpers.explorers.controls import choice, new_draw, number, steps, whole
from helpers.explorers.words import size_in_words

CELL_COLORS = {"simple_rnn": "#0072B2", "lstm": "#D55E00", "gru": "#009E73"}
CELL_NAMES = {"simple_rnn": "Simple RNN", "lstm": "LSTM", "gru": "GRU"}
UNITS = (2, 4, 8, 16, 32, 64)
MOST_STEPS = 200
FLOORS = (-3, -10, -30, -100, -300, -1000)  # of the axes, in powers of ten
PRESETS = {
    "Keras's defaults": {"forget_bias": 1.0, "recurrent_scale": 1.0},
    "forget bias 0": {"forget_bias": 0.0, "recurrent_scale": 1.0},
    "gate open": {"forget_bias": 6.0, "recurrent_scale": 1.0},
    "gate alone": {"forget_bias": 1.0, "recurrent_scale": 0.0},
    "too large": {"forget_bias": 1.0, "recurrent_scale": 3.0},
}
SEQUENCES = {  # steps -> inputs of every replicate; None: random ones, of each replicate its own
    "random": lambda steps: None,
    "a single 1": lambda steps: np.eye(1, steps)[0],
    "all 0": np.zeros,
    "all 1": np.ones,
}


def time_explorer(**first) -> Explorer:
    """Explore recurrent cells as initialised: gradients back through time (notebook 08).

    Above, the norm of dL/dh_t for every step t, where L is a random direction of the last state:
    simple RNN, LSTM and GRU with Keras's weights, ten of each. Below dL/dc_t, the LSTM's other
    state, and dashed what its forget gate alone would leave, sigma(b)^(steps - t). Every curve is
    relative to the last step.

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
        "steps": whole(100, 2, MOST_STEPS, description="steps"),
        "units": steps(UNITS, 16, description="units"),
        "forget_bias": number(1.0, -2, 8, step=0.25, decimals=2, description="forget bias"),
        "recurrent_scale": number(1.0, 0, 4, step=0.1, decimals=1, description="kernel scale"),
        "inputs": choice(SEQUENCES, "random", description="inputs"),
        "seed": new_draw(),
    }
    scale = Scale(_coarse)
    panels = [
        Panel("dL/dh, back from the last step", _draw_hidden, scale=scale),
        Panel("dL/dc of the LSTM", _draw_cell, ("A", "RMS", "theory"), scale=scale),
    ]
    return Explorer(controls, _compute, panels, _find, grid=(2, 1), presets=PRESETS, first=first)


def _compute(forget_bias, **setting):
    only_lstm = {"lstm": {"forget_bias": forget_bias}}
    return {cell: _measured(cell, **setting, **only_lstm.get(cell, {})) for cell in recurrent.CELLS}


@functools.lru_cache(8)  # two of the three cells don't care for the forget bias
def _measured(cell, steps, inputs, **setting):
    return recurrent.profile(cell, steps=steps, inputs=SEQUENCES[inputs](steps), **setting)


def _coarse(low, high):
    """Limits in steps so coarse that the axes stand still under most moves."""
    low = next(floor for floor in FLOORS if floor <= low)
    return low, next(-floor for floor in FLOORS if -floor >= max(high, -low / 10))


def _draw_hidden(ax, now, pinned):
    series = [
        plots.Series(measure.over_last(profile["delta_h"].values), CELL_COLORS[cell], cell)
        for cell, profile in now.items()
    ]
    before = [measure.over_last(past["delta_h"].values) for past in (pinned or {}).values()]
    plots.by_layer(
        series,
        quantity="dL/dh, back from the last step",
        place="time step",
        pinned=before,
        ax=ax,
    )
    ax.legend(
        [line for line in ax.lines if line.get_label() in now],
        list(now),
        ncols=len(now),
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.2,
        **plots.TIGHT,
    )


def _carried(lstm):
    """Return what the forget gate alone would leave of dL/dc, by step."""
    return recurrent.carried(lstm.attrs["steps"], lstm.attrs["forget_bias"])


def _draw_cell(ax, now, pinned):
    lstm = now["lstm"]
    delta = measure.over_last(lstm["delta_c"].values)
    series = plots.Series(delta, CELL_COLORS["lstm"], "lstm", _carried(lstm))
    before = [measure.over_last(pinned["lstm"]["delta_c"].values)] if pinned else []
    plots.by_layer([series], quantity="dL/dc of the LSTM", place="time step", pinned=before, ax=ax)


def _find(now):
    firsts = {
        cell: measure.first_over_last(profile["delta_h"].values) for cell, profile in now.items()
    }
    words = [f"{CELL_NAMES[cell]} {theory.verdict(ratio)}" for cell, ratio in firsts.items()]
    sizes = [size_in_words(ratio) for ratio in firsts.values()]
    lstm = now["lstm"]
    cell = size_in_words(measure.first_over_last(lstm["delta_c"].values))
    alone = size_in_words(_carried(lstm)[0])
    last = lstm.attrs["steps"] - 1
    back = "1 step" if last == 1 else f"{last} steps"
    return Finding(
        f"{', '.join(words)}: {back} back, dL/dh is {', '.join(sizes[:-1])} and "
        f"{sizes[-1]} of the last step's. The LSTM's dL/dc: {cell}; its forget gate "
        f"alone would leave {alone}.",
        {"dL/dh of the first step": ", ".join(sizes)},
    )
