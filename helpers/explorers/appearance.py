"""What an artist looks like, as a value that can be compared: it tells whether pixels are stale.

Read from the artists themselves, all of them that ``Axes.get_children`` lists: whatever changes the
look of one (a label, a tick, a formatter, a colour, an entry of a legend) changes the value. A kind
of artist that isn't known here never equals itself, so that it's drawn anew each time: slow, but
never wrong.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.collections import PolyCollection
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.offsetbox import OffsetBox
from matplotlib.patches import Patch
from matplotlib.spines import Spine
from matplotlib.text import Text


def appearance(artist, *, without=()) -> tuple:
    """Return a hashable value that is equal for artists that look the same.

    Parameters
    ----------
    artist : matplotlib artist
    without : collection of artists
        Children to leave out.
    """
    if not artist.get_visible():
        return (type(artist), False)
    look = next((look for kind, look in LOOKS if isinstance(artist, kind)), None)
    parts = (object(),) if look is None else look(artist, without)
    return (type(artist), artist.get_zorder(), artist.get_alpha(), *parts)


def _axes(ax, without):
    children = tuple(appearance(c) for c in ax.get_children() if c not in without)
    return ax.get_xlim(), ax.get_ylim(), ax.get_position().bounds, children


def _axis(axis, _):
    """Ticks by what they say, not by the objects, which matplotlib makes anew at a drawing."""
    ticks = []
    for locator, formatter in (
        (axis.get_major_locator(), axis.get_major_formatter()),
        (axis.get_minor_locator(), axis.get_minor_formatter()),
    ):
        locations = locator()
        texts = formatter.format_ticks(locations)
        ticks.append((bytes(np.asarray(locations, float)), tuple(texts), formatter.get_offset()))
    made = dict.fromkeys(_tick(tick, ()) for tick in axis.majorTicks)  # mostly all alike
    settings = (repr(axis.get_tick_params(which=which)) for which in ("major", "minor"))
    # Their positions are set at each drawing, from the size of the ticks' labels.
    words = ((text.get_text(), _style_of_text(text)) for text in (axis.label, axis.offsetText))
    return (*ticks, *made, *settings, *words)


def _tick(tick, _):
    """Lines and words of a tick but for place and text, which `_axis` knows better."""
    words = (tick.label1, tick.label2)
    lines = (tick.tick1line, tick.tick2line, tick.gridline)
    return (
        *(text.get_visible() and _style_of_text(text) for text in words),
        *(line.get_visible() and _style_of_line(line) for line in lines),
    )


def _text(text, _):
    return text.get_text(), text.get_unitless_position(), _style_of_text(text)


def _style_of_text(text):
    box = text.get_bbox_patch()
    return (
        _color(text.get_color()),
        text.get_fontproperties().get_fontconfig_pattern(),
        text.get_rotation(),
        text.get_horizontalalignment(),
        text.get_verticalalignment(),
        None if box is None else _patch(box, ()),
    )


def _line(line, _):
    return line.get_xydata().tobytes(), _style_of_line(line)


def _style_of_line(line):
    return (
        _color(line.get_color()),
        line.get_linewidth(),
        repr(line._dash_pattern),  # `get_linestyle` says "--" of every dash pattern
        line.get_drawstyle(),
        line.get_solid_capstyle(),
        str(line.get_marker()),
        line.get_markersize(),
        _color(line.get_markerfacecolor()),
        _color(line.get_markeredgecolor()),
        line.get_markeredgewidth(),
    )


def _image(image, _):
    array = image.get_array()
    return (
        array.shape,
        array.tobytes(),
        tuple(image.get_extent()),
        image.get_clim(),
        image.get_cmap().name,
        image.get_interpolation(),
    )


def _patch(patch, _):
    return (
        _color(patch.get_facecolor()),
        _color(patch.get_edgecolor()),
        patch.get_linewidth(),
        str(patch.get_linestyle()),
        patch.get_hatch(),
        patch.get_path().vertices.tobytes(),
        bytes(patch.get_patch_transform().get_matrix()),
    )


def _areas(filled, _):
    """Take apart what ``fill_between`` fills."""
    return (
        tuple(path.vertices.tobytes() for path in filled.get_paths()),
        np.asarray(filled.get_offsets()).tobytes(),
        _color(filled.get_facecolor()),
        _color(filled.get_edgecolor()),
        tuple(np.ravel(filled.get_linewidth())),
        filled.get_hatch(),
    )


def _spine(spine, _):
    """Its path is set at each drawing, from the limits of the axes."""
    return _color(spine.get_edgecolor()), spine.get_linewidth(), repr(spine.get_position())


def _legend(legend, _):
    """Everything within it, which lies in boxes in boxes."""
    within = legend.findobj(lambda a: isinstance(a, (Text, Line2D, Patch, AxesImage)), False)
    anchor = legend.get_bbox_to_anchor().bounds
    return legend._get_loc(), anchor, tuple(appearance(artist) for artist in within)


def _container(box, _):
    return tuple(appearance(child) for child in box.get_children())


def _color(color):
    return color if isinstance(color, str) else tuple(np.ravel(color).tolist())


LOOKS = (  # the first that fits; a spine is a patch, too
    (Axes, _axes),
    (Axis, _axis),
    (Tick, _tick),
    (Legend, _legend),
    (Text, _text),
    (Line2D, _line),
    (AxesImage, _image),
    (PolyCollection, _areas),
    (Spine, _spine),
    (Patch, _patch),
    (OffsetBox, _container),
)
