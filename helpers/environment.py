"""One cell that says whether everything the course needs is there: notebook 00 shows it."""

import html
import os
import platform
import threading
import time
from importlib import metadata

import ipywidgets as widgets
from packaging.requirements import Requirement

from helpers import data, measure

REFERENCE_MILLISECONDS = 3  # ten networks of depth 4, on one core of an ordinary laptop
SLOW = 20  # times the reference: from there on a slider lags behind the hand
SPEED_TRIES = 7  # their median counts, as another program may disturb one or two
EXAMPLES = 128  # as many as `measure.profile` takes by default
SAME_GRADIENT = 1e-4  # relative: Keras computes in float32
KNOCKS = 60  # tries to reach the browser, half a second apart
SHOWN = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "jupyterlab", "ipywidgets")


def check() -> widgets.VBox:
    """Look at the versions, a gradient, the speed, the engine, and whether the browser talks.

    Returns
    -------
    widgets.VBox
        A line for each; one that begins with ✗ says how to mend the fault. The last line turns
        from … to ✓ when the first message from the browser arrives.
    """
    # in this order: a wrong version is the usual reason why a later part fails
    parts = (_versions, _gradient, _speed, _engine)
    lines = [widgets.HTML(_line(*part())) for part in parts]
    return widgets.VBox([*lines, *_browser()])


def _browser():
    """Make the line about the browser, and the hidden clock whose first tick turns it to ✓."""
    last = _advice("start anew with make lab")
    waiting = (
        "Waiting for the browser. If this line stays, the widgets cannot reach the kernel: "
        f"reload the page, run this cell again, and if that fails {last}."
    )
    line = widgets.HTML(_line("…", waiting))
    # a hidden Play widget counts by itself, in the browser: its first step proves the round trip
    clock = widgets.Play(min=0, max=1, interval=50)
    clock.layout.display = "none"

    def answer(_):
        line.value = _line("✓", "Browser and kernel talk: every slider of the course will move.")

    def knock():
        # the browser starts the clock only on a change that it sees, so not before it has drawn it
        for _ in range(KNOCKS):
            if clock.value:
                return
            clock.playing = False
            clock.playing = True
            time.sleep(0.5)

    clock.observe(answer, names="value")
    # a thread, as the cell has to end before the browser hears of it; daemon, so that it keeps no
    # kernel alive
    threading.Thread(target=knock, daemon=True).start()
    return line, clock


def _versions():
    faults = []
    found = {}
    try:
        needed = [Requirement(text) for text in metadata.requires("vanishing-gradients")]
    except metadata.PackageNotFoundError:
        return (
            "✗",
            f"The course is not installed in this kernel: {_advice('start it with make lab')}.",
        )
    for requirement in needed:
        # for another system, or for the tests only
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found[requirement.name] = version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        # a release candidate within the range may well work; pip decided to install it
        if not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if faults:
        remedy = _advice("run: pip install -r requirements.txt")
        return "✗", f"{'; '.join(faults)}. To mend it, {remedy}"
    shown = ", ".join(f"{name} {found[name]}" for name in SHOWN if name in found)
    return "✓", f"Python {platform.python_version()}, {shown}: as the course needs them."


def _gradient():
    from helpers import networks  # loads TensorFlow, so not before it is asked for

    circles = data.circles(EXAMPLES)
    by_keras = measure.signals(networks.make_mlp("tanh", "glorot_uniform"), circles).delta_norm
    by_numpy = measure.profile("tanh", "glorot_uniform", dataset=circles).delta_norm[0]
    error = float(abs(by_keras / by_numpy - 1).max())
    if error < SAME_GRADIENT:
        return "✓", "Keras and NumPy find the same gradient in every layer of a first network."
    return "✗", (
        f"Keras and NumPy disagree on a gradient by {error:.1e}, so TensorFlow is damaged: "
        f"{_advice('delete the folder .venv and run make lab')}."
    )


def _speed():
    circles = data.circles(EXAMPLES)
    seconds = []
    for _ in range(SPEED_TRIES):
        start = time.perf_counter()
        measure.profile("tanh", "glorot_uniform", dataset=circles)
        seconds.append(time.perf_counter() - start)
    milliseconds = 1000 * sorted(seconds)[len(seconds) // 2]
    said = f"Measuring ten small networks takes {milliseconds:.1f} ms here"
    if milliseconds < SLOW * REFERENCE_MILLISECONDS:
        return "✓", f"{said} (the reference is {REFERENCE_MILLISECONDS} ms)."
    # on a hub it is the others' programs that take the time
    remedy = "wait a minute, and run this cell again" if _is_on_hub() else "close other programs"
    return "✗", f"{said}, the reference is {REFERENCE_MILLISECONDS} ms: {remedy}."


def _engine():
    try:
        from helpers.training import engine_status  # loads numba, so not before it is asked for

        compiled, folder = engine_status()
    except (ImportError, OSError) as error:  # OSError: numba's compiler lacks its library
        return "✗", (
            f"The training engine cannot be loaded ({error}): "
            f"{_advice('delete the folder .venv and run make lab')}."
        )
    if folder is None:
        return "✓", (
            "The training engine has no folder to keep its compiled code in, "
            "so each kernel compiles it anew, some 10 s."
        )
    if compiled:
        return "✓", "The training engine is compiled on this machine."
    return "…", "The training engine will be compiled at the first training, some 10 s."


def _is_on_hub():
    return "JUPYTERHUB_USER" in os.environ


def _advice(at_home):
    """Return what to do: on a hub a learner has no installation, but a server and a teacher."""
    if _is_on_hub():
        return (
            "stop your server (File, Hub Control Panel) and start it again, "
            "and if that changes nothing show this line to your teacher"
        )
    return at_home


def _line(mark, text):
    # escaped: an error message may hold < and &
    return f'<div style="font-size: 16px"><b>{mark}</b> {html.escape(text)}</div>'
