"""Widgets to turn a knob and see at once: controls, one sentence, a picture.

How a picture gets on the screen: an `Explorer` owns one figure and never goes through pyplot. Each
panel keeps its axes and labels as a background, drawn anew only when they changed; the lines that
``plots`` adds are painted over it, and the PNG goes to one ``Image`` widget. ipywidgets merges the
moves that pile up while it works, so the last value always wins.
"""

import functools
import html
import math
import numbers
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import ipywidgets as widgets
import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers import STYLE, data, measure, plots, theory, whole_number
from helpers.catalogue import ACTIVATIONS, INITIALIZERS

# matplotlib's text parser is shared by all figures: one drawing at a time
DRAWING = threading.RLock()


class Finding(NamedTuple):
    """What a picture says: the verdict sentence, and the one number that a comparison is about."""

    sentence: str
    quantity: str = ""
    value: str = ""


class Explorer(widgets.VBox):
    """Controls, under them the verdict in words, and the picture beside them.

    Above stand the buttons: one for each preset, "Pin as A", which keeps the present picture in
    grey under whatever comes next, and "Reset". Below stands the setting as text, to be copied, or
    pasted and confirmed with Enter.

    Parameters
    ----------
    controls : dict of str to widget
        Named by the arguments of `compute`. A ``Button`` counts its clicks, from 0.
    compute : callable
        ``compute(**values)`` returns what is to be drawn, of any kind. A ``ValueError`` it raises
        is shown in the sentence's place.
    draw : callable
        ``draw(axes, result, pinned)`` adds artists to the flat array of axes through ``plots`` and
        returns a `Finding`. `pinned` is the result pinned as A, or None.
    grid : (int, int)
        Rows and columns of panels.
    size : (float, float)
        Width and height in inches; an inch is at most 90 pixels of the page, drawn as 200.
    presets : dict of str to dict
        Values of some controls, by the label of the button that sets them.
    """

    def __init__(
        self,
        controls: dict[str, widgets.Widget],
        compute: Callable,
        draw: Callable,
        *,
        grid: tuple[int, int] = (1, 1),
        size: tuple[float, float] = (7.4, 5.1),
        presets: dict[str, dict] | None = None,
    ):
        self.controls, self._compute, self._draw = controls, compute, draw
        self._clicks = {n: 0 for n, c in controls.items() if isinstance(c, widgets.Button)}
        self._first, self._pinned, self._waiting = self.values, None, False
        with DRAWING, matplotlib.style.context(STYLE):
            self.figure = Figure(size, dpi=matplotlib.rcParams["savefig.dpi"])
            self._canvas = FigureCanvasAgg(self.figure)
            panels = self.figure.subfigures(*grid, squeeze=False, facecolor="white").ravel()
            self.axes = np.array([panel.subplots() for panel in panels])
        self._moving, self._frames, self._backgrounds = [], {}, {}
        super().__init__(self._build(presets or {}, size))
        self.add_class("course-explorer")
        for name, control in controls.items():
            control.style.description_width = "102px"
            control.layout.width = "330px"
            if name in self._clicks:
                control.on_click(lambda _, name=name: self.set(**{name: self._clicks[name] + 1}))
            else:
                control.observe(lambda _: self.refresh(), names="value")
        self._pin.on_click(lambda _: self.pin() if self._pinned is None else self.unpin())
        self._reset.on_click(lambda _: self.reset())
        self._text.observe(lambda change: self._read(change.new), names="value")
        self.refresh()

    def _build(self, presets, size):
        """Make the widgets around the controls, and arrange them."""
        self._pin = widgets.Button(icon="thumb-tack")
        self._reset = widgets.Button(description="Reset", icon="undo")
        self.presets = {label: widgets.Button(description=label) for label in presets}
        for label, button in self.presets.items():
            button.on_click(lambda _, label=label: self.set(**presets[label]))
        for button in (*self.presets.values(), self._pin, self._reset):
            button.layout.width = "auto"
        self._sentence = widgets.HTML()
        self._image = widgets.Image(format="png")
        self._image.layout = widgets.Layout(
            flex="1 1 420px", min_width="300px", max_width=f"{90 * size[0]:.0f}px", height="auto"
        )
        self._text = widgets.Text(description="setting", continuous_update=False)
        self._text.layout.width = "100%"
        self._text.style.description_width = "56px"
        style = widgets.HTML(
            "<style>.course-explorer .jupyter-widgets {font-size: 16px}"
            ".course-explorer p {font-size: 18px; line-height: 1.35; max-width: 330px; margin: 0}"
            ".course-explorer .widget-readout {min-width: 138px; max-width: none}"
            "</style>"
        )
        row = widgets.Layout(flex_flow="row wrap", align_items="flex-start")
        column = widgets.VBox([*self.controls.values(), self._sentence])
        column.layout.flex = "0 0 340px"
        return [
            widgets.HBox([*self.presets.values(), self._pin, self._reset, style], layout=row),
            widgets.HBox([column, self._image], layout=row),
            self._text,
        ]

    @property
    def values(self) -> dict:
        """What the controls say now, by name."""
        return {
            name: self._clicks.get(name, getattr(control, "value", None))
            for name, control in self.controls.items()
        }

    @property
    def text(self) -> str:
        """The setting as one line, which `set_text` takes back."""
        return self._text.value

    @property
    def verdict(self) -> str:
        """The sentence under the controls."""
        return self._said

    def set(self, **values) -> None:
        """Set several controls, and draw once.

        Raises
        ------
        ValueError
            For an unknown control, or a value that it can't take; then nothing changes.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"Unknown control {name!r}. Allowed: {', '.join(self.controls)}.")
            _check_value(name, self.controls[name], value)
        with self._one_drawing():
            for name, value in values.items():
                if name in self._clicks:
                    self._clicks[name] = value
                else:
                    self.controls[name].value = value

    def set_text(self, text: str) -> None:
        """Set the controls from a line such as `text` gives; those it leaves out stay.

        Raises
        ------
        ValueError
            As `set`, or for a word that isn't ``name=value``.
        """
        values = {}
        for word in text.split():
            name, equals, value = word.partition("=")
            if not equals or name not in self.controls:
                raise ValueError(
                    f"A setting reads name=value, with a name from {', '.join(self.controls)}; "
                    f"got {word!r}."
                )
            values[name] = _value_of(name, self.controls[name], value)
        self.set(**values)

    def pin(self) -> None:
        """Keep the present result as A, drawn in grey from now on."""
        if self._result is not None:
            self._pinned = self._result, self.values, self._finding
        self.refresh()

    def unpin(self) -> None:
        """Forget A."""
        self._pinned = None
        self.refresh()

    def reset(self) -> None:
        """Go back to the first setting, with nothing pinned."""
        self._pinned = None
        self.set(**self._first)

    def refresh(self) -> None:
        """Compute and draw the present setting."""
        if self._waiting:
            return
        try:
            self._result = self._compute(**self.values)
        except ValueError as error:
            self._result, self._finding = None, Finding(str(error))
        with DRAWING, matplotlib.style.context(STYLE):
            for artist in self._moving:
                artist.remove()
            old = {child for ax in self.axes for child in ax.get_children()}
            if self._result is not None:
                pinned = self._pinned and self._pinned[0]
                self._finding = self._draw(self.axes, self._result, pinned)
            new = [child for ax in self.axes for child in ax.get_children() if child not in old]
            self._moving = [child for child in new if child is not child.axes.get_legend()]
            picture = self._paint()
        self._said = " ".join(filter(None, (self._finding.sentence, self._difference())))
        word, colon, rest = html.escape(self._said).partition(":")
        self._sentence.value = f'<p role="status"><b>{word}{colon}</b>{rest}</p>'
        self._pin.description = "Pin as A" if self._pinned is None else "Unpin A"
        with self._one_drawing(draw=False):
            self._text.value = " ".join(
                f"{name}={_label_of(self.controls[name], value)}"
                for name, value in self.values.items()
            )
        self._image.value = picture  # last: whoever sees a new picture sees the words to it

    def _difference(self):
        """Say what changed since A, and what that did."""
        if self._pinned is None or self._result is None:
            return ""
        _, values, before = self._pinned
        changed = [
            " → ".join(_label_of(self.controls[name], value) for value in (values[name], new))
            for name, new in self.values.items()
            if new != values[name]
        ]
        if not changed:
            return "This is A: change something, and both are drawn."
        return (
            f"Against A ({', '.join(changed)}): {self._finding.quantity} "
            f"{before.value} → {self._finding.value}."
        )

    def _read(self, text):
        if self._waiting:
            return
        try:
            self.set_text(text)
        except ValueError as error:
            self._said = str(error)
            self._sentence.value = f'<p role="status">{html.escape(self._said)}</p>'

    @contextmanager
    def _one_drawing(self, draw=True):
        """Hold back the drawings that the changes within would cause, and draw once after them."""
        before, self._waiting = self._waiting, True
        try:
            yield
        finally:
            self._waiting = before
        if draw:
            self.refresh()

    def _paint(self):
        for artist in self._moving:
            artist.set_animated(True)  # left out of the background
        if not self._frames:  # place the axes once, then leave them there
            self._canvas.draw()
            self.figure.set_layout_engine("none")
        renderer = self._canvas.get_renderer()
        for ax in self.axes:
            frame = _frame(ax)
            if frame != self._frames.get(ax):
                ax.figure.draw(renderer)
                self._backgrounds[ax] = self._canvas.copy_from_bbox(ax.figure.bbox)
                self._frames[ax] = frame
        for background in self._backgrounds.values():  # of all: a mark may reach over its panel
            self._canvas.restore_region(background)
        for artist in sorted(self._moving, key=lambda artist: artist.zorder):
            artist.axes.draw_artist(artist)
        return _png(np.asarray(self._canvas.buffer_rgba()))


def _frame(ax):
    """Everything that the background of a panel shows."""
    legend = ax.get_legend()
    entries = legend and [
        (text.get_text(), str(handle.get_color() if hasattr(handle, "get_color") else
                              handle.get_facecolor()))
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    ]  # fmt: skip
    texts = ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()
    return ax.get_xlim(), ax.get_ylim(), texts, entries


def _label_of(control, value):
    """Write a control's value as the setting's text does."""
    if isinstance(control, widgets.SelectionSlider):
        label = next(label for label, other in control._options_full if other == value)
        return label.replace(" ", "_")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value_of(name, control, text):
    """Read what `_label_of` wrote."""
    if isinstance(control, widgets.SelectionSlider):
        labels = {label.replace(" ", "_"): other for label, other in control._options_full}
        if text not in labels:
            raise ValueError(f"{name} must be one of {', '.join(labels)}; got {text!r}.")
        return labels[text]
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number; got {text!r}.") from None


def _check_value(name, control, value):
    """Raise a ``ValueError`` unless the control can take this value."""
    if isinstance(control, widgets.SelectionSlider):
        allowed = [other for _, other in control._options_full]
        if value not in allowed:
            raise ValueError(
                f"{name} must be one of {', '.join(map(str, allowed))}; got {value!r}."
            )
    elif isinstance(control, widgets.Button):
        whole_number(name, value, low=0)
    else:
        kind = numbers.Real if isinstance(control, widgets.FloatSlider) else numbers.Integral
        if not isinstance(value, kind) or not control.min <= value <= control.max:
            word = "a number" if kind is numbers.Real else "a whole number"
            raise ValueError(
                f"{name} must be {word} from {control.min:g} to {control.max:g}; got {value!r}."
            )


def _png(rgba):
    """Encode a picture, uint8 of shape (height, width, 4), as PNG in a third of Pillow's time.

    Every row keeps filter 0 (PNG specification, section 9): trying the others, as libraries do,
    costs 10 ms of the 100 that a moving slider has, and saves a tenth of the bytes.
    """
    height, width, channels = rgba.shape
    rows = np.zeros((height, 1 + channels * width), np.uint8)
    rows[:, 1:] = rgba.reshape(height, -1)
    header = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def choice(names, value: str, *, description: str) -> widgets.SelectionSlider:
    """Make a control for one name out of several.

    Not a drop-down menu: there JupyterLab keeps the arrow keys for itself, and takes letters for
    commands (an "r", for relu, would turn the cell into raw text and lose the explorer).
    """
    return widgets.SelectionSlider(options=list(names), value=value, description=description)


def product_explorer() -> Explorer:
    """Explore the product of derivatives along a chain of single neurons (notebook 01).

    Above, the factors w * phi'(z) one by one; below, their product so far, with the slope that
    theory predicts. z ~ N(0, spread^2); w ~ N(0, scale^2), or left out, as source B did.
    """
    scales = [("left out", 0), *((f"{s:g}", s) for s in WEIGHT_SCALES)]
    controls = {
        "activation": choice(ACTIVATIONS, "sigmoid", description="activation"),
        "depth": widgets.IntSlider(50, 1, 100, description="depth"),
        "weight_std": widgets.SelectionSlider(options=scales, description="weight scale"),
        "spread": widgets.FloatSlider(
            1.0, min=0.1, max=10, step=0.1, readout_format=".1f", description="spread of z"
        ),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }

    def compute(activation, depth, weight_std, spread, seed):
        setting = {"weight_std": weight_std or None, "pre_activation_std": spread}
        values = theory.derivative_product(activation, depth, **setting, seed=seed)[0]
        return activation, values, theory.expected_log10_factor(activation, **setting)

    def draw(axes, result, pinned):
        activation, values, predicted = result
        color = plots.COLORS.get(activation, plots.OTHER_COLOR)
        before = None if pinned is None else pinned[1]
        plots.factors(values, color=color, ax=axes[0]).set_xlabel("")
        plots.running_product(values, color=color, predicted=predicted, pinned=before, ax=axes[1])
        sentence, product = _product_sentence(values, predicted)
        return Finding(sentence, "the product", product)

    return Explorer(controls, compute, draw, grid=(2, 1))


WEIGHT_SCALES = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 25, 40)


def _product_sentence(values, predicted):
    if not values.all():
        first = int(np.argmax(values == 0)) + 1
        return (
            f"Dead: factor {first} of {len(values)} is exactly 0, and so is the product; "
            "nothing passes along this path.",
            "exactly 0",
        )
    log10 = float(np.log10(np.abs(values)).sum())
    word = theory.verdict(10 ** min(max(log10, -300), 300)).capitalize()
    product = plots.scientific(log10)
    count = "one factor gives" if len(values) == 1 else f"{len(values)} factors multiply to"
    forecast = _signed(predicted) if math.isfinite(predicted) else "a dead path"
    return (
        f"{word}: {count} {product}. Powers of ten per factor: {_signed(log10 / len(values))} "
        f"measured, {forecast} predicted.",
        product,
    )


def _words(size):
    """Write a size, 0 included, for a sentence."""
    return plots.scientific(np.log10(size) if size else -np.inf)


def _signed(number):
    return f"{round(number, 2) + 0.0:+.2f}"  # no "-0.00"


PRESETS = {  # in the order of history
    "sigmoid, N(0, 1)": ("sigmoid", "standard_normal", "none", False),
    "tanh, ±1/√n": ("tanh", "heuristic_uniform", "none", False),
    "Glorot 2010": ("tanh", "glorot_uniform", "none", False),
    "He 2015": ("relu", "he_normal", "none", False),
    "batch norm 2015": ("relu", "he_normal", "batch", False),
    "ResNet 2016": ("relu", "he_normal", "batch", True),
}
WIDTHS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 80, 100, 103, 128, 160, 200, 256)


@functools.lru_cache(8)
def _made(maker):
    return maker()


def _network_controls(activation, initializer, dataset, depth, width):
    return {
        "activation": choice(ACTIVATIONS, activation, description="activation"),
        "initializer": choice(INITIALIZERS, initializer, description="initializer"),
        "depth": widgets.IntSlider(depth, 1, 50, description="depth"),
        "width": widgets.SelectionSlider(options=WIDTHS, value=width, description="width"),
        "dataset": choice(data.DATASETS, dataset, description="data set"),
    }


def gradient_explorer() -> Explorer:
    """Explore the gradient of ten networks as initialised, layer by layer (notebook 03).

    Upper left the delta norm, dL/dz, and right of it the norm of the kernel gradient, dL/dW, both
    relative to the last hidden layer and on one scale; below the spread of the activations, and
    the shares of saturated and of dead units. The dashed line is theory's RMS; there is none under
    batch normalisation.
    """
    controls = _network_controls("sigmoid", "standard_normal", "circles", 4, 5) | {
        "normalization": choice(["none", "batch"], "none", description="normalisation"),
        "residual": choice([("none", False), ("a + φ(z)", True)], False, description="skip"),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }
    names = ("activation", "initializer", "normalization", "residual")
    presets = {label: dict(zip(names, values, strict=True)) for label, values in PRESETS.items()}
    return Explorer(controls, _profile, _draw_gradient, grid=(2, 2), presets=presets)


def _profile(dataset, normalization, *, num_replicates=10, **setting):
    """Measure networks as initialised, and predict the same.

    Of very large networks three are enough, and 32 examples: wide ones hardly differ.
    """
    normalization = None if normalization == "none" else normalization
    chosen = _made(data.DATASETS[dataset])
    large = setting["depth"] * setting["width"] ** 2 > 50 * 64**2
    count = (
        {"num_replicates": 3, "num_examples": 32} if large else {"num_replicates": num_replicates}
    )
    measured = measure.profile(**setting, **count, dataset=chosen, normalization=normalization)
    predicted = None
    if normalization is None:
        predicted = theory.signals(
            setting["activation"], setting["initializer"], depth=setting["depth"],
            width=setting["width"], residual=setting["residual"], num_inputs=chosen.num_inputs,
            input_second_moment=np.mean(chosen.x**2, axis=1),
        )  # fmt: skip
    return _Profile(measured.isel(layer=slice(0, -1)), predicted)


def _is_large(depth, width, **others):
    return depth * width**2 > 50 * 64**2


class _Profile(NamedTuple):
    measured: xr.Dataset
    predicted: object | None

    def relative(self, name):
        """Sizes relative to the RMS in the last hidden layer; all 0 stays 0."""
        values = self.measured[name].values
        last = np.sqrt(np.mean(values[:, -1] ** 2))
        return values / (last or 1.0)

    def ratio(self, name="delta_norm"):
        """RMS in the first hidden layer over the last's."""
        return float(np.sqrt(np.mean(self.relative(name)[:, 0] ** 2)))


