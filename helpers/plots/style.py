"""What every picture shares: colours, line styles, axes, limits, ticks, legends, numbers in words.

Nothing here knows what is drawn. `show` puts a figure and its sentence into the notebook.
"""

import base64
import html
import io
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, ScalarFormatter

from helpers.checks import not_endless, shown

# One colour an activation, everywhere in the course; relatives share a hue. All have a contrast of
# 3:1 on white, and are apart for readers who see no red or no green (tests/plots/test_colors.py);
# four of them and three of the rules are Okabe and Ito's (2008), the others darker than theirs.
COLORS = {
    "linear": "#000000",
    "sigmoid": "#D55E00",
    "tanh": "#0072B2",
    "softsign": "#3D9CD0",
    "relu": "#009E73",
    "leaky_relu": "#459609",
    "prelu": "#016C2E",
    "rrelu": "#5F5E01",
    "elu": "#C676A7",
    "selu": "#88124F",
    "gelu": "#C18849",
    "silu": "#AA7A4F",
    "mish": "#67130D",
    "softplus": "#9C388B",
}
# One colour an initializer, where initializers are compared.
RULE_COLORS = {
    "random_normal": "#0072B2",
    "standard_normal": "#D55E00",
    "heuristic_uniform": "#009E73",
    "glorot_uniform": "#C676A7",
    "he_uniform": "#C18849",
    "orthogonal": "#3D9CD0",
}
OTHER_COLOR = "#555555"  # what has no colour of its own; also the marks of a legend for any colour
# The output layer, in a colour of no activation; hidden layers run from dark to light, input side
# first.
OUTPUT_COLOR = "#B400F0"

# Keyword arguments of `plot`: an exact zero or an explosion, a value to compare with, a
# prediction of theory, the pinned picture "A", and points over a line. Then those of `legend`
# where there is little room.
ZERO = {"color": "#B00020", "markersize": 8, "markeredgewidth": 2.5, "clip_on": False}
REFERENCE = {"color": "#333333", "linewidth": 1.5, "linestyle": (0, (1, 1.5))}
PREDICTION = {"color": "#000000", "linewidth": 2, "linestyle": "--"}
PINNED = {"color": "#949494", "linewidth": 5, "solid_capstyle": "butt"}  # 3:1 on white
OPEN_CIRCLES = {"marker": "o", "linestyle": "", "fillstyle": "none"}
TIGHT = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1.0, "borderpad": 0}

SHORT_CAPTION = 200  # characters: two lines at most under a picture
SMALL_TEXT = 12  # points: words within a picture
BAND = (0.1, 0.5, 0.9)  # quantiles: the ends of every band, and the median between them
SUPERSCRIPTS = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")


# ---------------------------------------------------------------- colours


def layer_colors(layers):
    """Give each layer its colour, by name: hidden_1 is darkest, "output" stands apart.

    Parameters
    ----------
    layers : iterable of str
        Names that start with neither "hidden" nor "output" are left out of the result.

    Returns
    -------
    dict of str to colour
    """
    hidden = [name for name in layers if str(name).startswith("hidden")]
    outputs = [name for name in layers if str(name).startswith("output")]
    # Up to 0.62, where the contrast on white is 3:1; at least two steps, so that one layer is dark.
    ramp = plt.colormaps["cividis"](np.linspace(0, 0.62, max(len(hidden), 2)))
    return dict(zip(hidden, ramp, strict=False)) | dict.fromkeys(outputs, OUTPUT_COLOR)


def named_colors(names):
    """Every colour that a name of an activation, an initializer or a layer has in the course."""
    return COLORS | RULE_COLORS | layer_colors(names)


def color_cycle():
    """Return an endless iterator over the colours of the style in use."""
    return itertools.cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])


# ---------------------------------------------------------------- axes, limits, ticks


def axes_or_new(ax, size=None):
    """Return `ax`; where it is None, the axes of a new figure, of that size in inches if given."""
    return plt.subplots(figsize=size)[1] if ax is None else ax


