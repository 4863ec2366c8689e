import re
import sys
import threading
from importlib import metadata
from types import SimpleNamespace

import pytest

from helpers import environment, measure


@pytest.fixture
def engine(monkeypatch):
    """Let the training engine say that it is in that state."""

    def be(compiled, folder):
        stand_in = SimpleNamespace(engine_status=lambda: (compiled, folder))
        monkeypatch.setitem(sys.modules, "helpers.training", stand_in)

    return be


def lines(widget):
    return [re.sub("<[^>]+>", "", child.value) for child in widget.children[:-1]]


def test_this_environment_passes_and_waits_for_the_browser(engine):
    engine(True, "/somewhere")
    widget = environment.check()
    said = lines(widget)
    assert [line[0] for line in said] == ["✓", "✓", "✓", "✓", "…"]
    assert metadata.version("keras") in said[0]
    widget.children[-1].value = 1  # what the browser's clock sends
    assert lines(widget)[-1].startswith("✓ Browser and kernel talk")
    knockers = [t for t in threading.enumerate() if t.name.endswith("(knock)")]
    for thread in knockers:
        thread.join(timeout=2)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (
            lambda name: "7.1.0" if name == "ipykernel" else "999" * (name == "x") or real(name),
            "ipykernel is 7.1.0, not <7,>=6.31",
        ),
        (lambda name: missing(name) if name == "keras" else real(name), "keras is missing"),
    ],
)
def test_a_wrong_version_is_named_with_the_remedy(monkeypatch, version, said):
    monkeypatch.setattr(metadata, "version", version)
    mark, text = environment._versions()
    assert mark == "✗" and said in text and "pip install -r requirements.txt" in text


real = metadata.version


def missing(name):
    raise metadata.PackageNotFoundError(name)


def test_a_course_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(metadata, "requires", missing)
    assert environment._versions() == (
        "✗",
        "The course is not installed in this kernel: start it with make lab.",
    )


def test_a_wrong_gradient_is_noticed(monkeypatch):
    right = measure.signals
    monkeypatch.setattr(measure, "signals", lambda *args: 1.01 * right(*args))
    mark, text = environment._gradient()
    assert mark == "✗" and "disagree on a gradient" in text


def test_a_slow_machine_is_told(monkeypatch):
    monkeypatch.setattr(environment, "REFERENCE_MILLISECONDS", 1e-6)
    assert environment._speed()[0] == "✗"


@pytest.mark.parametrize(
    ("compiled", "folder", "mark", "said"),
    [
        (True, "/somewhere", "✓", "is compiled on this machine"),
        (False, "/somewhere", "…", "will be compiled at the first training"),
        (False, None, "✓", "no folder to keep its compiled code in, so each kernel"),
    ],
)
def test_the_state_of_the_engine_is_told(engine, compiled, folder, mark, said):
    engine(compiled, folder)
    marked, text = environment._engine()
    assert marked == mark and said in text


def test_an_engine_that_cannot_be_loaded_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "helpers.training", None)  # its import fails
    mark, text = environment._engine()
    assert mark == "✗" and "cannot be loaded" in text and "make lab" in text


def test_on_a_hub_no_line_sends_a_learner_to_a_terminal(engine, monkeypatch):
    """There is no terminal of one's own there, and nothing that one may install."""
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    monkeypatch.setattr(metadata, "version", lambda name: "0.1")
    monkeypatch.setattr(environment, "REFERENCE_MILLISECONDS", 1e-6)
    right = measure.signals
    monkeypatch.setattr(measure, "signals", lambda *args: 1.01 * right(*args))
    monkeypatch.setitem(sys.modules, "helpers.training", None)
    said = [text for _, text in (part() for part in PARTS)]
    said.append(environment._browser()[0].value)
    monkeypatch.setattr(metadata, "requires", missing)
    said.append(environment._versions()[1])
    assert not re.search(r"make lab|pip install|\.venv|close other", " ".join(said))
    assert sum("teacher" in text for text in said) == len(said) - 1  # the slow machine's says wait


PARTS = (environment._versions, environment._gradient, environment._speed, environment._engine)


def test_what_a_line_quotes_is_escaped():
    assert "&lt;b&gt; &amp;" in environment._line("✗", "<b> &")
