"""How a picture gets on the screen: panels on one figure, painted over backgrounds, sent as a PNG.

A picture is a list of `Panel`s. matplotlib would need some 100 ms for all of it, of which most goes
into axes, ticks and words, which rarely change. So a `Canvas` keeps a copy of each panel's pixels
without what moves (its background), draws it anew only where something in it looks different
(``appearance``), and paints over it what each move draws.
"""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers import STYLE, plots
from helpers.explorers.appearance import appearance
from helpers.explorers.png import encode

# matplotlib's text parser is shared by all figures: one drawing at a time.
DRAWING = threading.RLock()
BACKGROUND = "background"  # gid of an artist that rarely changes, and so belongs to the background
BACKGROUNDS_KEPT = 4  # of each panel: going back and forth between two settings costs nothing
MARGINS = (0.85, 0.22, 0.58, 0.36)  # inches left, right, below and above the axes, for their words


class Scale:
    """A y-axis that several panels share: it holds what each of them would show.

    `adjust` takes the lowest and highest limit among them, and returns those to be used.
    """

    def __init__(self, adjust: Callable = lambda low, high: (low, high)):
        self.adjust = adjust


class Panel(NamedTuple):
    """One panel of a picture, which draws itself.

    Parameters
    ----------
    title : str
        Stands above the axes.
    draw : callable
        ``draw(ax, result, pinned)`` adds to the axes what the result looks like, through ``plots``.
        `pinned` is the result pinned as A, or None.
    legend : tuple of str
        Labels that stand beside the title, of those that were drawn.
    still : callable, optional
        Called alike, before `draw`, but only where the canvas is told of another `still_of`: draws
        what stays the same while an epoch moves.
    scale : Scale, optional
        Panels with the same one have the same y-axis.
    """

    title: str
    draw: Callable
    legend: tuple[str, ...] = ()
    still: Callable | None = None
    scale: Scale | None = None


class Place:
    """Axes for one panel in a subfigure of its own, and what is drawn there."""

    def __init__(self, subfigure, box):
        self.subfigure = subfigure
        self.box = box
        self.clear()

    def clear(self) -> None:
        """Start with new axes: ``Axes.clear`` would leave the aspect and colours of ticks."""
        self.subfigure.clear()
        self.ax = self.subfigure.add_axes(self.box)
        self.panel = None
        self.moving = []
        self.still = []
        self.still_of = None
        self.backgrounds = {}

    def draw(self, panel: Panel, result, pinned, still_of: tuple) -> None:
        """Draw a panel instead of what the place shows now."""
        if panel is not self.panel:
            self.clear()
            self.panel = panel
        self.moving = _without(self.moving)
        if panel.still and not _same(still_of, self.still_of):
            self.still = _without(self.still)
            self.still = self._drawn_by(panel.still, result, pinned)
            self.still_of = still_of
        self.moving = self._drawn_by(panel.draw, result, pinned)
        self.ax.set_title(panel.title)
        if panel.legend:  # else it's up to `draw`
            plots.small_legend(self.ax, *panel.legend)

    def _drawn_by(self, draw, result, pinned):
        """Draw, and return the artists that came; a legend is replaced, not removed."""
        old = set(self.ax.get_children())
        draw(self.ax, result, pinned)
        legend = self.ax.get_legend()
        return [a for a in self.ax.get_children() if a not in old and a is not legend]

    @property
    def painted(self) -> list:
        """The artists that are no part of the background."""
        return [artist for artist in self.moving if artist.get_gid() != BACKGROUND]

    def background(self, canvas: FigureCanvasAgg):
        """Return the pixels of this panel without what is painted."""
        painted = set(self.painted)
        for artist in painted:
            artist.set_animated(True)  # matplotlib leaves it out
        look = appearance(self.ax, without=painted)
        pixels = self.backgrounds.pop(look, None)
        if pixels is None:
            self.subfigure.draw(canvas.get_renderer())
            pixels = canvas.copy_from_bbox(self.subfigure.bbox)
        self.backgrounds[look] = pixels  # the newest last
        for oldest in list(self.backgrounds)[:-BACKGROUNDS_KEPT]:
            del self.backgrounds[oldest]
        return pixels