def _draw_gradient(axes, now, pinned):
    color = plots.COLORS.get(now.measured.activation, plots.OTHER_COLOR)
    theory_line = now.predicted.delta_norm if now.predicted else None
    spread = now.predicted.activation_std if now.predicted else None
    before = [] if pinned is None else [pinned]
    for ax, name, quantity, predicted in (
        (axes[0], "delta_norm", "delta", theory_line),
        (axes[1], "gradient_norm", "kernel gradient", None),
    ):
        series = plots.Series(now.relative(name), color, predicted=predicted)
        plots.by_layer([series], quantity=quantity, pinned=[b.relative(name) for b in before],
                       ax=ax)  # fmt: skip
    limits = np.array([ax.get_ylim() for ax in axes[:2]])
    for ax in axes[:2]:
        ax.set(ylim=(limits[:, 0].min(), limits[:, 1].max()), ylabel="÷ last layer's", xlabel="")
    series = plots.Series(now.measured["activation_std"].values, color, predicted=spread)
    plots.by_layer(
        [series], quantity="activation spread", relative=False, ax=axes[2],
        pinned=[b.measured["activation_std"].values for b in before],
    )  # fmt: skip
    plots.shares(*_shares(now), pinned=pinned and _shares(pinned), color=color, ax=axes[3])
    plots.small_legend(axes[0], "RMS", "theory")
    plots.small_legend(axes[1], "median")
    plots.small_legend(axes[2], "A")
    plots.small_legend(axes[3], "saturated", "dead")
    return _gradient_finding(now)