def log10_size(values):
    """Return log10 of the absolute values; of an exact 0 it is -inf, without a warning."""
    with np.errstate(divide="ignore"):
        return np.log10(np.abs(values))


def round_up(size):
    """Round up to 1, 2, 3, 5, 7, 10, 20 ...: an axis stands still while a slider moves a little."""
    decade = 10 ** math.floor(math.log10(max(size, 1)))
    # The last step is there for rounding: log10 may put 1000 into the decade below.
    return next(step * decade for step in (1, 2, 3, 5, 7, 10) if step * decade >= size)


def decade_limits(logs, *, least):
    """Round limits for log10 of sizes; 10^0 = 1 is always inside.

    Parameters
    ----------
    logs : array
        Entries that aren't finite are ignored.
    least : float
        The lower limit is at most -`least` decades.
    """
    finite = logs[np.isfinite(logs)]
    # A twentieth more, so that no line runs along the edge.
    low = round_up(max(-1.05 * finite.min(initial=0), least))
    high = round_up(max(1.05 * finite.max(initial=0), 1))
    # The shorter side of the line at 1 is at least a tenth of the longer one, so that it is seen.
    return -max(low, high / 10), max(high, low / 10)


def round_limits(values, *, log):
    """Round limits for values with 0 inside, or (with `log`) for log10 of sizes in whole decades.

    Parameters
    ----------
    values : array
        Entries that aren't finite are ignored, but -inf on a log scale, an exact 0, gets a decade
        of its own at the bottom.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return (-1, 0) if log else (0, 1)
    # At least two decades, as one has a single tick.
    if log:
        low = math.floor(finite.min())
        high = math.ceil(finite.max())
        return (low - 1 if np.isneginf(values).any() else low), max(high, low + 2)
    low = min(finite.min(), 0)
    high = max(finite.max(), 0)
    # 1e-12: all values 0 need a decade, too.
    decade = 10 ** math.floor(math.log10(max(high - low, 1e-12)))
    # Ten steps of 0.2, 0.5 or 1 times the decade hold the range.
    step = next(s * decade / 10 for s in (2, 5, 10) if 10 * s * decade / 10 >= high - low)
    low = step * math.floor(low / step)
    high = step * math.ceil(high / step)
    return low, max(high, low + step)


def log_ticks(axis):
    """Label a linear axis of logarithms with powers of ten."""
    # Whole powers only: 10 to the 2.5 is no number that anybody reads.
    axis.set_major_locator(MaxNLocator(6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))


def plain_ticks(ax, *, integer=False):
    """Count in ones again, where the same axes had a log scale."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=integer))
        axis.set_major_formatter(ScalarFormatter())


def log_line(ax, numbers, logs, **style):
    """Draw a line through `logs`, and crosses on the floor of the axes where they are log 0."""
    alive = np.isfinite(logs)
    ax.plot(numbers[alive], logs[alive], **style)
    if not alive.all():
        # In units of the axes, as the limits may not be set yet.
        floor = np.zeros((~alive).sum())
        ax.plot(numbers[~alive], floor, "x", transform=ax.get_xaxis_transform(), **ZERO)