class Canvas:
    """A figure with places for panels, outside pyplot.

    Parameters
    ----------
    grid : (int, int) or list of lists of int
        Rows and columns of panels; or a mosaic of panel numbers, such as [[0, 1], [0, 2]] for a
        panel on the left that is as high as the two on the right.
    size : (float, float)
        Width and height in inches.
    """

    def __init__(self, grid, size: tuple[float, float]):
        with DRAWING, matplotlib.style.context(STYLE):
            self.figure = Figure(size, dpi=matplotlib.rcParams["savefig.dpi"])
            self.agg = FigureCanvasAgg(self.figure)
            self.figure.set_layout_engine("none")  # nothing moves when a label does
            self.places = _places_of(self.figure, grid)
            self.agg.draw()  # white all over, between the panels too

    @property
    def axes(self) -> np.ndarray:
        """The axes of all places."""
        return np.array([place.ax for place in self.places])

    @property
    def words(self) -> str:
        """What the panels show, as ``plots`` left it in the labels of the axes."""
        labels = [str(place.ax.get_label()) for place in self.places if place.panel]
        return " ".join(label for label in labels if label)

    def draw(self, panels: Sequence[Panel], result, pinned, still_of: tuple = ()) -> None:
        """Draw a panel in each place.

        `still_of` holds the objects that the still parts are drawn from: while they are the same
        ones, those parts stay.

        Raises
        ------
        Exception
            What a panel raised; then all places are empty, and the next picture is drawn afresh.
        """
        try:
            with DRAWING, matplotlib.style.context(STYLE):
                for place, panel in zip(self.places, panels, strict=True):
                    place.draw(panel, result, pinned, still_of)
                self._share_scales()
        except Exception:
            self.clear()
            raise

    def clear(self) -> None:
        """Empty all places."""
        with DRAWING, matplotlib.style.context(STYLE):
            for place in self.places:
                place.clear()

    def paint(self) -> bytes:
        """Return the picture as PNG."""
        with DRAWING, matplotlib.style.context(STYLE):
            backgrounds = [place.background(self.agg) for place in self.places]
            for pixels in backgrounds:  # all of them first: a mark may reach over its panel
                self.agg.restore_region(pixels)
            for place in self.places:
                for artist in sorted(place.painted, key=lambda artist: artist.zorder):
                    place.ax.draw_artist(artist)
            return encode(np.asarray(self.agg.buffer_rgba()))

    def _share_scales(self):
        """Give panels with the same scale the same limits."""
        scales = {place.panel.scale for place in self.places} - {None}
        for scale in scales:
            shared = [place.ax for place in self.places if place.panel.scale is scale]
            limits = np.array([ax.get_ylim() for ax in shared])
            low, high = scale.adjust(limits[:, 0].min(), limits[:, 1].max())
            for ax in shared:
                ax.set_ylim(low, high)


def _without(artists):
    """Remove artists from their axes; none are left."""
    for artist in artists:
        artist.remove()
    return []


def _same(objects, others):
    """Whether two tuples hold the very same objects (recordings are slow to compare)."""
    if others is None or len(objects) != len(others):
        return False
    return all(one is other for one, other in zip(objects, others, strict=True))


def _places_of(figure, grid):
    """Make each place of a grid or mosaic."""
    mosaic = np.arange(np.prod(grid)).reshape(grid) if np.ndim(grid) == 1 else np.array(grid)
    spec = figure.add_gridspec(*mosaic.shape)
    cell_width, cell_height = figure.get_size_inches() / mosaic.shape[::-1]
    places = []
    for number in range(mosaic.max() + 1):
        rows = np.flatnonzero((mosaic == number).any(axis=1))
        columns = np.flatnonzero((mosaic == number).any(axis=0))
        cells = spec[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        subfigure = figure.add_subfigure(cells, facecolor="white")
        box = _box(cell_width * len(columns), cell_height * len(rows))
        places.append(Place(subfigure, box))
    return places


def _box(width, height):
    """Place the axes within a panel of this size in inches, with room for all labels."""
    left, right, bottom, top = MARGINS
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height