def _shares(profile):
    return [profile.measured[name].values for name in ("saturation", "dead")]


def _gradient_finding(now):
    delta = now.measured["delta_norm"].values
    dead = int((delta[:, 0] == 0).sum())
    ratio = now.ratio()
    size = _words(ratio)
    word = theory.verdict(ratio).capitalize()
    finding = f"{word}: delta = dL/dz in the first hidden layer is {size} of the last's"
    if now.predicted:
        finding += f" (theory {_words(now.predicted.delta_norm[0])})"
    if dead:
        finding += f"; {dead} of {len(delta)} networks are dead"
    finding += f". The kernel gradient: {_words(now.ratio('gradient_norm'))} of the last's."
    return Finding(finding, "first-layer delta over the last's", size)


INITIALIZER_PRESETS = {
    "Glorot 2010": ("tanh", "heuristic_uniform", "glorot_uniform"),
    "Saxe 2014": ("linear", "lecun_normal", "orthogonal"),
    "He 2015": ("relu", "glorot_uniform", "he_uniform"),
    "SELU 2017": ("selu", "he_normal", "lecun_normal"),
}


def initializer_explorer() -> Explorer:
    """Explore two initializers on the same draws, layer by layer (notebook 04).

    Above the spread of the activations and the delta norm (Glorot & Bengio 2010, figures 6 and 7,
    in one number a layer), with theory's RMS dashed; below the singular values of the Jacobian
    from one hidden layer to the next, and the measured spread against the predicted one. Five
    networks each, on common random numbers.
    """
    controls = _network_controls("tanh", "heuristic_uniform", "digits", 5, 64)
    controls = {
        "activation": controls.pop("activation"),
        "first": controls.pop("initializer"),
        "second": choice(INITIALIZERS, "glorot_uniform", description="second"),
    } | controls | {"seed": widgets.Button(description="New draw", icon="refresh")}  # fmt: skip
    controls["first"].description = "first"
    controls["width"].options = [width for width in WIDTHS if width <= 128]
    controls["width"].value = 64
    presets = {
        label: dict(zip(("activation", "first", "second"), values, strict=True))
        for label, values in INITIALIZER_PRESETS.items()
    }

    def compute(first, second, dataset, **setting):
        both = []
        count = 1 if _is_large(**setting) else 2
        for name in (first, second):
            profile = _profile(
                dataset, "none", initializer=name, residual=False, num_replicates=5, **setting
            )
            values = measure.singular_values(
                initializer=name,
                dataset=_made(data.DATASETS[dataset]),
                num_replicates=count,
                **setting,
            )
            both.append((profile, values.reshape(len(values), count * setting["width"]).T))
        return both

    return Explorer(controls, compute, _draw_initializers, grid=(2, 2), presets=presets)


