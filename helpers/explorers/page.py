"""What an explorer needs from the page itself: its keys, and words for those who don't see it.

JupyterLab takes arrow keys and letters for commands to its cells ("r" would make a cell raw text
and lose the explorer), from a listener on the document in the capture phase; one on the window
comes before it. A menu and a button do their work without any listener, so there the event may end.
A slider's handle listens itself: of its keys only up and down mean something to JupyterLab, and are
handed on as right and left.

ipywidgets names neither the handles of sliders, nor the play button, nor a picture, and a sentence
that is read out at each move of a slider is noise. So ``accessible.js`` names the parts, and reads
out what is said once it has stood still for a second. ``accessible.css`` makes handles, tracks and
the focus plain to see.
"""

from pathlib import Path

import anywidget
import traitlets

FOLDER = Path(__file__).parent
SCRIPTS = ("../sight.js", "accessible.js", "live.js", "page.js")


class PageHelper(anywidget.AnyWidget):
    """A widget without a look, which cares for the explorer that it stands in.

    `picture` says in words what the picture shows: its text alternative. `said` is what a screen
    reader says once things have come to rest, which they haven't while `playing`. `calm` is True
    where the reader asked the system for less motion. `asked` is the setting in the address of the
    page for a hall, ``?setting=depth=20``; that page also asks now and then whether the kernel is
    there, to which any answer will do. `clicked` is where the picture was clicked last, in shares
    of its width, from the left, and of its height, from above.
    """

    # one module: the browser gets it as a text without an address, which can import no neighbour
    _esm = "\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
    _css = (FOLDER / "accessible.css").read_text("utf-8")
    picture = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    playing = traitlets.Bool().tag(sync=True)
    calm = traitlets.Bool().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)
    clicked = traitlets.List().tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(lambda *_: self.send("here"))
