"""The check of links finds what is broken; and every page of the course has none that is."""

import build_site
import check_links
import pytest


def findings(folder, body):
    (folder / "a.html").write_text(f'<p id="here">{body}</p>', "utf-8")
    (folder / "b.html").write_text('<h1 id="one two">B</h1>', "utf-8")
    return check_links.check(folder)


@pytest.mark.parametrize(
    "body",
    [
        '<a href="#here">',
        '<a href="b.html?q=1#one%20two">',
        '<a href="b.html">',
        '<a href="mailto:someone">',
    ],
)
def test_a_link_that_leads_somewhere_is_no_finding(tmp_path, body):
    assert findings(tmp_path, body) == ([], set())


@pytest.mark.parametrize(
    "body, said",
    [
        ('<a href="#there">', "no place"),
        ('<a href="b.html#here">', "no place"),
        ('<a href="c.html">', "nothing"),
        ('<img src="c.png">', "nothing"),
        ('<script src="https://example.org/x.js"></script>', "another host"),
        ('<link href="//example.org/x.css">', "another host"),
    ],
)
def test_a_broken_link_is_found(tmp_path, body, said):
    (broken,) = findings(tmp_path, body).broken
    assert said in broken and "a.html" in broken


def test_a_link_to_another_host_is_listed(tmp_path):
    assert findings(tmp_path, '<a href="https://example.org/">') == ([], {"https://example.org/"})


def test_sphinx_warns_of_nothing_and_every_link_of_the_course_leads_somewhere(tmp_path):
    """Of all lessons, as they are stored: to run them, too, takes minutes."""
    external = build_site.build(build_site.NOTEBOOKS, tmp_path / "source", tmp_path / "site")
    assert external
    stems = {path.stem for path in build_site.NOTEBOOKS.glob("[0-9]*.ipynb")}
    pages = {path.stem for path in (tmp_path / "site").glob("*.html")}
    assert stems | {"index", "glossary", "lecturer_guide", "search"} <= pages
