"""Widgets to turn a knob and see at once: controls, one sentence, a picture.

How a picture gets on the screen: an `Explorer` owns one figure and never goes through pyplot. A
drawing function of ``plots`` adds its lines; the explorer draws axes and labels only when they
changed, keeps that as a background, paints the lines over it and hands the PNG to one ``Image``
widget. ipywidgets merges the moves that pile up while it works, so the last value always wins.
"""

import html
import math
import struct
import threading
import zlib
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers import STYLE, plots, theory
from helpers.catalogue import ACTIVATIONS

# matplotlib's text parser is shared by all figures: one drawing at a time
DRAWING = threading.RLock()


class Explorer(widgets.HBox):
    """Controls, under them the verdict in words, and the picture beside them.

    Parameters
    ----------
    controls : dict of str to widget
        Named by the arguments of `draw`. A ``Button`` counts its clicks, from 0.
    draw : callable
        ``draw(axes, **values)`` adds artists to the axes through ``plots`` and returns the verdict
        sentence. A ``ValueError`` it raises is shown in the sentence's place.
    rows : int
        Number of axes, one above the other.
    size : (float, float)
        Width and height in inches; an inch is 100 pixels of the page, drawn at twice that.
    """

    def __init__(
        self, controls: dict[str, widgets.Widget], draw: Callable, *, rows=1, size=(6.4, 4.4)
    ):
        self.controls, self._draw = controls, draw
        self._clicks = dict.fromkeys(controls, 0)
        with DRAWING, matplotlib.style.context(STYLE):
            self.figure = Figure(size, dpi=matplotlib.rcParams["savefig.dpi"])
            self._canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.subplots(rows, sharex=True, squeeze=False)[:, 0]
        self._moving, self._frame, self._background = [], None, None
        self._image = widgets.Image(format="png")
        self._image.layout = widgets.Layout(
            flex="1 1 420px", min_width="300px", max_width="700px", height="auto"
        )
        self._sentence = widgets.HTML()
        for name, control in controls.items():
            control.style.description_width = "96px"
            control.layout.width = "290px"
            if isinstance(control, widgets.Button):
                control.on_click(lambda _, name=name: self._count(name))
            else:
                control.observe(lambda _: self.refresh(), names="value")
        column = widgets.VBox([*controls.values(), self._sentence])
        column.layout.flex = "0 0 300px"
        super().__init__([column, self._image])
        self.add_class("course-explorer")
        self.layout.flex_flow, self.layout.align_items = "row wrap", "flex-start"
        self.refresh()

    @property
    def values(self) -> dict:
        """What the controls say now, by name."""
        return {
            name: self._clicks[name] if isinstance(control, widgets.Button) else control.value
            for name, control in self.controls.items()
        }

    @property
    def verdict(self) -> str:
        """The sentence under the controls."""
        return self._said

    def refresh(self) -> None:
        """Draw the present setting."""
        with DRAWING, matplotlib.style.context(STYLE):
            old = {child for ax in self.axes for child in ax.get_children()} - {*self._moving}
            for artist in self._moving:
                artist.remove()
            try:
                self._said = self._draw(self.axes, **self.values)
            except ValueError as error:
                self._said = str(error)
            for ax in self.axes:
                ax.label_outer()
            children = [child for ax in self.axes for child in ax.get_children()]
            self._moving = [child for child in children if child not in old]
            self._image.value = self._paint()
        word, colon, rest = html.escape(self._said).partition(":")
        self._sentence.value = (
            "<style>.course-explorer .jupyter-widgets {font-size: 16px}</style>"
            '<p role="status" style="font-size: 18px; line-height: 1.4; max-width: 280px">'
            f"<b>{word}{colon}</b>{rest}</p>"
        )

    def _count(self, name):
        self._clicks[name] += 1
        self.refresh()

    def _paint(self):
        for artist in self._moving:
            artist.set_animated(True)  # left out when the background is drawn
        frame = [(ax.get_xlim(), ax.get_ylim(), ax.get_title()) for ax in self.axes]
        if frame != self._frame:
            if self._frame is None:  # place the axes once, then leave them there
                self._canvas.draw()
                self.figure.set_layout_engine("none")
            self._canvas.draw()
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._frame = frame
        self._canvas.restore_region(self._background)
        for artist in sorted(self._moving, key=lambda artist: artist.zorder):
            artist.axes.draw_artist(artist)
        return _png(np.asarray(self._canvas.buffer_rgba()))


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

    def draw(axes, activation, depth, weight_std, spread, seed):
        setting = {"weight_std": weight_std or None, "pre_activation_std": spread}
        values = theory.derivative_product(activation, depth, **setting, seed=seed)[0]
        predicted = theory.expected_log10_factor(activation, **setting)
        color = plots.COLORS.get(activation, plots.OTHER_COLOR)
        plots.factors(values, color=color, ax=axes[0])
        plots.running_product(values, color=color, predicted=predicted, ax=axes[1])
        return _product_sentence(values, predicted)

    return Explorer(controls, draw, rows=2)


WEIGHT_SCALES = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 25, 40)


def _product_sentence(values, predicted):
    if not values.all():
        first = int(np.argmax(values == 0)) + 1
        return (
            f"Dead: factor {first} of {len(values)} is exactly 0, and so is the product; "
            "nothing passes along this path."
        )
    log10 = float(np.log10(np.abs(values)).sum())
    word = theory.verdict(10 ** min(max(log10, -300), 300)).capitalize()
    product = plots.scientific(log10)
    count = "one factor gives" if len(values) == 1 else f"{len(values)} factors multiply to"
    forecast = _signed(predicted) if math.isfinite(predicted) else "a dead path"
    return (
        f"{word}: {count} {product}. Powers of ten per factor: {_signed(log10 / len(values))} "
        f"measured, {forecast} predicted."
    )


def _signed(number):
    return f"{round(number, 2) + 0.0:+.2f}"  # no "-0.00"
