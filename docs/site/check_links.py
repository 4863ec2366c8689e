"""Follow every link of a built site without a network: pages, places on them, pictures, scripts."""

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself; what a link leads to is fetched by a click.
FETCHED = {"img", "script", "link", "source", "iframe"}


class Page(NamedTuple):
    """The places of a page that a link may lead to, and what it links to: (tag, address)."""

    places: set[str]
    links: list[tuple[str, str]]


class Findings(NamedTuple):
    """What is broken, in a sentence each, and the addresses on other hosts."""

    broken: list[str]
    external: set[str]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.page = Page(set(), [])

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if given.get("id"):
            self.page.places.add(given["id"])
        for name in ("href", "src"):
            if given.get(name):
                self.page.links.append((tag, given[name]))


def read(path: Path) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(path.read_text("utf-8"))
    return reader.page


def check(folder: Path) -> Findings:
    """Check every page of a folder."""
    pages = {path.resolve(): read(path) for path in folder.rglob("*.html")}
    broken = []
    external = set()
    for path, page in sorted(pages.items()):
        for tag, address in page.links:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") or parts.netloc:
                external.add(address)
                if tag in FETCHED:
                    broken.append(f"{path.name} fetches from another host: {address}")
                continue
            if parts.scheme:  # data:, mailto:
                continue
            # an empty path is the page itself
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                broken.append(f"{path.name} leads to nothing: {address}")
                continue
            # of a script or a picture no place is asked for
            places = pages[target].places if target in pages else set()
            if parts.fragment and target in pages and unquote(parts.fragment) not in places:
                broken.append(f"{path.name} leads to no place on its page: {address}")
    return Findings(broken, external)