PAIR = ("#0072B2", "#D55E00")  # the first initializer's colour, and the second's


def _draw_initializers(axes, now, pinned):
    names = [profile.measured.initializer for profile, _ in now]
    before = pinned or []

    def series(values, predicted):
        return [
            plots.Series(v, color, name, p)
            for v, color, name, p in zip(values, PAIR, names, predicted, strict=True)
        ]

    spread = series(
        [profile.measured["activation_std"].values for profile, _ in now],
        [profile.predicted.activation_std for profile, _ in now],
    )
    delta = series(
        [profile.relative("delta_norm") for profile, _ in now],
        [profile.predicted.delta_norm for profile, _ in now],
    )
    plots.by_layer(
        spread, quantity="activation spread", relative=False, ax=axes[0],
        pinned=[profile.measured["activation_std"].values for profile, _ in before],
    ).set_xlabel("")  # fmt: skip
    plots.by_layer(
        delta, quantity="delta", ax=axes[1],
        pinned=[profile.relative("delta_norm") for profile, _ in before],
    ).set(ylabel="÷ last layer's", xlabel="")  # fmt: skip
    plots.singular_values(
        series([values for _, values in now], [None, None]), ax=axes[2],
        pinned=[values for _, values in before],
    )  # fmt: skip
    plots.predicted_measured(spread, quantity="activation spread", ax=axes[3])
    plots.small_legend(axes[1], "theory", "A")
    axes[3].legend(loc="upper left", fontsize=11)
    ratios = [_words(profile.ratio()) for profile, _ in now]
    words = [theory.verdict(profile.ratio()) for profile, _ in now]
    means = [f"{values.mean():.2g}" if values.size else "none" for _, values in now]
    return Finding(
        f"{words[0].capitalize()} and {words[1]}: delta = dL/dz in the first hidden layer is "
        f"{ratios[0]} of the last's under {names[0]}, {ratios[1]} under {names[1]}. Mean "
        f"singular values: {means[0]} and {means[1]}.",
        "first-layer deltas over the last's", " and ".join(ratios),
    )  # fmt: skip
