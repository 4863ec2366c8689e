"""Keys that belong to an explorer, and not to JupyterLab's commands."""

import anywidget

# JupyterLab takes arrow keys and letters for commands to its cells ("r" would make a cell raw text
# and lose the explorer), from a listener on the document in the capture phase. One on the window
# comes before it. A menu and a button do their work without any listener, so there the event may
# end here. A slider's handle listens itself: of its keys only up and down mean something to
# JupyterLab, and are handed on as right and left.
SCRIPT = """
const SIDEWAYS = {ArrowUp: "ArrowRight", ArrowDown: "ArrowLeft"};
const OF_A_SLIDER = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"];

function guard(home, event) {
  const target = event.target;
  if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!(target instanceof Element) || !home.contains(target)) return;
  if (target.closest("select, button")) {
    event.stopPropagation();
    return;
  }
  if (!target.closest(".noUi-handle") || OF_A_SLIDER.includes(event.key)) return;
  if (event.key === "Tab") return;
  event.stopPropagation();
  if (event.key in SIDEWAYS) {
    event.preventDefault();  // the page would scroll
    target.dispatchEvent(new KeyboardEvent("keydown", {key: SIDEWAYS[event.key]}));
  }
}

export default {
  render({el}) {
    const listener = event => {
      const home = el.closest(".course-explorer");
      if (home) guard(home, event);
    };
    window.addEventListener("keydown", listener, {capture: true});
    return () => window.removeEventListener("keydown", listener, {capture: true});
  }
};
"""


class KeyboardGuard(anywidget.AnyWidget):
    """A widget without a look, which keeps the keys of the explorer that it stands in."""

    _esm = SCRIPT
