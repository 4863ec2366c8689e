"""A cell that is run again frees the explorers of its last run.

Otherwise each run would leave some 20 MB and a hundred open channels to the page, where nobody can
see the old explorer any more. A cell is known by the id that JupyterLab sends along with its code;
elsewhere nothing is freed.
"""

import gc
import sys
import weakref

import ipywidgets as widgets

_latest: dict[str, tuple[str, list]] = {}  # cell -> run, and weak references to what it made


def free_last_run(made) -> None:
    """Note what the running cell made, and call ``free()`` of what its last run made."""
    running = _running_cell()
    if running is None:
        return
    cell, run = running
    last_run, references = _latest.get(cell, (run, []))
    if last_run != run:
        for reference in references:
            old = reference()
            if old is not None:
                old.free()
        references = []
        gc.collect()  # figures are full of cycles, and large
    _latest[cell] = (run, [*references, weakref.ref(made)])


def _running_cell():
    """Return the ids of the cell whose code is running and of this run of it, or None."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    request = kernel.get_parent("shell")
    cell = request.get("metadata", {}).get("cellId")
    return None if cell is None else (cell, request["header"]["msg_id"])


def close_all(widget: widgets.Widget) -> None:
    """Close a widget and all that stand in it, with their layouts and styles."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, widgets.Widget):
            part.close()
    widget.close()
