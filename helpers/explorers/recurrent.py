"""An explorer of time: what a loss at the last step says to the steps before it."""

import functools

import ipywidgets as widgets
import numpy as np

from helpers import measure, plots, recurrent, theory
from helpers.explorer import Explorer, Finding, choice
from helpers.explorers.networks import in_words

CELL_COLORS = {"simple_rnn": "#0072B2", "lstm": "#D55E00", "gru": "#009E73"}
CELL_NAMES = {"simple_rnn": "Simple RNN", "lstm": "LSTM", "gru": "GRU"}
UNITS = (2, 4, 8, 16, 32, 64)
MOST = 200  # steps
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


def time_explorer() -> Explorer:
    """Explore recurrent cells as initialised: gradients back through time (notebook 07).

    Above, the norm of dL/dh_t for every step t, where L is a random direction of the last state:
    simple RNN, LSTM and GRU with Keras's weights, ten of each. Below dL/dc_t, the LSTM's other
    state, and dashed what its forget gate alone would leave, sigma(b)^(steps - t). Every curve is
    relative to the last step.
    """
    controls = {
        "steps": widgets.IntSlider(100, 2, MOST, description="steps"),
        "units": widgets.SelectionSlider(options=UNITS, value=16, description="units"),
        "forget_bias": widgets.FloatSlider(
            1.0, min=-2, max=8, step=0.25, readout_format=".2f", description="forget bias"
        ),
        "recurrent_scale": widgets.FloatSlider(
            1.0, min=0, max=4, step=0.1, readout_format=".1f", description="kernel scale"
        ),
        "inputs": choice(SEQUENCES, "random", description="inputs"),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }

    return Explorer(controls, _compute, _draw, grid=(2, 1), presets=PRESETS)


def _compute(forget_bias, **setting):
    only_lstm = {"lstm": {"forget_bias": forget_bias}}
    return {cell: _measured(cell, **setting, **only_lstm.get(cell, {})) for cell in recurrent.CELLS}


@functools.lru_cache(8)  # two of the three cells don't care for the forget bias
def _measured(cell, steps, inputs, **setting):
    return recurrent.profile(cell, steps=steps, inputs=SEQUENCES[inputs](steps), **setting)


def _draw(axes, now, pinned):
    lstm = now["lstm"]
    shown = [
        plots.Series(measure.over_last(profile["delta_h"].values), CELL_COLORS[cell], cell)
        for cell, profile in now.items()
    ]
    plots.by_layer(
        shown, quantity="dL/dh, back from the last step", place="time step", ax=axes[0],
        pinned=[measure.over_last(past["delta_h"].values) for past in (pinned or {}).values()],
    )  # fmt: skip
    carried = recurrent.carried(lstm.attrs["steps"], lstm.attrs["forget_bias"])
    delta_c = measure.over_last(lstm["delta_c"].values)
    plots.by_layer(
        [plots.Series(delta_c, CELL_COLORS["lstm"], "lstm", carried)],
        quantity="dL/dc of the LSTM", place="time step", ax=axes[1],
        pinned=[measure.over_last(pinned["lstm"]["delta_c"].values)] if pinned else [],
    )  # fmt: skip
    limits = np.array([ax.get_ylim() for ax in axes])
    low, high = limits[:, 0].min(), limits[:, 1].max()
    low = next(floor for floor in FLOORS if floor <= low)
    for ax in axes:  # on one scale, in steps so coarse that it stands still under most moves
        ax.set_ylim(low, next(-top for top in FLOORS if -top >= max(high, -low / 10)))
    axes[0].legend(
        [line for line in axes[0].lines if line.get_label() in now], list(now), ncols=3,
        loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, **plots.TIGHT,
    )  # fmt: skip
    plots.small_legend(axes[1], "A", "RMS", "theory")
    return _finding(now, carried)


def _finding(now, carried):
    firsts = {
        cell: measure.first_over_last(profile["delta_h"].values) for cell, profile in now.items()
    }
    words = [f"{CELL_NAMES[cell]} {theory.verdict(ratio)}" for cell, ratio in firsts.items()]
    sizes = [in_words(ratio) for ratio in firsts.values()]
    cell = measure.first_over_last(now["lstm"]["delta_c"].values)
    last = now["lstm"].attrs["steps"] - 1
    back = "1 step" if last == 1 else f"{last} steps"
    return Finding(
        f"{', '.join(words)}: {back} back, dL/dh is {', '.join(sizes[:-1])} and "
        f"{sizes[-1]} of the last step's. The LSTM's dL/dc: {in_words(cell)}; its forget gate "
        f"alone would leave {in_words(carried[0])}.",
        "dL/dh of the first step", ", ".join(sizes),
    )  # fmt: skip
