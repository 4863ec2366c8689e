"""What an explorer needs from the page itself: its keys, and words for those who don't see it.

JupyterLab takes arrow keys and letters for commands to its cells ("r" would make a cell raw text
and lose the explorer), from a listener on the document in the capture phase; one on the window
comes before it. A menu and a button do their work without any listener, so there the event may end.
A slider's handle listens itself: of its keys only up and down mean something to JupyterLab, and are
handed on as right and left.

ipywidgets names neither the handles of sliders, nor the play button, nor a picture.
"""

from pathlib import Path

import anywidget
import traitlets


class PageHelper(anywidget.AnyWidget):
    """A widget without a look, which cares for the explorer that it stands in.

    `picture` says in words what the picture shows: its text alternative. `asked` is the setting in
    the address of the page for a hall, ``?setting=depth=20``. That page also asks now and then
    whether the kernel is still there; any answer will do.
    """

    _esm = Path(__file__).with_suffix(".js")
    picture = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(lambda *_: self.send("here"))