def waiting(text, *, ax=None):
    """Say in an empty panel what it waits for."""
    ax = axes_or_new(ax)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=14)
    ax.set(title="", xlabel="", ylabel="", xlim=(0, 1), ylim=(0, 1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(NullLocator())
    if ax.get_legend():  # of what was there before
        ax.get_legend().remove()
    ax.set_label("")
    return ax


# ---------------------------------------------------------------- legends


def handles_by_name(ax):
    """Return what a legend of `ax` can show: label -> handle."""
    handles, labels = ax.get_legend_handles_labels()
    # Of several with one label the last one stays: a legend names each once.
    return dict(zip(labels, handles, strict=True))


def small_legend(ax, *names):
    """Put a legend beside the title, where no line can be, of those `names` that the axes have.

    Its marks are grey, so that it can stay as it is when the colour changes.
    """
    handles = handles_by_name(ax)
    names = [name for name in names if name in handles]
    old = ax.get_legend()
    if old is not None and names == [text.get_text() for text in old.get_texts()]:
        return  # a legend is slow to make, and an explorer draws at every move of a slider
    if not names:
        if old is not None:
            old.remove()
        return
    legend = ax.legend(
        [handles[name] for name in names],
        names,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(names),
        borderaxespad=0.2,
        **TIGHT,
    )
    for handle in legend.legend_handles:
        handle.set_color(OTHER_COLOR)


# ---------------------------------------------------------------- numbers in words


def percent(share):
    """Write a share in per cent, for a sentence; only all of it is 100."""
    text = f"{100 * share:.3g}"
    if text == "100" and share < 1:
        # Three digits round to all of it: write as many nines as what is missing has zeros.
        missing = float(f"{100 - 100 * share:.1g}")
        text = f"{100 - missing:.12g}"
    return text


def power_of_ten(log10):
    """10 to the power of `log10` in plain text, which draws faster than mathematics."""
    return "10" + f"{log10:g}".translate(SUPERSCRIPTS) if log10 else "1"


def scientific(log10) -> str:
    """Write the number with this log10 in words for a sentence: "2.1 × 10⁻³⁴", "0.25"."""
    if np.isneginf(log10):
        return "exactly 0"
    if not np.isfinite(log10):
        return "no number any more"
    if -3 < log10 < 3:
        return f"{10**log10:.3g}"
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.1f} × {power_of_ten(exponent)}"


def number_in_words(value, *, log):
    """Write a value for a sentence, or (with `log`) the number whose log10 it is."""
    if np.isnan(value):
        return "no number"
    return scientific(value) if log else f"{value:.3g}"


# ---------------------------------------------------------------- into the notebook


def show(ax):
    """Return the figure of `ax` (an ``Axes`` or an array of them) as the result of a cell.

    The picture comes with its alternative text, and with the same text under it: in sight the
    finding, the first sentence of a panel; a click unfolds the numbers. The figure is closed, so
    that it isn't shown a second time.
    """
    axes = np.asarray(not_endless("ax", ax), object).ravel()
    if not axes.size or not all(isinstance(each, Axes) for each in axes):
        raise ValueError(f"ax must be matplotlib Axes, or an array of them; got {shown(ax)}.")
    figure = axes[0].figure
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    # Open, it would be shown again at the end of the cell, and its memory would stay.
    plt.close(figure)
    texts = [str(a.get_label()) for a in axes if a.get_label()]
    return _Shown(stream.getvalue(), texts, figure.get_figwidth())


class _Shown:
    """A picture with the texts of its panels, as Jupyter shows it; a line of text elsewhere."""

    def __init__(self, png, texts, inches):
        self.png = png
        self.texts = texts
        self.sentence = " ".join(texts)
        self.width = round(100 * inches)  # CSS pixels; the PNG has twice as many, for sharp screens

    def __repr__(self):
        return f"<figure: {self.sentence}>"

    def _repr_html_(self):
        # Within the page itself, so that a saved notebook needs no file beside it.
        data = base64.b64encode(self.png).decode()
        sentence = html.escape(self.sentence)
        return (
            f'<figure style="margin: 0"><img alt="{sentence}" style="width: {self.width}px; '
            f'max-width: 100%" src="data:image/png;base64,{data}">'
            f"<figcaption>{_caption(self.texts)}</figcaption></figure>"
        )


def _caption(texts):
    """Return the texts of some panels in HTML: their findings in sight, all of it on request."""
    # a finding that holds of several panels is said once
    findings = list(dict.fromkeys(text.partition(". ")[0].rstrip(".") + "." for text in texts))
    whole = " ".join(texts)
    shown = findings[:1]
    # of many panels as many as there is room for
    for finding in findings[1:]:
        if len(" ".join([*shown, finding])) > SHORT_CAPTION:
            break
        shown.append(finding)
    seen = html.escape(" ".join(shown))
    if seen == html.escape(whole):
        return seen
    return f"<details><summary>{seen}</summary>{html.escape(whole)}</details>"
