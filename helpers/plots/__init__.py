"""Arrays in, a matplotlib ``Axes`` out.

Every function takes ``ax`` (None makes a figure) and returns it, sets its own limits in round
steps, so that a moving picture doesn't jump, and leaves one sentence, the finding computed from
the data, as the label of the axes. `show` puts figure and sentence into the notebook.

Long products leave the range of floating-point numbers, so sizes are drawn as their log10 on a
linear axis whose ticks read 10 to the k. An exact 0 has no logarithm: it is a cross on the floor.

The modules: `style` is what all share; `functions` draws over the pre-activation, `chain` a chain
of neurons, `products` products of factors, `layers` quantities by layer, `epochs` recordings over
training, `samples` how numbers are distributed, `maps` pictures of a plane, `tokens` of
transformers, `diagnosis` of a model of your own. All public names are here:
``plots.by_layer(...)``.
"""

import inspect

from helpers.plots.chain import Factor, Node, chain
from helpers.plots.diagnosis import diagnosis_by_layer, update_ratios, watched
from helpers.plots.epochs import (
    LOG_SCALE,
    grid_over_epochs,
    heat_map,
    learning_curves,
    mark_epoch,
    over_epochs,
)
from helpers.plots.functions import (
    activation,
    activation_grid,
    descent,
    laws,
    over_z,
    value_limits,
    value_shares,
)
from helpers.plots.gate import asking
from helpers.plots.layers import (
    Series,
    by_layer,
    compare_by_layer,
    correlations,
    name_series,
    predicted_measured,
    shares,
    singular_values,
)
from helpers.plots.maps import decision_boundary, phase_map, points, trainability
from helpers.plots.products import factors, log10_histogram, running_product
from helpers.plots.samples import distributions, histograms, spread
from helpers.plots.style import (
    COLORS,
    OTHER_COLOR,
    OUTPUT_COLOR,
    PINNED,
    PREDICTION,
    REFERENCE,
    RULE_COLORS,
    SUPERSCRIPTS,
    TIGHT,
    ZERO,
    layer_colors,
    percent,
    scientific,
    show,
    small_legend,
    waiting,
)
from helpers.plots.tokens import over_steps, token_correlations

__all__ = [
    "COLORS",
    "LOG_SCALE",
    "OTHER_COLOR",
    "OUTPUT_COLOR",
    "PINNED",
    "PREDICTION",
    "REFERENCE",
    "RULE_COLORS",
    "SUPERSCRIPTS",
    "TIGHT",
    "ZERO",
    "Factor",
    "Node",
    "Series",
    "activation",
    "activation_grid",
    "by_layer",
    "chain",
    "compare_by_layer",
    "correlations",
    "decision_boundary",
    "descent",
    "diagnosis_by_layer",
    "distributions",
    "factors",
    "grid_over_epochs",
    "heat_map",
    "histograms",
    "laws",
    "layer_colors",
    "learning_curves",
    "log10_histogram",
    "mark_epoch",
    "name_series",
    "over_epochs",
    "over_steps",
    "over_z",
    "percent",
    "phase_map",
    "points",
    "predicted_measured",
    "running_product",
    "scientific",
    "shares",
    "show",
    "singular_values",
    "small_legend",
    "spread",
    "token_correlations",
    "trainability",
    "update_ratios",
    "value_limits",
    "value_shares",
    "waiting",
    "watched",
]

# Whoever calls a picture by its public name is asked first; the rooms call each other freely.
for _name in __all__:
    if inspect.isfunction(globals()[_name]) and _name != "show":  # it takes several Axes, too
        globals()[_name] = asking(globals()[_name])
