"""No text becomes a part of the page: one attack goes the way of every text that reaches HTML."""

import html.parser
import re
from pathlib import Path

import ipywidgets as widgets
import pytest
import sinks

import helpers
from helpers.exercises.prediction import Prediction

HELPERS = Path(helpers.__file__).parent


class Page(html.parser.HTMLParser):
    """What a browser makes of HTML: its text, and the elements that an attack has made."""

    def __init__(self, text):
        super().__init__()
        self.words = []
        self.attacked = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.words += [value for value in values.values() if value]
        if values.get("src") == "x" or any(name.startswith("on") for name in values):
            self.attacked.append(self.get_starttag_text())

    def handle_data(self, data):
        self.words.append(data)


def html_of(shown):
    """Yield every piece of HTML in a widget, or of what a notebook shows as HTML."""
    if isinstance(shown, widgets.HTML):
        yield shown.value
    elif isinstance(shown, widgets.DOMWidget):
        assert not getattr(shown, "description_allow_html", False)
        for child in getattr(shown, "children", ()):
            yield from html_of(child)
    else:
        yield shown._repr_html_()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Each thing, and the pages that its HTML makes: none of a prediction, which a script draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebooks"))
        return [(thing, [Page(text) for text in html_of(thing)]) for thing in sinks.everything()]


def test_an_attack_is_shown_and_makes_no_part_of_the_page(shown):
    for thing, pages in shown:
        assert not any(page.attacked for page in pages), thing
        met = ["<img src=x" in "".join(page.words) for page in pages]
        assert any(met) or isinstance(thing, Prediction), thing


def test_an_attack_that_is_not_escaped_is_seen():
    page = Page(f"<p>{sinks.ATTACK}</p>")
    assert len(page.attacked) == 1


def test_every_room_that_writes_html_is_attacked():
    writes = re.compile(r"widgets\.HTML|_repr_html_|html\.escape|f?['\"]<[a-z]+[ >]")
    rooms = {
        path.relative_to(HELPERS).as_posix()
        for path in HELPERS.rglob("*.py")
        if writes.search(path.read_text("utf-8"))
    }
    assert rooms == sinks.ROOMS


def test_no_script_of_the_course_writes_html():
    for path in HELPERS.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write", path.read_text()
        )
