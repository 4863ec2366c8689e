import io

import matplotlib.image
import matplotlib.style
import numpy as np
import pytest
from matplotlib.ticker import FixedLocator, FuncFormatter

from helpers import STYLE
from helpers.explorers.canvas import Canvas, Panel, Scale
from helpers.explorers.png import encode


def draw_line(ax, values, pinned):
    ax.plot(values, color="blue", label="line")
    ax.set(xlim=(0, 5), ylim=(0, 10), xlabel="place")


def picture(canvas):
    return matplotlib.image.imread(io.BytesIO(canvas.paint()))


def new(panels, result=(1, 2, 3), pinned=None):
    canvas = Canvas((1, len(panels)), (4 * len(panels), 2))
    canvas.draw(panels, result, pinned)
    return canvas


CHANGES = {
    "formatter": lambda ax: ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"<{v:g}>")),
    "locator": lambda ax: ax.xaxis.set_major_locator(FixedLocator([1, 4])),
    "ticks": lambda ax: ax.set_xticks([0, 1], ["none", "one"]),
    "minor ticks": lambda ax: ax.set_xticks([0.5, 1.5], minor=True),
    "tick colour": lambda ax: ax.tick_params(axis="x", colors="red"),
    "one tick": lambda ax: ax.xaxis.get_major_ticks()[0].label1.set_color("red"),
    "label": lambda ax: ax.set_xlabel("other place"),
    "label size": lambda ax: ax.xaxis.label.set_fontsize(8),
    "title": lambda ax: ax.set_title("right title", loc="right"),
    "limits": lambda ax: ax.set_xlim(0, 7),
    "legend": lambda ax: ax.legend(),
    "legend entry": lambda ax: ax.legend(ax.lines, ["another"]),
    "legend colour": lambda ax: ax.legend().legend_handles[0].set_color("green"),
    "spine": lambda ax: ax.spines["left"].set_visible(False),
    "grid": lambda ax: ax.grid(visible=False),
    "ground": lambda ax: ax.set_facecolor("yellow"),
    "kept line": lambda ax: ax.axhline(5, gid="background"),
    "kept image": lambda ax: ax.imshow([[0, 1]], extent=(0, 5, 0, 9), gid="background"),
    "kept area": lambda ax: ax.fill_between([0, 5], [1, 2], [3, 3], gid="background"),
    "text of one's own": lambda ax: ax.text(1, 1, "hello", gid="background"),
    "what it doesn't know": lambda ax: ax.scatter([1], [2], gid="background"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_artist_cannot_leave_the_old_background(what):
    """First the plain picture, then the changed one: as a canvas that knew no other draws it."""

    def draw_changed(ax, result, pinned):
        draw_line(ax, result[1:], pinned)
        if result[0]:
            CHANGES[what](ax)

    panel = Panel("", draw_changed)
    canvas = new([panel], (False, 1, 2, 3))
    before = picture(canvas)
    canvas.draw([panel], (True, 1, 2, 3), None)
    changed = picture(canvas)
    assert (before != changed).any()
    np.testing.assert_array_equal(changed, picture(new([panel], (True, 1, 2, 3))))


def test_what_looks_the_same_is_not_drawn_again():
    panel = Panel("title", draw_line, ("line",))
    canvas = new([panel])
    canvas.paint()
    drawn = []
    canvas.places[0].subfigure.draw = drawn.append
    for values in ((3, 2, 1), (1, 2, 3), (9, 9, 9)):
        canvas.draw([panel], values, None)
        canvas.paint()
    assert not drawn


def test_the_picture_is_the_one_that_matplotlib_draws():
    canvas = new([Panel("title", draw_line, ("line",)), Panel("other", draw_line)])
    painted = picture(canvas)
    for place in canvas.places:
        for artist in place.moving:
            artist.set_animated(False)
    with matplotlib.style.context(STYLE):
        canvas.agg.draw()
    whole = np.asarray(canvas.agg.buffer_rgba()) / 255
    assert (
        np.abs(painted - whole).max(axis=2) > 0.25
    ).mean() < 1e-3  # where a line ends on a spine


def test_nothing_is_left_of_another_list_of_panels():
    def draw_strange(ax, values, pinned):
        ax.imshow([[1, 2]])
        ax.set_xticks([0], ["strange"])
        ax.legend([], [], title="legend")
        ax.tick_params(colors="red")

    one = [Panel("title", draw_line)]
    canvas = new(one)
    before = picture(canvas)
    canvas.draw([Panel("other", draw_strange)], (1,), None)
    assert (picture(canvas) != before).any()
    canvas.draw(one, (1, 2, 3), None)
    np.testing.assert_array_equal(picture(canvas), before)


def test_still_parts_are_drawn_again_only_for_another_object():
    calls = []

    def still(ax, result, pinned):
        calls.append(result)
        ax.plot([0, 1], [0, 1], label="still")

    panel = Panel("", draw_line, still=still)
    canvas = Canvas((1, 1), (4, 2))
    run = object()
    for value in range(3):
        canvas.draw([panel], (value,), None, (run,))
    assert calls == [(0,)] and len(canvas.axes[0].lines) == 2
    canvas.draw([panel], (3,), None, (object(),))
    assert calls == [(0,), (3,)] and len(canvas.axes[0].lines) == 2


def test_panels_on_one_scale_have_the_same_limits():
    def draw_to(top):
        def draw(ax, values, pinned):
            ax.set_ylim(-top, top)

        return draw

    scale = Scale()
    doubled = Scale(lambda low, high: (2 * low, 2 * high))
    panels = [
        Panel("", draw_to(1), scale=scale),
        Panel("", draw_to(5), scale=scale),
        Panel("", draw_to(7)),
        Panel("", draw_to(3), scale=doubled),
    ]
    limits = [ax.get_ylim() for ax in new(panels).axes]
    assert limits == [(-5, 5), (-5, 5), (-7, 7), (-6, 6)]


def test_a_panel_that_fails_leaves_nothing_behind():
    def draw(ax, values, pinned):
        ax.plot(values)
        if values[0] > 5:
            raise ZeroDivisionError
        ax.set(xlim=(0, 5), ylim=(0, 10))

    panel = Panel("title", draw)
    canvas = new([panel])
    before = picture(canvas)
    with pytest.raises(ZeroDivisionError):
        canvas.draw([panel], (9, 9), None)
    assert not canvas.axes[0].lines
    canvas.draw([panel], (1, 2, 3), None)
    np.testing.assert_array_equal(picture(canvas), before)


def test_a_mosaic_of_panels_fills_the_figure():
    canvas = Canvas([[0, 1], [0, 2]], (8, 5))
    tall, above, below = (ax.get_window_extent().bounds for ax in canvas.axes)
    assert tall[3] > above[3] + below[3] and tall[0] + tall[2] < above[0] == below[0]
    assert below[1] + below[3] < above[1]


def decoded(rgba):
    read = matplotlib.image.imread(io.BytesIO(encode(rgba)), format="png")
    return (255 * read[:, :, :3]).round().astype(int)


def test_a_picture_of_few_colors_comes_out_as_it_is():
    rng = np.random.default_rng(0)
    colors = np.full((256, 4), 255, np.uint8)
    # one of each kind, so that none has to give way to a neighbour
    kinds = rng.choice(1 << 15, 256, replace=False)
    colors[:, :3] = 8 * np.stack([kinds >> 10, kinds >> 5 & 31, kinds & 31], axis=-1) + 5
    rgba = rng.permutation(np.repeat(colors, 3, axis=0)).reshape(32, 24, 4)
    np.testing.assert_array_equal(decoded(rgba), rgba[:, :, :3])


def test_of_many_colors_the_frequent_ones_stay_and_the_others_become_the_nearest():
    rgba = np.random.default_rng(0).integers(0, 256, (40, 50, 4), dtype=np.uint8)
    rgba[:, :, 3] = 255
    rgba[:, :25] = (1, 120, 200, 255)
    rgba[2::2, :25, 0] = 3  # of the same kind, in 19 of 40 rows
    shown = decoded(rgba)
    assert (shown[:, :25] == (1, 120, 200)).all()
    palette = np.unique(shown.reshape(-1, 3), axis=0)
    assert len(palette) == 256
    others = rgba[:, 25:, :3].reshape(-1, 3).astype(int)
    distances = np.linalg.norm(others[:, None] - palette, axis=-1)
    own = np.linalg.norm(others - shown[:, 25:].reshape(-1, 3), axis=-1)
    # a kind is 8 wide in each channel, and one colour stands for all of it
    assert (own <= distances.min(axis=1) + 2 * np.linalg.norm([7, 7, 7])).all()
