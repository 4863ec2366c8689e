"""The explorer of transformers as initialised (notebook 09)."""

import numpy as np

from helpers import measure, plots, theory, transformer
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import choice, new_draw, number, whole
from helpers.explorers.words import size_in_words

PLACEMENT_COLORS = {"post": "#D55E00", "pre": "#0072B2", "none": "#009E73"}
KERNEL_GROUPS = {  # variable -> name in the picture, and its colour
    "attention_gradient": ("query, key", "#882255"),
    "value_gradient": ("value, output", "#C18849"),
    "mlp_gradient": ("MLP", "#3D9CD0"),
}
NUM_STACKS = 4
SIZE = {"width": 32, "heads": 2, "hidden": 32}  # so that 48 blocks answer within a move
TOKENS = 8
ENDS = (12, 24, 48)  # blocks that the x-axis has room for
ON_OFF = {"on": True, "off": False}
PRESETS = {
    "post-norm 2017": {"placement": "post", "alpha": 1.0, "skip": True, "mlp": True},
    "pre-norm": {"placement": "pre", "alpha": 1.0, "skip": True, "mlp": True},
    "no norm": {"placement": "none", "alpha": 1.0, "skip": True, "mlp": True},
    "small branches": {"placement": "none", "alpha": 0.15, "skip": True, "mlp": True},
    "attention alone": {"placement": "none", "alpha": 1.0, "skip": False, "mlp": False},
}


def transformer_explorer(**first) -> Explorer:
    """Explore stacks of transformer blocks as initialised (notebook 09).

    Above, delta = dL/dx in the residual stream before each block, over the last block's. Below on
    the left the kernels' gradients, over the first block's; on the right how alike the tokens have
    become. The loss is a random direction of every output token.

    Parameters
    ----------
    **first
        Values to begin with, of some controls.
    """
    # from a single block on, so that the first one can be looked at alone
    controls = {
        "depth": whole(24, 1, ENDS[-1], description="depth"),
        "placement": choice(transformer.PLACEMENTS, "post", description="norm"),
        "normalization": choice(
            [("LayerNorm", "layer"), ("RMSNorm", "rms")], "layer", description="kind"
        ),
        "alpha": number(1.0, 0.05, 2, step=0.05, decimals=2, description="branch α"),
        "attention": choice(transformer.ATTENTIONS, "softmax", description="attention"),
        "mlp": choice(ON_OFF.items(), True, description="MLP"),
        "skip": choice(ON_OFF.items(), True, description="skip"),
        "seed": new_draw(),
    }
    panels = [
        Panel("delta in the stream, before each block", _draw_delta, ("RMS", "A")),
        Panel("kernel gradients", _draw_kernels),
        Panel("cosine between tokens", _draw_tokens),
    ]
    return Explorer(
        controls,
        _compute,
        panels,
        _find,
        grid=[[0, 0], [1, 2]],
        size=(8.0, 5.4),
        presets=PRESETS,
        first=first,
    )


def _compute(seed, **setting):
    stack = transformer.Transformer(**SIZE, **setting)
    return transformer.profile(stack, tokens=TOKENS, num_replicates=NUM_STACKS, seed=seed)


def _color(profile):
    return PLACEMENT_COLORS[profile.placement]


def _frame(ax, *profiles):
    """Let the x-axis end where it does for other depths, too."""
    # of what is pinned, too: else the grey line would end outside the axes
    deepest = max(profile.depth for profile in profiles if profile is not None)
    ax.set_xlim(0.5, next(end for end in ENDS if deepest <= end) + 0.5)


def _draw_delta(ax, now, pinned):
    delta = measure.over_last(now["delta_rms"].values)
    before = [] if pinned is None else [measure.over_last(pinned["delta_rms"].values)]
    series = plots.Series(delta, _color(now))
    plots.by_layer([series], quantity="delta", place="block", pinned=before, ax=ax)
    _frame(ax, now, pinned)
    ax.set(ylabel="÷ last block's", xlabel="")


def over_first(values: np.ndarray) -> np.ndarray:
    """Divide sizes, shape (num_replicates, depth), by their RMS in the first block."""
    # turned round, the first block is the last
    return measure.over_last(values[:, ::-1])[:, ::-1]


def _draw_kernels(ax, now, pinned):
    # without attention or MLP there are no such kernels, and their row is NaN
    groups = {name: pair for name, pair in KERNEL_GROUPS.items() if _has(now, name)}
    series = [
        plots.Series(over_first(now[name].values), color, label)
        for name, (label, color) in groups.items()
    ]
    # neither attention nor MLP: the stack hands on what it gets
    if not series:
        plots.waiting("nothing to train", ax=ax)
        return
    plots.by_layer(series, quantity="kernel gradients", place="block", ax=ax)
    _frame(ax, now)
    ax.set_ylabel("÷ first block's")
    # by label, as the axes hold the circles of the RMS, too
    lines = [line for line in ax.lines if line.get_label() in {one.label for one in series}]
    # at the left a line that falls all the way down within half the width would cross it
    side = "left" if now.sizes["block"] > 0.6 * ax.get_xlim()[1] else "right"
    ax.legend(lines, [line.get_label() for line in lines], loc=f"lower {side}", **plots.TIGHT)


def _has(profile, name):
    return bool(np.isfinite(profile[name].values).any())


def _draw_tokens(ax, now, pinned):
    before = [] if pinned is None else [pinned["correlation"].values]
    series = plots.Series(now["correlation"].values, _color(now))
    plots.token_correlations([series], pinned=before, ax=ax)
    _frame(ax, now, pinned)


def _find(now):
    ratio = measure.first_over_last(now["delta_rms"].values)
    words = f"delta {theory.verdict(ratio)}"
    size = size_in_words(ratio)
    alike = round(float(np.median(now["correlation"].values[:, -1])), 2) + 0.0  # no "-0.00"
    numbers = {"delta of the first block": size, "cosine of the last": f"{alike:.2f}"}
    sentence = f"delta before the first block is {size} of the last's. "
    # shares that nothing is compared for have no queries to judge
    if _has(now, "attention_gradient"):
        # last over first: it's the block next to the loss that may lose its gradient
        late = measure.first_over_last(now["attention_gradient"].values[:, ::-1])
        words += f", queries and keys {theory.verdict(late)}"
        sentence += f"Queries and keys of the last block get {size_in_words(late)} of the first's. "
        numbers["query and key gradient of the last block"] = size_in_words(late)
    return Finding(
        f"{words[0].upper()}{words[1:]}: {sentence}After the last block the cosine between tokens "
        f"is {alike:.2f} (1: all the same).",
        numbers,
    )
